"""kill -9 of any part, or of all: what was acknowledged is there afterwards, once. README D3, D11.

Clients book, hold, move and call off under load. Each keeps a journal of its own of what it was told, and repeats a
call whose answer it never got, with the same Idempotency-Key. Meanwhile every part is killed in turn, and in the end
everything at once. The judge is the journals, never what the database says of itself.
"""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from infrastructure.server.processes import wait_until
from tests.api_client import LOST, Api, Business, Reply, text_of
from tests.book_check import faults, undense
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running_under_fire")

CLIENTS = 5
TRIES_MAX = 400
SECONDS_MAX = 90.0  # how long a busy machine may take to start what was killed
SLOT_MINUTES = 15


@dataclass
class Kept:
    """A booking as its client knows it. `maybe` is what else it may be: a call about it was never answered."""

    id: str
    ref: str
    start: str
    status: str = "confirmed"
    maybe: tuple[str, str] | None = None

    def agrees(self, shown: dict[str, Any]) -> bool:
        """True when the service says the same."""
        known = (self.start, self.status)
        return (shown["start"], shown["status"]) in (known, self.maybe or known)


@dataclass
class Client:
    """Books for itself alone, in time that no other client wants, and writes down what it is told."""

    business: Business
    service: str
    number: int
    stop: Event
    kept: list[Kept] = field(default_factory=list)
    holds: dict[str, str] = field(default_factory=dict)  # acknowledged and still open: id and start
    unknown: list[str] = field(default_factory=list)  # references of bookings never answered
    acknowledged: int = 0
    repeated: int = 0
    asked: int = 0
    last_event: str | None = None
    slot: int = 0

    def run(self) -> None:
        """Work until told to stop."""
        chance = random.Random(self.number)
        doings = [self.book, self.book, self.hold_and_book, self.hold, self.move, self.cancel]
        while not self.stop.is_set():
            chance.choice(doings)(chance)

    def free_start(self) -> str:
        """A start that this client has not used; each has days of its own."""
        self.slot += 1
        per_day = 24 * 60 // SLOT_MINUTES
        days, rest = divmod(self.slot - 1, per_day)
        day = self.business.day + timedelta(days=self.number + CLIENTS * days)
        return text_of(day + timedelta(minutes=SLOT_MINUTES * rest))

    def say(self, path: str, body: object) -> Reply | None:
        """A call that is repeated until somebody answers; None when nobody ever does."""
        self.asked += 1
        key = f"{self.number}-{self.asked}"
        again = Event()
        for attempt in range(TRIES_MAX):
            self.repeated += attempt > 0
            try:
                with Api(self.business.running.url, self.business.keys["booking"]) as api:
                    reply = api.post(path, body, idempotency_key=key)
            except LOST:
                again.wait(0.1)
                continue
            if reply.code == "idempotency_in_flight":
                return None  # it died with the process that ran it; it may be repeated in a minute
            if reply.status < 500:
                assert reply.status in (200, 201), (path, reply.status, reply.body)
                self.acknowledged += 1
                self.last_event = reply.headers["daybook-event"]
                return reply
            assert reply.status == 503, (path, reply.status, reply.body)
            again.wait(0.1)
        return None

    def book(self, chance: random.Random, held: str | None = None, start: str = "") -> None:
        ref = f"ref-{self.number}-{self.asked}"
        body: dict[str, object] = {
            "service_id": self.service,
            "start": start or self.free_start(),
            "staff_id": self.business.staff[0],
            "external_ref": ref,
            "customer": {
                "name": "Ada Example",
                "email": f"ada{chance.randrange(9)}@{self.number}.test",
            },
        }
        reply = self.say("/v1/bookings", body | ({"hold_id": held} if held else {}))
        if reply is None:
            self.unknown.append(ref)
        else:
            self.kept.append(Kept(reply.body["id"], ref, reply.body["start"]))

    def hold(self, chance: random.Random) -> str | None:
        body = {
            "service_id": self.service,
            "start": self.free_start(),
            "staff_id": self.business.staff[0],
            "ttl_seconds": 3_600,
        }
        reply = self.say("/v1/holds", body)
        if reply is None:
            return None
        self.holds[reply.body["id"]] = reply.body["start"]
        return str(reply.body["id"])

    def hold_and_book(self, chance: random.Random) -> None:
        id = self.hold(chance)
        if id is not None:
            self.book(chance, id, self.holds.pop(id))

    def sure(self) -> list[Kept]:
        """Bookings that stand, and that no unanswered call is about."""
        return [one for one in self.kept if one.status == "confirmed" and one.maybe is None]

    def move(self, chance: random.Random) -> None:
        if sure := self.sure():
            one, start = chance.choice(sure), self.free_start()
            reply = self.say(f"/v1/bookings/{one.id}/reschedule", {"start": start})
            if reply is None:
                one.maybe = (start, one.status)
            else:
                one.start = reply.body["start"]

    def cancel(self, chance: random.Random) -> None:
        if len(sure := self.sure()) > 2:
            one = chance.choice(sure)
            reply = self.say(f"/v1/bookings/{one.id}/cancel", {"reason_code": "other"})
            if reply is None:
                one.maybe = (one.start, "cancelled")
            else:
                one.status = reply.body["status"]


