"""Bookings a second through HTTP: `python -m benchmarks.bookings_http`.

Everything on this machine, the client included: `daybook up` as anyone runs it (embedded PostgreSQL, durable), two
API processes. Every booking is of a new customer (keys are minted, a subject registered, values sealed). First as
fast as answers come, then at half that rate for the latency, then the 60-day slots of ten staff. The other side, in
the same run: the same connections asking `/healthz`, which is what HTTP alone costs here.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks.http_load import Result, call, load, request
from benchmarks.running import DURABLE, Running, running
from benchmarks.table import percentile, show

STAFF = 10
STARTS_A_DAY = 48  # half hours, 00:00 to 24:00
INSTANT = "%Y-%m-%dT%H:%M:%SZ"
DAYS = ["mon", "tue", "wed", "thu", "fri"]
ALWAYS: list[dict[str, object]] = [{"days": [*DAYS, "sat", "sun"], "from": "00:00", "to": "24:00"}]
OFFICE: list[dict[str, object]] = [{"days": DAYS, "from": "09:00", "to": "17:00"}]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--bookings", type=int, default=3_000)
    options.add_argument("--clients", type=int, default=16)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    with running() as up:
        measure(up, chosen.bookings, chosen.clients, chosen.seed)


def measure(up: Running, bookings: int, clients: int, seed: int) -> None:
    """Set a business up, book, and print the table."""
    keys = json.loads(up.verb("tenant", "create", "--name", "Benchmark", "--json"))["keys"]
    services = [business(up.url, keys["owner"], ALWAYS, 30) for _ in range(3)]
    draw = random.Random(seed)
    office = business(up.url, keys["owner"], OFFICE, 15, busy=lambda: calendar(draw))
    wishes = all_wishes(services, draw)
    warm = load(up.url, booked(wishes[:200], keys["booking"], 0), clients=clients)
    ping = load(up.url, [request("GET", "/healthz", "none")] * bookings, clients=clients)
    fast = load(up.url, booked(wishes[200 : 200 + bookings], keys["booking"], 200), clients=clients)
    rest = wishes[200 + bookings : 200 + 2 * bookings]
    slow = load(
        up.url, booked(rest, keys["booking"], 200 + bookings), clients=clients, rate=fast.rate / 2
    )
    fixed = load(
        up.url,
        booked(
            wishes[200 + 2 * bookings : 200 + 2 * bookings + min(bookings, 1_500)],
            keys["booking"],
            10**6,
        ),
        clients=clients,
        rate=150,
    )
    listing = load(up.url, [slots_request(office, keys["booking"])] * 200, clients=1)
    rows = [row("/healthz", ping), row("bookings, as fast as they come", fast)]
    rows.append(row("bookings, at half that rate", slow))
    rows.append(row("bookings, 150 a second", fixed))
    rows.append(row("slots, 60 days, 10 staff, 100 busy blocks each", listing))
    show(
        f"HTTP ({DURABLE}; {clients} clients; seed {seed}; warm-up {len(warm.seconds)})",
        ("", "a second", "p50 ms", "p99 ms", "answers"),
        rows,
    )
    print(f"\n  overlapping reservations: {overlaps(up)}")


def row(name: str, result: Result) -> tuple[object, ...]:
    """One line of the table."""
    p50, p99 = percentile(result.seconds, 0.5), percentile(result.seconds, 0.99)
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(result.statuses.items()))
    return name, f"{result.rate:.0f}", f"{p50 * 1000:.1f}", f"{p99 * 1000:.1f}", answers


def business(
    url: str,
    owner: str,
    weekly: list[dict[str, object]],
    interval: int,
    busy: Callable[[], str] | None = None,
) -> str:
    """A location with ten staff; the id of the service that they offer every `interval` minutes."""
    place = {"name": "Here", "time_zone": "America/New_York", "country": "US"}
    location = call(url, "POST", "/v1/locations", owner, place)["id"]
    offer = {
        "location_ids": [location],
        "name": "Visit",
        "duration_minutes": 30,
        "slot_interval_minutes": interval,
    }
    service = str(call(url, "POST", "/v1/services", owner, offer)["id"])
    for number in range(STAFF):
        person = {
            "location_ids": [location],
            "display_name": f"Staff {number}",
            "service_ids": [service],
        }
        staff = call(url, "POST", "/v1/staff", owner, person)["id"]
        schedule = {"time_zone": "America/New_York", "weekly": weekly, "overrides": []}
        call(url, "PUT", f"/v1/staff/{staff}/schedule", owner, schedule)
        if busy is not None:
            now = datetime.now(UTC)
            window = f"?from={now:{INSTANT}}&to={now + timedelta(days=60):{INSTANT}}"
            call(url, "POST", f"/v1/staff/{staff}/busy-imports{window}", owner, busy())
    return service


def calendar(draw: random.Random) -> str:
    """A hundred busy blocks of 15 to 90 minutes within the next sixty days."""
    entries = []
    for number in range(100):
        start = datetime.now(UTC) + timedelta(minutes=draw.randrange(60 * 24 * 60))
        end = start + timedelta(minutes=draw.randrange(15, 91, 5))
        entries.append(
            f"BEGIN:VEVENT\r\nUID:{number}\r\nDTSTAMP:20270101T000000Z\r\n"
            f"DTSTART:{start:%Y%m%dT%H%M00Z}\r\nDTEND:{end:%Y%m%dT%H%M00Z}\r\nEND:VEVENT\r\n"
        )
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n"
        + "".join(entries)
        + "END:VCALENDAR\r\n"
    )


def all_wishes(services: list[str], draw: random.Random) -> list[tuple[str, str]]:
    """Every (service, start) that can be booked once per staff member, in random order."""
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=30)
    starts = [first + timedelta(minutes=30 * number) for number in range(50 * STARTS_A_DAY)]
    wishes = [
        (service, start.strftime(INSTANT))
        for service in services
        for start in starts
        for _ in range(STAFF // 2)
    ]
    draw.shuffle(wishes)
    return wishes


def booked(wishes: list[tuple[str, str]], key: str, first: int) -> list[bytes]:
    """One booking request for each wish, each of another customer."""
    return [
        request(
            "POST",
            "/v1/bookings",
            key,
            {
                "service_id": service,
                "start": start,
                "customer": {"name": f"Customer {number}", "email": f"c{number}@example.org"},
            },
        )
        for number, (service, start) in enumerate(wishes, start=first)
    ]


def slots_request(service: str, key: str) -> bytes:
    """The slots of sixty days."""
    now = datetime.now(UTC)
    until = (now + timedelta(days=60)).strftime(INSTANT)
    return request(
        "GET", f"/v1/slots?service_id={service}&from={now.strftime(INSTANT)}&to={until}", key
    )


def overlaps(up: Running) -> int:
    """Pairs of reservations of one staff member that overlap; looked for, not trusted to the constraint."""
    with psycopg.connect(up.verb("dsn").strip()) as connection:
        found = connection.execute(
            "SELECT count(*) FROM reservation a JOIN reservation b"
            " ON a.tenant_id = b.tenant_id AND a.staff_id = b.staff_id AND a.owner_id < b.owner_id"
            " AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at"
        ).fetchone()
    assert found is not None
    return int(found[0])


if __name__ == "__main__":
    main()
