"""Disclosures under a gag: nothing shows before its date; after it each is opened once, even when a sweeper dies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from application.consent_log import consent_stream
from application.disclosing.disclose import Disclosed
from application.disclosing.story import opening_stream
from application.execute import Scribe
from application.orders import openings
from application.orders.legal_processes import (
    ChangeGag,
    ReceiveProcess,
    ReviewProcess,
    StandingOrders,
)
from application.orders.openings import DisclosureOpenings
from application.ports import Append, EventStore, Outcome
from application.recorded import Recorded
from domain.disclosure import (
    DisclosureOpened,
    DisclosureRecorded,
    DisclosureWithheld,
    Ground,
)
from domain.disclosure import DisclosureRefused as RefusedOnRecord
from domain.errors import DisclosureRefused
from domain.follow_up import FollowUpOrdered
from domain.legal_paper import Narrowing, ProcessTerms
from domain.values import Personal, public_id
from infrastructure.twin.memory import BEGINNING, MemoryWorld
from tests.usecases.disclosing import INBOX, OFFICER, Doors
from tests.usecases.orders import legal_processes
from tests.usecases.salon import TENANT, at, customer
from tests.usecases.test_courier import Corrected, Withdrawn

UNTIL = BEGINNING + timedelta(days=30)
SUBPOENA = ProcessTerms(
    "subpoena", "Example Court", "27-cv-1", BEGINNING - timedelta(days=1), gag_until=UNTIL
)


@dataclass
class Court:
    """A business with visits of two persons, an authority that may be given data, and what serves and opens."""

    doors: Doors = field(default_factory=Doors)

    def __post_init__(self) -> None:
        world = self.world
        facts = replace(self.doors.out.facts, orders=StandingOrders(world.book))
        self.doors.out = replace(self.doors.out, facts=facts)
        self.processes = legal_processes(world)
        orders = StandingOrders(world.book)
        self.openings = DisclosureOpenings(
            world.store, world.withheld, orders, world.clock, world.ids
        )
        here = self.doors.salon.a_location()
        service = self.doors.salon.a_service(here)
        self.doors.salon.a_staff_member([here], [service])
        book = self.doors.salon.book
        self.ada = book(service, at(10)).state.subject
        self.ben = book(service, at(12), customer("Ben", "ben@example.test")).state.subject
        self.police = self.doors.recipient(
            kind="authority", role="authority", permitted_purposes=("legal_duty",)
        ).id

    @property
    def world(self) -> MemoryWorld:
        return self.doors.salon.world

    def served(self, terms: ProcessTerms = SUBPOENA, *bounds: str) -> UUID:
        """A process that was reviewed: accepted, or narrowed to the fields `bounds`."""
        receive = ReceiveProcess(terms, Personal("Everything"))
        id = self.processes.receive(receive, OFFICER).state.id
        outcome = "narrowed" if bounds else "accepted"
        self.processes.review(ReviewProcess(id, outcome, Narrowing(bounds)), OFFICER)  # type: ignore[arg-type]
        return id

    def disclosed(self, process: UUID, *subjects: UUID, until: datetime | None = None) -> Disclosed:
        """Data of `subjects` (Ada) was disclosed under it."""
        return self.doors.hand_over(
            self.police,
            *(subjects or (self.ada,)),
            withhold_until=until,
            purpose="legal_duty",
            case="T-1",
            ground=Ground(legal_trigger="compelled", legal_process=process),
        )

    def gag(self, process: UUID, step, until: datetime | None = None) -> None:
        """A paper changes the gag."""
        self.processes.change_gag(ChangeGag(process, step, until, "O-1"), OFFICER)

    def sweep(self, at: datetime | None = None) -> int:
        """The sweeper's turn, at the instant `at`."""
        if at is not None:
            self.world.clock.set(at)
        return self.openings.sweep(TENANT)

    def events(self) -> Iterator[Recorded[object]]:
        return iter(self.world.state.log[TENANT])

    def about(self, person: UUID) -> list[str]:
        """What the ledger's index finds of a person's: types of events that speak of them by their id."""
        found = []
        for event in self.events():
            it = event.decision
            named = {getattr(it, "subject", None)}
            named |= {one.subject for one in getattr(it, "subjects", ())}
            if person in named:
                found.append(type(it).__name__)
        return found

    def opened(self) -> list[DisclosureOpened]:
        return [it.decision for it in self.events() if isinstance(it.decision, DisclosureOpened)]


@pytest.fixture
def court() -> Court:
    return Court()


