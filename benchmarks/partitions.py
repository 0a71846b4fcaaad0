"""What partitions by tenant cost or gain: `python -m benchmarks.partitions [--events N] [--parts 16]`.

One log of forty tenants, in three shapes: as it is; with `event` partitioned by hash of the tenant; with `sequenced`,
which holds the leaves, partitioned as well (there every follower merges as many indexes). Measured in turn, round by
round, on one server, as the parts' own roles behind row-level security: processor time of the server process for each
call, for appending one event to a new stream and to one that is there, reading a stream, finding an event's place, and
following the log; and the time to plan what a follower asks. The least of all rounds is shown: what else the machine
does only adds to it.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.filling import written
from benchmarks.long_log import LongLog
from benchmarks.mapper import OneKey
from benchmarks.servers import Served, served
from benchmarks.table import median, show
from domain.booking import DECISIONS
from infrastructure.database import OPTIONS, Database
from infrastructure.store.event_mapper import EventMapper
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.event_source import AFTER, LAST
from infrastructure.wall import bound_to

SHAPES: Final = ("as it is", "event", "event, sequenced")
FOLLOWED_AT_ONCE: Final = 1_000
# A table's columns, defaults and checks come along; its keys, policies and rights are given anew.
PARTED: Final = """
ALTER TABLE {table} RENAME TO whole;
CREATE TABLE {table} (LIKE whole INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE, {keys})
    PARTITION BY HASH (tenant_id);
DO $$
DECLARE
    p record;
BEGIN
    FOR n IN 0..{last} LOOP
        EXECUTE format('CREATE TABLE {table}_%s PARTITION OF {table} FOR VALUES WITH (MODULUS {parts}, REMAINDER %s)',
                       n, n);
    END LOOP;
    FOR p IN SELECT * FROM pg_policies WHERE tablename = 'whole' LOOP
        EXECUTE format('CREATE POLICY %I ON {table} TO %I USING (%s) WITH CHECK (%s)',
                       p.policyname, p.roles[1], p.qual, p.with_check);
    END LOOP;
    FOR p IN SELECT grantee::regrole AS role, string_agg(privilege_type, ',') AS rights
               FROM pg_class, aclexplode(relacl) WHERE relname = 'whole' GROUP BY 1 LOOP
        EXECUTE format('GRANT %s ON {table} TO %s', p.rights, p.role);
    END LOOP;
END $$;
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
INSERT INTO {table} SELECT * FROM whole{order};
DROP TABLE whole;
"""
KEYS: Final = {
    "event": ("PRIMARY KEY (tenant_id, stream_id, stream_version)", ""),
    "sequenced": (
        "PRIMARY KEY (tenant_id, sequence), UNIQUE (tenant_id, position), UNIQUE (tenant_id, event_id)",
        " ORDER BY sequence",
    ),
}


@dataclass(frozen=True)
class Shaped:
    """A copy of the log in one shape."""

    owner: str
    app: Database
    follower: Database


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="what partitions by tenant cost or gain")
    options.add_argument("--events", type=int, default=100_000)
    options.add_argument("--parts", type=int, default=16)
    options.add_argument("--calls", type=int, default=500)
    options.add_argument("--rounds", type=int, default=12)
    chosen = options.parse_args()
    with served() as server:
        LongLog(chosen.events).put(server.deployment.main)
        shapes = {name: shaped(server, name, chosen.parts) for name in SHAPES}
        found: dict[str, dict[str, list[float]]] = {}
        for _ in range(chosen.rounds):
            for name, one in shapes.items():
                for what, cost in costs(one, chosen.calls, chosen.events).items():
                    found.setdefault(what, {}).setdefault(name, []).append(cost)
        for one in shapes.values():
            one.app.close()
            one.follower.close()
    show(
        f"Microseconds, {chosen.events:,} events, {chosen.parts} partitions (the least of {chosen.rounds} rounds)",
        ("", *SHAPES),
        [(what, *cells(by_shape)) for what, by_shape in found.items()],
    )


def cells(by_shape: dict[str, list[float]]) -> list[str]:
    """The least of each cost, and by how much it differs from that of the shape as it is."""
    whole = min(by_shape[SHAPES[0]])
    return [
        f"{min(found):.1f}" + (f" ({min(found) / whole - 1:+.0%})" if at else "")
        for at, found in enumerate(by_shape.values())
    ]


def shaped(server: Served, shape: str, parts: int) -> Shaped:
    """A copy of the server's log in that shape."""
    number = SHAPES.index(shape)
    name, main = f"shape_{number}", server.deployment.main
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE daybook".encode())
    owner = make_conninfo(main, dbname=name)
    with psycopg.connect(owner, autocommit=True) as connection:
        for table in list(KEYS)[:number]:
            keys, order = KEYS[table]
            statement = PARTED.format(
                table=table, keys=keys, order=order, parts=parts, last=parts - 1
            )
            connection.execute(statement.encode())
            if table == "sequenced":
                connection.execute("CREATE INDEX ON sequenced (sequence)")
        connection.execute("VACUUM ANALYZE")
    roles = [
        make_conninfo(server.deployment.dsn_of(one), dbname=name) for one in ("app", "follower")
    ]
    return Shaped(owner, Database(roles[0], size=1), Database(roles[1], size=1, walled=False))


