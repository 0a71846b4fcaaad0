"""How the tour looks: panels and colour on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from api.tour.step import Step, Told
from api.tour.talking import Exchange

BODY_CHARACTERS_MAX: Final = 300
CALLS_MAX: Final = 8
WIDTH_MAX: Final = 110
ASIDE: Final = ("type", "instance", "title")
COUNTED: Final = {"slots": "slots", "data": "entries", "days": "days"}
OURS: Final = {
    "ETag": "etag",
    "Daybook-Event": "daybook-event",
    "Daybook-Position": "daybook-position",
}
ID: Final = re.compile(r"\b([a-z]{3}_[0-9a-f]{8})[0-9a-f]{24}\b")


class Show(Protocol):
    """Shows the tour to somebody."""

    def begin(self, url: str, steps: int) -> None:
        """Say what comes."""

    def step(self, number: int, step: Step, calls: Sequence[Exchange], told: Told) -> None:
        """Show a step that held."""

    def failed(self, step: Step, calls: Sequence[Exchange], reason: str, /) -> None:
        """Show the step that did not hold."""

    def end(self, steps: int) -> None:
        """Say that everything held."""

    def wait(self) -> bool:
        """Wait for the reader; False when they have seen enough."""


def brief(text: str) -> str:
    """The text with its ids cut short: nobody reads thirty-two digits.

    >>> brief("GET /v1/bookings/bkg_00112233445566778899aabbccddeeff")
    'GET /v1/bookings/bkg_00112233…'
    """
    return ID.sub(r"\1…", text)


def shortened(body: object) -> str:
    """A body in a line, without what is the same in every refusal.

    >>> shortened({"code": "slot_unavailable", "type": "/problems/slot_unavailable"})
    '{"code": "slot_unavailable"}'
    """
    if isinstance(body, dict):
        kept = {name: value for name, value in body.items() if name not in ASIDE}
        text = brief(json.dumps(kept, ensure_ascii=False))
    else:
        text = " ".join(str(body).split())
    return text if len(text) <= BODY_CHARACTERS_MAX else text[:BODY_CHARACTERS_MAX] + " …"


def received(call: Exchange) -> str:
    """What came back, in a line: how much of it, or why not, and the headers that are ours."""
    parts = []
    if call.status >= 400:
        parts.append(shortened(call.body))
    elif call.text.startswith("{"):
        lists = [name for name in COUNTED if name in call.body]
        parts += [f"{len(call.body[name])} {COUNTED[name]}" for name in lists]
    for name, header in OURS.items():
        if header in call.headers:
            parts.append(f"{name}: {brief(call.headers[header])}")
    return "  ".join(parts)


class Plain:
    """Lines, for a pipe or a log."""

    def begin(self, url: str, steps: int) -> None:
        """See Show."""
        print(f"Daybook tour: {steps} steps against {url}")

    def step(self, number: int, step: Step, calls: Sequence[Exchange], told: Told) -> None:
        """See Show."""
        print(f"\n{number}. {step.title}")
        for call in calls:
            print(f"   {call.method} {brief(call.path)}  (as {call.role})")
            for name, value in call.sent_headers.items():
                print(f"      {name}: {brief(value)}")
            if call.sent is not None:
                print(f"      {shortened(call.sent)}")
            print(f"   -> {call.status} {received(call)}".rstrip())
        for line in told.lines:
            print(f"   {line}")
        for row in told.table:
            print("   " + " | ".join(row))
        print(f"   Why: {step.why}")

    def failed(self, _step: Step, calls: Sequence[Exchange], _reason: str, /) -> None:
        """See Show."""
        for call in calls:
            print(f"   {call.method} {brief(call.path)}  (as {call.role}) -> {call.status}")

    def end(self, steps: int) -> None:
        """See Show."""
        print(f"\nAll {steps} steps held.")

    def wait(self) -> bool:
        """Nobody waits for a pipe."""
        return True


class Silent(Plain):
    """Nothing, for a program that gets a summary."""

    def begin(self, url: str, steps: int) -> None:
        """See Show."""

    def step(self, number: int, step: Step, calls: Sequence[Exchange], told: Told) -> None:
        """See Show."""

    def failed(self, _step: Step, calls: Sequence[Exchange], _reason: str, /) -> None:
        """See Show."""

    def end(self, steps: int) -> None:
        """See Show."""


class Rich:
    """Panels, tables and colour, for a person at a terminal."""

    def __init__(self, console: Console, *, pausing: bool) -> None:
        self._console = console
        self._pausing = pausing
        self._steps = 0

    def begin(self, url: str, steps: int) -> None:
        """See Show."""
        self._steps = steps
        title = Text.assemble(("Daybook", "bold cyan"), ("  the tour", "bold"))
        self._print(title, Text(f"{steps} steps, against {url}", style="dim"))

    def step(self, number: int, step: Step, calls: Sequence[Exchange], told: Told) -> None:
        """See Show."""
        parts: list[RenderableType] = [_call(call) for call in calls[:CALLS_MAX]]
        if len(calls) > CALLS_MAX:
            parts.append(Text(f"… and {len(calls) - CALLS_MAX} more calls", style="dim"))
        parts.append(Text())
        parts += [Text(f"✓ {line}", style="green") for line in told.lines]
        if told.table:
            parts.append(_table(told.table))
        parts += [Text(), Text(step.why, style="italic")]
        self._panel(f"{number}/{self._steps}  {step.title}", "cyan", parts)

    def failed(self, step: Step, calls: Sequence[Exchange], reason: str, /) -> None:
        """See Show."""
        parts: list[RenderableType] = [_call(call) for call in calls]
        parts.append(Text(f"✗ {reason}", style="bold red"))
        self._panel(step.title, "red", parts)

    def end(self, steps: int) -> None:
        """See Show."""
        self._print(Text(f"✓ All {steps} steps held.", style="bold green"))

    def wait(self) -> bool:
        """See Show."""
        if not self._pausing:
            return True
        asked = self._console.input("[dim]  Enter goes on, q ends the tour [/dim]")
        return asked.strip().lower() not in ("q", "quit")

    def _panel(self, title: str, colour: str, parts: list[RenderableType]) -> None:
        width = min(self._console.width, WIDTH_MAX)
        titled = Text(f" {title} ", style="bold")
        panel = Panel(
            Group(*parts), title=titled, title_align="left", border_style=colour, width=width
        )
        self._print(panel)

    def _print(self, *parts: RenderableType) -> None:
        self._console.print()
        for part in parts:
            self._console.print(Padding(part, (0, 0, 0, 1)))


def _call(call: Exchange) -> RenderableType:
    line = Text(overflow="fold")
    path, _, query = brief(call.path).partition("?")
    line.append(call.method, "bold magenta").append(f" {path}", "bold")
    line.append(f"  as {call.role}", "dim")
    if query:
        line.append("\n  ?" + query.replace("&", " &"), "dim")
    for name, value in call.sent_headers.items():
        line.append(f"\n  {name}: {brief(value)}", "blue")
    if call.sent is not None:
        line.append(f"\n  {shortened(call.sent)}", "dim")
    colour = "green" if call.status < 400 else "yellow"
    line.append(f"\n  → {call.status} ", f"bold {colour}").append(received(call), colour)
    return line


def _table(rows: tuple[tuple[str, ...], ...]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in rows[0]:
        table.add_column(heading, overflow="fold")
    for row in rows[1:]:
        table.add_row(*row)
    return table
