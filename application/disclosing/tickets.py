"""The right to send one thing once: made where a disclosure was recorded and checked, and taken by whatever sends.

1. Only an office makes tickets, and only `disclose` and `follow_ups`, through `parcels`, ask one to.
2. A ticket is good once, and only for what it was made with.
3. A forged one sends nothing, and that it was shown is on record.

Source: README D6; "no third door".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final
from uuid import UUID

from domain.errors import DisclosureRefused

_OPEN_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Parcel:
    """What leaves: `body` (JSON, UTF-8) to `url`, signed with `secret`, under an id that all its attempts have.

    It holds opened values and prints none.
    """

    tenant: UUID
    webhook_id: str
    recipient: UUID
    url: str = field(repr=False)
    secret: bytes = field(repr=False)
    body: bytes = field(repr=False)


class DisclosureTicket:
    """Good for one sending of one parcel. Whoever makes one by hand holds a piece of paper."""

    __slots__ = ("parcel",)

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel


class TicketOffice:
    """Knows which tickets it made and which are still good. `forged` is told of any other that is shown."""

    def __init__(self, forged: Callable[[Parcel], None]) -> None:
        self._forged = forged
        self._lock = Lock()
        self._good: dict[int, tuple[DisclosureTicket, Parcel]] = {}

    def issue(self, parcel: Parcel) -> DisclosureTicket:
        """A ticket for `parcel`."""
        ticket = DisclosureTicket(parcel)
        with self._lock:
            assert len(self._good) < _OPEN_MAX, "tickets are used at once"
            self._good[id(ticket)] = ticket, parcel
        return ticket

    def redeem(self, ticket: DisclosureTicket) -> Parcel:
        """What may now be sent; the ticket is good for nothing any more.

        Refuses: DisclosureRefused (`forged_ticket`; it is recorded).
        """
        with self._lock:
            known = self._good.pop(id(ticket), None)
        if known is None or known[0] is not ticket or known[1] is not ticket.parcel:
            self._forged(ticket.parcel)
            raise DisclosureRefused("The ticket was not made here", reason="forged_ticket")
        return known[1]
