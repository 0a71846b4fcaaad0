"""Everything that bears on a disclosure, gathered at the instant of sending: from the streams, never from memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from application.consents.choices import ConsentStates
from application.custody.custodies import Custodies
from application.disclosing.conditions import Orders, Restrictions, Visits
from application.disclosing.recipients import RECIPIENTS
from application.ports import AgendaRow, Book, Clock, EventStore
from application.setup.locations import LOCATIONS
from domain.custody import DENYING, Bar
from domain.disclosure import Ground, Scope
from domain.disclosure_rules import (
    TRANSFER_CONSENT,
    ProcessStanding,
    SendingFacts,
    SubjectFacts,
    VisitSeen,
)
from domain.errors import FieldError, UnknownReference
from domain.personal_fields import FIELDS
from domain.recipient import Recipient
from domain.recipient_terms import RecipientTerms
from domain.sealing import Envelope
from domain.subject import SubjectRegistered
from domain.values import from_epoch

CORRECTED: Final = "subject.corrected.v1"
NONE: Final = frozenset[Bar | None]()


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be handed over: to whom, of whom, what, why."""

    recipient: UUID
    subjects: tuple[UUID, ...]
    purpose: str
    case: str | None
    ground: Ground
    scope: Scope


@dataclass(frozen=True, slots=True)
class ProfilePart:
    """What one event says of a person: of `fields` alone where it corrects them; one without a value is taken away."""

    fields: tuple[str, ...] | None
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class SealedProfile:
    """All that is said of who a person is, oldest first: the last word on a field counts."""

    parts: tuple[ProfilePart, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was found. `profiles` has who each person is, `rows` their visits, both sealed.

    `erased` is true where some of what is wished for was taken by an erasure. `gag_until` is when the last gag
    on it ends (it may have passed); None without one.
    """

    recipient: Recipient
    facts: SendingFacts
    profiles: dict[UUID, SealedProfile]
    rows: dict[UUID, list[AgendaRow]]
    our_role: Literal["controller", "processor"]
    erased: bool
    gag_until: datetime | None


@dataclass(frozen=True, slots=True)
class FactsOfSending:
    """Gathers."""

    store: EventStore
    book: Book
    visits: Visits
    consents: ConsentStates
    restrictions: Restrictions
    custodies: Custodies
    orders: Orders
    clock: Clock

    def gather(self, tenant: UUID, wish: Wish) -> Gathered:
        """All that bears on `wish` now.

        The contract's dates are days in UTC.
        Refuses: UnknownReference (recipient, then subjects), Behind, RangeTooLong.
        """
        if self.book.entry(tenant, RECIPIENTS.kind, wish.recipient) is None:
            raise _unknown("There is no such recipient.", "/recipient_id")
        profiles = self._profiles(tenant, wish.subjects)
        rows = self._rows(tenant, wish.subjects)
        places = self._places(tenant, rows)
        at = self.clock.now()
        standing = RECIPIENTS.find(self.book, tenant, wish.recipient)[1]
        bars = self._bars(tenant, wish)
        subjects = tuple(
            self._subject(tenant, one, wish, standing.terms, rows[one], places, bars.get(one, NONE))
            for one in wish.subjects
        )
        facts = SendingFacts(
            terms=standing.terms,
            at=at,
            on=at.date(),
            purpose=wish.purpose,
            case=wish.case,
            ground=wish.ground,
            scope=wish.scope,
            subjects=subjects,
            process=self._process(tenant, wish.ground),
        )
        erased = any("erased" in found for found in bars.values())
        gag = self._gag(tenant, wish, facts.process)
        return Gathered(standing, facts, profiles, rows, _our_role(places), erased, gag)

    def _gag(self, tenant: UUID, wish: Wish, process: ProcessStanding | None) -> datetime | None:
        """When the last gag ends on the process that `wish` names or on its case."""
        ends = (
            None if process is None else process.gag_until,
            None if wish.case is None else self.orders.until(tenant, wish.case),
        )
        return max((at for at in ends if at is not None), default=None)

    def _bars(self, tenant: UUID, wish: Wish) -> dict[UUID, frozenset[Bar | None]]:
        """What keeps the fields of each person shut, of those for whom anything may."""
        classes = {FIELDS[one].retention_class for one in wish.scope.fields if one in FIELDS}
        return {
            subject: frozenset(custody.bar(one, wish.purpose) for one in classes)
            for subject, custody in self.custodies.of(tenant, wish.subjects).items()
        }

    def _profiles(self, tenant: UUID, subjects: Sequence[UUID]) -> dict[UUID, SealedProfile]:
        found = {one: profile_of(self.store, tenant, one) for one in subjects}
        strange = [at for at, one in enumerate(subjects) if found[one] is None]
        if strange:
            raise _unknown("There is no such person.", *(f"/subject_ids/{at}" for at in strange))
        return {one: sealed for one, sealed in found.items() if sealed is not None}

    def _rows(self, tenant: UUID, subjects: Sequence[UUID]) -> dict[UUID, list[AgendaRow]]:
        found: dict[UUID, list[AgendaRow]] = {one: [] for one in subjects}
        for row in self.visits.of(tenant, subjects):
            found[row.subject].append(row)
        return found

    def _places(
        self, tenant: UUID, rows: dict[UUID, list[AgendaRow]]
    ) -> dict[UUID, tuple[str, str]]:
        """Country and controller of each location that was visited."""
        ids = list({row.location for some in rows.values() for row in some})
        found: dict[UUID, tuple[str, str]] = {}
        for entry in self.book.entries(tenant, "location", ids):
            terms = LOCATIONS.state_of(entry).terms
            found[entry.id] = terms.country, terms.controller
        return found

    def _subject(
        self,
        tenant: UUID,
        subject: UUID,
        wish: Wish,
        terms: RecipientTerms,
        rows: Sequence[AgendaRow],
        places: dict[UUID, tuple[str, str]],
        bars: frozenset[Bar | None],
    ) -> SubjectFacts:
        state = self.consents.at(tenant, subject, wish.purpose)
        transfer = None
        if terms.transfer_mechanism == "A49-1-a":
            transfer = self.consents.at(tenant, subject, TRANSFER_CONSENT)
        return SubjectFacts(
            subject=subject,
            consent=None if state is None else state.id,
            consent_at_send="none" if state is None else state.decision,
            consent_valid=state is not None and state.valid,
            transfer_consent=transfer is not None and transfer.valid,
            restricted=bool(bars & DENYING)
            or self.restrictions.holds(tenant, subject, wish.purpose),
            opted_out=terms.vendor is not None
            and self.restrictions.opted_out(tenant, subject, terms.vendor),
            visits=tuple(seen(row, places) for row in rows),
        )

    def _process(self, tenant: UUID, ground: Ground) -> ProcessStanding | None:
        if ground.legal_process is None:
            return None
        return self.orders.process(tenant, ground.legal_process)


def seen(row: AgendaRow, places: dict[UUID, tuple[str, str]]) -> VisitSeen:
    """A visit as the rules see it."""
    return VisitSeen(row.location, places[row.location][0], from_epoch(row.start))


def profile_of(store: EventStore, tenant: UUID, subject: UUID) -> SealedProfile | None:
    """What is known of a person, corrections included; None when there is no such person."""
    events = store.read(tenant, subject)
    if not events or not isinstance(events[0].decision, SubjectRegistered):
        return None
    parts: list[ProfilePart] = []
    for event in events:
        if isinstance(event.decision, SubjectRegistered):
            parts.append(ProfilePart(None, _sealed(event.decision.profile)))
        elif getattr(event.decision, "TYPE", "") == CORRECTED:
            corrected: Any = event.decision
            parts.append(ProfilePart(tuple(corrected.fields), _sealed(corrected.correction)))
    return SealedProfile(tuple(parts))


def _sealed(value: object) -> Envelope:
    assert isinstance(value, Envelope), "what was read is sealed"
    return value


def gagged_until(
    wished: datetime | None, ordered: datetime | None, now: datetime
) -> datetime | None:
    """Until when the persons may not learn of it: what was asked for or ordered, whichever is later; None when past."""
    latest = max((at for at in (wished, ordered) if at is not None), default=None)
    return latest if latest is not None and latest > now else None


def _unknown(words: str, *pointers: str) -> UnknownReference:
    errors = tuple(FieldError(one, UnknownReference.code, words) for one in pointers)
    return UnknownReference(errors=errors)


def _our_role(places: dict[UUID, tuple[str, str]]) -> Literal["controller", "processor"]:
    """Processor as soon as a location is the controller of its customers' data."""
    return "processor" if any(who == "location" for _, who in places.values()) else "controller"
