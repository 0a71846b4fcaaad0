"""`daybook export`: the ledger of a tenant as a zip, on behalf of the operator, beside a running `up`."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.administration import reference, unknown
from api.composition import production
from api.out_file import out_file, require_free
from application.ledger.exports import ExportPlan
from application.permissions import operator
from domain.errors import DomainError, LedgerDamaged
from domain.values import public_id
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine, tenants_of
from infrastructure.ledger.publishing.unsigned import UnsignedEvents
from infrastructure.server.start_faults import StartFault

CONNECTIONS: Final = 2
SIGNED_SECONDS_MAX: Final = 10.0
NAMED_TENANTS_MAX: Final = 20
TOLD_SHARE: Final = 10
DONE, DID_NOT_HOLD, WRONG = 0, 1, 2
INTERRUPTED: Final = 130
TERMINATED: Final = 143


class WhichTenant(StartFault):
    """There are several tenants, or none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to export, and where to. `past` None is all that is signed."""

    out: Path
    tenant: str | None
    first: int
    past: int | None
    force: bool
    as_json: bool


def run_export(deployment: Deployment, asked: Asked) -> int:
    """Export, and say what was written; the exit code. Raises StartFault."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        require_free(asked.out, force=asked.force)
        tenant = chosen_tenant(deployment, asked.tenant)
        platform, engine = production(deployment, connections=CONNECTIONS)
        try:
            with platform.bound(tenant):
                if engine.book.entry(tenant, "tenant", tenant) is None:
                    raise unknown("--tenant")
                unsigned = signed_as_far_as_can_be(engine, tenant)
                with out_file(asked.out, force=asked.force) as file:
                    plan = platform.exports.begin(asked.first, asked.past, operator(tenant))
                    with progress(plan.events, quiet=asked.as_json) as told:
                        platform.exports.exporter.write(plan, file, told)
        finally:
            engine.close()
    except DomainError as refusal:
        details = "; ".join(f"{error.pointer}: {error.detail}" for error in refusal.errors)
        code = DID_NOT_HOLD if isinstance(refusal, LedgerDamaged) else WRONG
        return _say(details or refusal.detail, code)
    except KeyboardInterrupt:
        return _say("interrupted; nothing was written", INTERRUPTED)
    tell(asked, plan, unsigned)
    return DONE


def chosen_tenant(deployment: Deployment, given: str | None) -> UUID:
    """The tenant that is named, or the only one. Refuses: UnknownReference, WhichTenant."""
    if given is not None:
        return reference("tenant", given, "--tenant")
    follower = Database(deployment.dsn_of("follower"), size=1, walled=False)
    try:
        found = tenants_of(follower)()
    finally:
        follower.close()
    if len(found) == 1:
        return found[0]
    if not found:
        raise WhichTenant("there is no tenant here yet; found one: daybook tenant create")
    named = ", ".join(public_id("tenant", one) for one in found[:NAMED_TENANTS_MAX])
    rest = f" and {more} more" if (more := len(found) - NAMED_TENANTS_MAX) > 0 else ""
    raise WhichTenant(f"say which tenant, with --tenant: {named}{rest}")


def signed_as_far_as_can_be(engine: Engine, tenant: UUID) -> int:
    """Wait for the newest event to be signed for; how many are not, after all."""
    unsigned = UnsignedEvents(engine.app).wait(tenant, SIGNED_SECONDS_MAX)
    if unsigned:
        _say(
            f"{unsigned} newest events are not signed yet, and not in the export; is `up` running?"
        )
    return unsigned


@contextmanager
def progress(events: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, a line for each tenth elsewhere; nothing for programs."""
    if quiet or not sys.stderr.isatty():
        yield _silent if quiet else Lines(events)
        return
    columns = (
        TextColumn("exporting"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=events)
        yield lambda done: bar.update(task, completed=done)


class Lines:
    """Says how far it is, a line for each tenth."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._tenths = 0

    def __call__(self, done: int) -> None:
        """Hear of progress."""
        tenths = done * TOLD_SHARE // self._events
        if tenths > self._tenths:
            self._tenths = tenths
            print(f"exporting: {done} of {self._events} events", file=sys.stderr, flush=True)


def tell(asked: Asked, plan: ExportPlan, unsigned: int) -> None:
    """Say what was written."""
    size = asked.out.stat().st_size
    if asked.as_json:
        told = {
            "file": str(asked.out),
            "tenant": public_id("tenant", plan.tenant),
            "from": plan.first,
            "to": plan.past,
            "size": plan.checkpoint.size,
            "bytes": size,
            "unsigned": unsigned,
        }
        print(json.dumps(told))
        return
    print(
        f"wrote {asked.out}: events {plan.first} to {plan.past} of {public_id('tenant', plan.tenant)},"
        f" checkpoint of {plan.checkpoint.size}, {size:,} bytes"
    )


def _silent(_: int) -> None:
    pass


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(TERMINATED)


def _say(line: str, code: int = DONE) -> int:
    print(f"daybook: {line}", file=sys.stderr, flush=True)
    return code
