"""Where the read models stand in a tenant's log, and digests of what they hold of it: for its engineers. README D12.

Everything is told by the tenant's own positions: nothing says how much others have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args
from uuid import UUID

from application.permissions import require
from application.recorded import Caller
from domain.errors import NotFound

ModelName = Literal[
    "accesses", "agenda", "consents", "courier", "disclosures", "keeping", "withheld"
]
MODEL_NAMES: Final[tuple[ModelName, ...]] = get_args(ModelName)
ModelState = Literal["following", "paused", "stopped", "changed", "building"]


@dataclass(frozen=True, slots=True)
class ModelStanding:
    """A read model of a tenant. `position` is the last of its events that is in it, -1 when none is.

    `lag_events` are those that are not, `lag_seconds` since when the first of them is known. `failed` is the event at
    which it stopped, where that is the tenant's own, and `error` the kind of error and the event's type. `left_out` are
    streams of the tenant that somebody had it leave out.
    """

    name: str
    version: int
    state: ModelState
    position: int
    lag_events: int
    lag_seconds: float
    error: str | None = None
    failed: UUID | None = None
    left_out: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelDigest:
    """Of a tenant's rows, at a position: `digest` is SHA-256, hexadecimal; equal rows have equal digests."""

    name: str
    version: int
    position: int
    rows: int
    digest: str


class ModelReads(Protocol):
    """What is asked of read models."""

    def standing(self, tenant: UUID) -> Sequence[ModelStanding]:
        """Each model that is read, by name."""
        ...

    def digest(self, tenant: UUID, name: str) -> ModelDigest | None:
        """Of what is read, where the model stands; None when there is no such model."""
        ...

    def replayed(self, tenant: UUID, name: str, position: int) -> ModelDigest | None:
        """Of what a replay of the tenant's events up to `position` makes; None when there is no such model.

        Refuses: UnknownReference (there is no such position yet).
        """
        ...


@dataclass(frozen=True, slots=True)
class ReadModels:
    """Answers a tenant's engineers."""

    reads: ModelReads

    def page(self, by: Caller) -> Sequence[ModelStanding]:
        """Where each model stands. Refuses: NotPermitted."""
        require(by, "owner", "engineer", "auditor")
        return self.reads.standing(by.tenant)

    def digest(self, name: str, at: int | None, by: Caller) -> ModelDigest:
        """Of what is read, or of a replay to position `at`. Refuses: NotPermitted, NotFound, UnknownReference."""
        require(by, "owner", "engineer", "auditor")
        if at is None:
            found = self.reads.digest(by.tenant, name)
        else:
            found = self.reads.replayed(by.tenant, name, at)
        if found is None:
            raise NotFound()
        return found
