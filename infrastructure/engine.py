"""One process's adapters, wired to one deployment: what the composition root builds use cases on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from application.ports import Clock, Ids
from application.read_models import ReplicaState
from domain.errors import Unavailable
from infrastructure.clock import SystemClock, SystemIds
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.keys.key_vault import PostgresKeyVault
from infrastructure.keys.key_watch import KeyWatch
from infrastructure.keys.people import PostgresPeople
from infrastructure.keys.shredding import PostgresKeyShredder
from infrastructure.read_side import ReadSide, Rows
from infrastructure.store.book import PostgresBook
from infrastructure.store.doorbell import APPENDED, Doorbell
from infrastructure.store.event_mapper import EventMapper
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.event_source import PostgresPositions
from infrastructure.store.event_store import PostgresEventStore
from infrastructure.store.kept_answers import PostgresAnswers
from infrastructure.store.standings import Standings

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Engine:
    """Adapters of the app's role. `close` gives the connections back."""

    clock: Clock
    ids: Ids
    app: Database
    keys: Database
    vault: PostgresKeyVault
    mapper: EventMapper
    store: PostgresEventStore
    book: PostgresBook
    people: PostgresPeople
    answers: PostgresAnswers
    positions: PostgresPositions
    read_side: ReadSide | None
    shredder: PostgresKeyShredder
    key_watch: KeyWatch
    doorbell: Doorbell

    @classmethod
    def connect(
        cls,
        deployment: Deployment,
        *,
        connections: int = CONNECTIONS,
        clock: Clock | None = None,
        read_url: str | None = None,
    ) -> Engine:
        """Connect as the app, by the machine's clock unless told otherwise. Raises Unavailable.

        Lists are read from the replica at `read_url` where one is given.
        """
        clock, ids = clock or SystemClock(), SystemIds()
        app = Database(deployment.dsn_of("app"), size=connections)
        keys = Database(deployment.dsn_of("keys"), size=connections)
        app.open()
        keys.open()
        epoch_keys = deployment.epoch_keys()
        vault = PostgresKeyVault(keys, epoch_keys, ids)
        # A connection of its own: when all others are busy, it is looked for destroyed keys all the same.
        watch = KeyWatch(vault, Database(deployment.dsn_of("keys"), size=1, walled=False))
        watch.start()
        shredder_dsn, backups = deployment.dsn_of("shredder"), deployment.settings.key_backups
        mapper = EventMapper(vault)
        doorbell = Doorbell(deployment.dsn_of("app"), APPENDED)
        store = PostgresEventStore(app, mapper, SequencedRecorder(app, appended=doorbell.ring))
        return cls(
            clock=clock,
            ids=ids,
            app=app,
            keys=keys,
            vault=vault,
            mapper=mapper,
            store=store,
            book=PostgresBook(app),
            people=PostgresPeople(vault, clock, store.is_begun),
            answers=PostgresAnswers(app, vault, clock, ids),
            positions=PostgresPositions(app, Standings(deployment.dsn_of("app"))),
            read_side=_read_side(app, deployment, read_url, connections),
            shredder=PostgresKeyShredder(shredder_dsn, epoch_keys, backups, ids),
            key_watch=watch,
            doorbell=doorbell,
        )

    @property
    def lists(self) -> Rows:
        """Where lists are read."""
        return self.read_side or self.app

    def replica(self) -> ReplicaState | None:
        """How the replica is that lists are read from; None where there is none."""
        return None if self.read_side is None else self.read_side.state

    def readiness(self) -> dict[str, bool]:
        """Whether each database answers, now."""
        return {"database": answers(self.app), "keys": answers(self.keys)}

    def close(self) -> None:
        """Stop watching and ringing, and give all connections back."""
        self.doorbell.close()
        self.positions.standings.close()
        self.key_watch.stop()
        if self.read_side is not None:
            self.read_side.close()
        self.app.close()
        self.keys.close()


def _read_side(
    app: Database, deployment: Deployment, read_url: str | None, connections: int
) -> ReadSide | None:
    if read_url is None:
        return None
    side = ReadSide(app, deployment.dsn_of_replica(read_url), size=connections)
    side.start()
    return side


def tenants_of(follower: Database) -> Callable[[], list[UUID]]:
    """A function that lists the deployment's tenants, for parts that serve them all."""
    return lambda: [
        row[0] for row in follower.rows("SELECT tenant_id FROM ledger_head ORDER BY tenant_id")
    ]


def answers(database: Database) -> bool:
    """True when the database answers a question."""
    try:
        return database.row("SELECT 1") is not None
    except Unavailable:
        return False