def test_nothing_speaks_of_the_person_before_the_date_and_a_link_does_after(court: Court):
    before = court.about(court.ada)
    done = court.disclosed(court.served())
    assert done.state.recorded.withheld_until == UNTIL
    assert court.sweep(UNTIL - timedelta(microseconds=1)) == 0
    assert court.about(court.ada) == before
    assert court.sweep(UNTIL) == 1
    assert court.about(court.ada) == [*before, "DisclosureOpened"]
    (link,) = court.opened()
    (tag,) = done.state.recorded.subjects
    assert link == DisclosureOpened(done.id, court.ada, tag.subject)


def test_each_tag_is_opened_once_however_often_the_sweeper_looks(court: Court):
    court.disclosed(court.served(), court.ada, court.ben)
    assert [court.sweep(UNTIL), court.sweep(), court.sweep(UNTIL + timedelta(days=1))] == [2, 0, 0]
    assert {one.subject for one in court.opened()} == {court.ada, court.ben}


@dataclass(frozen=True)
class Dying:
    """A store of a process that is killed at its n-th append, before or after it was stored."""

    store: EventStore
    left: list[int]
    stores: bool

    def read(self, tenant: UUID, stream: UUID) -> tuple[Recorded[object], ...]:
        return self.store.read(tenant, stream)

    def append(self, append: Append) -> Outcome:
        self.left[0] -= 1
        if self.left[0] == 0:
            if self.stores:
                self.store.append(append)
            raise KeyboardInterrupt
        return self.store.append(append)


@pytest.mark.parametrize("stores", [False, True])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_sweeper_that_was_killed_leaves_the_rest_to_the_next(
    court: Court, nth: int, stores: bool
):
    court.disclosed(court.served(), court.ada, court.ben)
    court.world.clock.set(UNTIL)
    world = court.world
    dying = Dying(world.store, [nth], stores)
    with pytest.raises(KeyboardInterrupt):
        replace(court.openings, store=dying).sweep(TENANT)
    court.sweep()
    assert sorted(one.subject for one in court.opened()) == sorted((court.ada, court.ben))


def test_a_read_model_that_is_behind_opens_nothing_twice(court: Court):
    done = court.disclosed(court.served())
    court.world.clock.set(UNTIL)
    due, tags = court.world.withheld.due(TENANT, UNTIL, 10), done.state.stands_for

    @dataclass(frozen=True)
    class Behind:
        def due(self, *_: object):
            return due

        def tags(self, *_: object):
            return tags

        def under(self, *_: object):
            return ()

    behind = replace(court.openings, withheld=Behind())
    assert [behind.sweep(TENANT), behind.sweep(TENANT)] == [1, 0]


def said(court: Court, disclosure: UUID) -> list[DisclosureWithheld]:
    """What was said of a disclosure's tags, oldest first."""
    events = court.world.store.read(TENANT, disclosure)
    return [it.decision for it in events if isinstance(it.decision, DisclosureWithheld)]


def test_a_gag_that_was_extended_holds_in_the_same_instant(court: Court):
    process = court.served()
    done = court.disclosed(process)
    court.world.clock.set(UNTIL - timedelta(microseconds=1))
    later = UNTIL + timedelta(days=30)
    court.gag(process, "extended", later)
    first, again = said(court, done.id)
    assert (first.until, again.until) == (UNTIL, later)
    assert first.tags == again.tags
    assert [court.sweep(), court.sweep(UNTIL), len(said(court, done.id))] == [0, 0, 2]
    assert court.sweep(later) == 1


