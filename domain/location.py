"""A location: one branch of a tenant, in one country and one time zone.

1. A location says who is the controller of its customers' data: the tenant, or the location itself.
2. A closed location stays closed: nothing about it is revised any more, and nothing is deleted.

*Not here*: which dates are holidays (a port answers that), what is offered there (`service`, `staff`).
*Source*: ISO 3166 for countries and subdivisions; README D13.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never
from uuid import UUID

from domain import fields
from domain.countries import COUNTRIES
from domain.errors import InvalidState, UnknownTimeZone
from domain.fields import Faults
from domain.local_time import zone
from domain.sealing import Plain

NAME_CHARACTERS_MAX: Final = 200
ADDRESS_CHARACTERS_MAX: Final = 500
POSTAL_CODE_CHARACTERS_MAX: Final = 20
_SUBDIVISION: Final = re.compile(r"[A-Z0-9]{1,3}")

Controller = Literal["tenant", "location"]


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocationTerms:
    """What a business says of a location.

    `country` is ISO 3166-1 alpha-2, `subdivision` what follows the hyphen in ISO 3166-2. With `closed_on_holidays`
    its public holidays close it, where a schedule does not say otherwise for that date.
    """

    name: Annotated[str, Plain("what the branch is called in public")]
    time_zone: Annotated[str, Plain("an IANA zone name")]
    country: Annotated[str, Plain("an ISO 3166-1 code")]
    subdivision: Annotated[str, Plain("an ISO 3166-2 code")] | None = None
    address: (
        Annotated[str, Plain("where the branch receives its customers, made public")] | None
    ) = None
    postal_code: Annotated[str, Plain("part of the branch's public address")] | None = None
    closed_on_holidays: bool = False
    controller: Controller = "tenant"


@dataclass(frozen=True, slots=True)
class LocationOpened:
    """The location can be booked at from now on."""

    TYPE: ClassVar[str] = "location.opened.v1"

    location: UUID
    terms: LocationTerms


@dataclass(frozen=True, slots=True)
class LocationRevised:
    """These terms stand from now on, in place of the earlier ones."""

    TYPE: ClassVar[str] = "location.revised.v1"

    terms: LocationTerms


@dataclass(frozen=True, slots=True)
class LocationClosed:
    """Nothing can be booked at the location any more; what is booked stands."""

    TYPE: ClassVar[str] = "location.closed.v1"


Decision: TypeAlias = LocationOpened | LocationRevised | LocationClosed
DECISIONS: Final = (LocationOpened, LocationRevised, LocationClosed)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Location:
    """A location as it stands."""

    id: UUID
    terms: LocationTerms
    active: bool
    version: int


def evolve(location: Location | None, decision: Decision) -> Location:
    """The location after `decision`."""
    if isinstance(decision, LocationOpened):
        return Location(decision.location, decision.terms, active=True, version=1)
    assert location is not None, "a location is opened first"
    following = replace(location, version=location.version + 1)
    match decision:
        case LocationRevised():
            return replace(following, terms=decision.terms)
        case LocationClosed():
            return replace(following, active=False)
        case _ as unreachable:
            assert_never(unreachable)


# --- deciding --------------------------------------------------------------------------------------------------------


def open_location(location: UUID, terms: LocationTerms) -> tuple[LocationOpened, ...]:
    """Open a location.

    Refuses: Unacceptable (any field).
    """
    fields.accept(_faults(terms))
    return (LocationOpened(location, terms),)


def revise(location: Location, terms: LocationTerms) -> tuple[LocationRevised, ...]:
    """Let `terms` stand; the same terms again decide nothing.

    Refuses: InvalidState (closed), Unacceptable (any field).
    """
    if not location.active:
        raise InvalidState("The location is closed")
    fields.accept(_faults(terms))
    return (LocationRevised(terms),) if terms != location.terms else ()


def close(location: Location) -> tuple[LocationClosed, ...]:
    """Close a location for good; one that is closed stays so."""
    return (LocationClosed(),) if location.active else ()


def _faults(terms: LocationTerms) -> Faults:
    return (
        *fields.line("/name", terms.name, NAME_CHARACTERS_MAX),
        *_zone_faults(terms.time_zone),
        *_country_faults(terms.country),
        *_optional_faults(terms),
    )


def _optional_faults(terms: LocationTerms) -> Faults:
    found = fields.FINE
    if terms.subdivision is not None:
        words = "It is the part of an ISO 3166-2 code after the hyphen, in capitals."
        found += fields.shaped("/subdivision", terms.subdivision, _SUBDIVISION, words)
    if terms.address is not None:
        found += fields.line("/address", terms.address, ADDRESS_CHARACTERS_MAX)
    if terms.postal_code is not None:
        found += fields.line("/postal_code", terms.postal_code, POSTAL_CODE_CHARACTERS_MAX)
    return found


def _zone_faults(name: str) -> Faults:
    try:
        zone(name)
    except UnknownTimeZone as unknown:
        return fields.fault("/time_zone", unknown.code, unknown.detail)
    return fields.FINE


def _country_faults(country: str) -> Faults:
    if country in COUNTRIES:
        return fields.FINE
    return fields.fault("/country", "unknown_country", "It is no ISO 3166-1 code of two capitals.")
