"""The worlds that pass the contracts: each adapter is made by one function here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from uuid import UUID

import pytest

from domain.sealing import RETENTION_CLASSES
from infrastructure.twin.memory import MemoryWorld
from tests.contracts.postgres_world import PostgresContractWorld
from tests.contracts.world import NOW, Desk, World


class MemoryContractWorld(MemoryWorld):
    """The in-memory twin, with what only tests ask for."""

    def inside(self, tenant: UUID) -> AbstractContextManager[None]:
        return nullcontext()

    def advance(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    def fence(self, tenant: UUID, subject: UUID) -> None:
        for name in RETENTION_CLASSES:
            self.state.fences[tenant, subject, name] = NOW

    def destroy_keys(self, tenant: UUID, subject: UUID) -> None:
        self.vault.erase(tenant, subject)


@contextmanager
def memory(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world in memory."""
    yield MemoryContractWorld()


@contextmanager
def postgres(request: pytest.FixtureRequest) -> Iterator[World]:
    """The worker's PostgreSQL."""
    yield PostgresContractWorld(
        request.getfixturevalue("deployment"), request.getfixturevalue("engine")
    )


WORLDS: dict[str, Callable[[pytest.FixtureRequest], AbstractContextManager[World]]] = {
    "memory": memory,
    "postgres": postgres,
}


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each world in turn; one deployment, which tests share by tenants of their own."""
    with WORLDS[request.param](request) as made:
        yield made


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    """A tenant of its own, to which the test is bound."""
    one = Desk(world)
    with world.inside(one.tenant):
        yield one
