"""What handing data over needs from outside: consents, restrictions, legal processes, visits, the mirror, a sender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from application.consent_log import has_objected
from application.disclosing.tickets import DisclosureTicket, TicketOffice
from application.ports import AgendaRow, Clock, EventStore, Positions
from domain.disclosure import FailureReason
from domain.disclosure_rules import ProcessStanding
from domain.purposes import OBJECTABLE

VISITS_MAX: Final = 100_000


class Restrictions(Protocol):
    """Whose data may not be used further for the time being (GDPR Art. 18, 21)."""

    def holds(self, tenant: UUID, subject: UUID, purpose: str) -> bool:
        """True when data of `subject` may not be used for `purpose`. MUST be current."""
        ...

    def opted_out(self, tenant: UUID, subject: UUID, vendor: str) -> bool:
        """True when `subject` opted out of an analytics vendor. MUST be current."""
        ...


@dataclass(frozen=True, slots=True)
class Objections:
    """See `Restrictions`: who said no to a purpose that one may say no to, whatever it rests on."""

    store: EventStore
    clock: Clock

    def holds(self, tenant: UUID, subject: UUID, purpose: str) -> bool:
        """See the port."""
        if purpose not in OBJECTABLE:
            return False
        return has_objected(self.store, tenant, subject, purpose, self.clock.now())

    def opted_out(self, tenant: UUID, subject: UUID, vendor: str) -> bool:
        """See the port."""
        return has_objected(self.store, tenant, subject, choice_about(vendor), self.clock.now())


def choice_about(vendor: str) -> str:
    """The choice by which people opt out of an analytics vendor.

    >>> choice_about("google")
    'analytics:google'
    """
    return f"analytics:{vendor}"


class Orders(Protocol):
    """Legal processes: subpoenas, court orders, emergencies."""

    def process(self, tenant: UUID, id: UUID) -> ProcessStanding | None:
        """Where the process stands; None when there is none. MUST be current."""
        ...

    def until(self, tenant: UUID, case: str) -> datetime | None:
        """When the last gag on `case` ends (UTC); None where there is none. MUST be current."""
        ...


class NoOrders:
    """See `Orders`: no process is known, and so none allows anything."""

    def process(self, tenant: UUID, id: UUID) -> ProcessStanding | None:  # noqa: ARG002
        """See the port."""
        return None

    def until(self, tenant: UUID, case: str) -> datetime | None:  # noqa: ARG002
        """See the port."""
        return None


class Visits(Protocol):
    """The visits of persons."""

    def of(self, tenant: UUID, subjects: Sequence[UUID]) -> list[AgendaRow]:
        """All visits of `subjects`, by start and id, whatever became of them.

        MUST include every booking whose append has returned. Refuses: Behind, RangeTooLong (over 100,000).
        """
        ...


class Heads(Positions, Protocol):
    """Where the ledger stands, and where it will."""

    def head(self, tenant: UUID) -> int:
        """The highest position that an append which has returned has, or will have; -1 when there is none."""
        ...


class Mirrored(Protocol):
    """Whether an event is held off the database."""

    def wait(self, tenant: UUID, event: UUID, seconds: float) -> bool:
        """Wait until the event is mirrored; False when it is not after `seconds`."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one sending. `reason` is None when the recipient has it; `status` its HTTP status, if any.

    `shared` says of a failure whether the recipient may have it all the same.
    """

    reason: FailureReason | None = None
    status: int | None = None
    shared: Literal["no", "unknown"] = "no"


class Sender(Protocol):
    """Sends over the network. README D6."""

    def send(self, ticket: DisclosureTicket, seconds: float) -> Sent:
        """Send what the ticket holds, once, within `seconds`. A failure is an answer.

        MUST redeem the ticket at the office before anything leaves, and take nothing else.
        Refuses: DisclosureRefused (forged).
        """
        ...


@dataclass(frozen=True, slots=True)
class NoSender:
    """See `Sender`: nothing can be reached."""

    office: TicketOffice

    def send(self, ticket: DisclosureTicket, seconds: float) -> Sent:  # noqa: ARG002
        """See the port."""
        self.office.redeem(ticket)
        return Sent("unreachable")
