"""Load the demo franchise, once. Killed at any point, the next call goes on where this one ended.

1. A seed is durable in `keys/demo-loading.json` before anything else is done. Every id and key of the demo is drawn
   from it, by the name of what it is for; so a later attempt looks for exactly what an earlier one made.
2. Everything is made by the use cases that the API calls, under the demo's own keys.
3. `keys/demo-keys.json` is written last, and the seed removed: while it is there, the demo is loaded.

*Not here*: what the franchise is made of (`demo_data`), how it is set up (`demo_business`) and booked (`demo_visits`).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final
from uuid import UUID

from api.composition import in_memory
from api.demo.business import DrawnIds, Franchise, engage_staff, offer_services, open_locations
from api.demo.data import BRAND, PLACES
from api.demo.visits import take_bookings
from api.platform import Platform
from application.recorded import Caller
from application.setup.tenancy import FoundedTenant
from domain.errors import NotFound
from domain.values import public_id

DEMO_KEYS: Final = "demo-keys.json"
LOADING: Final = "demo-loading.json"
LOCK: Final = "demo.lock"


@dataclass(frozen=True, slots=True)
class DemoKeys:
    """The demo's tenant, and one key for each role."""

    tenant: str
    keys: Mapping[str, str] = field(repr=False)

    def document(self) -> dict[str, object]:
        """As `up --ready-json` shows it."""
        return {"tenant": self.tenant, "keys": dict(self.keys)}


@dataclass(frozen=True, slots=True)
class Beginning:
    """What every attempt to load starts from, the first one and any later one alike."""

    seed: bytes = field(repr=False)
    first_day: date


def load(platform: Platform, folder: Path, *, places_at_once: int = len(PLACES)) -> DemoKeys:
    """Load what is missing of the demo, keep its keys in `folder`, and give them."""
    with _alone(folder / LOCK):
        loaded = read_demo_keys(folder)
        if loaded is not None:
            (folder / LOADING).unlink(missing_ok=True)
            return loaded
        beginning = _beginning(platform, folder / LOADING)
        tenant, keys = _founded(platform, beginning.seed)
        franchise = Franchise(platform, beginning.seed, beginning.first_day, tenant)
        _fill(franchise, keys["owner"], keys["booking"], places_at_once)
        loaded = DemoKeys(public_id("tenant", tenant), keys)
        write_secret(folder / DEMO_KEYS, json.dumps(loaded.document(), indent=1) + "\n")
        (folder / LOADING).unlink()
        return loaded


def read_demo_keys(folder: Path) -> DemoKeys | None:
    """The demo's keys; None until it is loaded."""
    try:
        found = json.loads((folder / DEMO_KEYS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return DemoKeys(found["tenant"], found["keys"])


def _beginning(platform: Platform, path: Path) -> Beginning:
    """The beginning that an earlier attempt has noted, else a new one, noted."""
    if not path.exists():
        fresh = {
            "seed": platform.ids.secret().hex(),
            "first_day": platform.clock.now().date().isoformat(),
        }
        write_secret(path, json.dumps(fresh) + "\n")
    noted = json.loads(path.read_text(encoding="utf-8"))
    return Beginning(bytes.fromhex(noted["seed"]), date.fromisoformat(noted["first_day"]))


def _founded(platform: Platform, seed: bytes) -> tuple[UUID, dict[str, str]]:
    """The demo's tenant and its first keys; founded, unless an earlier attempt has.

    Keys are shown once, at the founding, and that attempt may have been killed before it wrote them down. So the
    founding is rehearsed first, in memory: the same draws give the same keys.
    """
    id = DrawnIds(seed, "tenant").uuid()
    founding = replace(platform.tenancy, ids=DrawnIds(seed, "founding"))
    nowhere = in_memory().tenancy
    rehearsal = replace(
        founding, store=nowhere.store, book=nowhere.book, ids=DrawnIds(seed, "founding")
    )
    keys = _texts(rehearsal.found_tenant(BRAND, id))
    with platform.bound(id):
        try:
            platform.tenancy.tenant(id)
        except NotFound:
            assert _texts(founding.found_tenant(BRAND, id)) == keys, "the same draws"
    return id, keys


def _fill(franchise: Franchise, owner: str, booking: str, places_at_once: int) -> None:
    """Make what is missing. `owner` and `booking` are keys."""
    platform = franchise.platform

    def caller(key: str) -> Caller:
        return platform.access_keys.authenticate(key, platform.clock.now())

    def fill_place(place: str) -> None:
        with platform.bound(franchise.tenant):
            engage_staff(franchise, place, caller(owner))
            take_bookings(franchise, place, caller(owner), caller(booking))

    with platform.bound(franchise.tenant):
        open_locations(franchise, caller(owner))
        offer_services(franchise, caller(owner))
    with ThreadPoolExecutor(places_at_once) as pool:
        list(pool.map(fill_place, PLACES))


def _texts(founded: FoundedTenant) -> dict[str, str]:
    return {str(role): key for role, key in founded.keys.items()}


def write_secret(path: Path, text: str) -> None:
    """Write a file for our eyes alone, whole and durable, or not at all."""
    passing = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    passing.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Load alone: an attempt whose `up` was killed may still be running."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
