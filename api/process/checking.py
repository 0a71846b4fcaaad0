"""`daybook fsck`: run the checks, and show how far they are and what they found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from api.process.progress import progress
from domain.values import parse_id, public_id
from infrastructure.deployment import Deployment
from infrastructure.fsck.checks import ADVICE, CHECKS, Checked, check_all
from infrastructure.server.start_faults import StartFault

FOUND: Final = 1


class NoSuchTenant(StartFault):
    """The tenant that was asked for is not written as one."""


def run_fsck(deployment: Deployment, tenant: str | None, *, as_json: bool) -> int:
    """Check everything, of one tenant or of all; 0 when all is well, 1 when something is not.

    Refuses: NoSuchTenant, MemoryDamaged, SeedRefused.
    """
    only = None if tenant is None else _tenant(tenant)
    with progress("checking", len(CHECKS)) as told:
        done = check_all(deployment, only, told)
    print(json.dumps(as_document(done)) if as_json else "\n".join(as_lines(done)), flush=True)
    return FOUND if any(one.findings for one in done) else 0


def as_document(done: Sequence[Checked]) -> dict[str, Any]:
    """What was found, for a program."""
    return {
        "ok": not any(one.findings for one in done),
        "checks": [
            {
                "check": one.name,
                "more": one.more,
                "advice": ADVICE[one.name] if one.findings else None,
                "findings": [
                    {
                        "check": each.check,
                        "tenant": each.tenant and public_id("tenant", each.tenant),
                        "index": each.index,
                        "reason": each.reason,
                    }
                    for each in one.findings
                ],
            }
            for one in done
        ],
    }


def as_lines(done: Sequence[Checked]) -> Iterator[str]:
    """What was found, for a person."""
    for one in done:
        yield f"{one.name:<10} {'as it should be' if not one.findings else 'NOT AS IT SHOULD BE'}"
        for each in one.findings:
            where = [public_id("tenant", each.tenant)] if each.tenant else []
            where += [f"event {each.index}"] if each.index is not None else []
            yield f"  {', '.join([*where, each.reason])}"
        if one.more:
            yield "  and more"
        if one.findings:
            yield f"  what to do: {ADVICE[one.name]}"


def _tenant(text: str) -> UUID:
    found = parse_id("tenant", text)
    if found is None:
        raise NoSuchTenant(f"{text} is not the id of a tenant (ten_...)")
    return found
