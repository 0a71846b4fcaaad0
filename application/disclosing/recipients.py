"""The register of recipients: who may be given what, while which contract runs; and a franchise's tree."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from application.execute import Plan, Scribe, carry_out
from application.permissions import require
from application.ports import Book, Clock, EventStore, Ids, People
from application.recorded import Caller
from application.setup.references import require_locations
from application.setup.register import (
    UNSET,
    CreationKey,
    Listing,
    Receipt,
    Register,
    Unset,
    append_of,
    chosen,
)
from domain import recipient
from domain.access_key import Role
from domain.delivery_terms import SECRET_PREFIX, Delivery, DeliverySecret
from domain.errors import FieldError, NotFound, UnknownReference
from domain.recipient import Recipient, RecipientRegistered, SecretReplaced
from domain.recipient_branches import with_branch, without_branch
from domain.recipient_terms import Branch, Kind, RecipientTerms, TransferMechanism
from domain.recipient_terms import Role as RecipientRole
from domain.sealing import Envelope
from domain.values import Personal

RECIPIENTS: Final = Register("recipient", Recipient, recipient.evolve)
RECIPIENT_WRITERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner")
RECIPIENT_READERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner", "auditor")
SECRET_CLASS: Final = "audit"


@dataclass(frozen=True, slots=True)
class RegisterRecipient:
    """Register a recipient on these terms. Where deliveries need a secret and none is given, one is made."""

    terms: RecipientTerms
    secret: Personal | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A recipient, and the secret that was made for it: it is shown once."""

    recipient: Recipient
    made_secret: Personal | None = None


@dataclass(frozen=True, slots=True)
class ReviseRecipient:
    """Let the given fields stand, and leave the others."""

    recipient: UUID
    legal_name: str | Unset = UNSET
    address: str | Unset = UNSET
    country: str | Unset = UNSET
    kind: Kind | Unset = UNSET
    role: RecipientRole | Unset = UNSET
    permitted_purposes: tuple[str, ...] | Unset = UNSET
    contract_ref: str | Unset = UNSET
    contract_from: date | Unset = UNSET
    contract_to: date | Unset | None = UNSET
    transfer_mechanism: TransferMechanism | Unset | None = UNSET
    transfer_mechanism_to: date | Unset | None = UNSET
    business_nature: str | Unset | None = UNSET
    own_use: bool | Unset = UNSET
    vendor: str | Unset | None = UNSET
    delivery: Delivery | Unset = UNSET
    secret: Personal | None = None
    if_match: int | None = None

    def upon(self, terms: RecipientTerms) -> RecipientTerms:
        """The terms that stand once these fields do; branches are added and ended by calls of their own."""
        given = {
            one.name: chosen(getattr(self, one.name), getattr(terms, one.name))
            for one in fields(terms)
            if one.name != "branches"
        }
        return replace(terms, **given)


