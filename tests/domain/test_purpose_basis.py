"""One lawful basis for each purpose, jurisdiction and time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain import purpose_basis
from domain.errors import Refused, Unacceptable
from domain.purpose_basis import PurposeBases, PurposeBasisAssigned, Switch, basis_at
from domain.purposes import JURISDICTIONS, LISTED
from tests.scenario import Scenario

ID = UUID(int=1)
NOW = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TO_CONSENT = PurposeBasisAssigned(ID, "improve", "gdpr", "consent", NOW + DAY)


def test_every_purpose_has_one_basis_everywhere_from_the_beginning():
    for purpose in LISTED:
        for where in JURISDICTIONS:
            assert basis_at(purpose.code, None, where, NOW) == purpose.default_basis(where)
    assert basis_at("marketing_first_party", None, "gdpr", NOW) == "consent"
    assert basis_at("marketing_first_party", None, "us_ca", NOW) == "legitimate_interests"


def test_a_basis_is_switched_from_an_instant_on_in_one_jurisdiction():
    state = (
        Scenario[PurposeBases, PurposeBasisAssigned](purpose_basis.evolve)
        .starting(lambda: purpose_basis.assign(None, TO_CONSENT, NOW))
        .then(TO_CONSENT)
    )
    assert state == PurposeBases(ID, "improve", (Switch("gdpr", "consent", NOW + DAY),), 1)
    assert basis_at("improve", state, "gdpr", NOW) == "legitimate_interests"
    assert basis_at("improve", state, "gdpr", NOW + DAY) == "consent"
    assert basis_at("improve", state, "uk_gdpr", NOW + DAY) == "legitimate_interests"


def test_of_two_switches_the_later_instant_counts_and_of_one_instant_the_later_word():
    earlier = replace(TO_CONSENT, basis="contract", effective_from=NOW)
    state = (
        Scenario[PurposeBases, PurposeBasisAssigned](purpose_basis.evolve)
        .given(TO_CONSENT)
        .when(lambda it: purpose_basis.assign(it, earlier, NOW))
        .then(earlier)
    )
    assert state is not None
    assert state.version == 2
    assert state.basis("gdpr", NOW) == "contract"
    assert state.basis("gdpr", NOW + DAY) == "consent"
    again = purpose_basis.evolve(state, replace(TO_CONSENT, basis="vital_interests"))
    assert again.basis("gdpr", NOW + DAY) == "vital_interests"
    assert again.basis("gdpr", NOW - DAY) is None


def test_what_holds_already_is_not_decided_again():
    state = purpose_basis.evolve(None, TO_CONSENT)
    assert purpose_basis.assign(state, replace(TO_CONSENT, effective_from=NOW + 2 * DAY), NOW) == ()
    before = replace(TO_CONSENT, basis="legitimate_interests", effective_from=NOW)
    assert purpose_basis.assign(state, before, NOW) == (before,), "it is switched later on"


def test_what_has_been_is_not_switched():
    with pytest.raises(Unacceptable) as refusal:
        purpose_basis.assign(None, TO_CONSENT, NOW + 2 * DAY)
    assert [fault.code for fault in refusal.value.errors] == ["backdated"]


def test_there_is_an_end_to_switching():
    many = PurposeBases(ID, "improve", (Switch("gdpr", "consent", NOW),) * 500, 500)
    with pytest.raises(Refused):
        purpose_basis.assign(many, TO_CONSENT, NOW)
