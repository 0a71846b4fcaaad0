"""Booking a visit: a slot is chosen or taken from a hold, the person is found or made known, and all is one append."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Final
from uuid import UUID

from application.booking.choice import Choice, Chooser, Wanted, Zones, not_a_slot
from application.booking.claims import claim_of_booking, clear
from application.booking.offer import Asked
from application.booking.slots import BOOKING_ROLES
from application.booking.streams import hold_as_recorded
from application.consent_log import consent_stream, records_of
from application.consents.signals import signal_events
from application.execute import Plan, Scribe, carry_out
from application.people.contacts import KnownPeople
from application.permissions import require, sees
from application.ports import Append, Book, Clock, EventStore, Holidays, Ids, Release
from application.recorded import Caller, Recorded
from application.setup.register import Receipt
from domain import booking, booking_given, fields, hold, subject
from domain.booking import Booking
from domain.booking_given import PersonGiven, References
from domain.booking_rules import Making, make
from domain.errors import FieldError, UnknownReference
from domain.sealing import RetentionClass
from domain.subject import Profile, normalise_email, normalise_phone, trimmed
from domain.values import Personal

_NO_SUCH_HOLD: Final = FieldError("/hold_id", UnknownReference.code, "There is no such hold.")
CLASSES_OF_A_CUSTOMER: Final[tuple[RetentionClass, ...]] = ("profile", "booking")


@dataclass(frozen=True, slots=True)
class BookVisit:
    """Book the slot of a service at `start` for a customer; with `hold`, the slot that it keeps.

    The policy version among `references` is the privacy policy that the customer was shown.
    """

    service: UUID
    start: datetime
    customer: Profile
    location: UUID | None = None
    staff: UUID | None = None
    hold: UUID | None = None
    references: References = field(default_factory=References)
    note: Personal | None = None
    metadata: Mapping[str, Personal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Ids:
    """What a booking and a person who is new will be called, however often it is tried."""

    booking: UUID
    candidate: UUID


@dataclass(frozen=True, slots=True)
class _Slot:
    """The slot that a booking takes: what its append records beside the booking, and releases."""

    choice: Choice
    events: tuple[Recorded[object], ...]
    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class Bookings:
    """Makes bookings. Of many who race for one slot, exactly one wins."""

    store: EventStore
    book: Book
    people: KnownPeople
    clock: Clock
    ids: Ids
    holidays: Holidays
    zones: Zones = field(default_factory=dict, repr=False, compare=False)

    def make(self, command: BookVisit, by: Caller) -> Receipt[Booking]:
        """Book a visit: confirmed at once, or pending where the service requires confirmation.

        Refuses: NotPermitted, Unacceptable (any field), UnknownReference, LocationRequired, HoldExpired,
        HoldMismatch, NotASlot, SlotUnavailable, Erased.
        """
        require(by, *BOOKING_ROLES)
        fields.accept(
            subject.profile_flaws(command.customer),
            booking_given.given_flaws(command.note, command.metadata),
            booking_given.reference_flaws(command.references),
        )
        ids, rounds = _Ids(self.ids.uuid(), self.ids.uuid()), count()
        return carry_out(self.store, lambda: self._making(command, by, ids, next(rounds)))

    def _making(
        self, command: BookVisit, by: Caller, ids: _Ids, round: int
    ) -> Plan[Receipt[Booking]]:
        scribe = Scribe.begin(by, self.clock, self.ids)
        asked = Asked(command.service, command.location, command.staff)
        wanted = Wanted(asked, command.start, ids.booking, round)
        held = command.hold
        slot = self._chosen(scribe, wanted) if held is None else self._held(scribe, wanted, held)
        person, registered = self._customer(scribe, command.customer, ids.candidate)
        making = Making(
            booking=ids.booking,
            subject=person,
            visit=slot.choice.visit,
            person=_given(command),
            hold=command.hold,
            external_ref=command.references.external_ref,
        )
        terms = slot.choice.offer.service.terms
        decision = make(making, requires_confirmation=terms.requires_confirmation)
        recorded = scribe.record(ids.booking, 1, decision)
        event = replace(recorded, policy_version=command.references.policy_version)
        made = booking.evolve(None, decision)
        result = Receipt(made, event.event_id)
        append = Append(
            tenant=by.tenant,
            at=scribe.at,
            events=(*registered, event, *slot.events, *self._signalled(scribe, person)),
            releases=slot.releases,
            claims=(claim_of_booking(made),),
            ticket=by.ticket,
            answer=scribe.answer(result),
        )
        return Plan(append, result)

    def _chosen(self, scribe: Scribe, wanted: Wanted) -> _Slot:
        """A free slot. Refuses: UnknownReference, LocationRequired, NotASlot, SlotUnavailable."""
        choice = Chooser(self.book, self.holidays, self.zones).choose(
            scribe.caller, wanted, scribe.at
        )
        cleared = clear(self.store, scribe, choice.expired)
        return _Slot(choice, cleared.events, cleared.releases)

    def _held(self, scribe: Scribe, wanted: Wanted, id: UUID) -> _Slot:
        """The slot that a hold keeps, on the terms it was placed on.

        Refuses: UnknownReference, HoldExpired, HoldMismatch, NotASlot (over, or its offer has ended meanwhile).
        """
        found = hold_as_recorded(self.store, scribe.caller.tenant, id)
        if found is None or not sees(scribe.caller, (found.state.visit.location,)):
            raise UnknownReference(errors=(_NO_SUCH_HOLD,))
        held, asked = found.state, wanted.asked
        asked_or_kept = Asked(
            asked.service,
            asked.location or held.visit.location,
            asked.staff or held.visit.staff,
        )
        chooser = Chooser(self.book, self.holidays, self.zones)
        on_offer = chooser.look(scribe.caller, asked_or_kept, scribe.at)
        wish = hold.Wish(asked.service, wanted.start, asked.location, asked.staff)
        consumed = hold.consume(held, wanted.owner, wish, scribe.at)
        if held.visit.start < scribe.at or not on_offer.staff:
            raise not_a_slot()
        event = scribe.record(id, held.version + 1, consumed)
        return _Slot(Choice(held.visit, on_offer, ()), (event,), (Release(id),))

    def _customer(
        self, scribe: Scribe, profile: Profile, candidate: UUID
    ) -> tuple[UUID, tuple[Recorded[object], ...]]:
        """Who the customer is, and the event that makes them known where they are new."""
        email = normalise_email(profile.email.open())
        assert email is not None, "the profile was checked"
        found = self.people.find_or_prepare(
            scribe.caller.tenant, email, candidate, CLASSES_OF_A_CUSTOMER
        )
        if found.registered:
            return found.subject, ()
        registered = subject.register(found.subject, profile)
        phone = None if profile.phone is None else normalise_phone(profile.phone.open())
        if phone is not None:
            self.people.claim(scribe.caller.tenant, found.subject, "phone", phone)
        return found.subject, (scribe.record(found.subject, 1, registered),)

    def _signalled(self, scribe: Scribe, person: UUID) -> tuple[Recorded[object], ...]:
        """What the customer's browser said, where it said something."""
        by = scribe.caller
        if not by.global_privacy_control and by.do_not_track is None:
            return ()
        known = self.store.read(by.tenant, consent_stream(person))
        return signal_events(self.store, scribe, person, records_of(known), len(known) + 1)


def _given(command: BookVisit) -> PersonGiven:
    customer = trimmed(command.customer)
    return PersonGiven(
        name=customer.name,
        phone=customer.phone,
        address=customer.address,
        note=command.note or None,
        metadata=dict(command.metadata),
    )