@dataclass(frozen=True, slots=True)
class Recipients:
    """Those who may be given personal data."""

    store: EventStore
    book: Book
    people: People
    clock: Clock
    ids: Ids

    def register(self, command: RegisterRecipient, by: Caller) -> Receipt[Registered]:
        """Register a recipient. Its secret is sealed under a key of its own.

        Refuses: NotPermitted, Unacceptable (fields), UnknownReference (locations).
        """
        require(by, *RECIPIENT_WRITERS)
        id = self.ids.uuid()
        made = self._made_secret(command)
        secret = command.secret or made

        def attempt() -> Plan[Receipt[Registered]]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            sealed = None if secret is None else DeliverySecret(secret)
            decisions = recipient.register(id, command.terms, sealed)
            self._require_places(command.terms, by)
            if sealed is not None:
                self.people.prepare(by.tenant, id, (SECRET_CLASS,))
            written = RECIPIENTS.write(scribe, id, decisions, None)
            receipt = Receipt(Registered(written.state, made), written.events[-1].event_id)
            return Plan(append_of(scribe, (written,), receipt), receipt)

        return carry_out(self.store, attempt)

    def revise(self, command: ReviseRecipient, by: Caller) -> Receipt[Recipient]:
        """Revise a recipient; what already stands decides nothing.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (ended), Unacceptable (fields).
        """
        require(by, *RECIPIENT_WRITERS)

        def decide(standing: Recipient) -> tuple[recipient.Decision, ...]:
            secret = None if command.secret is None else DeliverySecret(command.secret)
            decisions = recipient.revise(standing, command.upon(standing.terms), secret)
            if secret is not None:
                self.people.prepare(by.tenant, standing.id, (SECRET_CLASS,))
            return decisions

        return self._change(command.recipient, by, decide, command.if_match)

    def end(self, id: UUID, on: date | None, by: Caller) -> Receipt[Recipient]:
        """End a recipient's contract with the date `on` (UTC's today where None); ended again, it stays so.

        Refuses: NotPermitted, NotFound.
        """
        require(by, *RECIPIENT_WRITERS)
        last = on or self.clock.now().date()
        return self._change(id, by, lambda standing: recipient.end_contract(standing, last))

    def add_location(self, id: UUID, branch: Branch, by: Caller) -> Receipt[Recipient]:
        """Let a location belong to a franchise's tree for an interval.

        Refuses: NotPermitted, NotFound, UnknownReference, InvalidState (ended, overlapping), Unacceptable.
        """
        require(by, *RECIPIENT_WRITERS)

        def decide(standing: Recipient) -> tuple[recipient.Decision, ...]:
            _require_place(self.book, by, branch.location)
            return recipient.revise(standing, with_branch(standing.terms, branch))

        return self._change(id, by, decide)

    def end_location(
        self, id: UUID, location: UUID, to: datetime | None, by: Caller
    ) -> Receipt[Recipient]:
        """End the interval of a location at `to` (now where None).

        Refuses: NotPermitted, NotFound, InvalidState (ended; it does not belong to it then), Unacceptable.
        """
        require(by, *RECIPIENT_WRITERS)
        at = to or self.clock.now().replace(microsecond=0)

        def decide(standing: Recipient) -> tuple[recipient.Decision, ...]:
            return recipient.revise(standing, without_branch(standing.terms, location, at))

        return self._change(id, by, decide)

    def show(self, id: UUID, by: Caller) -> Recipient:
        """One recipient, without its secret.

        Refuses: NotPermitted, NotFound.
        """
        require(by, *RECIPIENT_READERS)
        return RECIPIENTS.find(self.book, by.tenant, id)[1]

    def page(self, limit: int, after: CreationKey | None, by: Caller) -> Listing[Recipient]:
        """The recipients by creation, ended ones included.

        Refuses: NotPermitted.
        """
        require(by, *RECIPIENT_READERS)
        return RECIPIENTS.page(self.book, by.tenant, limit, after, lambda _: True)

    def _change(
        self,
        id: UUID,
        by: Caller,
        decide: Callable[[Recipient], tuple[recipient.Decision, ...]],
        if_match: int | None = None,
    ) -> Receipt[Recipient]:
        return RECIPIENTS.change(self, by, id, lambda _: None, decide, if_match)

    def _made_secret(self, command: RegisterRecipient) -> Personal | None:
        if command.secret is not None or command.terms.delivery.kind != "https":
            return None
        return Personal(SECRET_PREFIX + base64.b64encode(self.ids.secret()).decode("ascii"))

    def _require_places(self, terms: RecipientTerms, by: Caller) -> None:
        require_locations(self.book, by, [branch.location for branch in terms.branches])


def secret_of(store: EventStore, tenant: UUID, id: UUID) -> Envelope | None:
    """The envelope of the secret that signs deliveries to a recipient; None where it has none.

    Refuses: NotFound.
    """
    events = store.read(tenant, id)
    if not events or not isinstance(events[0].decision, RecipientRegistered):
        raise NotFound()
    for event in reversed(events):
        if isinstance(event.decision, RecipientRegistered | SecretReplaced):
            secret = event.decision.secret
            if secret is not None:
                assert isinstance(secret, Envelope), "what was read is sealed"
                return secret
    return None


def _require_place(book: Book, by: Caller, location: UUID) -> None:
    """Locations that were closed meanwhile still have visits: they may belong to a tree all the same."""
    if book.entry(by.tenant, "location", location) is None:
        error = FieldError("/location_id", UnknownReference.code, "There is no such location.")
        raise UnknownReference(errors=(error,))
