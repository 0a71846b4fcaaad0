"""What followers of the events are handed: events in the deployment's order, each with its place in its log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from application.recorded import Recorded
from domain.errors import Behind


class ReadModelStopped(Behind):
    """The read model has stopped before that position: an engineer has to look at it."""

    code = "read_model_stopped"


_stale: ContextVar[dict[str, int] | None] = ContextVar("stale", default=None)


@contextmanager
def noting_stale() -> Iterator[dict[str, int]]:
    """What the block reads of read models that do not follow: by name, the position up to which they are served."""
    noted: dict[str, int] = {}
    token = _stale.set(noted)
    try:
        yield noted
    finally:
        _stale.reset(token)


def note_stale(model: str, position: int) -> None:
    """Say that `model`, which is about to be read, does not follow any more, and stands at `position`."""
    noted = _stale.get()
    if noted is not None:
        noted[model] = position


class Sequenced(NamedTuple):
    """An event, its number in the deployment's order, and where and when its tenant's ledger took it in."""

    sequence: int
    position: int
    recorded_at: datetime
    event: Recorded[object]


@dataclass(frozen=True, slots=True)
class Batch:
    """What was found after a sequence: `events` are those that were asked for, among the `looked` that there were.

    `last` is the sequence of the last one looked at, asked for or not; with `looked` 0 there was none.
    """

    events: list[Sequenced]
    looked: int
    last: int


@dataclass(frozen=True, slots=True)
class Shard:
    """The tenants for whom hash modulo `shards` is `shard`: they are followed apart from others."""

    shard: int = 0
    shards: int = 1


EVERY_TENANT: Final = Shard()
