"""People: found by a contact, what is held about them, and corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from application.access.reveal import Glass, Opened, Reveal, Wish
from application.custody.custody_log import read_custody
from application.execute import Plan, Scribe, carry_out
from application.people.contacts import ContactKind, KnownPeople
from application.people.profiles import PROFILE_FIELDS, profile_of, profile_sights
from application.people_known import Erasures, require_living, require_person
from application.permissions import require
from application.policy.policies import PRIVACY_READERS, PRIVACY_WRITERS
from application.ports import Append, Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from domain import fields, subject
from domain.custody import Kept
from domain.errors import ContactTaken, DomainError, VersionMismatch
from domain.subject import (
    Correction,
    ProfileField,
    SubjectCorrected,
    SubjectRegistered,
    normalise_email,
    normalise_phone,
)

LOOKED_UP_FOR: Final = "service"
FOUND_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Holding:
    """What is sealed for a person by events of one type, under one retention class: how often, and from when to when.

    Instants are event times, UTC.
    """

    event_type: str
    retention_class: str
    count: int
    first_at: datetime
    last_at: datetime


class Holdings(Protocol):
    """What is held about people, by kind; nothing is opened. It includes all that was recorded before."""

    def of(self, tenant: UUID, subject: UUID, as_of: datetime) -> list[Holding]:
        """All that was sealed for a person up to an instant, by event type and class."""
        ...


@dataclass(frozen=True, slots=True)
class PersonHeld:
    """What is held about a person as of an instant. `values` are there only where they were asked for, and opened.

    Nothing that was erased is among it; `kept` is what an erasure left, under which exception.
    """

    subject: UUID
    as_of: datetime
    registered_at: datetime
    corrected_at: datetime | None
    erased_at: datetime | None
    held: tuple[Holding, ...]
    kept: tuple[Kept, ...]
    values: Opened | None
    version: int


@dataclass(frozen=True, slots=True)
class CorrectPerson:
    """Let these fields of a person's profile stand from now on."""

    subject: UUID
    fields: tuple[ProfileField, ...]
    correction: Correction
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class Corrected:
    """What was corrected, its event, and the version of the profile since."""

    decision: SubjectCorrected
    event: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Searched:
    """Who was found, and the event that says that somebody looked; None where there was nobody to look at."""

    subjects: tuple[UUID, ...]
    event: UUID | None


