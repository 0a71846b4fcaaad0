"""How a privacy request is answered, appealed and closed, and what is refused of it. See `privacy_request`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain import fields
from domain.errors import IdentityNotVerified, InvalidState
from domain.fields import FINE, Faults, fault
from domain.privacy_request import (
    AppealDecided,
    RequestAppealed,
    RequestClosed,
    RequestDenied,
    RequestFulfilled,
    RequestRecipientsTold,
    RequestRecordExpired,
)
from domain.privacy_request_codes import AppealOutcome, DeniedPart, Right, denial_suits
from domain.privacy_request_course import right_asked
from domain.privacy_request_rules import subject_of
from domain.privacy_request_state import APPEAL_WINDOW, PrivacyRequest, RightAsked

PARTS_MAX: Final = 16


def require_fulfillable(state: PrivacyRequest, right: Right) -> RightAsked:
    """The right, when it may be fulfilled now.

    Refuses: InvalidState (over; not asked for; decided), IdentityNotVerified.
    """
    found = _demand_undecided(state, right)
    if not state.may_fulfil(right):
        raise IdentityNotVerified()
    return found


@dataclass(frozen=True, slots=True)
class Done:
    """What was done for a right: the erasure and what it leaves, where it erases, and the events that show it."""

    erasure: UUID | None = None
    left: tuple[DeniedPart, ...] = ()
    evidence: tuple[UUID, ...] = ()


def fulfil(
    state: PrivacyRequest, right: Right, done: Done, at: datetime
) -> tuple[RequestFulfilled, ...]:
    """Record that a right was done; what is left and was denied before is named once.

    Refuses: as `require_fulfillable`.
    """
    asked = require_fulfillable(state, right)
    named = {one.retention_class for one in asked.denied}
    left = tuple(one for one in done.left if one.retention_class not in named)
    return (RequestFulfilled(subject_of(state), right, done.erasure, left, done.evidence, at),)


def deny(
    state: PrivacyRequest, right: Right, parts: tuple[DeniedPart, ...], at: datetime
) -> tuple[RequestDenied, ...]:
    """Deny parts of a right, each for a reason of the law.

    Refuses: InvalidState (over; not asked for; decided), Unacceptable (no part; one named twice or denied before; a
    code that is not of this law, or no exception to this right).
    """
    asked = _demand_undecided(state, right)
    fields.accept(_part_faults(state, asked, parts))
    return (RequestDenied(subject_of(state), right, parts, at),)


def appeal(state: PrivacyRequest, at: datetime) -> tuple[RequestAppealed, ...]:
    """Take up that they do not accept the denial. Refuses: InvalidState (nothing denied; appealed; closed)."""
    if not state.is_denied:
        raise InvalidState("Nothing of it was denied")
    if state.appealed:
        raise InvalidState("It was appealed once already")
    if state.closed_at is not None:
        raise InvalidState("It is closed")
    return (RequestAppealed(subject_of(state), at),)


def decide_appeal(
    state: PrivacyRequest, outcome: AppealOutcome, at: datetime
) -> tuple[AppealDecided, ...]:
    """Look at the denial again. Refuses: InvalidState (not appealed; decided)."""
    if not state.appealed or state.appeal is not None:
        raise InvalidState("No appeal is open")
    return (AppealDecided(subject_of(state), outcome, at),)


def close(state: PrivacyRequest, at: datetime) -> tuple[RequestClosed, ...]:
    """Close it, when nothing more can come of it: what is denied can be appealed for 90 days. Nothing where it can."""
    if not state.is_over or state.closed_at is not None:
        return ()
    may_appeal = state.is_denied and state.ended is None and state.appeal is None
    if may_appeal:
        since = state.last_decided_at
        assert since is not None, "what is over was decided"
        if state.appealed or at < since + APPEAL_WINDOW:
            return ()
    return (RequestClosed(subject_of(state), at),)


def recipients_told(
    state: PrivacyRequest, told_at: datetime | None
) -> tuple[RequestRecipientsTold, ...]:
    """Record that everybody was told, once it is closed; `told_at` is when the last one was. Nothing before."""
    if state.closed_at is None or not state.tells or state.told_at is not None or told_at is None:
        return ()
    return (RequestRecipientsTold(subject_of(state), told_at),)


def expire_record(state: PrivacyRequest, at: datetime) -> tuple[RequestRecordExpired, ...]:
    """Let go of its record, 24 months after it was closed. Nothing before."""
    until = state.record_until
    if until is None or state.expired or at < until:
        return ()
    return (RequestRecordExpired(at),)


def _demand_undecided(state: PrivacyRequest, right: Right) -> RightAsked:
    found = right_asked(state, right)
    if found is None:
        raise InvalidState("It was not asked for")
    if state.ended is not None or found.is_decided:
        raise InvalidState(f"It is {state.ended or found.outcome}")
    return found


def _part_faults(state: PrivacyRequest, asked: RightAsked, parts: tuple[DeniedPart, ...]) -> Faults:
    if not 1 <= len(parts) <= PARTS_MAX:
        return fault("/parts", "out_of_range", f"A denial names 1 to {PARTS_MAX} parts.")
    found, seen = FINE, {one.retention_class for one in asked.denied}
    for index, one in enumerate(parts):
        if one.retention_class in seen:
            words = "It is named twice, or denied already."
            found += fault(f"/parts/{index}/retention_class", "duplicate", words)
        if not denial_suits(one.reason_code, asked.right, state.terms.jurisdiction):
            words = "It is no reason for denying this right under this law."
            found += fault(f"/parts/{index}/reason_code", "not_applicable", words)
        seen.add(one.retention_class)
    return found
