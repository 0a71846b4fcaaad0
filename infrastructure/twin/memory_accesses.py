"""The ports of accesses in memory: denials counted in a table, the log folded from the events at each question."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from application.access.access_log import AccessEntry, AccessRow, After, entry_of
from application.access.access_reviews import ReviewRow
from application.access.denials import Counted
from application.ledger.withholding import WithheldAccess
from application.recorded import Recorded
from domain.access import AccessOpened, AccessWithheld
from domain.access_key import KeyIssued
from domain.access_review import AccessReviewed, GlassBroken, State
from domain.values import public_id
from infrastructure.twin.memory_state import MemoryState


@dataclass(slots=True)
class MemoryDenialCounts:
    """See the port `DenialCounts`."""

    state: MemoryState

    def add(self, tenant: UUID, one: Counted) -> int:
        """See the port."""
        with self.state.lock:
            known, settled = self.state.denials.get((tenant, one.id), (None, 0))
            count = 1 if known is None else known.count + 1
            last_at = one.last_at if known is None else max(known.last_at, one.last_at)
            kept = replace(one, count=count, last_at=last_at)
            self.state.denials[(tenant, one.id)] = (kept, settled)
            return count

    def unsettled(self, tenant: UUID, before: datetime, limit: int) -> Sequence[Counted]:
        """See the port."""
        with self.state.lock:
            found = [
                one
                for (owner, _), (one, settled) in self.state.denials.items()
                if owner == tenant and one.minute <= before and one.count > settled
            ]
        return sorted(found, key=lambda one: one.minute)[:limit]

    def settle(self, tenant: UUID, id: UUID, count: int) -> None:
        """See the port."""
        with self.state.lock:
            if (known := self.state.denials.get((tenant, id))) is not None:
                one, settled = known
                self.state.denials[(tenant, id)] = (one, max(settled, min(count, one.count)))

    def forget(self, tenant: UUID, before: datetime) -> None:
        """See the port."""
        with self.state.lock:
            for key, (one, settled) in list(self.state.denials.items()):
                if key[0] == tenant and one.minute <= before and settled == one.count:
                    del self.state.denials[key]


@dataclass(frozen=True, slots=True)
class MemoryAccesses:
    """See the ports `Accesses`, `ReviewRows` and `WithheldAccesses`."""

    state: MemoryState

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
        log = self._log(tenant)
        entries = {entry.event: entry for entry in _entries(log)}
        opened = {
            (event.decision.event, event.decision.subject): event.occurred_at
            for event in log
            if isinstance(event.decision, AccessOpened)
        }
        own = [_row(log, one) for one in entries.values() if subject in one.subjects]
        for event in log:
            if isinstance(it := event.decision, AccessWithheld):
                for one in it.tags:
                    if one.stands_for == subject:
                        row = _row(log, entries[it.event])
                        opening = opened.get((it.event, subject))
                        own.append(
                            replace(row, tag=one.tag, withheld_until=it.until, opened_at=opening)
                        )
        rows = [
            row
            for row in own
            if row.at <= as_of
            and (after is None or (row.at, row.event) > after)
            and (
                withheld
                or row.tag is None
                or (row.opened_at is not None and row.opened_at <= as_of)
            )
        ]
        return sorted(rows, key=lambda row: (row.at, row.event))[:limit]

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
        """See the port."""
        log = self._log(tenant)
        rows = [
            _row(log, one)
            for one in _entries(log)
            if from_ <= one.at < to
            and (after is None or (one.at, one.event) > after)
            and actor in (None, one.actor)
            and purpose in (None, one.purpose)
        ]
        return sorted(rows, key=lambda row: (row.at, row.event))[:limit]

    def reviews(
        self, tenant: UUID, state: State | None, now: datetime, limit: int, after: After | None
    ) -> Sequence[ReviewRow]:
        """See the port."""
        log = self._log(tenant)
        rows = [
            row
            for row in _reviews(log)
            if (after is None or (row.at, row.event) > after) and state in (None, row.state_at(now))
        ]
        return sorted(rows, key=lambda row: (row.at, row.event))[:limit]

    def cases(self, tenant: UUID) -> Sequence[str]:
        """See the port."""
        everything = self.due(tenant, datetime.max.replace(tzinfo=UTC), len(self._log(tenant)) + 1)
        return sorted({one.case for one in everything if one.case is not None})

    def due(
        self,
        tenant: UUID,
        now: datetime,
        limit: int,
        held: Collection[str] = (),
        over: Collection[str] = (),
    ) -> Sequence[WithheldAccess]:
        """See the port."""
        log = self._log(tenant)
        cases = {entry.event: entry.case for entry in _entries(log)}
        opened = {event.decision.tag for event in log if isinstance(event.decision, AccessOpened)}
        found = [
            (it.until, WithheldAccess(one.tag, one.stands_for, it.event, cases[it.event]))
            for event in log
            if isinstance(it := event.decision, AccessWithheld)
            and ((it.until <= now and cases[it.event] not in held) or cases[it.event] in over)
            for one in it.tags
            if one.tag not in opened
        ]
        return [one for _, one in sorted(found, key=lambda pair: pair[0])][:limit]

    def _log(self, tenant: UUID) -> list[Recorded[object]]:
        with self.state.lock:
            return list(self.state.log.get(tenant, []))


def _entries(log: Sequence[Recorded[object]]) -> Iterator[AccessEntry]:
    return (entry for event in log if (entry := entry_of(event)) is not None)


def _holder(log: Sequence[Recorded[object]], actor: str) -> tuple[str | None, tuple[str, ...]]:
    for event in log:
        it = event.decision
        if isinstance(it, KeyIssued) and public_id("key", it.key) == actor:
            return it.terms.actor, it.terms.roles
    return None, ()


def _row(log: Sequence[Recorded[object]], one: AccessEntry) -> AccessRow:
    holder, roles = _holder(log, one.actor)
    glass = next(
        (
            event.decision.reason
            for event in log
            if isinstance(event.decision, GlassBroken) and event.cause == one.event
        ),
        None,
    )
    return AccessRow(
        event=one.event,
        kind=one.kind,
        at=one.at,
        actor=one.actor,
        holder=holder,
        roles=roles,
        purpose=one.purpose,
        case=one.case,
        reason=one.reason,
        fields=one.fields,
        count=one.count,
        glass=glass,
    )


def _reviews(log: Sequence[Recorded[object]]) -> Iterator[ReviewRow]:
    done = {event.stream: event for event in log if isinstance(event.decision, AccessReviewed)}
    for event in log:
        if not isinstance(it := event.decision, GlassBroken):
            continue
        assert event.cause is not None, "glass is broken for an access"
        holder, roles = _holder(log, event.actor)
        row = ReviewRow(
            event=event.event_id,
            access=event.cause,
            at=event.occurred_at,
            actor=event.actor,
            holder=holder,
            roles=roles,
            reason=it.reason,
            beyond=it.beyond,
            due_at=it.review_due_at,
        )
        if (review := done.get(event.stream)) is not None:
            found = review.decision
            assert isinstance(found, AccessReviewed)
            row = replace(
                row,
                outcome=found.outcome,
                follow_up=found.follow_up,
                reviewed_at=review.occurred_at,
                reviewer=review.actor,
            )
        yield row
