"""A deployment with a replica, as `daybook up --replica` runs it, and what is done to the replica."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from infrastructure.server.local_postgres import HOST, LocalPostgres, last_port
from infrastructure.server.processes import wait_until
from tests.api_client import Api, Business, Reply
from tests.running import Running
from tests.scratch import scratch_folder

SECONDS_MAX = 60.0


@contextmanager
def replicated() -> Iterator[Running]:
    """One that runs."""
    with scratch_folder("replica") as scratch:
        one = Running(scratch / "data", "--replica", DAYBOOK_API_PROCESSES="1")
        one.start()
        try:
            yield one
        finally:
            one.stop()


def founded(running: Running) -> Business:
    """A new business, once the replica is fresh."""
    assert wait_until(lambda: state(running) == "fresh", SECONDS_MAX)
    return Business.found(running)


def state(running: Running) -> str:
    api = Api(running.url, "")
    try:
        return str(api.call("GET", "/readyz").body["replica"])
    finally:
        api.close()


def replica(running: Running) -> LocalPostgres:
    return LocalPostgres(running.data / "replica")


def replica_dsn(running: Running, database: str = "daybook") -> str:
    """As the superuser of both servers."""
    port = last_port(running.data / "replica")
    return make_conninfo(LocalPostgres(running.data).dsn(database), host=HOST, port=port)


@contextmanager
def held_up(running: Running) -> Iterator[None]:
    """The replica applies nothing meanwhile."""
    with psycopg.connect(replica_dsn(running), autocommit=True) as connection:
        connection.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            connection.execute("SELECT pg_wal_replay_resume()")


def book(business: Business, service: str, minutes: int) -> Any:
    with business.api() as api:
        return api.made("/v1/bookings", business.wish(service, minutes))


def bookable(business: Business) -> str:
    service = business.offer("Cut", 60)
    business.engage([service])
    return service


def listed(business: Business, **query: object) -> Reply:
    with business.api() as api:
        return api.call("GET", "/v1/bookings", None, query)


def found(business: Business, event: str) -> list[str]:
    """The ids of the bookings that are listed once `event` is in, which may take the replica more than one wait."""
    with business.api() as api:
        reply = api.get("/v1/bookings", {"at_least": event})
    assert reply.status == 200, reply.body
    return [one["id"] for one in reply.body["data"]]


def streams(running: Running) -> bool:
    return running.rows("SELECT state FROM pg_stat_replication") == [("streaming",)]
