"""Versions appear as ETags, and a change may insist on one."""

from __future__ import annotations

import pytest

from tests.http.business import Business
from tests.http.problem import assert_problem


@pytest.mark.parametrize("kind", ["location", "service", "staff"])
def test_a_change_that_names_an_old_version_is_refused(shop: Business, kind: str):
    path = f"/v1/{ {'location': 'locations', 'service': 'services', 'staff': 'staff'}[kind] }"
    path = f"{path}/{shop.made[kind]}"
    name = "display_name" if kind == "staff" else "name"
    seen = shop.get(path).headers["etag"]
    changed = shop.call("PATCH", path, json={name: "A"}, headers={"if-match": seen})
    assert changed.status_code == 200
    assert changed.headers["etag"] != seen
    assert changed.headers["etag"] == shop.get(path).headers["etag"]
    stale = shop.call("PATCH", path, json={name: "B"}, headers={"if-match": seen})
    assert_problem(stale, "version_mismatch")
    ended = shop.post(f"{path}/deactivate", headers={"if-match": seen})
    assert_problem(ended, "version_mismatch")
    assert shop.get(path).json()[name] == "A"


def test_a_booking_changes_only_at_the_version_named(shop: Business):
    path = f"/v1/bookings/{shop.book()['id']}"
    seen = shop.get(path).headers["etag"]
    new_time = {"start": "2027-01-11T11:00:00Z"}
    moved = shop.post(f"{path}/reschedule", new_time, headers={"if-match": seen})
    assert moved.status_code == 200
    reason = {"reason_code": "other"}
    refused = shop.post(f"{path}/cancel", reason, headers={"if-match": seen})
    assert_problem(refused, "version_mismatch")
    now = {"if-match": moved.headers["etag"]}
    assert shop.post(f"{path}/cancel", reason, headers=now).status_code == 200


def test_a_schedule_and_a_key_have_versions_too(shop: Business):
    path = f"/v1/staff/{shop.made['staff']}/schedule"
    old = {"if-match": '"1"'}
    assert_problem(
        shop.call("PUT", path, json={"time_zone": "UTC"}, headers=old), "version_mismatch"
    )
    key = shop.get("/v1/keys").json()["data"][1]["id"]
    assert_problem(
        shop.post(f"/v1/keys/{key}/revoke", headers={"if-match": '"9"'}), "version_mismatch"
    )
    assert shop.post(f"/v1/keys/{key}/revoke", headers=old).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("*", 200),
        ('"1"', 200),
        (' "1" ', 200),
        ('"7", "1"', 200),
        ('"7","8"', 412),
        ('W/"1"', 412),
        ('"one"', 412),
        ('"01234567890123456789012345"', 412),
        ("1", 400),
        ('"1', 400),
        ('"1" "2"', 400),
        ("", 400),
    ],
)
def test_if_match_is_read_as_the_standard_says(business: Business, sent: str, status: int):
    path = f"/v1/locations/{business.location()}"
    answer = business.call("PATCH", path, json={"name": "A"}, headers={"if-match": sent})
    assert answer.status_code == status, answer.text


def test_a_thing_that_is_not_there_has_no_version_either(business: Business):
    path = "/v1/locations/loc_" + "0" * 32
    for sent in ('"1"', '"1", "2"'):
        refused = business.call("PATCH", path, json={"name": "A"}, headers={"if-match": sent})
        assert_problem(refused, "not_found")
