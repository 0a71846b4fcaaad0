"""Destroying and re-keying on a real database: killed between any two steps, and with others at work. README D9."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.errors import Unavailable, Unreadable
from domain.sealing import RETENTION_CLASSES, Envelope
from infrastructure.clock import SystemIds
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.keys import shredding
from infrastructure.keys.key_backup import backup_opens
from infrastructure.keys.key_tree import BUCKETS
from infrastructure.keys.key_vault import PostgresKeyVault
from infrastructure.keys.key_watch import KeyWatch
from infrastructure.keys.rekeying import hold_tree, next_revision, rekey
from infrastructure.keys.shredding import PostgresKeyShredder
from infrastructure.server.processes import wait_until
from infrastructure.sql_arrays import register
from infrastructure.wall import bound_to
from tests.store.filling import Tenant

AT = datetime(2027, 1, 4, 10, 0, tzinfo=UTC)
BEN = "ben@example.test"
SECONDS_MAX = 60.0
TURNING = (
    "new key made",
    "tree turned",
    "turn committed",
    "backup written",
    "backup opened",
    "old key destroyed",
    "old epoch forgotten",
)


@dataclass
class House:
    """A deployment of its own, with two people in it, and a process that does not watch."""

    deployment: Deployment
    engine: Engine
    desk: Tenant
    ada: UUID
    ben: UUID
    hers: Envelope
    his: Envelope

    @property
    def shredder(self) -> PostgresKeyShredder:
        return self.engine.shredder

    def opened(self, vault: PostgresKeyVault | None = None) -> list[bool]:
        """Whether Ada's and Ben's values open, for a process that has just come unless said otherwise."""
        fresh = PostgresKeyVault(self.engine.keys, self.deployment.epoch_keys(), SystemIds())
        with bound_to(self.desk.id):
            values = (vault or fresh).open(self.desk.id, [self.hers, self.his])
        return [one is not None for one in values]

    def find(self, email: str) -> UUID | None:
        with bound_to(self.desk.id):
            return self.engine.people.find(self.desk.id, "email", email)

    def destroy(self, subject: UUID, shredder: PostgresKeyShredder | None = None) -> int:
        mine = shredder or self.shredder
        return mine.destroy(self.desk.id, subject, RETENTION_CLASSES, AT).buckets

    def replace_buckets(self) -> None:
        """Give every bucket a fresh key."""
        with psycopg.connect(self.shredder.dsn) as connection:
            register(connection)
            held = hold_tree(connection)
            revision = next_revision(connection, held)
            rekey(connection, self.shredder.epoch_keys, held, revision, range(BUCKETS))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.deployment.keys) as connection:
            return connection.execute(statement.encode()).fetchall()

    def epochs_in_places(self) -> list[list[str]]:
        settings = self.deployment.settings
        return [
            sorted(path.stem for path in place.glob("epoch-*"))
            for place in (settings.keys, settings.keys_copy)
        ]


@pytest.fixture
def larger_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few keys are re-keyed in sixteen steps as well as in 256."""
    monkeypatch.setattr(shredding, "TOGETHER", BUCKETS // 16)


@pytest.fixture
def house(own_deployment: Deployment) -> Iterator[House]:
    engine = Engine.connect(own_deployment, connections=4)
    engine.key_watch.stop()
    desk = Tenant(engine)
    ada, ben = desk.register(), desk.register(BEN)
    (hers,), (his,) = desk.envelopes(ada), desk.envelopes(ben)
    yield House(own_deployment, engine, desk, ada, ben, hers, his)
    engine.close()


def killed(shredder: PostgresKeyShredder, step: str, work: Callable[[Any], object]) -> None:
    """Do it in a process that dies, as by kill -9, right after a step."""

    def die(passed: str) -> None:
        if passed == step:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            work(replace(shredder, passed=die))
        finally:
            os._exit(0)  # it got past the step
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{step} was not reached"


# --- killed ----------------------------------------------------------------------------------------------------------


def test_a_turn_that_is_killed_anywhere_is_finished_by_the_next(house: House) -> None:
    epoch = 1
    for step in TURNING:
        killed(house.shredder, step, lambda shredder: shredder.turn_epoch(AT))
        assert house.opened() == [True, True], f"after {step}"
        is_over = step == "old epoch forgotten"
        begins = epoch + 1 if is_over else epoch
        turned = house.shredder.turn_epoch(AT)
        assert (turned.old, turned.new) == (begins, begins + 1), f"after {step}"
        epoch = turned.new
        assert house.epochs_in_places() == [[f"epoch-{epoch}"]] * 2, f"after {step}"
        assert house.rows("SELECT epoch, current FROM epoch") == [(epoch, True)]
        backups = house.deployment.settings.key_backups
        assert backup_opens(backups / turned.backup, house.deployment.epoch_keys())
        assert house.opened() == [True, True], f"after {step}"
    assert house.find(BEN) == house.ben
    assert len(list(backups.iterdir())) == 2, "the newest two backups are kept"


def test_the_old_key_is_there_until_the_new_backup_was_opened(house: House) -> None:
    for step in TURNING[:5]:
        killed(house.shredder, step, lambda shredder: shredder.turn_epoch(AT))
        assert all("epoch-1" in place for place in house.epochs_in_places()), step
    killed(house.shredder, "old key destroyed", lambda shredder: shredder.turn_epoch(AT))
    assert house.epochs_in_places() == [["epoch-2"]] * 2


def test_a_backup_that_was_lost_in_between_is_made_again(house: House) -> None:
    killed(house.shredder, "backup opened", lambda shredder: shredder.turn_epoch(AT))
    (lost,) = house.deployment.settings.key_backups.iterdir()
    lost.write_bytes(lost.read_bytes()[:-1])
    turned = house.shredder.turn_epoch(AT)
    assert backup_opens(lost.with_name(turned.backup), house.deployment.epoch_keys())


def test_a_turn_that_began_before_an_erasure_does_not_complete_it(house: House) -> None:
    """Copies under the epoch that was new then hold the key: the backup that was made at once, among others."""
    killed(house.shredder, "backup opened", lambda shredder: shredder.turn_epoch(AT))
    (early,) = house.deployment.settings.key_backups.iterdir()
    kept = early.read_bytes()
    house.destroy(house.ada)
    turned = house.shredder.turn_epoch(AT)
    assert (turned.old, turned.new) == (2, 3)
    early.write_bytes(kept)
    assert not backup_opens(early, house.deployment.epoch_keys())
    assert house.opened() == [False, True]
    assert house.epochs_in_places() == [["epoch-3"]] * 2


def test_nothing_is_claimed_while_a_place_is_away(house: House) -> None:
    copy = house.deployment.settings.keys_copy
    away = copy.with_name("away")
    killed(house.shredder, "backup opened", lambda shredder: shredder.turn_epoch(AT))
    copy.rename(away)
    with pytest.raises(Unavailable):
        house.shredder.turn_epoch(AT)
    assert house.rows("SELECT epoch, current FROM epoch ORDER BY 1") == [(1, False), (2, True)]
    assert house.opened() == [True, True]
    away.rename(copy)
    assert house.shredder.turn_epoch(AT).old == 1


def test_an_erasure_that_is_killed_happened_whole_or_not_at_all(house: House) -> None:
    killed(house.shredder, "destroyed", lambda one: house.destroy(house.ada, one))
    assert house.opened() == [True, True]
    assert house.find("ada@example.test") == house.ada
    killed(house.shredder, "destroy committed", lambda one: house.destroy(house.ada, one))
    assert house.opened() == [False, True]
    assert house.find("ada@example.test") is None
    assert house.destroy(house.ada) == 0


@pytest.mark.usefixtures("larger_steps")
def test_a_re_keying_of_everything_goes_on_where_it_was_killed(house: House) -> None:
    before = dict(house.rows("SELECT bucket, revision FROM bucket_key"))
    killed(house.shredder, "some buckets re-keyed", lambda one: one.full_rekey(AT, print))
    assert house.opened() == [True, True]
    killed(house.shredder, "tree turned", lambda one: one.full_rekey(AT, lambda *_: None))
    told: list[int] = []
    turned = house.shredder.full_rekey(AT, lambda done, _: told.append(done))
    assert (turned.old, told) == (1, [BUCKETS]), "no bucket is re-keyed again"
    after = dict(house.rows("SELECT bucket, revision FROM bucket_key"))
    assert all(after[bucket] > before[bucket] for bucket in range(BUCKETS))
    assert house.rows("SELECT FROM full_rekeying") == []
    assert house.opened() == [True, True]
    assert house.find(BEN) == house.ben


# --- with others at work ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("larger_steps")
def test_no_key_is_lost_while_everything_is_re_keyed_under_way(house: House) -> None:
    """Processes make people and look them up, none of which watches, while buckets and epochs go."""
    engines = [Engine.connect(house.deployment, connections=4) for _ in range(2)]
    over = Event()
    made: list[dict[str, UUID]] = []

    def works(engine: Engine) -> dict[str, UUID]:
        desk = replace(house.desk, engine=engine)
        known: dict[str, UUID] = {}
        with bound_to(desk.id):
            while not over.is_set() or len(known) < 5:
                email = f"{uuid4()}@example.test"
                known[email] = subject = desk.register(email)
                assert engine.people.claim(desk.id, subject, "phone", email).fresh
                engine.people.settle(desk.id, subject, "phone", email)
                for old in list(known)[-3:]:
                    assert engine.people.find(desk.id, "email", old) == known[old]
        return known

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(works, engine) for engine in engines]
        try:
            for number in range(3):
                house.destroy(house.desk.register(f"{number}@example.test"))
                house.shredder.turn_epoch(AT)
            house.shredder.full_rekey(AT, lambda *_: None)
        finally:
            over.set()
        made = [job.result(SECONDS_MAX) for job in jobs]
    for engine in engines:
        engine.close()
    everybody = Counter(subject for known in made for subject in known.values())
    assert set(everybody.values()) == {1}
    with bound_to(house.desk.id):
        for email, subject in (made[0] | made[1]).items():
            assert house.engine.people.find(house.desk.id, "email", email) == subject
            assert house.engine.people.find_all(house.desk.id, "phone", email) == [subject]
            values = house.engine.vault.open(house.desk.id, house.desk.envelopes(subject))
            assert [one is not None and one["email"] for one in values] == [email]


