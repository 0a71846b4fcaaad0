"""Everything that is due: answers to people, and the other things that the law or the house gives a time for.

Collected from what stands; nothing is kept of it, so nothing can be wrong in it alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, Protocol, TypeVar, get_args
from uuid import UUID, uuid5

from application.access.access_reviews import ReviewRows
from application.disclosing.follow_up_replies import FollowUpList
from application.orders.legal_processes import LEGAL_PROCESSES
from application.permissions import require
from application.ports import Book, Clock, EventStore
from application.recorded import Caller
from application.requests.asked import LOOKED_AT_MAX, RequestRows, due_of
from application.requests.steps import READERS, REQUESTS
from application.requests.telling import Telling
from application.requests.timing import RequestTiming, place_of
from application.setup.register import PAGE_ROWS_MAX, CreationKey, Standing
from domain import local_time
from domain.errors import RangeTooLong
from domain.legal_process import LegalProcess
from domain.privacy_request_state import PrivacyRequest
from domain.values import public_id

S = TypeVar("S", bound=Standing)
D = TypeVar("D")

EVER: Final = datetime.max.replace(tzinfo=UTC)
SOON: Final = timedelta(days=7)
DutyState = Literal["running", "paused", "late"]
DutyKind = Literal[
    "privacy_request",
    "identity_evidence",
    "request_record",
    "access_review",
    "legal_process",
    "legal_hold",
    "follow_up",
]
DUTY_KINDS: Final[tuple[DutyKind, ...]] = get_args(DutyKind)
# What a clock that has no statute behind it goes by.
HOUSE: Final = "the house's own rule"


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing that is due: `about` is what it is due for, by its public id. `due_on` is the last day in `zone`."""

    id: UUID
    kind: DutyKind
    about: str
    right: str | None
    rule: str
    source: str
    due_on: date
    due_at: datetime
    zone: str
    state: DutyState


@dataclass(frozen=True, slots=True)
class DutiesPage:
    """Part of what is due, by when and id; `next` goes in as `after`, None at the end."""

    duties: tuple[Duty, ...]
    next: CreationKey | None


@dataclass(frozen=True, slots=True)
class DutyCounts:
    """How much is late, and how much is due within seven days; what is late, by its kind too."""

    late: int
    soon: int
    late_kinds: Counter[DutyKind] = field(default_factory=Counter, compare=False)


class HoldReviews(Protocol):
    """Legal holds that stand, and by when somebody looks at each of them again."""

    def reviews(self, tenant: UUID) -> Iterable[tuple[UUID, date]]:
        """The holds that stand, each with the last day of its review. MUST be current."""
        ...


class NoHolds:
    """See `HoldReviews`: no hold stands."""

    def reviews(self, tenant: UUID) -> Iterable[tuple[UUID, date]]:  # noqa: ARG002
        """See the port."""
        return ()


class DutyTotals(Protocol):
    """How much is due of all tenants together, as it was last counted."""

    def keep(self, counts: DutyCounts, at: datetime) -> None:
        """Let these be the counts, as of an instant."""
        ...

    def total(self) -> DutyCounts | None:
        """The counts; None while nobody has counted."""
        ...


