"""The fork guard's question to the witnesses: has one of them cosigned more of a log than the database has?

Signer and mirror may have been put back along with the database; a witness elsewhere has not. README D8.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.fork_guard import Behind, Rewritten
from infrastructure.ledger.witnesses.cosigner import Connection, own_checkpoint
from infrastructure.ledger.witnesses.witness_client import (
    INCONSISTENT,
    LastSize,
    Problem,
    WitnessConnection,
)
from infrastructure.ledger.witnesses.witness_policy import PolicyWitness, WitnessPolicy, load_policy
from infrastructure.ledger.witnesses.witness_store import Held

SECONDS_MAX: Final = 20.0  # for each witness
LOGS: Final = "SELECT tenant_id, size FROM ledger_head ORDER BY tenant_id"
Connect = Callable[[str], Connection]


def compare_with_witnesses(deployment: Deployment) -> list[str]:
    """Hold every log's newest checkpoint against its witnesses; what could not be asked, in words.

    Raises Behind, Rewritten, PolicyRefused, Unavailable. A witness that is away does not keep us from starting.
    """
    path = deployment.settings.witness_policy
    if path is None:
        return []
    policy = load_policy(path)
    database = Database(deployment.dsn_of("publisher"), size=1, walled=False)
    try:
        return ask_all(database, policy)
    finally:
        database.close()


def ask_all(
    database: Database, policy: WitnessPolicy, connect: Connect = WitnessConnection
) -> list[str]:
    """Ask every witness of a policy. Raises Behind, Rewritten, Unavailable."""
    sizes: dict[UUID, int] = dict(database.rows(LOGS))
    warnings: list[str] = []
    for witness in policy.witnesses.values():
        if witness.url is not None and sizes:
            connection = connect(witness.url)
            try:
                warnings += _ask(database, witness, connection, sizes)
            finally:
                connection.close()
    return warnings


def _ask(
    database: Database,
    witness: PolicyWitness,
    connection: Connection,
    sizes: Mapping[UUID, int],
) -> list[str]:
    deadline = time.monotonic() + SECONDS_MAX
    codes: set[str] = set()
    for done, tenant in enumerate(sizes):
        held = own_checkpoint(database, tenant)
        if held is None:
            continue
        if time.monotonic() > deadline:
            return [f"witness {witness.label} was asked about {done} of {len(sizes)} logs only"]
        # With our own size as the old one: whoever has it cosigns again, whoever has another says which.
        outcome = connection.add_checkpoint(held.request(held.size, ()))
        if isinstance(outcome, LastSize):
            _refuse_fork(witness, held, outcome.size, sizes[tenant])
        elif isinstance(outcome, Problem):
            if outcome.code == INCONSISTENT:
                _refuse_fork(witness, held, held.size, sizes[tenant])
            codes.add(outcome.code)
            if not outcome.answered:
                break
    return [f"witness {witness.label} could not say: {code}" for code in sorted(codes)]


def _refuse_fork(witness: PolicyWitness, held: Held, size: int, events: int) -> None:
    origin = held.text.partition("\n")[0]
    # It may have more than our last checkpoint where the mirror has just given events back: they are not signed yet.
    if size > events:
        raise Behind(
            f"log {origin} has {events} events, and witness {witness.label} cosigned {size}:"
            " the database was restored from a backup, and must not go on from there"
        )
    if size == held.size:
        raise Rewritten(
            f"log {origin} is not the one that witness {witness.label} cosigned at size {size}:"
            " the database was changed by hand"
        )
