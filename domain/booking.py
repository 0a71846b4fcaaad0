"""A booking: a customer's appointment for one visit, from its making to its end.

1. A booking is pending, confirmed, completed, cancelled, declined or a no-show; the last four are final.
2. Only a pending booking is confirmed or declined, and confirmed only before its start.
3. Only a confirmed booking is completed or missed, and not before its start.
4. What the customer gave is sealed with the first decision, and never repeated.

*Not here*: what may be decided next (`booking_rules`); what the customer gave (`booking_given`); whether the time
is free (`availability`, and the store's claim); the person's profile (`subject`).
Source: API "Book", "Rules of time and slots".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never, get_args
from uuid import UUID

from domain.booking_given import PersonGiven
from domain.sealing import Envelope, Plain, Sealed
from domain.visit import Visit

ReasonCode = Literal[
    "customer_request", "business_request", "staff_unavailable", "weather", "duplicate", "other"
]
REASON_CODES: Final[tuple[ReasonCode, ...]] = get_args(ReasonCode)

ExternalRef: TypeAlias = Annotated[str, Plain("an opaque id of the caller's, by pattern")]


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BookingRequested:
    """A customer asked for a visit that the business has yet to confirm."""

    TYPE: ClassVar[str] = "booking.requested.v1"

    booking: UUID
    subject: UUID
    visit: Visit
    hold: UUID | None
    external_ref: ExternalRef | None
    person: Annotated[PersonGiven | Envelope, Sealed("booking", "subject")]


@dataclass(frozen=True, slots=True)
class BookingConfirmed:
    """The visit is agreed: at once (with `person`), or after a request that had it."""

    TYPE: ClassVar[str] = "booking.confirmed.v1"

    booking: UUID
    subject: UUID
    visit: Visit
    hold: UUID | None
    external_ref: ExternalRef | None
    person: Annotated[PersonGiven | Envelope, Sealed("booking", "subject")] | None


@dataclass(frozen=True, slots=True)
class BookingDeclined:
    """The business said no to a request."""

    TYPE: ClassVar[str] = "booking.declined.v1"

    booking: UUID
    subject: UUID
    reason_code: ReasonCode


@dataclass(frozen=True, slots=True)
class BookingLapsed:
    """A request's start passed before anyone confirmed it."""

    TYPE: ClassVar[str] = "booking.lapsed.v1"

    booking: UUID
    subject: UUID


@dataclass(frozen=True, slots=True)
class BookingRescheduled:
    """The visit moved to another time, or to another staff member."""

    TYPE: ClassVar[str] = "booking.rescheduled.v1"

    booking: UUID
    subject: UUID
    visit: Visit


@dataclass(frozen=True, slots=True)
class BookingCancelled:
    """The visit will not take place."""

    TYPE: ClassVar[str] = "booking.cancelled.v1"

    booking: UUID
    subject: UUID
    reason_code: ReasonCode


@dataclass(frozen=True, slots=True)
class BookingCompleted:
    """The visit took place."""

    TYPE: ClassVar[str] = "booking.completed.v1"

    booking: UUID
    subject: UUID


@dataclass(frozen=True, slots=True)
class BookingMissed:
    """The customer did not come."""

    TYPE: ClassVar[str] = "booking.missed.v1"

    booking: UUID
    subject: UUID


Decision: TypeAlias = (
    BookingRequested
    | BookingConfirmed
    | BookingDeclined
    | BookingLapsed
    | BookingRescheduled
    | BookingCancelled
    | BookingCompleted
    | BookingMissed
)
DECISIONS: Final = (
    BookingRequested,
    BookingConfirmed,
    BookingDeclined,
    BookingLapsed,
    BookingRescheduled,
    BookingCancelled,
    BookingCompleted,
    BookingMissed,
)


# --- state -----------------------------------------------------------------------------------------------------------


class Status(StrEnum):
    """Where a booking stands. A request that lapsed counts as declined."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    NO_SHOW = "no_show"


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as of `version` decisions.

    `sequence` counts what a calendar must take over (RFC 5545): moves and the end, from 0. `person` is what the
    customer gave, sealed unless it was given in this very call.
    """

    id: UUID
    version: int
    status: Status
    subject: UUID
    visit: Visit
    external_ref: str | None
    sequence: int
    person: PersonGiven | Envelope

    @property
    def occupies(self) -> bool:
        """True while the booking keeps its staff member's time."""
        return self.status not in (Status.CANCELLED, Status.DECLINED)


def evolve(state: Booking | None, decision: Decision) -> Booking:
    """The booking after `decision`."""
    if state is None:
        assert isinstance(decision, BookingRequested | BookingConfirmed), "a booking begins once"
        assert decision.person is not None, "a booking begins with what the customer gave"
        return _begun(decision, decision.person)
    later = replace(state, version=state.version + 1)
    match decision:
        case BookingRequested():
            raise AssertionError("a booking begins once")
        case BookingConfirmed():
            return replace(later, status=Status.CONFIRMED)
        case BookingDeclined() | BookingLapsed():
            return replace(later, status=Status.DECLINED, sequence=state.sequence + 1)
        case BookingRescheduled():
            return replace(later, visit=decision.visit, sequence=state.sequence + 1)
        case BookingCancelled():
            return replace(later, status=Status.CANCELLED, sequence=state.sequence + 1)
        case BookingCompleted():
            return replace(later, status=Status.COMPLETED)
        case BookingMissed():
            return replace(later, status=Status.NO_SHOW)
        case _:
            assert_never(decision)


def _begun(
    decision: BookingRequested | BookingConfirmed, person: PersonGiven | Envelope
) -> Booking:
    pending = isinstance(decision, BookingRequested)
    return Booking(
        id=decision.booking,
        version=1,
        status=Status.PENDING if pending else Status.CONFIRMED,
        subject=decision.subject,
        visit=decision.visit,
        external_ref=decision.external_ref,
        sequence=0,
        person=person,
    )
