"""Issuing and revoking keys, and how long one is good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.access_key import (
    ROLES,
    AccessKey,
    KeyIssued,
    KeyRevoked,
    KeyTerms,
    evolve,
    is_good,
    issue,
    revoke,
)
from domain.errors import Unacceptable
from tests.scenario import Scenario

ID, HERE = UUID(int=1), UUID(int=2)
NOW = datetime(2027, 3, 1, tzinfo=UTC)
DIGEST = "0" * 64
TERMS = KeyTerms(roles=("booking",), actor="web-shop")
ISSUED = KeyIssued(ID, TERMS, DIGEST)


def test_a_key_is_issued():
    standing = Scenario(evolve).starting(lambda: issue(ID, TERMS, DIGEST, NOW)).then(ISSUED)
    assert standing == AccessKey(ID, TERMS, DIGEST, active=True, version=1)


FULL = KeyTerms(
    roles=ROLES,
    actor="a" * 64,
    location_ids=tuple(UUID(int=number) for number in range(200)),
    expires_at=NOW + timedelta(microseconds=1),
    label="Front desk 2",
)


def test_the_bounds_themselves_are_allowed():
    Scenario(evolve).starting(lambda: issue(ID, FULL, DIGEST, NOW)).then(
        KeyIssued(ID, FULL, DIGEST)
    )


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        (replace(TERMS, roles=()), "/roles"),
        (replace(TERMS, roles=("owner", "owner")), "/roles/1"),
        (replace(TERMS, actor=""), "/actor"),
        (replace(TERMS, actor="Ada Example"), "/actor"),
        (replace(TERMS, actor="ada@example.test"), "/actor"),
        (replace(TERMS, actor="-x"), "/actor"),
        (replace(TERMS, actor="a" * 65), "/actor"),
        (replace(TERMS, actor="desk\n"), "/actor"),
        (replace(TERMS, location_ids=()), "/location_ids"),
        (replace(TERMS, location_ids=(HERE, HERE)), "/location_ids/1"),
        (replace(TERMS, location_ids=(*(FULL.location_ids or ()), UUID(int=999))), "/location_ids"),
        (replace(TERMS, expires_at=NOW), "/expires_at"),
        (replace(TERMS, label=""), "/label"),
        (replace(TERMS, label="a" * 65), "/label"),
        (replace(TERMS, label="<b>"), "/label"),
        (replace(TERMS, operates=True), "/operates"),
        (
            KeyTerms(roles=("engineer",), actor="a", location_ids=(HERE,), operates=True),
            "/operates",
        ),
    ],
)
def test_a_field_that_cannot_be_is_refused(terms: KeyTerms, pointer: str):
    Scenario(evolve).starting(lambda: issue(ID, terms, DIGEST, NOW)).then_refused(
        Unacceptable, pointer
    )


def test_a_secret_is_never_taken_for_its_digest():
    with pytest.raises(AssertionError):
        issue(ID, TERMS, "the secret itself", NOW)


def test_a_key_is_revoked():
    standing = Scenario(evolve).given(ISSUED).when(revoke).then(KeyRevoked())
    assert standing == AccessKey(ID, TERMS, DIGEST, active=False, version=2)


def test_revoking_twice_decides_nothing():
    Scenario(evolve).given(ISSUED, KeyRevoked()).when(revoke).then()


def test_a_key_without_an_end_is_good_until_revoked():
    key = evolve(None, ISSUED)
    assert is_good(key, NOW + timedelta(days=36_500))
    assert not is_good(evolve(key, KeyRevoked()), NOW)


def test_a_key_is_good_before_its_end_and_not_at_it():
    end = NOW + timedelta(hours=1)
    key = evolve(None, replace(ISSUED, terms=replace(TERMS, expires_at=end)))
    assert is_good(key, end - timedelta(microseconds=1))
    assert not is_good(key, end)


def test_a_key_that_operates_is_an_engineers_at_all_locations():
    terms = KeyTerms(roles=("engineer",), actor="ops", operates=True)
    Scenario(evolve).starting(lambda: issue(ID, terms, DIGEST, NOW)).then(
        KeyIssued(ID, terms, DIGEST)
    )
