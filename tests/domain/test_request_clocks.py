"""The clocks of a privacy request: which run, from when, and what its facts make of them."""

from __future__ import annotations

from datetime import datetime
from itertools import permutations

import pytest

from domain.clock import State, stopped, verdict
from domain.clock_terms import Fact, FactKind, Jurisdiction, RequestType
from domain.errors import ExtensionTooLate, InvalidState, UnknownTimeZone
from domain.request_clocks import clocks_for, notice_clock, years_reached
from tests.domain.clocks import BERLIN, CALENDAR, at

RECEIVED = "2026-03-02"


def fact(kind: FactKind, when: str) -> Fact:
    return Fact(kind, at(when))


def states(
    request_type: RequestType, jurisdiction: Jurisdiction, now: str, *facts: Fact
) -> dict[str, str]:
    """Each clock of a request received on 2 March 2026: its state at `now`, and its last day."""
    clocks = clocks_for(request_type, jurisdiction, at(RECEIVED), facts, BERLIN, CALENDAR)
    found: dict[str, str] = {}
    for each in clocks:
        seen = verdict(each, at(now))
        found[each.rule_id] = f"{seen.state} {seen.due_on}"
    return found


def test_what_was_received_runs() -> None:
    assert states("access", "gdpr", "2026-03-03") == {
        "gdpr.answer": "running 2026-04-02",
        "gdpr.refusal_notice": "running 2026-04-02",
    }


def test_where_no_statute_sets_a_time_nothing_runs() -> None:
    assert states("access", "other", "2026-03-03") == {}
    assert states("accounting", "us_ca", "2026-03-03") == {}


def test_an_answer_in_time_meets_both_and_the_recipients_are_told_that_day() -> None:
    answered = fact("answered", "2026-03-10")
    assert states("erasure", "gdpr", "2026-03-10", answered) == {
        "gdpr.answer": "met 2026-04-02",
        "gdpr.refusal_notice": "met 2026-04-02",
        "recipients_told": "running 2026-03-10",
    }
    told = fact("recipients_told", "2026-03-10T20:00")
    assert states("erasure", "gdpr", "2026-05-01", answered, told)["recipients_told"] == (
        "met 2026-03-10"
    )
    assert states("erasure", "gdpr", "2026-05-01", answered)["recipients_told"] == (
        "late 2026-03-10"
    )


@pytest.mark.parametrize(
    ("kind", "when", "state"),
    [
        ("answered", "2026-04-02", "met"),
        ("refused", "2026-04-02", "met"),
        ("withdrawn", "2026-04-02", "met"),
        ("answered", "2026-04-03", "late"),
        ("refused", "2026-04-03", "late"),
    ],
)
def test_what_closes_a_request_stops_its_answer(kind: FactKind, when: str, state: State) -> None:
    found = states("access", "gdpr", "2026-06-01", fact(kind, when))
    assert set(found.values()) == {f"{state} 2026-04-02"}


def test_an_extension_meets_the_notice_and_moves_the_answer() -> None:
    told = fact("extended", "2026-03-20")
    assert states("access", "gdpr", "2026-05-01", told) == {
        "gdpr.answer": "running 2026-06-02",
        "gdpr.refusal_notice": "met 2026-04-02",
    }
    answered = fact("answered", "2026-05-20")
    assert set(states("access", "gdpr", "2026-06-10", told, answered).values()) == {
        "met 2026-06-02",
        "met 2026-04-02",
    }


def test_a_refusal_after_an_extension_is_a_late_notice_all_the_same() -> None:
    found = states(
        *("access", "gdpr", "2026-06-10"),
        *(fact("extended", "2026-03-20"), fact("refused", "2026-05-20")),
    )
    assert found == {
        "gdpr.answer": "met 2026-06-02",
        "gdpr.refusal_notice": "late 2026-04-02",
    }


def test_doubts_of_identity_pause_the_answer_and_not_the_notice() -> None:
    asked, proved = fact("paused", "2026-03-05"), fact("resumed", "2026-03-15")
    assert states("access", "uk_gdpr", "2026-03-10", asked) == {
        "uk_gdpr.answer": "paused 2026-04-07",
        "uk_gdpr.refusal_notice": "running 2026-04-02",
    }
    assert states("access", "uk_gdpr", "2026-03-20", asked, proved) == {
        "uk_gdpr.answer": "running 2026-04-13",
        "uk_gdpr.refusal_notice": "running 2026-04-02",
    }


