"""The verbs of `daybook ledger`: keys, their rotation, the end of a log, where a log stands.

Light like `api/cli.py`, which imports it: every verb imports what it needs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from infrastructure.server.start_faults import StartFault
from infrastructure.settings import DEFAULT_DATA, Settings

ledger = typer.Typer(help="Keep the ledger: its keys, its end.", no_args_is_help=True)

Data = Annotated[Path, typer.Option("--data", help="The data folder.", metavar="DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]
Tenant = Annotated[str, typer.Option("--tenant", help="The tenant's id (ten_...).")]


class VerbRefused(StartFault):
    """What was asked for cannot be done."""


class LossReason(StrEnum):
    """Why a key goes before its time."""

    LOST = "lost"


class EndReason(StrEnum):
    """Why a log ends."""

    KEY_COMPROMISED = "key_compromised"
    HISTORY_IN_DOUBT = "history_in_doubt"
    MOVED = "moved"


@ledger.command("keys")
def show_keys(
    tenant: Annotated[str | None, typer.Option(help="One tenant's (ten_...); else all.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """List the public keys of logs: those that sign, that are to come, that are retired."""
    from api.ledger_keys import shown

    def act(at: Any) -> dict[str, Any]:
        logs = [at.log(tenant)] if tenant else at.logs()
        return {"logs": [shown(at, log) for log in logs]}

    found = _done(data, act)
    if as_json:
        print(json.dumps(found))
        return
    for log in found["logs"]:
        print(f"{log['origin']}{'  FROZEN: ' + log['frozen'] if log['frozen'] else ''}")
        for key in log["keys"]:
            bounds = _bounds(key)
            print(f"  {key['state']:<9} {key['kind']:<9} {bounds}\n    {key['vkey']}")


@ledger.command("rotate-key")
def rotate_key(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Bring in a new key for every log: told in the log, then both sign. Run again, it goes on."""
    from api.ledger_keys import OVERLAP_DAYS, rotate

    done = _done(data, rotate)
    if as_json:
        print(json.dumps(done))
        return
    print(
        f"seed {done['seed']} signs beside the old one; {done['logs_told']} keys told in their logs"
    )
    if done["waiting_for_publisher"]:
        print(f"{done['waiting_for_publisher']} logs get its signature when the publisher runs")
    print(f"hand the new keys out (daybook ledger keys); retire the old in {OVERLAP_DAYS} days:")
    print("  daybook ledger retire-key")


@ledger.command("retire-key")
def retire_key(
    after_days: Annotated[
        int, typer.Option(min=0, max=36_500, help="How long both had to sign.")
    ] = 90,
    now: Annotated[bool, typer.Option("--now", help="At once; needs --reason.")] = False,
    reason: Annotated[LossReason | None, typer.Option(help="Why before its time.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Take the old key out: it signs no more, every log is told, the seed is destroyed."""
    from api.ledger_keys import retire

    if now != (reason is not None):
        raise VerbRefused("--now and --reason lost go together")
    done = _done(data, lambda at: retire(at, after_days=after_days, at_once=now))
    if as_json:
        print(json.dumps(done))
        return
    print(f"seeds {done['seeds']} are destroyed; {done['logs_told']} keys retired in their logs")


@ledger.command("tell-keys")
def tell_keys(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Tell every log of its ML-DSA-44 key, after DAYBOOK_MLDSA=1 was set."""
    from api.ledger_keys import tell_lattice_keys

    done = _done(data, tell_lattice_keys)
    print(json.dumps(done) if as_json else f"{done['logs_told']} keys told in their logs")


@ledger.command("freeze")
def freeze_log(
    tenant: Tenant,
    reason: Annotated[EndReason, typer.Option(help="Why.")],
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Without a last leaf; needs no database.")
    ] = False,
    origin: Annotated[
        str | None, typer.Option(help="With --at-once: the log, if its name is not the usual one.")
    ] = None,
    wait: Annotated[float, typer.Option(min=1, max=3_600, help="Seconds for the last leaf.")] = 60,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """End a log: nothing is signed for it any more. There is no way back."""
    from api.ledger_end import freeze, freeze_at_once

    if at_once:
        settings = Settings.read(data)
        done = _refusing(
            lambda: freeze_at_once(
                settings, origin or settings.origin.replace("<tenant>", tenant), reason.value
            )
        )
    else:
        done = _done(data, lambda at: freeze(at, at.log(tenant), reason.value, wait))
    if as_json:
        print(json.dumps(done))
        return
    print(
        f"{done['origin']} is frozen ({done['frozen']}); its last checkpoint has {done['size']} leaves"
    )
    print(
        "Its events are still stored, and never signed for. Next: hand the last checkpoint to your\n"
        "auditors and witnesses, found a new tenant, and put that checkpoint into its first document;\n"
        "`daybook ledger status` shows where the frozen log stands."
    )


@ledger.command("status")
def show_status(tenant: Tenant, data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Say how far a log is signed for, and why no further."""
    from api.ledger_end import standing

    found = _done(data, lambda at: standing(at, at.log(tenant)))
    if as_json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<24} {'-' if value is None else value}")


def _bounds(key: dict[str, Any]) -> str:
    bounds = [f"since {key['since']}" if key["since"] else ""]
    bounds.append(f"from size {key['from_size']}" if key["from_size"] is not None else "")
    bounds.append(f"up to size {key['last_size']}" if key["last_size"] is not None else "")
    return ", ".join(each for each in bounds if each)


def _done(data: Path, act: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    from api.ledger_office import office
    from application.event_types import catalogue
    from infrastructure.deployment import Deployment

    def within() -> dict[str, Any]:
        deployment = Deployment.locate(Settings.read(data))
        deployment.check(frozenset(catalogue()))
        with office(deployment) as at:
            return act(at)

    return _refusing(within)


def _refusing(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    from domain.errors import DomainError

    try:
        return act()
    except DomainError as refusal:
        details = "; ".join(f"{error.pointer}: {error.detail}" for error in refusal.errors)
        raise VerbRefused(details or refusal.detail) from None
    except OSError as error:
        raise VerbRefused(
            f"{error.strerror or 'not possible'}: {error.filename or 'disk'}"
        ) from error
