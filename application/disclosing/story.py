"""One disclosure as its stream tells it, and the events that are added to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from application.disclosing.facts import Wish
from application.execute import Plan, Scribe, carry_out
from application.ports import Append, Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from domain import disclosure
from domain.access import SALT_BYTES
from domain.disclosure import (
    Decision,
    Disclosure,
    DisclosureRecorded,
    DisclosureRefused,
    DisclosureWithheld,
    SubjectShared,
    TagOf,
)
from domain.disclosure_rules import SubjectFacts
from domain.errors import NotFound

COURIER = "system:courier"


def opening_stream(tenant: UUID, tag: UUID) -> UUID:
    """The stream of the one opening of a tag: a second one would be a conflict."""
    return uuid5(tenant, f"daybook/disclosure/opened/{tag.hex}")


@dataclass(frozen=True, slots=True)
class Story:
    """A disclosure that was recorded: as it stands, its first event, all of its events."""

    state: Disclosure
    first: Recorded[DisclosureRecorded]
    events: tuple[Recorded[Any], ...] = field(repr=False)

    @property
    def last(self) -> UUID:
        """Its last event."""
        return self.events[-1].event_id

    @property
    def persons(self) -> tuple[UUID, ...]:
        """Whose data it is, whatever the record calls them."""
        known = {one.tag: one.stands_for for one in self.state.stands_for}
        subjects = self.state.recorded.subjects
        return tuple(known.get(one.subject, one.subject) for one in subjects)

    def named(self, person: UUID) -> UUID:
        """What the record calls a person: their id, or a tag."""
        tags = {one.stands_for: one.tag for one in self.state.stands_for}
        return tags.get(person, person)

    def wish(self) -> Wish:
        """What was to be handed over."""
        it = self.state.recorded
        return Wish(
            recipient=it.recipient,
            subjects=self.persons,
            purpose=it.purpose,
            case=self.first.case,
            ground=it.ground,
            scope=it.scope,
        )

    def courier(self) -> Caller:
        """Who goes on with it when nobody is waiting."""
        first = self.first
        return Caller(first.tenant, COURIER, frozenset(), purpose=first.purpose, case=first.case)


def read_story(store: EventStore, tenant: UUID, id: UUID) -> Story:
    """The disclosure. Refuses: NotFound (also: one that was refused before it was recorded)."""
    events = store.read(tenant, id)
    if not events or not isinstance(events[0].decision, DisclosureRecorded):
        raise NotFound()
    state: Disclosure | None = None
    for event in events:
        state = disclosure.evolve(state, event.decision)  # type: ignore[arg-type]
    assert state is not None
    return Story(state, events[0], events)  # type: ignore[arg-type]


def go_on(
    store: EventStore,
    clock: Clock,
    ids: Ids,
    by: Caller,
    id: UUID,
    decide: Callable[[Story, datetime], Decision | None],
    result: Callable[[Disclosure, UUID], object] | None = None,
) -> Story:
    """Add what `decide` decides on the disclosure as it stands; deciding nothing adds nothing. The story after it.

    With `result` the answer of an idempotent call is kept: what it makes of the state and the new event.
    Refuses: NotFound, whatever `decide` refuses, Stale.
    """

    def attempt() -> Plan[None]:
        story = read_story(store, by.tenant, id)
        scribe = Scribe.begin(by, clock, ids)
        decision = decide(story, scribe.at)
        if decision is None:
            return Plan(Append(by.tenant, scribe.at, ()), None)
        event = scribe.record(id, story.state.version + 1, decision, cause=story.first.event_id)
        append = Append(by.tenant, scribe.at, (event,))
        if result is not None:
            after = disclosure.evolve(story.state, decision)
            kept = scribe.answer(result(after, event.event_id))
            append = Append(by.tenant, scribe.at, (event,), ticket=by.ticket, answer=kept)
        return Plan(append, None)

    carry_out(store, attempt)
    return read_story(store, by.tenant, id)


# --- whom it is about ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class About:
    """The persons of one event as it names them: by their ids, or under a gag by tags, whose meaning stands apart."""

    shared: tuple[SubjectShared, ...]
    tags: tuple[TagOf, ...]
    until: datetime | None

    @classmethod
    def draw(cls, ids: Ids, subjects: Iterable[SubjectFacts], until: datetime | None) -> About:
        """Name the persons, under fresh tags while a gag runs (`until`)."""
        shared: list[SubjectShared] = []
        tags: list[TagOf] = []
        for one in subjects:
            salt = ids.secret()[:SALT_BYTES].hex()
            named = one.subject
            if until is not None:
                named = ids.uuid()
                tags.append(TagOf(named, one.subject))
            shared.append(SubjectShared(named, salt, one.consent, one.consent_at_send))
        return cls(tuple(shared), tuple(tags), until)

    def following(
        self, scribe: Scribe, about: Recorded[object], id: UUID
    ) -> tuple[Recorded[object], ...]:
        """What is appended right after `about`: whom its tags stand for; nothing where there are none."""
        if self.until is None:
            return ()
        decision = DisclosureWithheld(id, self.until, self.tags)
        version = about.version + 1
        return (scribe.record(about.stream, version, decision, cause=about.event_id),)


def refused_event(
    wish: Wish, id: UUID, reason: disclosure.Reason, about: About, known: Iterable[str]
) -> DisclosureRefused:
    """What is recorded of a refusal: codes only, whatever was asked for."""
    listed = frozenset(known)
    return DisclosureRefused(
        disclosure=id,
        recipient=wish.recipient,
        purpose=wish.purpose if reason != "unknown_purpose" else None,
        fields=tuple(one for one in wish.scope.fields if one in listed),
        reason=reason,
        attempt=None,
        count=len(about.shared),
        subjects=about.shared,
    )
