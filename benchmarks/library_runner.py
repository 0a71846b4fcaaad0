"""Following the agenda, ours beside the library's projection runner: `python -m benchmarks.library_runner`.

The same events in the same database, taken in by the same code of the same model, with the same checks of each event:
once by our follower, in batches with their checkpoint, and once by the library's runner, which takes one event in a
transaction with its tracking. The runner is given only the types that the model wants, as it allows. Afterwards both
tables are compared. fsync and synchronous_commit are on.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, ClassVar
from uuid import UUID
from weakref import WeakSet

import orjson
import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Mapper, StoredEvent, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row, tuple_row

from api.process.rebuilding import events
from application.following import Sequenced
from benchmarks.following import follow, measured
from benchmarks.long_log import LongLog
from benchmarks.running import DURABLE
from benchmarks.servers import Served, served
from benchmarks.table import show
from infrastructure.ledger.tree.intact import StoredRow
from infrastructure.store.event_mapper import EventMapper, NoKeys
from projections.agenda import AgendaModel
from projections.engine.arrays import teach

MODEL = AgendaModel()
WAIT_SECONDS = 3_600.0
AT_ONCE = 1_000
ROWS = (
    "SELECT s.sequence, s.position, s.recorded_at, e.tenant_id, e.stream_id, e.stream_version, e.event_id, e.type,"
    " e.header, e.state FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
    " ORDER BY s.sequence"
)
COMPARED = (
    "SELECT count(*) FROM (SELECT * FROM public.agenda_v1 EXCEPT SELECT * FROM library.agenda_v1) a",
    "SELECT count(*) FROM (SELECT * FROM library.agenda_v1 EXCEPT SELECT * FROM public.agenda_v1) b",
)


def main() -> None:
    """Measure, compare and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--events", type=int, default=20_000)
    chosen = options.parse_args()
    with served() as up:
        LongLog(chosen.events).put(up.deployment.main)
        environment = prepare(up)
        ours = measured(up.deployment, partial(follow, up.deployment, MODEL))
        theirs = measured(up.deployment, partial(run, environment))
        require_equal(up)
    rows = [
        (
            name,
            f"{chosen.events / cost.wall:,.0f}",
            f"{1e6 * cost.python / chosen.events:.0f}",
            f"{1e6 * cost.postgres / chosen.events:.0f}",
        )
        for name, cost in (("ours", ours), ("the library's runner", theirs))
    ]
    title = f"The agenda of {chosen.events:,} events ({DURABLE}); the rows are equal"
    show(title, ("", "events/s", "us Python", "us PostgreSQL"), rows)
    print(f"\n  {theirs.wall / ours.wall:.1f} times as many a second")


def require_equal(up: Served) -> None:
    """Stop unless both made the same rows."""
    with psycopg.connect(up.deployment.main) as owner:
        differing = [(owner.execute(one).fetchone() or (1,))[0] for one in COMPARED]
    if any(differing):
        raise SystemExit(f"the two agendas differ: {differing}")


# --- the library's side ----------------------------------------------------------------------------------------------


def prepare(up: Served) -> dict[str, str]:
    """Its tables in a schema of their own, with the same events; its settings."""
    place = {name: str(value) for name, value in conninfo_to_dict(up.deployment.main).items()}
    with psycopg.connect(up.deployment.main, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA library")
        owner.execute("CREATE TABLE library.agenda_v1 (LIKE public.agenda_v1 INCLUDING ALL)")
        owner.execute("ALTER ROLE CURRENT_USER SET search_path = library, public")
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": place["dbname"],
        "POSTGRES_HOST": place["host"],
        "POSTGRES_PORT": place["port"],
        "POSTGRES_USER": place["user"],
        "POSTGRES_PASSWORD": place["password"],
        "POSTGRES_SCHEMA": "library",
    }
    with psycopg.connect(up.deployment.main) as owner, Log(env=environment) as log:
        packed = (pack(row) for row in owner.cursor("all").stream(ROWS, binary=True))
        while batch := list(islice(packed, AT_ONCE)):
            log.recorder.insert_events(batch)
    return environment


def pack(row: tuple[Any, ...]) -> StoredEvent:
    """One of our rows as the library stores events: what it has no column for goes before the state."""
    _, position, recorded_at, tenant, stream, version, event_id, type_, header, state = row
    head = [position, recorded_at.isoformat(), tenant.hex, event_id.hex, len(header)]
    return StoredEvent(
        originator_id=stream,
        originator_version=version,
        topic=type_,
        state=orjson.dumps(head) + b"\n" + header + state,
    )


class PackedMapper(Mapper[UUID]):
    """Reads what `pack` wrote, with every check that our own mapper makes."""

    inner = EventMapper(NoKeys())

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """The event with its place in its log."""
        line, _, rest = stored_event.state.partition(b"\n")
        position, recorded_at, tenant, event_id, size = orjson.loads(line)
        stream = UUID(str(stored_event.originator_id))
        ids = (UUID(tenant), stream, stored_event.originator_version, UUID(event_id))
        row = StoredRow(*ids, stored_event.topic, rest[:size], rest[size:])
        at = datetime.fromisoformat(recorded_at)
        return Sequenced(0, position, at, self.inner.decoded(row))


class Log(Application[UUID]):
    """The library's application over the same events."""

    name = "log"

    def construct_mapper(self) -> Mapper[UUID]:
        """See the library."""
        return PackedMapper(transcoder=self.construct_transcoder())


class AgendaView(PostgresTrackingRecorder):
    """The agenda, with the library's tracking in the same transaction."""

    taught: ClassVar[WeakSet[psycopg.Connection[Any]]] = WeakSet()

    def take(self, event: Sequenced, tracking: Tracking) -> None:
        """One event."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            connection = cursor.connection
            if connection not in self.taught:
                teach(connection)
                self.taught.add(connection)
            connection.row_factory = tuple_row  # the library's rows are dictionaries
            MODEL.apply(connection, [event])
            connection.row_factory = dict_row


class AgendaProjection(Projection[AgendaView]):
    """The model, as the library runs one."""

    name = "agenda"
    topics: ClassVar[tuple[str, ...]] = tuple(events().mapper.names_of(MODEL.consumes))

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """See the library."""
        self.view.take(domain_event, tracking)


def run(environment: dict[str, str]) -> None:
    """From the first event to the last."""
    with ProjectionRunner(
        application_class=Log,
        projection_class=AgendaProjection,
        view_class=AgendaView,
        env=environment,
    ) as runner:
        runner.wait(last_wanted(environment), timeout=WAIT_SECONDS)


def last_wanted(environment: dict[str, str]) -> int:
    """The last notification that the model wants."""
    names = ("dbname", "host", "port", "user", "password")
    place = {name: environment[f"POSTGRES_{name.upper()}"] for name in names}
    with psycopg.connect(make_conninfo(**place)) as owner:
        row = owner.execute(
            "SELECT max(notification_id) FROM library.log_events WHERE topic = ANY(%s)",
            (list(AgendaProjection.topics),),
        ).fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    main()
