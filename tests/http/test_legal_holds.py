"""Legal holds and rules of retention over HTTP: what is asked, what is answered, who may."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.business import Business
from tests.http.holding import RULE, a_hold


def placed(shop: Business, **more: Any) -> dict[str, Any]:
    """A new hold on the customer of a new booking."""
    return dict(shop.make("/v1/legal-holds", body(shop, **more), role="privacy_officer"))


def body(shop: Business, **more: Any) -> dict[str, Any]:
    return a_hold(shop.book()["subject_id"]) | more


def test_a_hold_is_placed_and_shown(shop: Business):
    wanted = body(shop)
    answer = shop.post("/v1/legal-holds", wanted, role="privacy_officer")
    assert answer.status_code == 201
    made = answer.json()
    assert made == {
        **wanted,
        "id": made["id"],
        "review_overdue": False,
        "gag_until": None,
        "gag_running": False,
        "custodian": made["custodian"],
        "status": "placed",
        "subjects": 1,
        "gone": [],
    }
    assert made["id"].startswith("lho_") and made["custodian"].startswith("key_")
    assert answer.headers["location"] == f"/v1/legal-holds/{made['id']}"
    shown = shop.get(answer.headers["location"], role="auditor")
    assert (shown.json(), shown.headers["etag"]) == (made, '"1"')
    (listed,) = shop.get("/v1/legal-holds", role="auditor").json()["data"]
    assert listed == {name: made[name] for name in listed}
    assert "subject_ids" not in listed


def test_a_hold_is_looked_at_extended_and_released(shop: Business):
    made = placed(shop)
    path = f"/v1/legal-holds/{made['id']}"
    reviewed = shop.post(f"{path}/review", {"review_on": "2027-12-01"}, role="owner")
    assert reviewed.json()["review_on"] == "2027-12-01"
    extended = shop.post(
        f"{path}/extend", {"subject_ids": made["subject_ids"]}, role="privacy_officer"
    )
    assert extended.json()["subject_ids"] == made["subject_ids"]
    released = shop.post(f"{path}/release", role="privacy_officer")
    assert (released.status_code, released.json()["status"]) == (200, "released")
    again = shop.post(f"{path}/release", role="privacy_officer")
    assert (again.status_code, again.json()["code"]) == (409, "invalid_state")


def test_somebody_else_s_hold_is_not_released(shop: Business):
    made = placed(shop)
    other = shop.key("privacy_officer")
    refused = shop.post(f"/v1/legal-holds/{made['id']}/release", key=other)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_hold")
    assert shop.post(f"/v1/legal-holds/{made['id']}/release", role="owner").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"retention_classes": ["diary"]}, "/retention_classes/0"),
        ({"retention_classes": []}, "/retention_classes"),
        ({"matter": "Ada Example"}, "/matter"),
        ({"subject_ids": []}, "/subject_ids"),
        ({"subject_ids": ["sub_" + "0" * 32]}, "/subject_ids/0"),
        ({"review_on": "2026-01-01"}, "/review_on"),
        ({"gag_until": "2026-01-01T00:00:00Z"}, "/gag_until"),
    ],
)
def test_what_cannot_be_held_is_told_by_field(shop: Business, wrong: Any, pointer: str):
    answer = shop.post("/v1/legal-holds", body(shop, **wrong), role="privacy_officer")
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


def test_a_hold_under_a_gag_is_shown_as_such(shop: Business):
    made = placed(shop, gag_until="2027-03-01T00:00:00Z")
    assert (made["gag_until"], made["gag_running"]) == ("2027-03-01T00:00:00Z", True)


def test_rules_of_retention_are_shown_bound_and_given_back(shop: Business):
    listed = shop.get("/v1/retention-rules", role="auditor").json()
    shipped = {one["retention_class"]: one for one in listed["data"]}
    assert {one["source"] for one in listed["data"]} == {"shipped"}
    assert [one["statute"] for one in shipped["evidence"]["rules"] if one["exception"]] == [
        "11 CCR 7101(a), (d)"
    ]
    path = "/v1/retention-rules/billing"
    bound = shop.call("PUT", path, json={"rules": [RULE]}, role="privacy_officer")
    assert (bound.status_code, bound.headers["etag"]) == (200, '"1"')
    expected = {"retention_class": "billing", "source": "bound", "rules": [RULE]}
    assert bound.json() == expected
    assert expected in shop.get("/v1/retention-rules", role="owner").json()["data"]
    stale = shop.call("PUT", path, json={"rules": []}, role="owner", headers={"if-match": '"7"'})
    assert stale.status_code == 412
    ended = shop.call("PUT", path, json={"rules": []}, role="owner")
    assert ended.json() == shipped["billing"]
    none = shop.call("PUT", path, json={"rules": []}, role="owner")
    assert (none.status_code, none.json()["code"]) == (409, "invalid_state")


def test_there_are_no_rules_for_a_class_that_is_none(shop: Business):
    path = "/v1/retention-rules/diary"
    assert shop.call("PUT", path, json={"rules": [RULE]}, role="owner").status_code == 404
