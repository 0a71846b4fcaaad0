"""Bodies and answers of slots, holds, bookings and the agenda."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import AtLeast, End, HoldRef, Instant, LocationRef, ServiceRef, StaffRef, Zone
from api.http.schemas_common import Following, Input, Output
from domain import booking_given, hold, subject
from domain.booking import ReasonCode

Status = Literal["pending", "confirmed", "completed", "cancelled", "declined", "no_show"]
From = Annotated[Instant, Field(alias="from", description="The first instant that counts.")]
To = Annotated[End, Field(description="The first instant that no longer counts.")]
Reference = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$", examples=["order-1138"])]
PolicyVersion = Annotated[str, Field(pattern="^[A-Za-z0-9._-]{1,64}$", examples=["2027-01"])]
MetadataKey = Annotated[str, Field(pattern="^[A-Za-z0-9_.-]{1,40}$")]
MetadataValue = Annotated[str, Field(max_length=booking_given.METADATA_VALUE_LENGTH_MAX)]


# --- slots -----------------------------------------------------------------------------------------------------------


class SlotsAsked(Input):
    """Which starts to look at: those in [from, to), at most 92 days."""

    service_id: ServiceRef
    from_: From
    to: To
    location_id: LocationRef | None = None
    staff_id: StaffRef | None = None
    time_zone: Annotated[Zone | None, Field(description="Adds `local_start` in this zone.")] = None


class Slot(Output):
    """A start that can be booked now, and who is free for it."""

    start: Annotated[str, Field(examples=["2027-03-14T14:00:00Z"])]
    end: Annotated[str, Field(examples=["2027-03-14T14:45:00Z"])]
    staff_ids: list[str]
    seats_left: int
    local_start: Annotated[str | None, Field(examples=["2027-03-14T10:00:00-04:00"])] = None


class SlotList(Output):
    """The free starts, sorted."""

    slots: list[Slot]


# --- holds -----------------------------------------------------------------------------------------------------------


class NewHold(Input):
    """A slot to keep for a while."""

    service_id: ServiceRef
    start: Instant
    location_id: LocationRef | None = None
    staff_id: StaffRef | None = None
    ttl_seconds: Annotated[int, Field(ge=hold.TTL_SECONDS_MIN, le=hold.TTL_SECONDS_MAX)] = (
        hold.TTL_SECONDS_DEFAULT
    )


class Hold(Output):
    """A slot that is kept until `expires_at`."""

    id: str
    service_id: str
    location_id: str
    staff_id: str
    start: str
    end: str
    expires_at: str


# --- bookings --------------------------------------------------------------------------------------------------------


class Customer(Input):
    """Who comes. Only name and e-mail are required of a person."""

    name: Annotated[
        str, Field(min_length=1, max_length=subject.NAME_LENGTH_MAX, examples=["Ada Example"])
    ]
    email: Annotated[
        str,
        Field(min_length=3, max_length=subject.EMAIL_LENGTH_MAX, examples=["ada@example.test"]),
    ]
    phone: Annotated[
        str | None,
        Field(max_length=subject.PHONE_LENGTH_MAX, examples=["+1 212 555 0100"]),
    ] = None
    address: Annotated[str | None, Field(max_length=subject.ADDRESS_LENGTH_MAX)] = None


class NewBooking(Input):
    """A visit to book. `note` and `metadata` are sealed; `external_ref` is an opaque id of your own."""

    service_id: ServiceRef
    start: Instant
    location_id: LocationRef | None = None
    staff_id: StaffRef | None = None
    hold_id: HoldRef | None = None
    customer: Customer
    policy_version: PolicyVersion | None = None
    note: Annotated[str | None, Field(max_length=booking_given.NOTE_LENGTH_MAX)] = None
    external_ref: Reference | None = None
    metadata: (
        Annotated[
            dict[MetadataKey, MetadataValue], Field(max_length=booking_given.METADATA_KEYS_MAX)
        ]
        | None
    ) = None


class ShownCustomer(Output):
    """What a customer gave, opened on the record."""

    name: str
    email: str | None = None
    phone: str | None = None
    address: str | None = None
    note: str | None = None
    metadata: dict[str, str] | None = None


class Booking(Output):
    """A booking, without personal data unless it was asked for. `event_id` is the last event."""

    id: str
    status: Status
    service_id: str
    location_id: str
    staff_id: str
    start: str
    end: str
    subject_id: str
    event_id: str
    external_ref: str | None
    customer: ShownCustomer | None = None


class BookingList(Output):
    """Part of the list of bookings, by start and id."""

    data: list[Booking]
    next_cursor: str | None


class BookingsAsked(Following):
    """Which bookings to list."""

    from_: Annotated[Instant | None, Field(alias="from", description="Starts from here on.")] = None
    to: Annotated[End | None, Field(description="Starts before this.")] = None
    staff_id: StaffRef | None = None
    location_id: LocationRef | None = None
    status: Status | None = None


class Inclusion(Input):
    """Whether to open the customer's data."""

    include: Annotated[
        Literal["customer"] | None, Field(description="Opens it; takes a purpose.")
    ] = None


class Reason(Input):
    """Why."""

    reason_code: ReasonCode


class NewTime(Input):
    """Where to move a visit; without `staff_id` it keeps its staff member."""

    start: Instant
    staff_id: StaffRef | None = None


# --- agenda ----------------------------------------------------------------------------------------------------------


class AgendaAsked(Input):
    """Which part of a location's agenda: what starts in [from, to), at most 92 days."""

    location_id: LocationRef
    from_: From
    to: To
    at_least: Annotated[
        AtLeast | None,
        Field(description="Wait (at most 5 seconds) until it includes this event or position."),
    ] = None
    known_at: Annotated[
        Instant | None,
        Field(
            description="As the ledger knew it at this instant, from the events recorded by then."
        ),
    ] = None


class AgendaCustomer(Output):
    """Who comes."""

    name: str | None


class AgendaEntry(Output):
    """One booking of a day. `customer` is there under a purpose; its name is null once the person is erased."""

    booking_id: str
    service_id: str
    staff_id: str
    start: str
    end: str
    status: Status
    customer: AgendaCustomer | None = None


class AgendaDay(Output):
    """A local date of the location, and what starts on it."""

    date: str
    entries: list[AgendaEntry]


class Agenda(Output):
    """The days that have entries."""

    days: list[AgendaDay]
