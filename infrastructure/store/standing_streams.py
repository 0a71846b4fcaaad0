"""Every stream that leaves something standing, folded, in order of tenant and stream; one event in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import psycopg

from application.standing import CONCEPTS, NOTHING, Standing, standing_after
from domain.errors import LedgerDamaged
from infrastructure.keys.sealer import SubjectKey
from infrastructure.store.event_mapper import EventMapper, UnknownEventType
from infrastructure.store.event_recorder import COLUMNS, headed

ROWS_AT_ONCE: Final = 1_000
STREAMS: Final = (
    f"SELECT {COLUMNS} FROM event WHERE (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s)"
    " AND split_part(type, '.', 1) = ANY(%(concepts)s) ORDER BY tenant_id, stream_id, stream_version"
)


class NoKeys:
    """Nothing is sealed where streams are only read."""

    def sealing_key(self, *_: object) -> SubjectKey:
        """See SealingKeys."""
        raise AssertionError("nothing is sealed here")


@dataclass(frozen=True, slots=True)
class StandingStream:
    """A stream and what it leaves standing; `flaw` says why that cannot be known, where it cannot."""

    tenant: UUID
    stream: UUID
    standing: Standing
    flaw: str | None = None


def standing_streams(
    connection: psycopg.Connection[Any], tenant: UUID | None = None
) -> Iterator[StandingStream]:
    """The streams of one tenant or of all, inside the caller's transaction."""
    mapper = EventMapper(NoKeys())
    with connection.cursor("standing_streams", binary=True) as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(
            STREAMS.encode(), {"tenant": tenant, "concepts": list(CONCEPTS)}, binary=True
        )
        for (of, stream), rows in groupby(cursor, key=lambda row: (row[4], row[0])):
            try:
                found = standing_after(mapper.to_domain_event(headed(row)) for row in rows)
            except (LedgerDamaged, UnknownEventType) as damage:
                yield StandingStream(of, stream, NOTHING, str(damage))
            except (ValueError, KeyError, TypeError, AssertionError, AttributeError) as strange:
                # Bytes that were changed by hand can break a fold in any way.
                yield StandingStream(
                    of, stream, NOTHING, f"it does not fold ({type(strange).__name__})"
                )
            else:
                yield StandingStream(of, stream, found)
