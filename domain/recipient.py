"""A recipient: a named outsider who may be given personal data, for stated purposes, while a contract runs.

1. Outside its contract, and for a purpose that it does not permit, nothing is handed over.
2. Marketing is never a permitted purpose of a third party.

*Not here*: what is said of it (`recipient_terms`), handing over (`disclosure`), the secret that signs
deliveries (`application/disclosing/recipients.py`).
*Source*: GDPR Art. 15(1)(c), 28, 30(1)(d), 44-49; Cal. Civ. Code 1798.83; README D6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar, Final, TypeAlias, assert_never
from uuid import UUID

from domain import fields
from domain.delivery_terms import DeliverySecret, secret_faults
from domain.errors import InvalidState
from domain.recipient_terms import RecipientTerms, terms_faults
from domain.sealing import Envelope, Sealed

# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecipientRegistered:
    """The recipient may be given what its terms permit. Its secret is sealed under a key of its own."""

    TYPE: ClassVar[str] = "recipient.registered.v1"

    recipient: UUID
    terms: RecipientTerms
    secret: Annotated[DeliverySecret | Envelope, Sealed("audit", "recipient")] | None = None


@dataclass(frozen=True, slots=True)
class RecipientRevised:
    """These terms stand from now on, in place of the earlier ones."""

    TYPE: ClassVar[str] = "recipient.revised.v1"

    terms: RecipientTerms


@dataclass(frozen=True, slots=True)
class SecretReplaced:
    """Deliveries are signed with this secret from now on."""

    TYPE: ClassVar[str] = "recipient.secret_replaced.v1"

    recipient: UUID
    secret: Annotated[DeliverySecret | Envelope, Sealed("audit", "recipient")]


@dataclass(frozen=True, slots=True)
class ContractEnded:
    """Nothing may be handed to the recipient after the date `on`."""

    TYPE: ClassVar[str] = "recipient.contract_ended.v1"

    on: date


Decision: TypeAlias = RecipientRegistered | RecipientRevised | SecretReplaced | ContractEnded
DECISIONS: Final = (RecipientRegistered, RecipientRevised, SecretReplaced, ContractEnded)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient as it stands. Its secret is not part of it."""

    id: UUID
    terms: RecipientTerms
    active: bool
    version: int
    has_secret: bool = False


def evolve(recipient: Recipient | None, decision: Decision) -> Recipient:
    """The recipient after `decision`."""
    if isinstance(decision, RecipientRegistered):
        signs = decision.secret is not None
        return Recipient(decision.recipient, decision.terms, True, version=1, has_secret=signs)
    assert recipient is not None, "a recipient is registered first"
    following = replace(recipient, version=recipient.version + 1)
    match decision:
        case RecipientRevised():
            return replace(following, terms=decision.terms)
        case SecretReplaced():
            return replace(following, has_secret=True)
        case ContractEnded():
            terms = replace(recipient.terms, contract_to=decision.on)
            return replace(following, terms=terms, active=False)
        case _ as unreachable:
            assert_never(unreachable)


# --- deciding --------------------------------------------------------------------------------------------------------


def register(
    recipient: UUID, terms: RecipientTerms, secret: DeliverySecret | None = None
) -> tuple[RecipientRegistered, ...]:
    """Register a recipient.

    Refuses: Unacceptable (any field).
    """
    fields.accept(terms_faults(terms), secret_faults(terms.delivery, secret))
    return (RecipientRegistered(recipient, terms, secret),)


def revise(
    recipient: Recipient, terms: RecipientTerms, secret: DeliverySecret | None = None
) -> tuple[RecipientRevised | SecretReplaced, ...]:
    """Let `terms` stand, and `secret` where one is given; the same terms again decide nothing.

    Refuses: InvalidState (its contract was ended), Unacceptable (any field).
    """
    if not recipient.active:
        raise InvalidState("The contract was ended")
    signs = fields.FINE
    if secret is not None or not recipient.has_secret:
        signs = secret_faults(terms.delivery, secret)
    fields.accept(terms_faults(terms), signs)
    revised = (RecipientRevised(terms),) if terms != recipient.terms else ()
    replaced = (SecretReplaced(recipient.id, secret),) if secret is not None else ()
    return (*revised, *replaced)


def end_contract(recipient: Recipient, on: date) -> tuple[ContractEnded, ...]:
    """End the contract with the date `on`, for good; one that was ended stays so, and none is prolonged by it."""
    agreed = recipient.terms.contract_to
    last = on if agreed is None else min(on, agreed)
    return (ContractEnded(last),) if recipient.active else ()
