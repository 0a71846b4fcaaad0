"""Key backups: they hold everything, prove that they open, and die with their epoch. README D9."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.errors import Unreadable
from domain.sealing import Envelope
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.keys.epoch_files import EpochKeyFiles
from infrastructure.keys.key_backup import (
    BackupFile,
    BackupRefused,
    backup_opens,
    prune_backups,
    restore_key_backup,
)
from infrastructure.wall import bound_to
from tests.store.filling import EMAIL, Tenant

AT = datetime(2027, 1, 4, 10, 0, tzinfo=UTC)
TABLES = "epoch, bucket_key, subject_key, sealed_secret, blind_index"


class House:
    """A deployment of its own, with one person in it, and a backup of their keys."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        engine = Engine.connect(deployment, connections=2)
        desk = Tenant(engine)
        self.tenant, self.ada = desk.id, desk.register()
        with bound_to(desk.id):
            engine.people.find_or_prepare(desk.id, EMAIL, uuid4(), ("profile",))
        (self.envelope,) = desk.envelopes(self.ada)
        self.backup = self.path(engine.shredder.turn_epoch(AT).backup)
        engine.close()

    @property
    def keys(self) -> EpochKeyFiles:
        return self.deployment.epoch_keys()

    def path(self, name: str) -> Path:
        return self.deployment.settings.key_backups / name

    def run(self, statement: str) -> None:
        with psycopg.connect(self.deployment.keys) as owner:
            owner.execute(statement.encode())

    def looked_up(self) -> tuple[UUID | None, bool]:
        """Whom the address leads to, and whether the value opens."""
        engine = Engine.connect(self.deployment, connections=2)
        try:
            with bound_to(self.tenant):
                found = engine.people.find(self.tenant, "email", EMAIL)
                values = engine.vault.open(self.tenant, [Envelope(self.envelope.text)])
            return found, values != [None]
        finally:
            engine.close()


@pytest.fixture
def house(own_deployment: Deployment) -> House:
    return House(own_deployment)


def test_a_backup_brings_every_key_and_look_up_back(house: House) -> None:
    house.run(f"TRUNCATE {TABLES}")
    with pytest.raises(Unreadable):
        house.looked_up()
    assert restore_key_backup(house.backup, house.deployment.keys, house.keys) == 2
    assert house.looked_up() == (house.ada, True)
    house.deployment.prepare_keys()
    assert house.looked_up() == (house.ada, True)
    with psycopg.connect(house.deployment.keys) as owner:
        rows = owner.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity"
        ).fetchall()
    assert rows == [], "the wall stands again"


def test_a_backup_goes_into_an_empty_database_only(house: House) -> None:
    with pytest.raises(BackupRefused, match="not empty"):
        restore_key_backup(house.backup, house.deployment.keys, house.keys)
    assert house.looked_up() == (house.ada, True)


def test_a_backup_of_a_destroyed_epoch_is_refused_by_name(house: House) -> None:
    house.keys.create(3)
    house.keys.destroy(2, 3)
    house.run(f"TRUNCATE {TABLES}")
    with pytest.raises(BackupRefused, match=r"keys-2-\d+\.backup is of epoch 2, whose key is dest"):
        restore_key_backup(house.backup, house.deployment.keys, house.keys)


def test_a_backup_whose_epoch_key_is_another_is_refused(house: House) -> None:
    for place in (house.deployment.settings.keys, house.deployment.settings.keys_copy):
        (place / "epoch-2.key").write_bytes(bytes(32))
    assert not backup_opens(house.backup, house.keys)
    with pytest.raises(BackupRefused, match="does not open"):
        restore_key_backup(house.backup, house.deployment.keys, house.keys)


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[:-1],
        lambda data: data[:100],
        lambda data: b"",
        lambda data: data[:5_000] + bytes([data[5_000] ^ 1]) + data[5_001:],
        lambda data: data + b"\0",
    ],
)
def test_a_harmed_backup_is_none(house: House, harm: Callable[[bytes], bytes]) -> None:
    assert backup_opens(house.backup, house.keys)
    house.backup.write_bytes(harm(house.backup.read_bytes()))
    assert not backup_opens(house.backup, house.keys)
    with pytest.raises(BackupRefused):
        restore_key_backup(house.backup, house.deployment.keys, house.keys)


def test_no_value_and_no_key_is_in_a_backup(house: House) -> None:
    data = house.backup.read_bytes()
    assert EMAIL.encode() not in data
    for place in (house.deployment.settings.keys, house.deployment.settings.keys_copy):
        assert (place / "epoch-2.key").read_bytes() not in data
    assert BackupFile(house.backup).epoch == 2


def test_the_newest_two_are_kept_and_nothing_of_others(tmp_path: Path) -> None:
    names = ["keys-2-9.backup", "keys-9-10.backup", "keys-10-12.backup", "keys-10-2.backup"]
    for name in [*names, "keys-1-1.backup.new", "notes.txt"]:
        (tmp_path / name).touch()
    prune_backups(tmp_path, "keys-10-12.backup")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["keys-10-12.backup", "keys-10-2.backup", "notes.txt"]