@dataclass(frozen=True, slots=True)
class Duties:
    """What a business has to do, and by when."""

    store: EventStore
    book: Book
    times: RequestTiming
    telling: Telling
    reviews: ReviewRows
    follow_ups: FollowUpList
    holds: HoldReviews
    rows: RequestRows
    clock: Clock

    def page(
        self, before: datetime | None, limit: int, after: CreationKey | None, by: Caller
    ) -> DutiesPage:
        """What is due before an instant, and all that is late. Refuses: NotPermitted, RangeTooLong."""
        require(by, *READERS)
        found = sorted(
            (one for one in self._all(by.tenant, before) if before is None or one.due_at < before),
            key=lambda one: (one.due_at, one.id),
        )
        left = [one for one in found if after is None or (one.due_at, one.id) > after]
        part = tuple(left[:limit])
        more = len(left) > limit
        return DutiesPage(part, (part[-1].due_at, part[-1].id) if more else None)

    def counts(self, tenant: UUID) -> DutyCounts:
        """How much is late by now, and due soon. Refuses: RangeTooLong."""
        soon = self.clock.now() + SOON
        late: Counter[DutyKind] = Counter()
        near = 0
        for one in self._all(tenant, soon):
            if one.state == "late":
                late[one.kind] += 1
            else:
                near += one.due_at < soon
        return DutyCounts(late.total(), near, late)

    def _all(self, tenant: UUID, before: datetime | None) -> Iterator[Duty]:
        """What is due before an instant, and some of what is due later; all, where none is named."""
        now, zone = self.clock.now(), place_of(self.book, tenant).zone
        until = before or EVER
        for entry in due_of(self.rows, tenant, REQUESTS.kind, until):
            yield from self._of_request(REQUESTS.state_of(entry), tenant, now)
        for entry in due_of(self.rows, tenant, LEGAL_PROCESSES.kind, until):
            yield from _of_process(LEGAL_PROCESSES.state_of(entry), zone, now)
        for id, last in self.holds.reviews(tenant):
            named, due_at = public_id("legal_hold", id), _end_of(last, zone)
            yield _plain("legal_hold", named, id, due_at, zone, now)
        yield from self._reviews(tenant, zone, now)
        yield from self._follow_ups(tenant, zone, now)

    def _of_request(self, state: PrivacyRequest, tenant: UUID, now: datetime) -> Iterator[Duty]:
        named, zone = public_id("privacy_request", state.id), state.terms.place.zone
        if state.expired:
            return
        told_at = None
        if any(one.decided_at is not None for one in state.rights):
            told_at = self.telling.told_at(state, self.telling.of(state, tenant), tenant)
        for one in self.times.verdicts(state, now, told_at):
            it = one.verdict
            if it.state == "met" or it.stopped_at is not None or it.rule.endswith("record_kept"):
                continue
            id = uuid5(state.id, f"{one.right}/{it.rule}")
            yield Duty(
                id,
                "privacy_request",
                named,
                one.right,
                it.rule,
                it.source,
                it.due_on,
                it.due_at,
                it.zone,
                it.state,
            )
        until = state.identity.evidence_until
        if until is not None:
            yield _plain("identity_evidence", named, state.id, until, zone, now, "11 CCR 7060(e)")
        if state.record_until is not None:
            until = state.record_until
            yield _plain("request_record", named, state.id, until, zone, now, "11 CCR 7101(a)")

    def _reviews(self, tenant: UUID, zone: str, now: datetime) -> Iterator[Duty]:
        after = None
        for _ in range(LOOKED_AT_MAX // PAGE_ROWS_MAX):
            rows = self.reviews.reviews(tenant, None, now, PAGE_ROWS_MAX, after)
            for row in rows:
                if row.outcome is None:
                    named = public_id("event", row.event)
                    yield _plain("access_review", named, row.event, row.due_at, zone, now)
            if len(rows) < PAGE_ROWS_MAX:
                return
            after = (rows[-1].at, rows[-1].event)
        raise RangeTooLong("More reviews than can be looked at")

    def _follow_ups(self, tenant: UUID, zone: str, now: datetime) -> Iterator[Duty]:
        after: CreationKey | None = None
        for _ in range(LOOKED_AT_MAX // PAGE_ROWS_MAX):
            rows = self.follow_ups.page(tenant, PAGE_ROWS_MAX, after, is_open=True)
            for ordered_at, id in rows:
                named = public_id("follow_up", id)
                due_at = _end_of_day(ordered_at, zone)
                yield _plain("follow_up", named, id, due_at, zone, now, "GDPR Art. 7(3), 19")
            if len(rows) < PAGE_ROWS_MAX:
                return
            after = rows[-1]
        raise RangeTooLong("More follow-ups than can be looked at")


def _of_process(process: LegalProcess, zone: str, now: datetime) -> Iterable[Duty]:
    due_at = process.after_review_due_at
    if due_at is None or process.after_outcome is not None:
        return ()
    named = public_id("process", process.id)
    return (_plain("legal_process", named, process.id, due_at, zone, now),)


def _plain(
    kind: DutyKind,
    about: str,
    id: UUID,
    due_at: datetime,
    zone: str,
    now: datetime,
    source: str = HOUSE,
) -> Duty:
    """A duty with an instant of its own; `due_on` is the local day that it falls on."""
    last = math.ceil(due_at.timestamp()) - 1
    due_on = local_time.local_date(zone, last)
    state: DutyState = "late" if now >= due_at else "running"
    return Duty(
        uuid5(id, f"daybook/duty/{kind}"),
        kind,
        about,
        None,
        kind,
        source,
        due_on,
        due_at,
        zone,
        state,
    )


def _end_of_day(at: datetime, zone: str) -> datetime:
    return _end_of(local_time.local_date(zone, math.floor(at.timestamp())), zone)


def _end_of(day: date, zone: str) -> datetime:
    return datetime.fromtimestamp(local_time.midnight(zone, day.toordinal() + 1), UTC)
