"""A row of the key database that was damaged on disk: it stops no re-keying, is said, and can be erased. README D9."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from domain.errors import Unreadable
from domain.sealing import RETENTION_CLASSES
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.fsck.checks import check_all
from infrastructure.keys import shredding
from infrastructure.keys.key_tree import BUCKETS
from infrastructure.keys.rewrapping import SUSPECT_ROWS, Swap
from infrastructure.wall import bound_to
from tests.store.filling import Tenant

AT = datetime(2027, 1, 4, 10, 0, tzinfo=UTC)
BEN = "ben@example.test"
ROT = "overlay({0} placing '\\x00000000' from 20)"


class House:
    """A deployment with two people; a row of Ben's is damaged."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.engine = Engine.connect(deployment, connections=2)
        self.desk = Tenant(self.engine)
        self.ada, self.ben = self.desk.register(), self.desk.register(BEN)
        self.key_before = self.keys()[self.ada]

    def damage(self, table: str, column: str) -> None:
        with psycopg.connect(self.deployment.keys) as owner:
            rotten = ROT.format(column)
            statement = f"UPDATE {table} SET {column} = {rotten} WHERE subject_id = %s"
            assert owner.execute(statement.encode(), (self.ben,)).rowcount > 0

    def keys(self) -> dict[UUID, set[bytes]]:
        """The wrapped keys of each."""
        with psycopg.connect(self.deployment.keys) as owner:
            rows = owner.execute("SELECT subject_id, wrapped FROM subject_key").fetchall()
        return {
            subject: {wrapped for one, wrapped in rows if one == subject} for subject, _ in rows
        }

    def listed(self) -> set[UUID]:
        with psycopg.connect(self.deployment.keys) as owner:
            return {row[0] for row in owner.execute("SELECT subject_id FROM damaged_key")}

    def opens(self, subject: UUID) -> bool:
        self.engine.vault.forget()
        with bound_to(self.desk.id):
            values = self.engine.vault.open(self.desk.id, self.desk.envelopes(subject))
        return all(value is not None for value in values)

    def found(self) -> list[str]:
        done = check_all(self.deployment, self.desk.id)
        reasons = [one.reason for each in done for one in each.findings]
        return [reason for reason in reasons if "damaged" in reason]


@pytest.fixture
def house(own_deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(shredding, "TOGETHER", BUCKETS // 16)
    made = House(own_deployment)
    yield made
    made.engine.close()


def test_a_damaged_key_stops_nothing_and_is_said(house: House) -> None:
    house.damage("subject_key", "wrapped")
    kept = house.keys()[house.ben]
    house.engine.shredder.full_rekey(AT, lambda *_: None)
    after = house.keys()
    assert not after[house.ada] & house.key_before, "everybody else's keys are wrapped anew"
    assert after[house.ben] == kept, "what does not open is left as it is"
    assert house.opens(house.ada)
    with pytest.raises(Unreadable):
        house.opens(house.ben)
    assert house.listed() == {house.ben}
    assert len(house.found()) == len(kept)
    assert all(f"subject {house.ben} is damaged" in reason for reason in house.found())
    house.engine.shredder.full_rekey(AT, lambda *_: None)
    assert len(house.found()) == len(kept), "it is listed once"


def test_a_damaged_look_up_stops_nothing_and_is_said(house: House) -> None:
    house.damage("blind_index", "inner_sealed")
    house.engine.shredder.full_rekey(AT, lambda *_: None)
    assert house.opens(house.ben)
    assert any("the look-up by email" in reason for reason in house.found())


def test_whose_rows_are_damaged_can_be_erased(house: House) -> None:
    house.damage("subject_key", "wrapped")
    house.damage("blind_index", "inner_sealed")
    house.engine.shredder.full_rekey(AT, lambda *_: None)
    assert house.found()
    gone = house.engine.shredder.destroy(house.desk.id, house.ben, RETENTION_CLASSES, AT)
    house.engine.shredder.turn_epoch(AT)
    assert gone.key_ids
    assert house.keys()[house.ben] == {None}
    assert not house.opens(house.ben)
    assert (house.listed(), house.found()) == (set(), [])
    assert house.opens(house.ada)


def test_damage_beside_somebody_does_not_keep_them_from_being_erased(house: House) -> None:
    house.damage("subject_key", "wrapped")
    with psycopg.connect(house.deployment.keys) as owner:
        # A damaged row of Ben's stands in a bucket of Ada's.
        owner.execute(
            "UPDATE subject_key SET bucket = (SELECT min(bucket) FROM subject_key WHERE subject_id = %s)"
            " WHERE subject_id = %s",
            (house.ada, house.ben),
        )
    house.engine.shredder.destroy(house.desk.id, house.ada, RETENTION_CLASSES, AT)
    assert not house.opens(house.ada)
    assert house.listed() == {house.ben}


def test_a_bucket_of_which_nothing_opens_is_not_re_keyed() -> None:
    """Then the bucket key is not the one of its rows, which may be somewhere: nothing may be lost for good."""
    ids = (bytes(16), bytes(16), "profile", bytes(16))
    swap = Swap({7: os.urandom(32)})
    swap.keys([(bytes(6), *ids, 7, os.urandom(60))] * (SUSPECT_ROWS - 1))
    swap.require_some_to_open()
    swap.keys([(bytes(6), *ids, 7, os.urandom(60))])
    with pytest.raises(Unreadable):
        swap.require_some_to_open()
