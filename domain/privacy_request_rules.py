"""What may be decided on a privacy request on its way, and what is refused. See `privacy_request`.

*Not here*: its answer, the appeal and the end (`privacy_request_answers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from domain import fields
from domain.errors import ExtensionTooLate, InvalidState
from domain.fields import FINE, Faults, fault
from domain.privacy_request import (
    IdentityAsked,
    IdentityEvidenceDestroyed,
    IdentityVerified,
    RequestAcknowledged,
    RequestExtended,
    RequestForwarded,
    RequestMarkedDuplicate,
    RequestPaused,
    RequestReceived,
    RequestResumed,
    RequestWithdrawn,
)
from domain.privacy_request_codes import (
    ASSURANCE,
    EVIDENCE_DAYS,
    POINTS,
    RIGHTS,
    DataPoint,
    ExtensionReason,
    IdentityOutcome,
    PauseReason,
    Right,
    VerificationMethod,
)
from domain.privacy_request_state import PrivacyRequest

CHILD_RIGHT: Final[tuple[Right, ...]] = ("erasure",)


@dataclass(frozen=True, slots=True)
class Timing:
    """What the rules of time allow: whether a clock may pause, whether one may be extended, and whether too late."""

    pausable: bool
    extension: Literal["none", "open", "past"]


def receive(received: RequestReceived, at: datetime) -> tuple[RequestReceived, ...]:
    """Enter a request, known at the instant `at`.

    Refuses: Unacceptable (a right twice; received in the future; a child's that is no erasure; both forwarded by a
    processor and found by us).
    """
    terms = received.terms
    found = fields.distinct("/also", terms.rights, 1, len(RIGHTS))
    if terms.received_at > at:
        found += fault("/received_at", "in_the_future", "It cannot have been received yet.")
    if terms.cause == "under_13" and terms.rights != CHILD_RIGHT:
        found += fault("/cause", "not_wanted", "What is known of a child is erased.")
    if terms.cause == "under_13" and terms.forwarded_by is not None:
        found += fault("/forwarded_by", "not_wanted", "Nobody forwards what was found here.")
    fields.accept(found)
    return (received,)


def acknowledge(state: PrivacyRequest, at: datetime) -> tuple[RequestAcknowledged, ...]:
    """Record that they were told. Refuses: InvalidState (over; acknowledged)."""
    demand_open(state)
    if state.is_acknowledged:
        raise InvalidState("It has been acknowledged")
    return (RequestAcknowledged(subject_of(state), at),)


def ask_identity(
    state: PrivacyRequest, method: VerificationMethod, points: tuple[DataPoint, ...], at: datetime
) -> tuple[IdentityAsked, ...]:
    """Ask them to show who they are.

    Refuses: InvalidState (over; an opt-out; known already; no agent; no last resort), Unacceptable (more or fewer
    points than the method compares, one twice).
    """
    _demand_look(state, method)
    if state.is_verified:
        raise InvalidState("It is known who asks")
    fields.accept(_point_faults("/points", method, points))
    return (IdentityAsked(subject_of(state), method, points, at),)


def verify_identity(
    state: PrivacyRequest,
    method: VerificationMethod,
    compared: tuple[DataPoint, ...],
    outcome: IdentityOutcome,
    at: datetime,
) -> tuple[IdentityVerified, ...]:
    """Record what was compared, by name, and what came of it.

    Refuses: InvalidState (over; an opt-out; known already; no agent; no last resort), Unacceptable (more or fewer
    points than the method compares, one twice).
    """
    _demand_look(state, method)
    if state.is_verified:
        raise InvalidState("It is known who asks")
    fields.accept(_point_faults("/compared", method, compared))
    days = EVIDENCE_DAYS.get(method)
    return (
        IdentityVerified(
            subject=subject_of(state),
            method=method,
            compared=compared,
            outcome=outcome,
            assurance=ASSURANCE[method] if outcome == "verified" else None,
            evidence_until=None if days is None else at + timedelta(days=days),
            at=at,
        ),
    )


def destroy_evidence(state: PrivacyRequest, at: datetime) -> tuple[IdentityEvidenceDestroyed, ...]:
    """Record that what was handed in is gone. Refuses: InvalidState (there is none)."""
    if state.identity.evidence_until is None:
        raise InvalidState("There is no evidence of identity")
    return (IdentityEvidenceDestroyed(subject_of(state), at),)


def pause(
    state: PrivacyRequest, reason: PauseReason, timing: Timing, at: datetime
) -> tuple[RequestPaused, ...]:
    """Wait for what only they can give. Refuses: InvalidState (over; paused; no rule of time knows a pause)."""
    demand_open(state)
    if state.paused:
        raise InvalidState("It is paused")
    if not timing.pausable:
        raise InvalidState("No clock of it may pause")
    return (RequestPaused(subject_of(state), reason, at),)


def resume(state: PrivacyRequest, at: datetime) -> tuple[RequestResumed, ...]:
    """Go on. Refuses: InvalidState (over; not paused)."""
    demand_open(state)
    if not state.paused:
        raise InvalidState("It is not paused")
    return (RequestResumed(subject_of(state), at),)


def extend(
    state: PrivacyRequest,
    reason: ExtensionReason,
    told_at: datetime,
    timing: Timing,
    at: datetime,
) -> tuple[RequestExtended, ...]:
    """Take longer, once, having told them so in time.

    Refuses: InvalidState (over; extended; no rule of time knows an extension), Unacceptable (told in the future, or
    before it came in), ExtensionTooLate (told, or entered here, when the time for telling was over).
    """
    demand_open(state)
    if state.extended:
        raise InvalidState("It was extended once already")
    if timing.extension == "none":
        raise InvalidState("No clock of it may be extended")
    fields.accept(_told_faults(state, told_at, at))
    if timing.extension == "past":
        raise ExtensionTooLate()
    return (RequestExtended(subject_of(state), reason, told_at, at),)


def forward(state: PrivacyRequest, recipient: UUID, at: datetime) -> tuple[RequestForwarded, ...]:
    """Hand it to whom it is for. Refuses: InvalidState (over; anything of it decided)."""
    _demand_untouched(state)
    return (RequestForwarded(subject_of(state), recipient, at),)


def withdraw(state: PrivacyRequest, at: datetime) -> tuple[RequestWithdrawn, ...]:
    """Let go of what is not decided. Refuses: InvalidState (over)."""
    demand_open(state)
    return (RequestWithdrawn(subject_of(state), at),)


def mark_duplicate(
    state: PrivacyRequest, original: UUID, at: datetime
) -> tuple[RequestMarkedDuplicate, ...]:
    """Say that it was asked before. Refuses: InvalidState (over; anything decided), Unacceptable (it is itself)."""
    _demand_untouched(state)
    fields.accept(
        fault("/request_id", "own", "It is this very request.") if original == state.id else FINE
    )
    return (RequestMarkedDuplicate(subject_of(state), original, at),)


def subject_of(state: PrivacyRequest) -> UUID | None:
    """The person it is about, for what is decided on it."""
    return state.subject


def demand_open(state: PrivacyRequest) -> None:
    """Go on where something of it is open. Refuses: InvalidState."""
    if state.is_over:
        raise InvalidState(f"It is {state.status}")


def _demand_untouched(state: PrivacyRequest) -> None:
    demand_open(state)
    if any(one.outcome != "open" for one in state.rights):
        raise InvalidState("Something of it is decided")


def _demand_look(state: PrivacyRequest, method: VerificationMethod) -> None:
    demand_open(state)
    agent = state.terms.channel == "agent"
    if state.needs_no_identity and not (agent and method == "agent_authority"):
        raise InvalidState("Whoever opts out is not asked who they are")
    if method == "agent_authority" and not agent:
        raise InvalidState("No agent asks")
    if method == "government_id" and not state.identity.failed:
        raise InvalidState("A government's paper is the last resort: another way comes first")


def _point_faults(
    pointer: str, method: VerificationMethod, points: tuple[DataPoint, ...]
) -> Faults:
    return fields.distinct(pointer, points, *POINTS[method])


def _told_faults(state: PrivacyRequest, told_at: datetime, at: datetime) -> Faults:
    if told_at > at:
        return fault("/told_at", "in_the_future", "They cannot have been told yet.")
    if told_at < state.terms.received_at:
        return fault("/told_at", "out_of_order", "It lies before the request.")
    return FINE
