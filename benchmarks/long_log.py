"""A long log to follow: bookings and disclosures of many tenants, with their places, put in by COPY.

The events are ones that the product makes: sealed, encoded and headed by its own mapper. They come into the tables as
a restored copy does, since appending them one request at a time is another benchmark's business.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg

from application.recorded import Recorded
from benchmarks.mapper import OneKey
from domain.booking import BookingCancelled, BookingCompleted, BookingConfirmed, BookingRescheduled
from domain.booking_given import PersonGiven
from domain.disclosure import (
    DisclosureAttempted,
    DisclosureDelivered,
    DisclosureRecorded,
    Ground,
    Scope,
    SubjectShared,
)
from domain.recipient import RecipientRegistered
from domain.recipient_terms import RecipientTerms
from domain.values import Personal
from domain.visit import Visit
from infrastructure.ledger.tree.merkle import leaf_hash
from infrastructure.store.event_mapper import EventMapper, HeadedEvent

BEGINNING: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
AT_ONCE: Final = 5_000
STAFF: Final = [uuid4() for _ in range(50)]
PLACES: Final = [uuid4() for _ in range(5)]
SERVICES: Final = [uuid4() for _ in range(8)]
RECIPIENTS: Final = 5  # of each tenant

KEYS: Final = (
    "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE conrelid IN ('event'::regclass, 'sequenced'::regclass) AND contype IN ('p', 'u')"
)
OTHER_INDEXES: Final = (
    "SELECT FROM pg_index WHERE NOT indisunique"
    " AND indrelid IN ('event'::regclass, 'sequenced'::regclass)"
)
EVENTS: Final = (
    "COPY event (tenant_id, stream_id, stream_version, event_id, type, header, state)"
    " FROM STDIN (FORMAT BINARY)"
)
PLACED: Final = (
    "COPY sequenced (sequence, tenant_id, position, event_id, stream_id, stream_version, recorded_at, leaf_hash)"
    " FROM STDIN (FORMAT BINARY)"
)


@dataclass
class LongLog:
    """`events` events of `tenants` tenants, made by so many processes; each has tenants of its own."""

    events: int
    tenants: int = 40
    processes: int = 1
    positions: dict[UUID, int] = field(default_factory=dict)

    def put(self, dsn: str) -> None:
        """Into the database, in the order in which they happened; `dsn` is its owner's."""
        makers = [Maker(self, number) for number in range(self.processes)]
        with without_keys(dsn):
            if self.processes == 1:
                self.positions = makers[0].put(dsn)
            else:
                with get_context("spawn").Pool(self.processes) as pool:
                    for positions in pool.map(partial(_put, dsn), makers, chunksize=1):
                        self.positions |= positions
        with psycopg.connect(dsn) as owner:
            heads = [(one, size, BEGINNING) for one, size in self.positions.items()]
            owner.cursor().executemany("INSERT INTO ledger_head VALUES (%s, %s, %s)", heads)
            owner.execute("UPDATE sequencer_head SET sequence = %s", (self.events,))
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE event, sequenced")


