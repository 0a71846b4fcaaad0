"""What the verbs of the ledger work with: the logs, their history, the seeds and the signer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from api.administration import reference
from application.ledger.log_history import LogHistory
from application.ports import Clock
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.publishing.origins import Origins
from infrastructure.ledger.signing.signer_access import AnySigner, signer_of, uses_lattice
from infrastructure.ledger.signing.signer_seeds import SeedFolder
from infrastructure.server.start_faults import StartFault
from infrastructure.settings import Settings
from infrastructure.wall import bound_to

HEADS: Final = "SELECT tenant_id, size FROM ledger_head ORDER BY tenant_id"


class LedgerRefused(StartFault):
    """The ledger's keys are not in a state in which this can be done."""


class LedgerUnfinished(StartFault):
    """It was begun, and has to be done again when what hinders it is gone."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Log:
    """One tenant's log, and its size as the database has it."""

    tenant: UUID
    origin: str
    size: int


@dataclass(frozen=True, slots=True)
class Office:
    """Everything at hand. `running` says whether `signer` is the one that runs, or ours for as long as we are here."""

    settings: Settings
    deployment: Deployment
    clock: Clock
    engine: Engine
    publishing: Database
    history: LogHistory
    seeds: SeedFolder
    signer: AnySigner
    running: bool
    lattice: bool

    def logs(self) -> list[Log]:
        """All logs that have an event, by tenant."""
        heads: dict[UUID, int] = dict(self.publishing.rows(HEADS))
        origins = Origins(self.publishing).of(list(heads))
        return [Log(tenant, origins[tenant], size) for tenant, size in heads.items()]

    def open_logs(self) -> list[Log]:
        """Those that are not frozen: nothing is told to a log that nobody signs."""
        return [log for log in self.logs() if self.signer.frozen(log.origin) is None]

    def log(self, tenant: str) -> Log:
        """One of them, by its public id. Refuses: UnknownReference, LedgerRefused."""
        id = reference("tenant", tenant, "/tenant")
        for log in self.logs():
            if log.tenant == id:
                return log
        raise LedgerRefused(f"there is no log of {tenant}")

    def add_key(self, log: Log, vkey: str) -> bool:
        """Tell a log of a key, unless it was told; whether it was now."""
        with bound_to(log.tenant):
            return self.history.add_key(log.tenant, vkey, log.size)

    def retire_key(self, log: Log, vkey: str) -> bool:
        """Tell a log that a key signs no more, unless it was told; whether it was now."""
        with bound_to(log.tenant):
            return self.history.retire_key(log.tenant, vkey, self.signer.size(log.origin))


@contextmanager
def office(deployment: Deployment, clock: Clock | None = None) -> Iterator[Office]:
    """Open one. Raises Unavailable, MemoryInUse, MemoryDamaged, SeedRefused."""
    settings = deployment.settings
    engine = Engine.connect(deployment, connections=1, clock=clock)
    publishing = Database(deployment.dsn_of("publisher"), size=1, walled=False)
    try:
        with signer_of(settings) as (signer, running):
            yield Office(
                settings=settings,
                deployment=deployment,
                clock=engine.clock,
                engine=engine,
                publishing=publishing,
                history=LogHistory(engine.store, engine.clock, engine.ids),
                seeds=SeedFolder(settings.signer),
                signer=signer,
                running=running,
                lattice=uses_lattice(settings, signer),
            )
    finally:
        publishing.close()
        engine.close()
