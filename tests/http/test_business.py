"""Setting a business up: each route does what it says."""

from __future__ import annotations

from tests.http.business import Business
from tests.http.problem import assert_problem

BUSY = "\r\n".join(
    [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//test//EN",
        "BEGIN:VEVENT",
        "UID:1@test",
        "DTSTAMP:20270101T000000Z",
        "DTSTART:20270111T100000Z",
        "DTEND:20270111T110000Z",
        "SUMMARY:Canary lunch with Grace Secret",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
)


def test_a_location_is_opened_and_found_again(business: Business):
    asked = {
        "name": "Riverside",
        "time_zone": "America/New_York",
        "country": "US",
        "subdivision": "NY",
        "address": "1 Water Street",
        "postal_code": "10004",
        "closed_on_holidays": True,
        "controller": "location",
    }
    opened = business.post("/v1/locations", asked)
    assert opened.status_code == 201
    shown = opened.json()
    assert shown == {**asked, "id": shown["id"], "active": True}
    assert opened.headers["location"] == f"/v1/locations/{shown['id']}"
    assert opened.headers["etag"] == '"1"'
    assert opened.headers["daybook-event"].startswith("evt_")
    assert business.get(opened.headers["location"]).json() == shown


def test_what_is_not_given_has_the_defaults_of_the_contract(business: Business):
    location = business.make(
        "/v1/locations", {"name": "A", "time_zone": "Asia/Kolkata", "country": "IN"}
    )
    assert location["closed_on_holidays"] is False
    assert location["controller"] == "tenant"
    asked = {"location_ids": [location["id"]], "name": "Cut", "duration_minutes": 45}
    service = business.make("/v1/services", asked)
    assert service["slot_interval_minutes"] == 15
    assert service["buffer_before_minutes"] == service["buffer_after_minutes"] == 0
    assert service["minimum_notice_minutes"] == 0
    assert service["booking_window_days"] == 60
    assert service["capacity"] == 1
    assert service["requires_confirmation"] is False


def test_a_change_leaves_what_it_does_not_name(business: Business):
    id = business.location(address="1 Water Street")
    changed = business.call("PATCH", f"/v1/locations/{id}", json={"name": "New Town"})
    assert changed.status_code == 200
    assert changed.headers["etag"] == '"2"'
    assert changed.json()["name"] == "New Town"
    assert changed.json()["address"] == "1 Water Street"
    cleared = business.call("PATCH", f"/v1/locations/{id}", json={"address": None})
    assert cleared.json()["address"] is None


def test_what_is_ended_stays_in_the_list(shop: Business):
    names = {"locations": "name", "services": "name", "staff": "display_name"}
    for kind, name in names.items():
        id = shop.get(f"/v1/{kind}").json()["data"][0]["id"]
        ended = shop.post(f"/v1/{kind}/{id}/deactivate")
        assert ended.status_code == 200
        assert ended.json()["active"] is False
        again = shop.post(f"/v1/{kind}/{id}/deactivate")
        assert again.json() == ended.json()
        assert again.headers["daybook-event"] == ended.headers["daybook-event"]
        assert [one["active"] for one in shop.get(f"/v1/{kind}").json()["data"]] == [False]
        change = {name: "Other"}
        assert_problem(shop.call("PATCH", f"/v1/{kind}/{id}", json=change), "invalid_state")


def test_a_service_has_a_price_until_it_is_taken_away(shop: Business):
    path = f"/v1/services/{shop.made['service']}"
    price = {"amount_minor": 4500, "currency": "EUR"}
    assert shop.call("PATCH", path, json={"price": price}).json()["price"] == price
    assert shop.call("PATCH", path, json={"name": "Wash"}).json()["price"] == price
    assert shop.call("PATCH", path, json={"price": None}).json()["price"] is None


def test_the_sealed_name_of_staff_is_never_answered(shop: Business):
    path = f"/v1/staff/{shop.made['staff']}"
    assert shop.get(path).json()["has_name"] is False
    named = shop.call("PATCH", path, json={"name": "Grace Secret"})
    assert named.json()["has_name"] is True
    assert "Secret" not in named.text + shop.get(path).text + shop.get("/v1/staff").text


def test_a_schedule_is_set_whole_and_shown_as_written(shop: Business):
    path = f"/v1/staff/{shop.made['staff']}/schedule"
    written = {
        "time_zone": "Australia/Lord_Howe",
        "weekly": [{"days": ["sat", "sun"], "from": "22:00", "to": "02:00"}],
        "overrides": [
            {"date": "2027-12-24", "intervals": [{"from": "09:00", "to": "24:00"}]},
            {"date": "2027-12-25", "intervals": []},
        ],
    }
    response = shop.call("PUT", path, json=written)
    assert response.status_code == 200
    assert response.json() == written
    shown = shop.get(path)
    assert shown.json() == written
    assert shown.headers["etag"] == response.headers["etag"]


def test_a_schedule_that_was_never_set_is_not_found(shop: Business):
    id = shop.staff(shop.made["location"], services=[], schedule=False)
    assert_problem(shop.get(f"/v1/staff/{id}/schedule"), "not_found")


def test_an_import_keeps_when_and_nothing_else(shop: Business):
    path = f"/v1/staff/{shop.made['staff']}/busy-imports"
    window = {"from": "2027-01-01T00:00:00Z", "to": "2027-02-01T00:00:00Z"}
    answer = shop.call(
        "POST", path, params=window, content=BUSY, headers={"content-type": "text/calendar"}
    )
    assert answer.status_code == 201
    assert answer.json() == {"blocks": 1, **window}
    day = {"from": "2027-01-11T09:00:00Z", "to": "2027-01-11T12:00:00Z"}
    slots = shop.get("/v1/slots", params={"service_id": shop.made["service"], **day}).json()
    starts = [slot["start"][11:16] for slot in slots["slots"]]
    assert starts == ["09:00", "09:15", "09:30", "11:00", "11:15", "11:30", "11:45"]


def test_a_key_is_shown_once_and_good_until_it_is_revoked(business: Business):
    asked = {
        "roles": ["manager", "staff"],
        "actor": "front-desk",
        "location_ids": [business.location()],
        "expires_at": "2027-06-01T00:00:00Z",
        "label": "till 2",
    }
    issued = business.make("/v1/keys", asked)
    key = issued.pop("key")
    assert issued == {**asked, "id": issued["id"], "operates": False, "active": True}
    assert business.get("/v1/services", key=key).status_code == 200
    shown = business.get(f"/v1/keys/{issued['id']}")
    assert shown.json() == issued
    listed = business.get("/v1/keys")
    assert issued in listed.json()["data"]
    assert key not in shown.text + listed.text
    revoked = business.post(f"/v1/keys/{issued['id']}/revoke")
    assert revoked.json()["active"] is False
    assert_problem(business.get("/v1/services", key=key), "unidentified")


def test_nobody_makes_a_key_that_operates_over_http(business: Business):
    asked = {"roles": ["engineer"], "actor": "ops", "location_ids": "all", "operates": True}
    assert_problem(business.post("/v1/keys", asked), "unknown_field", "/operates")
    key = business.operating_key()
    assert [one["operates"] for one in business.get("/v1/keys").json()["data"]].count(True) == 1
    operated = business.post("/v1/read-models/agenda/pause", key=key)
    assert_problem(operated, "not_found")  # no read model is in memory
    mere = business.post("/v1/read-models/agenda/pause", key=business.key("engineer"))
    assert_problem(mere, "operator_only")
