"""One statutory clock: its last day and its end, pauses, the one extension, and how it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from domain.clock import Clock, extended, first_used, paused, resumed, started, stopped, verdict
from domain.clock_rules import RULES, RULES_VERSION
from domain.clock_terms import Extension, Length
from domain.errors import ExtensionTooLate, InvalidState, Refused, UnknownTimeZone
from tests.domain.clocks import BERLIN, CALENDAR, at, running

SECOND = timedelta(seconds=1)
ANSWER = running("gdpr.answer", "2026-03-02")  # due on Thursday, 2 April
CCPA = running("ccpa.answer", "2026-11-25")
BREACH = running("breach.authority", "2026-11-27T23:30")
NOTICE = running("collected_elsewhere_notice", "2026-03-02")
RECORD = running("ccpa.record_kept", "2026-03-02")


def due(clock: Clock) -> str:
    return clock.due_on.isoformat()


# --- the last day, and where it ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "since", "due_on", "end"),
    [
        # Clocks go forward at 02:00: the day is 23 hours long, and ends at its own midnight.
        ("Europe/Berlin", "2026-02-12", "2026-03-29", "2026-03-29T22:00"),
        # Clocks go back at 03:00: 25 hours.
        ("Europe/Berlin", "2026-09-10", "2026-10-25", "2026-10-25T23:00"),
        # 00:00 of the next day is skipped: the day ends where the clocks change.
        ("Africa/Cairo", "2026-03-09", "2026-04-23", "2026-04-23T22:00"),
        # 24:00 is reached, the clocks go back to 23:00, and it is the same day for another hour.
        ("Africa/Cairo", "2026-09-14", "2026-10-29", "2026-10-29T22:00"),
        # 00:00 comes twice: the day has ended at the first.
        ("America/Havana", "2026-09-16", "2026-10-31", "2026-11-01T04:00"),
        # The last day does not exist: it is over when the day before is.
        ("Pacific/Apia", "2011-11-15", "2011-12-30", "2011-12-30T10:00"),
        ("Asia/Kathmandu", "2026-03-02", "2026-04-16", "2026-04-16T18:15"),
    ],
)
def test_a_last_day_ends_by_its_own_zone(zone: str, since: str, due_on: str, end: str) -> None:
    clock = running("ccpa.answer", since, zone)
    assert (due(clock), clock.due_at) == (due_on, at(end))
    assert verdict(clock, at(end) - SECOND).state == "running"
    assert verdict(clock, at(end)).state == "late"


def test_the_day_of_the_start_is_the_zone_s_and_is_not_counted() -> None:
    before, after = at("2026-03-01T22:59:59"), at("2026-03-01T23:00")
    days = [
        started(RULES["ccpa.answer"], each, BERLIN, CALENDAR).due_on for each in (before, after)
    ]
    assert days == [date(2026, 4, 15), date(2026, 4, 16)]


def test_a_rule_in_hours_ends_at_its_instant_and_counts_hours_that_pass() -> None:
    assert BREACH.due_at == at("2026-11-30T23:30")
    assert BREACH.due_on == date(2026, 12, 1), "in Berlin it is past midnight"
    assert verdict(BREACH, at("2026-11-30T23:30")).state == "running"
    assert verdict(BREACH, at("2026-11-30T23:30") + SECOND).state == "late"
    over_the_change = running("breach.authority", "2026-03-28T11:00")
    assert over_the_change.due_at - over_the_change.starts_at == timedelta(hours=72)


def test_an_unknown_zone_starts_nothing() -> None:
    with pytest.raises(UnknownTimeZone):
        started(RULES["gdpr.answer"], at("2026-03-02"), "Europe/Atlantis", CALENDAR)


# --- pauses ----------------------------------------------------------------------------------------------------------


def test_a_pause_moves_the_last_day_by_its_whole_days_and_then_it_rolls() -> None:
    clock = resumed(paused(ANSWER, at("2026-03-05")), at("2026-03-15"))
    assert due(clock) == "2026-04-13", "12 April is a Sunday"
    assert clock.paused_intervals == ((at("2026-03-05"), at("2026-03-15")),)


def test_a_pause_within_a_day_moves_nothing() -> None:
    clock = resumed(paused(ANSWER, at("2026-03-05T08:00")), at("2026-03-05T20:00"))
    assert due(clock) == due(ANSWER)


def test_the_days_of_a_pause_are_the_zone_s() -> None:
    over_midnight = at("2026-03-05T22:30"), at("2026-03-05T23:30")
    clock = resumed(paused(ANSWER, over_midnight[0]), over_midnight[1])
    assert due(clock) == "2026-04-03"


def test_pauses_add_up() -> None:
    clock = ANSWER
    for first, last in (("2026-03-05", "2026-03-08"), ("2026-03-08", "2026-03-09")):
        clock = resumed(paused(clock, at(first)), at(last))
    assert due(clock) == "2026-04-06"


def test_while_it_is_paused_it_is_due_as_if_it_ran_on_now() -> None:
    clock = paused(ANSWER, at("2026-03-05"))
    for now, expected in (("2026-03-10", "2026-04-07"), ("2026-06-10", "2026-07-08")):
        found = verdict(clock, at(now))
        assert (found.state, found.due_on.isoformat()) == ("paused", expected)
    assert due(clock) == "2026-04-02"
    assert verdict(clock, at("2026-03-04")).due_on == ANSWER.due_on


def test_as_many_days_are_left_after_a_pause_as_before() -> None:
    last = at("2026-04-02T21:59:59")
    clock = resumed(paused(ANSWER, last), at("2026-05-04"))
    assert clock.due_on == date(2026, 5, 4)


def test_a_pause_on_a_day_that_it_rolled_to_leaves_none_and_does_not_make_it_late() -> None:
    clock = running(
        "gdpr.answer", "2026-01-31"
    )  # 28 February is a Saturday: due on Monday, 2 March
    asked = paused(clock, at("2026-03-02"))
    assert verdict(asked, at("2026-03-11")).state == "paused"
    assert due(resumed(asked, at("2026-03-11"))) == "2026-03-11"


def test_what_is_late_is_not_paused() -> None:
    with pytest.raises(InvalidState, match="late already"):
        paused(ANSWER, at("2026-04-02T22:00"))


@pytest.mark.parametrize(
    "clock", [CCPA, BREACH, NOTICE, RECORD, running("gdpr.refusal_notice", "2026-03-02")]
)
def test_a_rule_that_knows_no_pause_runs_on(clock: Clock) -> None:
    with pytest.raises(InvalidState, match="knows no pause"):
        paused(clock, clock.starts_at)


def test_only_what_runs_pauses_and_only_what_is_paused_resumes() -> None:
    with pytest.raises(InvalidState, match="paused already"):
        paused(paused(ANSWER, at("2026-03-05")), at("2026-03-06"))
    with pytest.raises(InvalidState, match="not paused"):
        resumed(ANSWER, at("2026-03-05"))


# --- the extension ---------------------------------------------------------------------------------------------------


def test_an_extension_counts_from_the_start() -> None:
    clock = extended(running("gdpr.answer", "2026-01-31"), at("2026-02-10"))
    assert (clock.extended_by, clock.length) == (Length(2, "months"), Length(3, "months"))
    assert due(clock) == "2026-04-30"
    assert ANSWER.extended_by is None


@pytest.mark.parametrize(
    ("rule", "last"),
    [
        ("gdpr.answer", "2026-04-02T21:59:59"),
        ("ccpa.answer", "2026-04-16T21:59:59"),
        ("hipaa.accounting", "2026-05-01T21:59:59"),
        ("us_ia.answer", "2026-05-31T21:59:59"),
        ("us_co.appeal", "2026-04-16T21:59:59"),
    ],
)
def test_it_may_be_told_through_the_last_second_of_the_last_day(rule: str, last: str) -> None:
    clock = running(rule, "2026-03-02")
    assert extended(clock, at(last)).extended_at == at(last)
    with pytest.raises(ExtensionTooLate) as refused:
        extended(clock, at(last) + SECOND)
    assert refused.value.context == {"rule": rule}


def test_too_late_is_a_conflict_with_a_code_of_its_own() -> None:
    assert issubclass(ExtensionTooLate, Refused)
    assert ExtensionTooLate.code == "extension_too_late"


def test_a_pause_moves_the_last_day_for_telling_too() -> None:
    clock = paused(ANSWER, at("2026-03-05"))
    assert extended(clock, at("2026-06-05")).extended_at == at("2026-06-05"), "still paused"
    back = resumed(clock, at("2026-03-15"))
    told = extended(back, at("2026-04-13"))
    assert due(told) == "2026-06-12"
    with pytest.raises(ExtensionTooLate):
        extended(back, at("2026-04-14"))


def test_the_last_day_for_telling_may_be_earlier_than_the_last_day_and_rolls_as_it_does() -> None:
    rule = replace(RULES["gdpr.answer"], extension=Extension(2, Length(26, "calendar_days")))
    clock = started(rule, at("2026-03-02"), BERLIN, CALENDAR)  # 28 March is a Saturday
    assert extended(clock, at("2026-03-30")).due_on == date(2026, 6, 2)
    with pytest.raises(ExtensionTooLate):
        extended(clock, at("2026-03-31"))


def test_it_is_extended_once() -> None:
    clock = extended(CCPA, at("2026-12-01"))
    assert due(clock) == "2027-02-23"
    with pytest.raises(InvalidState, match="extended once already"):
        extended(clock, at("2026-12-02"))


@pytest.mark.parametrize("clock", [BREACH, NOTICE, RECORD, running("ccpa.opt_out", "2026-11-25")])
def test_a_rule_without_an_extension_is_not_extended(clock: Clock) -> None:
    assert clock.extension_is_past(clock.starts_at)
    with pytest.raises(InvalidState, match="knows no extension"):
        extended(clock, clock.starts_at)


# --- the first use ---------------------------------------------------------------------------------------------------


def test_the_first_use_ends_a_notice_early_to_the_second() -> None:
    used = at("2026-03-10T09:00")
    clock = first_used(first_used(NOTICE, used), at("2026-03-12"))
    assert (clock.due_at, due(clock)) == (used, "2026-03-10")
    assert verdict(stopped(clock, used), at("2026-05-01")).state == "met"
    assert verdict(stopped(clock, used + SECOND), at("2026-05-01")).state == "late"


def test_a_use_after_the_month_changes_nothing() -> None:
    clock = first_used(NOTICE, at("2026-05-01"))
    assert (clock.due_on, clock.due_at) == (NOTICE.due_on, NOTICE.due_at)
    assert verdict(clock, NOTICE.due_at).state == "late"
    assert verdict(clock, NOTICE.due_at - SECOND).state == "running"


def test_a_use_at_the_very_end_is_no_longer_on_time() -> None:
    clock = first_used(NOTICE, NOTICE.due_at)
    assert clock.due_on == NOTICE.due_on
    assert verdict(clock, NOTICE.due_at).state == "late"


def test_other_rules_do_not_end_with_a_use() -> None:
    with pytest.raises(InvalidState, match="does not end with a use"):
        first_used(ANSWER, at("2026-03-10"))


# --- stopping, and the verdict ---------------------------------------------------------------------------------------


def test_a_clock_that_stopped_in_time_is_met_for_ever() -> None:
    clock = stopped(ANSWER, at("2026-04-02T21:59:59"))
    for now in ("2026-04-02T21:59:59", "2036-01-01"):
        assert verdict(clock, at(now)).state == "met"
        assert verdict(clock, at(now)).is_on_time


def test_a_clock_that_stopped_too_late_is_late_for_ever() -> None:
    found = verdict(stopped(ANSWER, at("2026-04-02T22:00")), at("2036-01-01"))
    assert (found.state, found.is_on_time) == ("late", False)


def test_a_pause_ends_when_it_stops() -> None:
    clock = stopped(paused(ANSWER, at("2026-03-05")), at("2026-05-05"))
    found = verdict(clock, at("2036-01-01"))
    assert (found.state, found.due_on) == ("met", date(2026, 6, 2))


def test_what_has_stopped_stays_stopped() -> None:
    clock = stopped(ANSWER, at("2026-03-10"))
    for step in (paused, resumed, extended, first_used, stopped):
        with pytest.raises(InvalidState, match="has stopped"):
            step(clock, at("2026-03-11"))


@pytest.mark.parametrize(
    "clock",
    [
        ANSWER,
        paused(ANSWER, at("2026-03-05")),
        resumed(paused(ANSWER, at("2026-03-04")), at("2026-03-05")),
        extended(ANSWER, at("2026-03-05")),
    ],
)
def test_nothing_happens_before_what_has_happened(clock: Clock) -> None:
    last = at("2026-03-02") if clock is ANSWER else at("2026-03-05")
    assert stopped(clock, last).stopped_at == last
    for step in (paused, resumed, extended, first_used, stopped):
        with pytest.raises(InvalidState, match="before what has happened"):
            step(clock, last - SECOND)


def test_a_record_is_kept_until_its_time_has_passed() -> None:
    end = at("2028-03-02T23:00")
    assert RECORD.due_at == end
    with pytest.raises(InvalidState, match="kept longer"):
        stopped(RECORD, end - SECOND)
    assert verdict(RECORD, end - SECOND).state == "running"
    assert verdict(RECORD, end).state == "met"
    assert verdict(stopped(RECORD, end), at("2036-01-01")).state == "met"


def test_a_verdict_says_by_which_rule_of_which_edition_and_by_which_calendar() -> None:
    clock = stopped(ANSWER, at("2026-03-10"))
    found = verdict(clock, at("2026-03-10"))
    assert (found.rule, found.source) == (clock.rule_id, RULES["gdpr.answer"].source)
    assert found.rules_version == RULES_VERSION
    assert (found.calendar_id, found.calendar_version) == ("XX", "1")
    assert (found.due_on, found.due_at, found.zone) == (ANSWER.due_on, ANSWER.due_at, BERLIN)
    assert found.stopped_at == at("2026-03-10")


def test_a_verdict_names_no_calendar_that_it_did_not_need() -> None:
    found = verdict(CCPA, at("2026-12-01"))
    assert (found.calendar_id, found.calendar_version, found.stopped_at) == (None, None, None)
    counted = verdict(running("ccpa.opt_out", "2026-11-25"), at("2026-12-01"))
    assert counted.calendar_id == "XX"
