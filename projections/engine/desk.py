"""Does to read models what their operators want, and puts it on record in the same transaction. README D12.

The verbs of the command line and the routes of the API come here alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from application.operating_models import Act, LeavingOut, Order
from domain.operating import Job
from domain.values import public_id
from projections.engine import jobs
from projections.engine.follower import Follower
from projections.engine.layout import retired
from projections.engine.quarantine import Wanted, leave_out, tenants_with
from projections.engine.read_model import Connection, EventSource, ReadModel

REPLACED: Final = (
    "SELECT to_regnamespace(%s) IS NOT NULL"
    " OR EXISTS (SELECT FROM read_model WHERE name = %s AND NOT is_current)"
)


@dataclass(frozen=True, slots=True)
class PostgresModelDesk:
    """The port `ModelDesk`. `connected` gives a connection of the follower's role, in autocommit."""

    connected: Callable[[], AbstractContextManager[Connection]]
    models: Sequence[ReadModel]
    source: EventSource
    may_leave_out: frozenset[str]

    def knows(self, name: str) -> bool:
        """See the port."""
        return any(one.name == name for one in self.models)

    def pause(self, act: Act) -> bool:
        """See the port."""
        with self.connected() as connection, connection.transaction():
            done = Follower(self._model(act.name), self.source).pause(connection)
            if done:
                jobs.note(connection, act)
        return done

    def resume(self, act: Act) -> bool:
        """See the port."""
        with self.connected() as connection, connection.transaction():
            done = Follower(self._model(act.name), self.source).resume(connection)
            if done:
                jobs.note(connection, act)
        return done

    def leave_out(self, act: Act, stream: UUID) -> LeavingOut:
        """See the port."""
        model, by = self._model(act.name), who(act)
        if act.name not in self.may_leave_out:
            return "leaves_nothing_out"
        with self.connected() as connection, connection.transaction() as whole:
            tenants = tenants_with(connection, stream)
            wanted = (Wanted(one, stream, by, act.reason or "", act.at) for one in tenants)
            if not all(leave_out(connection, model, one) for one in wanted):
                whole.force_rollback = True
                return "leaves_nothing_out"
            if tenants:
                jobs.note(connection, act, str(stream))
        return "left_out" if tenants else "no_stream"

    def order(self, act: Act, order: Order) -> Job:
        """See the port."""
        with self.connected() as connection:
            return jobs.order(connection, act, order)

    def last_job(self, name: str) -> Job | None:
        """See the port."""
        with self.connected() as connection:
            return jobs.last_job(connection, name)

    def to_switch(self, name: str) -> Job | None:
        """See the port."""
        with self.connected() as connection:
            return jobs.compared(connection, name)

    def to_drop(self, name: str) -> bool:
        """See the port."""
        with self.connected() as connection:
            row = connection.execute(REPLACED, (retired(self._model(name)), name)).fetchone()
        return row == (True,)

    def _model(self, name: str) -> ReadModel:
        return next(one for one in self.models if one.name == name)


def who(act: Act) -> str:
    """Who acts, on one line: a key and whose it is, or an account at the machine."""
    return act.by if act.tenant is None else f"{act.by} of {public_id('tenant', act.tenant)}"
