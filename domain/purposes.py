"""The closed list of purposes for which personal data may be opened, disclosed and consented to.

1. An unlisted purpose is refused; adding one takes a new policy version.
2. A purpose has one lawful basis for each jurisdiction at any time (`purpose_basis` switches them).

Source: the privacy policy's purposes (rows 71 to 82 of its matrix) and legal grounds (row 99); the Data Privacy
Vocabulary 2.3; README D6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, get_args

from domain.errors import PurposeRequired
from domain.sealing import RetentionClass

Jurisdiction = Literal[
    "gdpr",
    "uk_gdpr",
    "us_ca",
    "us_va",
    "us_co",
    "us_ct",
    "us_tx",
    "us_or",
    "us_hipaa",
    "other",
]
LawfulBasis = Literal[
    "consent",
    "contract",
    "legal_obligation",
    "vital_interests",
    "public_task",
    "legitimate_interests",
]
PurposeCode = Literal[
    "service",
    "support",
    "scheduling",
    "dispute",
    "billing",
    "troubleshoot",
    "fraud",
    "enforcement",
    "personalise",
    "measure",
    "improve",
    "marketing_first_party",
    "verification",
    "legal_duty",
]
ProcessingRole = Literal["controller", "processor"]

JURISDICTIONS: Final[tuple[Jurisdiction, ...]] = get_args(Jurisdiction)
LAWFUL_BASES: Final[tuple[LawfulBasis, ...]] = get_args(LawfulBasis)
DPV: Final = "https://w3id.org/dpv#"
CONTACTS: Final = ("name", "email", "phone", "address")
VISITS: Final = (*CONTACTS, "booking_times", "note", "metadata")

# Where people have to be asked first: consumer law elsewhere lets them opt out instead.
_ASKED_FIRST: Final[Mapping[Jurisdiction, LawfulBasis]] = MappingProxyType(
    {"gdpr": "consent", "uk_gdpr": "consent", "us_hipaa": "consent"}
)
_ASKED_IN_EUROPE: Final[Mapping[Jurisdiction, LawfulBasis]] = MappingProxyType(
    {"gdpr": "consent", "uk_gdpr": "consent"}
)


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose. `term` is the vocabulary's, or (`exact` False) the next wider one; `policy_line` the seed's.

    `role` is what the business that runs this instance is by default: for a customer's own visits it acts on that
    business's behalf. `fields` are the personal data the purpose has use for. `basis` is the lawful basis where
    `bases` names no other for a jurisdiction.
    """

    code: PurposeCode
    says: str
    policy_line: int
    term: str
    role: ProcessingRole
    retention_class: RetentionClass
    basis: LawfulBasis
    fields: tuple[str, ...]
    demands_case: bool = False
    exact: bool = True
    bases: Mapping[Jurisdiction, LawfulBasis] = field(default_factory=lambda: MappingProxyType({}))

    def default_basis(self, jurisdiction: Jurisdiction) -> LawfulBasis:
        """The basis that holds in a jurisdiction until another one is assigned."""
        return self.bases.get(jurisdiction, self.basis)


def _purpose(  # one line of the table below
    code: PurposeCode,
    line: int,
    term: str,
    says: str,
    role: ProcessingRole,
    kept_as: RetentionClass,
    basis: LawfulBasis,
    fields: tuple[str, ...],
    *,
    case: bool = False,
    exact: bool = True,
    bases: Mapping[Jurisdiction, LawfulBasis] | None = None,
) -> Purpose:
    where = MappingProxyType({}) if bases is None else bases
    iri = f"{DPV}{term}"
    return Purpose(
        code, says, line, iri, role, kept_as, basis, fields, case, exact=exact, bases=where
    )


