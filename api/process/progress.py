"""How far a long command is: a bar for each of its steps on a terminal, elsewhere a line, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Told = Callable[[str, int], None]
"""Hears of so many more things of a step; 0 when it begins."""


@contextmanager
def progress(verb: str, steps: int, *, rate: bool = False) -> Iterator[Told]:
    """`verb` is what is done with each of the `steps`; with `rate` a bar says how many a second.

    What is printed meanwhile goes where it would go without a bar.
    """
    if not sys.stderr.isatty():
        yield _lines(verb, steps)
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = [
        SpinnerColumn(),
        TextColumn("{task.description:<12}"),
        TextColumn("{task.completed:>12,.0f}"),
    ]
    if rate:
        columns.append(TextColumn("{task.fields[rate]:>9,.0f} a second"))
    columns.append(TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as bar:
        tasks: dict[str, Any] = {}

        def told(name: str, count: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=None, rate=0.0)
            bar.advance(tasks[name], count)
            # There is none before the second look.
            bar.update(tasks[name], rate=bar.tasks[tasks[name]].speed or 0.0)

        yield told


def _lines(verb: str, steps: int) -> Told:
    begun: set[str] = set()

    def told(name: str, _count: int) -> None:
        if name not in begun:
            begun.add(name)
            print(f"daybook: {verb} {name} ({len(begun)}/{steps})", file=sys.stderr, flush=True)

    return told
