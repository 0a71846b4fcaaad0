"""Witnesses over HTTP where none are configured; with them, tests/recovery/test_witness_between_two.py."""

from __future__ import annotations

from domain.values import public_id
from tests.http.business import Business, Server
from tests.http.problem import assert_problem
from tests.ledger.witnesses import Log


def test_whose_operator_names_no_log_witnesses_none(server: Server):
    body = Log().asks(0, 3)
    assert_problem(server.client.post("/v1/witness/add-checkpoint", content=body), "not_found")
    assert_problem(server.client.get("/v1/witness/vkey"), "not_found")
    assert_problem(server.client.get(f"/v1/witness/{'0' * 64}/checkpoint"), "not_found")


def test_what_is_too_long_is_not_read(server: Server):
    refused = server.client.post("/v1/witness/add-checkpoint", content=b"x" * 80_000)
    assert_problem(refused, "too_large")


def test_a_ledger_without_witnesses_says_so(business: Business):
    path = f"/v1/ledger/{public_id('tenant', business.tenant)}"
    found = business.get(f"{path}/witnesses", role="auditor").json()
    assert found["newest_size"] > 0
    assert found | {"newest_size": 0} == {
        "configured": False,
        "quorum_met": False,
        "overdue": False,
        "newest_size": 0,
        "witnessed": None,
        "data": [],
    }
    assert_problem(business.get(f"{path}/checkpoint?witnessed=true"), "not_found")
    assert business.get(f"{path}/checkpoint?witnessed=false").status_code == 200
    assert_problem(business.get(f"{path}/checkpoint?witnessed=yes"), "invalid", "/witnessed")
    assert_problem(business.get(f"{path}/witnesses", role="booking"), "not_permitted")
