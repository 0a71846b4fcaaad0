"""Loads Daybook's side: a business to load into, and people by real appends, sealed, some fifty of them in each.

The keys and the blind index get each person by the call that a booking makes; the events are those that the use cases
would write: made known, what they said, and one disclosure for the fifty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from api.platform import Platform
from application.booking.placing import CLASSES_OF_A_CUSTOMER
from application.consent_log import consent_stream
from application.disclosing.recipients import RegisterRecipient
from application.ports import Append, Outcome
from application.recorded import Caller, Recorded
from application.setup.locations import OpenLocation
from application.setup.services import OfferService
from application.setup.staffing import EngageStaff, SetSchedule
from benchmarks.gdprbench.records import (
    PURPOSES,
    RECIPIENTS,
    SHARED_FOR,
    Record,
    recipient_name,
    recipient_reference,
    record,
)
from domain.consent import ConsentGiven, ConsentRefused, NoticeShown
from domain.disclosure import (
    DisclosureAttempted,
    DisclosureDelivered,
    DisclosureRecorded,
    Ground,
    Scope,
    SubjectShared,
)
from domain.location import LocationTerms
from domain.policy_version import PolicyVersion, Publication
from domain.recipient_terms import RecipientTerms
from domain.schedule import Hours, Schedule, WeeklyHours
from domain.service import ServiceTerms
from domain.staff import StaffTerms
from domain.subject import Profile, SubjectRegistered, normalise_email
from domain.values import Personal
from infrastructure.engine import Engine

EVERY_MINUTES: Final = 5
SLOTS_A_DAY: Final = 24 * 60 // EVERY_MINUTES
WINDOW_DAYS: Final = 60
EVERY_DAY: Final = (0, 1, 2, 3, 4, 5, 6)
# Listed purposes that need no case are permitted to every recipient, but none of them for marketing.
PERMITTED: Final = tuple(one for one in PURPOSES if one != "marketing_first_party")


@dataclass(frozen=True, slots=True)
class Setting:
    """What the people are loaded into: the text they were shown, who gets their data, and what they book."""

    shown: NoticeShown
    recipients: tuple[UUID, ...]
    service: UUID
    start: datetime

    @property
    def policy(self) -> str:
        """The label of the text."""
        return self.shown.version


def set_up(platform: Platform, by: Caller) -> Setting:
    """Found what a business needs before its first customer."""
    now = platform.clock.now()
    text = "What we collect, and why."
    wanted = Publication("2026-10-01", now - timedelta(days=1), "en", text, False, "The first one.")
    policy = platform.policies.publish(wanted, by).state
    recipients = tuple(
        platform.recipients.register(RegisterRecipient(_terms(number)), by).state.recipient.id
        for number in range(RECIPIENTS)
    )
    place = platform.locations.open(OpenLocation(LocationTerms("Here", "UTC", "GB")), by).state
    terms = ServiceTerms(
        location_ids=(place.id,),
        name="Quick",
        duration_minutes=EVERY_MINUTES,
        slot_interval_minutes=EVERY_MINUTES,
        booking_window_days=WINDOW_DAYS,
    )
    service = platform.services.offer(OfferService(terms), by).state
    who = StaffTerms((place.id,), "Sam", (service.id,))
    staff = platform.staffing.engage(EngageStaff(who, None), by).state
    always = Schedule("UTC", (WeeklyHours(EVERY_DAY, Hours(0, 24 * 60)),))
    platform.staffing.set_schedule(SetSchedule(staff.id, always), by)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Setting(_shown(policy), recipients, service.id, midnight + timedelta(days=1))


def _shown(policy: PolicyVersion) -> NoticeShown:
    return NoticeShown(
        policy.id, policy.label, policy.sha256, policy.language, policy.effective_from
    )


def _terms(number: int) -> RecipientTerms:
    return RecipientTerms(
        legal_name=recipient_name(number),
        address=f"{number} Main Street",
        country="GB",
        kind="crm",
        role="processor",
        permitted_purposes=PERMITTED,
        contract_ref=recipient_reference(number),
        contract_from=date(2025, 1, 1),
    )


@dataclass(frozen=True, slots=True)
class Loading:
    """Puts people in. `keys` gets the subject of each."""

    engine: Engine
    tenant: UUID
    setting: Setting
    keys: dict[int, UUID]

    def put(self, batch: range) -> None:
        """All of a batch, in one append; their disclosure is among them."""
        now = self.engine.clock.now()
        people = [record(number) for number in batch]
        for one in people:
            self.keys[one.number] = self._prepared(one)
        events = [event for one in people for event in self._person(one, now)]
        events += self._disclosure(people, now)
        outcome = self.engine.store.append(Append(self.tenant, now, tuple(events)))
        assert outcome is Outcome.APPENDED

    def _prepared(self, one: Record) -> UUID:
        """The subject, with keys and an entry in the blind index, as at a first booking."""
        email = normalise_email(one.email)
        assert email is not None
        candidate = self.engine.ids.uuid()
        people = self.engine.people
        return people.find_or_prepare(self.tenant, email, candidate, CLASSES_OF_A_CUSTOMER).subject

    def _person(self, one: Record, now: datetime) -> Iterator[Recorded[object]]:
        subject = self.keys[one.number]
        profile = Profile(*map(Personal, (one.name, one.email, one.phone, one.address)))
        yield self._event(subject, 1, now, SubjectRegistered(subject, "booking", profile))
        for version, (purpose, word) in enumerate(one.said.items(), 1):
            consent, shown = self.engine.ids.uuid(), self.setting.shown
            head = consent, subject, purpose, shown, "explicit_click", "api", now
            said = (
                ConsentGiven(*head, None, None, None)  # type: ignore[arg-type]
                if word == "given"
                else ConsentRefused(*head, None, None)  # type: ignore[arg-type]
            )
            yield self._event(consent_stream(subject), version, now, said)

    def _disclosure(self, people: list[Record], now: datetime) -> Iterator[Recorded[object]]:
        id = self.engine.ids.uuid()
        shared = tuple(
            SubjectShared(self.keys[one.number], self.engine.ids.secret()[:16].hex(), None, "none")
            for one in people
        )
        recorded = DisclosureRecorded(
            disclosure=id,
            recipient=self.setting.recipients[people[0].recipient],
            recipient_version=1,
            purpose=SHARED_FOR,
            ground=Ground("contract"),
            scope=Scope(("name", "email")),
            our_role="controller",
            transfer=None,
            channel="https",
            withheld_until=None,
            count=len(shared),
            subjects=shared,
        )
        for version, decision in enumerate(
            (recorded, DisclosureAttempted(1), DisclosureDelivered(1, 200)), 1
        ):
            yield self._event(id, version, now, decision, SHARED_FOR)

    def _event(
        self, stream: UUID, version: int, at: datetime, decision: object, purpose: str | None = None
    ) -> Recorded[object]:
        return Recorded(
            self.tenant,
            stream,
            version,
            self.engine.ids.uuid(),
            at,
            "key_1",
            decision,
            purpose,
            policy_version=self.setting.policy,
        )
