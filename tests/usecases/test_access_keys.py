"""Issuing keys, telling who calls by them, revoking them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from application.permissions import operator
from application.setup.access_keys import IssueKey, RevokeKey, parse_token
from domain.access_key import ROLES, KeyTerms
from domain.errors import (
    NotFound,
    NotPermitted,
    Unacceptable,
    Unidentified,
    UnknownReference,
    VersionMismatch,
)
from domain.values import public_id
from infrastructure.twin.memory import MemoryWorld
from tests.usecases.shop import Shop, open_shop

DESK = KeyTerms(roles=("booking", "staff"), actor="front-desk", label="Till 2")


@pytest.fixture
def shop() -> Shop:
    return open_shop(MemoryWorld())


def test_a_key_says_who_calls(shop: Shop):
    here = shop.location()
    terms = replace(DESK, location_ids=(here,))
    issued = shop.keys.issue(IssueKey(terms), shop.owner).state
    caller = shop.keys.authenticate(issued.token, shop.world.clock.now())
    assert caller.tenant == shop.founded.tenant.id
    assert caller.actor == public_id("key", issued.key.id)
    assert caller.roles == {"booking", "staff"}
    assert caller.locations == frozenset({here})


def test_an_owner_may_issue_any_role(shop: Shop):
    for role in ROLES:
        issued = shop.keys.issue(IssueKey(KeyTerms(roles=(role,), actor=role)), shop.owner).state
        caller = shop.keys.authenticate(issued.token, shop.world.clock.now())
        assert caller.roles == {role}


def test_the_secret_is_nowhere_but_in_the_key(shop: Shop):
    issued = shop.keys.issue(IssueKey(DESK), shop.owner)
    token = parse_token(issued.state.token)
    assert token is not None
    kept = repr(shop.world.store.read(shop.founded.tenant.id, issued.state.key.id))
    kept += repr(shop.world.book.entry(shop.founded.tenant.id, "key", issued.state.key.id))
    assert token.secret_sha256() in kept
    for secret in (token.secret.hex(), repr(token.secret), issued.state.token):
        assert secret not in kept
    assert issued.state.token not in repr(issued)
    assert repr(token.secret) not in repr(token)


def test_no_character_of_a_key_can_be_changed(shop: Shop):
    token = shop.founded.keys["owner"]
    for index, character in enumerate(token):
        for other in "AB":
            if other != character:
                changed = token[:index] + other + token[index + 1 :]
                with pytest.raises(Unidentified):
                    shop.keys.authenticate(changed, shop.world.clock.now())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dbk_",
        "Bearer",
        "dbk_" + "A" * 85,
        "dbk_" + "A" * 86,
        "dbk_" + "A" * 87,
        "dbk_" + "=" * 86,
        "dbk_" + "é" * 86,
        "dbk_" + "\0" * 86,
        "dbk_" + "+" * 86,
        "A" * 90,
    ],
)
def test_what_is_no_key_is_refused_like_any_other(shop: Shop, text: str):
    with pytest.raises(Unidentified) as refusal:
        shop.keys.authenticate(text, shop.world.clock.now())
    assert (refusal.value.detail, refusal.value.context) == (Unidentified.title(), {})


def test_a_key_says_nothing_under_another_tenants_name(shop: Shop):
    other = open_shop(shop.world)
    token = parse_token(shop.founded.keys["owner"])
    assert token is not None
    forged = replace(token, tenant=other.founded.tenant.id)
    with pytest.raises(Unidentified):
        shop.keys.authenticate(forged.text(), shop.world.clock.now())


def test_a_key_is_good_until_its_end(shop: Shop):
    now = shop.world.clock.now()
    end = now + timedelta(days=1)
    token = shop.keys.issue(IssueKey(replace(DESK, expires_at=end)), shop.owner).state.token
    shop.keys.authenticate(token, end - timedelta(seconds=1))
    with pytest.raises(Unidentified):
        shop.keys.authenticate(token, end)


def test_a_key_that_has_ended_already_is_not_issued(shop: Shop):
    now = shop.world.clock.now()
    with pytest.raises(Unacceptable) as refusal:
        shop.keys.issue(IssueKey(replace(DESK, expires_at=now - timedelta(seconds=1))), shop.owner)
    assert [fault.pointer for fault in refusal.value.errors] == ["/expires_at"]


def test_a_revoked_key_is_good_no_more(shop: Shop):
    issued = shop.keys.issue(IssueKey(DESK), shop.owner).state
    revoked = shop.keys.revoke(RevokeKey(issued.key.id), shop.owner)
    with pytest.raises(Unidentified):
        shop.keys.authenticate(issued.token, shop.world.clock.now())
    assert shop.keys.revoke(RevokeKey(issued.key.id), shop.owner) == revoked
    assert not shop.keys.key(issued.key.id, shop.owner).active
    assert shop.types_of(issued.key.id) == ["KeyIssued", "KeyRevoked"]


def test_a_key_may_revoke_itself(shop: Shop):
    now = shop.world.clock.now()
    by = shop.keys.authenticate(shop.founded.keys["owner"], now)
    own = parse_token(shop.founded.keys["owner"])
    assert own is not None
    shop.keys.revoke(RevokeKey(own.key), by)
    with pytest.raises(Unidentified):
        shop.keys.authenticate(shop.founded.keys["owner"], now)


def test_revoking_another_version_than_named_is_refused(shop: Shop):
    id = shop.keys.issue(IssueKey(DESK), shop.owner).state.key.id
    with pytest.raises(VersionMismatch):
        shop.keys.revoke(RevokeKey(id, if_match=2), shop.owner)


def test_keys_are_listed_without_their_secrets(shop: Shop):
    listed = shop.keys.page(200, None, shop.owner).items
    assert len(listed) == len(shop.founded.keys)
    assert {key.terms.roles[0] for key in listed} == set(shop.founded.keys)


def test_only_an_owner_handles_keys(shop: Shop):
    id = shop.keys.issue(IssueKey(DESK), shop.owner).state.key.id
    for role in ROLES:
        if role == "owner":
            continue
        by = shop.caller(role)
        for ask in (
            lambda by=by: shop.keys.issue(IssueKey(DESK), by),
            lambda by=by: shop.keys.revoke(RevokeKey(id), by),
            lambda by=by: shop.keys.key(id, by),
            lambda by=by: shop.keys.page(1, None, by),
        ):
            with pytest.raises(NotPermitted):
                ask()


def test_a_key_for_an_unknown_location_is_not_issued(shop: Shop):
    with pytest.raises(UnknownReference) as refusal:
        shop.keys.issue(IssueKey(replace(DESK, location_ids=(UUID(int=1),))), shop.owner)
    assert [fault.pointer for fault in refusal.value.errors] == ["/location_ids/0"]


def test_an_owner_of_some_locations_gives_out_no_more_than_those(shop: Shop):
    mine, other = shop.location(), shop.location()
    by = shop.caller("owner", mine)
    own = shop.keys.issue(IssueKey(replace(DESK, location_ids=(mine,))), by).state.key.id
    with pytest.raises(NotPermitted):
        shop.keys.issue(IssueKey(DESK), by)
    with pytest.raises(UnknownReference):
        shop.keys.issue(IssueKey(replace(DESK, location_ids=(mine, other))), by)
    assert shop.keys.revoke(RevokeKey(own), by).state.version == 2


def test_an_owner_of_some_locations_revokes_no_keys_that_reach_further(shop: Shop):
    mine, other = shop.location(), shop.location()
    by = shop.caller("owner", mine)

    def issued(*at: UUID) -> UUID:
        terms = replace(DESK, location_ids=at or None)
        return shop.keys.issue(IssueKey(terms), shop.owner).state.key.id

    everywhere, both, foreign = issued(), issued(mine, other), issued(other)
    for id in (everywhere, both):
        assert shop.keys.key(id, by).active
        with pytest.raises(NotPermitted):
            shop.keys.revoke(RevokeKey(id), by)
    for ask in (
        lambda: shop.keys.key(foreign, by),
        lambda: shop.keys.revoke(RevokeKey(foreign), by),
    ):
        with pytest.raises(NotFound):
            ask()
    assert foreign not in {key.id for key in shop.keys.page(200, None, by).items}


def test_keys_are_issued_on_the_command_line_for_tenants_that_exist(shop: Shop):
    by = operator(shop.founded.tenant.id)
    token = shop.keys.issue(IssueKey(DESK), by).state.token
    assert shop.keys.authenticate(token, shop.world.clock.now()).roles == set(DESK.roles)
    with pytest.raises(NotFound):
        shop.keys.issue(IssueKey(DESK), operator(UUID(int=1)))


def test_an_unknown_key_is_not_found(shop: Shop):
    with pytest.raises(NotFound):
        shop.keys.key(UUID(int=1), shop.owner)


def test_only_the_operator_makes_a_key_that_operates(shop: Shop):
    terms = KeyTerms(roles=("engineer",), actor="ops", operates=True)
    with pytest.raises(NotPermitted, match="operator"):
        shop.keys.issue(IssueKey(terms), shop.owner)
    issued = shop.keys.issue(IssueKey(terms), operator(shop.founded.tenant.id)).state
    assert shop.keys.authenticate(issued.token, shop.world.clock.now()).operates
    mere = shop.keys.issue(IssueKey(replace(terms, operates=False)), shop.owner).state
    assert not shop.keys.authenticate(mere.token, shop.world.clock.now()).operates
