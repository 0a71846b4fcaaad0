"""The courier goes on with what nobody is waiting for: deliveries that are due again, or that somebody died at.

    an attempt was begun and never ended      twenty seconds later it is lost: counted as shared, and tried again
    it was recorded, and nobody began         a response is not given any more; a delivery is tried
    the next attempt is due                   all checks again, then the attempt

What is due comes from a read model, which may be behind; what is done is decided from the stream, whose version is the
lock between two couriers. README D6.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol
from uuid import UUID

from application.disclosing.conditions import Sent
from application.disclosing.disclose import Disclose
from application.disclosing.follow_ups import FollowUps
from application.disclosing.retries import retry_at
from application.disclosing.story import Story, go_on, read_story
from application.ports import Clock, EventStore, Ids
from domain.disclosure import Decision, DisclosureAttempted, DisclosureFailed
from domain.errors import DomainError, NotFound

LOST_AFTER: Final = timedelta(seconds=20)
# A call waits for the mirror for ten seconds at most, then it begins or gives up.
BEGUN_WITHIN: Final = timedelta(seconds=15)
THINGS_AT_ONCE: Final = 100

ChangeKind = Literal["change", "opening"]
Kind = Literal["disclosure", "follow_up"] | ChangeKind
log = logging.getLogger("daybook.courier")


@dataclass(frozen=True, slots=True)
class DueThing:
    """Something to look at: a disclosure, a follow-up, a change that recipients have to be told of, or the opening of

    a disclosure, of which they may be told from now on. `id` is the thing's, or the event's that changed or opened
    something; `stream` is where it is recorded. `recipient` is None for a change and an opening.
    """

    kind: Kind
    id: UUID
    stream: UUID
    recipient: UUID | None = None


class DueThings(Protocol):
    """What is due. It may be behind: what was done just now may still be among it."""

    def due(self, tenant: UUID, now: datetime, limit: int) -> Sequence[DueThing]:
        """At most `limit` things that are due by `now`, the longest due first; then what changed, in order."""
        ...

    def done(self, tenant: UUID, change: UUID) -> None:
        """The change, or the opening, was followed up."""
        ...


@dataclass(frozen=True, slots=True)
class Courier:
    """Goes on with what is due."""

    store: EventStore
    disclose: Disclose
    follow_ups: FollowUps
    things: DueThings
    clock: Clock
    ids: Ids

    def due(self, tenant: UUID) -> Sequence[DueThing]:
        """What is due now."""
        return self.things.due(tenant, self.clock.now(), THINGS_AT_ONCE)

    def carry(self, tenant: UUID, thing: DueThing) -> bool:
        """Go on with one thing; True when something was done. What is refused is on record, and waits or is over."""
        try:
            match thing.kind:
                case "disclosure":
                    return self._disclosure(tenant, thing.id)
                case "follow_up":
                    return self.follow_ups.carry(tenant, thing.id, LOST_AFTER)
                case "change":
                    self.follow_ups.order(tenant, thing.id, thing.stream)
                    self.things.done(tenant, thing.id)
                    return True
                case "opening":
                    self.follow_ups.make_up(tenant, thing.id, thing.stream)
                    self.things.done(tenant, thing.id)
                    return True
        except DomainError as refusal:
            log.info("%s %s: %s", thing.kind, thing.id, refusal.code)
            return False

    def _disclosure(self, tenant: UUID, id: UUID) -> bool:
        try:
            story = read_story(self.store, tenant, id)
        except NotFound:
            return False
        state, by = story.state, story.courier()
        now = self.clock.now()
        if state.is_over or now < looked_at_from(story):
            return False
        if state.running is not None:
            go_on(self.store, self.clock, self.ids, by, id, self._lost)
        elif state.recorded.channel == "response":
            go_on(self.store, self.clock, self.ids, by, id, _stopped)
        else:
            self.disclose.attempt(by, id)
        return True

    def _lost(self, story: Story, at: datetime) -> Decision | None:
        """Nobody knows what became of the attempt that runs. None when its end was recorded meanwhile."""
        running = story.state.running
        if running is None or at < looked_at_from(story):
            return None
        again = retry_at(Sent("lost"), running, at, self.ids)
        if story.state.recorded.channel == "response":
            again = None
        return DisclosureFailed(running, "lost", None, "unknown", again)


def looked_at_from(story: Story) -> datetime:
    """From when on the courier may take a disclosure up."""
    if story.state.running is not None:
        begun = [
            one.occurred_at for one in story.events if isinstance(one.decision, DisclosureAttempted)
        ]
        return begun[-1] + LOST_AFTER
    return story.state.retry_at or story.first.occurred_at + BEGUN_WITHIN


def _stopped(story: Story, _: datetime) -> Decision | None:
    """A response that was never begun is not given any more."""
    if story.state.is_over or story.state.running is not None:
        return None
    return DisclosureFailed(0, "stopped", None, "no", None)
