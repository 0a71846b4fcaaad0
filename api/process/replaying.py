"""`daybook replay`: the events of a tenant's log one by one, recorded as an access before the first is shown."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from api.administration import reference, unknown
from api.composition import production
from api.exporting import chosen_tenant
from api.process.progress import progress
from api.process.replay_lines import as_json, as_row, heading
from application.ledger.reading import LedgerEvent
from application.ledger.replaying import ReplayAsked, ReplayPlan, Replays
from application.permissions import operator
from domain.errors import DomainError, LedgerDamaged
from domain.values import public_id
from infrastructure.deployment import Deployment

CONNECTIONS: Final = 2
DONE, DID_NOT_HOLD, WRONG = 0, 1, 2
INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Verb:
    """Whose events, which, and why they are read. `asked` is without its subject; `as_json` also on a terminal."""

    tenant: str | None
    subject: str | None
    asked: ReplayAsked
    purpose: str | None
    case: str | None
    as_json: bool


def run_replay(deployment: Deployment, verb: Verb) -> int:
    """Print the events; the exit code. 0 as well when whoever reads has had enough. Raises StartFault."""
    try:
        tenant = chosen_tenant(deployment, verb.tenant)
        by = replace(operator(tenant), purpose=verb.purpose, case=verb.case)
        platform, engine = production(deployment, connections=CONNECTIONS)
        try:
            with platform.bound(tenant):
                if engine.book.entry(tenant, "tenant", tenant) is None:
                    raise unknown("/tenant")
                plan = platform.replays.begin(_with_subject(verb), by)
                return _shown(platform.replays, plan, as_lines=verb.as_json)
        finally:
            engine.close()
    except DomainError as refusal:
        return _say(_words(refusal), DID_NOT_HOLD if isinstance(refusal, LedgerDamaged) else WRONG)
    except BrokenPipeError:
        # What is still in the buffer has nobody to go to; without this, Python would complain of it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return _say("interrupted; nothing was printed", INTERRUPTED)


def _with_subject(verb: Verb) -> ReplayAsked:
    if verb.subject is None:
        return verb.asked
    return replace(verb.asked, subject=reference("subject", verb.subject, "/subject"))


def _shown(replays: Replays, plan: ReplayPlan, *, as_lines: bool) -> int:
    """Print the events, and say to a person where that is on record; the exit code."""
    record = f"on record: {public_id('event', plan.record)}"
    try:
        count = show(replays, plan, as_lines=as_lines)
    except KeyboardInterrupt:
        return _say(f"interrupted; {record}", INTERRUPTED)
    if sys.stderr.isatty():
        _say(f"{count:,} events of {public_id('tenant', plan.tenant)}; {record}")
    return DONE


def show(replays: Replays, plan: ReplayPlan, *, as_lines: bool) -> int:
    """Print the events of a plan, a page at a time; how many there were. Raises BrokenPipeError, LedgerDamaged."""
    count = 0
    row = _row(as_lines=as_lines)
    with _telling() as told:
        for page in replays.pages(plan):
            if page:
                sys.stdout.write("".join(f"{row(event)}\n" for event in page))
                sys.stdout.flush()
            count += len(page)
            told(len(page))
    return count


def _row(*, as_lines: bool) -> Callable[[LedgerEvent], str]:
    if as_lines or not sys.stdout.isatty():
        return as_json
    print(heading())
    width = shutil.get_terminal_size().columns
    return lambda event: as_row(event, width)


@contextmanager
def _telling() -> Iterator[Callable[[int], None]]:
    """Says how far it is, where somebody sees that and does not see the events."""
    if sys.stdout.isatty() or not sys.stderr.isatty():
        yield lambda _count: None
        return
    with progress("replaying", 1, rate=True) as told:
        yield lambda count: told("replaying", count)


def _words(refusal: DomainError) -> str:
    """A refusal as one line that speaks of options."""
    details = [
        f"--{error.pointer.strip('/').replace('_', '-')}: {error.detail}"
        for error in refusal.errors
    ]
    words = "; ".join(details) or refusal.detail
    return words.replace("Daybook-Purpose", "--purpose").replace("Daybook-Case", "--case")


def _say(line: str, code: int = DONE) -> int:
    print(f"daybook: {line}", file=sys.stderr, flush=True)
    return code
