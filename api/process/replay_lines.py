"""How `daybook replay` shows an event: a row on a terminal, a line of JSON elsewhere. What is sealed stays so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import orjson

from api.http.routes_ledger import event_json
from application.event_types import catalogue
from application.ledger.reading import LedgerEvent
from domain.values import instant_text, public_id

SEALED: Final = "<sealed>"
CUT: Final = "…"
WIDTHS: Final = {"position": 8, "recorded at": 20, "type": 30, "actor": 16, "about": 16}
SAYS_WIDTH_MIN: Final = 40


def as_json(event: LedgerEvent) -> str:
    """One line, in ASCII: what `GET /v1/events` shows of it, and its plain fields, the sealed ones told by name."""
    return json.dumps({**event_json(event), "plain": dict(fields_of(event))})


def heading() -> str:
    """The row above all others."""
    return _row([*WIDTHS, "says"], SAYS_WIDTH_MIN)


def as_row(event: LedgerEvent, width: int) -> str:
    """One row of a terminal that is `width` wide; what does not fit is cut."""
    says = " ".join(f"{name}={_short(value)}" for name, value in fields_of(event))
    at = instant_text(event.recorded_at.replace(microsecond=0))
    cells = [str(event.position), at, event.type, header_of(event)["actor"], about(event), says]
    return _row(cells, width - sum(WIDTHS.values()) - len(WIDTHS))


def header_of(event: LedgerEvent) -> Any:
    """Its header: ids, codes, instants and digests."""
    return orjson.loads(event.header.split(b"\n", 1)[1])


def about(event: LedgerEvent) -> str:
    """The person whom it is about; where it is about nobody, or about many, its stream."""
    header, plain = header_of(event), _plain(event)
    found = {seal["s"] for seal in header.get("seals", ())} or {plain.get("subject")} - {None}
    if len(found) == 1:
        return public_id("subject", UUID(found.pop()))
    return event.stream.hex


def fields_of(event: LedgerEvent) -> Iterator[tuple[str, object]]:
    """The fields of its decision by name; the sealed ones last, each with a word in the place of its value."""
    yield from _plain(event).items()
    known = catalogue().get(event.type)
    classes = {seal["c"] for seal in header_of(event).get("seals", ())}
    for field in known.sealed if known else ():
        yield field.name, SEALED if field.retention_class in classes else None


def _plain(event: LedgerEvent) -> Mapping[str, Any]:
    assert event.payload is not None, "a replay is of whole events"
    found: Mapping[str, Any] = orjson.loads(event.payload.split(b"\n", 1)[0])
    return found


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _row(cells: list[str], rest: int) -> str:
    widths = [*WIDTHS.values(), max(rest, SAYS_WIDTH_MIN)]
    shown = [_cut(_printable(cell), width) for cell, width in zip(cells, widths, strict=True)]
    return " ".join(f"{cell:<{width}}" for cell, width in zip(shown, widths, strict=True)).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + CUT


def _printable(text: str) -> str:
    r"""Text that says nothing to a terminal but itself.

    >>> _printable("Gl\x1b[2Jow\n")
    'Gl?[2Jow?'
    """
    return "".join(each if each.isprintable() else "?" for each in text)
