"""A hold: placed, released, consumed by a booking, or expired."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import pytest

from domain import errors, hold
from domain.hold import (
    Decision,
    Hold,
    HoldConsumed,
    HoldExpired,
    HoldPlaced,
    HoldReleased,
    Status,
    Wish,
    evolve,
)
from domain.visit import Visit
from tests.scenario import Scenario

ID, BOOKING, SERVICE, PLACE, SAM, OTHER = (UUID(int=number) for number in range(1, 7))
START = datetime(2027, 3, 14, 14, tzinfo=UTC)
NOW = datetime(2027, 3, 1, tzinfo=UTC)
EXPIRY = NOW + timedelta(seconds=300)
SECOND = timedelta(seconds=1)
VISIT = Visit(
    SERVICE, PLACE, SAM, START, START + timedelta(hours=1), START, START + timedelta(hours=1)
)
PLACED = HoldPlaced(ID, VISIT, EXPIRY)
WISH = Wish(SERVICE, START)
ENDS: list[Decision] = [HoldReleased(ID), HoldConsumed(ID, BOOKING), HoldExpired(ID)]


def given(*story: Decision) -> Scenario[Hold, Decision]:
    return Scenario[Hold, Decision](evolve).given(*story)


def test_a_placed_hold_keeps_its_slot_until_it_expires():
    standing = (
        Scenario[Hold, Decision](evolve)
        .starting(lambda: (hold.place(ID, VISIT, EXPIRY),))
        .then(PLACED)
    )
    assert standing == Hold(ID, 1, Status.PLACED, VISIT, EXPIRY)
    assert standing.is_open(EXPIRY - SECOND)
    assert not standing.is_open(EXPIRY)


@pytest.mark.parametrize("seconds", [1, 300, 3_600])
def test_a_hold_lives_for_a_second_to_an_hour(seconds: int):
    hold.require_ttl(seconds)


@pytest.mark.parametrize("seconds", [-1, 0, 3_601])
def test_a_hold_lives_no_shorter_and_no_longer(seconds: int):
    with pytest.raises(errors.Unacceptable) as refusal:
        hold.require_ttl(seconds)
    assert [fault.pointer for fault in refusal.value.errors] == ["/ttl_seconds"]


def test_a_hold_is_released():
    standing = given(PLACED).when(lambda it: (hold.release(it, NOW),)).then(HoldReleased(ID))
    assert standing is not None
    assert (standing.status, standing.version) == (Status.RELEASED, 2)
    assert not standing.is_open(NOW)


def test_what_is_over_cannot_be_released():
    given(PLACED).when(lambda it: (hold.release(it, EXPIRY),)).then_refused(errors.NotFound)
    for end in ENDS:
        given(PLACED, end).when(lambda it: (hold.release(it, NOW),)).then_refused(errors.NotFound)


@pytest.mark.parametrize(
    "wish",
    [
        WISH,
        replace(WISH, location=PLACE),
        replace(WISH, staff=SAM),
        Wish(SERVICE, START, PLACE, SAM),
    ],
)
def test_a_booking_consumes_the_hold_it_fits(wish: Wish):
    standing = (
        given(PLACED)
        .when(lambda it: (hold.consume(it, BOOKING, wish, EXPIRY - SECOND),))
        .then(HoldConsumed(ID, BOOKING))
    )
    assert standing is not None
    assert standing.status is Status.CONSUMED


@pytest.mark.parametrize(
    "wish",
    [
        replace(WISH, service=OTHER),
        replace(WISH, start=START + SECOND),
        replace(WISH, location=OTHER),
        replace(WISH, staff=OTHER),
    ],
)
def test_a_hold_serves_no_other_wish(wish: Wish):
    given(PLACED).when(lambda it: (hold.consume(it, BOOKING, wish, NOW),)).then_refused(
        errors.HoldMismatch
    )


def test_a_hold_that_is_over_serves_nobody_whatever_they_wish():
    other = replace(WISH, service=OTHER)
    given(PLACED).when(lambda it: (hold.consume(it, BOOKING, other, EXPIRY),)).then_refused(
        errors.HoldExpired
    )
    for end in ENDS:
        given(PLACED, end).when(lambda it: (hold.consume(it, BOOKING, WISH, NOW),)).then_refused(
            errors.HoldExpired
        )


def test_expiry_is_recorded_once_and_not_early():
    placed = evolve(None, PLACED)
    assert hold.expire(placed, EXPIRY - SECOND) is None
    assert hold.expire(placed, EXPIRY) == HoldExpired(ID)
    for end in ENDS:
        assert hold.expire(evolve(placed, end), EXPIRY) is None
    assert evolve(placed, HoldExpired(ID)).status is Status.EXPIRED


@pytest.mark.parametrize(
    "story", [(HoldReleased(ID),), (PLACED, PLACED), (PLACED, cast(Decision, VISIT))]
)
def test_a_story_that_cannot_be_is_not_folded(story: tuple[Decision, ...]):
    standing: Hold | None = None
    with pytest.raises(AssertionError):
        for decision in story:
            standing = evolve(standing, decision)


def test_the_names_of_the_types_are_permanent():
    assert [decision.TYPE for decision in hold.DECISIONS] == [
        "hold.placed.v1",
        "hold.released.v1",
        "hold.consumed.v1",
        "hold.expired.v1",
    ]
