"""Opening, revising, closing, reading and listing locations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from application.permissions import TENANT_ROLES
from application.ports import Append, EventStore, Outcome
from application.recorded import Answer, Recorded, Ticket
from application.setup.locations import CloseLocation, OpenLocation, ReviseLocation
from application.setup.register import CreationKey
from domain.access_key import Role
from domain.errors import (
    InvalidState,
    NotFound,
    NotPermitted,
    Stale,
    Unacceptable,
    VersionMismatch,
)
from domain.location import LocationTerms
from infrastructure.twin.memory import ListedHolidays, MemoryWorld
from tests.usecases.shop import LISBON, Shop, open_shop


@pytest.fixture
def shop() -> Shop:
    return open_shop(MemoryWorld())


def test_an_opened_location_is_there_at_once(shop: Shop):
    opened = shop.locations.open(OpenLocation(LISBON), shop.owner)
    assert opened.state.terms == LISBON
    assert (opened.state.active, opened.state.version) == (True, 1)
    assert shop.locations.location(opened.state.id, shop.owner) == opened.state
    assert shop.last_event(opened.state.id) == opened.event


def test_a_revision_leaves_what_it_does_not_name(shop: Shop):
    full = replace(LISBON, address="1 Hill Road", postal_code="1100", subdivision="11")
    id = shop.location(full)
    revised = shop.locations.revise(
        ReviseLocation(id, name="New Town", address=None), shop.owner
    ).state
    assert revised.terms == replace(full, name="New Town", address=None)
    assert revised.version == 2


def test_every_field_of_a_location_can_be_revised(shop: Shop):
    id = shop.location()
    terms = LocationTerms(
        name="Harbour",
        time_zone="Australia/Lord_Howe",
        country="AU",
        subdivision="NSW",
        address="2 Quay",
        postal_code="2898",
        closed_on_holidays=True,
        controller="location",
    )
    command = ReviseLocation(
        id,
        name=terms.name,
        time_zone=terms.time_zone,
        country=terms.country,
        subdivision=terms.subdivision,
        address=terms.address,
        postal_code=terms.postal_code,
        closed_on_holidays=terms.closed_on_holidays,
        controller=terms.controller,
    )
    assert shop.locations.revise(command, shop.owner).state.terms == terms


def test_revising_nothing_answers_with_what_stands(shop: Shop):
    id = shop.location()
    first = shop.last_event(id)
    again = shop.locations.revise(ReviseLocation(id, name=LISBON.name), shop.owner)
    assert (again.state.version, again.event) == (1, first)
    assert shop.types_of(id) == ["LocationOpened"]


def test_closing_twice_records_one_closing(shop: Shop):
    id = shop.location()
    first = shop.locations.close(CloseLocation(id), shop.owner)
    second = shop.locations.close(CloseLocation(id), shop.owner)
    assert first == second
    assert (second.state.active, second.state.version) == (False, 2)
    assert shop.types_of(id) == ["LocationOpened", "LocationClosed"]


def test_a_closed_location_can_be_read_but_not_revised(shop: Shop):
    id = shop.location()
    shop.locations.close(CloseLocation(id), shop.owner)
    assert not shop.locations.location(id, shop.owner).active
    with pytest.raises(InvalidState):
        shop.locations.revise(ReviseLocation(id, name="New Town"), shop.owner)


def test_a_change_to_another_version_than_named_is_refused(shop: Shop):
    id = shop.location()
    shop.locations.revise(ReviseLocation(id, name="Two", if_match=1), shop.owner)
    with pytest.raises(VersionMismatch):
        shop.locations.revise(ReviseLocation(id, name="Three", if_match=1), shop.owner)
    with pytest.raises(VersionMismatch):
        shop.locations.close(CloseLocation(id, if_match=3), shop.owner)
    assert shop.locations.location(id, shop.owner).terms.name == "Two"
    assert shop.types_of(id) == ["LocationOpened", "LocationRevised"]


def test_an_unknown_location_is_not_found(shop: Shop):
    for ask in (
        lambda: shop.locations.location(UUID(int=1), shop.owner),
        lambda: shop.locations.revise(ReviseLocation(UUID(int=1)), shop.owner),
        lambda: shop.locations.close(CloseLocation(UUID(int=1)), shop.owner),
    ):
        with pytest.raises(NotFound):
            ask()


def test_an_id_of_another_kind_is_not_found(shop: Shop):
    service = shop.service(shop.location())
    with pytest.raises(NotFound):
        shop.locations.location(service, shop.owner)


def test_a_location_with_faults_is_not_opened(shop: Shop):
    with pytest.raises(Unacceptable):
        shop.locations.open(OpenLocation(replace(LISBON, country="XX")), shop.owner)
    assert shop.locations.page(200, None, shop.owner).items == ()


@pytest.mark.parametrize(
    ("country", "subdivision", "pointer"),
    [("AQ", None, "/country"), ("AQ", "XX", "/country"), ("PT", "ZZZ", "/subdivision")],
)
def test_holidays_close_only_where_they_are_known(
    shop: Shop, country: str, subdivision: str | None, pointer: str
):
    locations = replace(shop.locations, holidays=ListedHolidays({("PT", None): frozenset()}))
    place = replace(LISBON, country=country, subdivision=subdivision)
    id = shop.location(place)
    for ask in (
        lambda: locations.open(OpenLocation(replace(place, closed_on_holidays=True)), shop.owner),
        lambda: locations.revise(ReviseLocation(id, closed_on_holidays=True), shop.owner),
    ):
        with pytest.raises(Unacceptable) as refusal:
            ask()
        assert [fault.pointer for fault in refusal.value.errors] == [pointer]
    assert shop.types_of(id) == ["LocationOpened"]


@pytest.mark.parametrize("role", TENANT_ROLES)
def test_every_role_of_the_tenant_reads(shop: Shop, role: Role):
    id = shop.location()
    by = shop.caller(role)
    assert shop.locations.location(id, by).id == id
    assert len(shop.locations.page(1, None, by).items) == 1


def test_a_persons_own_key_reads_nothing_here(shop: Shop):
    id = shop.location()
    for ask in (
        lambda: shop.locations.location(id, shop.caller("subject")),
        lambda: shop.locations.page(1, None, shop.caller("subject")),
    ):
        with pytest.raises(NotPermitted):
            ask()


@pytest.mark.parametrize(
    "role", [role for role in TENANT_ROLES if role not in ("owner", "manager")]
)
def test_other_roles_set_nothing_up(shop: Shop, role: Role):
    id = shop.location()
    by = shop.caller(role)
    for ask in (
        lambda: shop.locations.open(OpenLocation(LISBON), by),
        lambda: shop.locations.revise(ReviseLocation(id, name="Mine"), by),
        lambda: shop.locations.close(CloseLocation(id), by),
    ):
        with pytest.raises(NotPermitted):
            ask()
    assert shop.types_of(id) == ["LocationOpened"]


def test_a_manager_looks_after_own_locations_only(shop: Shop):
    mine, other = shop.location(), shop.location()
    by = shop.caller("manager", mine)
    assert shop.locations.revise(ReviseLocation(mine, name="Mine"), by).state.version == 2
    for ask in (
        lambda: shop.locations.location(other, by),
        lambda: shop.locations.revise(ReviseLocation(other, name="Mine"), by),
        lambda: shop.locations.close(CloseLocation(other), by),
    ):
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(NotPermitted):
        shop.locations.open(OpenLocation(LISBON), by)
    assert [location.id for location in shop.locations.page(200, None, by).items] == [mine]


def test_pages_together_hold_every_location_once(shop: Shop):
    opened = [shop.location() for _ in range(5)]
    after: CreationKey | None = None
    seen: list[UUID] = []
    sizes: list[int] = []
    while True:
        page = shop.locations.page(2, after, shop.owner)
        seen += [location.id for location in page.items]
        sizes.append(len(page.items))
        after = page.next
        if after is None:
            break
    assert sizes == [2, 2, 1]
    assert sorted(seen) == sorted(opened)


def test_a_full_last_page_has_no_next(shop: Shop):
    for _ in range(2):
        shop.location()
    assert shop.locations.page(2, None, shop.owner).next is None


def test_a_key_of_few_locations_finds_them_among_many(shop: Shop):
    opened = [shop.location() for _ in range(45)]
    own = frozenset((opened[0], opened[44]))
    by = shop.caller("staff", *own)
    after: CreationKey | None = None
    seen: list[UUID] = []
    for _ in range(10):
        page = shop.locations.page(1, after, by)
        assert len(page.items) <= 1
        seen += [location.id for location in page.items]
        after = page.next
        if after is None:
            break
    assert sorted(seen) == sorted(own)


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A store in which someone else appends `first`, just before each append of ours."""

    store: EventStore
    first: Callable[[], object]

    def read(self, tenant: UUID, stream: UUID) -> tuple[Recorded[object], ...]:
        return self.store.read(tenant, stream)

    def append(self, append: Append) -> Outcome:
        self.first()
        return self.store.append(append)


