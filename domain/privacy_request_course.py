"""How a privacy request follows from what was decided on it. See `privacy_request`."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias, assert_never

from domain.privacy_request import (
    AppealDecided,
    Decision,
    IdentityAsked,
    IdentityEvidenceDestroyed,
    IdentityVerified,
    RequestAcknowledged,
    RequestAppealed,
    RequestClosed,
    RequestDenied,
    RequestExtended,
    RequestForwarded,
    RequestFulfilled,
    RequestMarkedDuplicate,
    RequestPaused,
    RequestReceived,
    RequestRecipientsTold,
    RequestRecordExpired,
    RequestResumed,
    RequestStepRefused,
    RequestWithdrawn,
)
from domain.privacy_request_codes import DeniedPart, Right
from domain.privacy_request_state import Identity, Moment, PrivacyRequest, RightAsked
from domain.sealing import RETENTION_CLASSES

Look: TypeAlias = IdentityAsked | IdentityVerified | IdentityEvidenceDestroyed
Answer: TypeAlias = RequestFulfilled | RequestDenied
Appeal: TypeAlias = RequestAppealed | AppealDecided
End: TypeAlias = RequestForwarded | RequestWithdrawn | RequestMarkedDuplicate
Running: TypeAlias = RequestAcknowledged | RequestPaused | RequestResumed | RequestExtended


def evolve(state: PrivacyRequest | None, decision: Decision) -> PrivacyRequest:
    """The request after one more decision; None before the first."""
    if isinstance(decision, RequestReceived):
        terms = decision.terms
        confirmed = Moment("child_confirmed", terms.received_at)
        moments = (confirmed,) if terms.cause == "under_13" else ()
        rights = tuple(RightAsked(one) for one in terms.rights)
        return PrivacyRequest(decision.request, decision.subject, terms, 1, rights, moments)
    assert state is not None, "a request is received first"
    state = replace(state, version=state.version + 1)
    match decision:
        case RequestAcknowledged() | RequestPaused() | RequestResumed() | RequestExtended():
            return _run_on(state, decision)
        case IdentityAsked() | IdentityVerified() | IdentityEvidenceDestroyed():
            return replace(state, identity=_looked(state.identity, decision))
        case RequestFulfilled() | RequestDenied():
            return _answered(state, decision)
        case RequestAppealed() | AppealDecided():
            return _appealed(state, decision)
        case RequestForwarded() | RequestWithdrawn() | RequestMarkedDuplicate():
            return _ended(state, decision)
        case RequestClosed():
            return replace(state, closed_at=decision.at)
        case RequestRecipientsTold():
            told = Moment("recipients_told", decision.told_at)
            return _marked(replace(state, told_at=decision.told_at), told)
        case RequestRecordExpired():
            return replace(state, expired=True)
        case RequestStepRefused():
            return replace(state, refusals=state.refusals + 1)
        case _ as unreachable:
            assert_never(unreachable)


def is_whole(parts: tuple[DeniedPart, ...]) -> bool:
    """True when nothing is left of a right once these parts are denied."""
    named = {one.retention_class for one in parts}
    return None in named or named.issuperset(RETENTION_CLASSES)


def _run_on(state: PrivacyRequest, decision: Running) -> PrivacyRequest:
    match decision:
        case RequestAcknowledged():
            return _marked(state, Moment("acknowledged", decision.at))
        case RequestPaused():
            return _marked(replace(state, paused=True), Moment("paused", decision.at))
        case RequestResumed():
            return _marked(replace(state, paused=False), Moment("resumed", decision.at))
        case RequestExtended():
            return _marked(replace(state, extended=True), Moment("extended", decision.told_at))
        case _ as unreachable:
            assert_never(unreachable)


def _looked(identity: Identity, decision: Look) -> Identity:
    match decision:
        case IdentityAsked():
            return replace(identity, asked=True, method=decision.method)
        case IdentityEvidenceDestroyed():
            return replace(identity, evidence_until=None)
        case IdentityVerified():
            if decision.method == "agent_authority":
                identity = replace(identity, agent=decision.outcome == "verified")
            until = (identity.evidence_until, decision.evidence_until)
            return replace(
                identity,
                method=decision.method,
                outcome=decision.outcome,
                assurance=decision.assurance,
                failed=identity.failed or decision.outcome == "failed",
                evidence_until=min((one for one in until if one is not None), default=None),
            )
        case _ as unreachable:
            assert_never(unreachable)


def _answered(state: PrivacyRequest, decision: Answer) -> PrivacyRequest:
    (before,) = (one for one in state.rights if one.right == decision.right)
    if isinstance(decision, RequestFulfilled):
        denied = (*before.denied, *decision.left)
        after = replace(
            before,
            outcome="partially_fulfilled" if denied else "fulfilled",
            denied=denied,
            erasure=decision.erasure or before.erasure,
            evidence=(*before.evidence, *decision.evidence),
            decided_at=decision.at,
        )
        return _with(_marked(state, Moment("answered", decision.at, decision.right)), after)
    denied = (*before.denied, *decision.parts)
    if not is_whole(denied):
        return _with(state, replace(before, outcome="partially_denied", denied=denied))
    after = replace(before, outcome="denied", denied=denied, decided_at=decision.at)
    return _with(_marked(state, Moment("refused", decision.at, decision.right)), after)


def _appealed(state: PrivacyRequest, decision: Appeal) -> PrivacyRequest:
    if isinstance(decision, RequestAppealed):
        return _marked(replace(state, appealed=True), Moment("appealed", decision.at))
    if decision.outcome == "upheld":
        rights = tuple(_opened(one) if one.denied else one for one in state.rights)
        state = replace(state, rights=rights)
    state = replace(state, appeal=decision.outcome)
    return _marked(state, Moment("appeal_answered", decision.at))


def _ended(state: PrivacyRequest, decision: End) -> PrivacyRequest:
    match decision:
        case RequestForwarded():
            state = replace(state, ended="forwarded", other=decision.recipient)
            return _marked(state, Moment("answered", decision.at))
        case RequestMarkedDuplicate():
            state = replace(state, ended="duplicate", other=decision.original)
            return _marked(state, Moment("answered", decision.at))
        case RequestWithdrawn():
            return _marked(replace(state, ended="withdrawn"), Moment("withdrawn", decision.at))
        case _ as unreachable:
            assert_never(unreachable)


def _opened(right: RightAsked) -> RightAsked:
    return replace(right, outcome="open", denied=(), decided_at=None)


def _with(state: PrivacyRequest, after: RightAsked) -> PrivacyRequest:
    rights = tuple(after if one.right == after.right else one for one in state.rights)
    return replace(state, rights=rights)


def _marked(state: PrivacyRequest, moment: Moment) -> PrivacyRequest:
    return replace(state, moments=(*state.moments, moment))


def right_asked(state: PrivacyRequest, right: Right) -> RightAsked | None:
    """The right among those asked for; None where it is not."""
    return next((one for one in state.rights if one.right == right), None)
