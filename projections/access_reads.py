"""The questions of the read model `accesses`: the log, the reviews, and what waits to be opened."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from application.access.access_log import FIRST, AccessRow, After
from application.access.access_reviews import ReviewRow
from application.ledger.withholding import WithheldAccess
from domain.access_review import State
from projections.agenda import Rows

ENTRY: Final[LiteralString] = (
    "e.event_id, e.kind, e.happened_at, e.actor, h.holder, h.roles, e.purpose, e.case_ref, e.reason, e.fields,"
    " e.about, e.glass"
)
# Rows of a part first, in the order of an index; then, for each, what belongs to it by its key.
HOLDER: Final[LiteralString] = (
    " LEFT JOIN LATERAL (SELECT holder, roles FROM access_holder_v1"
    " WHERE tenant_id = e.tenant_id AND actor = e.actor OFFSET 0) h ON true"
)
ABOUT: Final[LiteralString] = (
    f"SELECT {ENTRY}, s.tag, s.withheld_until, s.opened_at FROM ("
    " SELECT * FROM access_subject_v1 WHERE tenant_id = %b AND subject_id = %b AND happened_at <= %b"
    " AND (happened_at, event_id) > (%b, %b) AND (tag IS NULL OR %b OR opened_at <= %b)"
    " ORDER BY happened_at, event_id LIMIT %s) s"
    " JOIN access_event_v1 e ON e.tenant_id = s.tenant_id AND e.event_id = s.event_id"
    f"{HOLDER} ORDER BY e.happened_at, e.event_id"
)
BETWEEN: Final[LiteralString] = (
    f"SELECT {ENTRY}, NULL::uuid, NULL::timestamptz, NULL::timestamptz FROM ("
    " SELECT * FROM access_event_v1 WHERE tenant_id = %b AND happened_at >= %b AND happened_at < %b"
    " AND (happened_at, event_id) > (%b, %b)"
)
OF_ACTOR: Final[LiteralString] = " AND actor = %s"
OF_PURPOSE: Final[LiteralString] = " AND purpose = %s"
IN_ORDER: Final[LiteralString] = (
    f" ORDER BY happened_at, event_id LIMIT %s) e{HOLDER} ORDER BY e.happened_at, e.event_id"
)
REVIEWS: Final[LiteralString] = (
    "SELECT e.event_id, e.access_event, e.broken_at, e.actor, h.holder, h.roles, e.reason, e.beyond, e.due_at,"
    " e.outcome, e.follow_up, e.reviewed_at, e.reviewer FROM ("
    " SELECT * FROM access_review_v1 WHERE tenant_id = %b AND (broken_at, event_id) > (%b, %b)"
)
DONE: Final[LiteralString] = " AND outcome IS NOT NULL"
LATE: Final[LiteralString] = " AND outcome IS NULL AND due_at <= %b"
IN_TIME: Final[LiteralString] = " AND outcome IS NULL AND due_at > %b"
IN_ORDER_OF_REVIEWS: Final[LiteralString] = (
    f" ORDER BY broken_at, event_id LIMIT %s) e{HOLDER} ORDER BY e.broken_at, e.event_id"
)
DUE: Final[LiteralString] = (
    "SELECT s.tag, s.subject_id, s.event_id, e.case_ref FROM access_subject_v1 s"
    " JOIN access_event_v1 e ON e.tenant_id = s.tenant_id AND e.event_id = s.event_id"
    " WHERE s.tenant_id = %b AND s.tag IS NOT NULL AND s.opened_at IS NULL"
    " AND (s.withheld_until <= %b AND NOT coalesce(e.case_ref = ANY(%s::text[]), false)"
    " OR e.case_ref = ANY(%s::text[]))"
    " ORDER BY s.withheld_until LIMIT %s"
)
WAITING: Final[LiteralString] = (
    "SELECT DISTINCT e.case_ref FROM access_subject_v1 s"
    " JOIN access_event_v1 e ON e.tenant_id = s.tenant_id AND e.event_id = s.event_id"
    " WHERE s.tenant_id = %b AND s.tag IS NOT NULL AND s.opened_at IS NULL AND e.case_ref IS NOT NULL ORDER BY 1"
)
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class PostgresAccesses:
    """The ports `Accesses`, `ReviewRows` and `WithheldAccesses`."""

    database: Rows

    def about(
        self,
        tenant: UUID,
        subject: UUID,
        as_of: datetime,
        limit: int,
        after: After | None,
        *,
        withheld: bool,
    ) -> list[AccessRow]:
        """See the port."""
        at, event = after or (FIRST, _NOBODY)
        asked = (tenant, subject, as_of, at, event, withheld, as_of, limit)
        return [_row(row) for row in self.database.rows(ABOUT, asked)]

    def between(
        self,
        tenant: UUID,
        from_: datetime,
        to: datetime,
        limit: int,
        after: After | None,
        *,
        actor: str | None = None,
        purpose: str | None = None,
    ) -> list[AccessRow]:
        """See the port. Each choice has an index of its own, so each is a statement of its own."""
        at, event = after or (FIRST, _NOBODY)
        statement = BETWEEN
        asked: list[object] = [tenant, from_, to, at, event]
        for condition, value in ((OF_ACTOR, actor), (OF_PURPOSE, purpose)):
            if value is not None:
                statement += condition
                asked.append(value)
        rows = self.database.rows(statement + IN_ORDER, [*asked, limit])
        return [_row(row) for row in rows]

    def reviews(
        self, tenant: UUID, state: State | None, now: datetime, limit: int, after: After | None
    ) -> Sequence[ReviewRow]:
        """See the port."""
        at, event = after or (FIRST, _NOBODY)
        condition, asked = {
            None: ("", ()),
            "done": (DONE, ()),
            "late": (LATE, (now,)),
            "due": (IN_TIME, (now,)),
        }[state]
        statement = REVIEWS + condition + IN_ORDER_OF_REVIEWS
        rows = self.database.rows(statement, (tenant, at, event, *asked, limit))
        return [_review(row) for row in rows]

    def cases(self, tenant: UUID) -> Sequence[str]:
        """See the port."""
        return [row[0] for row in self.database.rows(WAITING, (tenant,))]

    def due(
        self,
        tenant: UUID,
        now: datetime,
        limit: int,
        held: Collection[str] = (),
        over: Collection[str] = (),
    ) -> Sequence[WithheldAccess]:
        """See the port."""
        rows = self.database.rows(DUE, (tenant, now, list(held), list(over), limit))
        return [WithheldAccess(*row) for row in rows]


def _row(values: Sequence[Any]) -> AccessRow:
    found = list(values)
    found[5], found[9] = _names(found[5]), _names(found[9])
    return AccessRow(*found)


def _review(values: Sequence[Any]) -> ReviewRow:
    found = list(values)
    found[5] = _names(found[5])
    return ReviewRow(*found)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()
