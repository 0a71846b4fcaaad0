"""What a step of the tour is, and what steps hand on to one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from api.tour.talking import Api, Exchange, Json, StepFailed
from domain.local_time import zone
from domain.values import instant_text

SOON: Final = timedelta(days=2)
AHEAD: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Told:
    """What a step has seen: lines, and a table where that says more (its first row names the columns)."""

    lines: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `name` is permanent, for programs; `why` is one sentence."""

    name: str
    title: str
    why: str
    act: Callable[[Walk], Told]


@dataclass(slots=True)
class Walk:
    """The way so far. Steps fill in what later steps stand on."""

    api: Api
    now: datetime
    location: Json = field(default_factory=dict)
    service: Json = field(default_factory=dict)
    staff_names: dict[str, str] = field(default_factory=dict)
    staff_id: str = ""
    start: str = ""
    hold: Json = field(default_factory=dict)
    booking: Json = field(default_factory=dict)
    etag: str = ""
    events: list[tuple[str, str]] = field(default_factory=list)
    position: int = -1

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the location."""
        return zone(str(self.location["time_zone"]))

    def wall(self, instant: str) -> str:
        """An instant as the clock at the location shows it."""
        return parsed(instant).astimezone(self.zone).strftime("%a %d %b %H:%M")

    def noted(self, what: str, exchange: Exchange) -> Exchange:
        """Note what a call has put on the record."""
        self.events.append((what, exchange.event))
        return exchange

    def slots(self, from_: datetime, to: datetime, staff_id: str | None = None) -> list[Json]:
        """What is free in [from_, to)."""
        query: dict[str, str] = {
            "service_id": self.service["id"],
            "location_id": self.location["id"],
            "from": instant_text(from_),
            "to": instant_text(to),
            "time_zone": self.location["time_zone"],
        }
        if staff_id is not None:
            query["staff_id"] = staff_id
        found: list[Json] = self.api.get("booking", "/v1/slots", query).body["slots"]
        return found

    def is_free(self, start: str) -> bool:
        """True when the slot at `start` is listed for the staff member of the tour."""
        at = parsed(start)
        return bool(self.slots(at, at + timedelta(seconds=1), self.staff_id))


def insist(holds: bool, otherwise: str) -> None:
    """Go on when it holds. Raises StepFailed."""
    if not holds:
        raise StepFailed(otherwise)


def parsed(instant: str) -> datetime:
    """The instant that an answer names."""
    return datetime.fromisoformat(instant).astimezone(UTC)