def test_the_sweeper_holds_what_an_extension_did_not_reach(
    court: Court, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(openings, "PROLONGED_MAX", 0)
    process = court.served()
    done = court.disclosed(process)
    later = UNTIL + timedelta(days=30)
    court.gag(process, "extended", later)
    assert [one.until for one in said(court, done.id)] == [UNTIL]
    assert [court.sweep(), court.sweep()] == [0, 0]
    assert [one.until for one in said(court, done.id)] == [UNTIL, later]
    assert [court.sweep(UNTIL), court.sweep(later)] == [0, 1]


def test_a_gag_that_is_ordered_later_keeps_what_is_withheld_still(court: Court):
    process = court.served(replace(SUBPOENA, gag_until=None))
    done = court.disclosed(process, until=UNTIL)
    later = UNTIL + timedelta(days=30)
    court.gag(process, "ordered", later)
    assert [one.until for one in said(court, done.id)] == [UNTIL, later]
    assert [court.sweep(UNTIL), court.sweep(later)] == [0, 1]


def test_a_gag_that_was_lifted_opens_at_once(court: Court):
    process = court.served()
    court.disclosed(process)
    court.world.clock.advance(days=1)
    court.gag(process, "lifted")
    assert court.sweep() == 1


def test_a_date_that_was_asked_for_outlives_a_lifted_gag(court: Court):
    process = court.served()
    own = UNTIL + timedelta(days=5)
    done = court.disclosed(process, until=own)
    court.world.clock.advance(days=1)
    court.gag(process, "lifted")
    assert [court.sweep(), court.sweep(), court.sweep(UNTIL)] == [0, 0, 0]
    assert len(court.world.store.read(TENANT, done.id)) == 5  # once more: withheld until then
    assert court.sweep(own) == 1


def test_a_refusal_under_a_gag_is_withheld_and_opened_too(court: Court):
    process = court.served(SUBPOENA, "booking_times")
    with pytest.raises(DisclosureRefused) as refusal:
        court.disclosed(process)
    assert refusal.value.context["reason"] == "beyond_process"
    before = court.about(court.ada)
    assert court.sweep(UNTIL) == 1
    assert court.about(court.ada) == [*before, "DisclosureOpened"]


@pytest.mark.parametrize("outcome", [None, "rejected"])
def test_nothing_leaves_under_a_process_that_was_not_found_valid(court: Court, outcome):
    id = court.processes.receive(ReceiveProcess(SUBPOENA, Personal("All")), OFFICER).state.id
    if outcome is not None:
        court.processes.review(ReviewProcess(id, outcome), OFFICER)
    with pytest.raises(DisclosureRefused) as refusal:
        court.disclosed(id)
    assert refusal.value.context["reason"] == "process_not_reviewed"
    assert not [it for it in court.events() if isinstance(it.decision, DisclosureRecorded)]


def test_what_is_opened_stands_in_a_stream_named_by_its_tag(court: Court):
    done = court.disclosed(court.served())
    court.sweep(UNTIL)
    (tag,) = done.state.recorded.subjects
    (event,) = court.world.store.read(TENANT, opening_stream(TENANT, tag.subject))
    assert (event.version, event.actor) == (1, "system:sweeper")


# --- a gag that is the case, and what follows once it is over --------------------------------------------------------


def test_what_is_handed_over_in_the_case_of_a_gag_is_withheld_without_naming_it(court: Court):
    process = court.served()
    case = public_id("process", process)
    crm = court.doors.recipient().id
    done = court.doors.hand_over(crm, court.ada, case=case)
    assert done.state.recorded.withheld_until == UNTIL
    assert court.ada not in {one.subject for one in done.state.recorded.subjects}
    with pytest.raises(DisclosureRefused):
        court.doors.hand_over(crm, court.ada, purpose="billing", case=case)
    (refused,) = court.doors.recorded(RefusedOnRecord)
    assert court.ada not in {one.subject for one in refused.subjects}
    free = court.doors.hand_over(crm, court.ada, case="T-1")
    assert free.state.recorded.withheld_until is None
    assert court.sweep(UNTIL - timedelta(seconds=1)) == 0
    assert court.sweep(UNTIL) == 2
    late = court.doors.hand_over(crm, court.ada, case=case)
    assert late.state.recorded.withheld_until is None, "the gag is over"


def test_recipients_are_told_after_a_gag_what_they_could_not_be_told_under_it(court: Court):
    doors = court.doors
    consent = doors.consents_to(court.ada, "service")
    crm = doors.recipient(delivery=INBOX)
    before = happens(court, Withdrawn(court.ada, "service"))
    court.world.clock.advance(seconds=1)
    hidden = doors.hand_over(crm.id, court.ada, withhold_until=UNTIL).id
    other = doors.hand_over(crm.id, court.ben, withhold_until=UNTIL).id
    court.world.clock.advance(seconds=1)
    change = happens(court, Withdrawn(court.ada, "service"))
    doors.carries()
    assert doors.recorded(FollowUpOrdered) == [], "telling of it would betray it"
    assert court.sweep(UNTIL) == 2
    doors.carries()
    (ordered,) = doors.recorded(FollowUpOrdered)
    assert (ordered.disclosure, ordered.subject) == (hidden, court.ada)
    assert ordered.consent == consent
    assert {hidden, other} == {one.disclosure for one in doors.recorded(DisclosureRecorded)}
    (told,) = [one for one in court.world.state.log[TENANT] if one.decision is ordered]
    assert told.cause == change != before
    happens(court, Corrected(court.ada, ("name",)))
    doors.carries(hours=1)
    assert [one.about for one in doors.recorded(FollowUpOrdered)] == ["withdrawal", "correction"]


def happens(court: Court, decision: Withdrawn | Corrected) -> UUID:
    """Put a change on record where it belongs, as another concept would."""
    state = court.world.state
    of_consents = isinstance(decision, Withdrawn)
    stream = consent_stream(decision.subject) if of_consents else decision.subject
    told = state.streams.get((TENANT, stream), ())
    scribe = Scribe.begin(OFFICER, court.world.clock, court.world.ids)
    event: Recorded[object] = scribe.record(stream, len(told) + 1, decision)
    state.streams[(TENANT, stream)] = (*told, event)
    state.log[TENANT].append(event)
    return event.event_id
