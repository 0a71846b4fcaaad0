"""The courier's part of the worker: look at what is due, and carry some of it at once; a slow recipient holds up none.

At most two things of one recipient are on their way at a time. What could not be done rests for a while.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Final
from uuid import UUID

from api.composition import production
from api.process.loops import Stop
from application.disclosing.courier import Courier, DueThing
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.wall import bound_to
from projections.courier import tenants_due

THREADS: Final = 4
OF_ONE_RECIPIENT: Final = 2
LOOK_SECONDS: Final = 0.25
REST_SECONDS: Final = 2.0

log = logging.getLogger("daybook.courier")


def carry_in_turns(stop: Stop, deployment: Deployment, follower_role: Database) -> None:
    """Carry what is due until told to stop; what is on its way then is brought to its end."""
    platform, engine = production(deployment, connections=THREADS + 1)
    try:
        with ThreadPoolExecutor(THREADS, thread_name_prefix="courier") as pool:
            round_ = Rounds(platform.courier, pool)
            while not stop.asked():
                now = platform.clock.now()
                round_.make(tenants_due(follower_role, now))
                stop.wait(LOOK_SECONDS)
    finally:
        engine.close()


@dataclass(slots=True)
class Rounds:
    """What is on its way, by thing, and what rests, until when (monotonic)."""

    courier: Courier
    pool: ThreadPoolExecutor
    away: dict[UUID, DueThing] = field(default_factory=dict)
    resting: dict[UUID, float] = field(default_factory=dict)

    def make(self, tenants: Sequence[UUID]) -> None:
        """Send as many on their way as there is room for."""
        self.resting = {id: until for id, until in self.resting.items() if until > monotonic()}
        for tenant in tenants:
            with bound_to(tenant):
                for thing in self.courier.due(tenant):
                    if self._has_room(thing):
                        self._send(tenant, thing)

    def _has_room(self, thing: DueThing) -> bool:
        if thing.id in self.away or thing.id in self.resting or len(self.away) >= THREADS:
            return False
        going = Counter(one.recipient for one in list(self.away.values()))
        return thing.recipient is None or going[thing.recipient] < OF_ONE_RECIPIENT

    def _send(self, tenant: UUID, thing: DueThing) -> None:
        self.away[thing.id] = thing
        self.pool.submit(self._carry, tenant, thing).add_done_callback(self._back(thing))

    def _carry(self, tenant: UUID, thing: DueThing) -> bool:
        with bound_to(tenant):
            return self.courier.carry(tenant, thing)

    def _back(self, thing: DueThing) -> Callable[[Future[bool]], None]:
        def back(done: Future[bool]) -> None:
            failure = done.exception()
            if failure is not None:
                log.error("%s %s failed: %s", thing.kind, thing.id, type(failure).__name__)
            if failure is not None or not done.result():
                self.resting[thing.id] = monotonic() + REST_SECONDS
            self.away.pop(thing.id, None)

        return back
