"""Consent: what one person said to one purpose, or to one choice beside the purposes, and whether it holds.

1. A choice is given, refused or withdrawn by the person, and expires by itself. Each is a record that stays.
2. What stands at an instant is the record of the latest event time up to then; of one time, the one recorded last.
   So what is brought in later about an earlier day never undoes what the person said since.
3. Only a consent that was given expressly, and has not expired, is valid. Continued use is recorded and never valid,
   and it changes nothing where the person has said something expressly.
4. A consent names the text that was shown: it is not older than that text. Nor is it older than a day when it comes
   in, unless it was given on paper or elsewhere and brings its evidence.
5. What is not accepted is on record with its reason, and changes nothing.

*Not here*: the policy's versions (`policy_version`); what a purpose rests on (`purpose_basis`); receipts.
Source: GDPR Art. 4(11), 7; ISO/IEC TS 27560; rows 38, 50, 54, 62, 65, 68 and 99 of the policy's matrix.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never
from uuid import UUID

from domain.purposes import PURPOSES
from domain.sealing import Envelope, Plain, Sealed
from domain.values import Personal

Method = Literal[
    "explicit_click", "signature", "spoken", "paper", "import", "signal", "continued_use"
]
Channel = Literal["api", "web", "app", "email", "phone", "post", "in_person"]
Saying = Literal["given", "refused", "withdrawn"]
Standing = Literal["given", "refused", "withdrawn", "expired"]
RejectionReason = Literal[
    "unknown_purpose", "unknown_policy_version", "backdated", "in_the_future", "implied"
]

CHOICES: Final = frozenset({"electronic_notice", "cross_border_transfer", "sale_share"})
_NAMED_CHOICE: Final = re.compile(r"(analytics|cookies):[a-z0-9][a-z0-9_-]{0,39}")
FRESH: Final = timedelta(days=1)
FROM_ELSEWHERE: Final = frozenset[Method]({"paper", "import"})
NEVER_VALID: Final = frozenset[Method]({"continued_use"})

Choice: TypeAlias = Annotated[str, Plain("a purpose's code, or a choice by pattern")]


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NoticeShown:
    """The exact text that the person was shown: a policy version and its digest."""

    policy: UUID
    version: Annotated[str, Plain("the label of a policy version")]
    sha256: Annotated[str, Plain("the digest of the published text, in hexadecimal")]
    language: Annotated[str, Plain("a language tag")]
    effective_from: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that the person said so, by keys of the caller's."""

    evidence: dict[str, Personal]


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """The person agreed. `replaces` is the record that stood before."""

    TYPE: ClassVar[str] = "consent.given.v1"

    consent: UUID
    subject: UUID
    purpose: Choice
    notice: NoticeShown
    method: Method
    channel: Channel
    given_at: datetime
    expires_at: datetime | None
    replaces: UUID | None
    evidence: Annotated[Evidence | Envelope, Sealed("evidence", "subject")] | None


@dataclass(frozen=True, slots=True)
class ConsentRefused:
    """The person said no."""

    TYPE: ClassVar[str] = "consent.refused.v1"

    consent: UUID
    subject: UUID
    purpose: Choice
    notice: NoticeShown | None
    method: Method
    channel: Channel
    refused_at: datetime
    replaces: UUID | None
    evidence: Annotated[Evidence | Envelope, Sealed("evidence", "subject")] | None


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    """The person no longer agrees."""

    TYPE: ClassVar[str] = "consent.withdrawn.v1"

    consent: UUID
    subject: UUID
    purpose: Choice
    notice: NoticeShown | None
    method: Method
    channel: Channel
    withdrawn_at: datetime
    replaces: UUID | None
    evidence: Annotated[Evidence | Envelope, Sealed("evidence", "subject")] | None


@dataclass(frozen=True, slots=True)
class ConsentExpired:
    """The time that a consent was given for is over."""

    TYPE: ClassVar[str] = "consent.expired.v1"

    consent: UUID
    subject: UUID
    purpose: Choice
    expired_at: datetime
    replaces: UUID


@dataclass(frozen=True, slots=True)
class ConsentRejected:
    """What came in as a consent was not accepted. `purpose` is None where it is not a listed one."""

    TYPE: ClassVar[str] = "consent.rejected.v1"

    consent: UUID
    subject: UUID
    purpose: Choice | None
    decision: Saying
    method: Method
    channel: Channel
    reason: RejectionReason


Decision: TypeAlias = (
    ConsentGiven | ConsentRefused | ConsentWithdrawn | ConsentExpired | ConsentRejected
)
DECISIONS: Final = (ConsentGiven, ConsentRefused, ConsentWithdrawn, ConsentExpired, ConsentRejected)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One record, as far as what stands follows from it. `at` is its event time, UTC."""

    consent: UUID
    purpose: str
    decision: Standing
    at: datetime
    method: Method | None = None
    expires_at: datetime | None = None
    replaces: UUID | None = None


@dataclass(frozen=True, slots=True)
class ConsentStanding:
    """What stands at an instant, `since` when, by which record, and whether it is a valid consent."""

    record: ConsentRecord
    decision: Standing
    since: datetime
    valid: bool


def record_of(decision: Decision) -> ConsentRecord | None:
    """The record that a decision makes; None for one that was rejected."""
    it = decision
    match it:
        case ConsentGiven():
            return ConsentRecord(
                it.consent, it.purpose, "given", it.given_at, it.method, it.expires_at, it.replaces
            )
        case ConsentRefused():
            said: Standing = "refused"
            at = it.refused_at
        case ConsentWithdrawn():
            said, at = "withdrawn", it.withdrawn_at
        case ConsentExpired():
            at, before = it.expired_at, it.replaces
            return ConsentRecord(it.consent, it.purpose, "expired", at, replaces=before)
        case ConsentRejected():
            return None
        case _:
            assert_never(it)
    return ConsentRecord(it.consent, it.purpose, said, at, it.method, replaces=it.replaces)


def standing_at(
    records: Sequence[ConsentRecord], purpose: str, at: datetime
) -> ConsentStanding | None:
    """What stands for a purpose at an instant; None where nothing does. `records` in the order they were recorded."""
    return _standing([one for one in records if one.purpose == purpose and one.at <= at], at)


def standing_now(
    records: Sequence[ConsentRecord], purpose: str, now: datetime
) -> ConsentStanding | None:
    """The same of the present: what is recorded was said, also where a clock that was ahead wrote when."""
    return _standing([one for one in records if one.purpose == purpose], now)


def _standing(records: Sequence[ConsentRecord], at: datetime) -> ConsentStanding | None:
    last: ConsentRecord | None = None
    for one in records:
        if last is None or one.at >= last.at:
            last = one
    if last is None:
        return None
    if last.expires_at is not None and last.expires_at <= at:
        return ConsentStanding(last, "expired", last.expires_at, valid=False)
    valid = last.decision == "given" and last.method not in NEVER_VALID
    return ConsentStanding(last, last.decision, last.at, valid)


def by_now(records: Sequence[ConsentRecord], now: datetime) -> datetime:
    """Now, or the time of a purpose's last record where a clock that was ahead wrote it."""
    return max((now, *(one.at for one in records)))


def is_choice(text: str) -> bool:
    """True for a listed purpose, and for a choice beside the purposes.

    >>> [is_choice(one) for one in ("service", "analytics:mixpanel", "cookies:advertising", "curiosity")]
    [True, True, True, False]
    """
    return text in PURPOSES or text in CHOICES or bool(_NAMED_CHOICE.fullmatch(text))
