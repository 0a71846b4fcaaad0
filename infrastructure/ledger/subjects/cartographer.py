"""The cartographer: keeps the index of subjects up, and has maps of them become leaves. README D7.

A map is drawn at the latest when 65,536 leaves, or ten minutes with activity, have passed since the last one; and when
somebody wishes for one, though not faster than every other second.

    index what was sequenced                    crash here: the index says how far it is
    draw: chains and map in one transaction     crash here: the map is drawn, and not yet a leaf
    append the leaf that commits to its root    (its stream has the map's size in its name: it is there once)

Appending never waits for any of it, whoever an event is about: chains follow from the order of the log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from application.ledger.records import LedgerRecords, log_stream
from application.ports import Clock
from domain.ledger import LogFrozen, MapCommitted
from infrastructure.canonical import b64
from infrastructure.database import WalledConnection
from infrastructure.ledger.subjects.map_drawing import LEAVES_MAX, DrawnMap, draw
from infrastructure.ledger.subjects.subject_index import index_some
from infrastructure.wall import bound_to

LOCK: Final = 5550917284
PERIOD: Final = timedelta(minutes=10)
PAUSE: Final = timedelta(seconds=2)
WISHES_AT_ONCE: Final = 1_000

# How far each log is indexed, and what its last map covers.
LOGS: Final = (
    "SELECT h.tenant_id, i.size, m.covers, m.keys, m.previous, m.root, m.drawn_at FROM ledger_head h"
    " CROSS JOIN LATERAL (SELECT s.position + 1 AS size FROM sequenced s WHERE s.tenant_id = h.tenant_id"
    " AND s.sequence <= (SELECT sequence FROM subject_index) ORDER BY s.position DESC LIMIT 1) i"
    " LEFT JOIN subject_map m ON m.tenant_id = h.tenant_id"
)
LEAF_OF_MAP: Final = "SELECT min(position) FROM map_leaf WHERE tenant_id = %b AND covers = %s"
LAST_MAP_LEAF: Final = "SELECT max(position) FROM map_leaf WHERE tenant_id = %b"
ENDED: Final = "SELECT count(*) FROM event WHERE tenant_id = %b AND stream_id = %b AND type = %s"
WISHES: Final = "SELECT tenant_id FROM map_wish LIMIT %s"
GRANT_WISHES: Final = "DELETE FROM map_wish WHERE tenant_id = ANY(%b::uuid[])"


@dataclass(slots=True)
class Log:
    """A log as the cartographer sees it. `since` is when its last map was drawn, or when it was first seen without."""

    size: int
    since: datetime
    drawn: DrawnMap | None = None
    leaf: int | None = None  # of the last map; None until it has its place
    ended: bool = False  # frozen: the leaf of another map would never be signed for

    @property
    def activity(self) -> int:
        """How many leaves the last map does not cover, its own left out; none in a log that has ended."""
        if self.ended:
            return 0
        if self.drawn is None:
            return self.size
        own = self.leaf is not None and self.leaf < self.size
        return self.size - self.drawn.covers - own


@dataclass(slots=True)
class Cartographer:
    """Keeps maps of all logs. `open` first, once `take_office` was granted; then `step` in a loop."""

    records: LedgerRecords
    clock: Clock
    _logs: dict[UUID, Log] = field(default_factory=dict)

    def take_office(self, connection: WalledConnection) -> bool:
        """True when this session is the one cartographer; it is until the session ends."""
        return connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() == (True,)

    def open(self, connection: WalledConnection) -> None:
        """Catch up with the log, and finish what a crash left between map and leaf."""
        while index_some(connection)[0]:
            pass
        self._logs.clear()
        now = self.clock.now()
        for tenant, size, covers, keys, previous, root, drawn_at in connection.execute(
            LOGS, binary=True
        ).fetchall():
            log = Log(size, drawn_at or now)
            if covers is not None:
                log.drawn = DrawnMap(covers, keys, previous, bytes(root))
                self._commit(tenant, log.drawn)
            self._logs[tenant] = log

    def step(self, connection: WalledConnection) -> int:
        """Index what came, and draw what is due; how many events were indexed."""
        now = self.clock.now()
        indexed, reached = index_some(connection)
        for tenant, size in reached.items():
            self._logs.setdefault(tenant, Log(0, now)).size = size
        wishes = [row[0] for row in connection.execute(WISHES, (WISHES_AT_ONCE,), binary=True)]
        for tenant in self._due(connection, set(wishes), now):
            self._draw(connection, tenant, now)
        return indexed

    def _due(self, connection: WalledConnection, wishes: set[UUID], now: datetime) -> list[UUID]:
        due = []
        for tenant, log in self._logs.items():
            activity = log.activity
            wished = tenant in wishes and (log.drawn is None or now - log.since >= PAUSE)
            if activity > 0 and (wished or activity >= LEAVES_MAX or now - log.since >= PERIOD):
                due.append(tenant)
        idle = [tenant for tenant in wishes if self._is_drawn(tenant)]
        if idle:
            connection.execute(GRANT_WISHES, (idle,))
        return due

    def _is_drawn(self, tenant: UUID) -> bool:
        log = self._logs.get(tenant)
        return log is not None and log.activity <= 0

    def _draw(self, connection: WalledConnection, tenant: UUID, now: datetime) -> None:
        log = self._logs[tenant]
        log.ended = bool(one(connection, ENDED, tenant, log_stream(tenant), LogFrozen.TYPE))
        if log.ended:
            return
        if log.drawn is not None and log.leaf is None:
            log.leaf = one(connection, LEAF_OF_MAP, tenant, log.drawn.covers)
            if log.leaf is None or log.activity <= 0:
                return  # it waits for its place, or nothing else has come: seen to at the next step
        # The last one in the log, which is not this one's where the database was restored to an earlier map.
        previous = one(connection, LAST_MAP_LEAF, tenant)
        log.drawn = draw(connection, tenant, log.size, previous, now)
        log.since, log.leaf = now, None
        self._commit(tenant, log.drawn)

    def _commit(self, tenant: UUID, drawn: DrawnMap) -> None:
        decision = MapCommitted(drawn.covers, drawn.keys, drawn.previous, b64(drawn.root))
        with bound_to(tenant):
            self.records.commit_map(tenant, decision)


def one(connection: WalledConnection, statement: str, *values: object) -> int | None:
    """The number that a statement finds, if any."""
    found = connection.execute(statement.encode(), values, binary=True).fetchone()
    return None if found is None or found[0] is None else int(found[0])
