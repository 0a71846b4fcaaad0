"""Our recorder behind the library's `ApplicationRecorder`: one SQL function call per command. README D1, D3.

No table lock, no NOTIFY in the append, no pipeline mode, no DDL: the order of events comes from the sequencer, and the
schema from migrations. Arrays go over the wire in binary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any, Final
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    OperationalError,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from application.ports import Outcome
from application.vouching import yet_to_be_seen
from domain.errors import Unavailable
from infrastructure.clock import SystemIds
from infrastructure.database import Database, Row, WalledConnection
from infrastructure.store.append_call import NOTHING, Columns, Effects, append_call, columns
from infrastructure.store.event_mapper import HeadedEvent
from infrastructure.wall import bound_tenant, bound_to

POLL_SECONDS: Final = 0.02
LOOK_SECONDS_MAX: Final = 5.0
# A role may end its own backends; one that does not hear of it within the time keeps its locks, and is not waited for.
END_OWN_BACKEND: Final = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE pid = %s AND usename = current_user"
)
REFUSED: Final = {
    "DB001": Outcome.TAKEN,
    "DB002": Outcome.FULL,
    "DB003": Outcome.MOVED,
    "23505": Outcome.CONFLICT,  # the version is there already
    "DB004": Outcome.ANSWERED,
    "23P01": Outcome.TAKEN,  # a session that would take more time than is free
    "40P01": Outcome.CONFLICT,  # a deadlock of two moves: one of them decides again
    "40001": Outcome.CONFLICT,
}
COLUMNS: Final = "stream_id, stream_version, type, state, tenant_id, event_id, header"


class AppendRefused(IntegrityError):
    """Nothing was stored; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


