"""Opening personal data: for whom, why, and that it is on record before anyone sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from application.access.reveal import Sight
from application.booking.agenda import AgendaQuery
from application.recorded import Caller
from application.setup.register import Receipt
from domain.access import AccessDenied, AccessGranted
from domain.booking import Booking
from domain.custody import CustodyRestricted, CustodyTaken, Decision, Kept
from domain.errors import (
    Erased,
    NotFound,
    NotPermitted,
    PurposeRequired,
    RangeTooLong,
    UnknownReference,
    Unreadable,
)
from domain.sealing import Envelope
from domain.subject import Profile
from domain.values import Personal
from tests.usecases.custody import binds, erase
from tests.usecases.salon import TENANT, Salon, at, customer

TEN = at(10)
ADA = Profile(
    Personal("Ada Example"),
    Personal("ada@example.test"),
    Personal("+1 212 555 0100"),
    Personal("1 Main Street"),
)


@pytest.fixture
def cut(salon: Salon, here: UUID) -> UUID:
    service = salon.a_service(here)
    salon.a_staff_member([here], [service])
    return service


@pytest.fixture
def made(salon: Salon, cut: UUID) -> Receipt[Booking]:
    return salon.book(
        cut, TEN, ADA, note=Personal("Ring twice"), metadata={"colour": Personal("red")}
    )


@pytest.fixture
def clerk(salon: Salon) -> Caller:
    return replace(salon.by, roles=frozenset({"staff"}), purpose="service")


@pytest.mark.parametrize("how", ["restricted", "kept_for_other_purposes"])
def test_what_may_only_be_kept_is_denied_on_record(
    salon: Salon, made: Receipt[Booking], clerk: Caller, how: str
):
    subject = made.state.subject
    kept = Kept("booking", "gdpr_17_3_e_legal_claims", "BGB 195", ("dispute",), None)
    binding: Decision = CustodyRestricted(subject, UUID(int=2))
    if how != "restricted":
        binding = CustodyTaken(subject, UUID(int=2), ("profile",), (kept,))
    binds(salon.world, subject, binding)
    with pytest.raises(NotPermitted):
        salon.reads.with_customer(made.state.id, clerk)
    log = salon.world.state.log[TENANT]
    denied = [one.decision for one in log if isinstance(one.decision, AccessDenied)]
    assert [one.reason for one in denied] == [how]
    assert accesses(salon) == []
    disputing = replace(clerk, purpose="dispute", case="D-1")
    shown = salon.reads.with_customer(made.state.id, disputing).customer
    assert plain(shown["name"]) == "Ada Example"
    assert plain(shown["email"]) == ("ada@example.test" if how == "restricted" else None)


def test_whoever_was_ordered_erased_is_not_opened_though_the_keys_are_still_there(
    salon: Salon, made: Receipt[Booking], clerk: Caller
):
    erase(salon.world, made.state.subject)
    with pytest.raises(Erased):
        salon.reads.with_customer(made.state.id, clerk)
    assert accesses(salon) == []


def accesses(salon: Salon) -> list[AccessGranted]:
    """The accesses on record."""
    decisions = (event.decision for event in salon.world.state.log[TENANT])
    return [decision for decision in decisions if isinstance(decision, AccessGranted)]


def plain(opened: object) -> object:
    """What was opened, as text."""
    if isinstance(opened, Personal):
        return opened.open()
    if isinstance(opened, dict):
        return {name: plain(value) for name, value in opened.items()}
    return opened


def test_a_customer_is_opened_under_a_purpose_and_that_is_on_record(
    salon: Salon, made: Receipt[Booking], clerk: Caller
):
    seen = salon.reads.with_customer(made.state.id, clerk)
    assert plain(seen.customer) == {
        "name": "Ada Example",
        "email": "ada@example.test",
        "phone": "+1 212 555 0100",
        "address": "1 Main Street",
        "note": "Ring twice",
        "metadata": {"colour": "red"},
    }
    assert "Ada" not in repr(seen)
    (access,) = accesses(salon)
    assert access.fields == ("name", "email", "phone", "address", "note", "metadata")
    assert (access.purpose, access.case, access.count) == ("service", None, 1)
    assert [one.subject for one in access.subjects] == [made.state.subject]
    (event,) = salon.events(access.access)
    assert (event.actor, event.purpose) == ("key_1", "service")


def test_the_name_given_with_a_booking_stays_on_that_booking(
    salon: Salon, cut: UUID, made: Receipt[Booking], clerk: Caller
):
    later = salon.book(cut, at(12), customer("Ada Married"))
    assert plain(salon.reads.with_customer(later.state.id, clerk).customer) == {
        "name": "Ada Married",
        "email": "ada@example.test",
        "phone": None,
        "address": None,
        "note": None,
        "metadata": {},
    }
    first = salon.reads.with_customer(made.state.id, clerk).customer
    assert plain(first["name"]) == "Ada Example"


@pytest.mark.parametrize("role", ["owner", "manager", "staff"])
def test_roles_that_open_personal_data(salon: Salon, made: Receipt[Booking], role: str):
    by = replace(salon.by, roles=frozenset({role}), purpose="support", case="T-1")
    salon.reads.with_customer(made.state.id, by)
    (access,) = accesses(salon)
    assert (access.purpose, access.case) == ("support", "T-1")


def test_nothing_is_opened_without_a_role_a_purpose_and_a_case_that_it_demands(
    salon: Salon, made: Receipt[Booking], clerk: Caller
):
    with pytest.raises(NotPermitted) as refusal:
        salon.reads.with_customer(made.state.id, replace(salon.by, purpose="service"))
    assert refusal.value.code == "not_permitted"
    for purpose, case in (
        (None, None),
        ("curiosity", None),
        ("support", None),
        ("service", "a case with blanks"),
    ):
        with pytest.raises(PurposeRequired):
            salon.reads.with_customer(made.state.id, replace(clerk, purpose=purpose, case=case))
    assert accesses(salon) == []


def test_what_an_erased_person_gave_is_gone(salon: Salon, made: Receipt[Booking], clerk: Caller):
    salon.world.vault.erase(TENANT, made.state.subject)
    with pytest.raises(Erased):
        salon.reads.with_customer(made.state.id, clerk)
    assert salon.reads.booking(made.state.id, clerk).state.subject == made.state.subject


def test_a_booking_of_another_location_is_not_opened(
    salon: Salon, made: Receipt[Booking], clerk: Caller
):
    bound = replace(clerk, locations=frozenset({salon.a_location()}))
    with pytest.raises(NotFound):
        salon.reads.with_customer(made.state.id, bound)
    assert accesses(salon) == []


@dataclass
class Watched:
    """An opener that looks at the record each time it is asked."""

    salon: Salon
    seen: list[int]

    def open(self, tenant: UUID, envelopes: Sequence[Envelope]) -> list[dict[str, object] | None]:
        self.seen.append(len(accesses(self.salon)))
        return self.salon.world.opener.open(tenant, envelopes)


def test_the_record_comes_before_the_opening(salon: Salon, made: Receipt[Booking], clerk: Caller):
    watched = Watched(salon, [])
    reveal = replace(salon.reveal, opener=watched)
    person = salon.now(made).person
    assert isinstance(person, Envelope)
    reveal.open(clerk, [Sight(made.state.subject, person)], ("name",))
    assert watched.seen == [1]


def test_a_value_that_cannot_be_read_is_an_alarm_and_still_on_record(
    salon: Salon, made: Receipt[Booking], clerk: Caller
):
    sight = Sight(made.state.subject, Envelope("{}"))
    with pytest.raises(Unreadable):
        salon.reveal.open(clerk, [sight], ("name",))
    assert len(accesses(salon)) == 1


def test_looking_at_nobody_is_no_access(salon: Salon, made: Receipt[Booking], clerk: Caller):
    assert salon.reveal.open(clerk, [], ("name",)) == []
    assert accesses(salon) == []


def test_a_look_up_that_finds_someone_is_an_access_too(
    salon: Salon, made: Receipt[Booking], clerk: Caller
):
    salon.reveal.note(clerk, [made.state.subject] * 2, ("email",))
    salon.reveal.note(clerk, [], ("email",))
    (access,) = accesses(salon)
    assert (access.count, access.fields) == (1, ("email",))
    assert access.subjects[0].subject == made.state.subject
    with pytest.raises(PurposeRequired):
        salon.reveal.note(replace(clerk, purpose=None), [made.state.subject], ("email",))


def test_a_calendar_entry_says_what_when_and_where(salon: Salon, made: Receipt[Booking]):
    salon.world.clock.advance(minutes=5)
    salon.course.reschedule(salon.target(made), at(12), None, salon.by)
    entry = salon.reads.calendar(made.state.id, salon.by)
    assert (entry.service_name, entry.location_name, entry.location_address) == (
        "Cut",
        "Main Street",
        None,
    )
    assert (entry.booking.sequence, entry.booking.visit.start) == (1, at(12))
    assert (entry.changed_at, entry.time_zone) == (at(8, 5), "Europe/London")
    assert entry.customer is None
    assert accesses(salon) == []


def test_a_calendar_entry_has_name_and_address_under_a_purpose(
    salon: Salon, made: Receipt[Booking], clerk: Caller
):
    entry = salon.reads.calendar(made.state.id, clerk, include_customer=True)
    assert plain(entry.customer) == {"name": "Ada Example", "address": "1 Main Street"}
    (access,) = accesses(salon)
    assert access.fields == ("name", "address")
    with pytest.raises(PurposeRequired):
        salon.reads.calendar(made.state.id, replace(clerk, purpose=None), include_customer=True)


# --- the agenda ------------------------------------------------------------------------------------------------------


@pytest.fixture
def week(salon: Salon, here: UUID, cut: UUID, made: Receipt[Booking]) -> AgendaQuery:
    """Ada on Monday twice, Ben on Tuesday."""
    salon.book(cut, at(9), customer("Ada Again"))
    salon.book(cut, at(16, day=1), customer("Ben", "ben@example.test"))
    return AgendaQuery(here, at(0), at(0, day=7))


def names(salon: Salon, query: AgendaQuery, by: Caller) -> dict[str, list[object]]:
    """The customers' names by day."""
    page = salon.agenda.days(query, by)
    return {str(day.on): [plain(entry.name) for entry in day.entries] for day in page.days}


