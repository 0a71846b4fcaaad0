"""Booking: each route does what it says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.values import instant_text
from tests.http.business import ADA, MONDAY, Business
from tests.http.problem import assert_problem

DAY = {"from": f"{MONDAY}T00:00:00Z", "to": "2027-01-12T00:00:00Z"}


def test_every_slot_that_is_listed_has_who_and_how_many(shop: Business):
    asked = {"service_id": shop.made["service"], **DAY}
    slots = shop.get("/v1/slots", params=asked, role="booking").json()["slots"]
    assert len(slots) == 31
    assert slots[0] == {
        "start": f"{MONDAY}T09:00:00Z",
        "end": f"{MONDAY}T09:30:00Z",
        "staff_ids": [shop.made["staff"]],
        "seats_left": 1,
    }


def test_slots_are_also_told_in_local_time(shop: Business):
    asked = {"service_id": shop.made["service"], "time_zone": "Asia/Kolkata", **DAY}
    slots = shop.get("/v1/slots", params=asked).json()["slots"]
    assert slots[0]["local_start"] == "2027-01-11T14:30:00+05:30"


def test_a_booking_takes_its_slot(shop: Business):
    response = shop.post("/v1/bookings", shop.wish(external_ref="order-1"), role="booking")
    assert response.status_code == 201
    made = response.json()
    assert made == {
        "id": made["id"],
        "status": "confirmed",
        "service_id": shop.made["service"],
        "location_id": shop.made["location"],
        "staff_id": shop.made["staff"],
        "start": f"{MONDAY}T10:00:00Z",
        "end": f"{MONDAY}T10:30:00Z",
        "subject_id": made["subject_id"],
        "event_id": response.headers["daybook-event"],
        "external_ref": "order-1",
    }
    assert response.headers["etag"] == '"1"'
    assert shop.get(response.headers["location"]).json() == made
    assert_problem(shop.post("/v1/bookings", shop.wish()), "slot_unavailable")


def test_the_customer_is_shown_only_under_a_purpose(shop: Business):
    booked = shop.book(note="Window seat", metadata={"colour": "red"})
    path = f"/v1/bookings/{booked['id']}"
    assert "Ada" not in shop.get(path).text
    assert_problem(shop.get(f"{path}?include=customer"), "purpose_required")
    with_purpose = {"daybook-purpose": "service"}
    opened = shop.get(f"{path}?include=customer", headers=with_purpose)
    assert opened.status_code == 200
    assert opened.json()["customer"] == {
        **ADA,
        "note": "Window seat",
        "metadata": {"colour": "red"},
    }
    support = {"daybook-purpose": "support"}
    assert_problem(shop.get(f"{path}?include=customer", headers=support), "purpose_required")
    support["daybook-case"] = "T-100"
    assert shop.get(f"{path}?include=customer", headers=support).status_code == 200


def test_a_key_that_may_not_open_is_told_so(shop: Business):
    booked = shop.book()
    path = f"/v1/bookings/{booked['id']}?include=customer"
    refused = shop.get(path, role="booking", headers={"daybook-purpose": "service"})
    assert_problem(refused, "not_permitted")


def test_a_hold_keeps_its_slot_for_its_holder(shop: Business):
    wish = shop.wish()
    asked = {"service_id": wish["service_id"], "start": wish["start"], "ttl_seconds": 600}
    placed = shop.post("/v1/holds", asked)
    assert placed.status_code == 201
    hold = placed.json()
    assert hold["expires_at"] == "2027-01-04T08:10:00Z"
    assert hold["staff_id"] == shop.made["staff"]
    assert shop.get(placed.headers["location"]).json() == hold
    assert_problem(shop.post("/v1/bookings", wish), "slot_unavailable")
    later = shop.wish(f"{MONDAY}T12:00:00Z", hold_id=hold["id"])
    assert_problem(shop.post("/v1/bookings", later), "hold_mismatch")
    shop.make("/v1/bookings", {**wish, "hold_id": hold["id"]})
    assert_problem(shop.get(f"/v1/holds/{hold['id']}"), "not_found")


def test_a_hold_that_is_released_frees_its_slot(shop: Business):
    wish = shop.wish()
    hold = shop.make("/v1/holds", {"service_id": wish["service_id"], "start": wish["start"]})
    released = shop.call("DELETE", f"/v1/holds/{hold['id']}")
    assert released.status_code == 200
    assert released.headers["daybook-event"].startswith("evt_")
    assert_problem(shop.call("DELETE", f"/v1/holds/{hold['id']}"), "not_found")
    refused = shop.post("/v1/bookings", {**wish, "hold_id": hold["id"]})
    assert_problem(refused, "hold_expired")
    shop.make("/v1/bookings", wish)


def test_a_pending_booking_is_confirmed_or_declined(business: Business):
    shop = business.opened()
    asking = shop.service(shop.made["location"], requires_confirmation=True)
    services = [shop.made["service"], asking]
    patched = shop.call("PATCH", f"/v1/staff/{shop.made['staff']}", json={"service_ids": services})
    assert patched.status_code == 200
    first = shop.book(service_id=asking)
    assert first["status"] == "pending"
    assert shop.post(f"/v1/bookings/{first['id']}/confirm").json()["status"] == "confirmed"
    assert_problem(shop.post(f"/v1/bookings/{first['id']}/confirm"), "invalid_state")
    second = shop.book(f"{MONDAY}T12:00:00Z", service_id=asking)
    reason = {"reason_code": "staff_unavailable"}
    declined = shop.post(f"/v1/bookings/{second['id']}/decline", reason)
    assert declined.json()["status"] == "declined"
    shop.book(f"{MONDAY}T12:00:00Z")


def test_a_booking_moves_over_its_own_old_time(shop: Business):
    booked = shop.book()
    path = f"/v1/bookings/{booked['id']}"
    moved = shop.post(f"{path}/reschedule", {"start": f"{MONDAY}T10:15:00Z"})
    assert moved.status_code == 200
    assert moved.headers["etag"] == '"2"'
    assert moved.json()["start"] == f"{MONDAY}T10:15:00Z"
    off_grid = {"start": f"{MONDAY}T10:17:00Z"}
    assert_problem(shop.post(f"{path}/reschedule", off_grid), "not_a_slot", "/start")


def test_a_booking_that_is_cancelled_frees_its_slot(shop: Business):
    booked = shop.book()
    cancelled = shop.post(
        f"/v1/bookings/{booked['id']}/cancel", {"reason_code": "customer_request"}
    )
    assert cancelled.json()["status"] == "cancelled"
    shop.book()


def test_a_visit_is_completed_or_missed_from_its_start_on(own_shop: Business):
    came = own_shop.book()
    missed = own_shop.book(f"{MONDAY}T11:00:00Z")
    assert_problem(own_shop.post(f"/v1/bookings/{came['id']}/complete"), "too_early")
    assert_problem(own_shop.post(f"/v1/bookings/{missed['id']}/no-show"), "too_early")
    own_shop.server.clock.set(datetime(2027, 1, 11, 11, 0, tzinfo=UTC))
    assert own_shop.post(f"/v1/bookings/{came['id']}/complete").json()["status"] == "completed"
    assert own_shop.post(f"/v1/bookings/{missed['id']}/no-show").json()["status"] == "no_show"


def test_the_agenda_shows_names_only_under_a_purpose(shop: Business):
    booked = shop.book()
    asked = {"location_id": shop.made["location"], **DAY, "at_least": booked["event_id"]}
    plain = shop.get("/v1/agenda", params=asked)
    entry = {
        "booking_id": booked["id"],
        "service_id": shop.made["service"],
        "staff_id": shop.made["staff"],
        "start": booked["start"],
        "end": booked["end"],
        "status": "confirmed",
    }
    assert plain.json() == {"days": [{"date": MONDAY, "entries": [entry]}]}
    assert int(plain.headers["daybook-position"]) >= 0
    named = shop.get("/v1/agenda", params=asked, headers={"daybook-purpose": "scheduling"})
    entry["customer"] = {"name": "Ada Example"}
    assert named.json() == {"days": [{"date": MONDAY, "entries": [entry]}]}


def test_the_agenda_is_shown_as_it_was_known_at_an_instant(own_shop: Business):
    clock = own_shop.server.clock
    began = clock.now()
    clock.advance(hours=1)
    booked = own_shop.book()
    then = clock.now()
    clock.advance(hours=1)
    own_shop.post(f"/v1/bookings/{booked['id']}/cancel", {"reason_code": "weather"})

    def shown(known_at: datetime | None) -> list[tuple[str, str]]:
        asked = {"location_id": own_shop.made["location"], **DAY}
        if known_at is not None:
            asked["known_at"] = instant_text(known_at)
        answer = own_shop.get("/v1/agenda", params=asked, headers={"daybook-purpose": "service"})
        assert answer.status_code == 200, answer.text
        entries = [one for day in answer.json()["days"] for one in day["entries"]]
        return [(one["status"], one["customer"]["name"]) for one in entries]

    assert shown(None) == shown(clock.now()) == [("cancelled", "Ada Example")]
    assert shown(then) == [("confirmed", "Ada Example")]
    assert shown(began) == []


@pytest.mark.parametrize("known_at", ["2090-01-01T00:00:00Z", "2010-01-01T00:00:00Z"])
def test_what_was_known_in_the_future_or_before_the_beginning_is_refused(
    shop: Business, known_at: str
):
    asked = {"location_id": shop.made["location"], **DAY, "known_at": known_at}
    assert_problem(shop.get("/v1/agenda", params=asked), "invalid", "/known_at")


def test_bookings_are_listed_by_time_staff_place_and_status(shop: Business):
    later = shop.book(f"{MONDAY}T12:00:00Z")
    sooner = shop.book()
    listed = shop.get("/v1/bookings")
    assert listed.json() == {"data": [sooner, later], "next_cursor": None}
    assert "daybook-position" in listed.headers

    def ids(**asked: str) -> list[str]:
        rows = shop.get("/v1/bookings", params=asked).json()["data"]
        return [row["id"] for row in rows]

    assert ids(**{"from": f"{MONDAY}T10:15:00Z"}) == [later["id"]]
    assert ids(to=f"{MONDAY}T12:00:00Z") == [sooner["id"]]
    assert ids(staff_id=shop.made["staff"]) == [sooner["id"], later["id"]]
    assert ids(location_id=shop.made["location"], status="cancelled") == []


def test_a_booking_is_given_as_a_calendar_file(shop: Business):
    booked = shop.book()
    path = f"/v1/bookings/{booked['id']}/calendar.ics"
    plain = shop.get(path)
    assert plain.headers["content-type"] == "text/calendar; charset=utf-8"
    assert f"UID:{booked['id']}@daybook" in plain.text
    assert "SEQUENCE:0" in plain.text
    assert "DTSTART:20270111T100000Z" in plain.text
    assert "Ada" not in plain.text
    assert_problem(shop.get(f"{path}?include=customer"), "purpose_required")
    purpose = {"daybook-purpose": "scheduling"}
    assert "Ada" in shop.get(f"{path}?include=customer", headers=purpose).text
    shop.post(f"/v1/bookings/{booked['id']}/reschedule", {"start": f"{MONDAY}T11:00:00Z"})
    moved = shop.get(path).text
    assert f"UID:{booked['id']}@daybook" in moved
    assert "SEQUENCE:1" in moved


def test_a_class_sells_its_seats_and_no_more(business: Business):
    shop = business.opened()
    group = shop.service(shop.made["location"], capacity=2)
    shop.call("PATCH", f"/v1/staff/{shop.made['staff']}", json={"service_ids": [group]})
    for number, customer in enumerate(("a", "b")):
        slots = shop.get("/v1/slots", params={"service_id": group, **DAY}).json()["slots"]
        seats = {slot["start"]: slot["seats_left"] for slot in slots}
        assert seats[f"{MONDAY}T10:00:00Z"] == 2 - number
        who = {"name": customer, "email": f"{customer}@example.test"}
        shop.book(service_id=group, customer=who)
    who = {"name": "c", "email": "c@example.test"}
    full = shop.post("/v1/bookings", shop.wish(service_id=group, customer=who))
    assert_problem(full, "slot_unavailable")
