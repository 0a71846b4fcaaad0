"""One process's adapters, wired to one deployment: what the composition root builds use cases on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from application.ports import Clock, Ids
from domain.errors import Unavailable
from infrastructure.clock import SystemClock, SystemIds
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.keys.key_vault import PostgresKeyVault
from infrastructure.keys.key_watch import KeyWatch
from infrastructure.keys.people import PostgresPeople
from infrastructure.keys.shredding import PostgresKeyShredder
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
    shredder: PostgresKeyShredder
    key_watch: KeyWatch
    doorbell: Doorbell

    @classmethod
    def connect(
        cls, deployment: Deployment, *, connections: int = CONNECTIONS, clock: Clock | None = None
    ) -> Engine:
        """Connect as the app, by the machine's clock unless told otherwise. Raises Unavailable."""
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
            shredder=PostgresKeyShredder(shredder_dsn, epoch_keys, backups, ids),
            key_watch=watch,
            doorbell=doorbell,
        )

    def readiness(self) -> dict[str, bool]:
        """Whether each database answers, now."""
        return {"database": answers(self.app), "keys": answers(self.keys)}

    def close(self) -> None:
        """Stop watching and ringing, and give all connections back."""
        self.doorbell.close()
        self.positions.standings.close()
        self.key_watch.stop()
        self.app.close()
        self.keys.close()


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
