"""The mirror, record by record: the same events at the same places as in the database, as far as the mirror reaches."""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from typing import Final

import psycopg

from infrastructure.fsck.finding import OF_TENANT, Finding, Row, Scope
from infrastructure.ledger.publishing.mirror import FolderMirror, MirrorDamaged, MirroredEvent

STORED: Final = (
    "SELECT s.sequence, s.tenant_id, s.position, s.event_id, s.stream_id, s.stream_version, coalesce(e.type, ''),"
    " s.recorded_at, coalesce(e.header, ''), coalesce(e.state, ''), s.position < coalesce("
    "(SELECT max(c.size) FROM ledger_checkpoint c WHERE c.tenant_id = s.tenant_id), 0)"
    " FROM sequenced s LEFT JOIN event e USING (tenant_id, stream_id, stream_version)"
    f" WHERE {OF_TENANT.format('s')} ORDER BY s.sequence"
)
MIRROR: Final = "mirror"
FIELDS: Final = (
    *("sequence", "tenant", "position", "event_id", "stream", "version", "type", "recorded_at"),
    *("header", "payload"),
)


def mirrored(scope: Scope) -> Iterator[Finding]:
    """The database may have more than the mirror, but nothing that was signed; never less, and never anything else."""
    stored = scope.rows("mirrored", STORED)
    try:
        agree = yield from _compared(scope, stored)
    except MirrorDamaged as damage:
        yield Finding(MIRROR, None, None, str(damage))
    except (struct.error, ValueError, OverflowError):
        yield Finding(MIRROR, None, None, "a record of the mirror does not read")
    except OSError as error:
        yield Finding(MIRROR, None, None, f"the mirror cannot be read ({type(error).__name__})")
    else:
        if agree and (row := next((row for row in stored if row[-1]), None)) is not None:
            yield Finding(
                MIRROR, row[1], row[2], "it was signed for, and the mirror ends before it"
            )


def _compared(scope: Scope, stored: Iterator[Row]) -> Generator[Finding, None, bool]:
    """Findings of all that the mirror has; True when the two go together to its end."""
    reached = scope.connection.execute("SELECT sequence FROM sequencer_head").fetchone()
    last = int(reached[0]) if reached else 0
    for event in FolderMirror(scope.deployment.settings.mirror).read():
        if event.sequence > last and _is_later(scope, event):
            return True
        if scope.tenant not in (None, event.tenant):
            continue
        scope.tick(1)
        row = next(stored, None)
        if row is None:
            reason = "the mirror has it, and the database does not"
            yield Finding(MIRROR, event.tenant, event.position, reason)
            return False
        kept = MirroredEvent(*row[:-1])
        if (flaw := difference(event, kept)) is not None:
            yield Finding(MIRROR, event.tenant, event.position, flaw)
            if event.sequence != kept.sequence:
                return False
    return True


def difference(mirrored: MirroredEvent, kept: MirroredEvent) -> str | None:
    """In what the database's event differs from the mirror's; None where it does not."""
    for name in FIELDS:
        if getattr(mirrored, name) != getattr(kept, name):
            return f"its {name} in the database is not that in the mirror"
    return None


def _is_later(scope: Scope, event: MirroredEvent) -> bool:
    """True for an event that was sequenced after the snapshot: the database has it by now."""
    with psycopg.connect(scope.deployment.dsn_of("keeper"), autocommit=True) as now:
        statement = b"SELECT 1 FROM sequenced WHERE sequence = %s"
        return now.execute(statement, (event.sequence,)).fetchone() is not None
