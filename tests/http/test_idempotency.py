"""The same call again gets the same answer, whatever happened in between."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from api.http.app import create_app
from api.http.settings import ApiSettings
from application.booking.placing import BookVisit
from application.recorded import Answer, Caller
from application.setup.register import Receipt
from domain.booking import Booking
from domain.errors import Unavailable
from tests.http.business import MONDAY, Business, Server
from tests.http.problem import assert_problem

KEPT_HEADERS = ("content-type", "etag", "location", "daybook-event")


def key(text: str) -> dict[str, str]:
    """The header."""
    return {"idempotency-key": text}


def assert_same(first: object, again: object) -> None:
    """Byte for byte, headers included."""
    assert first.status_code == again.status_code  # type: ignore[attr-defined]
    assert first.content == again.content  # type: ignore[attr-defined]
    for name in KEPT_HEADERS:
        assert first.headers.get(name) == again.headers.get(name)  # type: ignore[attr-defined]


def test_booking_again_with_the_same_key_books_once(shop: Business):
    first = shop.post("/v1/bookings", shop.wish(), headers=key("a"))
    again = shop.post("/v1/bookings", shop.wish(), headers=key("a"))
    assert first.status_code == 201
    assert_same(first, again)
    assert len(shop.get("/v1/bookings").json()["data"]) == 1


def test_a_key_may_be_written_as_a_structured_field(shop: Business):
    first = shop.post("/v1/bookings", shop.wish(), headers=key("b"))
    assert_same(first, shop.post("/v1/bookings", shop.wish(), headers=key('"b"')))


def test_the_same_key_with_another_body_is_refused(shop: Business):
    shop.post("/v1/bookings", shop.wish(), headers=key("c"))
    other = shop.post("/v1/bookings", shop.wish(f"{MONDAY}T11:00:00Z"), headers=key("c"))
    assert_problem(other, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"start": f"{MONDAY}T10:07:00Z"}, "not_a_slot"),
        ({"start": "soon"}, "invalid"),
        ({"staff_id": "stf_" + "0" * 32}, "unknown_reference"),
    ],
)
def test_a_refusal_is_kept_too(shop: Business, change: dict[str, str], code: str):
    asked = shop.wish() | change
    first = shop.post("/v1/bookings", asked, headers=key("d"))
    assert first.json()["code"] == code
    assert_same(first, shop.post("/v1/bookings", asked, headers=key("d")))
    assert_problem(shop.post("/v1/bookings", shop.wish(), headers=key("d")), "idempotency_mismatch")


def test_a_kept_refusal_repeats_no_name_that_the_caller_made_up(shop: Business):
    asked = shop.wish() | {"colour": "red"}
    first = shop.post("/v1/bookings", asked, headers=key("n"))
    assert [one["pointer"] for one in first.json()["errors"]] == ["/colour"]
    again = shop.post("/v1/bookings", asked, headers=key("n"))
    assert (again.status_code, again.json()["code"]) == (422, "unknown_field")
    assert [one["pointer"] for one in again.json()["errors"]] == [""]
    assert again.json()["instance"] == first.json()["instance"]


def test_a_slot_that_was_taken_stays_taken_for_that_call(shop: Business):
    booked = shop.book()
    refused = shop.post("/v1/bookings", shop.wish(), headers=key("e"))
    assert_problem(refused, "slot_unavailable")
    shop.post(f"/v1/bookings/{booked['id']}/cancel", {"reason_code": "other"})
    assert_same(refused, shop.post("/v1/bookings", shop.wish(), headers=key("e")))
    assert shop.post("/v1/bookings", shop.wish(), headers=key("f")).status_code == 201


def test_malformed_json_is_kept_too(shop: Business):
    sent = {**key("g"), "content-type": "application/json"}
    first = shop.call("POST", "/v1/bookings", content=b"{", headers=sent)
    assert_problem(first, "malformed")
    assert_same(first, shop.call("POST", "/v1/bookings", content=b"{", headers=sent))


def test_a_call_that_decides_nothing_is_kept_as_well(shop: Business):
    path = f"/v1/services/{shop.made['service']}/deactivate"
    shop.post(path)
    first = shop.post(path, headers=key("h"))
    assert first.status_code == 200
    assert_same(first, shop.post(path, headers=key("h")))


def test_the_query_is_part_of_the_call(shop: Business):
    path = f"/v1/staff/{shop.made['staff']}/busy-imports"
    sent = {**key("i"), "content-type": "text/calendar"}
    body = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nEND:VCALENDAR\r\n"
    window = {"from": "2027-01-01T00:00:00Z", "to": "2027-02-01T00:00:00Z"}
    first = shop.call("POST", path, params=window, content=body, headers=sent)
    assert first.status_code == 201
    window["to"] = "2027-03-01T00:00:00Z"
    assert_problem(
        shop.call("POST", path, params=window, content=body, headers=sent),
        "idempotency_mismatch",
    )


def test_a_key_is_a_callers_own(shop: Business):
    shop.post("/v1/bookings", shop.wish(), headers=key("j"))
    other = shop.post("/v1/bookings", shop.wish(), headers=key("j"), role="booking")
    assert_problem(other, "slot_unavailable")


def test_a_key_is_of_one_address(shop: Business):
    first, second = shop.book(), shop.book(f"{MONDAY}T11:00:00Z")
    reason = {"reason_code": "other"}
    for booked in (first, second):
        answer = shop.post(f"/v1/bookings/{booked['id']}/cancel", reason, headers=key("k"))
        assert answer.json()["id"] == booked["id"]


def test_a_kept_answer_never_holds_the_key_that_was_issued(business: Business):
    asked = {"roles": ["staff"], "actor": "till", "location_ids": "all"}
    first = business.post("/v1/keys", asked, headers=key("l"))
    again = business.post("/v1/keys", asked, headers=key("l"))
    shown = first.json()
    assert shown.pop("key").startswith("dbk_")
    assert again.json() == {**shown, "replayed": True}
    assert again.status_code == 201
    assert again.headers["daybook-event"] == first.headers["daybook-event"]


@pytest.mark.parametrize("text", ["", " ", "a" * 256, "a b", '"open', "ä", "a\tb", '""'])
def test_a_key_that_is_none_is_refused(shop: Business, text: str):
    refused = shop.post(
        "/v1/bookings", shop.wish(), headers={"idempotency-key": text.encode("latin-1")}
    )
    assert_problem(refused, "malformed")


def test_a_key_means_nothing_where_nothing_is_posted(shop: Business):
    path = f"/v1/locations/{shop.made['location']}"
    for name in ("A", "B"):
        changed = shop.call("PATCH", path, json={"name": name}, headers=key("m"))
        assert changed.json()["name"] == name


def test_after_a_day_the_key_is_new_again(own_shop: Business):
    booked = own_shop.post("/v1/bookings", own_shop.wish(), headers=key("n"))
    assert booked.status_code == 201
    own_shop.server.clock.advance(hours=24, seconds=1)
    again = own_shop.post("/v1/bookings", own_shop.wish(), headers=key("n"))
    assert_problem(again, "slot_unavailable")


class _Gated:
    """Bookings that wait at a gate, and may then fail on our side."""

    def __init__(self, server: Server, failure: Exception | None = None) -> None:
        self.inner = server.platform.bookings
        self.failure = failure
        self.entered, self.gate = threading.Event(), threading.Event()

    def make(self, command: BookVisit, by: Caller) -> Receipt[Booking]:
        """Make a booking, once the gate is open."""
        self.entered.set()
        assert self.gate.wait(60)
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        return self.inner.make(command, by)


def behind(gated: _Gated, shop: Business) -> Business:
    """The shop, on an application whose bookings are `gated`."""
    platform = replace(shop.server.platform, bookings=gated)  # type: ignore[arg-type]
    client = TestClient(create_app(platform, ApiSettings()))
    return replace(shop, server=replace(shop.server, client=client))


def test_a_call_still_running_is_told_from_one_that_is_done(own_shop: Business):
    gated = _Gated(own_shop.server)
    shop = behind(gated, own_shop)
    answers: list[int] = []

    def run() -> None:
        answers.append(shop.post("/v1/bookings", shop.wish(), headers=key("o")).status_code)

    with shop.server.client:
        running = threading.Thread(target=run)
        running.start()
        assert gated.entered.wait(60)
        meanwhile = shop.post("/v1/bookings", shop.wish(), headers=key("o"))
        gated.gate.set()
        running.join(60)
        assert_problem(meanwhile, "idempotency_in_flight")
        assert answers == [201]
        assert shop.post("/v1/bookings", shop.wish(), headers=key("o")).status_code == 201


@pytest.mark.parametrize(
    ("failure", "code"), [(Unavailable(), "unavailable"), (KeyError("x"), "internal")]
)
def test_a_failure_of_ours_is_not_kept(own_shop: Business, failure: Exception, code: str):
    gated = _Gated(own_shop.server, failure)
    gated.gate.set()
    shop = behind(gated, own_shop)
    with shop.server.client:
        assert_problem(shop.post("/v1/bookings", shop.wish(), headers=key("p")), code)
        assert shop.post("/v1/bookings", shop.wish(), headers=key("p")).status_code == 201


def test_nothing_kept_shows_a_body_or_a_key(own_shop: Business):
    begun: list[object] = []
    answers = own_shop.server.platform.answers
    state = answers.state  # type: ignore[attr-defined]
    own_shop.post("/v1/bookings", own_shop.wish(note="Canary note"), headers=key("canary-key"))
    begun.extend(state.answers.items())
    kept = repr(begun)
    assert begun
    assert "Canary" not in kept
    assert "canary-key" not in kept
    assert "Ada " not in kept
    assert any(isinstance(one.answer, Answer) for one in state.answers.values())
