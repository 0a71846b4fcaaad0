"""What must have happened, told from the log alone: naive folds that share nothing with the product's own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any
from uuid import UUID

from application.recorded import Recorded
from domain.booking import (
    BookingCancelled,
    BookingConfirmed,
    BookingRescheduled,
)
from domain.consent import ConsentExpired, ConsentGiven, ConsentRefused, ConsentWithdrawn
from domain.disclosure import DisclosureRecorded, DisclosureRefused, DisclosureWithheld
from domain.erasure import ErasureEffected
from domain.hold import HoldConsumed, HoldExpired, HoldPlaced, HoldReleased
from domain.legal_hold import LegalHoldPlaced
from domain.legal_process import ProcessReceived
from domain.sealing import Envelope
from domain.subject import SubjectRegistered
from domain.visit import Visit
from tests.simulation.sharing import Sharing

STATES = {
    ConsentGiven: "given",
    ConsentRefused: "refused",
    ConsentWithdrawn: "withdrawn",
    ConsentExpired: "expired",
}


@dataclass
class Story:
    """One tenant's log, as far as it was read."""

    tenant: UUID
    sharing: Sharing
    read: int = 0
    events: set[UUID] = field(default_factory=set)
    versions: Counter[UUID] = field(default_factory=Counter)
    live: dict[UUID, Visit] = field(default_factory=dict)  # by booking or hold
    begun: dict[str, list[UUID]] = field(default_factory=dict)  # what was made, by kind
    consents: dict[tuple[UUID, str], str] = field(default_factory=dict)
    disclosures: dict[UUID, set[UUID]] = field(default_factory=dict)
    tags: dict[UUID, UUID] = field(default_factory=dict)  # whom one stands for, under a gag
    sealed: dict[tuple[UUID, str], list[Envelope]] = field(default_factory=dict)
    erased: set[tuple[UUID, str]] = field(default_factory=set)
    people: set[UUID] = field(default_factory=set)

    def take(self, log: list[Recorded[object]]) -> Iterable[str]:
        """Read on; what is wrong with the log itself."""
        for event in log[self.read :]:
            self.read += 1
            if event.event_id in self.events:
                yield f"event {event.event_id} is in the log twice"
            if event.tenant != self.tenant:
                yield f"event {event.event_id} of another tenant is in the log"
            self.events.add(event.event_id)
            self.versions[event.stream] += 1
            if event.version != self.versions[event.stream]:
                yield f"stream {event.stream} has version {event.version} as its {self.versions[event.stream]}th event"
            for envelope in envelopes(event.decision):
                parts = json.loads(envelope.text)
                whose = (UUID(parts["subject"]), parts["class"])
                if whose in self.erased:
                    yield f"something was sealed for {whose} after its erasure"
                self.sealed.setdefault(whose, []).append(envelope)
            self._fold(event.decision)
            yield from self.sharing.take(event)

    def _fold(self, decision: Any) -> None:
        match decision:
            case HoldPlaced():
                self._begin("hold", decision.hold)
                self.live[decision.hold] = decision.visit
            case HoldReleased() | HoldConsumed() | HoldExpired():
                del self.live[decision.hold]
            case BookingConfirmed():
                self._begin("booking", decision.booking)
                self.live[decision.booking] = decision.visit
            case BookingRescheduled():
                self.live[decision.booking] = decision.visit
            case BookingCancelled():
                del self.live[decision.booking]
            case LegalHoldPlaced():
                self._begin("legal_hold", decision.legal_hold)
            case ConsentGiven() | ConsentRefused() | ConsentWithdrawn() | ConsentExpired():
                if not isinstance(decision, ConsentExpired):
                    self._begin("consent", decision.consent)
                self.consents[decision.subject, decision.purpose] = STATES[type(decision)]
            case DisclosureRecorded() | DisclosureRefused():
                if isinstance(decision, DisclosureRecorded):
                    self._begin("disclosure", decision.disclosure)
                for one in decision.subjects:
                    whose = self.tags.get(one.subject, one.subject)
                    self.disclosures.setdefault(whose, set()).add(decision.disclosure)
            case DisclosureWithheld():
                for tag in decision.tags:
                    self.tags[tag.tag] = tag.stands_for
                    self.disclosures.pop(tag.tag, None)
                    self.disclosures.setdefault(tag.stands_for, set()).add(decision.disclosure)
            case ProcessReceived():
                self._begin("process", decision.process)
            case SubjectRegistered():
                self.people.add(decision.subject)
            case ErasureEffected():
                self.erased |= {(decision.subject, name) for name in decision.classes}

    def _begin(self, kind: str, id: UUID) -> None:
        self.begun.setdefault(kind, []).append(id)

    def overlapping(self) -> Iterable[str]:
        """Two that stand and take one person's time; seats of one class do not, up to its capacity."""
        by_staff: dict[UUID, list[tuple[UUID, Visit]]] = {}
        for owner, visit in self.live.items():
            by_staff.setdefault(visit.staff, []).append((owner, visit))
        for visits in by_staff.values():
            visits.sort(key=lambda one: one[1].occupied_from)
            for at, (owner, visit) in enumerate(visits):
                seats = 1
                for other, later in visits[at + 1 :]:
                    if later.occupied_from >= visit.occupied_to:
                        break
                    if visit.capacity > 1 and (later.service, later.start) == (
                        visit.service,
                        visit.start,
                    ):
                        seats += 1
                    else:
                        yield f"{owner} and {other} take the same time of {visit.staff}"
                if seats > visit.capacity:
                    yield f"{seats} have a seat of a class for {visit.capacity}: {owner}"


def envelopes(value: object) -> Iterable[Envelope]:
    """Every envelope in a decision."""
    if isinstance(value, Envelope):
        yield value
    elif is_dataclass(value):
        for one in fields(value):
            yield from envelopes(getattr(value, one.name))
