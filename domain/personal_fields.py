"""Every kind of personal data that is kept: its code, what it is in the vocabulary, and how long it may stay.

What is not listed here is not collected, not shown and not disclosed. A code is permanent.
Source: API "Words of the contract", fields; the pd module of the Data Privacy Vocabulary 2.3; rows 2, 6, 27 and 30 of
the policy's matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from domain.sealing import RetentionClass

Category = Literal["identity", "contact", "appointment", "free_text", "payment", "evidence"]

PD: Final = "https://w3id.org/dpv/pd#"
DPV: Final = "https://w3id.org/dpv#"
FREELY: Final = "Nothing follows: a visit is booked all the same."
NO_VISIT: Final = "No visit can be booked."


@dataclass(frozen=True, slots=True)
class PersonalField:
    """One kind of personal data. `term` is the IRI of what it is, or (`exact` False) of the next wider thing.

    `retention_class` is the class under whose keys it is sealed at its source; a copy may stand in another one.
    `required` says that it has to be given; `without` what follows for the person where it is not (GDPR Art. 13(2)(e)).
    """

    code: str
    category: Category
    term: str
    retention_class: RetentionClass
    says: str
    exact: bool = True
    required: bool = False
    without: str = FREELY


LISTED: Final = (
    PersonalField(
        "name",
        "identity",
        f"{PD}Name",
        "profile",
        "What the person is called.",
        required=True,
        without=NO_VISIT,
    ),
    PersonalField(
        "email",
        "contact",
        f"{PD}EmailAddress",
        "profile",
        "An e-mail address.",
        required=True,
        without=NO_VISIT,
    ),
    PersonalField("phone", "contact", f"{PD}TelephoneNumber", "profile", "A telephone number."),
    PersonalField("address", "contact", f"{PD}PhysicalAddress", "profile", "A street address."),
    PersonalField(
        "booking_times",
        "appointment",
        f"{PD}ServiceConsumptionBehaviour",
        "booking",
        "When and where the person has appointments, and for what.",
        exact=False,
    ),
    PersonalField(
        "note",
        "free_text",
        f"{PD}Communication",
        "booking",
        "What the person wrote with a booking.",
        exact=False,
    ),
    PersonalField(
        "metadata",
        "free_text",
        f"{DPV}PersonalData",
        "booking",
        "What the business asked for beyond that, by keys of its own.",
        exact=False,
    ),
    PersonalField(
        "card_last4",
        "payment",
        f"{PD}PaymentCardNumber",
        "billing",
        "The last four digits of a payment card; never more of it.",
        exact=False,
    ),
    PersonalField(
        "evidence",
        "evidence",
        f"{DPV}PersonalData",
        "evidence",
        "What shows that a person decided something: a reference, words, a digest.",
        exact=False,
    ),
    PersonalField(
        "scope",
        "evidence",
        f"{DPV}PersonalData",
        "evidence",
        "What a legal process demands, in the words of its paper.",
        exact=False,
    ),
)
FIELDS: Final[Mapping[str, PersonalField]] = MappingProxyType({one.code: one for one in LISTED})


def unlisted(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `codes` that are no personal data of this business.

    >>> unlisted(("name", "shoe_size"))
    ('shoe_size',)
    """
    return tuple(code for code in codes if code not in FIELDS)
