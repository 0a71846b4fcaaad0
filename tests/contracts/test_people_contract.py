"""The ports `People` and `Opener`: who is behind an address, and what was sealed for them."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from application.ports import Found, Outcome
from domain.errors import Unreadable
from domain.sealing import Envelope
from domain.subject import SubjectRegistered
from tests.contracts.world import Desk

ADA = "ada@example.test"


def look(desk: Desk, email: str = ADA, candidate: UUID | None = None) -> Found:
    return desk.world.people.find_or_prepare(
        desk.tenant, email, candidate or uuid4(), ["profile", "booking"]
    )


def register(desk: Desk) -> UUID:
    found = look(desk)
    assert desk.append(desk.registered(found.subject)) is Outcome.APPENDED
    return found.subject


def profile(desk: Desk, subject: UUID) -> Envelope:
    decision = desk.read(subject)[0].decision
    assert isinstance(decision, SubjectRegistered)
    assert isinstance(decision.profile, Envelope)
    return decision.profile


def test_a_new_address_belongs_to_the_candidate(desk: Desk):
    candidate = uuid4()
    assert look(desk, candidate=candidate) == Found(candidate, registered=False)


def test_an_address_keeps_its_subject_from_the_first_look_on(desk: Desk):
    first = look(desk)
    assert look(desk) == first
    assert look(desk, "ben@example.test").subject != first.subject


def test_a_subject_is_registered_once_its_first_event_is_there(desk: Desk):
    subject = register(desk)
    assert look(desk) == Found(subject, registered=True)
    assert look(desk) == Found(subject, registered=True)
    assert desk.world.people.find(desk.tenant, "email", ADA) == subject


def test_nobody_is_found_by_an_address_or_number_that_nobody_gave(desk: Desk):
    register(desk)
    assert desk.world.people.find(desk.tenant, "email", "ben@example.test") is None
    assert desk.world.people.find(desk.tenant, "phone", ADA) is None


def test_tenants_do_not_know_each_other_s_people(desk: Desk):
    subject = register(desk)
    other = Desk(desk.world)
    with desk.world.inside(other.tenant):
        assert desk.world.people.find(other.tenant, "email", ADA) is None
        assert look(other).subject != subject


def test_two_who_look_up_a_new_address_at_once_get_the_same_subject(desk: Desk):
    assert len({found.subject for found in desk.race(16, lambda _: look(desk))}) == 1


def test_preparing_again_changes_nothing(desk: Desk):
    subject = register(desk)
    before = desk.world.opener.open(desk.tenant, [profile(desk, subject)])
    for _ in range(2):
        desk.world.people.prepare(desk.tenant, subject, ["profile", "booking", "billing"])
    assert desk.world.opener.open(desk.tenant, [profile(desk, subject)]) == before


def test_envelopes_are_opened_in_the_order_they_were_given(desk: Desk):
    people = []
    for name in ("Ada", "Ben", "Cleo"):
        subject = look(desk, f"{name.lower()}@example.test").subject
        desk.append(desk.registered(subject, name))
        people.append(profile(desk, subject))
    opened = desk.world.opener.open(desk.tenant, [people[2], people[0], people[2]])
    assert [values and values["name"] for values in opened] == ["Cleo", "Ada", "Cleo"]
    assert desk.world.opener.open(desk.tenant, []) == []


def test_what_was_sealed_under_a_destroyed_key_is_gone(desk: Desk):
    subject = register(desk)
    envelope = profile(desk, subject)
    desk.world.destroy_keys(desk.tenant, subject)
    assert desk.world.opener.open(desk.tenant, [envelope]) == [None]


def test_what_cannot_be_read_is_an_alarm_and_not_silence(desk: Desk):
    subject = register(desk)
    envelope = profile(desk, subject)
    for broken in ("{}", "no envelope", envelope.text[:-1]):
        with pytest.raises(Unreadable):
            desk.world.opener.open(desk.tenant, [Envelope(broken)])


def test_an_envelope_of_another_tenant_is_not_opened(desk: Desk):
    envelope = profile(desk, register(desk))
    other = Desk(desk.world)
    with desk.world.inside(other.tenant), pytest.raises(Unreadable):
        desk.world.opener.open(other.tenant, [envelope])
