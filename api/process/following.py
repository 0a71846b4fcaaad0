"""The worker's followers: each keeps one read model up, woken by the sequencer, and tells who waits for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from api.process.lifeline import say_ready
from api.process.loops import RETRY_SECONDS, Idle, Stop
from infrastructure.database import Database, WalledConnection
from infrastructure.store.doorbell import SEQUENCED, Doorbell, listening
from projections.engine.follower import Follower, ModelStopped

log = logging.getLogger("daybook.worker")


def follow_while_connected(
    stop: Stop, database: Database, followed: Doorbell, follower: Follower
) -> None:
    """Follow on one connection until it is lost or we are told to stop."""
    with database.connection() as connection, leading_no_longer(connection):
        while not follower.lead(connection):
            say_ready()  # a standby is as good as ready
            stop.wait(RETRY_SECONDS)
            if stop.asked():
                return
        if follower.begin(connection) == "changed":
            log.error("%s", changed(follower.model.name))
        say_ready()
        with committing_at_ease(connection), listening(connection, SEQUENCED) as bell:
            idle = Idle(stop, bell)  # the sequencer has gathered what comes
            while not stop.asked():
                worked = step_or_stop(follower, connection)
                if worked:
                    followed.ring()
                idle.after(worked)


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
