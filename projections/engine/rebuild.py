"""Makes a read model anew beside the one that is read, compares the two, and switches in one transaction. README D12.

    begin       empty tables in a schema of their own, a checkpoint for each part    crash here: nothing was begun
    fill        parts by tenants' hash, in processes of their own                    crash here: each goes on
    compare     both at one event, in one snapshot; the follower waits for the last few events only
    switch      the tables change places, the pointer moves                          crash here: none of it, or all
    drop        what was replaced goes, when somebody says so

Readers are served throughout: a switch waits for none of them longer than `LOCK_MS`, and tries again instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from application.following import Shard
from projections.engine.differing import Differing, differing
from projections.engine.digest import Digest, digest
from projections.engine.filling import Filling
from projections.engine.fingerprint import fingerprint
from projections.engine.layout import (
    PUBLIC,
    building,
    drop_schema,
    has,
    lay_out,
    put_in_place,
    retired,
)
from projections.engine.quarantine import left_out
from projections.engine.read_model import Connection, EventSource, ReadModel

LOCK_MS: Final = 80
TRIES_MAX: Final = 200
PAUSE_SECONDS: Final = 0.05
LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended('daybook/rebuild/' || %s, 0))"
UNLOCK: Final = "SELECT pg_advisory_unlock(hashtextextended('daybook/rebuild/' || %s, 0))"
BEGUN: Final = "SELECT version, fingerprint, shards FROM read_model_build WHERE name = %s"
BEGIN: Final = (
    "INSERT INTO read_model_build (name, shard, shards, version, fingerprint, sequence)"
    " SELECT %s, shard, %s, %s, %s, 0 FROM generate_series(0, %s - 1) AS shard"
)
HOLD: Final = (
    "SELECT version, state, fingerprint FROM read_model WHERE name = %s AND is_current FOR UPDATE"
)
FORGET: Final = "DELETE FROM read_model_build WHERE name = %s"
POINT: Final = "UPDATE read_model SET is_current = false WHERE name = %s AND is_current"
SWITCH: Final = (
    "INSERT INTO read_model (name, version, sequence, is_current, fingerprint, tables)"
    " SELECT %s, %s, min(sequence), true, %s, %s FROM read_model_build WHERE name = %s"
    " ON CONFLICT (name, version) DO UPDATE SET sequence = excluded.sequence, is_current = true,"
    " fingerprint = excluded.fingerprint, tables = excluded.tables, generation = excluded.generation,"
    " state = 'following', error = NULL,"
    " failed_event = NULL, failed_type = NULL"
)
REPLACED: Final = "SELECT version, tables FROM read_model WHERE name = %s AND NOT is_current"


class Refused(Exception):
    """It cannot be done now; the message says why."""


class InUse(Refused):
    """Readers do not let go of the tables."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far parts are, as sequences: the part furthest behind, all parts on average, and where they are to get."""

    least: int
    average: float
    target: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both at sequence `sequence`."""

    sequence: int
    read: Digest
    built: Digest
    differing: tuple[Differing, ...]

    @property
    def equal(self) -> bool:
        """True when both have the same rows."""
        return self.read == self.built


@dataclass(frozen=True, slots=True)
class Switched:
    """`held_ms` is how long readers could not read."""

    version: int
    sequence: int
    held_ms: float


@dataclass(frozen=True, slots=True)
class Rebuild:
    """One read model's. `owner` is a connection of the database's owner, `filler` one of the follower's role.

    Both are in autocommit and used for nothing else. `held` is entered for as long as anything is done.
    """

    model: ReadModel
    source: EventSource
    owner: Connection
    filler: Connection

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else rebuilds the model meanwhile. Raises Refused."""
        if self.owner.execute(LOCK, (self.model.name,)).fetchone() != (True,):
            raise Refused(f"somebody else is making {self.model.name} anew at this moment")
        try:
            yield
        finally:
            if not self.owner.closed:
                self.owner.execute(UNLOCK, (self.model.name,))

    def begin(self, shards: int) -> bool:
        """Begin, or go on with what was begun with this code; True when it goes on. Raises NotLaidOut.

        The parts of what was begun stay as many as they were: see `shards`.
        """
        if self.begun():
            return True
        code = fingerprint(self.model)
        with self.owner.transaction():
            self.owner.execute(FORGET, (self.model.name,))
            lay_out(self.owner, self.model)
            self.owner.execute(BEGIN, (self.model.name, shards, self.model.version, code, shards))
        return False

    def begun(self) -> bool:
        """True when something is being made anew with this code."""
        begun = self.owner.execute(BEGUN, (self.model.name,)).fetchall()
        there = all(has(self.owner, building(self.model), one) for one in self.model.tables)
        code = fingerprint(self.model)
        return bool(begun) and there and {row[:2] for row in begun} == {(self.model.version, code)}

    @property
    def shards(self) -> int:
        """In how many parts it is filled; 0 when nothing was begun."""
        begun = self.owner.execute(BEGUN, (self.model.name,)).fetchone()
        return begun[2] if begun else 0

    def progress(self) -> Progress:
        """How far it is."""
        row = self.owner.execute(
            "SELECT min(sequence), avg(sequence)::float FROM read_model_build WHERE name = %s",
            (self.model.name,),
        ).fetchone()
        assert row is not None
        filling = Filling(self.model, self.source, Shard())
        return Progress(row[0] or 0, row[1] or 0.0, filling.bound(self.owner))

    def catch_up(self) -> None:
        """Fill every part as far as it may be filled by now."""
        shards = self.shards
        for shard in range(shards):
            filling = Filling(self.model, self.source, Shard(shard, shards))
            filling.prepare(self.filler)
            while filling.step(self.filler):
                pass

    def compare(self) -> Comparison | None:
        """Compare what was filled with what is read, at one event.

        None where the two may differ: another version is read, or other code than this filled it, it has stopped, or
        leaves streams out.
        """
        self.catch_up()
        with ExitStack() as snapshot:
            with self.owner.transaction():
                row = self.owner.execute(HOLD, (self.model.name,)).fetchone()
                if row != (self.model.version, "following", fingerprint(self.model)):
                    return None
                if left_out(self.filler, self.model):
                    return None
                self.catch_up()  # the follower waits: what is left are a few events
                sequence = self.progress().least
                snapshot.enter_context(self._one_instant())
            read = digest(self.filler, self.model.tables, PUBLIC)
            built = digest(self.filler, self.model.tables, building(self.model))
            if read == built:
                return Comparison(sequence, read, built, ())
            sides = (("read", PUBLIC), ("rebuilt", building(self.model)))
            rows = tuple(differing(self.filler, self.model.tables, sides))
            return Comparison(sequence, read, built, rows)

    @contextmanager
    def _one_instant(self) -> Iterator[None]:
        """The filler sees this instant, however long it looks, and changes nothing."""
        with self.filler.transaction(force_rollback=True):
            self.filler.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self.filler.execute("SET LOCAL statement_timeout = 0")
            self.filler.execute("SET LOCAL enable_seqscan = on")
            self.filler.execute(
                "SELECT FROM sequencer_head"
            )  # the instant is that of the first look
            yield

    def switch(self, also: Callable[[Connection], None] = lambda _: None) -> Switched:
        """Have what was filled read from now on, and `also` something with it, or neither.

        Raises InUse (readers did not let go of the tables).
        """
        for _ in range(TRIES_MAX):
            self.catch_up()
            try:
                return self._switch_now(also)
            except psycopg.errors.LockNotAvailable:
                time.sleep(PAUSE_SECONDS)
        raise InUse(f"the tables of {self.model.name} are read without a pause: try again later")

    def _switch_now(self, also: Callable[[Connection], None]) -> Switched:
        name = self.model.name
        with self.owner.transaction():
            self.owner.execute(HOLD, (name,))
            self.catch_up()
            self.owner.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
            begun = time.perf_counter()
            put_in_place(self.owner, self.model)
            self.owner.execute(POINT, (name,))
            held = (self.model.version, fingerprint(self.model), list(self.model.tables))
            self.owner.execute(SWITCH, (name, *held, name))
            sequence = self.progress().least
            self.owner.execute(FORGET, (name,))
            also(self.owner)
        return Switched(self.model.version, sequence, (time.perf_counter() - begun) * 1_000)

    def drop(self) -> tuple[str, ...]:
        """Drop what was replaced; what that was, in words."""
        dropped = []
        with self.owner.transaction():
            if drop_schema(self.owner, retired(self.model)):
                dropped.append(f"the tables of {self.model.name} that were replaced")
            for version, tables in self.owner.execute(REPLACED, (self.model.name,)).fetchall():
                for table in tables or ():
                    self.owner.execute(
                        sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(PUBLIC, table))
                    )
                dropped.append(f"{self.model.name} v{version}")
            self.owner.execute(
                "DELETE FROM read_model WHERE name = %s AND NOT is_current", (self.model.name,)
            )
        return tuple(dropped)

    def abandon(self) -> bool:
        """Forget what was begun; False when nothing was. Tables that a migration made stay, to be emptied later."""
        with self.owner.transaction():
            begun = self.owner.execute(FORGET, (self.model.name,)).rowcount > 0
            if all(has(self.owner, PUBLIC, one) for one in self.model.tables):
                return drop_schema(self.owner, building(self.model))
            return begun
