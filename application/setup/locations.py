"""Open, revise and close the branches of a business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from application.permissions import (
    SETUP_ROLES,
    TENANT_ROLES,
    require,
    require_all_locations,
    sees,
)
from application.ports import Book, Clock, EventStore, Holidays, Ids
from application.recorded import Caller
from application.setup.register import UNSET, CreationKey, Listing, Receipt, Register, Unset, chosen
from domain import location
from domain.errors import FieldError, Unacceptable
from domain.location import Controller, Location, LocationTerms

LOCATIONS: Final = Register("location", Location, location.evolve)


@dataclass(frozen=True, slots=True)
class OpenLocation:
    """Open a location on these terms."""

    terms: LocationTerms


@dataclass(frozen=True, slots=True)
class ReviseLocation:
    """Let the given fields of a location stand, and leave the others."""

    location: UUID
    name: str | Unset = UNSET
    time_zone: str | Unset = UNSET
    country: str | Unset = UNSET
    subdivision: str | Unset | None = UNSET
    address: str | Unset | None = UNSET
    postal_code: str | Unset | None = UNSET
    closed_on_holidays: bool | Unset = UNSET
    controller: Controller | Unset = UNSET
    if_match: int | None = None

    def upon(self, terms: LocationTerms) -> LocationTerms:
        """The terms that stand once these fields do."""
        return LocationTerms(
            name=chosen(self.name, terms.name),
            time_zone=chosen(self.time_zone, terms.time_zone),
            country=chosen(self.country, terms.country),
            subdivision=chosen(self.subdivision, terms.subdivision),
            address=chosen(self.address, terms.address),
            postal_code=chosen(self.postal_code, terms.postal_code),
            closed_on_holidays=chosen(self.closed_on_holidays, terms.closed_on_holidays),
            controller=chosen(self.controller, terms.controller),
        )


@dataclass(frozen=True, slots=True)
class CloseLocation:
    """Close a location for good."""

    location: UUID
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class Locations:
    """The branches of a business."""

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids
    holidays: Holidays

    def open(self, command: OpenLocation, by: Caller) -> Receipt[Location]:
        """Open a location. A key bound to locations cannot: the new one would not be its own.

        Refuses: NotPermitted, Unacceptable (fields; no holidays known where they are to close it).
        """
        require(by, *SETUP_ROLES)
        require_all_locations(by)
        id = self.ids.uuid()

        def decide() -> tuple[location.Decision, ...]:
            decisions = location.open_location(id, command.terms)
            self._require_holidays(command.terms)
            return decisions

        return LOCATIONS.enter(self, by, id, decide)

    def revise(self, command: ReviseLocation, by: Caller) -> Receipt[Location]:
        """Revise a location; what already stands decides nothing.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (closed), Unacceptable.
        """
        require(by, *SETUP_ROLES, at=(command.location,))

        def decide(standing: Location) -> tuple[location.Decision, ...]:
            terms = command.upon(standing.terms)
            decisions = location.revise(standing, terms)
            self._require_holidays(terms)
            return decisions

        return LOCATIONS.change(self, by, command.location, _permitted, decide, command.if_match)

    def close(self, command: CloseLocation, by: Caller) -> Receipt[Location]:
        """Close a location; once closed, it stays so and nothing more is decided.

        Refuses: NotPermitted, NotFound, VersionMismatch.
        """
        require(by, *SETUP_ROLES, at=(command.location,))
        return LOCATIONS.change(
            self, by, command.location, _permitted, location.close, command.if_match
        )

    def location(self, id: UUID, by: Caller) -> Location:
        """One location.

        Refuses: NotPermitted, NotFound (also: not the caller's).
        """
        require(by, *TENANT_ROLES, at=(id,))
        return LOCATIONS.find(self.book, by.tenant, id)[1]

    def page(self, limit: int, after: CreationKey | None, by: Caller) -> Listing[Location]:
        """The caller's locations by creation, closed ones included.

        Refuses: NotPermitted.
        """
        require(by, *TENANT_ROLES)
        return LOCATIONS.page(
            self.book, by.tenant, limit, after, lambda standing: sees(by, (standing.id,))
        )

    def _require_holidays(self, terms: LocationTerms) -> None:
        if not terms.closed_on_holidays:
            return
        if self.holidays.is_known(terms.country, terms.subdivision):
            return
        country_known = self.holidays.is_known(terms.country, None)
        pointer = "/subdivision" if country_known else "/country"
        detail = "No public holidays are known there, so they cannot close it."
        raise Unacceptable(errors=(FieldError(pointer, "unknown_holidays", detail),))


def _permitted(_: Location) -> None:
    """Who may change a location is known from its id alone."""
