"""The read model `disclosures`: who was given whose data, and what became of it.

A batch of events is folded in memory, after one look at how the disclosures in it stood and what was known of their
recipients; then each table is written once. Persons of one disclosure may be ten thousand: their rows are never read,
only added, and told in one statement how their disclosure stands now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from application.answers.disclosure_reads import MODEL
from application.answers.disclosure_rows import (
    DISCLOSURE_EVENTS,
    RECIPIENT_EVENTS,
    DisclosureRow,
    RecipientRow,
    SharedRow,
    Step,
    begins,
    disclosure_of,
    recipient_after,
    row_of,
    step_after,
)
from application.following import Sequenced
from application.recorded import Recorded
from domain.disclosure import DisclosureRecorded, DisclosureRefused, DisclosureWithheld
from projections.disclosure_columns import (
    DISCLOSURE,
    RECIPIENT,
    STEP,
    disclosure_columns,
    recipient_columns,
    recipient_row,
    shared_columns,
    step_columns,
    step_row,
)
from projections.engine.arrays import columns
from projections.engine.read_model import Connection

VERSION: Final = 1
TABLES: Final = ("recipient_v1", "disclosure_v1", "disclosure_step_v1", "shared_v1")
Key = tuple[UUID, UUID]
# Of each disclosure its last step, and when it last changed what totals are made of.
STOOD: Final[LiteralString] = (
    f"SELECT w.tenant_id, s.* FROM unnest(%b::uuid[], %b::uuid[]) AS w(tenant_id, id) CROSS JOIN LATERAL ("
    f"SELECT {STEP} FROM disclosure_step_v1 d WHERE d.tenant_id = w.tenant_id AND d.disclosure_id = w.id"
    " ORDER BY d.position DESC LIMIT 1) s"
)
TERMS: Final[LiteralString] = (
    f"SELECT tenant_id, {RECIPIENT} FROM recipient_v1"
    " WHERE (tenant_id, recipient_id) IN (SELECT * FROM unnest(%b::uuid[], %b::uuid[]))"
)
ADD_RECIPIENTS: Final[LiteralString] = (
    f"INSERT INTO recipient_v1 (tenant_id, {RECIPIENT}) SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::int[],"
    " %b::uuid[], %b::bigint[], %b::timestamptz[], %b::bool[], %s::text[], %s::text[], %s::text[], %s::text[],"
    " %s::text[], %s::text[])"
)
ADD_DISCLOSURES: Final[LiteralString] = (
    f"INSERT INTO disclosure_v1 (tenant_id, {DISCLOSURE}, opens_at) SELECT * FROM unnest(%b::uuid[], %b::uuid[],"
    " %b::uuid[], %b::bigint[], %b::timestamptz[], %b::uuid[], %b::int[], %s::text[], %s::text[], %b::uuid[],"
    " %s::text[], %b::timestamptz[])"
)
ADD_STEPS: Final[LiteralString] = (
    f"INSERT INTO disclosure_step_v1 (tenant_id, {STEP}) SELECT * FROM unnest(%b::uuid[], %b::uuid[],"
    " %b::bigint[], %b::uuid[], %b::timestamptz[], %s::text[], %s::text[], %b::bool[], %b::timestamptz[],"
    " %s::text[])"
)
ADD_SHARED: Final[LiteralString] = (
    "INSERT INTO shared_v1 SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[],"
    " %s::text[], %b::timestamptz[], %b::bigint[], %b::uuid[], %b::bool[], %b::bool[], %b::timestamptz[],"
    " %b::timestamptz[], %b::bigint[])"
)
NAME_PERSONS: Final[LiteralString] = (
    "UPDATE shared_v1 h SET subject_id = w.subject_id FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[])"
    " AS w(tenant_id, disclosure_id, listed_id, subject_id) WHERE h.tenant_id = w.tenant_id"
    " AND h.disclosure_id = w.disclosure_id AND h.listed_id = w.listed_id"
)
SETTLED: Final[LiteralString] = (
    " FROM unnest(%b::uuid[], %b::uuid[], %b::bool[], %b::timestamptz[], %b::timestamptz[], %b::bigint[])"
    " AS w(tenant_id, disclosure_id, shared, opens_at, settled_at, settled_position)"
)
SETTLE_SHARED: Final[LiteralString] = (
    "UPDATE shared_v1 h SET shared = w.shared, opens_at = w.opens_at,"
    " settled_at = greatest(h.settled_at, w.settled_at), settled_position = w.settled_position"
    f"{SETTLED} WHERE h.tenant_id = w.tenant_id AND h.disclosure_id = w.disclosure_id"
)
SETTLE_DISCLOSURES: Final[LiteralString] = (
    f"UPDATE disclosure_v1 d SET opens_at = w.opens_at{SETTLED}"
    " WHERE d.tenant_id = w.tenant_id AND d.disclosure_id = w.disclosure_id"
    " AND d.opens_at IS DISTINCT FROM w.opens_at"
)


@dataclass(slots=True)
class _Batch:
    """What a batch of events makes, on top of how things stood before it."""

    stood: dict[Key, Step]
    terms: dict[Key, dict[int, RecipientRow]]
    recipients: list[tuple[UUID, RecipientRow]] = field(default_factory=list)
    rows: dict[Key, DisclosureRow] = field(default_factory=dict)
    shared: list[tuple[Key, SharedRow]] = field(default_factory=list)
    steps: list[tuple[UUID, Step]] = field(default_factory=list)
    settled: dict[Key, tuple[datetime, int]] = field(default_factory=dict)
    named: list[tuple[UUID, UUID, UUID, UUID]] = field(default_factory=list)

    def take(self, event: Recorded[object], position: int) -> None:
        if isinstance(event.decision, RECIPIENT_EVENTS):
            known = self.terms.setdefault((event.tenant, event.stream), {})
            row = recipient_after(known.get(max(known, default=0)), event, position)
            known[row.version] = row
            self.recipients.append((event.tenant, row))
            return
        key = (event.tenant, disclosure_of(event))
        before = self.stood.get(key)
        if begins(event, before):
            made, shared = row_of(event, position, self._terms_of(event))
            self.rows[key] = made
            self.shared += [(key, one) for one in shared]
        elif before is None:
            return  # a word about what was never recorded here
        step = step_after(before, event, position)
        self.stood[key] = step
        self.steps.append((event.tenant, step))
        if step.settles(before):
            at = max(step.at, self.settled[key][0]) if key in self.settled else step.at
            self.settled[key] = (at, position)
        if isinstance(event.decision, DisclosureWithheld):
            self.named += [(*key, one.tag, one.stands_for) for one in event.decision.tags]

    def _terms_of(self, event: Recorded[object]) -> RecipientRow | None:
        it = event.decision
        assert isinstance(it, DisclosureRecorded | DisclosureRefused)
        if it.recipient is None:
            return None
        known = self.terms.get((event.tenant, it.recipient), {})
        last = max(known, default=0)
        return known.get(it.recipient_version if isinstance(it, DisclosureRecorded) else last)


@dataclass(frozen=True, slots=True)
class DisclosuresModel:
    """Takes events of recipients and disclosures in."""

    name: str = MODEL
    version: int = VERSION
    tables: tuple[LiteralString, ...] = TABLES
    consumes: frozenset[type] = frozenset(DISCLOSURE_EVENTS + RECIPIENT_EVENTS)

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        """See ReadModel."""
        ours = [one.event for one in events]
        batch = _Batch(_stood(connection, ours), _terms(connection, ours))
        for one in events:
            batch.take(one.event, one.position)
        _write(connection, batch)


def _stood(connection: Connection, events: Iterable[Recorded[object]]) -> dict[Key, Step]:
    keys = {
        (one.tenant, disclosure_of(one))
        for one in events
        if isinstance(one.decision, DISCLOSURE_EVENTS)
    }
    found = _keyed(connection, STOOD, keys)
    return {(row[0], row[1]): step_row(row[1:]) for row in found}


def _terms(
    connection: Connection, events: Iterable[Recorded[object]]
) -> dict[Key, dict[int, RecipientRow]]:
    keys: set[Key] = set()
    for one in events:
        if isinstance(one.decision, RECIPIENT_EVENTS):
            keys.add((one.tenant, one.stream))
        match one.decision:
            case (
                DisclosureRecorded(recipient=UUID() as named)
                | DisclosureRefused(recipient=UUID() as named)
            ):
                keys.add((one.tenant, named))
    known: dict[Key, dict[int, RecipientRow]] = {}
    for row in _keyed(connection, TERMS, keys):
        terms = recipient_row(row[1:])
        known.setdefault((row[0], terms.recipient), {})[terms.version] = terms
    return known


def _keyed(
    connection: Connection, statement: LiteralString, keys: set[Key]
) -> list[tuple[Any, ...]]:
    if not keys:
        return []
    tenants, ids = zip(*sorted(keys), strict=True)
    return connection.execute(statement, (list(tenants), list(ids)), binary=True).fetchall()


def _write(connection: Connection, batch: _Batch) -> None:
    rows, last = batch.rows, batch.stood
    _many(
        connection,
        ADD_RECIPIENTS,
        [(tenant, *recipient_columns(one)) for tenant, one in batch.recipients],
    )
    _many(
        connection,
        ADD_DISCLOSURES,
        [(key[0], *disclosure_columns(one), last[key].opens_at) for key, one in rows.items()],
    )
    _many(connection, ADD_STEPS, [(tenant, *step_columns(one)) for tenant, one in batch.steps])
    _many(
        connection,
        ADD_SHARED,
        [
            (key[0], *shared_columns(one, rows[key], last[key], batch.settled[key]))
            for key, one in batch.shared
        ],
    )
    _many(connection, NAME_PERSONS, batch.named)
    changed = [
        (*key, last[key].shared, last[key].opens_at, *settled)
        for key, settled in batch.settled.items()
        if key not in rows
    ]
    _many(connection, SETTLE_SHARED, changed)
    _many(connection, SETTLE_DISCLOSURES, changed)


def _many(
    connection: Connection, statement: LiteralString, rows: Sequence[tuple[object, ...]]
) -> None:
    if rows:
        connection.execute(statement, columns(rows))
