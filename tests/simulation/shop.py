"""Businesses, simulated: the product's own application on the in-memory twin, whose store fails when told."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, Literal
from uuid import UUID

from starlette.testclient import TestClient

from api.composition import on_memory
from api.http.app import create_app
from api.http.settings import ApiSettings
from application.booking.sweeping import Sweeping
from application.ledger.withholding import Openings
from application.orders.legal_processes import StandingOrders
from application.orders.openings import DisclosureOpenings
from application.ports import Append, Outcome
from domain.errors import Unavailable
from domain.values import parse_id
from infrastructure.twin.memory import MemoryWorld
from infrastructure.twin.memory_state import MemoryState
from infrastructure.twin.memory_store import MemoryStore
from infrastructure.twin.memory_vault import MemoryVault
from tests.http.business import WEEKDAYS, Business, Server
from tests.http.disclosing import a_recipient
from tests.http.test_policies import TEXT
from tests.http.test_recipients import SECRET
from tests.simulation.post import Post

Fault = Literal["before", "after"]
CLASS_SEATS: Final = 3
TENANTS: Final = 2
LENIENT: Final = ApiSettings()


@dataclass(slots=True)
class Faults:
    """What happens to the appends that come next: one entry each, None where nothing does."""

    coming: list[Fault | None] = field(default_factory=list)

    def next(self) -> Fault | None:
        """Of this append."""
        return self.coming.pop(0) if self.coming else None


class FailingStore(MemoryStore):
    """The store of the twin, before or after whose work the connection is lost."""

    def __init__(self, state: MemoryState, vault: MemoryVault, faults: Faults) -> None:
        super().__init__(state, vault)
        object.__setattr__(self, "faults", faults)

    def append(self, append: Append) -> Outcome:
        """See the port. After a fault nobody but the store knows what became of it."""
        fault: Fault | None = self.faults.next() if append.events else None  # type: ignore[attr-defined]
        if fault == "before":
            raise Unavailable("The connection was lost", retry_after_seconds=1)
        outcome = super().append(append)
        if fault == "after":
            raise Unavailable("The connection was lost", retry_after_seconds=1)
        return outcome


@dataclass
class Shop:
    """A business with two staff members, a service for one and one for a class, a recipient and a policy."""

    world: MemoryWorld
    faults: Faults
    business: Business
    place: str
    services: tuple[str, ...]
    recipients: tuple[str, str]  # one takes what it is given in the answer, one over the network
    far_key: str  # of somebody at another location, who may also review
    post: Post

    @property
    def tenant(self) -> UUID:
        """Whose it is."""
        return self.business.tenant

    def call(self, method: str, path: str, json: Any, **more: Any) -> Any:
        """One call over HTTP, by the owner unless `role` says otherwise."""
        return self.business.call(method, path, json=json, **more)

    def work(self, random: Random, *, whole: bool = False) -> None:
        """What the worker does in turns, in any order; a fault ends a turn, and it is taken up in another.

        Some of them; with `whole` all.
        """
        platform, tenant = self.business.server.platform, self.tenant

        def carry() -> None:
            for thing in platform.courier.due(tenant):
                platform.courier.carry(tenant, thing)

        world, orders = self.world, StandingOrders(self.world.book)
        basis = world.store, world.clock, world.ids
        sweeping = Sweeping(world.store, world.book, world.clock, world.ids)
        turns = [
            lambda: sweeping.sweep(tenant),
            lambda: Openings(basis[0], world.accesses, orders, *basis[1:]).sweep(tenant),
            lambda: DisclosureOpenings(basis[0], world.withheld, orders, *basis[1:]).sweep(tenant),
            lambda: platform.eraser.round([tenant]),
            lambda: platform.denials.sweep(tenant),
            carry,
        ]
        random.shuffle(turns)
        for turn in turns[: len(turns) if whole else random.randint(1, len(turns))]:
            with suppress(Unavailable):
                turn()


def open_shops(seed: int) -> tuple[Shop, ...]:
    """New ones side by side on one platform; everything in them follows from the seed."""
    world, faults = MemoryWorld(seed), Faults()
    world.store = FailingStore(world.state, world.vault, faults)
    post = Post(world.state, Random(seed))
    platform = on_memory(world, post.at)
    client = TestClient(create_app(platform, LENIENT), raise_server_exceptions=True)
    server = Server(world.clock, platform, client)
    return tuple(_open_shop(world, faults, post, server) for _ in range(TENANTS))


def _open_shop(world: MemoryWorld, faults: Faults, post: Post, server: Server) -> Shop:
    founded = server.platform.tenancy.found_tenant("Example Salons")
    business = Business(server, founded.tenant.id, dict(founded.keys))
    controller = {
        "name": "Example Salons Ltd",
        "address": "1 Main Street, Lisbon",
        "contact": "mailto:privacy@example.org",
        "country": "PT",
    }
    business.make("/v1/policy-versions", {**TEXT, "controller": controller})
    world.clock.advance(seconds=3)
    place = business.location()
    cut = business.service(place, slot_interval_minutes=30, duration_minutes=60)
    lesson = business.service(
        place, slot_interval_minutes=60, duration_minutes=60, capacity=CLASS_SEATS
    )
    for _ in range(2):
        made = business.staff(place, services=[cut, lesson], schedule=False)
        hours = {"days": [*WEEKDAYS, "sat", "sun"], "from": "06:00", "to": "20:00"}
        body = {"time_zone": "Europe/Lisbon", "weekly": [hours]}
        answer = business.call("PUT", f"/v1/staff/{made}/schedule", json=body)
        assert answer.status_code == 200, answer.text
    https = {"kind": "https", "url": "https://crm.example.org/", "secret": SECRET}
    near = str(a_recipient(business)["id"])
    far = str(a_recipient(business, delivery=https)["id"])
    for one in (near, far):
        found = parse_id("recipient", one)
        assert found is not None
        post.recipients[found] = founded.tenant.id
    allowed = {"allowed": True, "review_within_hours": 8}
    assert business.call("PUT", "/v1/break-glass", json=allowed).status_code == 200
    far_key = business.key("staff", "privacy_officer", at=[business.location(name="Elsewhere")])
    return Shop(world, faults, business, place, (cut, lesson), (near, far), far_key, post)
