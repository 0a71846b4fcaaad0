"""Which e-mail address or phone number leads to whom, beyond finding out at a booking; nothing is kept in the clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from application.ports import People

ContactKind = Literal["email", "phone"]


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whose a value is; `fresh` says that it leads to them only since this claim."""

    subject: UUID
    fresh: bool


class Contacts(Protocol):
    """Look-ups of registered people. Values are normalised by the caller (`domain.subject`).

    An e-mail address leads to one person; a phone number may lead to several, who share it.
    """

    def find_all(self, tenant: UUID, kind: ContactKind, value: str) -> list[UUID]:
        """The subjects with this value, in no particular order; among them some whose first event is yet to come."""
        ...

    def claim(self, tenant: UUID, subject: UUID, kind: ContactKind, value: str) -> Claimed:
        """Let the value lead to the subject; durable, and to be settled. It stays another's where it was taken."""
        ...

    def settle(self, tenant: UUID, subject: UUID, kind: ContactKind, value: str | None) -> None:
        """The value is the subject's from now on, and no other of its kind (none at all where None). Idempotent."""
        ...

    def unclaim(self, tenant: UUID, subject: UUID, kind: ContactKind, value: str) -> None:
        """Take back a fresh claim. Idempotent."""
        ...


class KnownPeople(People, Contacts, Protocol):
    """Both: who is behind a contact, and what else leads to them."""
