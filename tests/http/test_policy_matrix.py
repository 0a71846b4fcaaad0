"""`GET /v1/policy-matrix`: the whole policy, with its tests or what it waits for, for everyone of the tenant."""

from __future__ import annotations

import jsonschema_rs
import pytest

from api.http.schemas_policy import PolicyMatrix
from domain.access_key import ROLES, Role
from tests.http.business import Business
from tests.http.problem import assert_problem

MATRIX = "/v1/policy-matrix"


def test_the_answer_is_the_whole_policy(business: Business):
    answer = business.get(MATRIX)
    assert answer.status_code == 200
    found = answer.json()
    assert [row["number"] for row in found["data"]] == list(range(1, 101))
    assert [one["number"] for one in found["contradictions"]] == list(range(1, 15))
    assert found["next_cursor"] is None
    jsonschema_rs.validate(PolicyMatrix.model_json_schema(), found)


def test_a_row_says_what_holds_it(business: Business):
    rows = {row["number"]: row for row in business.get(MATRIX).json()["data"]}
    busy_only, breach = rows[18], rows[64]
    assert busy_only["lines"] == [9]
    assert busy_only["events"] == ["staff.busy_imported.v1"]
    assert (
        "tests/recovery/test_canary.py::test_no_personal_value_is_found_anywhere"
        in busy_only["tests"]
    )
    assert busy_only["pending"] is None
    assert (breach["tests"], breach["pending"]) == ([], "breach")


def test_the_counts_are_those_of_the_rows(business: Business):
    found = business.get(MATRIX).json()
    waiting: dict[str, int] = {}
    for row in found["data"]:
        assert bool(row["tests"]) != bool(row["pending"])
        if row["pending"]:
            waiting[row["pending"]] = waiting.get(row["pending"], 0) + 1
    held = 100 - sum(waiting.values())
    assert found["counts"] == {"rows": 100, "held": held, "pending": waiting}


@pytest.mark.parametrize("role", [role for role in ROLES if role != "subject"])
def test_everyone_of_the_tenant_may_read_it(business: Business, role: Role):
    assert business.get(MATRIX, key=business.key(role)).status_code == 200


def test_a_person_may_not(business: Business):
    assert_problem(business.get(MATRIX, key=business.key("subject")), "not_permitted")


def test_it_takes_no_query(business: Business):
    assert_problem(business.get(f"{MATRIX}?section=A"), "unknown_field", "/section")
