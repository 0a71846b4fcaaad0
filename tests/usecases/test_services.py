"""Offering, revising, withdrawing, reading and listing services."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from application.setup.locations import CloseLocation
from application.setup.services import OfferService, ReviseService, WithdrawService
from domain.errors import (
    InvalidState,
    NotFound,
    NotPermitted,
    Unacceptable,
    UnknownReference,
    VersionMismatch,
)
from domain.service import Price, ServiceTerms
from infrastructure.twin.memory import MemoryWorld
from tests.usecases.shop import Shop, open_shop


@pytest.fixture
def shop() -> Shop:
    return open_shop(MemoryWorld())


def test_an_offered_service_is_there_at_once(shop: Shop):
    here = shop.location()
    terms = ServiceTerms(location_ids=(here,), name="Cut", duration_minutes=45)
    offered = shop.services.offer(OfferService(terms), shop.owner)
    assert offered.state.terms == terms
    assert shop.services.service(offered.state.id, shop.owner) == offered.state
    assert shop.last_event(offered.state.id) == offered.event


def test_each_location_that_is_not_there_is_named(shop: Shop):
    here, closed = shop.location(), shop.location()
    shop.locations.close(CloseLocation(closed), shop.owner)
    terms = ServiceTerms(location_ids=(UUID(int=1), here, closed), name="Cut", duration_minutes=45)
    with pytest.raises(UnknownReference) as refusal:
        shop.services.offer(OfferService(terms), shop.owner)
    pointers = [fault.pointer for fault in refusal.value.errors]
    assert pointers == ["/location_ids/0", "/location_ids/2"]
    assert {fault.code for fault in refusal.value.errors} == {"unknown_reference"}
    assert shop.services.page(200, None, shop.owner).items == ()


def test_fields_are_checked_before_what_they_name_is_looked_up(shop: Shop):
    terms = ServiceTerms(location_ids=(UUID(int=1),), name="", duration_minutes=0)
    with pytest.raises(Unacceptable) as refusal:
        shop.services.offer(OfferService(terms), shop.owner)
    assert [fault.pointer for fault in refusal.value.errors] == ["/name", "/duration_minutes"]


def test_every_field_of_a_service_can_be_revised(shop: Shop):
    here, there = shop.location(), shop.location()
    id = shop.service(here)
    terms = ServiceTerms(
        location_ids=(there, here),
        name="Class",
        duration_minutes=60,
        slot_interval_minutes=30,
        buffer_before_minutes=5,
        buffer_after_minutes=10,
        minimum_notice_minutes=120,
        booking_window_days=90,
        capacity=8,
        requires_confirmation=True,
        price=Price(2500, "EUR"),
    )
    command = ReviseService(
        id,
        location_ids=terms.location_ids,
        name=terms.name,
        duration_minutes=terms.duration_minutes,
        slot_interval_minutes=terms.slot_interval_minutes,
        buffer_before_minutes=terms.buffer_before_minutes,
        buffer_after_minutes=terms.buffer_after_minutes,
        minimum_notice_minutes=terms.minimum_notice_minutes,
        booking_window_days=terms.booking_window_days,
        capacity=terms.capacity,
        requires_confirmation=terms.requires_confirmation,
        price=terms.price,
    )
    assert shop.services.revise(command, shop.owner).state.terms == terms
    free = shop.services.revise(ReviseService(id, price=None), shop.owner).state
    assert free.terms == replace(terms, price=None)


def test_locations_are_looked_up_where_they_are_given(shop: Shop):
    here = shop.location()
    id = shop.service(here)
    shop.locations.close(CloseLocation(here), shop.owner)
    assert shop.services.revise(ReviseService(id, name="Trim"), shop.owner).state.version == 2
    with pytest.raises(UnknownReference):
        shop.services.revise(ReviseService(id, location_ids=(here,)), shop.owner)


def test_a_withdrawn_service_stays_withdrawn(shop: Shop):
    id = shop.service(shop.location())
    first = shop.services.withdraw(WithdrawService(id), shop.owner)
    assert shop.services.withdraw(WithdrawService(id), shop.owner) == first
    assert not shop.services.service(id, shop.owner).active
    with pytest.raises(InvalidState):
        shop.services.revise(ReviseService(id, name="Trim"), shop.owner)
    assert shop.types_of(id) == ["ServiceOffered", "ServiceWithdrawn"]


def test_a_change_to_another_version_than_named_is_refused(shop: Shop):
    id = shop.service(shop.location())
    with pytest.raises(VersionMismatch):
        shop.services.revise(ReviseService(id, name="Trim", if_match=2), shop.owner)
    with pytest.raises(VersionMismatch):
        shop.services.withdraw(WithdrawService(id, if_match=0), shop.owner)


def test_a_manager_offers_at_own_locations_only(shop: Shop):
    mine, other = shop.location(), shop.location()
    by = shop.caller("manager", mine)
    terms = ServiceTerms(location_ids=(mine,), name="Cut", duration_minutes=45)
    own = shop.services.offer(OfferService(terms), by).state.id
    with pytest.raises(UnknownReference) as refusal:
        shop.services.offer(OfferService(replace(terms, location_ids=(mine, other))), by)
    assert [fault.pointer for fault in refusal.value.errors] == ["/location_ids/1"]
    with pytest.raises(UnknownReference):
        shop.services.revise(ReviseService(own, location_ids=(other,)), by)


def test_a_manager_changes_what_stands_at_own_locations_only(shop: Shop):
    mine, other = shop.location(), shop.location()
    shared, foreign = shop.service(mine, other), shop.service(other)
    by = shop.caller("manager", mine)
    assert shop.services.service(shared, by).id == shared
    for ask in (
        lambda: shop.services.revise(ReviseService(shared, name="Mine"), by),
        lambda: shop.services.withdraw(WithdrawService(shared), by),
    ):
        with pytest.raises(NotPermitted):
            ask()
    for ask_foreign in (
        lambda: shop.services.service(foreign, by),
        lambda: shop.services.revise(ReviseService(foreign, name="Mine"), by),
        lambda: shop.services.withdraw(WithdrawService(foreign), by),
    ):
        with pytest.raises(NotFound):
            ask_foreign()
    assert [service.id for service in shop.services.page(200, None, by).items] == [shared]


def test_only_owners_and_managers_offer_services(shop: Shop):
    here = shop.location()
    id = shop.service(here)
    by = shop.caller("booking")
    terms = ServiceTerms(location_ids=(here,), name="Cut", duration_minutes=45)
    for ask in (
        lambda: shop.services.offer(OfferService(terms), by),
        lambda: shop.services.revise(ReviseService(id, name="Mine"), by),
        lambda: shop.services.withdraw(WithdrawService(id), by),
        lambda: shop.services.service(id, shop.caller("subject")),
        lambda: shop.services.page(1, None, shop.caller("subject")),
    ):
        with pytest.raises(NotPermitted):
            ask()
