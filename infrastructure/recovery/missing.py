"""What a restored database lacks, found and checked before anything is changed.

Every event of the mirror beyond the database's last one is read, held against its header, its place in its log and
what waits in the queue; and every log must come out as the tree that the signer signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg

from application.event_types import catalogue
from domain.tenant import TenantFounded
from domain.values import public_id
from infrastructure.canonical import parsed
from infrastructure.ledger.publishing.mirror import Mirror, MirroredEvent
from infrastructure.ledger.publishing.origins import Origins, default
from infrastructure.ledger.signing.signer_memory import Remembered
from infrastructure.ledger.tree import merkle
from infrastructure.ledger.tree.intact import StoredRow, flaw_of_row
from infrastructure.ledger.tree.merkle import Frontier, leaf_hash
from infrastructure.ledger.tree.stored_tree import StoredTree
from infrastructure.ledger.tree.tile_writer import TreeDamaged
from infrastructure.recovery.waiting import RecoveryRefused, Waiting, contradiction
from infrastructure.store.upcasts import UPCASTS

HEAD: Final = "SELECT sequence FROM sequencer_head"
LAST: Final = "SELECT event_id, leaf_hash FROM sequenced WHERE sequence = %s"
HEADS: Final = "SELECT tenant_id, size FROM ledger_head"
STORED: Final = (
    "SELECT event_id, type, header, state FROM event"
    " WHERE tenant_id = %b AND stream_id = %b AND stream_version = %s"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A connection's rows, for what asks a database."""

    connection: psycopg.Connection[Any]

    def rows(self, statement: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        """All rows of one statement."""
        return self.connection.execute(statement.encode(), parameters, binary=True).fetchall()


@dataclass(slots=True)
class Growing:
    """A log that gets events back: its size as it was found, and its tree as it becomes."""

    found: int
    tree: Frontier
    origin: str


@dataclass(frozen=True, slots=True)
class Missing:
    """What the database lacks. `logs` says of each tenant concerned the size found, and the size to be."""

    first: int
    last: int
    logs: Mapping[UUID, tuple[int, int]]
    waiting: int

    @property
    def events(self) -> int:
        """How many events are missing."""
        return max(0, self.last - self.first + 1)


def find_missing(
    connection: psycopg.Connection[Any],
    mirror: Mirror,
    remembered: Mapping[str, Remembered] | None,
) -> Missing:
    """Find what is missing, and check all of it; changes nothing.

    `remembered` is what the signer signed, None where nobody knows.
    Raises RecoveryRefused, MirrorDamaged.
    """
    found = Asked(connection).rows(HEAD)
    head = int(found[0][0]) if found else 0
    looking = _Looking(Asked(connection), Waiting.read(connection), remembered or {})
    last = head
    for event in _beyond(Asked(connection), mirror, head):
        looking.check(event)
        last = event.sequence
    looking.require_all_that_was_signed()
    logs = {tenant: (log.found, log.tree.size) for tenant, log in looking.logs.items()}
    return Missing(head + 1, last, logs, looking.waiting.left())


def _beyond(database: Asked, mirror: Mirror, head: int) -> Iterator[MirroredEvent]:
    """The mirror's events after `head`, at which both must have the same one."""
    if mirror.end() <= head:
        return  # the database is ahead, as it is between two ticks of the publisher
    events = mirror.read(max(0, head - 1))
    if head:
        common = next(events)
        if database.rows(LAST, (head,)) != [(common.event_id, leaf_hash(common.header))]:
            raise RecoveryRefused(
                f"event {head}, the database's last, is another one in the mirror: one of them was changed by hand"
            )
    yield from events


@dataclass(slots=True)
class _Looking:
    database: Asked
    waiting: Waiting
    remembered: Mapping[str, Remembered]
    logs: dict[UUID, Growing] = field(default_factory=dict)
    heads: dict[UUID, int] = field(init=False)
    origins: dict[UUID, str] = field(init=False)
    known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.heads = dict(self.database.rows(HEADS))
        self.origins = Origins(self.database).of(list(self.heads))
        self.known = frozenset(catalogue()) | frozenset(UPCASTS)

    def check(self, event: MirroredEvent) -> None:
        """Check the event that comes next."""
        if event.type not in self.known:
            raise RecoveryRefused(
                f"the mirror has events of a type that this program does not know: {event.type}"
            )
        row = StoredRow(*_place(event), event.event_id, event.type, event.header, event.payload)
        if flaw := flaw_of_row(row):
            raise RecoveryRefused(f"event {event.sequence} of the mirror is damaged: {flaw}")
        log = self.logs.get(event.tenant) or self._begin(event)
        if event.position != log.tree.size:
            raise RecoveryRefused(
                f"log {log.origin} has {log.tree.size} events, and the mirror goes on with number {event.position}"
            )
        self.waiting.take(event)
        if self.waiting.is_waiting(event):
            self._require_same(event)
        log.tree = log.tree.extended([leaf_hash(event.header)])
        self._compare(log, log.tree.size, log.tree.root())

    def require_all_that_was_signed(self) -> None:
        """Nothing may be signed for that neither the database nor the mirror has."""
        sizes = {self.origins[tenant]: size for tenant, size in self.heads.items()}
        sizes |= {log.origin: log.tree.size for log in self.logs.values()}
        for origin, tree in self.remembered.items():
            if sizes.get(origin, 0) < tree.size:
                raise RecoveryRefused(
                    f"log {origin} has {sizes.get(origin, 0)} events in database and mirror, and the signer signed"
                    f" {tree.size}: what is beyond is not there to be brought back"
                )

    def _begin(self, event: MirroredEvent) -> Growing:
        size = self.heads.get(event.tenant, 0)
        origin = self.origins.get(event.tenant) or _origin_in(event)
        reader = StoredTree(self.database.rows).reader(event.tenant, size)
        try:
            log = Growing(size, merkle.frontier(size, reader), origin)
            signed = self.remembered.get(origin)
            if signed is not None and 0 < signed.size <= size:
                self._compare(log, signed.size, merkle.root(signed.size, reader))
        except TreeDamaged as damage:
            raise RecoveryRefused(str(damage)) from None
        self.logs[event.tenant] = log
        return log

    def _compare(self, log: Growing, size: int, root: bytes) -> None:
        signed = self.remembered.get(log.origin)
        if signed is not None and signed.size == size and signed.root != root:
            raise RecoveryRefused(
                f"log {log.origin} does not come out as it was signed at size {size}: database or mirror was changed"
            )

    def _require_same(self, event: MirroredEvent) -> None:
        stored = self.database.rows(STORED, _place(event))
        same = [(event.event_id, event.type, event.header, event.payload)]
        if stored != same:
            raise contradiction(event, "the database has other bytes there, not sequenced yet")


def _place(event: MirroredEvent) -> tuple[UUID, UUID, int]:
    return event.tenant, event.stream, event.version


def _origin_in(event: MirroredEvent) -> str:
    """The name of a log that the database does not know, from its first event."""
    if event.type == TenantFounded.TYPE and event.stream == event.tenant:
        return str(parsed(event.payload.split(b"\n")[0])["origin"]) or default(event.tenant)
    return default(event.tenant)


def named(tenant: UUID) -> str:
    """A tenant, for people."""
    return public_id("tenant", tenant)
