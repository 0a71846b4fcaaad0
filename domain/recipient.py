"""A recipient: a named outsider who may be given personal data, for stated purposes, while a contract runs.

1. A recipient has a legal name, an address and a country: "who did we share with" is answered by name.
2. Outside its contract, and for a purpose that it does not permit, nothing is handed over.
3. Marketing is never a permitted purpose of a third party.
4. A franchise's office has locations, each with its interval: what it may ask for follows the tree of that time.

*Not here*: handing over (`disclosure`), the secret that signs deliveries (`application/disclosing/recipients.py`).
*Source*: GDPR Art. 15(1)(c), 28, 30(1)(d), 44-49; Cal. Civ. Code 1798.83; README D6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never, get_args
from uuid import UUID

from domain import fields
from domain.countries import COUNTRIES
from domain.delivery_terms import RESPONSE, Delivery, DeliverySecret, delivery_faults, secret_faults
from domain.errors import InvalidState
from domain.fields import Faults
from domain.purposes import PURPOSES
from domain.sealing import Envelope, Plain, Sealed

NAME_CHARACTERS_MAX: Final = 200
ADDRESS_CHARACTERS_MAX: Final = 500
BRANCHES_MAX: Final = 1_000
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_REFERENCE_WORDS: Final = "It is an id of at most 64 of A-Z a-z 0-9 . _ / -"

Kind = Literal[
    "crm",
    "payment",
    "identity",
    "fraud",
    "messaging",
    "analytics",
    "hosting",
    "franchise",
    "authority",
    "subject_directed",
    "other",
]
Role = Literal[
    "processor",
    "service_provider",
    "contractor",
    "controller",
    "joint_controller",
    "third_party",
    "authority",
]
# Adequacy decision; standard clauses; binding rules; codes and certificates; explicit consent; contract; legal claims.
TransferMechanism = Literal[
    "A45-3", "A46-2-b", "A46-2-c", "A46-2-e", "A46-2-f", "A49-1-a", "A49-1-b", "A49-1-e"
]
TRANSFER_MECHANISMS: Final[tuple[TransferMechanism, ...]] = get_args(TransferMechanism)
PROCESSING_FOR_US: Final = frozenset({"processor", "service_provider", "contractor"})


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Branch:
    """A location that belongs to the recipient's tree in [`from_`, `to`); None is open."""

    location: UUID
    from_: datetime
    to: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecipientTerms:
    """What the business says of a recipient.

    `country` is ISO 3166-1 alpha-2. The contract runs from `contract_from` to the end of `contract_to`, the transfer
    mechanism to the end of `transfer_mechanism_to` (local dates; None is open). `own_use` says that it may use what
    it gets for ends of its own, as its contract says.
    """

    legal_name: Annotated[str, Plain("the name of an organisation, as in its contract")]
    address: Annotated[str, Plain("the organisation's address, as in its contract")]
    country: Annotated[str, Plain("an ISO 3166-1 code")]
    kind: Kind
    role: Role
    permitted_purposes: tuple[Annotated[str, Plain("a code of the closed list of purposes")], ...]
    contract_ref: Annotated[str, Plain("an id of the contract")]
    contract_from: date
    contract_to: date | None = None
    transfer_mechanism: TransferMechanism | None = None
    transfer_mechanism_to: date | None = None
    business_nature: Annotated[str, Plain("what the organisation does, in a few words")] | None = (
        None
    )
    own_use: bool = False
    delivery: Delivery = RESPONSE
    branches: tuple[Branch, ...] = ()


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
    fields.accept(_faults(terms), secret_faults(terms.delivery, secret))
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
    fields.accept(_faults(terms), signs)
    revised = (RecipientRevised(terms),) if terms != recipient.terms else ()
    replaced = (SecretReplaced(recipient.id, secret),) if secret is not None else ()
    return (*revised, *replaced)


def end_contract(recipient: Recipient, on: date) -> tuple[ContractEnded, ...]:
    """End the contract with the date `on`, for good; one that was ended stays so, and none is prolonged by it."""
    agreed = recipient.terms.contract_to
    last = on if agreed is None else min(on, agreed)
    return (ContractEnded(last),) if recipient.active else ()


def in_contract(terms: RecipientTerms, on: date) -> bool:
    """True when the contract runs on the local date `on`."""
    return terms.contract_from <= on and (terms.contract_to is None or on <= terms.contract_to)


def in_tree(terms: RecipientTerms, location: UUID, from_: datetime, to: datetime) -> bool:
    """True when `location` belongs to the recipient's tree through all of [from_, to)."""
    return any(
        one.location == location and one.from_ <= from_ and (one.to is None or to <= one.to)
        for one in terms.branches
    )


def in_tree_at(terms: RecipientTerms, location: UUID, at: datetime) -> bool:
    """True when `location` belongs to the recipient's tree at the instant `at`."""
    return any(
        one.location == location and one.from_ <= at and (one.to is None or at < one.to)
        for one in terms.branches
    )


def is_third_party(terms: RecipientTerms) -> bool:
    """True for whoever does not work on our behalf."""
    return terms.role not in PROCESSING_FOR_US


def _faults(terms: RecipientTerms) -> Faults:
    found = (
        *fields.line("/legal_name", terms.legal_name, NAME_CHARACTERS_MAX),
        *fields.line("/address", terms.address, ADDRESS_CHARACTERS_MAX),
        *fields.shaped("/contract_ref", terms.contract_ref, _REFERENCE, _REFERENCE_WORDS),
        *fields.distinct("/permitted_purposes", terms.permitted_purposes, 1, len(PURPOSES)),
        *_purpose_faults(terms),
        *delivery_faults(terms.delivery),
        *_branch_faults(terms),
    )
    if terms.country not in COUNTRIES:
        words = "It is no ISO 3166-1 code of two capitals."
        found += fields.fault("/country", "unknown_country", words)
    if terms.contract_to is not None and terms.contract_to < terms.contract_from:
        found += fields.fault("/contract_to", "out_of_order", "It lies before contract_from.")
    if terms.transfer_mechanism_to is not None and terms.transfer_mechanism is None:
        words = "There is no transfer mechanism that could end."
        found += fields.fault("/transfer_mechanism_to", "not_wanted", words)
    if terms.business_nature is not None:
        found += fields.line("/business_nature", terms.business_nature, NAME_CHARACTERS_MAX)
    return found


def _purpose_faults(terms: RecipientTerms) -> Faults:
    return tuple(
        fault
        for index, purpose in enumerate(terms.permitted_purposes)
        if purpose not in PURPOSES
        for fault in fields.fault(
            f"/permitted_purposes/{index}", "unknown_purpose", "It is not in the list of purposes."
        )
    )


def _branch_faults(terms: RecipientTerms) -> Faults:
    if terms.branches and terms.kind != "franchise":
        return fields.fault("/location_ids", "not_wanted", "Only a franchise has locations.")
    if len(terms.branches) > BRANCHES_MAX:
        return fields.fault("/location_ids", "out_of_range", f"More than {BRANCHES_MAX} members.")
    for index, one in enumerate(terms.branches):
        if one.to is not None and one.to <= one.from_:
            words = "Its interval ends before it begins."
            return fields.fault(f"/location_ids/{index}", "out_of_order", words)
    return fields.FINE
