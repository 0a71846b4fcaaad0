"""Retention: bases, what they run from, when they end, and what stands against an erasure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.custody import Kept
from domain.errors import InvalidState, Unacceptable
from domain.purposes import PURPOSES
from domain.retention import (
    EXCEPTIONS,
    MONTHS_MAX,
    STARTS,
    Bound,
    Facts,
    RequestsUnder,
    RetentionRuleBound,
    RetentionRuleEnded,
    Rule,
    bind,
    end,
    evolve,
    expires_on,
    has_live_basis,
    kept_of,
    months_after,
)
from domain.retention_defaults import DEFAULTS, in_force
from domain.sealing import RETENTION_CLASSES

DAY = date(2027, 1, 31)
TAX = Rule(
    "tax", "last_visit", 120, "gdpr_17_3_b_legal_obligation", "AO 147", ("legal_duty",), "gdpr"
)
CLAIMS = Rule("claims", "recorded", 36, "gdpr_17_3_e_legal_claims", "BGB 195", ("dispute",), "gdpr")
SERVICE = Rule("service", "last_visit", 12, None, "GDPR Art. 6(1)(b)", ("service",), "gdpr")
days = st.dates(date(2020, 1, 1), date(2040, 1, 1))
rules = st.builds(
    Rule,
    st.just("rule"),
    st.sampled_from(STARTS),
    st.none() | st.integers(0, 240),
    st.none() | st.sampled_from(EXCEPTIONS),
    st.just("statute"),
    st.just(("legal_duty",)),
    st.just("gdpr"),
)
facts = st.builds(
    Facts,
    recorded=st.none() | days,
    last_visit=st.none() | days,
    consent_ended=st.none() | days,
    consent_stands=st.booleans(),
    requests=st.lists(
        st.builds(
            RequestsUnder,
            law=st.sampled_from(["gdpr", "us_ca"]),
            open=st.booleans(),
            closed=st.none() | days,
        ),
        max_size=3,
    ).map(tuple),
)


def test_a_period_ends_on_the_same_day_of_the_month_or_its_last():
    assert months_after(DAY, 1) == date(2027, 2, 28)
    assert months_after(DAY, 13) == date(2028, 2, 29)
    assert months_after(DAY, 11) == date(2027, 12, 31)
    assert months_after(DAY, 0) == DAY


def test_a_period_runs_from_what_it_names_and_never_from_before_the_last_value():
    known = Facts(recorded=DAY, last_visit=date(2027, 3, 1))
    assert expires_on(SERVICE, known) == date(2028, 3, 1)
    assert expires_on(SERVICE, replace(known, last_visit=date(2026, 3, 1))) == date(2028, 1, 31)
    assert expires_on(SERVICE, replace(known, last_visit=None)) == date(2028, 1, 31)
    assert expires_on(replace(SERVICE, start="recorded"), known) == date(2028, 1, 31)
    assert expires_on(SERVICE, Facts()) is None
    assert expires_on(replace(SERVICE, months=None), known) is None


def test_what_has_not_ended_has_no_end():
    consent = replace(SERVICE, start="consent_ended")
    ended = Facts(recorded=DAY, consent_ended=date(2027, 5, 1))
    assert expires_on(consent, ended) == date(2028, 5, 1)
    assert expires_on(consent, replace(ended, consent_stands=True)) is None
    request = replace(SERVICE, start="request_closed")
    asked = RequestsUnder("gdpr", closed=date(2027, 6, 1))
    closed = Facts(recorded=DAY, requests=(asked,), consent_stands=True)
    assert expires_on(request, closed) == date(2028, 6, 1)
    assert expires_on(request, replace(closed, requests=(replace(asked, open=True),))) is None


def test_a_rule_runs_from_requests_under_its_own_law_alone():
    request = replace(SERVICE, start="request_closed")
    asked = (RequestsUnder("us_ca", open=True), RequestsUnder("gdpr", closed=date(2027, 6, 1)))
    known = Facts(recorded=DAY, requests=asked)
    assert expires_on(request, known) == date(2028, 6, 1)
    assert expires_on(replace(request, jurisdiction="us_ca"), known) is None
    assert expires_on(replace(request, jurisdiction="other"), known) is None
    assert expires_on(replace(request, jurisdiction="us_va"), known) == date(2028, 1, 31)


def test_a_basis_lives_through_its_last_day():
    known = Facts(recorded=DAY)
    assert has_live_basis((SERVICE,), known, date(2028, 1, 31))
    assert not has_live_basis((SERVICE,), known, date(2028, 2, 1))
    assert has_live_basis((SERVICE, CLAIMS), known, date(2028, 2, 1))
    assert not has_live_basis((), known, DAY)


def test_only_exceptions_stand_against_an_erasure_and_the_longest_is_named():
    bound = {"billing": (SERVICE, CLAIMS, TAX), "booking": (SERVICE,)}
    known = {name: Facts(DAY, last_visit=DAY) for name in ("billing", "booking")}
    tax = Kept(
        "billing", "gdpr_17_3_b_legal_obligation", "AO 147", ("legal_duty",), date(2037, 1, 31)
    )
    assert kept_of(bound, known, RETENTION_CLASSES, DAY) == (tax,)  # type: ignore[arg-type]
    assert kept_of(bound, known, ("booking",), DAY) == ()  # type: ignore[arg-type]
    assert kept_of(bound, known, ("billing",), date(2037, 2, 1)) == ()  # type: ignore[arg-type]
    assert kept_of(bound, {}, ("billing",), DAY) == ()  # type: ignore[arg-type]


def test_a_rule_keeps_nothing_of_whom_it_does_not_concern():
    bound = {"billing": (TAX,)}
    assert kept_of(bound, {"billing": Facts(DAY)}, ("billing",), DAY) == ()  # type: ignore[arg-type]
    open_request = {"evidence": Facts(DAY, requests=(RequestsUnder("us_ca", open=True),))}
    (kept,) = kept_of(DEFAULTS, open_request, ("evidence",), DAY)  # type: ignore[arg-type]
    assert (kept.exception, kept.until) == ("ccpa_105_d_8_legal_obligation", None)
    assert kept_of(DEFAULTS, {"evidence": Facts(DAY)}, RETENTION_CLASSES, DAY) == ()


@given(st.lists(rules, max_size=4), facts, days)
def test_what_is_kept_has_a_live_basis_and_serves_that_basis_only(
    some: list[Rule], known: Facts, at: date
):
    named = [replace(rule, code=f"r{n}", statute=f"s{n}") for n, rule in enumerate(some)]
    for kept in kept_of({"billing": named}, {"billing": known}, ("billing",), at):
        (basis,) = (rule for rule in named if rule.statute == kept.statute)
        assert has_live_basis((basis,), known, at)
        assert (kept.exception, kept.purposes) == (basis.exception, basis.purposes)
        assert kept.until == expires_on(basis, known)
        assert kept.until is None or kept.until >= at


def test_rules_are_bound_in_the_place_of_others_and_end():
    (bound,) = bind(Bound(), "billing", (TAX,))
    assert bound == RetentionRuleBound("billing", (TAX,))
    state = evolve(Bound(), bound)
    assert bind(state, "billing", (TAX,)) == ()
    state = evolve(state, RetentionRuleBound("booking", (SERVICE,)))
    state = evolve(state, RetentionRuleBound("billing", (CLAIMS,)))
    assert dict(state.rules) == {"billing": (CLAIMS,), "booking": (SERVICE,)}
    assert end(state, "billing") == (RetentionRuleEnded("billing"),)
    state = evolve(state, RetentionRuleEnded("billing"))
    assert (dict(state.rules), state.version) == ({"booking": (SERVICE,)}, 4)
    with pytest.raises(InvalidState):
        end(state, "billing")


def test_every_fault_of_a_rule_is_told_at_once():
    flawed = Rule("No code", "recorded", MONTHS_MAX + 1, None, " ", ("gossip",), "gdpr")
    with pytest.raises(Unacceptable) as refused:
        bind(Bound(), "billing", (flawed, replace(TAX, months=None, purposes=()), TAX))
    assert [(one.pointer, one.code) for one in refused.value.errors] == [
        ("/rules/2", "duplicate"),
        ("/rules/0/code", "malformed"),
        ("/rules/0/statute", "blank"),
        ("/rules/0/purposes", "unlisted"),
        ("/rules/0/months", "out_of_range"),
        ("/rules/1/purposes", "out_of_range"),
    ]
    with pytest.raises(Unacceptable):
        bind(Bound(), "billing", ())


def test_every_class_has_a_shipped_basis_without_an_end():
    """Nothing is erased by itself before a business has bound a period."""
    assert tuple(DEFAULTS) == RETENTION_CLASSES
    for some in DEFAULTS.values():
        assert has_live_basis(some, Facts(date(1990, 1, 1)), date(2990, 1, 1))
        assert all(rule.purposes and set(rule.purposes) <= PURPOSES for rule in some)
        bind(Bound(), "audit", some)


def test_a_profile_ends_with_its_visits_where_nothing_else_is_bound():
    visits = evolve(Bound(), RetentionRuleBound("booking", (SERVICE, CLAIMS)))
    assert in_force(visits, "booking") == (SERVICE, CLAIMS)
    assert in_force(visits, "profile") == (SERVICE, replace(CLAIMS, exception=None))
    both = evolve(visits, RetentionRuleBound("profile", (TAX,)))
    assert in_force(both, "profile") == (TAX,)
    assert [in_force(Bound(), one) for one in RETENTION_CLASSES] == list(DEFAULTS.values())


@pytest.mark.parametrize("name", RETENTION_CLASSES)
def test_no_shipped_rule_stands_against_an_erasure_without_a_period(name: str):
    for rule in DEFAULTS[name]:  # type: ignore[index]
        assert rule.exception is None or rule.months is not None
