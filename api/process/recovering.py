"""`daybook recover`, and the guard that runs it by itself when `up` finds that the database was restored."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from application.ledger.records import LedgerRecords
from domain.errors import DomainError
from domain.values import public_id
from infrastructure.clock import SystemClock, SystemIds
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.fork_guard import Behind, compare
from infrastructure.recovery.recover import Recovered, recover
from infrastructure.server.start_faults import StartFault
from infrastructure.store.event_mapper import EventMapper, NoKeys
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.event_store import PostgresEventStore
from infrastructure.store.open_erasures import tenants_erased


class KeysNotDestroyed(StartFault):
    """Whether somebody who is erased has a key cannot be looked into, or it cannot be destroyed now."""

    exit_code = 1


def guard(deployment: Deployment) -> None:
    """Refuse to go on where the database has something else than mirror and signer; what it lacks is brought back.

    What an old key database holds of people who are erased is destroyed again, before anything is served.
    Raises Behind, Rewritten, RecoveryRefused, MirrorDamaged, MemoryDamaged.
    """
    try:
        compare(deployment)
    except Behind as behind:
        say(str(behind))
        for line in as_lines(carry_out(deployment)):
            say(line)
        compare(deployment)
    erase_again(deployment)


def erase_again(deployment: Deployment) -> None:
    """Destroy again the keys that lived on in a key database which was restored from an old copy.

    The eraser turns the epoch for them, and then they are dead in every copy. Raises KeysNotDestroyed.
    """
    everyone = Database(deployment.dsn_of("follower"), size=1, walled=False)
    try:
        tenants = tenants_erased(everyone)
        if not tenants:
            return  # and what carries erasures through need not be imported
        from api.composition import production

        platform, engine = production(deployment, connections=2)
        try:
            repeated = platform.eraser.repeat(tenants)
        finally:
            engine.close()
    except DomainError as error:
        raise KeysNotDestroyed(
            f"it cannot be made sure that nobody who is erased has a key: {error.detail}"
        ) from error
    finally:
        everyone.close()
    if repeated:
        say(
            f"the key database was restored from an old copy: keys of {repeated} erasures lived again,"
            " and are destroyed again"
        )


def run_recover(deployment: Deployment, *, as_json: bool) -> None:
    """Bring back what the database lacks, and say what it was.

    Raises RecoveryRefused, Rewritten, MirrorDamaged, MemoryDamaged.
    """
    done = carry_out(deployment)
    compare(deployment)
    erase_again(deployment)
    print(json.dumps(as_document(done)) if as_json else "\n".join(as_lines(done)), flush=True)


def carry_out(deployment: Deployment) -> Recovered:
    """Recover, with its progress on standard error."""
    app = Database(deployment.dsn_of("app"), size=1)
    # What it records of the ledger holds no sealed value: it has no keys.
    store = PostgresEventStore(app, EventMapper(NoKeys()), SequencedRecorder(app))
    try:
        return recover(deployment, LedgerRecords(store, SystemClock(), SystemIds()), say)
    finally:
        app.close()


def as_document(done: Recovered) -> dict[str, Any]:
    """What was done, for a program."""
    return {
        "events": done.events,
        "waiting": done.waiting,
        "checked_against_signer": done.checked,
        "logs": [
            {
                "tenant": public_id("tenant", log.tenant),
                "found": log.found,
                "restored": log.restored,
                "keys_missing": log.keys_missing,
                "fences": log.fences,
            }
            for log in done.logs
        ],
    }


def as_lines(done: Recovered) -> Iterator[str]:
    """What was done, for a person."""
    if not done.logs:
        yield "the database lacks nothing that the mirror has"
        return
    for log in done.logs:
        yield f"{public_id('tenant', log.tenant)} had {log.found} events, and has {log.restored}"
        if log.keys_missing:
            yield f"  the key database lacks {log.keys_missing} keys that they name: their values stay closed"
        if log.fences:
            yield f"  {log.fences} classes of people were ordered erased since: they are fenced again"
    if not done.checked:
        yield "no memory of the signer was there to check against"
    yield "answers kept for repeated calls are not in the mirror: calls of the lost time must not be repeated blindly"


def say(line: str) -> None:
    """A line for people."""
    print(f"daybook: {line}", file=sys.stderr, flush=True)
