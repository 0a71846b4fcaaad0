"""Who looked at whose data, over HTTP: the log in three views, broken glass, reviews; and words that nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.business import Business, Server
from tests.http.problem import assert_problem

SERVICE = {"daybook-purpose": "service"}
GLASS = {**SERVICE, "daybook-break-glass": "emergency"}
PERSONS = {"event_id", "at", "outcome", "purpose", "roles", "fields"}


def look(shop: Business, key: str, booked: dict[str, Any], **headers: str) -> Any:
    """Ask for the customer of a booking."""
    sent = {f"daybook-{name.replace('_', '-')}": text for name, text in headers.items()}
    return shop.get(f"/v1/bookings/{booked['id']}?include=customer", key=key, headers=sent)


def log(shop: Business, booked: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    """The accesses to the customer of a booking."""
    answer = shop.get(
        f"/v1/subjects/{booked['subject_id']}/access-log{query}", role="privacy_officer"
    )
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


def test_each_view_shows_what_it_may(shop: Business):
    booked = shop.book()
    assert look(shop, shop.key("staff"), booked, purpose="support", case="T-1").status_code == 200
    (officers,) = log(shop, booked)
    assert officers["actor"].startswith("key_")
    assert (officers["holder"], officers["roles"]) == ("test", ["staff"])
    assert (officers["purpose"], officers["case"]) == ("support", "T-1")
    assert officers["fields"] == ["name", "email", "phone", "address", "note", "metadata"]
    assert "tag" not in officers
    (persons,) = log(shop, booked, "?view=person")
    assert set(persons) == PERSONS
    assert persons == {name: officers[name] for name in PERSONS}
    (auditors,) = log(shop, booked, "?view=auditor")
    assert auditors == {**officers, "tag": None}


def test_a_refusal_is_in_the_log_and_nothing_that_was_made_up(shop: Business):
    booked = shop.book()
    key = shop.key("staff")
    assert_problem(look(shop, key, booked), "purpose_required")
    assert_problem(look(shop, key, booked, purpose="Ada owes me"), "purpose_required")
    assert_problem(look(shop, key, booked, purpose="support", case="Ada!"), "purpose_required")
    assert_problem(
        look(shop, key, booked, purpose="service", break_glass="because"), "not_permitted"
    )
    assert [row["reason"] for row in log(shop, booked)] == ["purpose_missing"]
    whole = shop.get("/v1/access-log", role="auditor").json()["data"]
    assert sorted(row["reason"] for row in whole) == [
        "break_glass_unlisted",
        "case_malformed",
        "purpose_missing",
        "purpose_unlisted",
    ]
    assert {row["case"] for row in whole} == {None}
    assert {row["purpose"] for row in whole} == {None, "support", "service"}
    assert "Ada" not in str(whole) and "because" not in str(whole)


def test_words_that_nobody_knows_are_no_denied_read_where_nothing_is_opened(shop: Business):
    refused = shop.get("/v1/locations", headers={"daybook-purpose": "curiosity"})
    assert_problem(refused, "purpose_required")
    assert shop.get("/v1/access-log").json()["data"] == []


def test_broken_glass_is_reviewed_by_someone_else(shop: Business):
    booked, elsewhere = shop.book(), shop.location(name="Elsewhere")
    far = shop.key("staff", at=[elsewhere])
    path = f"/v1/bookings/{booked['id']}?include=customer"
    assert_problem(shop.get(path, key=far, headers=SERVICE), "not_found")
    assert_problem(shop.get(path, key=far, headers=GLASS), "not_permitted")
    rule = shop.call("PUT", "/v1/break-glass", json={"allowed": True, "review_within_hours": 8})
    assert rule.json() == {"allowed": True, "review_within_hours": 8}
    assert rule.headers["etag"] == '"2"'
    opened = shop.get(path, key=far, headers=GLASS)
    assert opened.json()["customer"]["name"] == "Ada Example"
    (due,) = shop.get("/v1/access-reviews?state=due", role="auditor").json()["data"]
    assert (due["reason"], due["beyond"], due["state"]) == ("emergency", "location", "due")
    review = f"/v1/access/{due['event_id']}/review"
    assert_problem(shop.post(review, {"outcome": "justified"}), "not_permitted")
    found = {"outcome": "unjustified", "follow_up": "case-9"}
    done = shop.post(review, found, role="privacy_officer")
    assert done.status_code == 200, done.text
    assert done.json()["outcome"] == "unjustified"
    assert_problem(shop.post(review, found, role="privacy_officer"), "invalid_state")
    (row,) = shop.get("/v1/access-reviews").json()["data"]
    assert (row["state"], row["outcome"], row["follow_up"]) == ("done", "unjustified", "case-9")
    assert "emergency" in [row["break_glass"] for row in log(shop, booked)]


def test_a_review_is_late_after_its_hours(own_shop: Business):
    shop = own_shop
    booked, elsewhere = shop.book(), shop.location(name="Elsewhere")
    shop.call("PUT", "/v1/break-glass", json={"allowed": True})
    far = shop.key("manager", at=[elsewhere])
    shop.get(f"/v1/bookings/{booked['id']}?include=customer", key=far, headers=GLASS)
    shop.server.clock.advance(hours=24)
    late = shop.get("/v1/access-reviews?state=late").json()["data"]
    assert [row["state"] for row in late] == ["late"]
    assert shop.get("/v1/access-reviews?state=due").json()["data"] == []


def test_the_rule_is_the_owner_s_and_forbids_by_default(shop: Business):
    shown = shop.get("/v1/break-glass", role="staff")
    assert shown.json() == {"allowed": False, "review_within_hours": None}
    allowed = {"allowed": True}
    for role in ("privacy_officer", "auditor", "staff", "engineer"):
        refused = shop.call("PUT", "/v1/break-glass", json=allowed, role=role)
        assert_problem(refused, "not_permitted")
    refused = shop.call("PUT", "/v1/break-glass", json=allowed, headers={"if-match": '"7"'})
    assert_problem(refused, "version_mismatch")
    made = shop.call("PUT", "/v1/break-glass", json=allowed)
    assert made.json() == {"allowed": True, "review_within_hours": 24}
    again = shop.call("PUT", "/v1/break-glass", json=allowed)
    assert again.headers["daybook-event"] == made.headers["daybook-event"]
    assert shop.call("PUT", "/v1/break-glass", json={"allowed": False}).json()["allowed"] is False


def test_the_log_comes_in_parts(shop: Business):
    booked, key = shop.book(), shop.key("staff")
    for _ in range(5):
        look(shop, key, booked, purpose="service")
    base = f"/v1/subjects/{booked['subject_id']}/access-log?limit=2"
    answer = shop.get(base).json()
    seen = [row["event_id"] for row in answer["data"]]
    while (following := answer["next_cursor"]) is not None:
        answer = shop.get(f"{base}&cursor={following}").json()
        seen += [row["event_id"] for row in answer["data"]]
    assert len(seen) == len(set(seen)) == 5
    other = shop.book("2027-01-11T12:00:00Z", customer={"name": "B", "email": "b@example.test"})
    cursor = shop.get(base).json()["next_cursor"]
    refused = shop.get(f"/v1/subjects/{other['subject_id']}/access-log?cursor={cursor}")
    assert_problem(refused, "invalid", "/cursor")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("view=everyone", "/view"),
        ("as_of=yesterday", "/as_of"),
        ("limit=201", "/limit"),
    ],
)
def test_what_cannot_be_asked(shop: Business, query: str, pointer: str):
    booked = shop.book()
    refused = shop.get(f"/v1/subjects/{booked['subject_id']}/access-log?{query}")
    assert_problem(refused, "invalid", pointer)


def test_a_list_opens_nothing(server: Server):
    shop = server.business().opened()
    booked = shop.book()
    look(shop, shop.key("staff"), booked, purpose="service")
    text = shop.get("/v1/access-log").text + str(log(shop, booked, "?view=auditor"))
    assert "Ada" not in text and "example.test" not in text