def test_a_process_with_an_old_tree_still_finds_opens_and_claims_aright(house: House) -> None:
    vault, people, desk = house.engine.vault, house.engine.people, house.desk
    with bound_to(desk.id):
        before = vault.tree()
        house.replace_buckets()
        assert people.find(desk.id, "email", BEN) == house.ben
        assert vault.tree().revision > before.revision
        house.replace_buckets()
        assert house.opened(vault) == [True, True]
        house.replace_buckets()
        assert not people.claim(desk.id, house.ada, "email", BEN).fresh
        house.replace_buckets()
        people.settle(desk.id, house.ben, "email", BEN)
        house.replace_buckets()
        assert desk.register(BEN) == house.ben
        assert people.find(desk.id, "email", BEN) == house.ben


# --- the memory of processes -----------------------------------------------------------------------------------------


def cached(engine: Engine, desk: Tenant, subject: UUID) -> bool:
    """True when the process has the subject's key in memory."""
    return engine.vault._keys.find((desk.id, subject, "profile")) is not None


def test_other_processes_forget_destroyed_keys_and_keep_the_others(house: House) -> None:
    engine = Engine.connect(house.deployment, connections=2)
    with bound_to(house.desk.id):
        for subject in (house.ada, house.ben):
            engine.vault.sealing_key(house.desk.id, subject, "profile")
    tree = engine.vault.tree()
    watch = KeyWatch(engine.vault, engine.keys)
    watch.look()
    with bound_to(house.desk.id):
        for subject in (house.ada, house.ben):
            engine.vault.sealing_key(house.desk.id, subject, "profile")
    house.destroy(house.ada)
    watch.look()
    assert not cached(engine, house.desk, house.ada)
    assert cached(engine, house.desk, house.ben)
    renewed = engine.vault.tree()
    assert renewed.revision > tree.revision
    gone = set(tree.keys) - set(renewed.keys)
    assert 0 < len(gone) < 5, "only what was touched is replaced"
    engine.close()