def test_california_runs_on_while_a_person_is_verified() -> None:
    asked, proved = fact("paused", "2026-03-05"), fact("resumed", "2026-03-15")
    assert states("access", "us_ca", "2026-03-10", asked) == {
        "ccpa.acknowledgement": "running 2026-03-16",
        "ccpa.answer": "running 2026-04-16",
    }
    acknowledged = fact("acknowledged", "2026-03-16")
    assert states("access", "us_ca", "2026-04-10", asked, proved, acknowledged) == {
        "ccpa.acknowledgement": "met 2026-03-16",
        "ccpa.answer": "running 2026-04-16",
    }


def test_an_answer_within_the_days_acknowledges_too() -> None:
    found = states("access", "us_ca", "2026-06-01", fact("answered", "2026-03-10"))
    assert found["ccpa.acknowledgement"] == "met 2026-03-16"


def test_asking_twice_is_one_pause_and_asking_too_late_is_none() -> None:
    asked = fact("paused", "2026-03-05"), fact("paused", "2026-03-07")
    found = states("access", "gdpr", "2026-04-01", *asked, fact("resumed", "2026-03-15"))
    assert found["gdpr.answer"] == "running 2026-04-13"
    late = fact("paused", "2026-04-03"), fact("resumed", "2026-05-03")
    assert states("access", "gdpr", "2026-05-04", *late)["gdpr.answer"] == "late 2026-04-02"


def test_what_happens_after_it_stopped_moves_nothing() -> None:
    answered = fact("answered", "2026-03-10")
    asked = fact("paused", "2026-03-11"), fact("resumed", "2026-03-20")
    found = states("access", "gdpr", "2026-05-01", answered, *asked, fact("refused", "2026-03-21"))
    assert found["gdpr.answer"] == "met 2026-04-02"


# --- appeals, children, records --------------------------------------------------------------------------------------


def test_an_appeal_has_a_clock_of_its_own_from_when_it_is_made() -> None:
    refused, appealed = fact("refused", "2026-03-20"), fact("appealed", "2026-05-02")
    assert states("access", "us_co", "2026-05-03", refused) == {"us_co.answer": "met 2026-04-16"}
    assert states("access", "us_co", "2026-05-03", refused, appealed) == {
        "us_co.answer": "met 2026-04-16",
        "us_co.appeal": "running 2026-06-16",
    }
    longer = fact("extended", "2026-06-16")
    assert states("access", "us_co", "2026-06-17", refused, appealed, longer) == {
        "us_co.answer": "met 2026-04-16",
        "us_co.appeal": "running 2026-08-15",
    }
    answered = fact("appeal_answered", "2026-08-16")
    after = states("access", "us_co", "2026-08-17", refused, appealed, longer, answered)
    assert after["us_co.appeal"] == "late 2026-08-15"


def test_an_extension_of_the_answer_is_not_one_of_the_appeal() -> None:
    facts = (
        *(fact("extended", "2026-03-20"), fact("refused", "2026-05-20")),
        fact("appealed", "2026-06-02"),
    )
    assert states("access", "us_co", "2026-06-03", *facts) == {
        "us_co.answer": "met 2026-05-31",
        "us_co.appeal": "running 2026-07-17",
    }


def test_what_is_done_upon_an_appeal_does_not_make_the_first_answer_late() -> None:
    facts = (
        *(fact("refused", "2026-03-20"), fact("appealed", "2026-05-02")),
        *(fact("answered", "2026-05-20"), fact("appeal_answered", "2026-05-20")),
    )
    assert states("access", "us_va", "2026-06-03", *facts) == {
        "us_va.answer": "met 2026-04-16",
        "us_va.appeal": "met 2026-07-01",
    }


def test_a_child_s_data_go_within_three_days_of_its_confirmation_everywhere() -> None:
    confirmed = fact("child_confirmed", "2026-03-04")
    assert states("erasure", "other", "2026-03-05") == {}
    assert states("erasure", "other", "2026-03-07", confirmed) == {
        "child_deletion": "running 2026-03-07"
    }
    refused = fact("refused", "2026-03-05")
    assert states("erasure", "other", "2026-03-08", confirmed, refused) == {
        "child_deletion": "late 2026-03-07"
    }
    answered = fact("answered", "2026-03-07")
    assert states("erasure", "other", "2026-03-08", confirmed, answered) == {
        "child_deletion": "met 2026-03-07"
    }


