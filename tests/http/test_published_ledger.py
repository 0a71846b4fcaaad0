"""Where ledgers are published, checkpoints and hashes need no key; whatever names an id does."""

from __future__ import annotations

import pytest

from api.http.app import SPECS
from api.http.settings import ApiSettings
from domain.values import public_id
from infrastructure.settings import SettingRefused, Settings
from tests.http.business import Business, Server
from tests.http.problem import assert_problem
from tests.http.requests import address


@pytest.fixture
def open_shop() -> Business:
    return Server.start(ApiSettings(publish_ledger=True)).business().opened()


def ledger_of(shop: Business, rest: str) -> str:
    return f"/v1/ledger/{public_id('tenant', shop.tenant)}/{rest}"


@pytest.mark.parametrize("what", ["checkpoint", "tile/0/000.p/1"])
def test_what_is_published_is_given_to_a_stranger_as_to_an_auditor(open_shop: Business, what: str):
    path = ledger_of(open_shop, what)
    given = open_shop.server.client.get(path)
    assert given.status_code == 200 and given.content
    assert given.content == open_shop.get(path, role="auditor").content
    assert "ratelimit" in given.headers


@pytest.mark.parametrize("what", ["checkpoint", "tile/0/000.p/1"])
def test_nothing_is_published_unless_the_operator_says_so(business: Business, what: str):
    assert_problem(business.server.client.get(ledger_of(business, what)), "unidentified")


def test_entries_are_never_public(open_shop: Business):
    path = ledger_of(open_shop, "tile/entries/000.p/1")
    assert_problem(open_shop.server.client.get(path), "unidentified")
    assert open_shop.get(path, role="auditor").status_code == 200


def test_a_key_that_is_no_good_is_not_taken_for_none(open_shop: Business):
    path = ledger_of(open_shop, "checkpoint")
    wrong = {"authorization": "Bearer dbk_" + "x" * 40}
    assert_problem(open_shop.server.client.get(path, headers=wrong), "unidentified")
    manager = open_shop.key("manager")
    assert_problem(open_shop.get(path, key=manager), "not_permitted")


@pytest.mark.parametrize("tenant", ["ten_" + 32 * "7", "ten_1", "nobody"])
def test_a_ledger_that_is_not_there_is_not_found(open_shop: Business, tenant: str):
    path = f"/v1/ledger/{tenant}/checkpoint"
    assert_problem(open_shop.server.client.get(path), "not_found")


def test_everything_else_takes_a_key_as_before(open_shop: Business):
    tried = [spec for spec in SPECS if not spec.published]
    assert len(tried) == len(SPECS) - 2
    for spec in tried:
        answer = open_shop.server.client.request(spec.method, address(spec))
        assert answer.status_code == 401, spec.path


def test_the_setting_is_1_or_0(tmp_path):
    def read(text: str) -> bool:
        return Settings.read(tmp_path, {"DAYBOOK_PUBLISH_LEDGER": text}).publish_ledger

    assert [read(text) for text in ("1", "0", "")] == [True, False, False]
    with pytest.raises(SettingRefused, match="1 or 0"):
        read("yes")
