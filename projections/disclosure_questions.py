"""What is asked of the read model `disclosures`: the port `Disclosures` on PostgreSQL.

Each question is one or two statements by key. Totals as of now read one index and nothing else; totals as of another
moment ask the steps of those disclosures that have changed since it, and of no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString, Protocol
from uuid import UUID

from application.answers.disclosure_reads import After, AsOf, Entry, Totals, View, Wanted
from application.answers.disclosure_rows import RecipientRow, SharedRow, Step
from projections.disclosure_columns import (
    DISCLOSURE,
    RECIPIENT,
    STEP,
    disclosure_row,
    recipient_row,
    step_row,
)

RECIPIENTS_MAX: Final = 10_000
# What was so of a row `h`; of a step `s`.
WAS: Final[LiteralString] = (
    " AND (%b::timestamptz IS NULL OR h.at <= %b::timestamptz)"
    " AND (%b::bigint IS NULL OR h.position <= %b::bigint)"
)
WAS_STEP: Final[LiteralString] = WAS.replace("h.", "s.")
STOOD: Final[LiteralString] = (
    "SELECT s.shared, s.opens_at FROM disclosure_step_v1 s WHERE s.tenant_id = h.tenant_id"
    f" AND s.disclosure_id = h.disclosure_id{WAS_STEP} ORDER BY s.position DESC LIMIT 1"
)
SETTLED: Final[LiteralString] = WAS.replace("h.at", "h.settled_at").replace(
    "h.position", "h.settled_position"
)
OF_SUBJECT: Final[LiteralString] = " FROM shared_v1 h WHERE h.tenant_id = %b AND h.subject_id = %b"
TOTALS: Final[LiteralString] = (
    "SELECT count(*) FILTER (WHERE n > 0), coalesce(sum(n), 0)::bigint, coalesce(sum(m), 0)::bigint,"
    " coalesce(sum(w), 0)::bigint, coalesce(sum(a), 0)::bigint FROM ("
    "SELECT recipient_id, count(*) FILTER (WHERE shared AND seen) AS n,"
    " count(*) FILTER (WHERE shared AND seen AND marketing) AS m, count(*) FILTER (WHERE hidden) AS w, count(*) AS a"
    " FROM (SELECT recipient_id, marketing, shared, hidden, (NOT hidden OR %b) AS seen FROM ("
    "SELECT recipient_id, marketing, shared,"
    " coalesce(opens_at > %b, false) OR coalesce(opens_now > %b, false) AS hidden FROM ({}) t) t"
    " WHERE NOT hidden OR %b) t GROUP BY recipient_id) t"
)
AS_SETTLED: Final[LiteralString] = (
    f"SELECT h.recipient_id, h.marketing, h.shared, h.opens_at, h.opens_at AS opens_now{OF_SUBJECT}"
)
TOTALS_NOW: Final = TOTALS.format(AS_SETTLED)
TOTALS_THEN: Final = TOTALS.format(
    f"{AS_SETTLED}{WAS}{SETTLED} UNION ALL SELECT h.recipient_id, h.marketing, s.shared, s.opens_at, h.opens_at"
    " FROM shared_v1 h CROSS JOIN LATERAL (" + STOOD + ") s"
    f" WHERE h.tenant_id = %b AND h.subject_id = %b{WAS} AND NOT (true{SETTLED})"
)
SHARED: Final[LiteralString] = (
    "h.disclosure_id, h.listed_id, h.subject_id, h.consent_id, h.consent_at_send"
)
AFTER: Final[LiteralString] = " AND (h.at, h.disclosure_id) > (%b::timestamptz, %b::uuid)"
IN_ORDER: Final[LiteralString] = " ORDER BY h.at, h.disclosure_id LIMIT %b"
OPEN_NOW: Final[LiteralString] = " AND (h.opens_at IS NULL OR h.opens_at <= %b)"
OPEN_THEN: Final[LiteralString] = (
    f" AND coalesce((SELECT st.opens_at FROM ({STOOD}) st), '-infinity') <= %b"
)
ROWS: Final[LiteralString] = (
    f"SELECT {', '.join('d.' + name for name in DISCLOSURE.split(', '))},"
    f" d.opens_at, r.event_id IS NOT NULL, {', '.join('r.' + name for name in RECIPIENT.split(', '))}"
    " FROM unnest(%b::uuid[]) AS w(id) JOIN disclosure_v1 d ON d.tenant_id = %b AND d.disclosure_id = w.id"
    " LEFT JOIN recipient_v1 r ON r.tenant_id = %b AND r.recipient_id = d.recipient_id"
    " AND r.version = d.recipient_version"
)
STEPS: Final[LiteralString] = (
    f"SELECT {', '.join('s.' + name for name in STEP.split(', '))} FROM unnest(%b::uuid[]) AS w(id)"
    f" JOIN disclosure_step_v1 s ON s.tenant_id = %b AND s.disclosure_id = w.id WHERE true{WAS_STEP}"
    " ORDER BY s.position"
)
LAST_TERMS: Final[LiteralString] = (
    f"SELECT DISTINCT ON (recipient_id) {RECIPIENT} FROM recipient_v1 h WHERE h.tenant_id = %b{WAS}"
    " ORDER BY h.recipient_id, h.version DESC LIMIT %b"
)
ONE_RECIPIENT: Final[LiteralString] = (
    f"SELECT {RECIPIENT} FROM recipient_v1 WHERE tenant_id = %b AND recipient_id = %b"
    " ORDER BY version DESC LIMIT 1"
)
FIRST: Final = UUID(int=0)


class Rows(Protocol):
    """Runs one statement for the bound tenant."""

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All its rows."""
        ...


