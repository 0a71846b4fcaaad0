"""Whether data may be opened beyond role and locations in an emergency: a tenant's own choice, forbidden by default."""

from __future__ import annotations

from dataclasses import dataclass

from application.permissions import TENANT_ROLES, require, require_all_locations
from application.ports import Book, Clock, EventStore, Ids
from application.recorded import Caller
from application.setup.register import Receipt
from application.setup.tenancy import TENANTS
from domain import tenant
from domain.tenant import Tenant


@dataclass(frozen=True, slots=True)
class RuleBreakGlass:
    """Allow to break the glass, each time to be reviewed within so many hours; None forbids it."""

    review_hours: int | None
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """The rule of a tenant on breaking the glass."""

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids

    def rule(self, by: Caller) -> Tenant:
        """The tenant with the rule as it stands. Refuses: NotPermitted, NotFound."""
        require(by, *TENANT_ROLES)
        return TENANTS.find(self.book, by.tenant, by.tenant)[1]

    def set(self, command: RuleBreakGlass, by: Caller) -> Receipt[Tenant]:
        """Let the rule stand from now on; what already stands decides nothing.

        Refuses: NotPermitted (not an owner, or not of all locations), NotFound, VersionMismatch, Unacceptable (hours).
        """
        require(by, "owner")
        require_all_locations(by)

        def decide(standing: Tenant) -> tuple[tenant.Decision, ...]:
            if command.review_hours is None:
                return tenant.forbid_break_glass(standing)
            return tenant.allow_break_glass(standing, command.review_hours)

        return TENANTS.change(self, by, by.tenant, _permitted, decide, command.if_match)


def _permitted(_: Tenant) -> None:
    """Who may is known from the caller alone."""
