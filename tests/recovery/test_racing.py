"""Many race for the same time: nobody gets what another has. README D4."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import UUID, uuid4

import psycopg
import pytest

from application.booking.claims import claim_of_hold
from application.ports import Append, Outcome
from application.recorded import Recorded
from domain.hold import HoldPlaced
from domain.values import parse_id
from domain.visit import Visit
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.wall import bound_to
from tests.api_client import Api, Business, Reply
from tests.book_check import differences, faults, look, reserved_twice, sold_twice
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running_under_fire")

CLIENTS = 64
TEN = datetime(2027, 1, 4, 10, 0, tzinfo=UTC)


# --- over HTTP -------------------------------------------------------------------------------------------------------


@contextmanager
def clients(business: Business, count: int) -> Iterator[list[Api]]:
    """So many connected clients, half of them with each of the two API processes."""
    pids = [pid for name, pid in sorted(business.running.parts().items()) if name.startswith("api")]
    assert len(pids) == 2
    made: list[Api] = []
    try:
        for stopped, other in (pids, reversed(pids)):
            os.kill(stopped, signal.SIGSTOP)
            os.kill(other, signal.SIGCONT)
            for _ in range(count // 2):
                api = business.api("booking")
                made.append(api)
                assert api.get("/healthz").status == 200
        let_run(pids)
        yield made
    finally:
        let_run(pids)
        for api in made:
            api.close()


def let_run(pids: list[int]) -> None:
    """Let both processes run."""
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def race(apis: list[Api], run: Callable[[Api, int], Reply]) -> list[Reply]:
    """Let every client make its call at the same moment."""
    barrier = Barrier(len(apis))

    def one(number: int) -> Reply:
        barrier.wait()
        return run(apis[number], number)

    with ThreadPoolExecutor(len(apis)) as pool:
        return list(pool.map(one, range(len(apis))))


def outcomes(replies: list[Reply]) -> Counter[tuple[int, str | None]]:
    """How many got which answer."""
    return Counter((reply.status, reply.code) for reply in replies)


def wrongs(business: Business) -> list[str]:
    """All that is wrong with the business's book, by its rows and by its events."""
    tenant = parse_id("tenant", business.tenant)
    assert tenant is not None
    return faults(business.running.deployment.main, tenant)


def test_of_64_clients_who_race_for_one_slot_exactly_one_gets_it(running: Running) -> None:
    business = Business.found(running)
    service = business.offer("Cut", 30)
    business.engage([service])

    def book(api: Api, number: int) -> Reply:
        wish = business.wish(service, 600, f"client{number}@example.test")
        return api.post("/v1/bookings", wish, idempotency_key=f"race-{number}")

    with clients(business, CLIENTS) as apis:
        first = race(apis, book)
        again = race(apis, book)
    assert outcomes(first) == {(201, None): 1, (409, "slot_unavailable"): CLIENTS - 1}
    assert [(reply.status, reply.raw) for reply in again] == [
        (reply.status, reply.raw) for reply in first
    ], "the same call gets the same answer"
    assert wrongs(business) == []


@dataclass
class Racer:
    """A client that books, holds, moves and calls off at random, all within a few hours of few people."""

    api: Api
    business: Business
    services: list[str]
    chance: random.Random
    bookings: list[str] = field(default_factory=list)
    holds: list[dict[str, str]] = field(default_factory=list)
    seen: Counter[tuple[str, int]] = field(default_factory=Counter)

    def run(self, steps: int) -> None:
        """So many calls."""
        doings = [
            self.book,
            self.book,
            self.hold,
            self.book_held,
            self.move,
            self.move,
            self.cancel,
        ]
        for _ in range(steps):
            self.chance.choice(doings)()

    def noted(self, what: str, reply: Reply) -> Reply:
        """Only success and a refusal for a good reason are answers."""
        assert reply.status in (200, 201, 409), (what, reply.status, reply.body)
        self.seen[(what, reply.status)] += 1
        return reply

    def minutes(self) -> int:
        return 540 + 15 * self.chance.randrange(10)

    def book(self) -> None:
        wish = self.business.wish(self.chance.choice(self.services), self.minutes())
        reply = self.noted("book", self.api.post("/v1/bookings", wish))
        if reply.status == 201:
            self.bookings.append(reply.body["id"])

    def hold(self) -> None:
        service = self.chance.choice(self.services)
        wish = {"service_id": service, "start": self.business.start(self.minutes())}
        wish["ttl_seconds"] = self.chance.choice([1, 300])  # type: ignore[assignment]
        reply = self.noted("hold", self.api.post("/v1/holds", wish))
        if reply.status == 201:
            self.holds.append({**wish, "id": reply.body["id"]})

    def book_held(self) -> None:
        if not self.holds:
            return
        held = self.holds.pop()
        if self.chance.random() < 0.3:
            reply = self.api.call("DELETE", f"/v1/holds/{held['id']}")
            assert reply.status in (200, 404)
            return
        wish = {
            "service_id": held["service_id"],
            "start": held["start"],
            "hold_id": held["id"],
            "customer": {"name": "Ada Example", "email": "ada@example.test"},
        }
        reply = self.noted("book held", self.api.post("/v1/bookings", wish))
        if reply.status == 201:
            self.bookings.append(reply.body["id"])

    def move(self) -> None:
        if not self.bookings:
            return
        body = {"start": self.business.start(self.minutes())}
        if self.chance.random() < 0.5:
            body["staff_id"] = self.chance.choice(self.business.staff)
        id = self.chance.choice(self.bookings)
        self.noted("move", self.api.post(f"/v1/bookings/{id}/reschedule", body))

    def cancel(self) -> None:
        if len(self.bookings) < 3:
            return
        id = self.bookings.pop(self.chance.randrange(len(self.bookings)))
        body = {"reason_code": "other"}
        self.noted("cancel", self.api.post(f"/v1/bookings/{id}/cancel", body))


