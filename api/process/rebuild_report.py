"""What `daybook rebuild` says: how far it is, and what came of it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from domain.values import public_id
from projections.engine.read_model import ReadModel
from projections.engine.rebuild import Comparison, Progress, Switched


class Teller(Protocol):
    """Hears how far a rebuild is."""

    def __call__(self, progress: Progress) -> None: ...


def tell(
    model: ReadModel,
    compared: Comparison | None,
    switched: Switched | None,
    seconds: float,
    *,
    as_json: bool,
) -> None:
    """What came of it, for a program or a person."""
    if as_json:
        print(json.dumps(as_document(model, compared, switched, seconds)))
    else:
        print("\n".join(as_lines(model, compared, switched, seconds)), flush=True)


def as_document(
    model: ReadModel, compared: Comparison | None, switched: Switched | None, seconds: float
) -> dict[str, Any]:
    """What came of it, for a program."""
    return {
        "name": model.name,
        "version": model.version,
        "seconds": round(seconds, 3),
        "equal": compared and compared.equal,
        "digest": compared and str(compared.built),
        "sequence": compared and compared.sequence,
        "switched": switched is not None,
        "held_ms": switched and round(switched.held_ms, 1),
        "differing": [
            {
                "table": one.table,
                "only": one.side,
                "tenant": public_id("tenant", one.tenant),
                "key": one.key,
            }
            for one in (compared.differing if compared else ())
        ],
    }


def as_lines(
    model: ReadModel, compared: Comparison | None, switched: Switched | None, seconds: float
) -> Iterator[str]:
    """What came of it, for a person."""
    name = f"{model.name} v{model.version}"
    if compared is None:
        yield f"{name} was filled in {seconds:.1f} s; what is read may differ from it, and was not compared"
    elif compared.equal:
        yield f"{name} equals what is read at event {compared.sequence:,}: {compared.built.rows:,} rows,"
        yield f"  digest {compared.built}, filled in {seconds:.1f} s"
    else:
        yield f"{name} DIFFERS from what is read at event {compared.sequence:,}"
        for one in compared.differing:
            tenant = public_id("tenant", one.tenant)
            yield f"  only as {one.side}: {one.table}, {tenant}, {one.key}"
    if switched is None:
        yield "Nothing was switched. To have the rebuilt rows read instead: the same command with --anyway"
        return
    yield f"switched: readers were held up for {switched.held_ms:.0f} ms"
    yield f"what was replaced is kept until: daybook rebuild {model.name} --drop"


@contextmanager
def telling(name: str) -> Iterator[Teller]:
    """A bar with rate and time left on a terminal; elsewhere a line every few seconds, on standard error."""
    if not sys.stderr.isatty():
        yield Lines(name)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} events"),
        TextColumn("{task.speed:,.0f} a second"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=1)
        yield lambda it: bar.update(task, completed=it.average, total=max(it.target, 1))


class Lines:
    """A line every few seconds."""

    EVERY_SECONDS: Final = 2.0

    def __init__(self, name: str) -> None:
        self.name = name
        self.begun = self.last = time.monotonic()
        self.first: float | None = None

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if self.first is None:
            self.first = progress.average
        if now - self.last < self.EVERY_SECONDS:
            return
        self.last = now
        rate = (progress.average - self.first) / (now - self.begun)
        pace = "beginning"
        if rate > 0:
            left = (progress.target - progress.average) / rate
            pace = f"{rate:,.0f} a second, {left:,.0f} s left"
        say(f"{self.name}: {progress.average:,.0f} of {progress.target:,} events, {pace}")


def say(line: str) -> None:
    """A line on standard error."""
    print(f"daybook: {line}", file=sys.stderr, flush=True)
