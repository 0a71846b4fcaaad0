"""What a business says of a recipient, and what of it may stand.

1. A recipient has a legal name, an address and a country: "who did we share with" is answered by name.
2. A franchise's office has locations, each with its interval: what it may ask for follows the tree of that time.
3. An analytics vendor may have a code, by which people opt out of it.

*Source*: GDPR Art. 15(1)(c), 28, 30(1)(d), 44-49; rows 54 and 83 to 93 of the policy's matrix; README D6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

from domain import fields
from domain.countries import COUNTRIES
from domain.delivery_terms import RESPONSE, Delivery, delivery_faults
from domain.fields import Faults
from domain.purposes import PURPOSES
from domain.sealing import Plain

NAME_CHARACTERS_MAX: Final = 200
ADDRESS_CHARACTERS_MAX: Final = 500
BRANCHES_MAX: Final = 1_000
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_VENDOR: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_VENDOR_WORDS: Final = "It is a code of at most 40 of a-z 0-9 _ -"
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
    it gets for ends of its own, as its contract says. `vendor` is the name by which people opt out of an analytics
    vendor: who said no to the choice `analytics:<vendor>` is never spoken of to it.
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
    vendor: (
        Annotated[str, Plain("an analytics vendor's code, as in the choice about it")] | None
    ) = None
    delivery: Delivery = RESPONSE
    branches: tuple[Branch, ...] = ()


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


def terms_faults(terms: RecipientTerms) -> Faults:
    """What is wrong with terms; nothing where they may stand."""
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
    return (*found, *_vendor_faults(terms))


def _vendor_faults(terms: RecipientTerms) -> Faults:
    if terms.vendor is None:
        return fields.FINE
    if terms.kind != "analytics":
        return fields.fault("/vendor", "not_wanted", "Only an analytics vendor has one.")
    return fields.shaped("/vendor", terms.vendor, _VENDOR, _VENDOR_WORDS)


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