def test_no_race_of_lengths_buffers_holds_moves_and_classes_sells_anything_twice(
    running: Running,
) -> None:
    business = Business.found(running)
    services = [
        business.offer("Trim", 10, slot_interval_minutes=5),
        business.offer("Cut", 30, slot_interval_minutes=5, buffer_after_minutes=10),
        business.offer(
            "Colour", 60, slot_interval_minutes=5, buffer_before_minutes=15, buffer_after_minutes=15
        ),
        business.offer("Yoga", 45, slot_interval_minutes=15, capacity=3),
        business.offer("Choir", 30, slot_interval_minutes=15, capacity=5, buffer_after_minutes=5),
    ]
    for name in ("Sam", "Kim", "Lee"):
        business.engage(services, name)
    with clients(business, 12) as apis:
        racers = [
            Racer(api, business, services, random.Random(number)) for number, api in enumerate(apis)
        ]
        with ThreadPoolExecutor(len(racers)) as pool:
            for job in [pool.submit(racer.run, 40) for racer in racers]:
                job.result()
    seen = sum((racer.seen for racer in racers), Counter[tuple[str, int]]())
    for what in (("book", 201), ("book", 409), ("hold", 201), ("book held", 201), ("move", 200)):
        assert seen[what] > 0, f"the race had {seen}"
    assert wrongs(business) == []


def test_a_class_never_has_more_seats_sold_than_it_holds(running: Running) -> None:
    business = Business.found(running)
    service = business.offer("Yoga", 60, capacity=5)
    business.engage([service])

    def book(api: Api, number: int) -> Reply:
        return api.post("/v1/bookings", business.wish(service, 600, f"client{number}@example.test"))

    with clients(business, 24) as apis:
        replies = race(apis, book)
    assert outcomes(replies) == {(201, None): 5, (409, "slot_unavailable"): 19}
    assert wrongs(business) == []


# --- straight at the store -------------------------------------------------------------------------------------------


def hold_directly(engine: Engine, tenant: UUID, visit: Visit) -> Outcome:
    """Append a hold of that time, without asking first whether it is free."""
    placed = HoldPlaced(uuid4(), visit, visit.end)
    event = Recorded(tenant, placed.hold, 1, uuid4(), visit.start, "key_1", placed)
    with bound_to(tenant):
        append = Append(tenant, visit.start, (event,), claims=(claim_of_hold(placed),))
        return engine.store.append(append)


def race_for_time(deployment: Deployment, tenant: UUID) -> list[Outcome]:
    """Thirty claims that overlap, at the same moment, over two engines."""
    staff, service = uuid4(), uuid4()
    starts = [TEN + timedelta(minutes=number) for number in range(30)]
    engines = [Engine.connect(deployment) for _ in range(2)]
    barrier = Barrier(len(starts))

    def one(number: int) -> Outcome:
        start, end = starts[number], starts[number] + timedelta(hours=1)
        visit = Visit(service, uuid4(), staff, start, end, start, end)
        barrier.wait()
        return hold_directly(engines[number % 2], tenant, visit)

    try:
        with ThreadPoolExecutor(len(starts)) as pool:
            return list(pool.map(one, range(len(starts))))
    finally:
        for engine in engines:
            engine.close()


def test_of_claims_that_overlap_exactly_one_is_stored(own_deployment: Deployment) -> None:
    tenant = uuid4()
    assert Counter(race_for_time(own_deployment, tenant)) == {
        Outcome.APPENDED: 1,
        Outcome.TAKEN: 29,
    }
    assert faults(own_deployment.main) == []


def test_without_the_constraint_the_race_is_lost(own_deployment: Deployment) -> None:
    with psycopg.connect(own_deployment.main, autocommit=True) as connection:
        connection.execute("ALTER TABLE reservation DROP CONSTRAINT no_overlap")
    race_for_time(own_deployment, uuid4())
    claims, stored = look(own_deployment.main)
    assert reserved_twice(stored), "the rows show it"
    assert sold_twice(claims), "and so do the events"


def test_the_checker_sees_a_reservation_that_differs_from_its_events(
    own_deployment: Deployment,
) -> None:
    race_for_time(own_deployment, uuid4())
    assert faults(own_deployment.main) == []
    with psycopg.connect(own_deployment.main, autocommit=True) as connection:
        connection.execute("UPDATE reservation SET ends_at = ends_at + 60")
        assert differences(*look(own_deployment.main)) != []
        connection.execute("DELETE FROM reservation")
        assert differences(*look(own_deployment.main)) != []
