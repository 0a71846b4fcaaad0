"""A database that is lost and restored from a backup, with a mirror and a signer that know more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from domain.booking import Booking
from infrastructure.deployment import Deployment
from tests.store.backup import Backup, Standing, standing
from tests.store.ledger_house import LedgerHouse, ledger_house
from tests.store.trading import Trade, trade

QUEUED = "SELECT tenant_id, event_ids[1] FROM event_queue ORDER BY qid"
RESTORED = "SELECT tenant_id, state FROM event WHERE type = 'ledger.restored.v1' ORDER BY tenant_id"


@dataclass
class Story:
    """Two tenants, one of them founded after the backup; `lost` is what stood when the database was lost."""

    deployment: Deployment
    backup: Backup
    lost: Standing
    first: UUID
    second: UUID
    sizes: dict[UUID, tuple[int, int]]
    queued: Booking
    late: Booking
    lesson: UUID

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What the owner of the database does."""
        with psycopg.connect(self.deployment.main, autocommit=True) as owner:
            cursor = owner.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def sizes_found(self) -> int:
        """How many events the backup has places for."""
        return sum(found for found, _ in self.sizes.values())

    def require_all_back(self) -> None:
        """Everything stands as it stood, and each log says once that it was restored."""
        assert standing(self.deployment.main) == self.lost
        said = [(tenant, bytes(state).split(b"\n")[0]) for tenant, state in self.rows(RESTORED)]
        assert said == [
            (tenant, b'{"found":%d,"restored":%d}' % sizes)
            for tenant, sizes in sorted(self.sizes.items(), key=lambda one: one[0])
        ]
        assert {row[0] for row in self.rows(QUEUED)} == {self.first, self.second}


def live(deployment: Deployment) -> Story:
    """Trade, take a backup, trade on, lose the database."""
    owner = deployment.main
    with ledger_house(deployment) as house:
        first = trade(house.engine)
        called_off = first.book(26, "dora")
        house.settle(first.tenant)
        queued = first.book(30)
        found = size_of(owner, first.tenant)
        with psycopg.connect(owner) as connection:
            connection.execute("INSERT INTO read_model VALUES ('agenda', 1, 7, 'stopped', 'x')")
        backup = Backup.take(owner)
        live_on(house, first, called_off)
        late = first.book(33, "eve")
        second = trade(house.engine)
        house.settle(first.tenant, second.tenant)
        sizes = {
            first.tenant: (found, size_of(owner, first.tenant)),
            second.tenant: (0, size_of(owner, second.tenant)),
        }
    lost = standing(owner)
    tenants = first.tenant, second.tenant
    return Story(deployment, backup, lost, *tenants, sizes, queued, late, first.lesson)


def live_on(house: LedgerHouse, first: Trade, called_off: Booking) -> None:
    """More than a tile of events, some of them about what was there before."""
    house.sequence()
    first.cancel(called_off)
    first.book(7, "cleo", first.lesson)
    first.move(first.book(31, "cleo"), 32)
    first.import_busy(9)
    first.revise(260)


def size_of(dsn: str, tenant: UUID) -> int:
    with psycopg.connect(dsn) as owner:
        row = owner.execute(
            "SELECT size FROM ledger_head WHERE tenant_id = %s", (tenant,)
        ).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def put_back(told: Story, kept: Path) -> Iterator[Story]:
    """The backup is back; mirror and signer are as they were when the database was lost."""
    settings = told.deployment.settings
    for folder in (settings.mirror, settings.signer):
        shutil.copytree(folder, kept / folder.name)
    told.backup.put_back()
    yield told
    for folder in (settings.mirror, settings.signer):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(kept / folder.name, folder)