@dataclass
class Maker:
    """Makes each n-th batch of a log, of n makers: so the places have no gap, and each tenant's events their order."""

    log: LongLog
    number: int
    positions: dict[UUID, int] = field(default_factory=dict)

    def put(self, dsn: str) -> dict[UUID, int]:
        """Its part; how many events each of its tenants has."""
        mapper, log = EventMapper(OneKey()), self.log
        story = (mapper.to_stored_event(one) for one in self._story())
        starts = range(self.number * AT_ONCE, log.events, AT_ONCE * log.processes)
        with psycopg.connect(dsn, options="-c synchronous_commit=off") as owner:
            for start in starts:
                count = min(AT_ONCE, log.events - start)
                self._copy(owner, list(islice(story, count)), start)
                owner.commit()
        return self.positions

    def _copy(
        self, owner: psycopg.Connection[Any], batch: list[HeadedEvent], sequence: int
    ) -> None:
        with owner.cursor().copy(EVENTS) as copy:
            copy.set_types(["uuid", "uuid", "int4", "uuid", "text", "bytea", "bytea"])
            for one in batch:
                row = one.row
                copy.write_row((*row[:4], row.type, row.header, row.payload))
        with owner.cursor().copy(PLACED) as copy:
            copy.set_types(["int8", "uuid", "int8", "uuid", "uuid", "int4", "timestamptz", "bytea"])
            for number, one in enumerate(batch, sequence + 1):
                row = one.row
                position = self.positions.get(row.tenant, 0)
                self.positions[row.tenant] = position + 1
                known = BEGINNING + timedelta(milliseconds=number)
                place = (row.event_id, row.stream, row.version)
                copy.write_row((number, row.tenant, position, *place, known, leaf_hash(row.header)))

    def _story(self) -> Iterator[Recorded[object]]:
        chance = random.Random(1 + self.number)
        tenants = [uuid4() for _ in range(max(1, self.log.tenants // self.log.processes))]
        recipients: dict[UUID, list[UUID]] = {}
        for tenant in tenants:
            known = [_recipient(tenant, number) for number in range(RECIPIENTS)]
            recipients[tenant] = [one.stream for one in known]
            yield from known
        while True:
            tenant = chance.choice(tenants)
            yield from _booking(tenant, chance)
            yield from _disclosure(tenant, chance.choice(recipients[tenant]), chance)


@contextmanager
def without_keys(dsn: str) -> Iterator[None]:
    """Both tables without their keys, which are made again, and so checked, in the end.

    Keys by random ids are made by one sort in a fraction of the time, and of the write-ahead log, of keeping them.
    """
    with psycopg.connect(dsn, autocommit=True) as owner:
        keys = owner.execute(KEYS).fetchall()
        assert not owner.execute(OTHER_INDEXES).fetchall(), "they would have to be made again, too"
        for table, name, _ in keys:
            owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
    yield
    with psycopg.connect(dsn, autocommit=True, options="-c maintenance_work_mem=512MB") as owner:
        for table, name, definition in keys:
            owner.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}".encode())


def _put(dsn: str, maker: Maker) -> dict[UUID, int]:
    return maker.put(dsn)


def _booking(tenant: UUID, chance: random.Random) -> Iterator[Recorded[object]]:
    """A booking, often moved, then kept or cancelled: three events on average."""
    booking, subject, service = uuid4(), uuid4(), chance.choice(SERVICES)
    visit = _visit(chance, service)
    given = PersonGiven(Personal("Ada Example"), Personal("ada@example.test"), None, None, {})
    decisions: list[object] = [BookingConfirmed(booking, subject, visit, None, None, given)]
    if chance.random() < 0.5:
        decisions.append(BookingRescheduled(booking, subject, _visit(chance, service)))
    if chance.random() < 0.5:
        decisions.append(BookingCancelled(booking, subject, "weather"))
    else:
        decisions.append(BookingCompleted(booking, subject))
    for version, decision in enumerate(decisions, 1):
        yield _event(tenant, booking, version, decision)


def _disclosure(tenant: UUID, recipient: UUID, chance: random.Random) -> Iterator[Recorded[object]]:
    """A disclosure about one person: recorded, attempted, delivered."""
    id = uuid4()
    about = SubjectShared(uuid4(), chance.randbytes(16).hex(), None, "none")
    recorded = DisclosureRecorded(
        disclosure=id,
        recipient=recipient,
        recipient_version=1,
        purpose="service",
        ground=Ground("contract"),
        scope=Scope(("name", "email")),
        our_role="controller",
        transfer=None,
        channel="https",
        withheld_until=None,
        count=1,
        subjects=(about,),
    )
    told = (recorded, DisclosureAttempted(1), DisclosureDelivered(1, 200))
    for version, decision in enumerate(told, 1):
        yield _event(tenant, id, version, decision)


def _recipient(tenant: UUID, number: int) -> Recorded[object]:
    terms = RecipientTerms(
        legal_name=f"Recipient {number} Inc",
        address=f"{number} Main Street",
        country=("US", "DE", "FR", "IN")[number % 4],
        kind="crm",
        role="processor",
        permitted_purposes=("service",),
        contract_ref=f"C-{number}",
        contract_from=date(2025, 1, 1),
    )
    id = uuid4()
    return _event(tenant, id, 1, RecipientRegistered(id, terms))


def _visit(chance: random.Random, service: UUID) -> Visit:
    start = BEGINNING + timedelta(minutes=15 * chance.randrange(40_000))
    end = start + timedelta(minutes=30)
    return Visit(service, chance.choice(PLACES), chance.choice(STAFF), start, end, start, end)


def _event(tenant: UUID, stream: UUID, version: int, decision: object) -> Recorded[object]:
    return Recorded(tenant, stream, version, uuid4(), BEGINNING, "key_1", decision)