def test_a_revision_that_lost_a_race_is_made_upon_the_winners(shop: Shop):
    id = shop.location()
    winner = ReviseLocation(id, address="1 Hill Road")
    slow = replace(
        shop.locations,
        store=Overtaken(shop.world.store, lambda: shop.locations.revise(winner, shop.owner)),
    )
    revised = slow.revise(ReviseLocation(id, name="New Town"), shop.owner).state
    assert revised.terms == replace(LISBON, name="New Town", address="1 Hill Road")
    assert revised.version == 3


def test_a_revision_of_a_named_version_that_lost_a_race_is_refused(shop: Shop):
    id = shop.location()
    winner = ReviseLocation(id, address="1 Hill Road")
    slow = replace(
        shop.locations,
        store=Overtaken(shop.world.store, lambda: shop.locations.revise(winner, shop.owner)),
    )
    with pytest.raises(VersionMismatch):
        slow.revise(ReviseLocation(id, name="New Town", if_match=1), shop.owner)
    assert shop.locations.location(id, shop.owner).terms.name == LISBON.name


def test_a_revision_that_always_loses_says_so(shop: Shop):
    id = shop.location()
    names = iter(range(100))
    slow = replace(
        shop.locations,
        store=Overtaken(
            shop.world.store,
            lambda: shop.locations.revise(ReviseLocation(id, name=str(next(names))), shop.owner),
        ),
    )
    with pytest.raises(Stale):
        slow.revise(ReviseLocation(id, name="New Town"), shop.owner)


def test_a_repeated_call_gets_the_first_answer(shop: Shop):
    def render(result: object) -> Answer:
        return Answer(201, (), repr(result).encode())

    tenant = shop.founded.tenant.id
    row = shop.world.answers.begin(tenant, "owner POST /v1/locations", "key-1", b"{}")
    assert isinstance(row, UUID)
    by = replace(shop.owner, ticket=Ticket(tenant, row, render))
    opened = shop.locations.open(OpenLocation(LISBON), by)
    again = shop.world.answers.begin(tenant, "owner POST /v1/locations", "key-1", b"{}")
    assert again == render(opened)
