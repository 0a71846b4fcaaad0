"""Set up a business: locations and services. Each has a list, one, a change, and an end; nothing is deleted."""

from __future__ import annotations

from typing import Final

from api.http import schemas_business as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import LocationId, ServiceId, read_cursor, write_cursor
from api.http.rendering import list_json, location_json, service_json
from api.http.schemas_common import Following, given
from application.recorded import Answer
from application.setup.locations import CloseLocation, OpenLocation, ReviseLocation
from application.setup.register import Receipt
from application.setup.services import OfferService, ReviseService, WithdrawService
from domain import errors
from domain.location import Location, LocationTerms
from domain.service import Price, Service, ServiceTerms

routes = Routes("Set up a business")

MADE: Final = ("Daybook-Event", "ETag", "Location")
CHANGED: Final = ("Daybook-Event", "ETag")
LISTED: Final = ("Daybook-Position",)


# --- locations -------------------------------------------------------------------------------------------------------


@routes.add("POST", "/v1/locations", schemas.Location, status=201, headers=MADE)
def open_location(call: Call, body: schemas.NewLocation) -> Answer:
    """Open a location.

    A branch in one country and one time zone. With `closed_on_holidays` its public holidays close it.
    Roles: owner; manager with a key that is good at all locations.
    """
    terms = LocationTerms(
        name=body.name,
        time_zone=body.time_zone,
        country=body.country,
        subdivision=body.subdivision,
        address=body.address,
        postal_code=body.postal_code,
        closed_on_holidays=body.closed_on_holidays,
        controller=body.controller,
    )
    return call.write(lambda by: call.platform.locations.open(OpenLocation(terms), by), _opened)


@routes.add("GET", "/v1/locations", schemas.LocationList, headers=LISTED)
def list_locations(call: Call, query: Following) -> Answer:
    """List the locations of this key, by creation, closed ones included."""
    reached = call.reached(query.at_least)
    after = read_cursor("locations", query.cursor)
    listing = call.platform.locations.page(query.limit, after, call.by)
    following = listing.next and write_cursor("locations", *listing.next)
    shown = [location_json(one) for one in listing.items]
    return answered(list_json(shown, following), headers=(reached,))


@routes.add("GET", "/v1/locations/{id}", schemas.Location, headers=("ETag",))
def show_location(call: Call, id: LocationId) -> Answer:
    """Show a location."""
    found = call.platform.locations.location(id, call.by)
    return answered(location_json(found), version=found.version)


@routes.add(
    "PATCH",
    "/v1/locations/{id}",
    schemas.Location,
    errors.InvalidState,
    headers=CHANGED,
    changes=True,
)
def revise_location(call: Call, id: LocationId, body: schemas.LocationChange) -> Answer:
    """Revise a location: the fields given stand from now on, the others stay."""
    locations = call.platform.locations
    command = ReviseLocation(
        id,
        name=body.name,
        time_zone=body.time_zone,
        country=body.country,
        subdivision=body.subdivision,
        address=body.address,
        postal_code=body.postal_code,
        closed_on_holidays=body.closed_on_holidays,
        controller=body.controller,
        if_match=call.if_match(lambda: locations.location(id, call.by).version),
    )
    return call.write(lambda by: locations.revise(command, by), _location)


@routes.add(
    "POST",
    "/v1/locations/{id}/deactivate",
    schemas.Location,
    headers=CHANGED,
    changes=True,
)
def close_location(call: Call, id: LocationId) -> Answer:
    """Close a location for good. What is booked stands."""
    locations = call.platform.locations
    if_match = call.if_match(lambda: locations.location(id, call.by).version)
    return call.write(lambda by: locations.close(CloseLocation(id, if_match), by), _location)


def _opened(receipt: Receipt[Location]) -> Answer:
    shown = location_json(receipt.state)
    return answered(
        shown,
        status=201,
        event=receipt.event,
        version=receipt.state.version,
        location=f"/v1/locations/{shown['id']}",
    )


