"""Carry a right out: erase, restrict, object, cancel; or find what shows that it was done.

What can stand or fall with the answer does, in one append. Erasing is ordered before, under the request's id: whoever
dies in between finds its order again, and orders nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from application.booking.booking_course import BookingCourse, Target
from application.consent_log import consent_stream, records_of
from application.custody.custody_log import custody_stream, read_custody
from application.disclosing.conditions import Heads, Visits
from application.erasing.ordering import Wish
from application.execute import Scribe
from application.ledger.reading import EventsQuery, Ledger
from application.ports import Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from domain import consent_rules
from domain.booking import Status
from domain.consent import Channel, ConsentRejected, Method, record_of, standing_now
from domain.consent_rules import Said
from domain.custody import CustodyRestricted, CustodyUnlocked
from domain.erasure import ErasureCause, ErasureDeferred, ErasureOrdered
from domain.errors import InvalidState, NotFound
from domain.package import PackageMade
from domain.privacy_request_answers import Done
from domain.privacy_request_codes import ERASING, DeniedPart, RequestChannel, Right
from domain.privacy_request_state import PrivacyRequest, RightAsked
from domain.purposes import OBJECTABLE
from domain.report import ReportIssued, ReportName
from domain.sealing import RETENTION_CLASSES
from domain.subject import SubjectCorrected
from domain.values import epoch_seconds

FOLLOWED: Final = "agenda"
PAGE_EVENTS: Final = 200
PAGES_MAX: Final = 500
# What opting out means here: nothing is sold or shared, and nothing is sent to sell.
OPT_OUTS: Final = ("marketing_first_party", "sale_share")
REPORTS: Final[dict[Right, tuple[ReportName, ...]]] = {
    "access": ("article-15", "ccpa-disclosures", "specific-third-parties"),
    "portability": ("article-15",),
    "shine_the_light": ("shine-the-light",),
    "accounting": ("accounting-of-disclosures",),
}
# These are answered by a report, so it has to have been taken.
NEED_REPORT: Final = frozenset[Right]({"shine_the_light", "accounting"})
# These give a person what is held of them, so it has to have been made ready for this very request.
NEED_PACKAGE: Final = frozenset[Right]({"access", "portability"})
_SPOKEN: Final[dict[RequestChannel, tuple[Method, Channel]]] = {
    "api": ("explicit_click", "api"),
    "web": ("explicit_click", "web"),
    "email": ("paper", "email"),
    "phone": ("spoken", "phone"),
    "post": ("paper", "post"),
    "agent": ("signature", "post"),
}


class Erases(Protocol):
    """Orders erasures: `ErasureOrders`."""

    def order(self, by: Caller, wish: Wish) -> UUID:
        """The erasure; the one that is there already where the same request led to it."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """What shows that a right was carried out: events that are there, and those that stand or fall with the answer."""

    evidence: tuple[UUID, ...] = ()
    beside: tuple[Recorded[object], ...] = ()


@dataclass(frozen=True, slots=True)
class CarryingOut:
    """Does what a right gives."""

    store: EventStore
    ledger: Ledger
    positions: Heads
    visits: Visits
    course: BookingCourse
    erasures: Erases
    clock: Clock
    ids: Ids

    def erase(self, state: PrivacyRequest, asked: RightAsked, by: Caller) -> Done:
        """Order the erasure that a right gives, of all that is not denied; nothing where it erases nothing, or nobody.

        To cancel an account calls off the visits that are still to come first.
        Refuses: whatever ordering refuses, Behind.
        """
        if asked.right not in ERASING or state.subject is None:
            return Done()
        cause: ErasureCause = "request" if asked.right == "erasure" else "account_cancellation"
        if state.terms.cause == "under_13":
            cause = "under_13"
        if asked.right == "account_cancellation":
            self._call_off(state.subject, by)
        denied = {one.retention_class for one in asked.denied}
        classes = tuple(one for one in RETENTION_CLASSES if one not in denied)
        # After an appeal more is taken than the request led to before: that is an erasure of its own.
        request = state.id if asked.erasure is None else None
        erasure = self.erasures.order(by, Wish(state.subject, cause, request, classes))
        return Done(erasure, self._left(by.tenant, erasure))

    def show(self, state: PrivacyRequest, right: Right, scribe: Scribe) -> Shown:
        """What shows that a right is carried out, or carries it out with the answer.

        Refuses: InvalidState (nothing was corrected; the report was not taken; no package was made), Behind.
        """
        if right in ERASING:
            return Shown()
        if right in REPORTS:
            return self._reported(state, right, scribe.caller.tenant)
        if state.subject is None:
            if right == "correction":
                raise InvalidState("Nothing was corrected since it came in")
            return Shown()
        if right == "correction":
            return self._corrected(state, state.subject, scribe.caller.tenant)
        if right == "restriction":
            return self._restricted(state, state.subject, scribe)
        choices = sorted(OBJECTABLE) if right == "objection" else OPT_OUTS
        return self._refused(state, state.subject, choices, scribe)

    def lift(self, state: PrivacyRequest, scribe: Scribe) -> tuple[Recorded[object], ...]:
        """The event that lifts the restriction which a request led to. Refuses: InvalidState (there is none)."""
        subject, tenant = state.subject, scribe.caller.tenant
        if subject is None or read_custody(self.store, tenant, subject).restricted_by != state.id:
            raise InvalidState("No restriction stands by it")
        version = read_custody(self.store, tenant, subject).version + 1
        decision = CustodyUnlocked(subject, state.id)
        return (scribe.record(custody_stream(subject), version, decision),)

    def is_restricting(self, state: PrivacyRequest, tenant: UUID) -> bool:
        """True while the restriction that a request led to stands."""
        if state.subject is None:
            return False
        return read_custody(self.store, tenant, state.subject).restricted_by == state.id

    def _left(self, tenant: UUID, erasure: UUID) -> tuple[DeniedPart, ...]:
        """What an erasure keeps, and what waits for legal holds; never of a hold that they may not know of."""
        found: list[DeniedPart] = []
        for event in self.store.read(tenant, erasure):
            match event.decision:
                case ErasureOrdered(kept=kept):
                    found += [DeniedPart(one.retention_class, one.exception) for one in kept]
                case ErasureDeferred(subject=UUID(), deferred=deferred):
                    found += [DeniedPart(one.retention_class, "legal_hold") for one in deferred]
                case _:
                    pass
        return tuple(found)

    def _call_off(self, subject: UUID, by: Caller) -> None:
        now = epoch_seconds(self.clock.now())
        # Whoever answers the request need not be one who books; what is done is done for the person.
        acting = Caller(by.tenant, by.actor, frozenset({"owner"}))
        for row in self.visits.of(by.tenant, [subject]):
            if row.start <= now or row.status not in (Status.PENDING.value, Status.CONFIRMED.value):
                continue
            try:
                self.course.cancel(Target(row.booking), "customer_request", acting)
            except (InvalidState, NotFound):
                continue  # somebody was quicker

    def _corrected(self, state: PrivacyRequest, subject: UUID, tenant: UUID) -> Shown:
        found = tuple(
            event.event_id
            for event in self.store.read(tenant, subject)
            if isinstance(event.decision, SubjectCorrected)
            and event.occurred_at >= state.terms.received_at
        )
        if not found:
            raise InvalidState("Nothing was corrected since it came in")
        return Shown(found)

    def _restricted(self, state: PrivacyRequest, subject: UUID, scribe: Scribe) -> Shown:
        custody = read_custody(self.store, scribe.caller.tenant, subject)
        if custody.restricted_by is not None:
            return Shown()
        decision = CustodyRestricted(subject, state.id)
        event = scribe.record(custody_stream(subject), custody.version + 1, decision)
        return Shown((event.event_id,), (event,))

    def _refused(
        self, state: PrivacyRequest, subject: UUID, choices: Sequence[str], scribe: Scribe
    ) -> Shown:
        stream = consent_stream(subject)
        known = self.store.read(scribe.caller.tenant, stream)
        records, events = records_of(known), list[Recorded[object]]()
        method, channel = _SPOKEN[state.terms.channel]
        for choice in choices:
            standing = standing_now(records, choice, scribe.at)
            if standing is not None and standing.decision in ("refused", "withdrawn"):
                continue
            # Whoever got data on the strength of a consent is told only of its withdrawal.
            given = standing is not None and standing.decision == "given"
            said = Said(
                consent=self.ids.uuid(),
                subject=subject,
                purpose=choice,
                decision="withdrawn" if given else "refused",
                method=method,
                channel=channel,
            )
            decision = consent_rules.decide(records, said, scribe.at)
            assert not isinstance(decision, ConsentRejected), "a no is always accepted"
            made = record_of(decision)
            assert made is not None, "what was accepted is a record"
            records.append(made)
            events.append(scribe.record(stream, len(known) + len(events) + 1, decision))
        return Shown(tuple(event.event_id for event in events), tuple(events))

    def _reported(self, state: PrivacyRequest, right: Right, tenant: UUID) -> Shown:
        found = self._issued(tenant, REPORTS[right], state.subject, state.terms.received_at)
        if not found and right in NEED_REPORT and (state.subject or right == "shine_the_light"):
            raise InvalidState(f"The report {REPORTS[right][0]} was not taken since it came in")
        if right in NEED_PACKAGE and state.subject is not None:
            found += self._packed(state, state.subject, tenant)
        return Shown(tuple(found))

    def _packed(self, state: PrivacyRequest, subject: UUID, tenant: UUID) -> list[UUID]:
        """The events of the packages that were made for the request; none of who is erased, for there is nothing left.

        Refuses: InvalidState (none was made).
        """
        since = state.terms.received_at
        found = [
            event.event_id
            for event in self._recorded(tenant, PackageMade.TYPE, since)
            if isinstance(it := event.decision, PackageMade)
            and (it.request, it.subject) == (state.id, subject)
        ]
        if not found and "profile" not in read_custody(self.store, tenant, subject).taken:
            raise InvalidState("No package was made for it")
        return found

    def _issued(
        self, tenant: UUID, names: Sequence[ReportName], subject: UUID | None, since: datetime
    ) -> list[UUID]:
        """The events of reports about the person, or about all, that were taken since."""
        return [
            event.event_id
            for event in self._recorded(tenant, ReportIssued.TYPE, since)
            if isinstance(it := event.decision, ReportIssued)
            and it.name in names
            and it.subject in (None, subject)
        ]

    def _recorded(self, tenant: UUID, type: str, since: datetime) -> Iterator[Recorded[object]]:
        """The events of a type that were recorded since, once the ledger has all that is there now. Refuses: Behind."""
        head = self.positions.head(tenant)
        if head >= 0:
            self.positions.wait(tenant, FOLLOWED, head)
        after = -1
        for _ in range(PAGES_MAX):
            page = self.ledger.events(tenant, EventsQuery(after, PAGE_EVENTS, type))
            for one in page:
                if one.recorded_at >= since:
                    events = self.store.read(tenant, one.stream)
                    yield from (event for event in events if event.event_id == one.event_id)
            if len(page) < PAGE_EVENTS:
                break
            after = page[-1].position