def test_what_was_before_a_clock_s_own_start_does_not_bear_on_it() -> None:
    answered, confirmed = fact("answered", "2026-03-03"), fact("child_confirmed", "2026-03-04")
    found = states("erasure", "other", "2026-03-05", answered, confirmed)
    assert found == {"child_deletion": "running 2026-03-07"}
    asked = fact("paused", "2026-03-01")
    assert states("access", "gdpr", "2026-03-20", asked)["gdpr.answer"] == "running 2026-04-02"


def test_the_record_is_kept_from_when_the_request_was_closed_last() -> None:
    refused, answered = fact("refused", "2026-03-20"), fact("appeal_answered", "2026-05-20")
    assert states("opt_out", "us_ca", "2028-03-20", refused)["ccpa.record_kept"] == (
        "running 2028-03-20"
    )
    assert states("opt_out", "us_ca", "2028-03-21", refused)["ccpa.record_kept"] == "met 2028-03-20"
    assert states("opt_out", "us_ca", "2028-03-21", refused, answered)["ccpa.record_kept"] == (
        "running 2028-05-20"
    )


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_type", "jurisdiction", "last"),
    [
        ("access", "gdpr", "2026-04-02"),
        ("erasure", "us_ca", "2026-04-16"),
        ("accounting", "us_hipaa", "2026-05-01"),
    ],
)
def test_an_extension_is_refused_after_the_last_day_for_telling(
    request_type: RequestType, jurisdiction: Jurisdiction, last: str
) -> None:
    states(request_type, jurisdiction, last, fact("extended", last))
    with pytest.raises(ExtensionTooLate):
        states(request_type, jurisdiction, last, fact("extended", f"{last}T22:00"))


def test_a_second_extension_is_refused() -> None:
    twice = fact("extended", "2026-03-20"), fact("extended", "2026-03-21")
    with pytest.raises(InvalidState, match="once already"):
        states("access", "gdpr", "2026-04-01", *twice)


@pytest.mark.parametrize(
    ("request_type", "jurisdiction", "facts"),
    [
        ("opt_out", "us_ca", ()),
        ("shine_the_light", "us_ca", ()),
        ("access", "other", ()),
        ("access", "gdpr", (fact("answered", "2026-03-05"),)),
        ("access", "us_va", (fact("refused", "2026-03-05"), fact("appealed", "2026-03-06"))),
    ],
)
def test_an_extension_that_extends_nothing_is_refused(
    request_type: RequestType, jurisdiction: Jurisdiction, facts: tuple[Fact, ...]
) -> None:
    states(request_type, jurisdiction, "2026-03-07", *facts)
    with pytest.raises(InvalidState, match="Nothing runs"):
        states(request_type, jurisdiction, "2026-03-07", *facts, fact("extended", "2026-03-07"))


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(UnknownTimeZone):
        clocks_for("access", "gdpr", at(RECEIVED), (), "Nowhere", CALENDAR)


def test_the_order_in_which_facts_are_told_does_not_matter() -> None:
    facts = (
        *(fact("paused", "2026-03-05"), fact("resumed", "2026-03-15")),
        *(fact("extended", "2026-03-20"), fact("answered", "2026-05-20")),
    )
    told = {
        clocks_for("erasure", "gdpr", at(RECEIVED), order, BERLIN, CALENDAR)
        for order in permutations(facts)
    }
    assert len(told) == 1


# --- what surrounds a request ----------------------------------------------------------------------------------------


def test_a_notice_is_due_within_a_month_or_with_the_first_use() -> None:
    contact, disclosure = at("2026-03-12"), at("2026-03-10T09:00")
    assert notice_clock(at(RECEIVED), (), BERLIN, CALENDAR).due_on == at("2026-04-02").date()
    clock = notice_clock(at(RECEIVED), (contact, disclosure), BERLIN, CALENDAR)
    assert clock.due_at == disclosure
    assert verdict(stopped(clock, at("2026-03-09")), contact).state == "met"
    with pytest.raises(InvalidState):
        notice_clock(at(RECEIVED), (at("2026-03-01"),), BERLIN, CALENDAR)


@pytest.mark.parametrize(
    ("received", "now", "expected"),
    [
        (at("2026-12-31T23:59"), at("2027-01-05"), (2025, 2028)),
        (at("2026-03-02"), at("2026-03-02"), (2025, 2027)),
        (at("2026-03-02"), at("2025-03-02"), (2025, 2027)),
    ],
)
def test_a_calendar_covers_the_years_that_clocks_reach(
    received: datetime, now: datetime, expected: tuple[int, int]
) -> None:
    assert years_reached(received, now) == expected
