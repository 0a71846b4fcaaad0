"""What left, what is withheld, and who broke the glass: told from the log alone, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from application.recorded import Recorded
from domain.access import AccessGranted, AccessOpened, AccessWithheld
from domain.access_review import AccessReviewed, GlassBroken
from domain.disclosure import (
    DisclosureAttempted,
    DisclosureDelivered,
    DisclosureFailed,
    DisclosureOpened,
    DisclosureRecorded,
    DisclosureRefused,
    DisclosureWithheld,
)
from domain.legal_process import GagChanged, ProcessReceived
from domain.tenant import BreakGlassAllowed, BreakGlassForbidden
from domain.values import parse_id
from tests.simulation.post import Post


@dataclass
class Delivery:
    """A disclosure on its way."""

    channel: str
    attempts: int = 0
    running: int | None = None
    retry_at: datetime | None = None
    is_over: bool = False


@dataclass
class Hidden:
    """A tag that stands for a person until it is opened, `opened` being when. `until` counts where no gag does."""

    person: UUID
    what: UUID
    case: UUID | None
    until: datetime
    opened: datetime | None = None


@dataclass
class Glass:
    """A glass that was broken; `reviewed` once it was."""

    actor: str
    due: datetime
    reviewed: bool = False

    def state_at(self, now: datetime) -> str:
        """As the list of reviews has it."""
        return "done" if self.reviewed else "late" if now >= self.due else "due"


@dataclass
class Sharing:
    """One tenant's."""

    post: Post
    deliveries: dict[UUID, Delivery] = field(default_factory=dict)
    gags: dict[UUID, datetime] = field(default_factory=dict)
    hidden: dict[UUID, Hidden] = field(default_factory=dict)
    granted: dict[UUID, Recorded[Any]] = field(default_factory=dict)
    glass: dict[UUID, Glass] = field(default_factory=dict)
    glasses: dict[UUID, UUID] = field(default_factory=dict)  # event by stream
    review_hours: int | None = None

    def take(self, event: Recorded[Any]) -> Iterable[str]:
        """One event; what is wrong with it."""
        yield from self._delivery(event)
        yield from self._gag(event)
        yield from self._glass(event)

    def unfinished(self) -> Iterable[str]:
        """What nobody would ever go on with."""
        for id, one in self.deliveries.items():
            if not one.is_over:
                yield f"disclosure {id} was never ended after {one.attempts} attempts"
        for tag, secret in self.hidden.items():
            if not secret.opened:
                yield f"tag {tag} was never opened"

    def end_of(self, one: Hidden) -> datetime:
        """Before this nobody may learn of it."""
        return self.gags.get(one.case, one.until) if one.case else one.until

    def hidden_from(self, person: UUID, now: datetime) -> tuple[set[UUID], set[UUID]]:
        """What a person must not be shown at `now`, and what they may be shown already, or not yet.

        What was opened may be told, and may be left out where the clock was set back to before the opening.
        """
        theirs = [one for one in self.hidden.values() if one.person == person]
        shut = {one.what for one in theirs if one.opened is None and now < self.end_of(one)}
        late = {one.what for one in theirs if one.opened is None or now < one.opened}
        return shut, late - shut

    # --- deliveries --------------------------------------------------------------------------------------------------

    def _delivery(self, event: Recorded[Any]) -> Iterable[str]:
        it, id = event.decision, event.stream
        if isinstance(it, DisclosureRecorded):
            self.deliveries[id] = Delivery(it.channel)
        if (one := self.deliveries.get(id)) is None:
            return
        match it:
            case DisclosureAttempted():
                if one.is_over or one.running is not None or it.attempt != one.attempts + 1:
                    yield f"attempt {it.attempt} of {id} follows {one}"
                early = one.retry_at is not None and event.occurred_at < one.retry_at
                if early and event.actor.startswith("system:"):  # a caller may be in a hurry
                    yield f"attempt {it.attempt} of {id} was made before its time"
                one.attempts, one.running = it.attempt, it.attempt
            case DisclosureDelivered():
                confirmed = one.channel == "response" or (id, it.attempt) in self.post.confirmed
                if one.running != it.attempt or not confirmed:
                    yield f"{id} is told to be delivered, and was not"
                one.running, one.is_over = None, True
            case DisclosureFailed():
                if it.shared == "no" and (id, it.attempt) in self.post.arrived:
                    yield f"{id} arrived, and is told not to be shared"
                one.running, one.retry_at = None, it.retry_at
                one.is_over = it.retry_at is None
            case DisclosureRefused():
                one.running, one.is_over = None, True

    # --- gags --------------------------------------------------------------------------------------------------------

    def _gag(self, event: Recorded[Any]) -> Iterable[str]:
        match it := event.decision:
            case ProcessReceived():
                if it.terms.gag_until is not None:
                    self.gags[it.process] = it.terms.gag_until
            case GagChanged():
                self.gags[event.stream] = it.until
            case DisclosureRecorded():
                if it.withheld_until is None:
                    yield from self._open_under_a_gag(event)
            case DisclosureWithheld():
                for tag in it.tags:
                    self._hide(tag.tag, tag.stands_for, it.disclosure, event, it.until)
            case AccessWithheld():
                for one in it.tags:
                    self._hide(one.tag, one.stands_for, it.event, event, it.until)
            case DisclosureOpened() | AccessOpened():
                if (secret := self.hidden.get(it.tag)) is None:
                    yield f"tag {it.tag} is opened, and is of another tenant or of nobody"
                    return
                if secret.opened or secret.person != it.subject:
                    yield f"tag {it.tag} is opened twice, or to somebody else"
                if event.occurred_at < self.end_of(secret):
                    yield f"{secret.what} is under a gag, and was opened"
                secret.opened = event.occurred_at

    def _open_under_a_gag(self, event: Recorded[Any]) -> Iterable[str]:
        gag = self.gags.get(self._case(event))  # type: ignore[arg-type]
        if gag is not None and event.occurred_at < gag:
            yield f"{event.event_id} is under a gag, and was recorded openly"

    def _hide(
        self, tag: UUID, person: UUID, what: UUID, event: Recorded[Any], until: datetime
    ) -> None:
        known = self.hidden.get(tag)
        case = known.case if known else self._case(event)
        self.hidden[tag] = Hidden(person, what, case, until)

    def _case(self, event: Recorded[Any]) -> UUID | None:
        return None if event.case is None else parse_id("process", event.case)

    # --- broken glass ------------------------------------------------------------------------------------------------

    def _glass(self, event: Recorded[Any]) -> Iterable[str]:
        match it := event.decision:
            case BreakGlassAllowed():
                self.review_hours = it.review_hours
            case BreakGlassForbidden():
                self.review_hours = None
            case AccessGranted():
                self.granted[event.event_id] = event
            case GlassBroken():
                access = self.granted.get(event.cause)  # type: ignore[arg-type]
                if access is None or access.decision.access != it.access:
                    yield f"the glass was broken for nothing that is on record: {event.event_id}"
                if self.review_hours is None:
                    yield f"the glass was broken where nobody may: {event.event_id}"
                due = event.occurred_at + timedelta(hours=self.review_hours or 0)
                if it.review_due_at != due:
                    yield f"the review of {event.event_id} is due at another time"
                self.glass[event.event_id] = Glass(event.actor, due)
                self.glasses[event.stream] = event.event_id
            case AccessReviewed():
                one = self.glass[self.glasses[event.stream]]
                if one.reviewed:
                    yield f"access {it.access} was reviewed twice"
                if one.actor == event.actor:
                    yield f"access {it.access} was reviewed by whoever broke the glass"
                one.reviewed = True
