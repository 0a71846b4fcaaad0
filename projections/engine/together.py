"""Keeps several read models up on one connection: those that stand at one event take a batch in together. README D12.

One read, one decoding and one transaction move all their checkpoints and rows: where events come a few at a time, that
is what a step costs. A batch that fails is taken in model by model, as `Follower.step` does it: whichever is at fault
stops alone. A model far behind the foremost, or with whom the database failed, is set apart: it is for others to follow
it on a connection of its own until it is near, so nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from application.following import Batch
from projections.engine.follower import BATCH_EVENTS_MAX, LOST, Follower, ModelStopped
from projections.engine.quarantine import left_out_of, without
from projections.engine.read_model import Connection

NEAR_EVENTS: Final = 2 * BATCH_EVENTS_MAX
# Looked at before anything is locked: a lock is written, and a follower that idles looks ten times a second.
STANDING: Final = (
    "SELECT m.name, m.sequence, (SELECT max(sequence) FROM sequenced) FROM read_model m"
    " JOIN unnest(%s::text[], %s::int[], %s::text[]) AS w(name, version, code)"
    " ON m.name = w.name AND m.version = w.version"
    " WHERE m.state = 'following' AND coalesce(m.fingerprint, w.code) = w.code"
)
# It locks the rows of those that still stand there: what they leave out is looked at after it. Whom somebody else holds
# at this moment (to switch to tables made anew, say) is left behind for now, and nobody waits.
MOVE: Final = (
    "UPDATE read_model m SET sequence = %s FROM (SELECT r.name, r.version FROM read_model r"
    " JOIN unnest(%s::text[], %s::int[], %s::text[]) AS w(name, version, code)"
    " ON r.name = w.name AND r.version = w.version WHERE r.sequence = %s AND r.state = 'following'"
    " AND coalesce(r.fingerprint, w.code) = w.code FOR UPDATE OF r SKIP LOCKED) AS held"
    " WHERE m.name = held.name AND m.version = held.version RETURNING m.name"
)


@dataclass(slots=True)
class Together:
    """The followers of one session. `apart` names the models that others follow; it may be shared by threads.

    `stopped` is told of each model that stops.
    """

    followers: Sequence[Follower]
    apart: set[str] = field(default_factory=set)
    stopped: Callable[[ModelStopped], None] = lambda _stopped: None
    _led: dict[str, Follower] = field(init=False, default_factory=dict)

    @property
    def leads(self) -> bool:
        """True while this session leads any model."""
        return bool(self._led)

    def lead(self, connection: Connection) -> list[Follower]:
        """Try to lead those that are not led here, nor set apart; those that are led from now on."""
        won = [
            one
            for one in self.followers
            if one.model.name not in self._led
            and one.model.name not in self.apart
            and one.lead(connection)
        ]
        self._led |= {one.model.name: one for one in won}
        return won

    def step(self, connection: Connection, limit: int = BATCH_EVENTS_MAX) -> int:
        """Look at no more than `limit` events; how many were, of the model that looked at most. 0: there are none.

        Those that are a little behind follow up to where the others stood.
        """
        rows = (
            connection.execute(STANDING, _keys(self._led.values())).fetchall() if self._led else []
        )
        if not rows:
            return 0
        foremost, worked = max(place for _, place, _ in rows), 0
        end = min(foremost + limit, rows[0][2] or 0)
        levels: dict[int, set[str]] = {}
        for name, place, _ in rows:
            if foremost - place > NEAR_EVENTS:
                self._set_apart(connection, name)
            else:
                levels.setdefault(place, set()).add(name)
        for place, names in sorted(levels.items(), reverse=True):
            to = end if place == foremost else foremost
            if place < to:
                worked = max(worked, self._level(connection, place, names, min(limit, to - place)))
        return worked

    def _level(self, connection: Connection, place: int, names: set[str], limit: int) -> int:
        """Those who stand at one place: together, or else each alone."""
        level = [one for one in self.followers if one.model.name in names]
        try:
            wanted = frozenset[type]().union(*(one.model.consumes for one in level))
            batch = level[0].source.after(connection, place, limit, wanted)
            return self._take(connection, place, level, batch) if batch.looked else 0
        except (
            Exception
        ):  # tidy: allow broad-except - which of them is at fault shows when each is alone
            if connection.closed:
                raise
        return max([self._alone(connection, one.model.name, limit) for one in level])

    def _take(
        self, connection: Connection, place: int, level: Sequence[Follower], batch: Batch
    ) -> int:
        assert batch.last == place + batch.looked, "sequences have no gaps"
        with connection.transaction():
            rows = connection.execute(MOVE, (batch.last, *_keys(level), place)).fetchall()
            moved = [one.model for one in level if (one.model.name,) in rows]
            out = left_out_of(connection, moved)
            for model in moved:
                wanted = [one for one in batch.events if type(one.event.decision) in model.consumes]
                if events := without(wanted, out.get(model.name, {})):
                    model.apply(connection, events)
        return batch.looked if moved else 0

    def _alone(self, connection: Connection, name: str, limit: int) -> int:
        try:
            return self._led[name].step(connection, limit)
        except ModelStopped as stopped:
            self.stopped(stopped)
        except LOST:
            if connection.closed:
                raise
            self._set_apart(connection, name)
        return 0

    def _set_apart(self, connection: Connection, name: str) -> None:
        self._led.pop(name).lead_no_longer(connection)
        self.apart.add(name)


def _keys(followers: Iterable[Follower]) -> tuple[list[str], list[int], list[str]]:
    chosen = list(followers)
    return (
        [one.model.name for one in chosen],
        [one.model.version for one in chosen],
        [one.code for one in chosen],
    )
