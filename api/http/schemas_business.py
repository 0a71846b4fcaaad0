"""Bodies and answers of locations, services, staff and keys. What a value may be is for the domain to say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import AllOrSome, End, Instant, LocationRef, ServiceRef, Zone
from api.http.schemas_common import Input, Output, absent
from domain import access_key, location, service, staff
from domain.access_key import Role

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[
    str,
    Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", examples=["09:00"]),
]
OnDate = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2027-12-24"])]

LocationName = Annotated[
    str, Field(min_length=1, max_length=location.NAME_CHARACTERS_MAX, examples=["Riverside"])
]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", examples=["US"], description="ISO 3166-1")]
Subdivision = Annotated[
    str,
    Field(pattern="^[A-Z0-9]{1,3}$", examples=["NY"], description="ISO 3166-2, after the hyphen"),
]
Address = Annotated[str, Field(min_length=1, max_length=location.ADDRESS_CHARACTERS_MAX)]
PostalCode = Annotated[str, Field(min_length=1, max_length=location.POSTAL_CODE_CHARACTERS_MAX)]
ServiceName = Annotated[
    str, Field(min_length=1, max_length=service.NAME_CHARACTERS_MAX, examples=["Haircut"])
]
Minutes = Annotated[int, Field(ge=1, le=service.DAY_MINUTES)]
Buffer = Annotated[int, Field(ge=0, le=service.DAY_MINUTES)]
Notice = Annotated[int, Field(ge=0, le=service.NOTICE_MINUTES_MAX)]
Window = Annotated[int, Field(ge=1, le=service.WINDOW_DAYS_MAX)]
Capacity = Annotated[int, Field(ge=1, le=service.CAPACITY_MAX)]
LocationIds = Annotated[list[LocationRef], Field(min_length=1, max_length=service.LOCATIONS_MAX)]
ServiceIds = Annotated[list[ServiceRef], Field(max_length=staff.SERVICES_MAX)]
StaffName = Annotated[str, Field(min_length=1, max_length=staff.NAME_CHARACTERS_MAX)]


# --- locations -------------------------------------------------------------------------------------------------------


class NewLocation(Input):
    """A branch to open."""

    name: LocationName
    time_zone: Zone
    country: Country
    subdivision: Subdivision | None = None
    address: Address | None = None
    postal_code: PostalCode | None = None
    closed_on_holidays: bool = False
    controller: location.Controller = "tenant"


class LocationChange(Input):
    """The fields of a location to revise; null takes an optional one away."""

    name: LocationName = absent()
    time_zone: Zone = absent()
    country: Country = absent()
    subdivision: Subdivision | None = absent()
    address: Address | None = absent()
    postal_code: PostalCode | None = absent()
    closed_on_holidays: bool = absent()
    controller: location.Controller = absent()


class Location(Output):
    """A branch."""

    id: str
    name: str
    time_zone: str
    country: str
    subdivision: str | None
    address: str | None
    postal_code: str | None
    closed_on_holidays: bool
    controller: location.Controller
    active: bool


class LocationList(Output):
    """Part of the list of locations."""

    data: list[Location]
    next_cursor: str | None


# --- services --------------------------------------------------------------------------------------------------------


class Price(Input):
    """An amount in the smallest unit of its currency."""

    amount_minor: Annotated[int, Field(ge=0, le=service.PRICE_MINOR_MAX, examples=[4500])]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["USD"], description="ISO 4217")]


class NewService(Input):
    """A service to offer."""

    location_ids: LocationIds
    name: ServiceName
    duration_minutes: Annotated[Minutes, Field(examples=[45])]
    slot_interval_minutes: Minutes = 15
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 0
    minimum_notice_minutes: Notice = 0
    booking_window_days: Window = 60
    capacity: Capacity = 1
    requires_confirmation: bool = False
    price: Price | None = None


class ServiceChange(Input):
    """The fields of a service to revise; null takes the price away."""

    location_ids: LocationIds = absent()
    name: ServiceName = absent()
    duration_minutes: Minutes = absent()
    slot_interval_minutes: Minutes = absent()
    buffer_before_minutes: Buffer = absent()
    buffer_after_minutes: Buffer = absent()
    minimum_notice_minutes: Notice = absent()
    booking_window_days: Window = absent()
    capacity: Capacity = absent()
    requires_confirmation: bool = absent()
    price: Price | None = absent()


class Service(Output):
    """What customers can book."""

    id: str
    location_ids: list[str]
    name: str
    duration_minutes: int
    slot_interval_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    minimum_notice_minutes: int
    booking_window_days: int
    capacity: int
    requires_confirmation: bool
    price: Price | None
    active: bool


class ServiceList(Output):
    """Part of the list of services."""

    data: list[Service]
    next_cursor: str | None


# --- staff -----------------------------------------------------------------------------------------------------------


class NewStaff(Input):
    """A person to engage. `display_name` is what customers see; `name` is sealed and never answered."""

    location_ids: LocationIds
    display_name: StaffName
    name: StaffName | None = None
    service_ids: ServiceIds = Field(default_factory=list)


class StaffChange(Input):
    """The fields of a staff member to revise. A name can be given, not taken away."""

    location_ids: LocationIds = absent()
    display_name: StaffName = absent()
    name: StaffName = absent()
    service_ids: ServiceIds = absent()


class Staff(Output):
    """A staff member. `has_name` says that a sealed name is kept."""

    id: str
    location_ids: list[str]
    display_name: str
    has_name: bool
    service_ids: list[str]
    has_schedule: bool
    active: bool


class StaffList(Output):
    """Part of the list of staff."""

    data: list[Staff]
    next_cursor: str | None


class Interval(Input):
    """Wall time of one day; `to` at or before `from` ends on the next day."""

    from_: Annotated[Clock, Field(alias="from")]
    to: Clock


class WeeklyHours(Interval):
    """Working time of some days of every week."""

    days: Annotated[list[Day], Field(min_length=1, max_length=7)]


class Override(Input):
    """The working time of one date, in place of the weekly one; none closes the day."""

    date: OnDate
    intervals: Annotated[list[Interval], Field(max_length=48)]


class Schedule(Input):
    """When a staff member works, in wall time of one zone."""

    time_zone: Zone
    weekly: list[WeeklyHours] = Field(default_factory=list, max_length=100)
    overrides: list[Override] = Field(default_factory=list, max_length=1_000)


class ImportWindow(Input):
    """The range of time, at most 730 days, for which a calendar speaks."""

    from_: Annotated[Instant, Field(alias="from")]
    to: End


class BusyImport(Output):
    """What an import has left: so many busy blocks, and nothing else."""

    blocks: int
    from_: Annotated[str, Field(alias="from")]
    to: str


# --- keys ------------------------------------------------------------------------------------------------------------


class NewKey(Input):
    """A key to issue. `actor` and `label` are ids, not names of people."""

    roles: Annotated[list[Role], Field(min_length=1, max_length=len(access_key.ROLES))]
    actor: Annotated[
        str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["front-desk"])
    ]
    location_ids: Annotated[
        AllOrSome, Field(description='Where it is good: "all", those to come included, or a list.')
    ]
    expires_at: Instant | None = None
    label: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$")] | None = None


class Key(Output):
    """A key, without its secret."""

    id: str
    roles: list[Role]
    actor: str
    location_ids: list[str] | Literal["all"]
    expires_at: str | None
    label: str | None
    operates: Annotated[
        bool, Field(description="It operates read models; only the operator makes such a key.")
    ]
    active: bool


class IssuedKey(Key):
    """A key at its issue: `key` is shown once. A repeated call gets `replayed` in its place."""

    key: str | None = None
    replayed: bool | None = None


class KeyList(Output):
    """Part of the list of keys."""

    data: list[Key]
    next_cursor: str | None
