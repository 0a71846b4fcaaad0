"""Offer, revise and withdraw what customers can book."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from application.permissions import SETUP_ROLES, TENANT_ROLES, require, sees
from application.ports import Book, Clock, EventStore, Ids
from application.recorded import Caller
from application.setup.references import require_locations
from application.setup.register import UNSET, CreationKey, Listing, Receipt, Register, Unset, chosen
from domain import service
from domain.errors import NotFound
from domain.service import Price, Service, ServiceTerms

SERVICES: Final = Register("service", Service, service.evolve)


@dataclass(frozen=True, slots=True)
class OfferService:
    """Offer a service on these terms."""

    terms: ServiceTerms


@dataclass(frozen=True, slots=True)
class ReviseService:
    """Let the given fields of a service stand, and leave the others."""

    service: UUID
    location_ids: tuple[UUID, ...] | Unset = UNSET
    name: str | Unset = UNSET
    duration_minutes: int | Unset = UNSET
    slot_interval_minutes: int | Unset = UNSET
    buffer_before_minutes: int | Unset = UNSET
    buffer_after_minutes: int | Unset = UNSET
    minimum_notice_minutes: int | Unset = UNSET
    booking_window_days: int | Unset = UNSET
    capacity: int | Unset = UNSET
    requires_confirmation: bool | Unset = UNSET
    price: Price | Unset | None = UNSET
    if_match: int | None = None

    def upon(self, terms: ServiceTerms) -> ServiceTerms:
        """The terms that stand once these fields do."""
        return ServiceTerms(
            location_ids=chosen(self.location_ids, terms.location_ids),
            name=chosen(self.name, terms.name),
            duration_minutes=chosen(self.duration_minutes, terms.duration_minutes),
            slot_interval_minutes=chosen(self.slot_interval_minutes, terms.slot_interval_minutes),
            buffer_before_minutes=chosen(self.buffer_before_minutes, terms.buffer_before_minutes),
            buffer_after_minutes=chosen(self.buffer_after_minutes, terms.buffer_after_minutes),
            minimum_notice_minutes=chosen(
                self.minimum_notice_minutes, terms.minimum_notice_minutes
            ),
            booking_window_days=chosen(self.booking_window_days, terms.booking_window_days),
            capacity=chosen(self.capacity, terms.capacity),
            requires_confirmation=chosen(self.requires_confirmation, terms.requires_confirmation),
            price=chosen(self.price, terms.price),
        )


@dataclass(frozen=True, slots=True)
class WithdrawService:
    """Withdraw a service for good."""

    service: UUID
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """What customers can book."""

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids

    def offer(self, command: OfferService, by: Caller) -> Receipt[Service]:
        """Offer a service at locations of the caller's.

        Refuses: NotPermitted, Unacceptable (fields), UnknownReference (locations).
        """
        require(by, *SETUP_ROLES)
        id = self.ids.uuid()

        def decide() -> tuple[service.Decision, ...]:
            decisions = service.offer(id, command.terms)
            require_locations(self.book, by, command.terms.location_ids)
            return decisions

        return SERVICES.enter(self, by, id, decide)

    def revise(self, command: ReviseService, by: Caller) -> Receipt[Service]:
        """Revise a service; what already stands decides nothing. Locations are looked up where they are given.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (withdrawn), Unacceptable (fields),
        UnknownReference (locations).
        """
        require(by, *SETUP_ROLES)

        def decide(standing: Service) -> tuple[service.Decision, ...]:
            decisions = service.revise(standing, command.upon(standing.terms))
            require_locations(self.book, by, chosen(command.location_ids, ()))
            return decisions

        return SERVICES.change(self, by, command.service, _permit(by), decide, command.if_match)

    def withdraw(self, command: WithdrawService, by: Caller) -> Receipt[Service]:
        """Withdraw a service; once withdrawn, it stays so and nothing more is decided.

        Refuses: NotPermitted, NotFound, VersionMismatch.
        """
        require(by, *SETUP_ROLES)
        return SERVICES.change(
            self, by, command.service, _permit(by), service.withdraw, command.if_match
        )

    def service(self, id: UUID, by: Caller) -> Service:
        """One service.

        Refuses: NotPermitted, NotFound (also: at none of the caller's locations).
        """
        require(by, *TENANT_ROLES)
        standing = SERVICES.find(self.book, by.tenant, id)[1]
        if not sees(by, standing.terms.location_ids):
            raise NotFound()
        return standing

    def page(self, limit: int, after: CreationKey | None, by: Caller) -> Listing[Service]:
        """The services at the caller's locations by creation, withdrawn ones included.

        Refuses: NotPermitted.
        """
        require(by, *TENANT_ROLES)
        return SERVICES.page(
            self.book,
            by.tenant,
            limit,
            after,
            lambda standing: sees(by, standing.terms.location_ids),
        )


def _permit(by: Caller) -> Callable[[Service], None]:
    return lambda standing: require(by, *SETUP_ROLES, at=standing.terms.location_ids)
