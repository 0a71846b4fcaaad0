"""The worker's followers: they keep the read models up, woken by the sequencer, and tell who waits for them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import psycopg

from api.process.lifeline import say_ready
from api.process.loops import MUCH, RETRY_SECONDS, Idle, Stop
from infrastructure.database import Database, WalledConnection
from infrastructure.store.doorbell import SEQUENCED, Doorbell, listening
from projections.engine.arrays import teach
from projections.engine.follower import Follower, ModelStopped
from projections.engine.together import Together

log = logging.getLogger("daybook.worker")


def follow_while_connected(
    stop: Stop,
    database: Database,
    followed: Doorbell,
    followers: Sequence[Follower],
    apart: set[str],
) -> None:
    """Follow together, on one connection, until it is lost or we are told to stop; `apart` gets who cannot keep up.

    Models that another worker leads are tried for again and again.
    """
    together = Together(followers, apart, lambda stopped: log.error("%s", stopped))
    begun: set[str] = set()
    with (
        database.connection() as connection,
        leading_no_longer(connection),
        committing_at_ease(connection),
        listening(connection, SEQUENCED) as bell,
    ):
        idle = Idle(stop, bell)  # the sequencer has gathered what comes
        try_again = 0.0
        while not stop.asked():
            if monotonic() >= try_again:
                begin_once(begun, together.lead(connection), connection)
                say_ready()  # a standby is as good as ready
                try_again = monotonic() + RETRY_SECONDS
            if not together.leads:
                stop.wait(RETRY_SECONDS)
                bell.heard()
                continue
            worked = together.step(connection)
            if worked:
                followed.ring()
            idle.after(worked)


def begin_once(
    begun: set[str], followers: Sequence[Follower], connection: psycopg.Connection[Any]
) -> None:
    """Begin with those whom this session had not led before: a model that was apart, and stopped, stays so."""
    for follower in followers:
        name = follower.model.name
        if name not in begun and follower.begin(connection) == "changed":
            log.error("%s", changed(name))
        begun.add(name)


def follow_apart_while_connected(
    stop: Stop, database: Database, followed: Doorbell, follower: Follower, apart: set[str]
) -> None:
    """Wait until the model is set apart, follow it alone until it has caught up, and give it back."""
    name = follower.model.name
    while name not in apart:
        stop.wait(RETRY_SECONDS)
        if stop.asked():
            return
    with (
        database.connection() as connection,
        leading_no_longer(connection),
        committing_at_ease(connection),
    ):
        teach(connection)
        worked = MUCH if follower.lead(connection) else 0
        while worked >= MUCH and not stop.asked():
            worked = step_or_stop(follower, connection)
            if worked:
                followed.ring()
    apart.discard(name)


@contextmanager
def leading_no_longer(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Give the lead back at the end: the connection goes back to others, and may live on for an hour."""
    try:
        yield
    finally:
        try:
            connection.execute("SELECT pg_advisory_unlock_all()")
        except psycopg.Error:
            connection.close()


@contextmanager
def committing_at_ease(connection: WalledConnection) -> Iterator[None]:
    """Wait for no disk: where the server crashes, rows and checkpoint go back together, and are made again.

    The events themselves are on the disk before anybody is told of them.
    """
    connection.execute("SET synchronous_commit = off")
    try:
        yield
    finally:
        with suppress(psycopg.Error):
            connection.execute("RESET synchronous_commit")


def changed(name: str) -> str:
    """What is to be done about a model whose code is not the code that filled it."""
    return (
        f"read model {name}: its code is not the code that filled it, so it is not followed; `daybook rebuild {name}`"
        f" makes it anew, and where both make the same rows `daybook models resume {name}` is enough"
    )


def step_or_stop(follower: Follower, connection: WalledConnection) -> int:
    """One step; a model that fails has stopped itself, and the rest of the process goes on."""
    try:
        return follower.step(connection)
    except ModelStopped as stopped:
        log.error("%s", stopped)
        return 0
