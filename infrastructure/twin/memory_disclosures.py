"""The port `Disclosures` in memory: folded from the events at each question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from application.answers.disclosure_reads import After, AsOf, Entry, Totals, View, Wanted
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
from application.recorded import Recorded
from domain.disclosure import DisclosureRecorded, DisclosureRefused, DisclosureWithheld
from infrastructure.twin.memory_state import MemoryState


@dataclass(slots=True)
class _Folded:
    """Everything about a tenant's disclosures; `terms` has every version of each recipient's, oldest first."""

    terms: dict[UUID, list[RecipientRow]] = field(default_factory=dict)
    rows: dict[UUID, DisclosureRow] = field(default_factory=dict)
    steps: dict[UUID, list[Step]] = field(default_factory=dict)
    shared: dict[UUID, list[SharedRow]] = field(default_factory=dict)

    def take(self, position: int, event: Recorded[object]) -> None:
        if isinstance(event.decision, RECIPIENT_EVENTS):
            known = self.terms.setdefault(event.stream, [])
            known.append(recipient_after(known[-1] if known else None, event, position))
        elif isinstance(event.decision, DISCLOSURE_EVENTS):
            self._take(position, event)

    def _take(self, position: int, event: Recorded[object]) -> None:
        id, it = disclosure_of(event), event.decision
        story = self.steps.get(id, [])
        before = story[-1] if story else None
        if begins(event, before):
            self.rows[id], shared = row_of(event, position, self._terms_of(it))
            self.shared[id] = list(shared)
        elif before is None:
            return
        self.steps[id] = [*story, step_after(before, event, position)]
        if isinstance(it, DisclosureWithheld):
            stands_for = {one.tag: one.stands_for for one in it.tags}
            self.shared[id] = [
                replace(one, subject=stands_for.get(one.listed, one.subject))
                for one in self.shared[id]
            ]

    def _terms_of(self, it: object) -> RecipientRow | None:
        assert isinstance(it, DisclosureRecorded | DisclosureRefused)
        known = self.terms.get(it.recipient, []) if it.recipient is not None else []
        if isinstance(it, DisclosureRecorded):
            return next((one for one in known if one.version == it.recipient_version), None)
        return known[-1] if known else None

    def entries(self, as_of: AsOf) -> list[Entry]:
        """Every disclosure that was there, as it stood, by (`at`, id)."""
        found = []
        for row in sorted(self.rows.values(), key=lambda row: (row.at, row.disclosure)):
            steps = [
                one for one in self.steps[row.disclosure] if as_of.includes(one.at, one.position)
            ]
            if as_of.includes(row.at, row.position):
                terms = self.terms.get(row.recipient, []) if row.recipient else []
                then = next((one for one in terms if one.version == row.recipient_version), None)
                now = self.steps[row.disclosure][-1].opens_at
                found.append(Entry(row, then, tuple(steps), now))
        return found


@dataclass(frozen=True, slots=True)
class MemoryDisclosures:
    """See the port."""

    state: MemoryState

    def totals(self, tenant: UUID, subject: UUID, view: View, as_of: AsOf) -> Totals:
        """See the port."""
        rows = self.of_subject(tenant, subject, view, as_of, 2**31, None)
        hidden = [one for one in rows if one.withheld_until(as_of)]
        told = [one for one in rows if view == "auditor" or one not in hidden]
        shared = [one for one in told if one.last.shared]
        return Totals(
            recipients=len({one.row.recipient for one in shared}),
            disclosures=len(shared),
            marketing=sum(one.row.marketing for one in shared),
            withheld=len(hidden),
            rows=len(rows),
        )

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
        folded = self._folded(tenant)
        found = [
            replace(entry, share=share)
            for entry in folded.entries(as_of)
            for share in folded.shared[entry.row.disclosure]
            if share.subject == subject and not (view == "person" and entry.withheld_until(as_of))
        ]
        return _part(found, limit, after)

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
        found = [
            entry
            for entry in self._folded(tenant).entries(as_of)
            if _is_wanted(entry.row, wanted) and (with_withheld or not entry.withheld_until(as_of))
        ]
        return _part(found, limit, after)

    def recipients(self, tenant: UUID, as_of: AsOf) -> list[RecipientRow]:
        """See the port."""
        found = []
        for versions in self._folded(tenant).terms.values():
            were = [one for one in versions if as_of.includes(one.at, one.position)]
            found += were[-1:]
        return sorted(found, key=lambda one: one.recipient)

    def recipient(self, tenant: UUID, recipient: UUID) -> RecipientRow | None:
        """See the port."""
        known = self._folded(tenant).terms.get(recipient)
        return known[-1] if known else None

    def known_position(self, tenant: UUID, known_at: datetime) -> int:
        """See the port. Here an event is known when it happens."""
        with self.state.lock:
            log = self.state.log.get(tenant, [])
            known = [at for at, one in enumerate(log) if one.occurred_at <= known_at]
        return known[-1] if known else -1

    def _folded(self, tenant: UUID) -> _Folded:
        folded = _Folded()
        with self.state.lock:
            for position, event in enumerate(self.state.log.get(tenant, [])):
                folded.take(position, event)
        return folded


def _is_wanted(row: DisclosureRow, wanted: Wanted) -> bool:
    asked: list[tuple[object, Callable[[], bool]]] = [
        (wanted.from_, lambda: wanted.from_ is not None and row.at >= wanted.from_),
        (wanted.to, lambda: wanted.to is not None and row.at < wanted.to),
        (wanted.purpose, lambda: row.purpose == wanted.purpose),
        (wanted.recipient, lambda: row.recipient == wanted.recipient),
        (wanted.country, lambda: row.country == wanted.country),
        (wanted.legal_process, lambda: row.legal_process == wanted.legal_process),
    ]
    return all(holds() for choice, holds in asked if choice is not None)


def _part(found: list[Entry], limit: int, after: After | None) -> list[Entry]:
    if after is not None:
        found = [one for one in found if (one.row.at, one.row.disclosure) > after]
    return found[:limit]
