"""The network between the business and its recipients: what arrives, what is lost, and who dies in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from application.disclosing.conditions import Sent
from application.disclosing.tickets import DisclosureTicket, TicketOffice
from domain.disclosure import DisclosureAttempted
from domain.errors import Unavailable
from domain.follow_up import FollowUpAttempted
from domain.values import parse_id
from infrastructure.twin.memory_state import MemoryState

ENDS = {"delivered": 5, "unheard": 2, "lost": 1, "away": 2, "busy": 2, "died": 3}


@dataclass
class Post:
    """See the port `Sender`. `arrived` and `confirmed` are attempts; `wrong` is what left and must not have.

    With `calm` everything arrives.
    """

    state: MemoryState
    random: Random
    office: TicketOffice | None = None
    calm: bool = False
    left: set[tuple[UUID, int]] = field(default_factory=set)
    arrived: set[tuple[UUID, int]] = field(default_factory=set)
    confirmed: set[tuple[UUID, int]] = field(default_factory=set)
    recipients: dict[UUID, UUID] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def at(self, office: TicketOffice) -> Post:
        """The sender of a platform, with its office."""
        self.office = office
        return self

    def send(self, ticket: DisclosureTicket, seconds: float) -> Sent:
        """See the port. Whoever dies does so after it has left, and tells nobody."""
        assert self.office is not None
        parcel = self.office.redeem(ticket)
        attempt = self._on_record(parcel.tenant, parcel.webhook_id)
        if self.recipients.get(parcel.recipient) != parcel.tenant:
            self.wrong.append(f"{parcel.webhook_id} left for another tenant's recipient")
        if attempt in self.left:
            self.wrong.append(f"{parcel.webhook_id} left twice in one attempt")
        self.left.add(attempt)
        end = "delivered" if self.calm else self.random.choices(list(ENDS), list(ENDS.values()))[0]
        if end in ("delivered", "unheard", "died"):
            self.arrived.add(attempt)
        match end:
            case "delivered":
                self.confirmed.add(attempt)
                return Sent(status=200)
            case "died":
                raise Unavailable("The sender died", retry_after_seconds=1)
            case "away":
                return Sent("unreachable")
            case "busy":
                return Sent("status", 503)
            case _:
                return Sent("timeout", None, "unknown")

    def _on_record(self, tenant: UUID, name: str) -> tuple[UUID, int]:
        """Which attempt it is, by the log, which must have it already."""
        id = parse_id("disclosure", name) or parse_id("follow_up", name)
        assert id is not None, name
        told = [one.decision for one in self.state.log[tenant] if one.stream == id]
        if not told or not isinstance(told[-1], DisclosureAttempted | FollowUpAttempted):
            self.wrong.append(f"{name} left, and no attempt is on record")
            return id, -1
        return id, told[-1].attempt
