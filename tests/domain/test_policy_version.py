"""Policy versions: what is in force when, and that nothing material is before its notice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain import policy_version as policies
from domain.errors import DomainError, Refused, Unacceptable
from domain.policy_version import (
    SETTLING,
    NamedController,
    Notice,
    PolicyAccepted,
    PolicyNotified,
    PolicyPublished,
    PolicyVersion,
    Publication,
)
from tests.scenario import Scenario

ID = UUID(int=1)
NOW = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WANTED = Publication("2027-01", NOW - DAY, "en", "We keep little.", False, "The first text.")


def published(
    wanted: Publication = WANTED, *, first: bool = True, id: UUID = ID, at: datetime = NOW
) -> PolicyPublished:
    (decision,) = policies.publish(id, wanted, at, first=first)
    return decision


def standing(*decisions: policies.Decision) -> PolicyVersion:
    state: PolicyVersion | None = None
    for decision in decisions:
        state = policies.evolve(state, decision)
    assert state is not None
    return state


def test_a_text_is_named_by_its_digest_and_in_force_after_two_seconds():
    state = (
        Scenario[PolicyVersion, policies.Decision](policies.evolve)
        .starting(lambda: policies.publish(ID, WANTED, NOW, first=True))
        .then(published())
    )
    assert state is not None
    assert state.sha256 == hashlib.sha256(b"We keep little.").hexdigest()
    assert state.in_force_from == NOW + SETTLING
    assert (state.label, state.version, state.notices) == ("2027-01", 1, ())


def test_a_text_that_begins_later_is_in_force_from_then_on():
    state = standing(published(replace(WANTED, effective_from=NOW + DAY)))
    assert state.in_force_from == NOW + DAY


def test_a_material_change_waits_for_its_first_notice():
    change = published(replace(WANTED, label="2027-02", material=True), first=False)
    assert change.in_force_from is None
    waiting = standing(change)
    assert policies.in_force([waiting], NOW + 400 * DAY) is None
    told = NOW + DAY
    state = (
        Scenario[PolicyVersion, policies.Decision](policies.evolve)
        .given(change)
        .when(lambda it: policies.notify(it, "email", told - DAY, told))
        .then(PolicyNotified(ID, "email", told - DAY, told + SETTLING))
    )
    assert state is not None
    assert state.in_force_from == told + SETTLING
    later = policies.notify(state, "website", told, told + DAY)
    assert later == (PolicyNotified(ID, "website", told, told + SETTLING),)
    assert standing(change, *policies.notify(state, "post", told, told)).notices == (
        Notice("post", told),
    )


def test_a_first_text_changes_nothing_and_needs_no_notice():
    assert published(replace(WANTED, material=True)).in_force_from == NOW + SETTLING


def test_a_notice_does_not_bring_a_later_beginning_forward():
    change = published(replace(WANTED, material=True, effective_from=NOW + 9 * DAY), first=False)
    (told,) = policies.notify(standing(change), "post", NOW, NOW)
    assert told.in_force_from == NOW + 9 * DAY


def test_the_one_that_began_last_is_in_force():
    first = standing(published())
    second = standing(published(replace(WANTED, label="b", effective_from=NOW + DAY)))
    third = standing(published(replace(WANTED, label="c")))
    waiting = standing(published(replace(WANTED, label="d", material=True), first=False))
    versions = [first, second, third, waiting]
    for at, label in (
        (NOW, None),
        (NOW + SETTLING, "c"),
        (NOW + DAY, "b"),
        (NOW + 99 * DAY, "b"),
    ):
        found = policies.in_force(versions, at)
        assert (found and found.label) == label
    assert policies.in_force([], NOW) is None


@pytest.mark.parametrize(
    ("wanted", "pointer", "code"),
    [
        (replace(WANTED, label="-x"), "/version", "malformed"),
        (replace(WANTED, label="a b"), "/version", "malformed"),
        (replace(WANTED, label="x" * 65), "/version", "malformed"),
        (replace(WANTED, language="English"), "/language", "malformed"),
        (replace(WANTED, text=" "), "/text", "blank"),
        (replace(WANTED, text="x" * 200_001), "/text", "too_long"),
        (replace(WANTED, text="a\x00b"), "/text", "control_character"),
        (replace(WANTED, summary=""), "/summary", "blank"),
        (replace(WANTED, controller=NamedController(" ")), "/controller/name", "blank"),
        (
            replace(WANTED, controller=NamedController("A", address="x\ny")),
            "/controller/address",
            "control_character",
        ),
        (
            replace(WANTED, controller=NamedController("A", contact="")),
            "/controller/contact",
            "blank",
        ),
        (
            replace(WANTED, controller=NamedController("A", country="XX")),
            "/controller/country",
            "unknown_country",
        ),
    ],
)
def test_a_text_that_cannot_be_is_refused(wanted: Publication, pointer: str, code: str):
    with pytest.raises(Unacceptable) as refusal:
        policies.publish(ID, wanted, NOW, first=True)
    assert [(fault.pointer, fault.code) for fault in refusal.value.errors] == [(pointer, code)]


def test_a_controller_may_be_named_in_full():
    named = NamedController("A", "1 Main Street", "mailto:privacy@example.org", "PT")
    assert standing(published(replace(WANTED, controller=named))).controller == named


def test_there_is_an_end_to_notices():
    many = replace(standing(published()), notices=(Notice("post", NOW),) * 200)
    with pytest.raises(Refused):
        policies.notify(many, "post", NOW, NOW)


def test_a_text_is_accepted_once_it_is_effective():
    state = standing(published())
    accepted = policies.accept(UUID(int=2), state, "continued_use", NOW, NOW)
    assert accepted == PolicyAccepted(UUID(int=2), ID, "2027-01", "continued_use", NOW)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda it: policies.notify(it, "post", NOW + DAY, NOW), "in_the_future"),
        (lambda it: policies.accept(ID, it, "signature", NOW + DAY, NOW), "in_the_future"),
        (lambda it: policies.accept(ID, it, "signature", NOW - 2 * DAY, NOW), "backdated"),
    ],
)
def test_what_lies_ahead_or_before_the_text_is_refused(
    act: Callable[[PolicyVersion], object], code: str
):
    with pytest.raises(DomainError) as refusal:
        act(standing(published()))
    assert [fault.code for fault in refusal.value.errors] == [code]
