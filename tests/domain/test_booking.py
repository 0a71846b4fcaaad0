"""A booking's life: requested, confirmed, declined, moved, called off, kept, missed, lapsed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import pytest

from domain import booking, booking_rules
from domain.booking import (
    Booking,
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingDeclined,
    BookingLapsed,
    BookingMissed,
    BookingRequested,
    BookingRescheduled,
    Decision,
    Status,
    evolve,
)
from domain.booking_given import (
    METADATA_KEYS_MAX,
    PersonGiven,
    References,
    given_flaws,
    reference_flaws,
)
from domain.booking_rules import Making, make
from domain.errors import InvalidState, TooEarly
from domain.sealing import Envelope
from domain.values import Personal
from domain.visit import Visit
from tests.scenario import Scenario

ID, SUBJECT, SERVICE, PLACE, SAM, KIM = (UUID(int=number) for number in range(1, 7))
START = datetime(2027, 3, 14, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
BEFORE, AFTER = START - HOUR, START + HOUR
VISIT = Visit(SERVICE, PLACE, SAM, START, START + HOUR, START, START + HOUR)
LATER = replace(
    VISIT, staff=KIM, start=START + HOUR, end=START + 2 * HOUR, occupied_to=AFTER + HOUR
)
PERSON = PersonGiven(Personal("Ada"), None, None, None, {})
MAKING = Making(ID, SUBJECT, VISIT, PERSON, external_ref="order-7")
REQUESTED = BookingRequested(ID, SUBJECT, VISIT, None, "order-7", PERSON)
CONFIRMED = BookingConfirmed(ID, SUBJECT, VISIT, None, "order-7", PERSON)
AGREED = replace(CONFIRMED, person=None)
CANCELLED = BookingCancelled(ID, SUBJECT, "weather")
DECLINED = BookingDeclined(ID, SUBJECT, "other")
LAPSED = BookingLapsed(ID, SUBJECT)
COMPLETED = BookingCompleted(ID, SUBJECT)
MISSED = BookingMissed(ID, SUBJECT)
OVER: list[tuple[Decision, ...]] = [
    (CONFIRMED, CANCELLED),
    (REQUESTED, DECLINED),
    (REQUESTED, LAPSED),
    (CONFIRMED, COMPLETED),
    (CONFIRMED, MISSED),
]
Decide = Callable[[Booking], Decision]


def when(decide: Decide, *story: Decision) -> Scenario[Booking, Decision]:
    return Scenario[Booking, Decision](evolve).given(*story).when(lambda it: (decide(it),))


def confirm(now: datetime = BEFORE) -> Decide:
    return lambda it: booking_rules.confirm(it, now)


def decline(it: Booking) -> Decision:
    return booking_rules.decline(it, "other")


def cancel(it: Booking) -> Decision:
    return booking_rules.cancel(it, "weather")


def reschedule(now: datetime = BEFORE) -> Decide:
    return lambda it: booking_rules.reschedule(it, LATER, now)


def complete(now: datetime = START) -> Decide:
    return lambda it: booking_rules.complete(it, now)


def miss(now: datetime = START) -> Decide:
    return lambda it: booking_rules.miss(it, now)


def lapse(now: datetime = START) -> Decide:
    return lambda it: booking_rules.lapse(it, now)


# --- making ----------------------------------------------------------------------------------------------------------


def test_a_booking_is_confirmed_at_once_where_nothing_else_is_asked():
    standing = (
        Scenario[Booking, Decision](evolve)
        .starting(lambda: (make(MAKING, requires_confirmation=False),))
        .then(CONFIRMED)
    )
    assert standing == Booking(ID, 1, Status.CONFIRMED, SUBJECT, VISIT, "order-7", 0, PERSON)


def test_a_booking_is_a_request_where_the_business_confirms_each():
    standing = (
        Scenario[Booking, Decision](evolve)
        .starting(lambda: (make(MAKING, requires_confirmation=True),))
        .then(REQUESTED)
    )
    assert standing is not None
    assert (standing.status, standing.version, standing.occupies) == (Status.PENDING, 1, True)


def test_what_the_customer_gave_does_not_show_when_a_decision_is_printed():
    assert "Ada" not in repr(CONFIRMED)


def test_a_booking_folds_with_its_envelope_closed():
    envelope = Envelope("{}")
    assert evolve(None, replace(REQUESTED, person=envelope)).person == envelope


# --- a request -------------------------------------------------------------------------------------------------------


def test_a_request_is_confirmed_without_repeating_what_the_customer_gave():
    standing = when(confirm(), REQUESTED).then(AGREED)
    assert standing is not None
    assert (standing.status, standing.version, standing.sequence) == (Status.CONFIRMED, 2, 0)
    assert standing.person == PERSON


def test_a_request_cannot_be_confirmed_once_its_start_has_passed():
    when(confirm(START), REQUESTED).then_refused(InvalidState)
    when(confirm(START - timedelta(seconds=1)), REQUESTED).then(AGREED)


def test_a_request_is_declined():
    standing = when(decline, REQUESTED).then(DECLINED)
    assert standing is not None
    assert (standing.status, standing.sequence, standing.occupies) == (Status.DECLINED, 1, False)


def test_a_request_can_be_declined_after_its_start():
    when(lambda it: booking_rules.decline(it, "other"), REQUESTED).then(DECLINED)


def test_a_request_lapses_at_its_start_and_counts_as_declined():
    when(lapse(BEFORE), REQUESTED).then_refused(TooEarly)
    standing = when(lapse(START), REQUESTED).then(LAPSED)
    assert standing is not None
    assert (standing.status, standing.occupies) == (Status.DECLINED, False)


def test_a_request_moves_and_stays_a_request_but_not_once_it_has_lapsed():
    standing = when(reschedule(), REQUESTED).then(BookingRescheduled(ID, SUBJECT, LATER))
    assert standing is not None
    assert standing.status is Status.PENDING
    when(reschedule(START), REQUESTED).then_refused(InvalidState)


def test_a_request_is_called_off():
    when(cancel, REQUESTED).then(CANCELLED)


@pytest.mark.parametrize("decide", [complete(), miss()])
def test_a_request_is_neither_completed_nor_missed(decide: Decide):
    when(decide, REQUESTED).then_refused(InvalidState)


# --- a confirmed booking ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decide", [confirm(), decline, lapse()])
def test_what_is_confirmed_is_no_request_any_more(decide: Decide):
    when(decide, CONFIRMED).then_refused(InvalidState)
    when(decide, REQUESTED, AGREED).then_refused(InvalidState)


def test_a_booking_moves_and_calendars_are_told():
    standing = when(reschedule(), CONFIRMED).then(BookingRescheduled(ID, SUBJECT, LATER))
    assert standing is not None
    assert (standing.visit, standing.sequence, standing.version) == (LATER, 1, 2)
    assert standing.status is Status.CONFIRMED


def test_a_confirmed_booking_can_be_moved_or_called_off_after_its_start():
    when(reschedule(AFTER), CONFIRMED).then(BookingRescheduled(ID, SUBJECT, LATER))
    when(cancel, CONFIRMED).then(CANCELLED)


def test_a_cancelled_booking_frees_its_time_and_calendars_are_told():
    standing = when(cancel, CONFIRMED).then(CANCELLED)
    assert standing is not None
    assert (standing.status, standing.sequence, standing.occupies) == (Status.CANCELLED, 1, False)


@pytest.mark.parametrize(
    ("decide", "decision", "status"),
    [(complete, COMPLETED, Status.COMPLETED), (miss, MISSED, Status.NO_SHOW)],
)
def test_how_a_visit_went_can_be_said_from_its_start_on(
    decide: Callable[[datetime], Decide], decision: Decision, status: Status
):
    when(decide(START - timedelta(seconds=1)), CONFIRMED).then_refused(TooEarly)
    standing = when(decide(START), CONFIRMED).then(decision)
    assert standing is not None
    assert (standing.status, standing.sequence, standing.occupies) == (status, 0, True)


@pytest.mark.parametrize("story", OVER)
@pytest.mark.parametrize(
    "decide", [confirm(), decline, cancel, reschedule(), complete(), miss(), lapse()]
)
def test_what_is_over_stays_over(decide: Decide, story: tuple[Decision, ...]):
    when(decide, *story).then_refused(InvalidState)


def test_the_state_is_judged_before_the_time():
    when(complete(BEFORE), REQUESTED).then_refused(InvalidState)
    when(miss(BEFORE), CONFIRMED, CANCELLED).then_refused(InvalidState)


# --- a corrupt log ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "story", [(CANCELLED,), (AGREED,), (CONFIRMED, REQUESTED), (CONFIRMED, cast(Decision, PERSON))]
)
def test_a_story_that_cannot_be_is_not_folded(story: tuple[Decision, ...]):
    standing: Booking | None = None
    with pytest.raises(AssertionError):
        for decision in story:
            standing = evolve(standing, decision)


def test_a_visit_lies_inside_the_time_it_occupies():
    with pytest.raises(ValueError, match="inside"):
        replace(VISIT, occupied_from=START + HOUR)
    with pytest.raises(ValueError, match="inside"):
        replace(VISIT, end=START)


def test_the_names_of_the_types_are_permanent():
    assert [decision.TYPE for decision in booking.DECISIONS] == [
        "booking.requested.v1",
        "booking.confirmed.v1",
        "booking.declined.v1",
        "booking.lapsed.v1",
        "booking.rescheduled.v1",
        "booking.cancelled.v1",
        "booking.completed.v1",
        "booking.missed.v1",
    ]


# --- what callers give -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "note", [None, Personal(""), Personal("Two lines\nand\ta tab"), Personal("x" * 2_000)]
)
def test_a_note_may_have_lines(note: Personal | None):
    assert given_flaws(note, {"colour": Personal("red"), "size": Personal("")}) == ()


@pytest.mark.parametrize(
    ("note", "code"),
    [
        ("x" * 2_001, "too_long"),
        ("a\x00b", "control_character"),
        ("a\x07b", "control_character"),
        ("a\ud800b", "control_character"),
        ("  ", "blank"),
    ],
)
def test_a_note_that_cannot_be_kept_is_refused(note: str, code: str):
    (fault,) = given_flaws(Personal(note), {})
    assert (fault.pointer, fault.code) == ("/note", code)


def test_metadata_is_bounded_in_keys_and_values():
    full = {f"key-{number}": Personal("value") for number in range(METADATA_KEYS_MAX)}
    assert given_flaws(None, full) == ()
    assert [f.code for f in given_flaws(None, {**full, "more": Personal("x")})] == ["too_many"]
    (fault,) = given_flaws(None, {"k" * 40: Personal("x" * 501)})
    assert (fault.pointer, fault.code) == (f"/metadata/{'k' * 40}", "too_long")


@pytest.mark.parametrize("key", ["", "k" * 41, "Ada Example", "a/b", "ä", "a\n"])
def test_a_key_that_is_none_is_told_by_its_place(key: str):
    (fault,) = given_flaws(None, {"fine": Personal("x"), key: Personal("x")})
    assert (fault.pointer, fault.code) == ("/metadata", "malformed")
    assert "Key 1 " in fault.detail
    assert "Ada" not in fault.detail


def test_references_are_ids_by_pattern():
    assert reference_flaws(References()) == ()
    assert reference_flaws(References("A-z_09", "2027-01.v2")) == ()
    flaws = reference_flaws(References("not an id", "x" * 65))
    assert [fault.pointer for fault in flaws] == ["/external_ref", "/policy_version"]
    assert reference_flaws(References(external_ref="x\n")) != ()
