"""Retention: rules are bound; what they keep an erasure leaves; what nothing keeps any more is erased by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from application.consent_log import consent_stream, records_of
from application.erasing.ordering import Wish
from application.execute import Scribe
from application.holding.expiry import Expiry
from application.holding.legal_holds import ReleaseHold
from application.holding.retention_rules import BindRules
from application.ports import Append, Outcome
from application.recorded import Caller
from domain import consent_rules
from domain.consent import NoticeShown, Saying
from domain.consent_rules import Said
from domain.custody import Kept
from domain.errors import InvalidState, NotPermitted, Stale, Unacceptable, VersionMismatch
from domain.retention_defaults import DEFAULTS
from domain.sealing import RETENTION_CLASSES
from domain.values import Personal
from tests.usecases.holding import AUDITOR, CLAIMS, OFFICER, SERVICE, Office
from tests.usecases.salon import TENANT, Salon, at, customer

NOTICE = NoticeShown(UUID(int=9), "2027-01", "ab" * 32, "en", datetime(2026, 1, 1, tzinfo=UTC))
LAST_DAY = date(2028, 1, 4)


@pytest.fixture
def office(salon: Salon, cut: UUID, sam: UUID) -> Office:
    return Office(salon, salon.book(cut, at(10)).state.subject)


def on(office: Office, day: date, hour: int = 12) -> None:
    """Let it be that day."""
    office.world.clock.set(datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


def says(office: Office, decision: Saying) -> None:
    """Let Ada say something to being measured, now."""
    said = Said(
        office.world.ids.uuid(),
        office.ada,
        "measure",
        decision,
        "explicit_click",
        notice=NOTICE,
        named=True,
        evidence={"form": Personal("newsletter")} if decision == "given" else None,
    )
    stream = consent_stream(office.ada)
    known = office.world.store.read(TENANT, stream)
    decided = consent_rules.decide(records_of(known), said, office.world.clock.now())
    scribe = Scribe.begin(OFFICER, office.world.clock, office.world.ids)
    event = scribe.record(stream, len(known) + 1, decided)
    assert office.world.store.append(Append(TENANT, scribe.at, (event,))) is Outcome.APPENDED


def test_what_is_bound_holds_and_the_shipped_rules_for_the_rest(office: Office):
    office.bind("booking", SERVICE, CLAIMS)
    held = {one.retention_class: one for one in office.rules.in_force(AUDITOR)}
    assert tuple(held) == RETENTION_CLASSES
    assert (held["booking"].rules, held["booking"].bound) == ((SERVICE, CLAIMS), True)
    assert (held["evidence"].rules, held["evidence"].bound) == (DEFAULTS["evidence"], False)
    ended = office.rules.bind(BindRules("booking", (), if_match=1), OFFICER)
    assert (ended.held.rules, ended.held.bound, ended.held.version) == (
        DEFAULTS["booking"],
        False,
        2,
    )


def test_rules_that_cannot_be_bind_nothing(office: Office):
    office.bind("booking", SERVICE)
    again = office.rules.bind(BindRules("booking", (SERVICE,)), OFFICER)
    assert again.held.version == 1
    for command, by, wrong in (
        (BindRules("booking", (SERVICE,)), AUDITOR, NotPermitted),
        (BindRules("booking", (CLAIMS,), if_match=7), OFFICER, VersionMismatch),
        (BindRules("booking", (replace(SERVICE, purposes=()),)), OFFICER, Unacceptable),
        (BindRules("billing", ()), OFFICER, InvalidState),
    ):
        with pytest.raises(wrong):
            office.rules.bind(command, by)
    with pytest.raises(NotPermitted):
        office.rules.in_force(office.salon.by)
    assert office.rules.in_force(OFFICER)[1].version == 1


def test_without_bound_rules_an_erasure_leaves_nothing_and_nothing_goes_by_itself(office: Office):
    on(office, date(2047, 1, 1))
    assert office.expiry.sweep(TENANT) == 0
    office.order()
    office.erase()
    assert office.custody().living() == ()


def test_an_erasure_leaves_what_an_exception_keeps_for_its_purposes_until_its_last_day(
    office: Office,
):
    office.bind("booking", SERVICE, CLAIMS)
    on(office, date(2027, 2, 1))
    erasure = office.order()
    kept = Kept("booking", "gdpr_17_3_e_legal_claims", "BGB 195", ("dispute",), date(2030, 1, 4))
    assert office.erasure(erasure).ordered.kept == (kept,)
    assert office.custody().bar("booking", "dispute") is None
    assert office.custody().bar("booking", "service") == "kept_for_other_purposes"
    on(office, date(2030, 1, 4))
    assert office.expiry.sweep(TENANT) == 0
    on(office, date(2030, 1, 5))
    assert office.expiry.sweep(TENANT) == 1
    office.erase()
    assert office.custody().living() == ()
    assert office.expiry.sweep(TENANT) == 0


def test_what_has_expired_is_erased_by_itself_once(office: Office):
    office.bind("booking", SERVICE)
    on(office, LAST_DAY, 23)
    assert office.expiry.sweep(TENANT) == 0
    on(office, LAST_DAY + timedelta(days=1), 0)
    assert office.expiry.sweep(TENANT) == 1
    assert office.expiry.sweep(TENANT) == 0
    (id,) = office.custody().erasures
    state = office.erasure(id)
    assert (state.ordered.cause, state.ordered.classes) == ("retention", ("profile", "booking"))
    office.erase()
    assert office.erasure(id).status == "complete"
    assert "evidence" in office.custody().living()


def test_whoever_comes_back_after_that_is_met_as_somebody_new(office: Office, cut: UUID):
    office.bind("booking", SERVICE)
    on(office, date(2028, 6, 1))
    assert office.expiry.sweep(TENANT) == 1
    office.erase()
    made = office.salon.book(cut, datetime(2028, 6, 5, 10, tzinfo=UTC))
    assert made.state.subject != office.ada


def test_whoever_comes_again_is_kept_longer(office: Office, cut: UUID):
    office.bind("booking", SERVICE)
    office.world.clock.set(at(8, day=3))
    office.salon.book(cut, at(10, day=3))
    on(office, date(2028, 1, 7))
    assert office.expiry.sweep(TENANT) == 0
    on(office, date(2028, 1, 8))
    assert office.expiry.sweep(TENANT) == 1


def test_what_one_rule_still_keeps_stays(office: Office):
    office.bind("booking", SERVICE, replace(CLAIMS, exception=None))
    on(office, date(2030, 1, 4))
    assert office.expiry.sweep(TENANT) == 0
    on(office, date(2030, 1, 5))
    assert office.expiry.sweep(TENANT) == 1


def test_a_hold_keeps_what_has_expired_and_its_release_lets_it_go(office: Office):
    office.bind("booking", SERVICE)
    hold = office.place(classes=("profile", "booking"))
    on(office, date(2028, 6, 1))
    assert office.expiry.sweep(TENANT) == 0
    assert office.custody().erasures == ()
    office.holds.release(ReleaseHold(hold.id), OFFICER)
    assert office.expiry.sweep(TENANT) == 1
    office.erase()
    assert "booking" in office.custody().taken


def test_a_consent_that_stands_keeps_and_one_that_ended_does_for_its_period(office: Office):
    proof = replace(CLAIMS, code="proof", start="consent_ended", months=6)
    office.bind("evidence", proof)
    says(office, "given")
    on(office, date(2031, 3, 1))
    assert office.expiry.sweep(TENANT) == 0, "it stands"
    says(office, "withdrawn")
    on(office, date(2031, 9, 1))
    assert office.expiry.sweep(TENANT) == 0
    assert office.erasure(office.order()).ordered.kept[0].until == date(2031, 9, 1)
    on(office, date(2031, 9, 2))
    assert office.expiry.sweep(TENANT) == 1
    assert "evidence" in office.custody().taken


def test_records_of_requests_are_kept_as_long_as_the_law_says_and_of_nobody_else(office: Office):
    says(office, "given")
    elsewhere = office.asks("gdpr")
    on(office, date(2027, 3, 1))
    asked = office.asks("us_ca")
    office.withdraws(asked)
    office.withdraws(elsewhere)
    on(office, date(2027, 3, 2))
    (kept,) = office.erasure(office.order()).ordered.kept
    assert (kept.retention_class, kept.statute, kept.until) == (
        "evidence",
        "11 CCR 7101(a), (d)",
        date(2029, 3, 1),
    )
    on(office, date(2029, 3, 2))
    assert office.expiry.sweep(TENANT) == 1
    assert office.custody().living() == ()


def test_what_is_kept_while_a_request_is_open_goes_24_months_after_it_was_closed(office: Office):
    """The order names no last day, for there is none yet."""
    says(office, "given")
    asked = office.asks("us_ca")
    (kept,) = office.erasure(office.order()).ordered.kept
    assert (kept.retention_class, kept.until) == ("evidence", None)
    on(office, date(2031, 1, 1))
    assert office.expiry.sweep(TENANT) == 0, "it is open"
    office.withdraws(asked)
    on(office, date(2033, 1, 1))
    assert office.expiry.sweep(TENANT) == 0
    on(office, date(2033, 1, 2))
    assert office.expiry.sweep(TENANT) == 1
    assert office.custody().living() == ()
    assert office.expiry.sweep(TENANT) == 0


def test_a_request_under_another_law_keeps_nothing_against_an_erasure(office: Office):
    says(office, "given")
    office.asks("gdpr")
    assert office.erasure(office.order()).ordered.kept == ()


def test_those_who_cannot_go_do_not_keep_the_rest_waiting(
    office: Office, cut: UUID, monkeypatch: pytest.MonkeyPatch
):
    """Two of three are held; each round looks at one, and goes on where it was."""
    monkeypatch.setattr("application.holding.expiry.LOOKED_AT_MAX", 1)
    others = [
        office.salon.book(cut, at(hour), customer(f"P{hour}", f"p{hour}@example.test"))
        for hour in (12, 14)
    ]
    persons = [office.ada, *(one.state.subject for one in others)]
    office.bind("booking", SERVICE)
    held = office.place(*sorted(persons)[:2], classes=("profile", "booking"))
    on(office, date(2028, 6, 1))
    rounds = [office.expiry.sweep(TENANT) for _ in range(3)]
    assert sum(rounds) == 1
    office.holds.release(ReleaseHold(held.id), OFFICER)
    assert sum(office.expiry.sweep(TENANT) for _ in range(8)) == 2


def test_who_comes_back_before_the_order_is_not_erased(office: Office, cut: UUID):
    office.bind("booking", SERVICE)
    on(office, date(2028, 6, 1))
    it = office.expiry

    class Meanwhile:
        def order(self, by: Caller, wish: Wish) -> UUID:
            office.salon.book(cut, datetime(2028, 6, 5, 10, tzinfo=UTC))
            return office.orders.order(by, wish)

    assert replace(it, orders=Meanwhile()).sweep(TENANT) == 0
    assert office.custody().taken == {}
    assert it.sweep(TENANT) == 0, "the new visit counts"


def test_who_is_not_there_any_more_does_not_stop_a_round(office: Office):
    office.bind("booking", SERVICE)
    on(office, date(2028, 6, 1))

    class Away:
        def order(self, by: object, wish: object) -> UUID:
            raise Stale

    it = office.expiry
    assert Expiry(it.store, it.rows, it.facts, Away(), it.positions, it.clock).sweep(TENANT) == 0
    assert it.sweep(TENANT) == 1
