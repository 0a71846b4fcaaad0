"""People's requests on the twin: each right carried out, each refusal on record, nobody given away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.consent_log import consent_stream, records_of
from application.custody.custody_log import custody_stream, read_custody
from application.execute import Scribe
from application.people.people import CorrectPerson
from application.ports import Append
from application.requests import steps
from application.requests.privacy_requests import ShownRequest
from application.requests.steps import Target
from domain.access import AccessGranted
from domain.custody import CustodyPinned
from domain.erasure import ErasureOrdered
from domain.errors import (
    DomainError,
    ExtensionTooLate,
    IdentityNotVerified,
    InvalidState,
    NotFound,
    NotPermitted,
    Unacceptable,
    UnknownReference,
    VersionMismatch,
)
from domain.privacy_request import RequestReceived, RequestStepRefused
from domain.privacy_request_codes import RIGHTS, DeniedPart
from domain.report import ReportIssued
from domain.sealing import Envelope
from domain.subject import Correction
from domain.values import Personal
from tests.usecases.front import Front
from tests.usecases.requesting import Office
from tests.usecases.salon import TENANT, at

BILLING = DeniedPart("billing", "gdpr_17_3_b_legal_obligation")
WHOLE = DeniedPart(None, "not_verifiable")


@pytest.fixture
def office(front: Front) -> Office:
    return Office(front)


def issued(office: Office, name: Any, subject: UUID | None) -> UUID:
    """A report was taken."""
    from application.ledger.records import LedgerRecords

    world = office.world
    records = LedgerRecords(world.store, world.clock, world.ids)
    now = world.clock.now()
    decision = ReportIssued(name, subject, None, None, None, None, now, 0, "json", 0, "AA==")
    return records.record_copy(office.officer, decision).event_id


def plain(shown: ShownRequest) -> ShownRequest:
    """What may be seen of a request, its ids apart."""
    state = replace(shown.state, id=UUID(int=0), subject=None)
    return replace(shown, state=state)


# --- received --------------------------------------------------------------------------------------------------------


def test_somebody_unknown_looks_like_somebody_known(office: Office):
    known = office.asks()
    unknown = office.asks(email=Personal("nobody@example.test"))
    absent = office.asks(subject=UUID(int=99))
    shown = [
        plain(office.requests.request(one.state.id, office.officer))
        for one in (known, unknown, absent)
    ]
    assert shown[0] == shown[1] == shown[2]
    assert known.state.subject == office.ada
    assert (known.state.knows, unknown.state.subject) == (None, None)
    for one in (known, unknown):
        target = Target(one.state.id)
        office.requests.verify_identity(target, "email_loop", (), "verified", office.officer)
    assert office.state(Target(known.state.id)).knows == office.ada
    assert office.state(Target(unknown.state.id)).knows is None


def test_an_address_is_kept_sealed_and_only_where_nobody_has_it(office: Office):
    for one, kept in (
        (office.asks(), False),
        (office.asks(email=Personal("no@example.test")), True),
    ):
        (event,) = office.world.store.read(TENANT, one.state.id)
        assert isinstance(event.decision, RequestReceived)
        assert isinstance(event.decision.contact, Envelope) is kept
        assert "example.test" not in repr(event)


def test_that_an_address_was_looked_up_is_recorded_as_an_access(office: Office):
    request = office.asks().state.id
    (event,) = office.front.events(AccessGranted)
    assert (event.purpose, event.case) == ("legal_duty", f"req_{request.hex}")
    office.asks(subject=office.ada)
    assert len(office.front.events(AccessGranted)) == 1


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"email": None}, ""),
        ({"email": Personal("ada@example.test"), "subject": UUID(int=1)}, ""),
        ({"email": Personal("not an address")}, "/email"),
        ({"received_at": at(8) + timedelta(seconds=1)}, "/received_at"),
        ({"forwarded_by": UUID(int=5)}, "/forwarded_by"),
    ],
)
def test_what_cannot_be_received_leaves_nothing(office: Office, more: dict[str, Any], pointer: str):
    with pytest.raises(Unacceptable) as refused:
        office.asks(**more)
    assert refused.value.errors[0].pointer == pointer
    assert office.requests.page(50, None, None, None, office.officer).items == ()


def test_a_request_may_have_come_in_before_it_is_entered(office: Office):
    received_at = office.world.clock.now() - timedelta(days=40)
    shown = office.requests.request(office.asks(received_at=received_at).state.id, office.officer)
    assert {one.verdict.state for one in shown.clocks} == {"late"}


def test_only_officer_and_owner_act_and_the_auditor_reads(office: Office):
    id = office.asks(by=office.front.as_role("owner")).state.id
    target = Target(id)
    for role in ("manager", "staff", "booking", "auditor", "engineer", "corporate", "subject"):
        by = office.front.as_role(role)
        for act in (
            lambda by=by: office.asks(by=by),
            lambda by=by: office.requests.acknowledge(target, by),
            lambda by=by: office.requests.fulfil(target, None, by),
            lambda by=by: office.requests.forward(target, UUID(int=1), by),
            lambda by=by: office.requests.mark_duplicate(target, id, by),
            lambda by=by: office.requests.lift_restriction(target, by),
        ):
            with pytest.raises(NotPermitted):
                act()
        reads = (
            lambda by=by: office.requests.request(id, by),
            lambda by=by: office.requests.page(50, None, None, None, by),
            lambda by=by: office.requests.version(id, by),
            lambda by=by: office.desk.letters.letter(id, None, by),
            lambda by=by: office.desk.duties.page(None, 50, None, by),
        )
        for read in reads:
            if role == "auditor":
                assert read()
            else:
                with pytest.raises(NotPermitted):
                    read()
    with pytest.raises(NotFound):
        office.requests.request(UUID(int=7), office.officer)


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_the_clocks_run_where_the_business_is_and_replay_from_the_events(office: Office):
    office.moves_to("America/Los_Angeles", "US")
    office.world.clock.set(datetime(2026, 12, 18, 20, tzinfo=UTC))
    request = office.asks("erasure", jurisdiction="us_ca").state.id
    shown = office.requests.request(request, office.officer)
    due = {
        one.verdict.rule: (one.verdict.due_on.isoformat(), one.verdict.zone) for one in shown.clocks
    }
    assert due["ccpa.acknowledgement"] == ("2027-01-05", "America/Los_Angeles")
    assert due["ccpa.answer"] == ("2027-02-01", "America/Los_Angeles")
    # Whoever moves later changes no deadline of what came in before.
    office.moves_to("Europe/Berlin", "DE")
    assert office.requests.request(request, office.officer).clocks == shown.clocks
    office.world.clock.set(datetime(2027, 1, 6, 12, tzinfo=UTC))
    target = Target(request)
    office.requests.acknowledge(target, office.officer)
    clocks = office.requests.request(request, office.officer).clocks
    assert {one.verdict.rule: one.verdict.state for one in clocks} == {
        "ccpa.acknowledgement": "late",
        "ccpa.answer": "running",
    }


def test_a_pause_and_an_extension_move_what_is_due(office: Office):
    target = office.verified("access")
    clock = office.world.clock

    def due() -> str:
        shown = office.requests.request(target.request, office.officer)
        return next(
            one.verdict.due_on.isoformat()
            for one in shown.clocks
            if one.verdict.rule == "gdpr.answer"
        )

    assert due() == "2027-02-04"
    office.requests.pause(target, "identity_doubt", office.officer)
    clock.advance(days=5)
    office.requests.resume(target, office.officer)
    assert due() == "2027-02-09"
    office.requests.extend(target, "complexity", clock.now(), office.officer)
    assert due() == "2027-04-09"


def test_each_right_has_its_own_clocks_and_an_extension_passes_what_is_decided_by(office: Office):
    target = office.verified("access", "erasure")
    office.packs(target)
    office.requests.fulfil(target, "access", office.officer)
    office.world.clock.advance(days=2)
    now = office.world.clock.now()
    office.requests.extend(target, "number_of_requests", now, office.officer)
    shown = office.requests.request(target.request, office.officer)
    found = {
        (one.right, one.verdict.rule): (one.verdict.state, one.verdict.due_on.month)
        for one in shown.clocks
    }
    assert found["access", "gdpr.answer"] == ("met", 2)
    assert found["erasure", "gdpr.answer"] == ("running", 4)


def test_a_child_that_was_found_has_72_hours_and_nothing_to_prove(office: Office):
    request = office.asks(cause="under_13", subject=office.ada, channel="api").state.id
    shown = office.requests.request(request, office.officer)
    child = next(one.verdict for one in shown.clocks if one.verdict.rule == "child_deletion")
    assert child.due_at == office.world.clock.now() + timedelta(hours=72)
    done = office.requests.fulfil(Target(request), None, office.officer).state
    (ordered, *_) = office.world.store.read(TENANT, done.rights[0].erasure or UUID(int=0))
    assert ordered.decision.cause == "under_13"  # type: ignore[attr-defined]


# --- refused, and on record ------------------------------------------------------------------------------------------


def late(office: Office) -> Target:
    target = office.verified("erasure")
    office.world.clock.advance(days=40)
    return target


def answered(office: Office) -> Target:
    target = office.verified("objection")
    office.requests.fulfil(target, None, office.officer)
    return target


REFUSED: list[tuple[str, Any, Any, type[DomainError], str]] = [
    (
        "fulfil",
        lambda o: Target(o.asks().state.id),
        lambda o, t, by: o.requests.fulfil(t, None, by),
        IdentityNotVerified,
        "identity_not_verified",
    ),
    (
        "fulfil",
        answered,
        lambda o, t, by: o.requests.fulfil(t, None, by),
        InvalidState,
        "invalid_state",
    ),
    (
        "fulfil",
        lambda o: o.verified("correction"),
        lambda o, t, by: o.requests.fulfil(t, None, by),
        InvalidState,
        "invalid_state",
    ),
    (
        "fulfil",
        lambda o: o.verified("correction", email=Personal("no@example.test")),
        lambda o, t, by: o.requests.fulfil(t, None, by),
        InvalidState,
        "invalid_state",
    ),
    (
        "fulfil",
        lambda o: o.verified("shine_the_light"),
        lambda o, t, by: o.requests.fulfil(t, None, by),
        InvalidState,
        "invalid_state",
    ),
    (
        "fulfil",
        lambda o: o.verified("accounting"),
        lambda o, t, by: o.requests.fulfil(t, None, by),
        InvalidState,
        "invalid_state",
    ),
    (
        "extend",
        late,
        lambda o, t, by: o.requests.extend(t, "complexity", o.world.clock.now(), by),
        ExtensionTooLate,
        "extension_too_late",
    ),
    (
        "extend",
        late,
        lambda o, t, by: o.requests.extend(
            t, "complexity", o.world.clock.now() - timedelta(days=39), by
        ),
        ExtensionTooLate,
        "extension_too_late",
    ),
    (
        "extend",
        lambda o: Target(o.asks("opt_out", jurisdiction="us_ca").state.id),
        lambda o, t, by: o.requests.extend(t, "complexity", o.world.clock.now(), by),
        InvalidState,
        "invalid_state",
    ),
    (
        "pause",
        lambda o: Target(o.asks(jurisdiction="us_ca").state.id),
        lambda o, t, by: o.requests.pause(t, "identity_doubt", by),
        InvalidState,
        "invalid_state",
    ),
    (
        "resume",
        lambda o: Target(o.asks().state.id),
        lambda o, t, by: o.requests.resume(t, by),
        InvalidState,
        "invalid_state",
    ),
    (
        "verify_identity",
        lambda o: Target(o.asks("opt_out").state.id),
        lambda o, t, by: o.requests.verify_identity(t, "session", (), "verified", by),
        InvalidState,
        "invalid_state",
    ),
    (
        "ask_identity",
        lambda o: Target(o.asks().state.id),
        lambda o, t, by: o.requests.ask_identity(t, "government_id", (), by),
        InvalidState,
        "invalid_state",
    ),
    (
        "destroy_identity_evidence",
        lambda o: Target(o.asks().state.id),
        lambda o, t, by: o.requests.destroy_evidence(t, by),
        InvalidState,
        "invalid_state",
    ),
    (
        "deny",
        lambda o: Target(o.asks().state.id),
        lambda o, t, by: o.requests.deny(t, None, (), by),
        Unacceptable,
        "invalid",
    ),
    (
        "deny",
        lambda o: Target(o.asks("access", "erasure").state.id),
        lambda o, t, by: o.requests.deny(t, None, (WHOLE,), by),
        Unacceptable,
        "invalid",
    ),
    (
        "deny",
        answered,
        lambda o, t, by: o.requests.deny(t, None, (WHOLE,), by),
        InvalidState,
        "invalid_state",
    ),
    ("appeal", answered, lambda o, t, by: o.requests.appeal(t, by), InvalidState, "invalid_state"),
    (
        "decide_appeal",
        answered,
        lambda o, t, by: o.requests.decide_appeal(t, "upheld", by),
        InvalidState,
        "invalid_state",
    ),
    (
        "withdraw",
        answered,
        lambda o, t, by: o.requests.withdraw(t, by),
        InvalidState,
        "invalid_state",
    ),
    (
        "acknowledge",
        answered,
        lambda o, t, by: o.requests.acknowledge(t, by),
        InvalidState,
        "invalid_state",
    ),
    (
        "mark_duplicate",
        answered,
        lambda o, t, by: o.requests.mark_duplicate(t, o.asks().state.id, by),
        InvalidState,
        "invalid_state",
    ),
]


@pytest.mark.parametrize(("step", "given", "act", "refusal", "code"), REFUSED)
def test_what_is_refused_is_on_record(
    office: Office, step: str, given: Any, act: Any, refusal: type[DomainError], code: str
):
    target = given(office)
    before = office.state(target)
    with pytest.raises(refusal):
        act(office, target, office.officer)
    last = office.world.store.read(TENANT, target.request)[-1]
    assert isinstance(last.decision, RequestStepRefused)
    assert (last.decision.step, last.decision.code, last.actor) == (step, code, "key_officer")
    assert replace(office.state(target), version=before.version, refusals=0) == before


def test_refusals_are_recorded_up_to_a_bound(office: Office, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(steps, "REFUSALS_MAX", 2)
    target = Target(office.asks().state.id)
    for _ in range(4):
        with pytest.raises(InvalidState):
            office.requests.resume(target, office.officer)
    assert office.types(target.request).count("privacy_request.step_refused.v1") == 2


def test_what_is_unknown_or_was_seen_otherwise_changes_nothing(office: Office):
    target = office.verified()
    seen = Target(target.request, version=1)
    for act in (
        lambda: office.requests.acknowledge(seen, office.officer),
        lambda: office.requests.fulfil(seen, None, office.officer),
        lambda: office.requests.lift_restriction(seen, office.officer),
    ):
        with pytest.raises(VersionMismatch):
            act()
    with pytest.raises(UnknownReference):
        office.requests.mark_duplicate(target, UUID(int=8), office.officer)
    with pytest.raises(UnknownReference):
        office.requests.forward(target, UUID(int=8), office.officer)
    assert office.state(target).version == 2


# --- carried out -----------------------------------------------------------------------------------------------------


def test_an_erasure_is_ordered_of_all_that_is_not_denied(office: Office):
    target = office.verified("erasure")
    office.requests.deny(target, None, (BILLING,), office.officer)
    done = office.requests.fulfil(target, None, office.officer).state
    assert done.status == "partially_fulfilled"
    erasure = done.rights[0].erasure
    assert erasure is not None
    taken = read_custody(office.world.store, TENANT, office.ada).taken
    assert "billing" not in taken
    assert set(taken) >= {"profile", "booking"}
    assert set(taken.values()) == {erasure}


def test_whoever_dies_between_order_and_answer_finds_the_order_again(office: Office):
    target = office.verified("erasure")
    state = office.state(target)
    first = office.requests.carrying.erase(state, state.rights[0], office.officer)
    done = office.requests.fulfil(target, None, office.officer).state
    assert done.rights[0].erasure == first.erasure


def test_what_an_appeal_won_is_erased_too(office: Office):
    target = office.verified("erasure")
    office.requests.deny(target, None, (BILLING,), office.officer)
    office.requests.fulfil(target, None, office.officer)
    office.requests.appeal(target, office.officer)
    office.requests.decide_appeal(target, "upheld", office.officer)
    done = office.requests.fulfil(target, None, office.officer).state
    assert (done.status, done.closed_at) == ("fulfilled", office.world.clock.now())
    assert "billing" in read_custody(office.world.store, TENANT, office.ada).taken


@pytest.mark.parametrize("gagged", [False, True])
def test_what_a_legal_hold_keeps_is_told_unless_nobody_may_know(office: Office, gagged: bool):
    store, hold = office.world.store, UUID(int=6)
    pinned = CustodyPinned(office.ada, None if gagged else office.ada, hold, ("billing",))
    scribe = Scribe.begin(office.officer, office.world.clock, office.world.ids)
    event = scribe.record(custody_stream(office.ada), 1, pinned)
    store.append(Append(TENANT, scribe.at, (event,)))
    office.gagged = frozenset({hold}) if gagged else frozenset()
    target = office.verified("erasure")
    done = office.requests.fulfil(target, None, office.officer).state
    assert "billing" not in read_custody(store, TENANT, office.ada).taken
    if gagged:
        assert (done.status, done.rights[0].denied) == ("fulfilled", ())
    else:
        part = DeniedPart("billing", "legal_hold")
        assert (done.status, done.rights[0].denied) == ("partially_fulfilled", (part,))
        letter = office.desk.letters.letter(target.request, None, office.officer)
        assert "kept for legal proceedings" in letter.text()


def test_a_cancelled_account_calls_off_what_is_to_come(office: Office, cut: UUID):
    office.world.clock.set(at(12))
    salon = office.front.salon
    later = salon.book(cut, at(14))
    salon.course.cancel(salon.target(salon.book(cut, at(15))), "weather", salon.by)
    target = office.verified("account_cancellation")
    done = office.requests.fulfil(target, None, office.officer).state
    assert (done.status, done.rights[0].erasure is not None) == ("fulfilled", True)
    last = list(salon.events(later.state.id))[-1]
    assert last.decision.reason_code == "customer_request"  # type: ignore[attr-defined]
    # What has begun is left as it was.
    assert salon.types(office.front.made.state.id) == ["booking.confirmed.v1"]


def test_a_restriction_stands_until_it_is_lifted(office: Office):
    target = office.verified("restriction")
    office.requests.fulfil(target, None, office.officer)
    assert office.requests.request(target.request, office.officer).restricts
    assert read_custody(office.world.store, TENANT, office.ada).restricted_by == target.request
    again = office.verified("restriction")
    assert office.requests.fulfil(again, None, office.officer).state.status == "fulfilled"
    with pytest.raises(InvalidState):
        office.requests.lift_restriction(again, office.officer)
    office.requests.lift_restriction(target, office.officer)
    assert not office.requests.request(target.request, office.officer).restricts
    with pytest.raises(InvalidState):
        office.requests.lift_restriction(target, office.officer)


@pytest.mark.parametrize(
    ("right", "purposes"),
    [
        ("objection", {"improve", "marketing_first_party", "measure", "personalise"}),
        ("opt_out", {"marketing_first_party", "sale_share"}),
    ],
)
def test_a_no_is_recorded_for_each_purpose(office: Office, right: Any, purposes: set[str]):
    target = office.verified(right) if right == "objection" else Target(office.asks(right).state.id)
    done = office.requests.fulfil(target, None, office.officer).state
    events = office.world.store.read(TENANT, consent_stream(office.ada))
    assert {(one.purpose, one.decision) for one in records_of(events)} == {
        (purpose, "refused") for purpose in purposes
    }
    assert done.rights[0].evidence == tuple(event.event_id for event in events)
    # Said again, it is said already.
    again = office.verified("objection")
    office.requests.fulfil(again, None, office.officer)
    if right == "objection":
        assert len(office.world.store.read(TENANT, consent_stream(office.ada))) == len(events)


def test_a_correction_is_there_before_it_is_answered(office: Office):
    target = office.verified("correction")
    office.world.clock.advance(hours=1)
    corrected = office.people.correct(
        CorrectPerson(office.ada, ("name",), Correction(name=Personal("Ada Right"))), office.officer
    )
    done = office.requests.fulfil(target, None, office.officer).state
    assert done.rights[0].evidence == (corrected.event,)


def test_a_report_that_was_taken_is_named(office: Office):
    access, light = office.verified("access"), Target(office.asks("shine_the_light").state.id)
    accounting = office.verified("accounting")
    office.world.clock.advance(hours=1)
    about_ada = issued(office, "article-15", office.ada)
    issued(office, "article-15", UUID(int=77))
    about_all = issued(office, "shine-the-light", None)
    accounted = issued(office, "accounting-of-disclosures", office.ada)
    packed = office.packs(access)
    for target, shown in (
        (access, (about_ada, packed)),
        (light, (about_all,)),
        (accounting, (accounted,)),
    ):
        done = office.requests.fulfil(target, None, office.officer).state
        assert done.rights[0].evidence == shown


@pytest.mark.parametrize(
    "right", [one for one in RIGHTS if one not in ("correction", "shine_the_light")]
)
def test_nobody_is_given_what_nobody_holds(office: Office, right: Any):
    target = Target(office.asks(right, email=Personal("nobody@example.test")).state.id)
    if right != "opt_out":
        office.requests.verify_identity(target, "email_loop", (), "verified", office.officer)
    done = office.requests.fulfil(target, None, office.officer).state
    assert (done.status, done.rights[0].erasure, done.rights[0].evidence) == ("fulfilled", None, ())


def test_of_who_is_gone_there_is_no_package_to_wait_for(office: Office):
    access = office.verified("access")
    office.requests.fulfil(office.verified("erasure"), None, office.officer)
    done = office.requests.fulfil(access, None, office.officer).state
    assert (done.status, done.rights[0].evidence) == ("fulfilled", ())


def test_whoever_asks_for_both_is_shown_before_it_is_gone(office: Office):
    target = office.verified("erasure", "access")
    with pytest.raises(InvalidState):
        office.requests.fulfil(target, None, office.officer)
    assert read_custody(office.world.store, TENANT, office.ada).erasures == ()
    office.packs(target)
    office.requests.fulfil(target, None, office.officer)
    rights = [
        event.decision.right  # type: ignore[attr-defined]
        for event in office.world.store.read(TENANT, target.request)
        if event.decision.TYPE == "privacy_request.fulfilled.v1"  # type: ignore[attr-defined]
    ]
    assert rights == ["access", "erasure"]


# --- ended -----------------------------------------------------------------------------------------------------------


def test_a_record_is_closed_and_let_go_of_by_itself(office: Office):
    withdrawn, denied = Target(office.asks().state.id), Target(office.asks().state.id)
    office.requests.withdraw(withdrawn, office.officer)
    office.requests.deny(denied, None, (WHOLE,), office.officer)
    assert office.state(withdrawn).closed_at is not None
    assert (office.state(denied).closed_at, office.ending.sweep(TENANT)) == (None, 0)
    office.world.clock.advance(days=90)
    assert (office.ending.sweep(TENANT), office.ending.sweep(TENANT)) == (1, 0)
    office.world.clock.advance(days=641)
    assert office.ending.sweep(TENANT) == 1
    assert office.state(withdrawn).status == "record_expired"
    assert office.state(denied).status == "denied"


def test_the_address_of_somebody_unknown_goes_with_the_record(office: Office):
    known, unknown = office.asks(), office.asks(email=Personal("no@example.test"))
    for one in (known, unknown):
        office.requests.withdraw(Target(one.state.id), office.officer)
    office.world.clock.set(datetime(2029, 1, 4, 8, tzinfo=UTC))
    assert (office.ending.sweep(TENANT), office.ending.sweep(TENANT)) == (2, 0)
    ordered = office.front.events(ErasureOrdered)
    assert [(one.decision.subject, one.decision.classes) for one in ordered] == [  # type: ignore[attr-defined]
        (unknown.state.id, ("support",))
    ]


def test_requests_are_listed_by_status_and_right(office: Office):
    first, second = office.asks("access"), office.asks("erasure")
    office.requests.withdraw(Target(first.state.id), office.officer)

    def listed(status: Any, right: Any) -> list[UUID]:
        page = office.requests.page(50, None, status, right, office.officer)
        return [one.id for one in page.items]

    assert listed(None, None) == [first.state.id, second.state.id]
    assert listed("withdrawn", None) == [first.state.id]
    assert listed(None, "erasure") == [second.state.id]