@dataclass(frozen=True, slots=True)
class People:
    """The people that a business knows."""

    store: EventStore
    people: KnownPeople
    holdings: Holdings
    erasures: Erasures
    reveal: Reveal
    clock: Clock
    ids: Ids

    def search(self, kind: ContactKind, value: str, by: Caller) -> Searched:
        """Who has this e-mail address, or this phone number. That somebody looked is recorded as an access.

        Without a purpose of the caller's it is recorded under `service`.
        Refuses: NotPermitted (recorded), PurposeRequired (a case that lacks), Unacceptable (no address, no number).
        """
        looking = replace(by, purpose=by.purpose or LOOKED_UP_FOR)
        glass = self.reveal.admit(looking, Wish((kind,)), PRIVACY_WRITERS)
        normal = normalise_email(value) if kind == "email" else normalise_phone(value)
        if normal is None:
            fields.accept(fields.fault(f"/{kind}", "malformed", f"It is no {kind} of a person."))
            raise AssertionError("a fault is refused")
        found = sorted(
            one
            for one in self.people.find_all(by.tenant, kind, normal)[:FOUND_MAX]
            if self._is_known(by.tenant, one) and self._stands(by.tenant, one)
        )
        return Searched(tuple(found), self.reveal.note(looking, found, (kind,), glass))

    def show(self, id: UUID, as_of: datetime | None, by: Caller) -> PersonHeld:
        """What is held about a person at `as_of` (now where None); with the values of their profile under a purpose.

        An erased person is shown with the instant of their erasure, and without values.
        Refuses: NotPermitted (role), NotFound, PurposeRequired, Unreadable.
        """
        glass = None
        if by.purpose is None:
            require(by, *PRIVACY_READERS)
        else:
            glass = self.reveal.admit(by, Wish(PROFILE_FIELDS, id), PRIVACY_WRITERS)
        events = require_person(self.store, by.tenant, id)
        at = as_of or self.clock.now()
        erased_at = self.erasures.erased_at(by.tenant, id)
        seen = [event for event in events if event.occurred_at <= at]
        values = None
        if by.purpose is not None and erased_at is None:
            values = self._values(seen, by, glass)
        return PersonHeld(
            subject=id,
            as_of=at,
            registered_at=events[0].occurred_at,
            corrected_at=seen[-1].occurred_at if len(seen) > 1 else None,
            erased_at=erased_at,
            held=tuple(self.holdings.of(by.tenant, id, at)),
            kept=tuple(read_custody(self.store, by.tenant, id).kept.values()),
            values=values,
            version=len(events),
        )

    def version(self, id: UUID, by: Caller) -> int:
        """The version of a person's profile. Refuses: NotPermitted, NotFound."""
        require(by, *PRIVACY_READERS)
        return len(require_person(self.store, by.tenant, id))

    def correct(self, command: CorrectPerson, by: Caller) -> Corrected:
        """Correct a person's profile. Look-ups by the new e-mail address and number find them, by the old ones not.

        Refuses: NotPermitted, NotFound, Erased, Unacceptable (fields), ContactTaken (another has the address),
        VersionMismatch.
        """
        require(by, *PRIVACY_WRITERS)
        require_living(self.store, self.erasures, by.tenant, command.subject)
        decision = subject.correct(command.subject, command.fields, command.correction)
        contacts = _contacts(command)
        claimed = self._claim(contacts, command.subject, by)
        try:
            receipt = carry_out(
                self.store, lambda: self._correcting(decision, command.if_match, by)
            )
        except DomainError:
            for kind, value in claimed:
                self.people.unclaim(by.tenant, command.subject, kind, value)
            raise
        for kind, settled in contacts:
            self.people.settle(by.tenant, command.subject, kind, settled)
        return receipt

    def _claim(
        self, contacts: Sequence[tuple[ContactKind, str | None]], id: UUID, by: Caller
    ) -> list[tuple[ContactKind, str]]:
        claimed: list[tuple[ContactKind, str]] = []
        for kind, value in contacts:
            if value is None:
                continue
            found = self.people.claim(by.tenant, id, kind, value)
            if found.subject != id:
                raise ContactTaken()
            if found.fresh:
                claimed.append((kind, value))
        return claimed

    def _correcting(
        self, decision: SubjectCorrected, if_match: int | None, by: Caller
    ) -> Plan[Corrected]:
        scribe = Scribe.begin(by, self.clock, self.ids)
        known = self.store.read(by.tenant, decision.subject)
        if if_match is not None and if_match != len(known):
            raise VersionMismatch()
        event = scribe.record(decision.subject, len(known) + 1, decision)
        receipt = Corrected(decision, event.event_id, event.version)
        append = Append(
            by.tenant, scribe.at, (event,), ticket=by.ticket, answer=scribe.answer(receipt)
        )
        return Plan(append, receipt)

    def _values(
        self, events: Sequence[Recorded[object]], by: Caller, glass: Glass | None
    ) -> Opened | None:
        parts = profile_sights(events)
        if not parts:
            return None
        sights = [sight for sight, _ in parts]
        opened = self.reveal.open(by, sights, PROFILE_FIELDS, glass)
        return profile_of([says for _, says in parts], opened)

    def _stands(self, tenant: UUID, id: UUID) -> bool:
        """False from the order on: the look-ups go with the keys, somewhat later."""
        return self.erasures.erased_at(tenant, id) is None

    def _is_known(self, tenant: UUID, id: UUID) -> bool:
        events = self.store.read(tenant, id)
        return bool(events) and isinstance(events[0].decision, SubjectRegistered)


def _contacts(command: CorrectPerson) -> list[tuple[ContactKind, str | None]]:
    """What leads to the person once it is corrected, normalised; it was checked."""
    found: list[tuple[ContactKind, str | None]] = []
    email, phone = command.correction.email, command.correction.phone
    if "email" in command.fields and email is not None:
        found.append(("email", normalise_email(email.open())))
    if "phone" in command.fields:
        found.append(("phone", None if phone is None else normalise_phone(phone.open())))
    return found
