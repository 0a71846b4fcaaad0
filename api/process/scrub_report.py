"""`daybook fsck --last-scrub`: how far the scrub is, and what it has found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import psycopg

from domain.values import instant_text, public_id
from infrastructure.deployment import Deployment
from infrastructure.fsck.scrub import ScrubFinding, ScrubState, scrub_findings, scrub_state

FOUND: Final = 1
FINDINGS_MAX: Final = 1_000


def run_last_scrub(deployment: Deployment, *, as_json: bool) -> int:
    """Tell of the scrub's rounds; 0 when all is well, 1 when something is not."""
    with psycopg.connect(deployment.dsn_of("keeper"), options="-c timezone=UTC") as connection:
        state = scrub_state(connection)
        found = scrub_findings(connection, FINDINGS_MAX)
    if as_json:
        print(json.dumps(as_document(state, found)), flush=True)
    else:
        print("\n".join(as_lines(state, found)), flush=True)
    return FOUND if found else 0


def as_document(state: ScrubState | None, found: Sequence[ScrubFinding]) -> dict[str, Any]:
    """All of it, for a program."""
    return {
        "ok": not found,
        "round": state
        and {
            "begun_at": instant_text(state.begun_at),
            "finished_at": _text(state.finished_at),
            "looked_at": state.sequence,
            "events": state.total,
        },
        "last_round": state
        and state.last_begun_at
        and {
            "begun_at": instant_text(state.last_begun_at),
            "finished_at": _text(state.last_finished_at),
        },
        "findings": [
            {
                "tenant": public_id("tenant", one.tenant),
                "index": one.position,
                "reason": one.reason,
                "found_at": instant_text(one.found_at),
            }
            for one in found
        ],
    }


def as_lines(state: ScrubState | None, found: Sequence[ScrubFinding]) -> Iterator[str]:
    """All of it, for a person."""
    if state is None:
        yield "no round of the scrub was begun yet"
    else:
        if state.last_begun_at is not None:
            last = f"{instant_text(state.last_begun_at)}, finished {_text(state.last_finished_at)}"
            yield f"last round     begun {last}"
        if state.finished_at is None:
            begun = instant_text(state.begun_at)
            yield f"present round  begun {begun}, {state.sequence:,} of {state.total:,} events"
    yield "as it should be" if not found else "NOT AS IT SHOULD BE"
    for one in found:
        where = f"{public_id('tenant', one.tenant)}, event {one.position}"
        yield f"  {where}, {one.reason} (found {instant_text(one.found_at)})"


def _text(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)
