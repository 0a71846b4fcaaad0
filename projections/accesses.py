"""The read model `accesses`: who looked at whose data and who was refused, and the reviews of broken glass.

An event about two hundred persons is one row, and two hundred of persons. What is withheld is a row of the person whom
a tag stands for, too; that it is withheld stands beside it, and the questions heed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

from application.access.access_log import MODEL, AccessEntry, entry_of
from application.following import Sequenced
from application.recorded import Recorded
from domain import access
from domain.access import AccessOpened, AccessWithheld
from domain.access_key import KeyIssued
from domain.access_review import AccessReviewed, GlassBroken
from domain.ledger import EvidenceIssued, LedgerExported, LedgerReplayed
from domain.values import public_id
from projections.engine.arrays import columns
from projections.engine.read_model import Connection

VERSION: Final = 1
TABLES: Final = ("access_event_v1", "access_subject_v1", "access_holder_v1", "access_review_v1")
HOLD: Final[LiteralString] = (
    "INSERT INTO access_holder_v1 (tenant_id, actor, holder, roles)"
    " SELECT * FROM unnest(%b::uuid[], %s::text[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING"
)
ENTER: Final[LiteralString] = (
    "INSERT INTO access_event_v1 (tenant_id, event_id, kind, happened_at, actor, purpose, case_ref, reason, fields,"
    " about) SELECT * FROM unnest(%b::uuid[], %b::uuid[], %s::text[], %b::timestamptz[], %s::text[], %s::text[],"
    " %s::text[], %s::text[], %s::text[], %b::int[])"
)
ABOUT: Final[LiteralString] = (
    "INSERT INTO access_subject_v1 (tenant_id, subject_id, happened_at, event_id)"
    " SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[], %b::uuid[])"
)
WITHHOLD: Final[LiteralString] = (
    "INSERT INTO access_subject_v1 (tenant_id, subject_id, happened_at, event_id, tag, withheld_until)"
    " SELECT w.tenant, w.person, e.happened_at, w.event, w.tag, w.until"
    " FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::timestamptz[])"
    " AS w(tenant, event, tag, person, until)"
    " JOIN access_event_v1 e ON e.tenant_id = w.tenant AND e.event_id = w.event"
)
OPEN: Final[LiteralString] = (
    "UPDATE access_subject_v1 s SET opened_at = w.at"
    " FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::timestamptz[]) AS w(tenant, event, person, at)"
    " JOIN access_event_v1 e ON e.tenant_id = w.tenant AND e.event_id = w.event"
    " WHERE s.tenant_id = w.tenant AND s.subject_id = w.person AND s.happened_at = e.happened_at"
    " AND s.event_id = w.event"
)
BREAK: Final[LiteralString] = (
    "INSERT INTO access_review_v1 (tenant_id, event_id, stream_id, access_event, broken_at, actor, reason, beyond,"
    " due_at) SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::timestamptz[], %s::text[],"
    " %s::text[], %s::text[], %b::timestamptz[])"
)
MARK: Final[LiteralString] = (
    "UPDATE access_event_v1 e SET glass = w.reason"
    " FROM unnest(%b::uuid[], %b::uuid[], %s::text[]) AS w(tenant, event, reason)"
    " WHERE e.tenant_id = w.tenant AND e.event_id = w.event"
)
REVIEW: Final[LiteralString] = (
    "UPDATE access_review_v1 r SET outcome = w.outcome, follow_up = w.follow_up, reviewed_at = w.at,"
    " reviewer = w.reviewer"
    " FROM unnest(%b::uuid[], %b::uuid[], %s::text[], %s::text[], %b::timestamptz[], %s::text[])"
    " AS w(tenant, stream, outcome, follow_up, at, reviewer)"
    " WHERE r.tenant_id = w.tenant AND r.stream_id = w.stream"
)

CONSUMED: Final = frozenset(
    (
        *access.DECISIONS,
        EvidenceIssued,
        LedgerExported,
        LedgerReplayed,
        KeyIssued,
        GlassBroken,
        AccessReviewed,
    )
)
Line = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class AccessesModel:
    """Takes accesses in."""

    name: str = MODEL
    version: int = VERSION
    tables: tuple[LiteralString, ...] = TABLES
    consumes: frozenset[type] = CONSUMED

    def apply(self, connection: Connection, batch: Sequence[Sequenced]) -> None:
        """See ReadModel. What leans on a row of an earlier event comes after it."""
        events = [one.event for one in batch]
        entries = [
            (event.tenant, entry) for event in events if (entry := entry_of(event)) is not None
        ]
        glass = list(_broken(events))
        for statement, lines in (
            (HOLD, _holders(events)),
            (ENTER, (_entry(tenant, entry) for tenant, entry in entries)),
            (ABOUT, _people(entries)),
            (WITHHOLD, _withheld(events)),
            (OPEN, _opened(events)),
            (BREAK, glass),
            (MARK, [(line[0], line[3], line[6]) for line in glass]),
            (REVIEW, _reviewed(events)),
        ):
            if found := list(lines):
                connection.execute(statement, columns(found))


def _holders(events: Sequence[Recorded[object]]) -> Iterable[Line]:
    for event in events:
        if isinstance(it := event.decision, KeyIssued):
            yield event.tenant, public_id("key", it.key), it.terms.actor, ",".join(it.terms.roles)


def _entry(tenant: UUID, it: AccessEntry) -> Line:
    plain = (it.actor, it.purpose, it.case, it.reason, ",".join(it.fields), it.count)
    return (tenant, it.event, it.kind, it.at, *plain)


def _people(entries: Iterable[tuple[UUID, AccessEntry]]) -> Iterable[Line]:
    for tenant, entry in entries:
        for subject in entry.subjects:
            yield tenant, subject, entry.at, entry.event


def _withheld(events: Sequence[Recorded[object]]) -> Iterable[Line]:
    for event in events:
        if isinstance(it := event.decision, AccessWithheld):
            for one in it.tags:
                yield event.tenant, it.event, one.tag, one.stands_for, it.until


def _opened(events: Sequence[Recorded[object]]) -> Iterable[Line]:
    for event in events:
        if isinstance(it := event.decision, AccessOpened):
            yield event.tenant, it.event, it.subject, event.occurred_at


def _broken(events: Sequence[Recorded[object]]) -> Iterable[Line]:
    for event in events:
        if isinstance(it := event.decision, GlassBroken):
            assert event.cause is not None, "glass is broken for an access"
            why = (event.actor, it.reason, it.beyond, it.review_due_at)
            ids = (event.tenant, event.event_id, event.stream, event.cause)
            yield (*ids, event.occurred_at, *why)


def _reviewed(events: Sequence[Recorded[object]]) -> Iterable[Line]:
    for event in events:
        if isinstance(it := event.decision, AccessReviewed):
            when = (event.occurred_at, event.actor)
            yield (event.tenant, event.stream, it.outcome, it.follow_up, *when)
