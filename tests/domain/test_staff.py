"""Engaging staff, their schedules, their busy time, and releasing them."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from domain import staff
from domain.errors import InvalidState, Unacceptable
from domain.schedule import Hours, Schedule, WeeklyHours
from domain.sealing import Envelope
from domain.staff import (
    Staff,
    StaffBusyImported,
    StaffEngaged,
    StaffName,
    StaffReleased,
    StaffRevised,
    StaffScheduleSet,
    StaffTerms,
    engage,
    evolve,
    release,
    require_engaged,
)
from domain.values import Personal
from tests.scenario import Scenario

ID, SUBJECT, HERE, THERE, CUT = (UUID(int=number) for number in range(1, 6))
TERMS = StaffTerms(location_ids=(HERE,), display_name="Sam", service_ids=(CUT,))
NAME = Personal("Samira Example")
ENGAGED = StaffEngaged(ID, SUBJECT, TERMS)
WEEK = Schedule("Europe/Lisbon", (WeeklyHours((0, 1), Hours(540, 1020)),))


def test_a_staff_member_is_engaged_with_a_sealed_name():
    standing = (
        Scenario(evolve)
        .starting(lambda: engage(ID, SUBJECT, TERMS, NAME))
        .then(StaffEngaged(ID, SUBJECT, TERMS, StaffName(NAME)))
    )
    assert standing == Staff(ID, SUBJECT, TERMS, True, None, active=True, version=1)


def test_a_display_name_is_enough():
    standing = Scenario(evolve).starting(lambda: engage(ID, SUBJECT, TERMS, None)).then(ENGAGED)
    assert standing is not None
    assert not standing.named


def test_the_name_does_not_show_when_a_decision_is_printed():
    (engaged,) = engage(ID, SUBJECT, TERMS, NAME)
    assert "Samira" not in repr(engaged)


def test_what_was_sealed_folds_without_being_opened():
    assert evolve(None, replace(ENGAGED, name=Envelope("{}"))).named


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        (replace(TERMS, location_ids=()), "/location_ids"),
        (replace(TERMS, location_ids=tuple(UUID(int=n) for n in range(201))), "/location_ids"),
        (replace(TERMS, location_ids=(HERE, HERE)), "/location_ids/1"),
        (replace(TERMS, display_name="\n"), "/display_name"),
        (replace(TERMS, service_ids=tuple(UUID(int=n) for n in range(501))), "/service_ids"),
        (replace(TERMS, service_ids=(CUT, CUT)), "/service_ids/1"),
    ],
)
def test_a_field_that_cannot_be_is_refused(terms: StaffTerms, pointer: str):
    Scenario(evolve).starting(lambda: engage(ID, SUBJECT, terms, NAME)).then_refused(
        Unacceptable, pointer
    )
    Scenario(evolve).given(ENGAGED).when(
        lambda standing: staff.revise(standing, terms, None)
    ).then_refused(Unacceptable, pointer)


@pytest.mark.parametrize("name", ["", "a" * 201, "a\0"])
def test_a_name_that_cannot_be_is_refused(name: str):
    Scenario(evolve).starting(lambda: engage(ID, SUBJECT, TERMS, Personal(name))).then_refused(
        Unacceptable, "/name"
    )
    Scenario(evolve).given(ENGAGED).when(
        lambda standing: staff.revise(standing, TERMS, Personal(name))
    ).then_refused(Unacceptable, "/name")


def test_a_staff_member_works_at_two_locations():
    both = replace(TERMS, location_ids=(HERE, THERE), service_ids=())
    standing = (
        Scenario(evolve)
        .given(ENGAGED)
        .when(lambda standing: staff.revise(standing, both, None))
        .then(StaffRevised(SUBJECT, both))
    )
    assert standing == Staff(ID, SUBJECT, both, False, None, active=True, version=2)


def test_the_same_terms_again_decide_nothing():
    Scenario(evolve).given(ENGAGED).when(
        lambda standing: staff.revise(standing, TERMS, None)
    ).then()


def test_a_name_is_sealed_afresh_each_time_it_is_given():
    standing = (
        Scenario(evolve)
        .given(ENGAGED)
        .when(lambda standing: staff.revise(standing, TERMS, NAME))
        .then(StaffRevised(SUBJECT, TERMS, StaffName(NAME)))
    )
    assert standing is not None
    assert standing.named


def test_a_name_once_given_stays_when_the_terms_are_revised():
    other = replace(TERMS, display_name="Sami")
    standing = (
        Scenario(evolve)
        .given(replace(ENGAGED, name=StaffName(NAME)))
        .when(lambda standing: staff.revise(standing, other, None))
        .then(StaffRevised(SUBJECT, other))
    )
    assert standing is not None
    assert standing.named


def test_a_schedule_replaces_the_earlier_one_whole():
    later = Schedule("Asia/Kolkata")
    standing = (
        Scenario(evolve)
        .given(ENGAGED, StaffScheduleSet(WEEK))
        .when(lambda standing: staff.set_schedule(standing, later))
        .then(StaffScheduleSet(later))
    )
    assert standing == Staff(ID, SUBJECT, TERMS, False, later, active=True, version=3)


def test_the_same_schedule_again_decides_nothing():
    Scenario(evolve).given(ENGAGED, StaffScheduleSet(WEEK)).when(
        lambda standing: staff.set_schedule(standing, WEEK)
    ).then()


def test_an_import_keeps_when_and_nothing_else():
    standing = (
        Scenario(evolve)
        .given(ENGAGED)
        .when(lambda standing: staff.import_busy(standing, 0, 100, ((0, 10), (20, 100))))
        .then(StaffBusyImported(0, 100, (0, 10, 20, 100)))
    )
    assert standing == Staff(ID, SUBJECT, TERMS, False, None, active=True, version=2)


def test_an_import_without_blocks_says_that_the_window_is_free():
    Scenario(evolve).given(ENGAGED).when(
        lambda standing: staff.import_busy(standing, 0, 100, ())
    ).then(StaffBusyImported(0, 100, ()))


@pytest.mark.parametrize("blocks", [((20, 30), (0, 10)), ((0, 101),), ((-1, 5),), ((0, 9), (8, 9))])
def test_a_reader_that_breaks_its_promise_is_found_out(blocks: tuple[tuple[int, int], ...]):
    standing = evolve(None, ENGAGED)
    with pytest.raises(AssertionError):
        staff.import_busy(standing, 0, 100, blocks)


def test_a_staff_member_is_released():
    standing = Scenario(evolve).given(ENGAGED).when(release).then(StaffReleased())
    assert standing == Staff(ID, SUBJECT, TERMS, False, None, active=False, version=2)


def test_releasing_twice_decides_nothing():
    Scenario(evolve).given(ENGAGED, StaffReleased()).when(release).then()


def test_nothing_is_revised_of_a_staff_member_who_was_released():
    history = (ENGAGED, StaffReleased())
    for ask in (
        lambda standing: staff.revise(standing, TERMS, NAME),
        lambda standing: staff.set_schedule(standing, WEEK),
        lambda standing: staff.import_busy(standing, 0, 1, ()),
    ):
        Scenario(evolve).given(*history).when(ask).then_refused(InvalidState)


def test_a_staff_member_works_here_until_released():
    engaged = evolve(None, ENGAGED)
    require_engaged(engaged)
    with pytest.raises(InvalidState):
        require_engaged(evolve(engaged, StaffReleased()))
