"""Take the tour: find the running instance, go step by step, and say whether all of it held."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx2
from rich.console import Console

from api.tour.showing import Plain, Rich, Show, Silent
from api.tour.step import Step, Told, Walk
from api.tour.steps import STEPS
from api.tour.talking import TIMEOUT_SECONDS, Api, Json, StepFailed

DEMO_KEYS: Final = Path("keys", "demo-keys.json")
URL_FILE: Final = Path("run", "url")

HELD, DID_NOT_HOLD, UNREADABLE = 0, 1, 2


def take_tour(data: Path, *, pausing: bool, as_json: bool) -> int:
    """Take the tour of what runs in `data`; the exit code."""
    try:
        url = (data / URL_FILE).read_text(encoding="utf-8").strip()
    except OSError:
        return _say(f"nothing runs in {data}; start it: daybook up --demo --data {data}")
    try:
        demo = json.loads((data / DEMO_KEYS).read_text(encoding="utf-8"))
    except OSError:
        return _say(f"the demo is not loaded in {data}; start it: daybook up --demo --data {data}")
    show = chosen_show(pausing=pausing, as_json=as_json)
    with httpx2.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        try:
            now = _clock_of(client)
        except httpx2.TransportError:
            return _say(f"nothing answers at {url}; start it: daybook up --demo --data {data}")
        walk = Walk(Api(client, demo["keys"]), now)
        held, failure = go(walk, STEPS, show, url)
    if as_json:
        summary = {"url": url, "tenant": demo["tenant"], "held": failure is None, "steps": held}
        print(json.dumps(summary))
    if failure is not None:
        return _say(f"tour: {failure}", DID_NOT_HOLD)
    return HELD


def go(walk: Walk, steps: Sequence[Step], show: Show, url: str) -> tuple[list[Json], str | None]:
    """Walk the steps; what each was, and what did not hold: None when all did, or the reader had seen enough."""
    done: list[Json] = []
    show.begin(url, len(steps))
    for number, step in enumerate(steps, start=1):
        before = len(walk.api.made)
        outcome = act(step, walk)
        calls = walk.api.made[before:]
        held = isinstance(outcome, Told)
        made = [call.summary() for call in calls]
        done.append({"name": step.name, "held": held, "why": step.why, "calls": made})
        if not isinstance(outcome, Told):
            show.failed(step, calls, outcome)
            return done, f"{step.name}: {outcome}"
        show.step(number, step, calls, outcome)
        if number < len(steps) and not show.wait():
            return done, None
    show.end(len(steps))
    return done, None


def act(step: Step, walk: Walk) -> Told | str:
    """Take one step; what it tells, or what did not hold."""
    try:
        return step.act(walk)
    except StepFailed as failed:
        return str(failed)
    except (KeyError, IndexError, ValueError):
        return "an answer lacks what the contract says it has"


def chosen_show(*, pausing: bool, as_json: bool) -> Show:
    """How to show it to whoever reads our standard output."""
    if as_json:
        return Silent()
    console = Console(highlight=False)
    if not console.is_terminal:
        return Plain()
    return Rich(console, pausing=pausing and sys.stdin.isatty())


def _clock_of(client: httpx2.Client) -> datetime:
    """The instance's own time, from the header that every answer has."""
    return parsedate_to_datetime(client.get("/healthz").headers["date"])


def _say(line: str, code: int = UNREADABLE) -> int:
    print(f"daybook: {line}", file=sys.stderr, flush=True)
    return code
