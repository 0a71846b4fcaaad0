"""Reading ahead gives the very batches that reading does, whatever is asked for in between."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.following import EVERY_TENANT, Batch, Sequenced, Shard
from application.recorded import Recorded
from domain.errors import LedgerDamaged
from projections.engine.read_model import Connection
from projections.engine.reading_ahead import reading_ahead

AT = datetime(2027, 1, 1, tzinfo=UTC)
NOWHERE = cast(Connection, None)
WANTED = frozenset[type]()
# What `following` may ask for next: how many, and by how much the end moved on.
ASKED = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 12)), min_size=1, max_size=30)


class Log:
    """A log whose every event is wanted; one of them may be damaged."""

    def __init__(self, damaged: int = 0) -> None:
        self.damaged = damaged
        self.looks = 0

    def after(
        self,
        connection: Connection,
        sequence: int,
        limit: int,
        wanted: frozenset[type],
        shard: Shard = EVERY_TENANT,
        until: int = 0,
    ) -> Batch:
        """See EventSource."""
        self.looks += 1
        found = range(sequence + 1, min(sequence + limit, until) + 1)
        if self.damaged in found:
            raise LedgerDamaged("changed")
        events = [Sequenced(one, one, AT, event()) for one in found]
        return Batch(events, len(found), found[-1] if found else 0)


def event() -> Recorded[object]:
    """Any."""
    return Recorded(UUID(int=1), UUID(int=2), 1, UUID(int=3), AT, "system:test", object())


def sequences(batch: Batch) -> tuple[list[int], int, int]:
    """What of a batch can be told apart."""
    return [one.sequence for one in batch.events], batch.looked, batch.last


@given(ASKED)
def test_it_gives_what_reading_gives(asked: list[tuple[int, int]]) -> None:
    plain, at, until = Log(), 0, 0
    with reading_ahead(Log(), NOWHERE) as ahead:
        for limit, moved in asked:
            until += moved
            found = ahead.after(NOWHERE, at, limit, WANTED, EVERY_TENANT, until)
            expected = plain.after(NOWHERE, at, limit, WANTED, EVERY_TENANT, until)
            assert sequences(found) == sequences(expected)
            at = max(at, found.last)


def test_each_batch_is_read_once() -> None:
    log, at = Log(), 0
    with reading_ahead(log, NOWHERE) as ahead:
        for _ in range(10):
            at = ahead.after(NOWHERE, at, 5, WANTED, EVERY_TENANT, 50).last
    assert (at, log.looks) == (50, 10)


def test_damage_is_told_when_the_batch_is_asked_for_and_not_before() -> None:
    with reading_ahead(Log(damaged=7), NOWHERE) as ahead:
        assert ahead.after(NOWHERE, 0, 5, WANTED, EVERY_TENANT, 50).last == 5
        with pytest.raises(LedgerDamaged):
            ahead.after(NOWHERE, 5, 5, WANTED, EVERY_TENANT, 50)
        assert ahead.after(NOWHERE, 5, 1, WANTED, EVERY_TENANT, 50).last == 6