def test_a_process_that_is_left_alone_forgets_within_two_seconds(house: House) -> None:
    engine = Engine.connect(house.deployment, connections=2)
    watched = wait_until(lambda: engine.key_watch._known is not None, SECONDS_MAX)
    assert watched
    with bound_to(house.desk.id):
        engine.vault.sealing_key(house.desk.id, house.ada, "profile")
    house.destroy(house.ada)
    assert wait_until(lambda: not cached(engine, house.desk, house.ada), SECONDS_MAX)
    engine.close()
    assert not engine.key_watch._thread.is_alive()


def test_who_cannot_ask_keeps_nothing_and_lives_on(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    class Away(Database):
        def row(self, *_: object) -> None:
            raise Unavailable

    with bound_to(house.desk.id):
        house.engine.vault.sealing_key(house.desk.id, house.ada, "profile")
    watch = KeyWatch(house.engine.vault, Away(house.deployment.dsn_of("keys")))
    watch.look()
    watch.look()
    assert not cached(house.engine, house.desk, house.ada)
    assert len(caplog.records) == 1, "it is said once"
    watch.stop()


# --- what is left on disk --------------------------------------------------------------------------------------------

TABLES = ("epoch", "bucket_key", "subject_key", "sealed_secret", "blind_index")


def test_an_old_copy_of_the_key_database_opens_nothing(house: House) -> None:
    """Neither with the epoch keys that are left, nor what was destroyed nor what lives on."""
    with psycopg.connect(house.deployment.keys, autocommit=True) as owner:
        copies: dict[str, bytes] = {}
        for table in TABLES:
            with owner.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)".encode()) as copy:
                copies[table] = b"".join(bytes(data) for data in copy)
        house.destroy(house.ada)
        house.shredder.turn_epoch(AT)
        for table in TABLES:
            owner.execute(f"VACUUM FULL {table}".encode())
        owner.execute("SELECT pg_switch_wal()")
        assert house.opened() == [False, True]
        owner.execute(f"TRUNCATE {', '.join(TABLES)}".encode())
        for table in TABLES:
            with owner.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)".encode()) as copy:
                copy.write(copies[table])
    with pytest.raises(Unreadable):
        house.opened()
    for place in (house.deployment.settings.keys, house.deployment.settings.keys_copy):
        (place / "epoch-2.key").rename(place / "epoch-1.key")  # as if it were the one of the copy
    with pytest.raises(Unreadable):
        house.opened()


def test_no_wrapped_key_and_no_digest_gets_into_statistics(house: House) -> None:
    rows = house.rows(
        "SELECT c.relname, a.attname, a.attstattarget FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.atttypid = 'bytea'::regtype"
    )
    assert {(table, column) for table, column, _ in rows} == {
        ("bucket_key", "wrapped"),
        ("subject_key", "wrapped"),
        ("sealed_secret", "wrapped"),
        ("blind_index", "digest"),
        ("blind_index", "inner_sealed"),
    }
    assert {target for _, _, target in rows} == {0}


def test_backups_are_for_their_owner_alone(house: House) -> None:
    folder: Path = house.deployment.settings.key_backups
    house.shredder.turn_epoch(AT)
    (backup,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, backup.stat().st_mode & 0o777) == (0o700, 0o600)