@dataclass(frozen=True, slots=True)
class PostgresDisclosures:
    """See the port `Disclosures`."""

    database: Rows

    def totals(self, tenant: UUID, subject: UUID, view: View, as_of: AsOf) -> Totals:
        """See the port."""
        sees_all, shows_hidden = view == "auditor", view != "person"
        was, which = _was(as_of), (tenant, subject)
        if as_of.bounded:
            statement = TOTALS_THEN
            inner = (*which, *was, *was, *was, *which, *was, *was)
        else:
            statement, inner = TOTALS_NOW, which
        found = self.database.rows(
            statement, (sees_all, as_of.opened_by, as_of.now, *inner, shows_hidden)
        )
        recipients, shared, marketing, withheld, rows = found[0]
        return Totals(recipients, shared, marketing, withheld if shows_hidden else 0, rows)

    def of_subject(
        self,
        tenant: UUID,
        subject: UUID,
        view: View,
        as_of: AsOf,
        limit: int,
        after: After | None,
    ) -> list[Entry]:
        """See the port."""
        sql, values = f"SELECT {SHARED}{OF_SUBJECT}", [tenant, subject]
        more, given = _narrowed(as_of, after, open_only=view == "person")
        found = self.database.rows(sql + more + IN_ORDER, (*values, *given, limit))
        shares = {row[0]: SharedRow(*row) for row in found}
        return self._entries(tenant, list(shares), as_of, shares)

    def page(
        self,
        tenant: UUID,
        wanted: Wanted,
        as_of: AsOf,
        limit: int,
        after: After | None,
        *,
        with_withheld: bool,
    ) -> list[Entry]:
        """See the port."""
        sql: LiteralString = "SELECT h.disclosure_id FROM disclosure_v1 h WHERE h.tenant_id = %b"
        values: list[object] = [tenant]
        for clause, value in (
            (" AND h.legal_process_id = %b", wanted.legal_process),
            (" AND h.recipient_id = %b", wanted.recipient),
            (" AND h.purpose = %s", wanted.purpose),
            (" AND h.country = %s", wanted.country),
            (" AND h.at >= %b", wanted.from_),
            (" AND h.at < %b", wanted.to),
        ):
            if value is not None:
                sql, values = sql + clause, [*values, value]
        more, given = _narrowed(as_of, after, open_only=not with_withheld)
        found = self.database.rows(sql + more + IN_ORDER, (*values, *given, limit))
        return self._entries(tenant, [row[0] for row in found], as_of, {})

    def recipients(self, tenant: UUID, as_of: AsOf) -> list[RecipientRow]:
        """See the port."""
        found = self.database.rows(LAST_TERMS, (tenant, *_was(as_of), RECIPIENTS_MAX))
        return [recipient_row(row) for row in found]

    def recipient(self, tenant: UUID, recipient: UUID) -> RecipientRow | None:
        """See the port."""
        found = self.database.rows(ONE_RECIPIENT, (tenant, recipient))
        return recipient_row(found[0]) if found else None

    def known_position(self, tenant: UUID, known_at: datetime) -> int:
        """See the port."""
        return int(self.database.rows("SELECT known_position(%b, %b)", (tenant, known_at))[0][0])

    def _entries(
        self, tenant: UUID, ids: list[UUID], as_of: AsOf, shares: dict[UUID, SharedRow]
    ) -> list[Entry]:
        if not ids:
            return []
        rows = {row[0]: row for row in self.database.rows(ROWS, (ids, tenant, tenant))}
        steps = _by_disclosure(self.database.rows(STEPS, (ids, tenant, *_was(as_of))))
        return [
            Entry(
                row=disclosure_row(rows[id][:10]),
                terms=recipient_row(rows[id][12:]) if rows[id][11] else None,
                steps=tuple(steps[id]),
                opens_now=rows[id][10],
                share=shares.get(id),
            )
            for id in ids
        ]


def _was(as_of: AsOf) -> tuple[object, ...]:
    return (as_of.at, as_of.at, as_of.position, as_of.position)


def _narrowed(
    as_of: AsOf, after: After | None, *, open_only: bool
) -> tuple[LiteralString, list[object]]:
    """The conditions of a page, and what they take."""
    sql: LiteralString = ""
    values: list[object] = []
    if as_of.bounded:
        sql, values = WAS, [*_was(as_of)]
    if open_only and as_of.bounded:
        sql, values = sql + OPEN_THEN, [*values, *_was(as_of), as_of.opened_by]
    if open_only:
        sql, values = sql + OPEN_NOW, [*values, as_of.now]
    if after is not None:
        sql, values = sql + AFTER, [*values, *after]
    return sql, values


def _by_disclosure(rows: Iterable[tuple[Any, ...]]) -> dict[UUID, list[Step]]:
    found: dict[UUID, list[Step]] = {}
    for row in rows:
        step = step_row(row)
        found.setdefault(step.disclosure, []).append(step)
    return found