def test_the_agenda_has_days_and_no_names_without_a_purpose(salon: Salon, week: AgendaQuery):
    assert names(salon, week, salon.by) == {
        "2027-01-04": [None, None],
        "2027-01-05": [None],
    }
    assert accesses(salon) == []


def test_names_of_a_whole_page_are_one_access(
    salon: Salon, week: AgendaQuery, clerk: Caller, made: Receipt[Booking]
):
    assert names(salon, week, clerk) == {
        "2027-01-04": ["Ada Again", "Ada Example"],
        "2027-01-05": ["Ben"],
    }
    (access,) = accesses(salon)
    assert (access.count, access.fields) == (2, ("name",))
    assert len({one.salt for one in access.subjects}) == 2
    salon.world.vault.erase(TENANT, made.state.subject)
    assert names(salon, week, clerk)["2027-01-04"] == [None, None]


def test_a_day_is_the_location_s_own(salon: Salon, cut: UUID):
    tokyo = salon.a_location("Asia/Tokyo")
    service = salon.a_service(tokyo)
    salon.a_staff_member([tokyo], [service])
    salon.book(service, at(16))
    query = AgendaQuery(tokyo, at(0), at(0, day=7))
    assert list(names(salon, query, salon.by)) == ["2027-01-05"]


def test_an_agenda_is_refused_as_it_should_be(salon: Salon, week: AgendaQuery, clerk: Caller):
    with pytest.raises(NotPermitted):
        salon.agenda.days(week, replace(salon.by, purpose="service"))
    with pytest.raises(PurposeRequired):
        salon.agenda.days(week, replace(clerk, purpose="curiosity"))
    with pytest.raises(RangeTooLong):
        salon.agenda.days(replace(week, to=at(1, day=92)), salon.by)
    with pytest.raises(UnknownReference):
        salon.agenda.days(replace(week, location=UUID(int=1)), salon.by)
    bound = replace(salon.by, locations=frozenset({salon.a_location()}))
    with pytest.raises(UnknownReference):
        salon.agenda.days(week, bound)
    with pytest.raises(NotPermitted):
        salon.agenda.days(week, replace(salon.by, roles=frozenset({"auditor"})))


def test_an_agenda_waits_for_what_the_caller_has_seen(
    salon: Salon, week: AgendaQuery, made: Receipt[Booking]
):
    page = salon.agenda.days(replace(week, at_least=made.event), salon.by)
    assert page.position == salon.total() - 1
    with pytest.raises(UnknownReference):
        salon.agenda.days(replace(week, at_least=UUID(int=1)), salon.by)
