"""The check `keys` of `fsck`: nothing is found after an erasure, and what a hand does to a key is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest

from application.erasing.eraser import Eraser
from application.erasing.ordering import ERASURES, ErasureOrders, NoGaggedHolds, NothingKept, Wish
from domain.sealing import RETENTION_CLASSES
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.fsck.checks import check_all
from infrastructure.store.open_erasures import PostgresOpenErasures
from infrastructure.twin.memory_disclosing import MemoryMirrored
from infrastructure.wall import bound_to
from tests.store.ledger_house import LedgerHouse, ledger_house
from tests.store.trading import Trade


@dataclass
class House:
    """Two customers of one business; one of them is erased."""

    house: LedgerHouse
    shop: Trade
    ada: UUID
    bob: UUID
    eraser: Eraser

    @property
    def engine(self) -> Engine:
        return self.house.engine

    def order(self, subject: UUID) -> UUID:
        with bound_to(self.shop.tenant):
            return self.eraser.orders.order(self.shop.by, Wish(subject, "request"))

    def found(self) -> list[str]:
        done = check_all(self.house.press.deployment, self.shop.tenant)
        findings = [finding for each in done for finding in each.findings]
        assert {one.check for one in findings} <= {"keys"}, findings
        assert {one.tenant for one in findings} <= {self.shop.tenant}
        return [one.reason for one in findings]

    @contextmanager
    def by_hand(self, statement: str, subject: UUID) -> Iterator[None]:
        """Somebody writes to the key database, past every wall, and puts it back."""
        values = {"tenant": self.shop.tenant, "subject": subject}
        with psycopg.connect(self.house.press.deployment.keys, autocommit=True) as owner:
            owner.execute("CREATE TEMPORARY TABLE saved AS TABLE subject_key")
            assert owner.execute(statement.encode(), values).rowcount > 0
            try:
                yield
            finally:
                with owner.transaction():
                    owner.execute("DELETE FROM subject_key")
                    owner.execute("INSERT INTO subject_key TABLE saved")


@pytest.fixture(scope="module")
def house(module_deployment: Deployment) -> Iterator[House]:
    with ledger_house(module_deployment) as made:
        engine = made.engine
        shop = Trade(engine)
        ports = (engine.store, engine.book)
        orders = ErasureOrders(*ports, NothingKept(), NoGaggedHolds(), engine.clock, engine.ids)
        eraser = Eraser(
            *ports,
            PostgresOpenErasures(engine.app),
            orders,
            MemoryMirrored(),
            engine.shredder,
            bound_to,
            engine.clock,
            engine.ids,
        )
        ada, bob = shop.book(1, "ada").subject, shop.book(2, "bob").subject
        at_work = House(made, shop, ada, bob, eraser)
        id = at_work.order(ada)
        eraser.round([shop.tenant])
        with bound_to(shop.tenant):
            assert ERASURES.find(engine.book, shop.tenant, id)[1].status == "complete"
        made.settle(shop.tenant)
        yield at_work


def test_nothing_is_found_after_an_erasure(house: House) -> None:
    assert house.found() == []


def test_an_order_that_waits_is_no_damage(house: House) -> None:
    """Ordered and not carried out; carried out half, with the record of it still to come."""
    house.order(cleo := house.shop.book(3, "cleo").subject)
    house.house.settle(house.shop.tenant)
    assert house.found() == []
    clock = house.engine.clock
    house.engine.shredder.destroy(house.shop.tenant, cleo, RETENTION_CLASSES, clock.now())
    assert house.found() == []
    house.eraser.round([house.shop.tenant])
    house.house.settle(house.shop.tenant)
    assert house.found() == []


OF_BOTH = "WHERE tenant_id = %(tenant)s AND subject_id = %(subject)s"
DAMAGES: dict[str, tuple[Callable[[House], UUID], str, tuple[str, ...]]] = {
    "a living key that is gone": (
        lambda house: house.bob,
        f"DELETE FROM subject_key {OF_BOTH} AND retention_class = 'profile'",
        ("the key of class profile of subject {} is missing, and nothing says why",),
    ),
    "a tombstone that is gone": (
        lambda house: house.ada,
        f"DELETE FROM subject_key {OF_BOTH} AND retention_class = 'profile'",
        ("the key of class profile of subject {} is missing, and nothing says why",),
    ),
    "a key destroyed without an order": (
        lambda house: house.bob,
        f"UPDATE subject_key SET wrapped = NULL, destroyed_at = now() {OF_BOTH} AND retention_class = 'booking'",
        ("of class booking of subject {} was destroyed without an order",),
    ),
    "a key that came back": (
        lambda house: house.ada,
        (
            r"UPDATE subject_key SET wrapped = '\x00', destroyed_at = NULL"
            f" {OF_BOTH} AND retention_class = 'profile'"
        ),
        (
            "class profile of subject {} was erased, and its key is there",
            "says that a key of class profile is destroyed, and it is there",
        ),
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_a_hand_does_to_a_key_is_found(house: House, name: str) -> None:
    whose, statement, words = DAMAGES[name]
    subject = whose(house)
    with house.by_hand(statement, subject):
        found = house.found()
    for one in words:
        assert any(one.format(subject) in reason for reason in found), found
    assert len(found) >= len(words)
    assert house.found() == []


def test_a_key_store_that_is_away_is_found(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Deployment.dsn_of

    def away(self: Deployment, part: str) -> str:
        dsn = right(self, part)
        return dsn if part != "shredder" else f"{dsn} port=1 connect_timeout=1"

    monkeypatch.setattr(Deployment, "dsn_of", away)
    done = check_all(house.house.press.deployment, house.shop.tenant)
    found = [finding for each in done for finding in each.findings]
    assert [(one.check, one.reason) for one in found] == [
        ("keys", "the key database cannot be reached")
    ]
