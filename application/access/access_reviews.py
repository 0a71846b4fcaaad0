"""Reviewing whoever broke the glass: what is due, what is late, and what came of it. README D6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

from application.access.access_log import PAGE_ROWS_DEFAULT, After, reached
from application.access.reveal import glass_stream
from application.execute import Plan, Scribe, carry_out, fold
from application.ledger.reading import AUDITORS, Ledger
from application.permissions import require
from application.ports import Append, Book, Clock, EventStore, Ids, Positions
from application.recorded import Caller, Recorded
from application.setup.access_keys import KEYS
from domain import access_review
from domain.access import AccessGranted
from domain.access_review import Decision, GlassBroken, Outcome, Review, State
from domain.errors import Behind, NotFound
from domain.values import parse_id


@dataclass(frozen=True, slots=True)
class ReviewAccess:
    """Find an access justified or not. `event` is that of the access, or of the glass that was broken for it."""

    event: UUID
    outcome: Outcome
    follow_up: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One time that the glass was broken: `event` says so, the event `access` says what was opened.

    `outcome` is None until it is reviewed.
    """

    event: UUID
    access: UUID
    at: datetime
    actor: str
    holder: str | None
    roles: tuple[str, ...]
    reason: str
    beyond: str
    due_at: datetime
    outcome: Outcome | None = None
    follow_up: str | None = None
    reviewed_at: datetime | None = None
    reviewer: str | None = None

    def state_at(self, now: datetime) -> State:
        """Whether its review is due, late or done at the instant `now`."""
        return Review(self.access, self.due_at, self.outcome, 1).state_at(now)


@dataclass(frozen=True, slots=True)
class ReviewsQuery:
    """Which reviews: those in one state, or all; after the one named."""

    state: State | None = None
    limit: int = PAGE_ROWS_DEFAULT
    after: After | None = None
    at_least: UUID | int | None = None


@dataclass(frozen=True, slots=True)
class ReviewsPage:
    """Part of the reviews by time and event, as of the instant `now`; `next` goes in as `after`, None at the end."""

    rows: tuple[ReviewRow, ...]
    next: After | None
    position: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review that is done, and the event that says so."""

    review: Review
    event: UUID


class ReviewRows(Protocol):
    """The reviews as the read model `accesses` knows them."""

    def reviews(
        self, tenant: UUID, state: State | None, now: datetime, limit: int, after: After | None
    ) -> Sequence[ReviewRow]:
        """At most `limit` reviews that are in `state` at `now`, by (at, event), after the given one."""
        ...


@dataclass(frozen=True, slots=True)
class Reviews:
    """The reviews of a tenant."""

    store: EventStore
    ledger: Ledger
    book: Book
    rows: ReviewRows
    positions: Positions
    clock: Clock
    ids: Ids

    def review(self, command: ReviewAccess, by: Caller) -> Reviewed:
        """Review one access.

        Refuses: NotPermitted (not a privacy officer; whoever broke the glass), NotFound (no such event, or no glass was
        broken for it), Behind (the event has no place yet), InvalidState (done already), Stale.
        """
        require(by, "privacy_officer")
        stream = self._stream(by.tenant, command.event)

        def attempt() -> Plan[Reviewed]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            known = self.store.read(by.tenant, stream)
            if not known:
                raise NotFound("No glass was broken for it")
            story = cast(Sequence[Recorded[Decision]], known)
            standing = fold(access_review.evolve, None, story)
            assert standing is not None, "a stream that is not empty holds a review"
            (decision,) = access_review.review(
                standing, command.outcome, command.follow_up, own=self._is_own(by, known[0].actor)
            )
            state = access_review.evolve(standing, decision)
            event = scribe.record(stream, state.version, decision, cause=known[0].event_id)
            result = Reviewed(state, event.event_id)
            append = Append(
                by.tenant,
                scribe.at,
                (event,),
                ticket=by.ticket,
                answer=scribe.answer(result),
            )
            return Plan(append, result)

        return carry_out(self.store, attempt)

    def page(self, query: ReviewsQuery, by: Caller) -> ReviewsPage:
        """Part of the reviews. Refuses: NotPermitted, UnknownReference (at_least), Behind."""
        require(by, *AUDITORS)
        position = reached(self.positions, by.tenant, query.at_least)
        now = self.clock.now()
        rows = self.rows.reviews(by.tenant, query.state, now, query.limit + 1, query.after)
        part = tuple(rows[: query.limit])
        following = (part[-1].at, part[-1].event) if len(rows) > query.limit else None
        return ReviewsPage(part, following, position, now)

    def _stream(self, tenant: UUID, event: UUID) -> UUID:
        found = self.ledger.event(tenant, event)
        if found == "queued":
            raise Behind(retry_after_seconds=1)
        if found is None:
            raise NotFound()
        if found.type == AccessGranted.TYPE:
            return glass_stream(found.stream)
        if found.type == GlassBroken.TYPE:
            return found.stream
        raise NotFound("No glass was broken for it")

    def _is_own(self, by: Caller, actor: str) -> bool:
        """True when `by` holds the key that broke the glass, or another one of the same holder."""
        if by.actor == actor:
            return True
        holder = self._holder(by.tenant, by.actor)
        return holder is not None and holder == self._holder(by.tenant, actor)

    def _holder(self, tenant: UUID, actor: str) -> str | None:
        key = parse_id("key", actor)
        entry = None if key is None else self.book.entry(tenant, "key", key)
        return None if entry is None else KEYS.state_of(entry).terms.actor
