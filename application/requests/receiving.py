"""A request comes in: from somebody known or unknown, it is answered the same way.

Whether the business knows anybody by that address shows only once it is known who asks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from application.disclosing.recipients import RECIPIENTS
from application.people.people import People
from application.people_known import require_person
from application.permissions import require
from application.ports import Book, Clock, EventStore, Ids
from application.ports import People as Keys
from application.recorded import Caller
from application.requests.steps import REQUESTS, WRITERS
from application.requests.timing import place_of
from application.setup.register import Receipt
from domain import privacy_request_rules as rules
from domain.errors import FieldError, NotFound, Unacceptable, UnknownReference
from domain.privacy_request import Decision, RequestReceived
from domain.privacy_request_codes import (
    Contact,
    RequestCause,
    RequestChannel,
    RequestTerms,
    Right,
)
from domain.privacy_request_state import PrivacyRequest
from domain.purposes import Jurisdiction
from domain.sealing import RetentionClass
from domain.values import Personal, public_id

CONTACT_CLASSES: Final[tuple[RetentionClass, ...]] = ("support",)


@dataclass(frozen=True, slots=True)
class ReceiveRequest:
    """What somebody asks for, who they say they are (one of `subject` and `email`), and when it came in."""

    rights: tuple[Right, ...]
    jurisdiction: Jurisdiction
    channel: RequestChannel
    received_at: datetime
    subject: UUID | None = None
    email: Personal | None = None
    cause: RequestCause = "person"
    forwarded_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reception:
    """Takes requests in."""

    store: EventStore
    book: Book
    people: People
    keys: Keys
    clock: Clock
    ids: Ids

    def receive(self, command: ReceiveRequest, by: Caller) -> Receipt[PrivacyRequest]:
        """Take a request in; its clocks run from when it was received. That an address was looked up is recorded.

        Refuses: NotPermitted, Unacceptable (both or neither of person and address; no address; received in the future;
        a right twice; see `privacy_request_rules.receive`), UnknownReference (the processor).
        """
        require(by, *WRITERS)
        id = self.ids.uuid()
        self._require_known(by.tenant, command.forwarded_by)
        subject = self._person(id, command, by)
        contact = None if subject or command.email is None else Contact(command.email)
        terms = RequestTerms(
            rights=command.rights,
            jurisdiction=command.jurisdiction,
            channel=command.channel,
            cause=command.cause,
            forwarded_by=command.forwarded_by,
            received_at=command.received_at,
            place=place_of(self.book, by.tenant),
        )

        def decide() -> tuple[Decision, ...]:
            received = RequestReceived(id, subject, terms, contact)
            decisions = rules.receive(received, self.clock.now())
            if command.email is not None:
                # For those who are known as well: what is done for a request says nothing of who asks.
                self.keys.prepare(by.tenant, id, CONTACT_CLASSES)
            return decisions

        return REQUESTS.enter(self, by, id, decide)

    def _person(self, id: UUID, command: ReceiveRequest, by: Caller) -> UUID | None:
        if (command.subject is None) == (command.email is None):
            words = "Give a person's id, or an e-mail address."
            raise Unacceptable(errors=(FieldError("", "one_of", words),))
        if command.email is not None:
            looking = replace(
                by, ticket=None, purpose="legal_duty", case=public_id("privacy_request", id)
            )
            found = self.people.search("email", command.email.open(), looking).subjects
            return found[0] if found else None
        assert command.subject is not None, "one of the two is given"
        try:
            require_person(self.store, by.tenant, command.subject)
        except NotFound:
            return None
        return command.subject

    def _require_known(self, tenant: UUID, processor: UUID | None) -> None:
        if processor is not None:
            require_recipient(self.book, tenant, processor, "/forwarded_by")


def require_recipient(book: Book, tenant: UUID, recipient: UUID, pointer: str) -> None:
    """Go on where it is in the register of recipients. Refuses: UnknownReference."""
    try:
        RECIPIENTS.find(book, tenant, recipient)
    except NotFound:
        wrong = FieldError(pointer, UnknownReference.code, "There is no such recipient.")
        raise UnknownReference(errors=(wrong,)) from None
