"""Key backups between turns: they open, replace no file, and are gone or dead after the next erasure. README D9."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from domain.errors import Unavailable, Unreadable
from domain.sealing import RETENTION_CLASSES
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.keys import timed_backup
from infrastructure.keys.key_backup import (
    BackupRefused,
    backup_opens,
    newest_backup,
    restore_key_backup,
)
from infrastructure.keys.timed_backup import BackupExists, publish, timed_backups
from tests.store.filling import Tenant
from tests.store.test_key_backup import TABLES

AT = datetime(2027, 1, 4, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class House:
    """A deployment of its own, with one person in it."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.keys = deployment.epoch_keys()
        self.engine = Engine.connect(deployment, connections=2)
        self.shredder = self.engine.shredder
        self.desk = Tenant(self.engine)
        self.ada = self.desk.register()
        self.folder = deployment.settings.key_backups

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def house(own_deployment: Deployment) -> Iterator[House]:
    made = House(own_deployment)
    yield made
    made.engine.close()


def test_a_backup_before_any_turn_opens_and_can_be_put_back(house: House, tmp_path: Path) -> None:
    path = house.shredder.back_up(AT, tmp_path / "deep" / "mine.backup")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["mine.backup"]
    assert backup_opens(path, house.keys)
    with psycopg.connect(house.deployment.keys) as owner:
        before = owner.execute("SELECT count(*) FROM subject_key").fetchone()
        owner.execute(f"TRUNCATE {TABLES}".encode())
    assert restore_key_backup(path, house.deployment.keys, house.keys) == 1
    with psycopg.connect(house.deployment.keys) as owner:
        assert owner.execute("SELECT count(*) FROM subject_key").fetchone() == before


def test_no_file_is_ever_overwritten(house: House, tmp_path: Path) -> None:
    path = tmp_path / "mine.backup"
    path.write_bytes(b"precious")
    with pytest.raises(BackupExists):
        house.shredder.back_up(AT, path)
    (tmp_path / "passing").write_bytes(b"other")
    with pytest.raises(BackupExists):
        publish(tmp_path / "passing", path)  # it came while ours was written
    assert path.read_bytes() == b"precious"


def test_what_does_not_open_gets_no_name(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed_backup, "backup_opens", lambda *_: False)
    with pytest.raises(Unreadable):
        house.shredder.back_up(AT, tmp_path / "mine.backup")
    assert not list(tmp_path.glob("mine*"))


def test_a_folder_that_is_away_is_told(house: House, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable):
        house.shredder.back_up(AT, tmp_path / "file" / "mine.backup")


def test_one_is_made_each_hour_and_the_newest_are_kept(house: House) -> None:
    for minutes in range(0, 301, 20):
        house.shredder.back_up_when_due(AT + timedelta(minutes=minutes), HOUR, 3)
    assert [made.hour for made, _ in timed_backups(house.folder)] == [13, 14, 15]
    early = house.shredder.back_up_when_due(AT, HOUR, 3)
    assert early is not None, "a clock that was set back does not end the backups"


def test_an_erasure_that_completes_kills_them_and_removes_them(
    house: House, tmp_path: Path
) -> None:
    made = house.shredder.back_up_when_due(AT, HOUR, 3)
    assert made is not None
    copied = tmp_path / made.name
    os.link(made, copied)
    assert newest_backup(house.folder, house.keys) == made
    house.shredder.destroy(house.desk.id, house.ada, RETENTION_CLASSES, AT)
    turned = house.shredder.turn_epoch(AT)
    assert not backup_opens(copied, house.keys)
    with pytest.raises(BackupRefused, match="opens nothing"):
        restore_key_backup(copied, house.deployment.keys, house.keys)
    later = house.shredder.back_up_when_due(AT, HOUR, 3)
    assert later is not None
    assert house.names() == [turned.backup, later.name][:: 1 if turned.backup < later.name else -1]
    assert newest_backup(house.folder, house.keys) == later


def test_backups_and_turns_come_one_after_the_other(house: House) -> None:
    with ThreadPoolExecutor(2) as pool:
        turns = pool.submit(lambda: [house.shredder.turn_epoch(AT) for _ in range(3)])
        backups = pool.submit(
            lambda: [house.shredder.back_up(AT + timedelta(seconds=n)) for n in range(6)]
        )
        last = turns.result(60)[-1]
        assert len(backups.result(60)) == 6
    assert backup_opens(house.folder / last.backup, house.keys)
    assert not [name for name in house.names() if name.endswith(".new")]
