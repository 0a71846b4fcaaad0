"""Who is erased stays erased, whatever old copy comes back: of the main database, or of the keys. README D8, D9."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest

from api.composition import production
from api.platform import Platform
from api.process.recovering import KeysNotDestroyed, erase_again, guard
from application.erasing import eraser as eraser_module
from application.erasing.eraser import Eraser
from application.erasing.key_shredding import KeyShredder, Turned
from application.erasing.ordering import ERASURES, NothingKept, Wish
from application.event_types import catalogue
from application.recorded import Caller
from domain.erasure import Erasure
from domain.errors import Unavailable
from infrastructure.deployment import Deployment, DeploymentRefused
from infrastructure.engine import Engine
from infrastructure.keys.key_backup import newest_backup, restore_key_backup
from infrastructure.keys.shredding import PostgresKeyShredder
from infrastructure.ledger.publishing.fork_guard import Behind, compare
from infrastructure.wall import bound_to
from tests.store.backup import Backup
from tests.store.key_copy import TABLES, KeyCopy
from tests.store.ledger_house import LedgerHouse, ledger_house
from tests.store.trading import Trade, trade

TYPES = frozenset(catalogue())
FENCES = "SELECT * FROM subject_fence ORDER BY 2, 3"


@dataclass(frozen=True)
class NoPlaceForKeys:
    """A shredder that destroys, and cannot turn the epoch: a place of epoch keys is away."""

    real: KeyShredder

    def turn_epoch(self, at: datetime) -> Turned:
        raise Unavailable("A place of epoch keys cannot be reached", retry_after_seconds=1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@dataclass
class Office:
    """A shop with two customers, and all that erases one of them."""

    house: LedgerHouse
    platform: Platform
    shop: Trade
    ada: UUID
    bob: UUID

    @property
    def eraser(self) -> Eraser:
        return self.platform.eraser

    def without_a_turn(self) -> Eraser:
        """An eraser that comes no further than online."""
        return replace(self.eraser, shredder=cast(Any, NoPlaceForKeys(self.eraser.shredder)))

    def order(self) -> UUID:
        """Order Ada erased, and have the order mirrored."""
        by = Caller(self.shop.tenant, "key_officer", frozenset({"privacy_officer"}))
        with bound_to(self.shop.tenant):
            # Nobody follows the events here, and what rules keep is asked of a read model.
            orders = replace(self.eraser.orders, keeping=NothingKept())
            id = orders.order(by, Wish(self.ada, "request"))
        self.house.settle(self.shop.tenant)
        return id

    def erase(self) -> UUID:
        """Erase Ada to the end."""
        id = self.order()
        self.eraser.round([self.shop.tenant])
        assert self.state(id).status == "complete"
        self.house.settle(self.shop.tenant)
        return id

    def state(self, id: UUID) -> Erasure:
        with bound_to(self.shop.tenant):
            return ERASURES.find(self.house.engine.book, self.shop.tenant, id)[1]

    def said(self, id: UUID) -> list[str]:
        with bound_to(self.shop.tenant):
            events = self.house.engine.store.read(self.shop.tenant, id)
        return [type(event.decision).__name__ for event in events]


@contextmanager
def office(deployment: Deployment) -> Iterator[Office]:
    """Open it; everything that holds connections is gone afterwards."""
    platform, engine = production(deployment, connections=2)
    try:
        with ledger_house(deployment) as house:
            shop = trade(house.engine)
            ada, bob = (shop.book(hour, who).subject for hour, who in ((40, "ada"), (41, "bob")))
            house.settle(shop.tenant)
            yield Office(house, platform, shop, ada, bob)
    finally:
        engine.close()


def state_after(deployment: Deployment, of: Office, id: UUID) -> Erasure:
    """How the erasure stands, when the office is closed."""
    engine = Engine.connect(deployment, connections=1)
    try:
        with bound_to(of.shop.tenant):
            return ERASURES.find(engine.book, of.shop.tenant, id)[1]
    finally:
        engine.close()


def rows(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as owner:
        return owner.execute(statement.encode()).fetchall()


def living(deployment: Deployment, of: Office, *subjects: UUID) -> set[UUID]:
    """Those who have a key that opens."""
    engine = Engine.connect(deployment, connections=1)
    try:
        return set(engine.shredder.living(of.shop.tenant, subjects))
    finally:
        engine.close()


def test_an_old_main_database_makes_nobody_alive_again(
    own_deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    with office(own_deployment) as it:
        backup = Backup.take(own_deployment.main)
        id = it.erase()
    fences = rows(own_deployment.main, FENCES)
    assert len(fences) == len(state_after(own_deployment, it, id).complete)
    backup.put_back()
    assert rows(own_deployment.main, FENCES) == []
    with pytest.raises(Behind):
        compare(own_deployment)
    guard(own_deployment)
    assert rows(own_deployment.main, FENCES) == fences
    assert f"{len(fences)} classes of people were ordered erased since" in capsys.readouterr().err
    assert state_after(own_deployment, it, id).status == "complete"
    assert living(own_deployment, it, it.ada, it.bob) == {it.bob}


def test_keys_that_an_old_key_database_brings_back_are_destroyed_before_anything_is_served(
    own_deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    with office(own_deployment) as it:
        copy = KeyCopy.take(own_deployment.keys)
        id = it.order()
        with pytest.raises(Unavailable):
            it.without_a_turn().round([it.shop.tenant])
        assert it.state(id).status == "online"
        it.house.settle(it.shop.tenant)
        copy.put_back()
        assert living(own_deployment, it, it.ada, it.bob) == {it.ada, it.bob}
        erase_again(own_deployment)
        assert living(own_deployment, it, it.ada, it.bob) == {it.bob}
        assert "keys of 1 erasures lived again" in capsys.readouterr().err
        it.house.settle(it.shop.tenant)
        it.eraser.round([it.shop.tenant])
        assert it.said(id)[2:] == ["ErasureRepeated", "ErasureEffected", "ErasureCompleted"]
        assert it.state(id).status == "complete"
        erase_again(own_deployment)
        assert len(it.said(id)) == 5, "there is nothing left to repeat"


def test_no_epoch_is_turned_over_a_key_that_came_back(
    own_deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is put back under a running eraser."""
    monkeypatch.setattr(eraser_module, "MIRROR_SECONDS_MAX", 0.01)
    with office(own_deployment) as it:
        copy = KeyCopy.take(own_deployment.keys)
        id = it.order()
        with pytest.raises(Unavailable):
            it.without_a_turn().round([it.shop.tenant])
        copy.put_back()
        it.eraser.round([it.shop.tenant])
        assert living(own_deployment, it, it.ada) == set()
        assert it.state(id).status == "ordered", "taken up again, which is not mirrored yet"
        it.house.settle(it.shop.tenant)
        it.eraser.round([it.shop.tenant])
        assert it.state(id).status == "complete"


