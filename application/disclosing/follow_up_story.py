"""One follow-up as its stream tells it, and the events that are added to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from application.execute import Plan, Scribe, carry_out
from application.ports import Append, Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from domain import follow_up
from domain.errors import NotFound
from domain.follow_up import (
    Decision,
    FollowUp,
    FollowUpAcknowledged,
    FollowUpAttempted,
    FollowUpOrdered,
)


@dataclass(frozen=True, slots=True)
class FollowUpStory:
    """A follow-up: as it stands, and all of its events."""

    state: FollowUp
    events: tuple[Recorded[Any], ...] = field(repr=False)

    @property
    def first(self) -> Recorded[FollowUpOrdered]:
        """The event that ordered it; its cause is what changed."""
        return self.events[0]

    @property
    def begun_at(self) -> datetime:
        """When its latest attempt began; when it was ordered, where there was none."""
        begun = [it for it in self.events if isinstance(it.decision, FollowUpAttempted)]
        return (begun or [self.first])[-1].occurred_at

    @property
    def replies(self) -> tuple[Recorded[FollowUpAcknowledged], ...]:
        """What the recipient answered."""
        return tuple(it for it in self.events if isinstance(it.decision, FollowUpAcknowledged))


def follow_up_id(tenant: UUID, change: UUID, disclosure: UUID) -> UUID:
    """The one follow-up on a disclosure from the event `change`."""
    return uuid5(tenant, f"daybook/follow_up/{change.hex}/{disclosure.hex}")


def read_follow_up(store: EventStore, tenant: UUID, id: UUID) -> FollowUpStory:
    """The follow-up. Refuses: NotFound."""
    events = store.read(tenant, id)
    if not events or not isinstance(events[0].decision, FollowUpOrdered):
        raise NotFound()
    state: FollowUp | None = None
    for event in events:
        state = follow_up.evolve(state, event.decision)  # type: ignore[arg-type]
    assert state is not None
    return FollowUpStory(state, events)


def add(
    store: EventStore,
    clock: Clock,
    ids: Ids,
    by: Caller,
    id: UUID,
    decide: Callable[[FollowUpStory, datetime], Decision | None],
) -> bool:
    """Add what `decide` decides on the follow-up as it stands; False when it decides nothing.

    Refuses: NotFound, whatever `decide` refuses, Stale.
    """

    def attempt() -> Plan[bool]:
        story = read_follow_up(store, by.tenant, id)
        scribe = Scribe.begin(by, clock, ids)
        decision = decide(story, scribe.at)
        if decision is None:
            return Plan(Append(by.tenant, scribe.at, ()), False)
        version = story.state.version + 1
        event = scribe.record(id, version, decision, cause=story.first.event_id)
        return Plan(Append(by.tenant, scribe.at, (event,)), True)

    return carry_out(store, attempt)