class WalledDatastore(PostgresDatastore):
    """The library's datastore on our pool: our roles, our wall, nothing created."""

    def __init__(self, database: Database) -> None:
        super().__init__(dbname="", host="", port="", user="", password="")
        self.database = database
        self.pool = database.pool  # type: ignore[assignment]

    def register_type_adapters(self) -> None:
        """Nothing to register: no composite types."""

    def close(self) -> None:
        """Leave the pool to its owner (the library calls this when a datastore is collected)."""

    @contextmanager
    def get_connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A walled connection, with failures in the library's terms and without the driver's words."""
        try:
            with self.database.connection() as connection:
                yield connection
        except Unavailable as error:
            raise OperationalError(error.detail) from error


class SequencedRecorder(PostgresApplicationRecorder):
    """Appends through `append_events`; reads in the order of the sequencer.

    Notification ids are sequences: dense from 1, never filled late. `sequence_now` makes them at once (tests, tools);
    without it `insert_events` returns None and the sequencer gives them within milliseconds.
    `home` is the tenant of events that name none, and binds threads that are not bound. `appended` is called after
    each append, to wake the sequencer: it must not wait.
    """

    def __init__(
        self,
        database: Database,
        *,
        home: UUID | None = None,
        sequence_now: Callable[[], object] | None = None,
        appended: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(WalledDatastore(database))
        self._database = database
        self._home = home
        self._ids = SystemIds()
        self._sequence_now = sequence_now
        self._appended = appended

    def create_table(self) -> None:
        """The schema is made by migrations."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, effects: Effects = NOTHING, **_: Any
    ) -> Sequence[int] | None:
        """Store all events and effects, or nothing.

        Raises AppendRefused (an IntegrityError), OperationalError when the database cannot be reached. A connection
        that is lost meanwhile is looked into: what is durable, or may become so, is not reported as failed, nor sent
        again. Only where the database stays away for seconds is the outcome unknown.
        """
        if not stored_events:
            return None
        assert in_stream_order(stored_events), "the queue keeps the order in which events are given"
        with self._bound():
            events = columns(stored_events, bound_tenant(), self._ids.uuid)
            outcome = self._append(events, effects)
            if outcome is not Outcome.APPENDED:
                raise AppendRefused(outcome)
            self._appended()
            return self._sequences(events) if self._sequence_now else None

    def _append(self, events: Columns, effects: Effects) -> Outcome:
        key = yet_to_be_seen()
        statement, parameters = append_call(events, effects, key)
        connection: WalledConnection | None = None
        backend = 0
        try:
            with self._database.connection() as connection:
                backend = connection.info.backend_pid  # nobody can ask for it once it is lost
                row = connection.execute(statement.encode(), parameters, binary=True).fetchone()
        except psycopg.Error as error:
            outcome = REFUSED.get(error.sqlstate or "")
            if outcome is None:
                raise
            return outcome
        except Unavailable:
            # A connection that still stands has said itself that nothing was done.
            if connection is None or not connection.closed:
                raise
            if self._became_stored(backend, events):
                return Outcome.APPENDED
            raise
        assert row is not None
        outcome = Outcome(row[0])
        if key is not None and outcome is not Outcome.REVOKED:
            key.seen = True
        return outcome

    def _became_stored(self, backend: int, events: Columns) -> bool:
        """Whether a lost connection's append is durable: known for certain, as its backend is ended first.

        Raises Unavailable when the database stays away.
        """
        deadline = monotonic() + LOOK_SECONDS_MAX
        while True:
            try:
                self._database.rows(END_OWN_BACKEND, (backend,))
                found = self._database.row(
                    "SELECT event_id FROM event WHERE tenant_id = %b AND stream_id = %b AND stream_version = %s",
                    (events.tenant, events.streams[0], events.versions[0]),
                )
            except Unavailable:
                if monotonic() > deadline:
                    raise
                sleep(POLL_SECONDS)
            else:
                return found is not None and found[0] == events.ids[0]

    def _sequences(self, events: Columns) -> list[int]:
        assert self._sequence_now is not None
        while True:
            self._sequence_now()
            rows = self._database.rows(
                "SELECT sequence FROM sequenced WHERE tenant_id = %b AND event_id = ANY(%b::uuid[]) ORDER BY sequence",
                (events.tenant, events.ids),
            )
            if len(rows) == len(events.ids):
                return [row[0] for row in rows]

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[HeadedEvent]:
        """Events of one stream of the bound tenant, by version."""
        with self._bound():
            rows = self._database.rows(
                f"SELECT {COLUMNS} FROM event"
                " WHERE tenant_id = %b AND stream_id = %b AND stream_version > %s AND stream_version <= %s"
                f" ORDER BY stream_version {'DESC' if desc else 'ASC'} LIMIT %s",
                (
                    bound_tenant(),
                    originator_id,
                    -1 if gt is None else gt,
                    2**31 - 1 if lte is None else lte,
                    limit,
                ),
            )
        return [headed(row) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events by sequence: no gaps, nothing late."""
        first = 0 if start is None else start + (0 if inclusive_of_start else 1)
        with self._bound():
            rows = self._database.rows(
                "SELECT s.sequence, e.stream_id, e.stream_version, e.type, e.state FROM sequenced s"
                " JOIN event e USING (tenant_id, stream_id, stream_version)"
                " WHERE s.sequence >= %s AND s.sequence <= %s AND (%s::text[] IS NULL OR e.type = ANY(%s::text[]))"
                " ORDER BY s.sequence LIMIT %s",
                (
                    first,
                    2**63 - 1 if stop is None else stop,
                    list(topics) or None,
                    list(topics) or None,
                    limit,
                ),
            )
        return [
            Notification(
                id=row[0],
                originator_id=row[1],
                originator_version=row[2],
                topic=row[3],
                state=row[4],
            )
            for row in rows
        ]

    def max_notification_id(self) -> int | None:
        """The last sequence; None when there is none."""
        with self._bound():
            row = self._database.row("SELECT max(sequence) FROM sequenced")
        return row[0] if row else None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Follow by polling: no LISTEN, so nothing to lose when a connection is."""
        return PollingSubscription(recorder=self, gt=gt, topics=topics)

    @contextmanager
    def _bound(self) -> Iterator[None]:
        if self._home is not None and bound_tenant() is None:
            with bound_to(self._home):
                yield
        else:
            yield


def in_stream_order(events: Sequence[StoredEvent]) -> bool:
    """True when the events of each stream are given by version."""
    reached: dict[UUID | str, int] = {}
    for event in events:
        version = event.originator_version
        if version < reached.get(event.originator_id, version):
            return False
        reached[event.originator_id] = version
    return True


def headed(row: Row) -> HeadedEvent:
    """A row of COLUMNS."""
    return HeadedEvent(
        originator_id=row[0],
        originator_version=row[1],
        topic=row[2],
        state=row[3],
        tenant_id=row[4],
        event_id=row[5],
        header=row[6],
    )


class PollingSubscription(ListenNotifySubscription[SequencedRecorder]):
    """The library's subscription, woken every 20 ms instead of by NOTIFY."""

    def __init__(
        self, recorder: SequencedRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._ended = Event()
        self._bell = Thread(target=self._ring, daemon=True)
        self._bell.start()

    def _ring(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            self._has_been_notified.set()

    def __exit__(self, *arguments: object, **named: Any) -> None:
        try:
            super().__exit__(*arguments, **named)
        finally:
            self._ended.set()
            self._bell.join()