def _location(receipt: Receipt[Location]) -> Answer:
    return answered(
        location_json(receipt.state), event=receipt.event, version=receipt.state.version
    )


# --- services --------------------------------------------------------------------------------------------------------


@routes.add(
    "POST",
    "/v1/services",
    schemas.Service,
    errors.UnknownReference,
    status=201,
    headers=MADE,
)
def offer_service(call: Call, body: schemas.NewService) -> Answer:
    """Offer a service.

    What a customer can book: how long it takes, on what grid it starts, and how many may come at once.
    Roles: owner; manager for own locations.
    """
    terms = ServiceTerms(
        location_ids=tuple(body.location_ids),
        name=body.name,
        duration_minutes=body.duration_minutes,
        slot_interval_minutes=body.slot_interval_minutes,
        buffer_before_minutes=body.buffer_before_minutes,
        buffer_after_minutes=body.buffer_after_minutes,
        minimum_notice_minutes=body.minimum_notice_minutes,
        booking_window_days=body.booking_window_days,
        capacity=body.capacity,
        requires_confirmation=body.requires_confirmation,
        price=_price(body.price),
    )
    return call.write(lambda by: call.platform.services.offer(OfferService(terms), by), _offered)


@routes.add("GET", "/v1/services", schemas.ServiceList, headers=LISTED)
def list_services(call: Call, query: Following) -> Answer:
    """List the services at the locations of this key, by creation, withdrawn ones included."""
    reached = call.reached(query.at_least)
    after = read_cursor("services", query.cursor)
    listing = call.platform.services.page(query.limit, after, call.by)
    following = listing.next and write_cursor("services", *listing.next)
    shown = [service_json(one) for one in listing.items]
    return answered(list_json(shown, following), headers=(reached,))


@routes.add("GET", "/v1/services/{id}", schemas.Service, headers=("ETag",))
def show_service(call: Call, id: ServiceId) -> Answer:
    """Show a service."""
    found = call.platform.services.service(id, call.by)
    return answered(service_json(found), version=found.version)


@routes.add(
    "PATCH",
    "/v1/services/{id}",
    schemas.Service,
    errors.InvalidState,
    errors.UnknownReference,
    headers=CHANGED,
    changes=True,
)
def revise_service(call: Call, id: ServiceId, body: schemas.ServiceChange) -> Answer:
    """Revise a service: the fields given bind what is booked from now on, the others stay."""
    services = call.platform.services
    command = ReviseService(
        id,
        location_ids=given(body.location_ids, tuple),
        name=body.name,
        duration_minutes=body.duration_minutes,
        slot_interval_minutes=body.slot_interval_minutes,
        buffer_before_minutes=body.buffer_before_minutes,
        buffer_after_minutes=body.buffer_after_minutes,
        minimum_notice_minutes=body.minimum_notice_minutes,
        booking_window_days=body.booking_window_days,
        capacity=body.capacity,
        requires_confirmation=body.requires_confirmation,
        price=given(body.price, _price),
        if_match=call.if_match(lambda: services.service(id, call.by).version),
    )
    return call.write(lambda by: services.revise(command, by), _service)


@routes.add(
    "POST",
    "/v1/services/{id}/deactivate",
    schemas.Service,
    headers=CHANGED,
    changes=True,
)
def withdraw_service(call: Call, id: ServiceId) -> Answer:
    """Withdraw a service for good. What is booked stands."""
    services = call.platform.services
    if_match = call.if_match(lambda: services.service(id, call.by).version)
    return call.write(lambda by: services.withdraw(WithdrawService(id, if_match), by), _service)


def _price(price: schemas.Price | None) -> Price | None:
    return None if price is None else Price(price.amount_minor, price.currency)


def _offered(receipt: Receipt[Service]) -> Answer:
    shown = service_json(receipt.state)
    return answered(
        shown,
        status=201,
        event=receipt.event,
        version=receipt.state.version,
        location=f"/v1/services/{shown['id']}",
    )


def _service(receipt: Receipt[Service]) -> Answer:
    return answered(service_json(receipt.state), event=receipt.event, version=receipt.state.version)
