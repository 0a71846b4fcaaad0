"""A hold: a slot kept for seconds to an hour, so that a customer can finish booking it.

1. A hold is placed once, and ends once: released, consumed by a booking, or expired.
2. From its `expires_at` on it keeps nothing, recorded or not.
3. A booking that names a hold is for the same service, start and staff member.

*Not here*: whether the time is free (`availability`, and the store's claim).
Source: API "Rules of time and slots".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias, assert_never
from uuid import UUID

from domain import errors
from domain.visit import Visit

TTL_SECONDS_MIN: Final = 1
TTL_SECONDS_MAX: Final = 3_600
TTL_SECONDS_DEFAULT: Final = 300


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HoldPlaced:
    """A slot is kept until `expires_at`."""

    TYPE: ClassVar[str] = "hold.placed.v1"

    hold: UUID
    visit: Visit
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class HoldReleased:
    """Whoever placed it gave it up."""

    TYPE: ClassVar[str] = "hold.released.v1"

    hold: UUID


@dataclass(frozen=True, slots=True)
class HoldConsumed:
    """It became a booking."""

    TYPE: ClassVar[str] = "hold.consumed.v1"

    hold: UUID
    booking: UUID


@dataclass(frozen=True, slots=True)
class HoldExpired:
    """Its time was over, and someone else wanted the slot."""

    TYPE: ClassVar[str] = "hold.expired.v1"

    hold: UUID


Decision: TypeAlias = HoldPlaced | HoldReleased | HoldConsumed | HoldExpired
DECISIONS: Final = (HoldPlaced, HoldReleased, HoldConsumed, HoldExpired)


# --- state -----------------------------------------------------------------------------------------------------------


class Status(StrEnum):
    """Where a hold stands, as recorded: ask `is_open` whether it still keeps its slot."""

    PLACED = "placed"
    RELEASED = "released"
    CONSUMED = "consumed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as of `version` decisions."""

    id: UUID
    version: int
    status: Status
    visit: Visit
    expires_at: datetime

    def is_open(self, now: datetime) -> bool:
        """True while it keeps its slot: placed, and `now` before `expires_at`."""
        return self.status is Status.PLACED and now < self.expires_at


def evolve(state: Hold | None, decision: Decision) -> Hold:
    """The hold after `decision`."""
    if state is None:
        assert isinstance(decision, HoldPlaced), "a hold begins once"
        return Hold(decision.hold, 1, Status.PLACED, decision.visit, decision.expires_at)
    later = replace(state, version=state.version + 1)
    match decision:
        case HoldPlaced():
            raise AssertionError("a hold begins once")
        case HoldReleased():
            return replace(later, status=Status.RELEASED)
        case HoldConsumed():
            return replace(later, status=Status.CONSUMED)
        case HoldExpired():
            return replace(later, status=Status.EXPIRED)
        case _:
            assert_never(decision)


# --- deciding --------------------------------------------------------------------------------------------------------


def place(hold: UUID, visit: Visit, expires_at: datetime) -> HoldPlaced:
    """Keep `visit`, which was judged to be a slot, until `expires_at`."""
    return HoldPlaced(hold, visit, expires_at)


def require_ttl(ttl_seconds: int) -> None:
    """Refuse a time to live out of bounds. Refuses: Unacceptable (not 1 to 3,600 seconds)."""
    if not TTL_SECONDS_MIN <= ttl_seconds <= TTL_SECONDS_MAX:
        detail = f"It is not {TTL_SECONDS_MIN} to {TTL_SECONDS_MAX} seconds."
        raise errors.Unacceptable(
            errors=(errors.FieldError("/ttl_seconds", "out_of_range", detail),)
        )


def release(hold: Hold, now: datetime) -> HoldReleased:
    """Give the slot up. Refuses: NotFound (it is over already)."""
    if not hold.is_open(now):
        raise errors.NotFound()
    return HoldReleased(hold.id)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a booking says of the slot that it has held; None is left to the hold."""

    service: UUID
    start: datetime
    location: UUID | None = None
    staff: UUID | None = None


def require_fit(hold: Hold, wish: Wish, now: datetime) -> None:
    """Refuse a hold that does not serve `wish`. Refuses: HoldExpired, HoldMismatch."""
    if not hold.is_open(now):
        raise errors.HoldExpired()
    kept = hold.visit
    if (wish.service, wish.start) != (kept.service, kept.start):
        raise errors.HoldMismatch()
    if wish.location not in (None, kept.location) or wish.staff not in (
        None,
        kept.staff,
    ):
        raise errors.HoldMismatch()


def consume(hold: Hold, booking: UUID, wish: Wish, now: datetime) -> HoldConsumed:
    """Turn the hold into `booking`. Refuses: HoldExpired (over, or released), HoldMismatch."""
    require_fit(hold, wish, now)
    return HoldConsumed(hold.id, booking)


def expire(hold: Hold, now: datetime) -> HoldExpired | None:
    """Record that its time is over; None when that is not so, or it has ended already."""
    if hold.status is not Status.PLACED or now < hold.expires_at:
        return None
    return HoldExpired(hold.id)
