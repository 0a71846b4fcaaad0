"""Who did we share with, at a size: `python -m benchmarks.disclosures [--disclosures N]`.

`daybook up` as anyone runs it, and disclosures of its demo's kind, each of three events (recorded, attempted,
delivered), appended through the real store in batches; its own sequencer gives them their places, its own worker takes
them into the read model, its own signer signs them. One person has ten thousand disclosures, the rest are spread over
two hundred thousand people and fifty recipients; one in a thousand is withheld. Then the questions, over HTTP, one
client, one after the other.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import psycopg

from application.ports import Append, Outcome
from application.recorded import Recorded
from benchmarks.http_load import load, request
from benchmarks.running import DURABLE, Running, running
from benchmarks.table import percentile, show
from domain.disclosure import (
    DisclosureAttempted,
    DisclosureDelivered,
    DisclosureRecorded,
    DisclosureWithheld,
    Ground,
    Scope,
    SubjectShared,
    TagOf,
)
from domain.recipient import RecipientRegistered
from domain.recipient_terms import RecipientTerms
from domain.values import instant_text, parse_id, public_id
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.engine import Engine
from infrastructure.settings import Settings
from infrastructure.wall import bound_to

APPEND_DISCLOSURES = 100
RECIPIENTS = 50
PEOPLE = 200_000
WITHHELD_ONE_IN = 1_000
MET_MAX = 10_000
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=300)
PURPOSES = ("service", "support", "billing", "scheduling", "fraud")
FOLLOWED_SECONDS_MAX = 7_200.0


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--disclosures", type=int, default=1_000_000)
    options.add_argument("--of-one", type=int, default=10_000, help="of one person, among them")
    options.add_argument("--requests", type=int, default=400, help="of each kind")
    chosen = options.parse_args()
    pin_zones()
    with running() as up:
        founded = json.loads(up.verb("tenant", "create", "--name", "Benchmark", "--json"))
        tenant = parse_id("tenant", founded["tenant"])
        assert tenant is not None
        deployment = Deployment.locate(Settings.read(up.data))
        filling = Filling(tenant, chosen.disclosures, min(chosen.of_one, chosen.disclosures // 2))
        began = time.perf_counter()
        filling.append(deployment)
        appended = time.perf_counter() - began
        wait_until_followed(deployment)
        followed = time.perf_counter() - began
        print(f"appended in {appended:.0f} s, taken in after {followed:.0f} s")
        with psycopg.connect(deployment.main, autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE")
        measure(up, founded["keys"]["auditor"], filling, chosen.requests)
        sizes(deployment, chosen.disclosures)


class Filling:
    """What is told: whom it is about, to whom it went, and when."""

    def __init__(self, tenant: UUID, count: int, of_one: int) -> None:
        self.tenant = tenant
        self.count = count
        self.of_one = of_one
        self.one = uuid4()
        self.people = [uuid4() for _ in range(min(PEOPLE, max(1, count // 5)))]
        self.recipients = [uuid4() for _ in range(RECIPIENTS)]
        self.known_at = BEGINNING
        self.met: list[UUID] = []
        self._random = random.Random(1)

    def append(self, deployment: Deployment) -> None:
        """Append all of it, in batches that are each one append."""
        engine = Engine.connect(deployment, connections=1)
        with bound_to(self.tenant):
            self._put(engine, self._registered())
            for number, events in enumerate(self._batches()):
                self._put(engine, events)
                if number == self.count // APPEND_DISCLOSURES // 2:
                    self.known_at = engine.clock.now()
        engine.close()

    def _put(self, engine: Engine, events: Sequence[Recorded[object]]) -> None:
        outcome = engine.store.append(Append(self.tenant, BEGINNING, tuple(events)))
        assert outcome is Outcome.APPENDED

    def _registered(self) -> list[Recorded[object]]:
        found = []
        for number, id in enumerate(self.recipients):
            terms = RecipientTerms(
                legal_name=f"Recipient {number} Inc",
                address=f"{number} Main Street",
                country=("US", "DE", "FR", "IN")[number % 4],
                kind="crm",
                role="processor",
                permitted_purposes=PURPOSES,
                contract_ref=f"C-{number}",
                contract_from=date(2025, 1, 1),
            )
            found.append(self._event(id, 1, BEGINNING, RecipientRegistered(id, terms)))
        return found

    def _batches(self) -> Iterator[list[Recorded[object]]]:
        every = self.count // self.of_one
        events: list[Recorded[object]] = []
        for number in range(self.count):
            is_one = number % every == 0 and number // every < self.of_one
            about = self.one if is_one else self._random.choice(self.people)
            if not is_one and len(self.met) < MET_MAX:
                self.met.append(about)
            events += self._disclosure(number, about)
            if (number + 1) % APPEND_DISCLOSURES == 0 or number + 1 == self.count:
                yield events
                events = []

    def _disclosure(self, number: int, about: UUID) -> Iterator[Recorded[object]]:
        id, at = uuid4(), (BEGINNING + SPAN * number / self.count).replace(microsecond=0)
        gagged = number % WITHHELD_ONE_IN == WITHHELD_ONE_IN - 1
        until = at + timedelta(days=730) if gagged else None
        listed = uuid4() if gagged else about
        purpose = self._random.choice(PURPOSES)
        recorded = DisclosureRecorded(
            disclosure=id,
            recipient=self._random.choice(self.recipients),
            recipient_version=1,
            purpose=purpose,
            ground=Ground("contract"),
            scope=Scope(("name", "email")),
            our_role="controller",
            transfer=None,
            channel="https",
            withheld_until=until,
            count=1,
            subjects=(SubjectShared(listed, self._random.randbytes(16).hex(), None, "none"),),
        )
        told: list[object] = [recorded]
        if until is not None:
            told.append(DisclosureWithheld(id, until, (TagOf(listed, about),)))
        told += [DisclosureAttempted(1), DisclosureDelivered(1, 200)]
        for version, decision in enumerate(told, 1):
            yield self._event(id, version, at + timedelta(seconds=version), decision, purpose)

    def _event(
        self,
        stream: UUID,
        version: int,
        at: datetime,
        decision: object,
        purpose: str | None = None,
    ) -> Recorded[object]:
        event = uuid4()
        return Recorded(self.tenant, stream, version, event, at, "key_1", decision, purpose)


def wait_until_followed(deployment: Deployment) -> None:
    """Wait until everything has its place, the read model has taken it in, and it is signed."""
    deadline = time.monotonic() + FOLLOWED_SECONDS_MAX
    reached = (
        "SELECT NOT EXISTS (SELECT FROM event_queue) AND (SELECT sequence FROM read_model"
        " WHERE name = 'disclosures' AND state = 'following') = (SELECT sequence FROM sequencer_head)"
        " AND NOT EXISTS (SELECT FROM ledger_head h WHERE h.size >"
        " (SELECT max(c.size) FROM ledger_checkpoint c WHERE c.tenant_id = h.tenant_id))"
    )
    with psycopg.connect(deployment.main, autocommit=True) as owner:
        while owner.execute(reached).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise SystemExit("the read model did not catch up")
            time.sleep(0.5)


def measure(up: Running, key: str, filling: Filling, requests: int) -> None:
    """Ask each question so many times, and print how long the answers took."""
    one = f"/v1/subjects/{public_id('subject', filling.one)}/disclosures"
    draw = random.Random(2)
    middle = instant_text(BEGINNING + SPAN / 2)
    someone = [
        f"/v1/subjects/{public_id('subject', draw.choice(filling.met))}/disclosures"
        for _ in range(requests)
    ]
    recipients = [public_id("recipient", one) for one in filling.recipients]
    questions: list[tuple[str, list[str], int]] = [
        ("person of many, officer's view", [f"{one}?view=officer"] * requests, 50),
        ("... person's view", [f"{one}?view=person"] * requests, 50),
        ("... auditor's view, 200 rows", [f"{one}?view=auditor&limit=200"] * requests, 50),
        ("... as of the middle", [f"{one}?as_of={middle}"] * requests, 50),
        (
            "... known at the middle",
            [f"{one}?known_at={instant_text(filling.known_at)}"] * requests,
            50,
        ),
        ("anybody", someone, 50),
        (
            "by recipient, first page",
            [f"/v1/recipients/{draw.choice(recipients)}/disclosures" for _ in range(requests)],
            100,
        ),
        ("by purpose", ["/v1/disclosures?purpose=fraud"] * requests, 100),
        (
            "by country, from the middle",
            [f"/v1/disclosures?country=FR&from={middle}"] * requests,
            100,
        ),
    ]
    rows = []
    for name, paths, goal in questions:
        load(up.url, [request("GET", path, key) for path in paths[:20]], clients=1)
        found = load(up.url, [request("GET", path, key) for path in paths], clients=1)
        if set(found.statuses) != {200}:
            raise SystemExit(f"{name}: {found.statuses}")
        taken = [f"{percentile(found.seconds, share) * 1_000:.1f}" for share in (0.5, 0.95, 0.99)]
        rows.append((name, *taken, goal))
    show(
        f"Milliseconds an answer over HTTP, one client ({filling.count:,} disclosures, {filling.of_one:,}"
        f" of one person; {DURABLE})",
        ("", "p50", "p95", "p99", "goal p95"),
        rows,
    )


def sizes(deployment: Deployment, count: int) -> None:
    """How much room the read model takes."""
    tables = ("recipient_v1", "disclosure_v1", "disclosure_step_v1", "shared_v1")
    with psycopg.connect(deployment.main) as owner:
        found = owner.execute(
            "SELECT t, pg_table_size(t::regclass), pg_indexes_size(t::regclass) FROM unnest(%s::text[]) t",
            (list(tables),),
        ).fetchall()
    rows = [
        (name, f"{table / count:.0f}", f"{indexes / count:.0f}") for name, table, indexes in found
    ]
    show("Bytes a disclosure", ("", "table", "indexes"), rows)


if __name__ == "__main__":
    main()
