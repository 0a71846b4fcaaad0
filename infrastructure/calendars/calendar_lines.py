"""Content lines and components of an iCalendar stream, read one at a time.

Only the properties that tell time and whether it is busy are decoded; titles, people and places are
passed over as bytes, so they can turn up in no result and no error. Nothing of the file is kept
after the import.

*Source*: RFC 5545 sections 3.1 and 3.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Final

from domain.errors import CalendarInvalid, TooLarge

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_DEPTH: Final = 8

_NAME: Final = re.compile(rb"([A-Za-z0-9-]+)[;:]")
_QUOTED_HEAD: Final = re.compile(r'((?:[^":]|"[^"]*")*):')

_WANTED: Final[dict[str, frozenset[str]]] = {
    "VCALENDAR": frozenset({"CALSCALE"}),
    "VEVENT": frozenset(
        {
            *("UID", "DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE"),
            *("RECURRENCE-ID", "STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS"),
        }
    ),
    "VFREEBUSY": frozenset({"FREEBUSY"}),
    "VTIMEZONE": frozenset({"TZID"}),
    "STANDARD": frozenset({"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"}),
    "DAYLIGHT": frozenset({"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"}),
}
_OF_A_CALENDAR: Final = frozenset({"VEVENT", "VFREEBUSY", "VTIMEZONE"})
_LABELS: Final = {"VEVENT": "event", "VFREEBUSY": "free/busy part", "VTIMEZONE": "time zone"}
_SKIPPED: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file something stands, for messages: never what stands there."""

    line: int
    part: str = ""

    def refuse(self, why: str) -> CalendarInvalid:
        """The error that says `why` and where.

        >>> Place(12, "event 3").refuse("DTSTART is missing").detail
        'event 3 (line 12): DTSTART is missing'
        """
        where = f"{self.part} (line {self.line})" if self.part else f"line {self.line}"
        return CalendarInvalid(f"{where}: {why}", line=self.line)


@dataclass(frozen=True, slots=True)
class Property:
    """One wanted content line: upper-case name, parameters as given, raw value."""

    name: str
    parameters: dict[str, str]
    value: str
    place: Place


@dataclass(slots=True)
class Component:
    """A component with its wanted properties, in file order."""

    name: str
    place: Place
    properties: list[Property] = field(default_factory=list)
    children: list[Component] = field(default_factory=list)

    def all(self, name: str) -> list[Property]:
        """Every property of that name."""
        return [found for found in self.properties if found.name == name]

    def one(self, name: str) -> Property | None:
        """The property of that name. Refuses a second one: CalendarInvalid."""
        found = self.all(name)
        if len(found) > 1:
            raise self.place.refuse(f"{name} occurs more than once")
        return found[0] if found else None


