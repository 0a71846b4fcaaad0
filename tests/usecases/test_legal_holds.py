"""Legal holds: placed with their pins, extended, looked at again, released; and what waited for them is erased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from application.erasing.ordering import ErasureOrders, Wish
from application.holding.hold_log import StandingHolds
from application.holding.legal_holds import (
    ExtendHold,
    LegalHolds,
    ReleaseHold,
    ReviewHold,
    opening_stream,
)
from application.ports import Append, EventStore, Outcome
from application.recorded import Recorded
from application.standing import standing_after
from domain.custody import CustodyFreed, CustodyPinned, Kept
from domain.erasure import Deferred, ErasureDeferred, ErasureEffected, ErasureJoined
from domain.erasure_deferral import ErasureDeferralOpened
from domain.errors import (
    InvalidState,
    NotFound,
    NotPermitted,
    NotYourHold,
    Stale,
    Unacceptable,
    UnknownReference,
    VersionMismatch,
)
from domain.legal_hold import HeldPerson, LegalHoldOpened, LegalHoldReleaseRefused
from domain.sealing import RETENTION_CLASSES, RetentionClass
from tests.usecases.holding import AUDITOR, OFFICER, OTHER, OWNER, Office
from tests.usecases.salon import TENANT, Salon, at, customer
from tests.usecases.test_openings import Dying

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
UNTIL = NOW + timedelta(days=30)


@pytest.fixture
def office(salon: Salon, cut: UUID, sam: UUID) -> Office:
    return Office(salon, salon.book(cut, at(10)).state.subject)


@pytest.fixture
def ben(office: Office, cut: UUID) -> UUID:
    person = customer("Ben Example", "ben@example.test")
    return office.salon.book(cut, at(12), person).state.subject


def test_a_hold_pins_what_it_names_of_whom_it_names(office: Office, ben: UUID):
    hold = office.place(office.ada, ben)
    for person in (office.ada, ben):
        assert dict(office.custody(person).pins) == {hold.id: ("booking", "billing")}
    shown = office.holds.hold(hold.id, AUDITOR)
    assert shown.hold == hold
    assert shown.persons == tuple(
        HeldPerson(person, ("booking", "billing"), ()) for person in (office.ada, ben)
    )
    assert (hold.custodian, hold.status, hold.persons) == ("key_officer", "placed", 2)


def test_what_a_hold_keeps_goes_by_itself_when_it_is_released(office: Office):
    hold = office.place()
    erasure = office.order()
    office.erase()
    state = office.erasure(erasure)
    assert state.deferred == (Deferred("booking", hold.id), Deferred("billing", hold.id))
    assert (state.status, "booking" in state.complete) == ("partial", False)
    office.later(30)
    office.holds.release(ReleaseHold(hold.id), OFFICER)
    assert office.erasure(erasure).to_destroy == ("booking", "billing")
    office.erase()
    assert office.erasure(erasure).status == "complete"
    assert set(office.erasure(erasure).complete) == set(RETENTION_CLASSES)


def test_what_a_release_left_is_taken_up_by_the_eraser(office: Office):
    """Whoever released it died, or lost every race, before the erasures were taken up."""
    hold, erasure = office.place(), office.order()

    @dataclass
    class Losing:
        def resume(self, tenant: UUID, subject: UUID, legal_hold: UUID) -> int:
            raise Stale

    world = office.world
    late = LegalHolds(world.store, world.book, Losing(), world.clock, world.ids)
    assert late.release(ReleaseHold(hold.id), OFFICER).state.status == "released"
    assert office.erasure(erasure).deferred
    office.erase()
    assert office.erasure(erasure).status == "complete"


def test_while_another_hold_stands_what_it_pins_stays(office: Office):
    one, other = office.place(), office.place(classes=("billing",))
    erasure = office.order()
    office.holds.release(ReleaseHold(one.id), OFFICER)
    assert [left.retention_class for left in office.erasure(erasure).deferred] == ["billing"]
    office.holds.release(ReleaseHold(other.id), OFFICER)
    assert office.erasure(erasure).deferred == ()


def test_two_orders_that_meet_at_a_hold_are_one_erasure(office: Office):
    hold, first = office.place(), office.order()
    assert office.orders.order(OFFICER, Wish(office.ada, "request", UUID(int=5))) == first
    assert office.orders.order(OFFICER, Wish(office.ada, "account_cancellation")) == first
    assert office.custody().erasures == (first,)
    office.holds.release(ReleaseHold(hold.id), OFFICER)
    office.erase()
    assert office.erasure(first).status == "complete"


def test_a_class_that_two_erasures_wait_for_is_erased_once_and_the_other_records_it(office: Office):
    hold = office.place()
    first = office.order("booking", "support")
    second = office.order()
    assert first != second
    office.holds.release(ReleaseHold(hold.id), OFFICER)
    assert [one.retention_class for one in office.erasure(second).deferred] == ["booking"]
    assert office.erasure(second).status == "ordered"
    for _ in range(3):
        office.erase()
    destroyed: list[RetentionClass] = []
    for id in (first, second):
        assert office.erasure(id).status == "complete"
        assert office.erasure(id).deferred == ()
        events = office.world.store.read(TENANT, id)
        for event in events:
            if isinstance(event.decision, ErasureEffected):
                destroyed += event.decision.classes
    assert sorted(destroyed) == sorted(RETENTION_CLASSES), "each of them once"
    last = office.world.store.read(TENANT, second)[-1].decision
    assert last == ErasureJoined(office.ada, first, ("booking",))


def test_a_hold_is_released_once(office: Office):
    hold = office.place()
    office.holds.release(ReleaseHold(hold.id), OFFICER)
    with pytest.raises(InvalidState):
        office.holds.release(ReleaseHold(hold.id), OFFICER)
    assert [type(one) for one in office.custody_events(office.ada)] == [CustodyPinned, CustodyFreed]


def test_somebody_else_s_hold_is_not_released_and_that_is_on_record(office: Office):
    hold = office.place()
    with pytest.raises(NotYourHold):
        office.holds.release(ReleaseHold(hold.id), OTHER)
    last = office.world.store.read(TENANT, hold.id)[-1]
    assert (last.decision, last.actor) == (LegalHoldReleaseRefused("not_your_hold"), "key_other")
    assert office.custody().holds_on("booking") == (hold.id,)
    assert office.holds.hold(hold.id, OTHER).hold.status == "placed"
    assert office.holds.release(ReleaseHold(hold.id), OWNER).state.status == "released"


def test_only_who_may_places_and_only_who_may_looks(office: Office):
    with pytest.raises(NotPermitted):
        office.place(by=AUDITOR)
    with pytest.raises(NotPermitted):
        office.holds.page(10, None, office.salon.by)
    hold = office.place()
    assert office.holds.page(10, None, AUDITOR).items == (hold,)
    with pytest.raises(NotFound):
        office.holds.hold(uuid4(), AUDITOR)


def test_nobody_unknown_is_held_and_nothing_is_stored(office: Office):
    with pytest.raises(UnknownReference) as refused:
        office.place(office.ada, uuid4())
    assert [one.pointer for one in refused.value.errors] == ["/subject_ids/1"]
    with pytest.raises(Unacceptable):
        office.place(office.ada, classes=())
    assert office.holds.page(10, None, OFFICER).items == ()
    assert office.custody_events(office.ada) == []


def test_what_was_taken_before_is_gone_and_named(office: Office, ben: UUID):
    office.order("billing")
    part = office.place(office.ada, ben)
    first, second = office.holds.hold(part.id, OFFICER).persons
    assert (first.pinned, first.gone) == (("booking",), ("billing",))
    assert second.gone == ()
    office.order()
    none = office.place(classes=("billing", "marketing"))
    (left,) = office.holds.hold(none.id, OFFICER).persons
    assert (left.pinned, left.gone) == ((), ("billing", "marketing"))
    assert none.id not in office.custody().pins
    assert office.holds.release(ReleaseHold(none.id), OFFICER).state.status == "released"


def test_a_hold_is_extended_to_those_who_are_new_to_it(office: Office, ben: UUID):
    hold = office.place()
    extended = office.holds.extend(ExtendHold(hold.id, (office.ada, ben), hold.version), OFFICER)
    assert extended.state.persons == 2
    assert office.custody(ben).holds_on("booking") == (hold.id,)
    again = office.holds.extend(ExtendHold(hold.id, (ben,)), OFFICER)
    assert again.state == extended.state and again.event == extended.event
    for command, wrong in (
        (ExtendHold(hold.id, (uuid4(),)), UnknownReference),
        (ExtendHold(hold.id, (ben,), if_match=1), VersionMismatch),
    ):
        with pytest.raises(wrong):
            office.holds.extend(command, OFFICER)
    office.holds.release(ReleaseHold(hold.id), OFFICER)
    assert dict(office.custody(ben).pins) == {}


def test_a_hold_that_nobody_looked_at_is_overdue(office: Office):
    hold, holds = office.place(), StandingHolds(office.world.book, office.world.clock)
    assert holds.overdue(TENANT, date(2027, 6, 1)) == 0
    assert holds.overdue(TENANT, date(2027, 6, 2)) == 1
    later = ReviewHold(hold.id, date(2027, 12, 1))
    assert office.holds.review(later, OFFICER).state.terms.review_on == date(2027, 12, 1)
    assert holds.overdue(TENANT, date(2027, 6, 2)) == 0


def test_under_a_gag_nothing_in_a_person_s_chain_tells_of_it(office: Office):
    before = office.told(office.ada)
    hold = office.place(gag_until=UNTIL)
    assert office.told(office.ada) == before
    erasure = office.order("booking")
    assert office.told(office.ada) == [*before, "ErasureOrdered", "CustodyTaken"]
    office.holds.release(ReleaseHold(hold.id), OFFICER)
    assert "CustodyFreed" not in office.told(office.ada)
    assert office.erasure(erasure).deferred == ()


def test_a_gag_opens_by_itself_on_its_date_once(office: Office, ben: UUID):
    hold = office.place(gag_until=UNTIL)
    office.place(ben)
    pinned = office.world.store.read(TENANT, hold.id)[0].event_id
    assert office.openings.sweep(TENANT) == 0
    office.world.clock.set(UNTIL)
    assert office.openings.sweep(TENANT) == 1
    assert office.openings.sweep(TENANT) == 0
    assert office.told(office.ada)[-1] == "LegalHoldOpened"
    assert "LegalHoldOpened" not in office.told(ben)
    (opened,) = office.world.store.read(TENANT, opening_stream(hold.id, office.ada))
    assert isinstance(opened.decision, LegalHoldOpened)
    (pin,) = (
        event
        for event in office.world.state.log[TENANT]
        if event.event_id == opened.decision.pinned
    )
    assert isinstance(pin.decision, CustodyPinned) and pin.cause == pinned
    office.holds.release(ReleaseHold(hold.id), OFFICER)
    assert office.told(office.ada)[-1] == "CustodyFreed"


def deferrals(office: Office) -> list[ErasureDeferralOpened]:
    """Which deferrals persons were told of after a gag."""
    log = office.world.state.log[TENANT]
    return [it.decision for it in log if isinstance(it.decision, ErasureDeferralOpened)]


def test_that_an_erasure_waited_is_told_by_itself_on_the_gag_s_date_once(office: Office):
    hold = office.place(gag_until=UNTIL)
    erasure = office.order("booking", "profile")
    before = office.told(office.ada)
    office.world.clock.set(UNTIL - timedelta(microseconds=1))
    assert [office.openings.sweep(TENANT), office.told(office.ada)] == [0, before]
    office.world.clock.set(UNTIL)
    assert [office.openings.sweep(TENANT), office.openings.sweep(TENANT)] == [1, 0]
    assert office.told(office.ada) == [*before, "LegalHoldOpened", "ErasureDeferralOpened"]
    (told,) = deferrals(office)
    assert (told.erasure, told.legal_hold, told.classes) == (erasure, hold.id, ("booking",))
    silent = office.world.store.read(TENANT, erasure)[1]
    assert silent.event_id == told.deferred
    assert isinstance(silent.decision, ErasureDeferred) and silent.decision.subject is None
    assert [it.retention_class for it in office.erasure(erasure).deferred] == ["booking"]


def test_that_an_erasure_waited_is_told_though_the_hold_was_released_under_the_gag(office: Office):
    hold = office.place(gag_until=UNTIL)
    office.order("booking")
    office.holds.release(ReleaseHold(hold.id), OFFICER)
    assert deferrals(office) == []
    office.world.clock.set(UNTIL)
    office.openings.sweep(TENANT)
    assert [one.legal_hold for one in deferrals(office)] == [hold.id]


def test_what_was_told_at_once_or_waits_for_another_gag_is_not_told_again(office: Office):
    office.place(classes=("billing",))
    office.place(gag_until=UNTIL, classes=("booking",))
    longer = UNTIL + timedelta(days=1)
    office.place(gag_until=longer, classes=("profile",))
    office.order("billing", "booking", "profile")
    office.world.clock.set(UNTIL)
    office.openings.sweep(TENANT)
    assert [one.classes for one in deferrals(office)] == [("booking",)]
    office.world.clock.set(longer)
    office.openings.sweep(TENANT)
    assert [one.classes for one in deferrals(office)] == [("booking",), ("profile",)]


@pytest.mark.parametrize("stores", [False, True])
def test_a_sweeper_of_holds_that_was_killed_loses_nothing(office: Office, stores: bool):
    office.place(gag_until=UNTIL)
    office.order("booking")
    office.world.clock.set(UNTIL)
    dying = Dying(office.world.store, [1], stores)
    with pytest.raises(KeyboardInterrupt):
        replace(office.openings, store=dying).sweep(TENANT)
    assert len(deferrals(office)) == stores
    office.openings.sweep(TENANT)
    assert len(deferrals(office)) == 1


def test_the_catalog_is_what_the_streams_say(office: Office):
    hold = office.place(gag_until=UNTIL)
    office.world.clock.set(UNTIL)
    office.openings.sweep(TENANT)
    entry = office.world.book.entry(TENANT, "legal_hold", hold.id)
    assert standing_after(office.world.store.read(TENANT, hold.id)).entry == entry
    opening = office.world.store.read(TENANT, opening_stream(hold.id, office.ada))
    assert standing_after(opening).entry is None


@pytest.mark.parametrize("first", ["order", "hold"])
def test_of_an_order_and_a_hold_one_is_first_and_the_other_sees_it(office: Office, first: str):
    """Somebody is faster, between what was read and what is appended."""
    world = office.world

    class Slow:
        """A store that lets `meets` go first, once, before the first append."""

        met = False

        def __init__(self, meets: object) -> None:
            self.meets = meets

        def read(self, tenant: UUID, stream: UUID) -> tuple[Recorded[object], ...]:
            return world.store.read(tenant, stream)

        def append(self, append: Append) -> Outcome:
            if not self.met:
                self.met = True
                self.meets()  # type: ignore[operator]
            return world.store.append(append)

    if first == "order":
        store: EventStore = Slow(lambda: office.order())
        office.holds = LegalHolds(store, world.book, office.orders, world.clock, world.ids)
        hold = office.place()
        (held,) = office.holds.hold(hold.id, OFFICER).persons
        assert (held.pinned, held.gone) == ((), ("booking", "billing"))
    else:
        store = Slow(lambda: office.place())
        orders = office.orders
        office.orders = ErasureOrders(
            store, world.book, orders.keeping, orders.gagged, world.clock, world.ids
        )
        state = office.erasure(office.order())
        assert [one.retention_class for one in state.deferred] == ["booking", "billing"]
    custody = office.custody()
    pinned = {name for classes in custody.pins.values() for name in classes}
    assert not pinned & set(custody.taken)


def test_a_rule_does_not_keep_what_a_hold_pins_from_being_named(office: Office):
    """A class that a rule keeps is kept, not deferred: it has a basis of its own."""

    class Keeps:
        def kept(
            self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
        ) -> tuple[Kept, ...]:
            return (
                Kept("billing", "gdpr_17_3_b_legal_obligation", "AO 147", ("legal_duty",), None),
            )

    office.orders = ErasureOrders(
        office.world.store,
        office.world.book,
        Keeps(),
        office.orders.gagged,
        office.world.clock,
        office.world.ids,
    )
    hold = office.place()
    state = office.erasure(office.order())
    assert state.deferred == (Deferred("booking", hold.id),)
    assert [one.retention_class for one in state.ordered.kept] == ["billing"]
