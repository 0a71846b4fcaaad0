"""The closed lists that people's requests speak in: rights, ways to verify, reasons, and where a reason may be given.

*Not here*: what becomes of a request (`privacy_request`), how long it may take (the clocks).
*Source*: GDPR Art. 12, 15 to 22; Cal. Civ. Code 1798.105(d), 1798.145; 11 CCR 7060 to 7063.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

from domain.custody import ExceptionCode
from domain.purposes import Jurisdiction
from domain.sealing import Plain, RetentionClass
from domain.values import Personal

Right = Literal[
    "access",
    "portability",
    "correction",
    "erasure",
    "restriction",
    "objection",
    "opt_out",
    "account_cancellation",
    "shine_the_light",
    "accounting",
]
RequestChannel = Literal["api", "web", "email", "phone", "post", "agent"]
RequestCause = Literal["person", "under_13"]
VerificationMethod = Literal[
    "session",
    "email_loop",
    "two_data_points",
    "three_data_points",
    "signed_declaration",
    "agent_authority",
    "government_id",
]
# Names of what was compared; a value never stands anywhere.
DataPoint = Literal[
    "name", "email", "phone", "address", "booking_times", "booking_reference", "card_last4"
]
Assurance = Literal["reasonable", "high"]
IdentityOutcome = Literal["verified", "failed"]
PauseReason = Literal["identity_doubt", "clarification"]
ExtensionReason = Literal["complexity", "number_of_requests", "reasonably_necessary"]
AppealOutcome = Literal["upheld", "denied"]
DenialCode = Literal[
    "not_verifiable",
    "not_a_consumer",
    "not_ours_forwarded",
    "legal_hold",
    "gdpr_12_5_unfounded",
    "gdpr_12_5_excessive",
    "gdpr_12_6_identity",
    "gdpr_15_4_third_party_rights",
    "ccpa_145_exempt",
    ExceptionCode,
]
Step = Literal[
    "acknowledge",
    "ask_identity",
    "verify_identity",
    "destroy_identity_evidence",
    "pause",
    "resume",
    "extend",
    "forward",
    "fulfil",
    "deny",
    "withdraw",
    "mark_duplicate",
    "appeal",
    "decide_appeal",
]
RefusalCode = Literal["invalid_state", "identity_not_verified", "extension_too_late", "invalid"]

RIGHTS: Final[tuple[Right, ...]] = get_args(Right)
DENIAL_CODES: Final[tuple[DenialCode, ...]] = get_args(DenialCode)
# Whoever only says no, or asks for a list that names nobody, need not show who they are. 11 CCR 7026(d).
UNVERIFIED: Final = frozenset[Right]({"opt_out", "shine_the_light"})
NEVER_VERIFIED: Final = frozenset[Right]({"opt_out"})
# In California these are the rights to limit and to opt out: they take no verifiable request. 11 CCR 7026(f), 7027(e).
LIMITING: Final = frozenset[Right]({"restriction", "objection"})
ERASING: Final = frozenset[Right]({"erasure", "account_cancellation"})
SHOWING: Final = frozenset[Right]({"access", "portability", "accounting"})

ASSURANCE: Final[Mapping[VerificationMethod, Assurance]] = MappingProxyType(
    {
        "session": "high",
        "email_loop": "reasonable",
        "two_data_points": "reasonable",
        "three_data_points": "high",
        "signed_declaration": "high",
        "agent_authority": "reasonable",
        "government_id": "high",
    }
)
# How many data points a method compares, at least and at most: no more is asked for than a match needs.
POINTS: Final[Mapping[VerificationMethod, tuple[int, int]]] = MappingProxyType(
    {
        "session": (0, 0),
        "email_loop": (0, 1),
        "two_data_points": (2, 2),
        "three_data_points": (3, 3),
        "signed_declaration": (0, 3),
        "agent_authority": (0, 3),
        "government_id": (0, 1),
    }
)
# How long what a person handed in to be compared may stay. Declarations and mandates are part of the record and go with
# it (11 CCR 7062(c), 7063); of a session and of an e-mail loop nothing stays.
EVIDENCE_DAYS: Final[Mapping[VerificationMethod, int]] = MappingProxyType(
    {"two_data_points": 14, "three_data_points": 14, "government_id": 3}
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the business is whose days count: the zone of its days, and the country of its holidays."""

    zone: Annotated[str, Plain("an IANA time zone")]
    country: Annotated[str, Plain("ISO 3166-1")]
    subdivision: Annotated[str, Plain("ISO 3166-2")] | None = None


@dataclass(frozen=True, slots=True)
class RequestTerms:
    """What is asked for. `forwarded_by` is the processor that the person turned to first; instants are UTC."""

    rights: tuple[Right, ...]
    jurisdiction: Jurisdiction
    channel: RequestChannel
    cause: RequestCause
    forwarded_by: UUID | None
    received_at: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class Contact:
    """Where to answer somebody whom the business does not know."""

    email: Personal


@dataclass(frozen=True, slots=True)
class DeniedPart:
    """What is denied and why: data of one retention class, or (None) the right as a whole."""

    retention_class: RetentionClass | None
    reason_code: DenialCode


def denial_suits(code: DenialCode, right: Right, jurisdiction: Jurisdiction) -> bool:
    """True where a denial may rest on `code`: the law is the person's own, and the exception is of that right.

    >>> denial_suits("gdpr_17_3_e_legal_claims", "erasure", "gdpr")
    True
    >>> denial_suits("ccpa_105_d_2_security", "erasure", "gdpr")
    False
    >>> denial_suits("gdpr_17_3_e_legal_claims", "access", "gdpr")
    False
    """
    if code.startswith("gdpr_") and jurisdiction.startswith("us_"):
        return False
    if code.startswith("ccpa_") and not jurisdiction.startswith(("us_", "other")):
        return False
    if code.startswith(("gdpr_17_3_", "ccpa_105_d_")) or code == "legal_hold":
        return right in ERASING
    if code == "gdpr_15_4_third_party_rights":
        return right in SHOWING
    return True
