"""Franchise requests on the twin: cut to the tree, all of it or nothing, answered once, and seen by their own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from application.orders import franchise_requests
from application.orders.franchise_requests import (
    ApproveRequest,
    AskForData,
    FranchiseRequests,
    RefuseRequest,
)
from application.recorded import Caller
from domain.disclosure import DisclosureRecorded, DisclosureRefused
from domain.errors import (
    DisclosureRefused as Refusal,
)
from domain.errors import (
    InvalidState,
    NotFound,
    NotPermitted,
    RangeTooLong,
    UnknownReference,
    VersionMismatch,
)
from domain.franchise_request import RequestTerms
from domain.recipient_terms import Branch
from tests.usecases.disclosing import OFFICER, Doors
from tests.usecases.salon import TENANT, at, customer

OFFICE = Caller(TENANT, "key_office", frozenset({"corporate"}))
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Brand:
    """A brand with two locations: `here` leaves the office's tree on Wednesday, `there` enters it then."""

    doors: Doors = field(default_factory=Doors)

    def __post_init__(self) -> None:
        salon, world = self.doors.salon, self.doors.salon.world
        self.here, self.there, self.sibling = (salon.a_location() for _ in range(3))
        service = salon.a_service(self.here, self.there)
        cut = salon.a_staff_member([self.here, self.there], [service])
        self.ada = salon.book(service, at(10, day=1), location=self.here, staff=cut).state.subject
        ben = customer("Ben", "ben@example.test")
        when = at(10, day=3)
        self.ben = salon.book(service, when, ben, location=self.there, staff=cut).state.subject
        moved = at(0, day=2)
        branches = (Branch(self.here, LONG_AGO, moved), Branch(self.there, moved))
        self.office = self.doors.recipient(
            kind="franchise", role="controller", branches=branches, country="GB"
        ).id
        self.requests = FranchiseRequests(
            world.store, world.book, world.visits, self.doors.out, world.clock, world.ids
        )

    def asked(self, *locations: UUID, **more: object) -> UUID:
        """A request for names at `locations` in this week."""
        terms = RequestTerms(locations, at(0), at(0, day=7), ("name",), "service", "Clause 12")
        command = AskForData(replace(terms, **more))  # type: ignore[arg-type]
        return self.requests.ask(command, OFFICE).state.id

    def recorded(self, kind: type[object]) -> int:
        """How many decisions of a kind are on record."""
        log = self.doors.salon.world.state.log[TENANT]
        return sum(isinstance(event.decision, kind) for event in log)


@pytest.fixture
def brand() -> Brand:
    return Brand()


def test_each_interval_of_the_tree_is_a_disclosure_of_its_own(brand: Brand):
    done = brand.requests.approve(ApproveRequest(brand.asked(brand.here, brand.there)), OFFICER)
    first, second = done.disclosed
    assert first.records is not None and second.records is not None
    assert [one.subject for one in first.records] == [brand.ada]
    assert [one.subject for one in second.records] == [brand.ben]
    assert first.state.recorded.scope.to == second.state.recorded.scope.from_ == at(0, day=2)
    assert (done.request.status, done.request.count) == ("approved", 2)
    assert done.request.disclosures == (first.id, second.id)


def test_a_part_that_is_forbidden_keeps_all_of_it_in(brand: Brand):
    brand.doors.restrictions.restricted.add(brand.ben)
    id = brand.asked(brand.here, brand.there)
    with pytest.raises(Refusal) as refused:
        brand.requests.approve(ApproveRequest(id), OFFICER)
    assert refused.value.context["reason"] == "restricted"
    assert (brand.recorded(DisclosureRecorded), brand.recorded(DisclosureRefused)) == (0, 1)
    assert brand.requests.request(id, OFFICE).status == "received"


def test_a_location_outside_is_refused_on_record_though_nobody_was_there(brand: Brand):
    id = brand.asked(brand.here, brand.sibling)
    with pytest.raises(Refusal) as refused:
        brand.requests.approve(ApproveRequest(id), OFFICER)
    assert refused.value.context["reason"] == "outside_tree"
    assert (brand.recorded(DisclosureRecorded), brand.recorded(DisclosureRefused)) == (0, 1)


def test_a_request_is_answered_once_at_the_version_that_was_seen(brand: Brand):
    id = brand.asked(brand.here)
    with pytest.raises(VersionMismatch):
        brand.requests.approve(ApproveRequest(id, if_match=2), OFFICER)
    brand.requests.approve(ApproveRequest(id, if_match=1), OFFICER)
    for again in (
        lambda: brand.requests.approve(ApproveRequest(id), OFFICER),
        lambda: brand.requests.refuse(RefuseRequest(id, "other"), OFFICER),
    ):
        with pytest.raises(InvalidState):
            again()
    assert brand.recorded(DisclosureRecorded) == 1


def test_a_request_about_too_many_is_told_to_ask_for_less(
    brand: Brand, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(franchise_requests, "SUBJECTS_MAX", 0)
    with pytest.raises(RangeTooLong):
        brand.requests.approve(ApproveRequest(brand.asked(brand.here)), OFFICER)


def test_an_office_that_is_bound_to_a_location_asks_for_no_other(brand: Brand):
    bound = replace(OFFICE, locations=frozenset({brand.here}))
    terms = RequestTerms((brand.here, brand.there), at(0), at(1), ("name",), "service", "C-1")
    with pytest.raises(UnknownReference) as refused:
        brand.requests.ask(AskForData(terms), bound)
    assert [one.pointer for one in refused.value.errors] == ["/location_ids/1"]


def test_a_case_that_the_purpose_demands_is_the_request(brand: Brand):
    id = brand.asked(brand.here, purpose="support")
    brand.requests.approve(ApproveRequest(id), OFFICER)
    log = brand.doors.salon.world.state.log[TENANT]
    (event,) = (one for one in log if isinstance(one.decision, DisclosureRecorded))
    assert event.case == f"frq_{id.hex}"


def test_who_may_ask_answer_and_see(brand: Brand):
    id = brand.asked(brand.here)
    other = replace(OFFICE, actor="key_other")
    with pytest.raises(NotFound):
        brand.requests.request(id, other)
    assert brand.requests.page(50, None, other).items == ()
    assert len(brand.requests.page(50, None, OFFICE).items) == 1
    with pytest.raises(NotPermitted):
        brand.requests.approve(ApproveRequest(id), OFFICE)
    with pytest.raises(NotPermitted):
        brand.requests.refuse(
            RefuseRequest(id, "other"), replace(OFFICER, roles=frozenset({"owner"}))
        )
    with pytest.raises(NotPermitted):
        brand.requests.approve(
            ApproveRequest(id), replace(OFFICER, locations=frozenset({brand.here}))
        )