def test_a_key_database_of_a_dead_epoch_says_what_to_do_and_the_backup_does_it(
    own_deployment: Deployment,
) -> None:
    with office(own_deployment) as it:
        copy = KeyCopy.take(own_deployment.keys)
        it.erase()
    copy.put_back()
    settings, keys = own_deployment.settings, own_deployment.epoch_keys()
    newest = newest_backup(settings.key_backups, keys)
    assert newest is not None
    wanted = rf"copy of epoch 1, whose key is destroyed .* daybook restore-keys {newest}$"
    with pytest.raises(DeploymentRefused, match=wanted):
        own_deployment.prepare(TYPES)
    assert restore_key_backup(newest, own_deployment.keys, keys) == 2
    own_deployment.prepare(TYPES)
    assert living(own_deployment, it, it.ada, it.bob) == {it.bob}


def test_a_lost_key_database_is_not_begun_anew(own_deployment: Deployment) -> None:
    with office(own_deployment) as it:
        it.erase()
    with psycopg.connect(own_deployment.keys) as owner:
        owner.execute(f"TRUNCATE {', '.join(TABLES)}".encode())
    with pytest.raises(DeploymentRefused, match="there is a key of epoch 2: it was lost; put the"):
        own_deployment.prepare(TYPES)


def test_where_keys_cannot_be_looked_into_nothing_is_served(
    own_deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with office(own_deployment) as it:
        it.erase()

    def away(*_: object) -> None:
        raise Unavailable("The database cannot be reached", retry_after_seconds=1)

    monkeypatch.setattr(PostgresKeyShredder, "living", away)
    with pytest.raises(KeysNotDestroyed, match="it cannot be made sure that nobody who is erased"):
        guard(own_deployment)
