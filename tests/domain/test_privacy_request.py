"""Privacy requests: who may be asked what, what has which outcome, and what each rule refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from domain import privacy_request_answers as answers
from domain import privacy_request_rules as rules
from domain.errors import ExtensionTooLate, IdentityNotVerified, InvalidState, Unacceptable
from domain.privacy_request import (
    DECISIONS,
    RequestClosed,
    RequestReceived,
    RequestRecordExpired,
    RequestStepRefused,
)
from domain.privacy_request_answers import Done
from domain.privacy_request_codes import (
    ASSURANCE,
    DENIAL_CODES,
    POINTS,
    RIGHTS,
    Contact,
    DeniedPart,
    Place,
    RequestTerms,
    Right,
    denial_suits,
)
from domain.privacy_request_course import evolve, right_asked
from domain.privacy_request_rules import Timing
from domain.privacy_request_state import PrivacyRequest
from domain.sealing import RETENTION_CLASSES
from domain.values import Personal

ID, ADA, EVENT = UUID(int=1), UUID(int=2), UUID(int=3)
NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
BERLIN = Place("Europe/Berlin", "DE")
OPEN = Timing(pausable=True, extension="open")
PAST = Timing(pausable=True, extension="past")
CLOSED = Timing(pausable=False, extension="none")
BILLING = DeniedPart("billing", "gdpr_17_3_b_legal_obligation")
WHOLE = DeniedPart(None, "not_verifiable")


def received(*rights: Right, **more: Any) -> RequestReceived:
    terms: dict[str, Any] = {
        "rights": rights or ("erasure",),
        "jurisdiction": "gdpr",
        "channel": "email",
        "cause": "person",
        "forwarded_by": None,
        "received_at": NOW,
        "place": BERLIN,
    }
    contact = more.pop("contact", None)
    return RequestReceived(ID, ADA, RequestTerms(**{**terms, **more}), contact)


def after(state: PrivacyRequest, *decisions: Any) -> PrivacyRequest:
    for decision in decisions:
        state = evolve(state, decision)
    return state


def begun(*rights: Right, **more: Any) -> PrivacyRequest:
    return evolve(None, received(*rights, **more))


def verified(state: PrivacyRequest) -> PrivacyRequest:
    return after(state, *rules.verify_identity(state, "email_loop", ("email",), "verified", NOW))


def denied(state: PrivacyRequest, *parts: DeniedPart) -> PrivacyRequest:
    return after(state, *answers.deny(state, "erasure", parts or (WHOLE,), NOW))


def faults(act: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(Unacceptable) as refused:
        act()
    return [(one.pointer, one.code) for one in refused.value.errors]


# --- received --------------------------------------------------------------------------------------------------------


def test_a_request_is_received_with_its_rights():
    (decision,) = rules.receive(received("access", "erasure"), NOW)
    state = evolve(None, decision)
    assert [one.right for one in state.rights] == ["access", "erasure"]
    assert (state.id, state.version, state.status, state.is_over) == (ID, 1, "received", False)
    assert state.knows is None
    assert state.record_until is None
    assert state.last_decided_at is None


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (received("access", "access"), [("/also/1", "duplicate")]),
        (received(received_at=NOW + timedelta(seconds=1)), [("/received_at", "in_the_future")]),
        (received("access", cause="under_13"), [("/cause", "not_wanted")]),
        (received(cause="under_13", forwarded_by=EVENT), [("/forwarded_by", "not_wanted")]),
    ],
)
def test_what_cannot_have_been_asked_is_not_received(
    wrong: RequestReceived, found: list[tuple[str, str]]
):
    assert faults(lambda: rules.receive(wrong, NOW)) == found


def test_a_child_that_was_found_starts_a_clock_and_shows_nothing():
    state = begun(cause="under_13")
    assert [(one.kind, one.at) for one in state.moments] == [("child_confirmed", NOW)]
    assert state.may_fulfil("erasure")
    assert answers.fulfil(state, "erasure", Done(EVENT), NOW)[0].erasure == EVENT


def test_an_address_to_answer_to_is_no_part_of_the_state_that_prints():
    assert "ada@" not in repr(begun(contact=Contact(Personal("ada@example.test"))))


# --- on its way ------------------------------------------------------------------------------------------------------


def test_a_request_is_acknowledged_once():
    state = begun()
    state = after(state, *rules.acknowledge(state, NOW))
    assert (state.status, state.is_acknowledged) == ("acknowledged", True)
    with pytest.raises(InvalidState):
        rules.acknowledge(state, NOW)


def test_identity_is_asked_for_then_looked_at():
    state = begun()
    state = after(state, *rules.ask_identity(state, "email_loop", ("email",), NOW))
    assert state.status == "identity_pending"
    failed = after(
        state, *rules.verify_identity(state, "two_data_points", ("name", "email"), "failed", NOW)
    )
    assert (failed.status, failed.identity.assurance, failed.knows) == (
        "identity_pending",
        None,
        None,
    )
    assert failed.identity.evidence_until == NOW + timedelta(days=14)
    known = verified(failed)
    assert (known.status, known.identity.assurance, known.knows) == ("accepted", "reasonable", ADA)
    assert known.identity.evidence_until == NOW + timedelta(days=14)
    gone = after(known, *rules.destroy_evidence(known, NOW))
    assert gone.identity.evidence_until is None
    with pytest.raises(InvalidState):
        rules.destroy_evidence(gone, NOW)
    for again in (
        lambda: rules.ask_identity(known, "session", (), NOW),
        lambda: rules.verify_identity(known, "session", (), "verified", NOW),
    ):
        with pytest.raises(InvalidState):
            again()


def test_the_evidence_that_goes_first_sets_the_date():
    state = begun()
    for method, points in (("two_data_points", ("name", "email")), ("government_id", ("name",))):
        state = after(state, *rules.verify_identity(state, method, points, "failed", NOW))  # type: ignore[arg-type]
    assert state.identity.evidence_until == NOW + timedelta(days=3)


@pytest.mark.parametrize("right", RIGHTS)
def test_whoever_opts_out_is_not_asked_who_they_are(right: Right):
    state = begun(right)
    if right != "opt_out":
        assert verified(state).is_verified
        return
    for ask in (
        lambda: rules.ask_identity(state, "session", (), NOW),
        lambda: rules.verify_identity(state, "session", (), "verified", NOW),
    ):
        with pytest.raises(InvalidState):
            ask()
    assert state.may_fulfil("opt_out")
    assert verified(begun("opt_out", "access")).is_verified


def test_no_more_is_compared_than_a_match_needs():
    state = begun()
    assert faults(lambda: rules.ask_identity(state, "two_data_points", ("name",), NOW)) == [
        ("/points", "out_of_range")
    ]
    assert faults(
        lambda: rules.verify_identity(
            state, "two_data_points", ("name", "email", "phone"), "verified", NOW
        )
    ) == [("/compared", "out_of_range")]
    assert faults(
        lambda: rules.verify_identity(state, "two_data_points", ("name", "name"), "verified", NOW)
    ) == [("/compared/1", "duplicate")]
    assert set(POINTS) == set(ASSURANCE)


def test_a_governments_paper_is_the_last_resort():
    state = begun()
    with pytest.raises(InvalidState):
        rules.ask_identity(state, "government_id", (), NOW)
    state = after(state, *rules.verify_identity(state, "email_loop", (), "failed", NOW))
    assert rules.ask_identity(state, "government_id", (), NOW)


def test_an_agent_shows_for_whom_it_asks():
    with pytest.raises(InvalidState):
        rules.verify_identity(begun(), "agent_authority", (), "verified", NOW)
    state = begun(channel="agent")
    by_mail = verified(state)
    assert (by_mail.is_verified, by_mail.status) == (False, "identity_pending")
    with pytest.raises(IdentityNotVerified):
        answers.fulfil(by_mail, "erasure", Done(), NOW)
    shown = after(by_mail, *rules.verify_identity(by_mail, "agent_authority", (), "verified", NOW))
    assert shown.is_verified
    assert rules.verify_identity(
        begun("opt_out", channel="agent"), "agent_authority", (), "verified", NOW
    )


def test_a_request_pauses_and_goes_on():
    state = begun()
    with pytest.raises(InvalidState):
        rules.pause(state, "identity_doubt", CLOSED, NOW)
    with pytest.raises(InvalidState):
        rules.resume(state, NOW)
    paused = after(state, *rules.pause(state, "identity_doubt", OPEN, NOW))
    assert paused.status == "paused"
    with pytest.raises(InvalidState):
        rules.pause(paused, "clarification", OPEN, NOW)
    resumed = after(paused, *rules.resume(paused, NOW))
    assert [one.kind for one in resumed.moments] == ["paused", "resumed"]
    assert resumed.status == "received"


def test_a_request_is_extended_once_and_in_time():
    state = begun()
    done = after(state, *rules.extend(state, "complexity", NOW, OPEN, NOW + timedelta(days=1)))
    assert (done.status, done.moments[-1].at) == ("extended", NOW)
    with pytest.raises(InvalidState):
        rules.extend(done, "complexity", NOW, OPEN, NOW)
    with pytest.raises(InvalidState):
        rules.extend(state, "complexity", NOW, CLOSED, NOW)
    with pytest.raises(ExtensionTooLate):
        rules.extend(state, "complexity", NOW, PAST, NOW)
    early, late = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
    for told_at, code in ((early, "out_of_order"), (late, "in_the_future")):
        tell = partial(rules.extend, state, "complexity", told_at, OPEN, NOW)
        assert faults(tell) == [("/told_at", code)]


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda it: rules.forward(it, EVENT, NOW), "forwarded"),
        (lambda it: rules.withdraw(it, NOW), "withdrawn"),
        (lambda it: rules.mark_duplicate(it, EVENT, NOW), "duplicate"),
    ],
)
def test_what_has_ended_takes_nothing_more(end: Callable[[PrivacyRequest], Any], status: str):
    state = begun()
    state = after(state, *end(state))
    assert (state.status, state.is_over) == (status, True)
    for act in (
        end,
        lambda it: rules.acknowledge(it, NOW),
        lambda it: rules.ask_identity(it, "session", (), NOW),
        lambda it: rules.pause(it, "clarification", OPEN, NOW),
        lambda it: rules.extend(it, "complexity", NOW, OPEN, NOW),
        lambda it: answers.deny(it, "erasure", (WHOLE,), NOW),
        lambda it: answers.require_fulfillable(it, "erasure"),
        lambda it: answers.appeal(it, NOW),
    ):
        with pytest.raises(InvalidState):
            act(state)


def test_what_is_decided_in_part_is_not_handed_on():
    state = verified(begun("access", "erasure"))
    state = after(state, *answers.fulfil(state, "access", Done(evidence=(EVENT,)), NOW))
    assert state.status == "in_progress"
    for act in (
        lambda: rules.forward(state, EVENT, NOW),
        lambda: rules.mark_duplicate(state, EVENT, NOW),
    ):
        with pytest.raises(InvalidState):
            act()
    assert after(state, *rules.withdraw(state, NOW)).status == "withdrawn"


def test_a_request_is_no_duplicate_of_itself():
    assert faults(lambda: rules.mark_duplicate(begun(), ID, NOW)) == [("/request_id", "own")]


# --- answered --------------------------------------------------------------------------------------------------------


def test_each_right_has_its_own_outcome():
    state = verified(begun("access", "erasure"))
    state = after(state, *answers.fulfil(state, "access", Done(evidence=(EVENT,)), NOW))
    state = denied(state)
    assert [(one.right, one.outcome) for one in state.rights] == [
        ("access", "fulfilled"),
        ("erasure", "denied"),
    ]
    assert (state.status, state.last_decided_at) == ("partially_fulfilled", NOW)
    assert [(one.kind, one.right) for one in state.moments] == [
        ("answered", "access"),
        ("refused", "erasure"),
    ]


def test_nothing_is_fulfilled_twice_or_before_it_is_known_who_asks():
    with pytest.raises(IdentityNotVerified):
        answers.fulfil(begun(), "erasure", Done(), NOW)
    state = verified(begun())
    done = after(state, *answers.fulfil(state, "erasure", Done(EVENT), NOW))
    assert (done.status, right_asked(done, "erasure").erasure) == ("fulfilled", EVENT)  # type: ignore[union-attr]
    with pytest.raises(InvalidState):
        answers.fulfil(done, "erasure", Done(EVENT), NOW)
    with pytest.raises(InvalidState):
        answers.fulfil(state, "access", Done(), NOW)


def test_californias_limits_take_no_proof_of_who_asks():
    assert begun("restriction", jurisdiction="us_ca").may_fulfil("restriction")
    assert not begun("restriction").may_fulfil("restriction")


def test_a_part_is_denied_and_the_rest_fulfilled():
    state = denied(verified(begun()), BILLING)
    assert (state.status, state.rights[0].outcome) == ("in_progress", "partially_denied")
    done = after(state, *answers.fulfil(state, "erasure", Done(EVENT), NOW))
    assert (done.status, done.rights[0].denied) == ("partially_fulfilled", (BILLING,))


def test_what_an_erasure_leaves_is_named_once_and_makes_it_a_part():
    state = denied(verified(begun()), BILLING)
    left = (DeniedPart("billing", "legal_hold"), DeniedPart("audit", "legal_hold"))
    done = after(state, *answers.fulfil(state, "erasure", Done(EVENT, left), NOW))
    assert done.rights[0].denied == (BILLING, DeniedPart("audit", "legal_hold"))
    assert done.status == "partially_fulfilled"
    alone = verified(begun())
    kept = after(alone, *answers.fulfil(alone, "erasure", Done(EVENT, left[:1]), NOW))
    assert (kept.status, kept.rights[0].erasure) == ("partially_fulfilled", EVENT)


def test_all_parts_denied_is_the_whole():
    parts = tuple(DeniedPart(one, "not_a_consumer") for one in RETENTION_CLASSES)
    assert denied(begun(), *parts).status == "denied"


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ((), [("/parts", "out_of_range")]),
        ((BILLING, BILLING), [("/parts/1/retention_class", "duplicate")]),
        (
            (DeniedPart(None, "ccpa_105_d_2_security"),),
            [("/parts/0/reason_code", "not_applicable")],
        ),
    ],
)
def test_a_denial_has_reasons_of_the_law(
    parts: tuple[DeniedPart, ...], found: list[tuple[str, str]]
):
    assert faults(lambda: answers.deny(begun(), "erasure", parts, NOW)) == found


def test_what_is_denied_already_is_not_denied_again():
    state = denied(begun(), BILLING)
    assert faults(lambda: answers.deny(state, "erasure", (BILLING,), NOW)) == [
        ("/parts/0/retention_class", "duplicate")
    ]


def test_a_reason_is_given_where_it_is_law():
    assert all(denial_suits(one, "erasure", "other") for one in DENIAL_CODES if "15_4" not in one)
    assert denial_suits("gdpr_15_4_third_party_rights", "access", "uk_gdpr")
    assert not denial_suits("gdpr_15_4_third_party_rights", "erasure", "gdpr")
    assert not denial_suits("gdpr_12_5_excessive", "access", "us_ca")
    assert not denial_suits("ccpa_145_exempt", "access", "gdpr")
    assert not denial_suits("legal_hold", "access", "gdpr")


# --- appealed, closed ------------------------------------------------------------------------------------------------


def test_a_denial_is_appealed_once_and_upheld_it_is_open_again():
    state = denied(verified(begun()))
    state = after(state, *answers.appeal(state, NOW))
    assert state.status == "appealed"
    with pytest.raises(InvalidState):
        answers.appeal(state, NOW)
    upheld = after(state, *answers.decide_appeal(state, "upheld", NOW))
    assert (upheld.status, upheld.is_over) == ("appeal_upheld", False)
    with pytest.raises(InvalidState):
        answers.decide_appeal(upheld, "denied", NOW)
    done = after(upheld, *answers.fulfil(upheld, "erasure", Done(EVENT), NOW))
    assert (done.status, answers.close(done, NOW)) == ("fulfilled", (RequestClosed(ADA, NOW),))


def test_an_appeal_that_is_denied_ends_it():
    state = denied(begun())
    state = after(state, *answers.appeal(state, NOW))
    assert answers.close(state, NOW + timedelta(days=400)) == ()
    state = after(state, *answers.decide_appeal(state, "denied", NOW))
    assert (state.status, answers.close(state, NOW)) == (
        "appeal_denied",
        (RequestClosed(ADA, NOW),),
    )


def test_what_was_not_denied_is_not_appealed():
    for state in (begun(), verified(begun())):
        with pytest.raises(InvalidState):
            answers.appeal(state, NOW)
        with pytest.raises(InvalidState):
            answers.decide_appeal(state, "upheld", NOW)


def test_a_denial_can_be_appealed_for_90_days():
    state = denied(begun())
    end = NOW + timedelta(days=90)
    assert answers.close(state, end - timedelta(seconds=1)) == ()
    assert answers.close(state, end) == (RequestClosed(ADA, end),)
    closed = after(state, RequestClosed(ADA, end))
    assert answers.close(closed, end) == ()
    with pytest.raises(InvalidState):
        answers.appeal(closed, end)


def test_a_record_is_kept_for_24_months():
    state = begun()
    assert answers.expire_record(state, NOW) == ()
    state = after(state, *rules.withdraw(state, NOW))
    state = after(state, *answers.close(state, NOW))
    until = datetime(2029, 1, 4, 8, tzinfo=UTC)
    assert state.record_until == until
    assert answers.expire_record(state, until - timedelta(seconds=1)) == ()
    assert answers.expire_record(state, until) == (RequestRecordExpired(until),)
    gone = after(state, RequestRecordExpired(until))
    assert (gone.status, answers.expire_record(gone, until)) == ("record_expired", ())


def test_a_refusal_is_on_record_and_does_nothing():
    state = begun()
    refused = after(state, RequestStepRefused("fulfil", "identity_not_verified", NOW))
    assert replace(refused, version=1, refusals=0) == state
    assert refused.refusals == 1


def test_every_decision_is_listed_once():
    assert len({one.TYPE for one in DECISIONS}) == len(DECISIONS) == 19
