"""What becomes of what a person says to a purpose: accepted, or rejected with its reason. See `consent`.

Source: GDPR Art. 7; rows 50, 62, 68 and 99 of the policy's matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain import fields
from domain.consent import (
    FRESH,
    FROM_ELSEWHERE,
    NEVER_VALID,
    Channel,
    ConsentExpired,
    ConsentGiven,
    ConsentRecord,
    ConsentRefused,
    ConsentRejected,
    ConsentWithdrawn,
    Evidence,
    Method,
    NoticeShown,
    RejectionReason,
    Saying,
    by_now,
    is_choice,
    standing_at,
    standing_now,
)
from domain.fields import FINE, Faults
from domain.personal_text import flaws
from domain.values import Personal

EVIDENCE_KEYS_MAX: Final = 20
EVIDENCE_VALUE_LENGTH_MAX: Final = 2_000
RECORDS_MAX: Final = 10_000

Accepted = ConsentGiven | ConsentRefused | ConsentWithdrawn


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says to a purpose. `at` is the event time, now where None; `notice` the text that was shown.

    `named` says that a text was named at all: without `notice` it is one that nobody knows.
    """

    consent: UUID
    subject: UUID
    purpose: str
    decision: Saying
    method: Method
    channel: Channel = "api"
    notice: NoticeShown | None = None
    named: bool = False
    at: datetime | None = None
    expires_at: datetime | None = None
    evidence: Mapping[str, Personal] | None = None


def said_flaws(said: Said) -> Faults:
    """Say what is wrong with what came in, before any rule is asked."""
    found = FINE
    if said.decision == "given" and not said.named:
        found += fields.fault("/policy_version", "missing", "A consent names the text shown.")
    if said.expires_at is not None and said.decision != "given":
        found += fields.fault("/expires_at", "not_given", "Only a consent that is given expires.")
    if said.expires_at is not None and said.at is not None and said.expires_at <= said.at:
        found += fields.fault("/expires_at", "out_of_range", "It expires before it is given.")
    evidence = said.evidence or {}
    if len(evidence) > EVIDENCE_KEYS_MAX:
        found += fields.fault("/evidence", "too_many", f"It has over {EVIDENCE_KEYS_MAX} keys.")
    for value in evidence.values():
        # Which key it is is not told: it may be anything.
        if value:
            found += flaws(value, "/evidence", EVIDENCE_VALUE_LENGTH_MAX, lines=True)
    return found


def decide(
    records: Sequence[ConsentRecord], said: Said, now: datetime
) -> Accepted | ConsentRejected:
    """Accept what was said, or reject it: in this order for an unknown purpose, an unknown text, its time, its being
    implied. What is said now is never said before what was said last, whatever clock that was written by: without a
    time of its own it comes after it, and so does a fresh no, whose time is by a clock that is right.

    Refuses: Unacceptable (it expires before now or before it is given; see `said_flaws`).
    """
    fields.accept(said_flaws(said))
    latest = by_now([one for one in records if one.purpose == said.purpose], now)
    reason = _objection(records, said, said.at or now, now)
    if reason is not None:
        return ConsentRejected(
            consent=said.consent,
            subject=said.subject,
            purpose=said.purpose if is_choice(said.purpose) else None,
            decision=said.decision,
            method=said.method,
            channel=said.channel,
            reason=reason,
        )
    at = said.at or latest
    if said.decision != "given" and latest > now and now - FRESH <= at:
        at = latest
    if said.expires_at is not None and said.expires_at <= at:
        over = "It expires before it is given."
        fields.accept(fields.fault("/expires_at", "out_of_range", over))
    return _accepted(records, said, at)


def expire(
    records: Sequence[ConsentRecord], purpose: str, consent: UUID, subject: UUID, now: datetime
) -> tuple[ConsentExpired, ...]:
    """Record that what stands for a purpose has expired by now; nothing where it has not, or that is known."""
    standing = standing_now(records, purpose, now)
    if standing is None or standing.decision != "expired":
        return ()
    if standing.record.decision == "expired":
        return ()
    return (ConsentExpired(consent, subject, purpose, standing.since, standing.record.consent),)


def _objection(
    records: Sequence[ConsentRecord], said: Said, at: datetime, now: datetime
) -> RejectionReason | None:
    if not is_choice(said.purpose):
        return "unknown_purpose"
    if said.named and said.notice is None:
        return "unknown_policy_version"
    if at > now:
        return "in_the_future"
    proven = said.method in FROM_ELSEWHERE and bool(said.evidence)
    if at < now - FRESH and not proven:
        return "backdated"
    if said.notice is not None and at < said.notice.effective_from:
        return "backdated"
    if said.method in NEVER_VALID and _speaks_over(records, said, now):
        return "implied"
    return None


def _speaks_over(records: Sequence[ConsentRecord], said: Said, now: datetime) -> bool:
    """True where conduct is to count against what was said expressly; nobody refuses or withdraws by using a thing."""
    if said.decision != "given":
        return True
    standing = standing_now(records, said.purpose, now)
    if standing is None or standing.decision == "expired":
        return False
    return standing.record.method not in NEVER_VALID


def _accepted(records: Sequence[ConsentRecord], said: Said, at: datetime) -> Accepted:
    before = standing_at(records, said.purpose, at)
    replaces = None if before is None else before.record.consent
    evidence = Evidence(dict(said.evidence)) if said.evidence else None
    subject, purpose, method, channel = said.subject, said.purpose, said.method, said.channel
    if said.decision == "given":
        assert said.notice is not None, "a consent names the text shown"
        return ConsentGiven(
            said.consent,
            subject,
            purpose,
            said.notice,
            method,
            channel,
            at,
            said.expires_at,
            replaces,
            evidence,
        )
    made = ConsentRefused if said.decision == "refused" else ConsentWithdrawn
    return made(
        said.consent, subject, purpose, said.notice, method, channel, at, replaces, evidence
    )