def content_lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Unfolded lines with the number of their first physical line; CRLF and LF both end a line.

    Unfolding is done on octets, because writers fold inside a UTF-8 character.
    Refuses: CalendarInvalid (a continuation with nothing before it).

    >>> list(content_lines(b"A:1\\r\\n 2\\r\\nB:3\\n"))
    [(1, b'A:12'), (3, b'B:3')]
    """
    first, parts = 0, list[bytes]()
    for number, raw in enumerate(BytesIO(body), 1):
        line = raw.rstrip(b"\r\n")
        if line[:1] in (b" ", b"\t"):
            if not parts:
                raise Place(number).refuse("a folded line continues nothing")
            parts.append(line[1:])
            continue
        if parts:
            yield first, b"".join(parts)
        first, parts = number, [line] if line else []
    if parts:
        yield first, b"".join(parts)


def components(body: bytes) -> Iterator[Component]:
    """The events, free/busy parts and time zones of all calendars in the stream, as they end.

    Refuses: TooLarge, then CalendarInvalid in the order in which a fault is met.
    """
    if len(body) > MAX_BYTES:
        raise TooLarge(f"a calendar may have at most {MAX_BYTES} bytes", limit=MAX_BYTES)
    _refuse_other_encodings(body)
    return _Components().read(body)


def _refuse_other_encodings(body: bytes) -> None:
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise CalendarInvalid("the file begins with a byte order mark; plain UTF-8 is needed")
    if b"\0" in body:
        raise CalendarInvalid("the file contains NUL bytes")


class _Components:
    """The state of one reading: the open components, and how many of each kind have been met."""

    def __init__(self) -> None:
        self._open: list[Component] = []
        self._met: dict[str, int] = {}
        self._heads: dict[str, tuple[str, dict[str, str]]] = {}

    def read(self, body: bytes) -> Iterator[Component]:
        last = 0
        for last, line in content_lines(body):
            name = self._name(last, line)
            if name == "BEGIN":
                self._begin(last, _component_name(last, line))
            elif name == "END":
                yield from self._end(last, _component_name(last, line))
            elif not self._open:
                raise Place(last).refuse("this is not a calendar: BEGIN:VCALENDAR is missing")
            elif name in _WANTED.get(self._open[-1].name, _SKIPPED):
                self._keep(last, line, name)
        if self._open:
            raise Place(last).refuse(f"the file ends inside {self._known(self._open[-1].name)}")
        if "VCALENDAR" not in self._met:
            raise CalendarInvalid("this is not a calendar: BEGIN:VCALENDAR is missing")

    def _name(self, number: int, line: bytes) -> str:
        match = _NAME.match(line)
        if match is None:
            if not self._met:
                raise CalendarInvalid("this is not a calendar: BEGIN:VCALENDAR is missing")
            raise Place(number).refuse("not a content line (name, colon, value)")
        try:
            line.decode()
        except UnicodeDecodeError:
            raise Place(number).refuse("not UTF-8") from None
        return match[1].decode().upper()

    def _begin(self, number: int, name: str) -> None:
        self._met[name] = self._met.get(name, 0) + 1
        label = _LABELS.get(name)
        place = Place(number, f"{label} {self._met[name]}" if label else "")
        inside = self._open[-1].name if self._open else ""
        if (name == "VCALENDAR") != (not inside):
            raise place.refuse("BEGIN:VCALENDAR is expected at the top, and only there")
        if name in _OF_A_CALENDAR and inside != "VCALENDAR":
            raise place.refuse(f"{name} begins inside another part; an END is missing")
        if len(self._open) == MAX_DEPTH:
            raise place.refuse(f"parts are nested more than {MAX_DEPTH} deep")
        if name in ("STANDARD", "DAYLIGHT"):
            place = Place(number, self._open[-1].place.part)
        self._open.append(Component(name, place))

    def _end(self, number: int, name: str) -> Iterator[Component]:
        if not self._open or self._open[-1].name != name:
            raise Place(number).refuse("this END belongs to no open BEGIN")
        ended = self._open.pop()
        if name in _OF_A_CALENDAR:
            yield ended
        elif name in ("STANDARD", "DAYLIGHT") and self._open[-1].name == "VTIMEZONE":
            self._open[-1].children.append(ended)
        elif name == "VCALENDAR":
            scale = ended.one("CALSCALE")
            if scale and scale.value.strip().upper() != "GREGORIAN":
                raise scale.place.refuse("only the Gregorian calendar is supported")

    def _keep(self, number: int, line: bytes, name: str) -> None:
        text, part = line.decode(), self._open[-1].place.part
        place = Place(number, part)
        head, colon, value = text.partition(":")
        if '"' in head:
            match = _QUOTED_HEAD.match(text)
            if match is None:
                raise place.refuse(f"the parameters of {name} cannot be read")
            head, colon, value = match[1], ":", text[match.end() :]
        if not colon:
            raise place.refuse(f"{name} has no value")
        parameters = self._parameters(head, partial(place.refuse))
        self._open[-1].properties.append(Property(name, parameters, value.strip(), place))

    def _parameters(self, head: str, refuse: Callable[[str], CalendarInvalid]) -> dict[str, str]:
        if ";" not in head:
            return {}
        known = self._heads.get(head)
        if known is None:
            known = self._heads[head] = _parse_head(head, refuse)
        return known[1]

    @staticmethod
    def _known(name: str) -> str:
        return name if name in _WANTED else "a part"


def _component_name(number: int, line: bytes) -> str:
    name = line.partition(b":")[2].strip().decode().upper()
    if not name:
        raise Place(number).refuse("BEGIN and END need the name of a part")
    return name


def _parse_head(head: str, refuse: Callable[[str], CalendarInvalid]) -> tuple[str, dict[str, str]]:
    # Imported late: 10 MB that a process without calendars need not carry.
    from icalendar.parser import Contentline

    try:
        name, parameters, _ = Contentline(head + ":x").parts()  # type: ignore[no-untyped-call]
    except ValueError:
        raise refuse("its parameters cannot be read") from None
    # A comma outside quotes separates values; in a TZID it is a forgotten quote.
    return name.upper(), {
        key.upper(): value if isinstance(value, str) else ",".join(value)
        for key, value in parameters.items()
    }
