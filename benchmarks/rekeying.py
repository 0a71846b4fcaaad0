"""Destroying one person's keys among many, turning the epoch, re-keying everything: `python -m benchmarks.rekeying`.

Every subject has one key and one row in the blind index. While keys are destroyed and replaced, another process makes
new customers as a booking does, and says what that cost it; the same without any re-keying is the other side.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from uuid import UUID, uuid4

import psycopg

from benchmarks.servers import served
from benchmarks.table import median, percentile, show
from domain.sealing import RETENTION_CLASSES
from infrastructure.clock import SystemClock
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.engine import Engine
from infrastructure.keys.key_tree import (
    BUCKETS,
    KEY_BYTES,
    Tree,
    bucket_of,
    bucket_of_inner,
    inner_context,
    subject_context,
    wrap,
)
from infrastructure.wall import bound_to

ERASURES = 5
PAUSE_SECONDS = 0.005
QUIET_SECONDS = 3.0


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--subjects", type=int, default=1_000_000)
    chosen = options.parse_args()
    with served() as server:
        engine = Engine.connect(server.deployment, connections=2)
        some = fill(server.deployment, engine, chosen.subjects)
        with minting(server.deployment) as quiet:
            time.sleep(QUIET_SECONDS)
        one_by_one(server.deployment, engine, some, chosen.subjects, quiet)
        everything(server.deployment, engine, chosen.subjects)
        engine.close()


def one_by_one(
    deployment: Deployment,
    engine: Engine,
    some: list[tuple[UUID, UUID]],
    subjects: int,
    quiet: Minted,
) -> None:
    """Destroy some, and turn the epoch after each."""
    destroyed, turned, touched = [], [], 0
    with minting(deployment) as busy:
        for tenant, subject in some[:ERASURES]:
            begin = time.perf_counter()
            touched += engine.shredder.destroy(tenant, subject, RETENTION_CLASSES, now()).buckets
            destroyed.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            backup = engine.shredder.turn_epoch(now()).backup
            turned.append(time.perf_counter() - begin)
    size = (deployment.settings.key_backups / backup).stat().st_size
    show(
        f"One erasure of {ERASURES} among {subjects}: {touched / ERASURES:.0f} buckets each",
        ("", "median s", "worst s"),
        [
            ("online: destroyed, buckets re-keyed", *two(destroyed)),
            (f"and complete: epoch turned, backup of {size >> 20} MiB opened", *two(turned)),
        ],
    )
    show_minted("A new customer's keys, meanwhile", {"nothing re-keyed": quiet, "erasures": busy})


def everything(deployment: Deployment, engine: Engine, subjects: int) -> None:
    """Re-key all buckets."""
    begin, at = time.perf_counter(), [0.0]

    def told(done: int, all_: int) -> None:
        if done == all_:
            at[0] = time.perf_counter()

    with minting(deployment) as busy:
        engine.shredder.full_rekey(now(), told)
    end = time.perf_counter()
    show(
        f"Everything re-keyed: {subjects} keys and as many rows of the index",
        ("", "s", "keys a second"),
        [
            ("all buckets", f"{at[0] - begin:.2f}", f"{subjects / (at[0] - begin):,.0f}"),
            ("and the epoch turned", f"{end - begin:.2f}", f"{subjects / (end - begin):,.0f}"),
        ],
    )
    show_minted("A new customer's keys, meanwhile", {"everything re-keyed": busy})


def now() -> datetime:
    """The present instant."""
    return SystemClock().now()


def two(seconds: list[float]) -> tuple[str, str]:
    """The middle and the worst."""
    return f"{median(seconds):.3f}", f"{max(seconds):.3f}"


# --- filling ---------------------------------------------------------------------------------------------------------


def fill(deployment: Deployment, engine: Engine, count: int) -> list[tuple[UUID, UUID]]:
    """So many subjects of one tenant by COPY; a few of them."""
    tenant, tree = uuid4(), engine.vault.tree()
    some: list[tuple[UUID, UUID]] = []
    with psycopg.connect(deployment.keys) as owner:
        subjects = [uuid4() for _ in range(count)]
        keys = (
            "COPY subject_key (tenant_id, subject_id, retention_class, key_id, bucket, wrapped)"
            " FROM STDIN (FORMAT binary)"
        )
        with owner.cursor().copy(keys.encode()) as copy:
            copy.set_types(["uuid", "uuid", "text", "uuid", "int4", "bytea"])
            for subject in subjects:
                copy.write_row(key_row(tree, tenant, subject))
        rows = (
            "COPY blind_index (tenant_id, kind, digest, subject_id, inner_sealed, pending, made_at, bucket)"
            " FROM STDIN (FORMAT binary)"
        )
        at = now()
        with owner.cursor().copy(rows.encode()) as copy:
            types = ["uuid", "text", "bytea", "uuid", "bytea", "bool", "timestamptz", "int4"]
            copy.set_types(types)
            for subject in subjects:
                inner = os.urandom(32)
                bucket = bucket_of_inner(inner)
                sealed = wrap(tree.keys[bucket], inner, inner_context(tenant, "email", subject))
                copy.write_row(
                    (tenant, "email", tree.digest(inner), subject, sealed, False, at, bucket)
                )
        some = [(tenant, subject) for subject in subjects[:BUCKETS]]
    with psycopg.connect(deployment.keys, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    return some


def key_row(tree: Tree, tenant: UUID, subject: UUID) -> tuple[object, ...]:
    """A subject's key of one class."""
    key_id = uuid4()
    bucket = bucket_of(key_id)
    context = subject_context(tenant, subject, "profile", key_id)
    wrapped = wrap(tree.keys[bucket], os.urandom(KEY_BYTES), context)
    return tenant, subject, "profile", key_id, bucket, wrapped


# --- minting meanwhile -----------------------------------------------------------------------------------------------


@dataclass
class Minted:
    """How long each new customer's keys took, in seconds."""

    seconds: list[float] = field(default_factory=list)


@contextmanager
def minting(deployment: Deployment) -> Iterator[Minted]:
    """Another process that makes customers until the block ends."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=mint, args=(deployment, there))
    process.start()
    made = Minted()
    here.recv()  # it has begun
    try:
        yield made
    finally:
        here.send("enough")
        made.seconds += here.recv()
        process.join()


def mint(deployment: Deployment, pipe: Connection) -> None:
    """What the other process does."""
    pin_zones()
    engine = Engine.connect(deployment, connections=2)
    tenant = uuid4()
    seconds: list[float] = []
    with bound_to(tenant):
        while not seconds or not pipe.poll(PAUSE_SECONDS):
            email = f"{uuid4()}@example.test"
            begin = time.perf_counter()
            found = engine.people.find_or_prepare(tenant, email, uuid4(), ("profile", "booking"))
            seconds.append(time.perf_counter() - begin)
            assert engine.people.find(tenant, "email", email) == found.subject
            if len(seconds) == 1:
                pipe.send("begun")
    pipe.recv()
    pipe.send(seconds[1:])
    engine.close()


def show_minted(title: str, sides: dict[str, Minted]) -> None:
    """What it cost those who came meanwhile."""
    rows = [
        (
            name,
            len(one.seconds),
            f"{1000 * median(one.seconds):.1f}",
            f"{1000 * percentile(one.seconds, 0.99):.1f}",
            f"{1000 * max(one.seconds):.0f}",
        )
        for name, one in sides.items()
    ]
    show(title, ("", "customers", "median ms", "p99 ms", "worst ms"), rows)


if __name__ == "__main__":
    main()
