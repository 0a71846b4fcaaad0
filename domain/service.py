"""A service: what a customer can book, how long it takes, and on what grid it starts.

1. A service is offered at one location at least.
2. A withdrawn service stays withdrawn: nothing about it is revised any more, and nothing is deleted.
3. New terms bind what is booked from then on; what is booked stands.

*Not here*: who offers it (`staff`), when it can be booked (`availability`).
*Source*: the contract's "Rules of time and slots"; ISO 4217 for currencies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, TypeAlias, assert_never
from uuid import UUID

from domain import fields
from domain.errors import InvalidState
from domain.fields import Faults
from domain.sealing import Plain

NAME_CHARACTERS_MAX: Final = 200
LOCATIONS_MAX: Final = 200
DAY_MINUTES: Final = 1_440
NOTICE_MINUTES_MAX: Final = 525_600
WINDOW_DAYS_MAX: Final = 730
CAPACITY_MAX: Final = 1_000
PRICE_MINOR_MAX: Final = 1_000_000_000_000
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Price:
    """An amount in the currency's smallest unit (ISO 4217)."""

    amount_minor: int
    currency: Annotated[str, Plain("an ISO 4217 code")]


@dataclass(frozen=True, slots=True)
class ServiceTerms:
    """What a business says of a service.

    `booking_window_days` are days of 24 hours. `capacity` over 1 is a class: so many seats on one session.
    """

    location_ids: tuple[UUID, ...]
    name: Annotated[str, Plain("what the service is called in public")]
    duration_minutes: int
    slot_interval_minutes: int = 15
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    minimum_notice_minutes: int = 0
    booking_window_days: int = 60
    capacity: int = 1
    requires_confirmation: bool = False
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class ServiceOffered:
    """The service can be booked from now on."""

    TYPE: ClassVar[str] = "service.offered.v1"

    service: UUID
    terms: ServiceTerms


@dataclass(frozen=True, slots=True)
class ServiceRevised:
    """These terms stand from now on, in place of the earlier ones."""

    TYPE: ClassVar[str] = "service.revised.v1"

    terms: ServiceTerms


@dataclass(frozen=True, slots=True)
class ServiceWithdrawn:
    """The service cannot be booked any more; what is booked stands."""

    TYPE: ClassVar[str] = "service.withdrawn.v1"


Decision: TypeAlias = ServiceOffered | ServiceRevised | ServiceWithdrawn
DECISIONS: Final = (ServiceOffered, ServiceRevised, ServiceWithdrawn)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Service:
    """A service as it stands."""

    id: UUID
    terms: ServiceTerms
    active: bool
    version: int


def evolve(service: Service | None, decision: Decision) -> Service:
    """The service after `decision`."""
    if isinstance(decision, ServiceOffered):
        return Service(decision.service, decision.terms, active=True, version=1)
    assert service is not None, "a service is offered first"
    following = replace(service, version=service.version + 1)
    match decision:
        case ServiceRevised():
            return replace(following, terms=decision.terms)
        case ServiceWithdrawn():
            return replace(following, active=False)
        case _ as unreachable:
            assert_never(unreachable)


# --- deciding --------------------------------------------------------------------------------------------------------


def offer(service: UUID, terms: ServiceTerms) -> tuple[ServiceOffered, ...]:
    """Offer a service.

    Refuses: Unacceptable (any field).
    """
    fields.accept(_faults(terms))
    return (ServiceOffered(service, terms),)


def revise(service: Service, terms: ServiceTerms) -> tuple[ServiceRevised, ...]:
    """Let `terms` stand; the same terms again decide nothing.

    Refuses: InvalidState (withdrawn), Unacceptable (any field).
    """
    if not service.active:
        raise InvalidState("The service is withdrawn")
    fields.accept(_faults(terms))
    return (ServiceRevised(terms),) if terms != service.terms else ()


def withdraw(service: Service) -> tuple[ServiceWithdrawn, ...]:
    """Withdraw a service for good; one that is withdrawn stays so."""
    return (ServiceWithdrawn(),) if service.active else ()


def _faults(terms: ServiceTerms) -> Faults:
    minutes = (
        ("/duration_minutes", terms.duration_minutes, 1, DAY_MINUTES),
        ("/slot_interval_minutes", terms.slot_interval_minutes, 1, DAY_MINUTES),
        ("/buffer_before_minutes", terms.buffer_before_minutes, 0, DAY_MINUTES),
        ("/buffer_after_minutes", terms.buffer_after_minutes, 0, DAY_MINUTES),
        ("/minimum_notice_minutes", terms.minimum_notice_minutes, 0, NOTICE_MINUTES_MAX),
        ("/booking_window_days", terms.booking_window_days, 1, WINDOW_DAYS_MAX),
        ("/capacity", terms.capacity, 1, CAPACITY_MAX),
    )
    return (
        *fields.distinct("/location_ids", terms.location_ids, 1, LOCATIONS_MAX),
        *fields.line("/name", terms.name, NAME_CHARACTERS_MAX),
        *(found for bound in minutes for found in fields.whole(*bound)),
        *_price_faults(terms.price),
    )


def _price_faults(price: Price | None) -> Faults:
    if price is None:
        return fields.FINE
    return (
        *fields.whole("/price/amount_minor", price.amount_minor, 0, PRICE_MINOR_MAX),
        *fields.shaped(
            "/price/currency",
            price.currency,
            _CURRENCY,
            "It is an ISO 4217 code of three capitals.",
        ),
    )