LISTED: Final = (
    _purpose(
        "service",
        41,
        "RequestedServiceProvision",
        "Provide the services that were asked for.",
        "processor",
        "booking",
        "contract",
        VISITS,
    ),
    _purpose(
        "support",
        41,
        "CustomerCare",
        "Help with the service.",
        "processor",
        "support",
        "contract",
        VISITS,
        case=True,
    ),
    _purpose(
        "scheduling",
        42,
        "RequestedServiceProvision",
        "Process calendar requests, and send notices about the calendar.",
        "processor",
        "booking",
        "contract",
        ("name", "email", "phone", "booking_times"),
        exact=False,
    ),
    _purpose(
        "dispute",
        43,
        "DisputeManagement",
        "Resolve disputes.",
        "controller",
        "booking",
        "legitimate_interests",
        VISITS,
        case=True,
    ),
    _purpose(
        "billing",
        43,
        "PaymentManagement",
        "Collect fees.",
        "controller",
        "billing",
        "contract",
        (*CONTACTS, "booking_times", "card_last4"),
    ),
    _purpose(
        "troubleshoot",
        43,
        "ServiceMonitoring",
        "Find what does not work.",
        "controller",
        "support",
        "legitimate_interests",
        ("email", "booking_times"),
    ),
    _purpose(
        "fraud",
        44,
        "FraudPreventionAndDetection",
        "Prevent fraud, and prohibited or illegal acts.",
        "controller",
        "billing",
        "legitimate_interests",
        (*CONTACTS, "booking_times", "card_last4"),
        case=True,
    ),
    _purpose(
        "enforcement",
        44,
        "MisusePreventionAndDetection",
        "Enforce the user agreement.",
        "controller",
        "support",
        "legitimate_interests",
        VISITS,
        case=True,
    ),
    _purpose(
        "personalise",
        45,
        "ServicePersonalisation",
        "Customise and personalise the service.",
        "controller",
        "profile",
        "legitimate_interests",
        ("name", "booking_times", "metadata"),
    ),
    _purpose(
        "measure",
        45,
        "ServiceUsageAnalytics",
        "Measure how the service is used.",
        "controller",
        "device",
        "legitimate_interests",
        ("booking_times",),
        bases=_ASKED_IN_EUROPE,
    ),
    _purpose(
        "improve",
        45,
        "ImproveExistingProductsAndServices",
        "Improve the service.",
        "controller",
        "booking",
        "legitimate_interests",
        ("booking_times", "note"),
    ),
    _purpose(
        "marketing_first_party",
        46,
        "DirectMarketing",
        "Send updates about the business's own new products and services.",
        "controller",
        "marketing",
        "legitimate_interests",
        CONTACTS,
        bases=_ASKED_FIRST,
    ),
    _purpose(
        "verification",
        47,
        "Verification",
        "Compare for accuracy, and verify with third parties.",
        "processor",
        "profile",
        "legitimate_interests",
        CONTACTS,
        case=True,
    ),
    _purpose(
        "legal_duty",
        48,
        "LegalCompliance",
        "Do what the law demands.",
        "controller",
        "evidence",
        "legal_obligation",
        (*VISITS, "card_last4", "evidence"),
        case=True,
    ),
)
REGISTER: Final[Mapping[str, Purpose]] = MappingProxyType({one.code: one for one in LISTED})
PURPOSES: Final = frozenset[str](REGISTER)
NEEDS_CASE: Final = frozenset[str](one.code for one in LISTED if one.demands_case)
# Nothing is opened for these once the person has said no to them.
OBJECTABLE: Final = frozenset[str]({"marketing_first_party", "personalise", "measure", "improve"})
OPENING_ROLES: Final = frozenset({"owner", "manager", "staff", "privacy_officer"})
_CASE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def require_purpose(purpose: str | None, case: str | None) -> str:
    """The purpose, when it is listed and has the case it demands.

    Refuses: PurposeRequired (none, unlisted, case missing, case not an id).
    >>> require_purpose("service", None)
    'service'
    """
    if purpose not in PURPOSES:
        raise PurposeRequired(
            "Say why with Daybook-Purpose, one of: " + ", ".join(sorted(PURPOSES))
        )
    if purpose in NEEDS_CASE and case is None:
        raise PurposeRequired(f"The purpose {purpose} needs a case: Daybook-Case")
    if case is not None and not _CASE.fullmatch(case):
        raise PurposeRequired("Daybook-Case is an id of at most 64 of A-Z a-z 0-9 . _ -")
    return purpose
