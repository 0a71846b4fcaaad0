"""The port `Exporter`: bundles of the same form, and the same refusals, from PostgreSQL and from the twin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from application.ledger.exports import LedgerExports
from application.ledger.records import LedgerRecords
from application.permissions import operator
from application.recorded import Caller
from application.setup.tenancy import Tenancy
from domain.errors import Malformed, NotFound, NotPermitted
from infrastructure.copy_room import FolderCopyRoom
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signed.notes import VerifierKey, verifier_key
from infrastructure.twin.memory import MemoryWorld
from infrastructure.twin.memory_ledger import KEY
from infrastructure.wall import bound_to
from tests.ledger.bundles import Unpacked
from tests.store.exporting import export_press, whole


@dataclass
class House:
    """A tenant with a few signed events, and whoever takes copies of them."""

    exports: LedgerExports
    tenant: UUID
    size: int
    key: VerifierKey
    settle: Callable[[], None]

    def taken(self, first: int = 0, past: int | None = None, by: Caller | None = None) -> Unpacked:
        with bound_to(self.tenant):
            copy = self.exports.take(first, past, by or operator(self.tenant))
        return Unpacked.read(whole(copy))


@contextmanager
def memory(request: pytest.FixtureRequest) -> Iterator[House]:
    world = MemoryWorld()
    room = FolderCopyRoom(request.getfixturevalue("tmp_path"))
    records = LedgerRecords(world.store, world.clock, world.ids)
    exports = LedgerExports(world.ledger, world.exporter, records, room, world.clock)
    founded = Tenancy(world.store, world.book, world.clock, world.ids).found_tenant("Glow")
    tenant = founded.tenant.id
    size = len(world.state.log[tenant])
    yield House(exports, tenant, size, verifier_key(default(tenant), KEY), lambda: None)


@contextmanager
def postgres(request: pytest.FixtureRequest) -> Iterator[House]:
    with export_press(request.getfixturevalue("own_deployment")) as here:
        engine, tenant = here.engine, uuid4()
        with bound_to(tenant):
            tenancy = Tenancy(engine.store, engine.book, engine.clock, engine.ids)
            tenancy.found_tenant("Glow", tenant)
        here.publish()
        (size,) = here.press.published(tenant)
        yield House(here.exports, tenant, size, here.key(tenant), here.publish)


@pytest.fixture(params=[memory, postgres], ids=["memory", "postgres"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with request.param(request) as made:
        yield made


def test_a_copy_is_signed_whole_and_recorded_once_before_it(house: House):
    found = house.taken()
    found.require_signed(house.key)
    before = found.require_tree()
    assert len(before) == house.size > 1
    assert not any(b"ledger.exported.v1" in leaf for leaf in before)
    house.settle()
    after = house.taken().require_tree()
    assert after[: len(before)] == before
    assert [b"ledger.exported.v1" in leaf for leaf in after[len(before) :]] == [True]


@pytest.mark.parametrize(
    ("first", "past", "pointer"),
    [(0, 0, "/to"), (1, 1, "/from"), (0, 10**6, "/to"), (10**6, None, "/from"), (-1, 1, "/from")],
)
def test_a_range_beyond_what_is_signed_is_refused(
    house: House, first: int, past: int | None, pointer: str
):
    with pytest.raises(Malformed) as refused:
        house.taken(first, past)
    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_only_auditors_owners_and_officers_take_copies(house: House):
    with pytest.raises(NotPermitted):
        house.taken(by=Caller(house.tenant, "key_1", frozenset({"manager", "engineer"})))
    house.taken(by=Caller(house.tenant, "key_1", frozenset({"auditor"})))


def test_a_tenant_without_a_signed_event_has_nothing_to_copy(house: House, tmp_path: Path):
    stranger = uuid4()
    with bound_to(stranger), pytest.raises(NotFound):
        house.exports.take(0, None, operator(stranger))