def test_nothing_acknowledged_is_lost(running: Running) -> None:
    business = Business.found(running)
    service = business.offer("Cut", SLOT_MINUTES, slot_interval_minutes=SLOT_MINUTES)
    business.engage([service])
    stop = Event()
    clients = [Client(business, service, number, stop) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        jobs = [pool.submit(client.run) for client in clients]
        try:
            kill_everything_in_turn(running, clients)
        finally:
            stop.set()
        for job in jobs:
            job.result()
    assert sum(client.repeated for client in clients) > 0, "the kills were noticed"
    judge(business, clients)


def kill_everything_in_turn(running: Running, clients: list[Client]) -> None:
    """Each in the middle of the load: between two kills clients are told of things that are done."""

    def some_more_is_acknowledged() -> None:
        before = sum(client.acknowledged for client in clients)
        done = wait_until(
            lambda: sum(client.acknowledged for client in clients) >= before + 30, SECONDS_MAX
        )
        assert done, "the service does not come back"

    some_more_is_acknowledged()
    for part in ("api-1", "sequencer", "worker"):
        running.kill(part)
        some_more_is_acknowledged()
    running.kill_postgres()
    some_more_is_acknowledged()
    running.kill_all()
    running.start()
    some_more_is_acknowledged()


def judge(business: Business, clients: list[Client]) -> None:
    """Hold the deployment against the journals."""
    running, span = business.running, business.span(days=40)
    entries: dict[str, Any] = {}
    with business.api() as api:
        for client in clients:  # once it includes what each was told last, it includes everything
            days = agenda_including(business, api, client.last_event)
            entries |= {one["booking_id"]: one for day in days for one in day["entries"]}
        shown = api.all("/v1/bookings", span)
        by_ref = Counter(one["external_ref"] for one in shown)
        assert max(by_ref.values()) == 1, "nothing is there twice"
        known = {one.ref for client in clients for one in client.kept}
        unknown = {ref for client in clients for ref in client.unknown}
        assert known <= by_ref.keys() <= known | unknown
        by_id = {one["id"]: one for one in shown}
        for client in clients:
            for one in client.kept:
                assert one.agrees(by_id[one.id]), (one, by_id[one.id])
                assert one.agrees(entries[one.id]), (one, entries[one.id])
                now = api.get(f"/v1/bookings/{one.id}").body
                assert one.agrees(now), (one, now)
            for id, start in client.holds.items():
                assert api.get(f"/v1/holds/{id}").body["start"] == start
    dsn = running.deployment.main
    assert faults(dsn) == []
    assert wait_until(lambda: undense(dsn) == [], SECONDS_MAX), undense(dsn)


def agenda_including(business: Business, api: Api, event: str | None) -> list[dict[str, Any]]:
    """The days of the agenda that includes `event`: it follows again after a start."""
    query = {"location_id": business.location, "at_least": event, **business.span(days=40)}
    reply = api.get("/v1/agenda", query)
    assert reply.status == 200, reply.body
    days: list[dict[str, Any]] = reply.body["days"]
    return days
