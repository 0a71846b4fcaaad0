"""What is listed books and what is not listed is refused, asked of every minute around a change of the clocks.

Over HTTP, on PostgreSQL, against the slow second opinion of `tests/slot_oracle.py`. A start that books is cancelled
again before the next is asked, so that each meets the same book.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.api_client import EVERY_DAY, Api, Business, Reply, text_of
from tests.running import Running
from tests.slot_oracle import DAY, Question, wall_clock

pytestmark = pytest.mark.xdist_group("running_more")

WALKED_BEFORE, WALKED_AFTER = 30, 9
ASKED_BEFORE, ASKED_AFTER = 6 * 60, 8 * 60  # minutes around the change
ANSWERS = {
    "free": (201, None),
    "taken": (409, "slot_unavailable"),
    "not_a_slot": (422, "not_a_slot"),
}
VISIT = {
    "duration_minutes": 25,
    "slot_interval_minutes": 10,
    "buffer_before_minutes": 5,
    "buffer_after_minutes": 10,
    "minimum_notice_minutes": 0,
    "booking_window_days": 730,
    "capacity": 1,
}
CLASS = {**VISIT, "duration_minutes": 40, "slot_interval_minutes": 20, "capacity": 2}


def next_change(zone: str, *, ahead: bool) -> int:
    """The next UTC minute, at least three days from now, at which the clocks of a zone go ahead or back."""
    today = int(datetime.now(UTC).timestamp()) // (DAY * 60) * DAY
    clock = wall_clock(zone, today + 3 * DAY, 370 * DAY)
    for index, (before, after) in enumerate(zip(clock.shown, clock.shown[1:], strict=False)):
        if after > before + 1 if ahead else after <= before:
            return clock.first_minute + index + 1
    raise AssertionError(f"the clocks of {zone} do not change in a year")


def instant(minute: int) -> str:
    return text_of(datetime.fromtimestamp(minute * 60, UTC))


@dataclass
class Desk:
    """One staff member with a schedule around a change of the clocks, and a service to book with them."""

    business: Business
    api: Api
    zone: str
    change: int
    schedule: dict[str, Any]
    terms: dict[str, int]
    service: str = ""
    staff: str = ""

    def open(self) -> Desk:
        """Set the staff member, the service and the schedule up."""
        terms = dict(self.terms)
        self.service = self.business.offer("Visit", terms.pop("duration_minutes"), **terms)
        self.staff = self.business.engage([self.service])
        path = f"/v1/staff/{self.staff}/schedule"
        assert self.api.call("PUT", path, self.schedule).status == 200
        return self

    def occupied(self, start: int) -> tuple[int, int]:
        """What a visit from `start` on reserves."""
        end = start + self.terms["duration_minutes"] + self.terms["buffer_after_minutes"]
        return start - self.terms["buffer_before_minutes"], end

    def book(self, minute: int) -> Reply:
        """Ask for a visit."""
        wish = {
            "service_id": self.service,
            "staff_id": self.staff,
            "start": instant(minute),
            "customer": {"name": "Ada Example", "email": "ada@example.test"},
        }
        return self.api.post("/v1/bookings", wish)

    def hold(self, minute: int) -> None:
        """Hold a visit for as long as this test takes."""
        wish: dict[str, object] = {
            "service_id": self.service,
            "staff_id": self.staff,
            "start": instant(minute),
        }
        self.api.made("/v1/holds", {**wish, "ttl_seconds": 3_600})

    def busy(self, start: int, end: int) -> None:
        """Import a calendar that says they are busy."""
        stamps = [instant(minute).replace("-", "").replace(":", "") for minute in (start, end)]
        lines = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Daybook//tests//EN",
            "BEGIN:VEVENT",
            "UID:busy@example.test",
            f"DTSTAMP:{stamps[0]}",
            f"DTSTART:{stamps[0]}",
            f"DTEND:{stamps[1]}",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
        span = self._span(DAY, DAY)
        path = f"/v1/staff/{self.staff}/busy-imports"
        content = "\r\n".join(lines).encode()
        reply = self.api.call("POST", path, content, span, Content_Type="text/calendar")
        assert (reply.status, reply.body["blocks"]) == (201, 1)

    def listed(self) -> set[str]:
        """The starts that the API lists for the minutes that are asked."""
        span = self._span(ASKED_BEFORE, ASKED_AFTER)
        query = {"service_id": self.service, "staff_id": self.staff, **span}
        reply = self.api.get("/v1/slots", query)
        assert reply.status == 200
        return {slot["start"] for slot in reply.body["slots"]}

    def _span(self, before: int, after: int) -> dict[str, object]:
        return {"from": instant(self.change - before), "to": instant(self.change + after)}

    def question(
        self,
        occupied: tuple[tuple[int, int], ...] = (),
        sessions: tuple[tuple[int, int, tuple[int, int]], ...] = (),
    ) -> Question:
        """The same desk as the second opinion sees it."""
        first = self.change // DAY * DAY - WALKED_BEFORE * DAY
        clock = wall_clock(self.zone, first, (WALKED_BEFORE + WALKED_AFTER) * DAY)
        now = int(datetime.now(UTC).timestamp())
        closed: frozenset[date] = frozenset()
        return Question(self.schedule, self.terms, clock, now, closed, occupied, sessions)

    def agrees_with(self, question: Question) -> Counter[str]:
        """Ask every minute of both and of the list, and hold them to the same; how many gave which answer."""
        before, seen = self.listed(), Counter[str]()
        for minute in range(self.change - ASKED_BEFORE, self.change + ASKED_AFTER):
            expected = question.answer(minute)
            reply = self.book(minute)
            assert (reply.status, reply.code) == ANSWERS[expected], (instant(minute), expected)
            assert (instant(minute) in before) == (expected == "free"), instant(minute)
            if reply.status == 201:
                path = f"/v1/bookings/{reply.body['id']}/cancel"
                assert self.api.post(path, {"reason_code": "other"}).status == 200
            seen[expected] += 1
        assert self.listed() == before
        return seen


@pytest.fixture
def api(running: Running) -> Iterator[tuple[Business, Api]]:
    business = Business.found(running)
    with business.api() as api:
        yield business, api


def hours_from(zone: str, opens: int) -> dict[str, Any]:
    """Five hours a day from a wall time on, but for the evening before the change, which is opened by an override.

    `opens` is the wall time as the second opinion counts it: minutes since the first day of year 1.
    """
    before = date.fromordinal(opens // DAY) - timedelta(1)
    return {
        "time_zone": zone,
        "weekly": [{"days": EVERY_DAY, "from": written(opens), "to": written(opens + 5 * 60)}],
        "overrides": [
            {"date": before.isoformat(), "intervals": [{"from": "21:50", "to": "24:00"}]}
        ],
    }


def written(wall: int) -> str:
    return f"{wall % DAY // 60:02}:{wall % 60:02}"


@pytest.mark.parametrize(
    ("zone", "ahead", "wall", "opens"),
    [
        pytest.param("Australia/Lord_Howe", True, -70, -70, id="into a gap"),
        pytest.param("Australia/Lord_Howe", False, -70, -70, id="into a fold"),
        pytest.param("America/New_York", True, +15, +75, id="opening in a gap"),
        pytest.param("America/New_York", False, -15, -15, id="opening in a fold"),
    ],
)
def test_every_minute_is_listed_booked_and_refused_alike(
    api: tuple[Business, Api], zone: str, ahead: bool, wall: int, opens: int
):
    """`wall` is from what the clock showed at the change, had it gone on; `opens` is what that comes to."""
    change = next_change(zone, ahead=ahead)
    shown = wall_clock(zone, change - DAY, 2 * DAY).shown[DAY - 1] + 1
    desk = Desk(*api, zone, change, hours_from(zone, shown + wall), VISIT).open()
    opening = change + opens
    sold, held, busy = opening + 40, opening + 140, (opening + 195, opening + 220)
    assert desk.book(sold).status == 201
    desk.hold(held)
    desk.busy(*busy)

    occupied = (desk.occupied(sold), desk.occupied(held), busy)
    seen = desk.agrees_with(desk.question(occupied))

    assert desk.book(opening).status == 201
    assert min(seen[answer] for answer in ANSWERS) >= 5, seen


def test_a_class_is_listed_booked_and_refused_alike_at_every_minute(api: tuple[Business, Api]):
    zone = "Australia/Lord_Howe"
    change = next_change(zone, ahead=False)
    shown = wall_clock(zone, change - DAY, 2 * DAY).shown[DAY - 1] + 1
    desk = Desk(*api, zone, change, hours_from(zone, shown - 70), CLASS).open()
    full, half = change - 10, change + 110
    for minute, seats in ((full, 2), (half, 1)):
        for _ in range(seats):
            assert desk.book(minute).status == 201, instant(minute)

    sessions = ((full, 2, desk.occupied(full)), (half, 1, desk.occupied(half)))
    seen = desk.agrees_with(desk.question((), sessions))

    assert instant(half) in desk.listed() and instant(full) not in desk.listed()
    assert min(seen[answer] for answer in ANSWERS) >= 5, seen