def microseconds(database: Database, calls: int, act: Callable[[], None]) -> float:
    """Of the processor of the pool's only server process, for each of the calls that `act` makes. Linux."""
    with database.connection() as connection:
        used = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    before = int(used.read_text().split()[0])
    act()
    return (int(used.read_text().split()[0]) - before) / 1e3 / calls


def costs(one: Shaped, calls: int, events: int) -> dict[str, float]:
    """What each thing costs in that shape."""
    with psycopg.connect(one.owner) as connection:
        known = connection.execute(
            "SELECT tenant_id, stream_id, event_id FROM sequenced WHERE sequence > %s",
            (events // 2,),
        ).fetchall()
    tenant = known[0][0]
    ours = [row for row in known if row[0] == tenant]
    recorder = SequencedRecorder(one.app, home=tenant)
    streams = [uuid4() for _ in range(calls)]
    with bound_to(tenant):
        return {
            "append to a new stream": microseconds(
                one.app, calls, appends(recorder, tenant, streams, 1)
            ),
            "append to a known stream": microseconds(
                one.app, calls, appends(recorder, tenant, streams, 2)
            ),
            "read a stream": microseconds(
                one.app, calls, asks(one.app, READ, [(row[0], row[1]) for row in some(ours, calls)])
            ),
            "find an event's place": microseconds(
                one.app,
                calls,
                asks(one.app, PLACE, [(row[0], row[2]) for row in some(ours, calls)]),
            ),
            "follow, each event": microseconds(one.follower, events, lambda: follow(one.follower)),
            "plan what a follower asks": planning(one),
        }


READ: Final = (
    "SELECT stream_id, stream_version, type, header, state FROM event"
    " WHERE tenant_id = %b AND stream_id = %b ORDER BY stream_version"
)
PLACE: Final = "SELECT position FROM sequenced WHERE tenant_id = %b AND event_id = %b"


def some(rows: list[Any], count: int) -> list[Any]:
    """So many of them, by chance, the same each time."""
    return random.Random(1).choices(rows, k=count)


def appends(
    recorder: SequencedRecorder, tenant: UUID, streams: list[UUID], version: int
) -> Callable[[], None]:
    """One append of one event for each stream."""
    events = [written(tenant, stream, version) for stream in streams]

    def act() -> None:
        for event in events:
            recorder.insert_events([event])

    return act


def asks(database: Database, statement: str, asked: list[tuple[UUID, UUID]]) -> Callable[[], None]:
    """One statement for each of what is asked."""

    def act() -> None:
        for one in asked:
            assert database.rows(statement, one)

    return act


def follow(follower: Database) -> None:
    """From the first event to the last, as the agenda's follower asks for them; what is found is left alone."""
    names = EventMapper(OneKey()).names_of(frozenset(DECISIONS))
    sequence = 0
    with follower.connection() as connection:
        while True:
            asked = (sequence, LAST, 1, 1, 0, FOLLOWED_AT_ONCE, names, names)
            rows = connection.execute(AFTER.encode(), asked, binary=True).fetchall()
            if not rows:
                return
            sequence = rows[-1][1]


def planning(one: Shaped) -> float:
    """Microseconds of planning, in a session that has planned it before."""
    statement = f"EXPLAIN (SUMMARY, FORMAT JSON) {AFTER}".replace("%b", "%s")
    names = ["booking.confirmed.v1"]
    with psycopg.connect(one.owner, options=OPTIONS, prepare_threshold=None) as connection:
        times = []
        for _ in range(20):
            asked = (0, LAST, 1, 1, 0, FOLLOWED_AT_ONCE, names, names)
            row = psycopg.ClientCursor(connection).execute(statement.encode(), asked).fetchone()
            assert row is not None
            times.append(1e3 * row[0][0]["Planning Time"])
    return median(times)


if __name__ == "__main__":
    main()
