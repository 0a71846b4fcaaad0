"""The port `KeyShredder`: what is destroyed stays closed, and all the rest opens as before. README D9."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from application.erasing.key_shredding import Destroyed, DestroyedAt, Live
from domain.sealing import RETENTION_CLASSES, Envelope, RetentionClass
from domain.subject import SubjectRegistered
from tests.contracts.world import NOW, Desk

CLASSES: tuple[RetentionClass, ...] = ("profile", "booking")
ADA, BEN = "ada@example.test", "ben@example.test"
PHONE = "+31612345678"


def register(desk: Desk, email: str = ADA) -> tuple[UUID, Envelope]:
    """A registered person with an address and a number, and what was sealed for them."""
    people = desk.world.people
    subject = people.find_or_prepare(desk.tenant, email, uuid4(), CLASSES).subject
    desk.append(desk.registered(subject))
    people.claim(desk.tenant, subject, "phone", PHONE)
    people.settle(desk.tenant, subject, "phone", PHONE)
    decision = desk.read(subject)[0].decision
    assert isinstance(decision, SubjectRegistered)
    assert isinstance(decision.profile, Envelope)
    return subject, decision.profile


def opens(desk: Desk, envelope: Envelope) -> bool:
    """True when it opens, False when its key is destroyed."""
    return desk.world.opener.open(desk.tenant, [envelope]) != [None]


def destroy(
    desk: Desk, subject: UUID, classes: Sequence[RetentionClass] = RETENTION_CLASSES
) -> Destroyed:
    return desk.world.shredder.destroy(desk.tenant, subject, classes, NOW)


def test_what_was_sealed_for_a_person_opens_no_more_and_the_keys_are_named(desk: Desk):
    (ada, hers), (ben, his) = register(desk), register(desk, BEN)
    gone = destroy(desk, ada)
    assert [name for name, _ in gone.key_ids] == ["booking", "profile"]
    assert dict(gone.key_ids)["profile"] == UUID(json.loads(hers.text)["key"])
    assert gone.buckets > 0
    assert (opens(desk, hers), opens(desk, his)) == (False, True)
    assert desk.world.people.find(desk.tenant, "email", BEN) == ben
    assert desk.world.people.find_all(desk.tenant, "phone", PHONE) == [ben]


def test_destroying_again_names_the_same_keys_and_destroys_nothing_more(desk: Desk):
    ada, _ = register(desk)
    gone = destroy(desk, ada)
    again = desk.world.shredder.destroy(desk.tenant, ada, RETENTION_CLASSES, NOW + timedelta(1))
    assert again == Destroyed(gone.key_ids, 0)
    assert desk.world.shredder.state(desk.tenant, ada)["profile"] == DestroyedAt(NOW)


def test_only_the_named_classes_are_destroyed(desk: Desk):
    ada, envelope = register(desk)
    gone = destroy(desk, ada, ["booking", "billing"])
    assert [name for name, _ in gone.key_ids] == ["booking"]
    assert opens(desk, envelope)
    assert desk.world.people.find(desk.tenant, "email", ADA) == ada, "they are still a customer"
    state = desk.world.shredder.state(desk.tenant, ada)
    assert list(state) == list(RETENTION_CLASSES)
    assert (state["profile"], state["booking"], state["billing"]) == (
        Live(),
        DestroyedAt(NOW),
        None,
    )


def test_who_comes_back_is_somebody_else(desk: Desk):
    ada, _ = register(desk)
    destroy(desk, ada)
    assert desk.world.people.find(desk.tenant, "email", ADA) is None
    again, envelope = register(desk)
    assert again != ada
    assert opens(desk, envelope)


def test_nothing_leads_to_somebody_whose_profile_is_destroyed(desk: Desk):
    """A claim that was on its way when the keys were destroyed leaves nothing behind."""
    people, (ada, _) = desk.world.people, register(desk)
    destroy(desk, ada)
    for kind, value in (("phone", PHONE), ("email", BEN)):
        assert not people.claim(desk.tenant, ada, kind, value).fresh  # type: ignore[arg-type]
        assert people.find_all(desk.tenant, kind, value) == []  # type: ignore[arg-type]


def test_nobody_elses_keys_go_with_the_subject_of_another_tenant(desk: Desk):
    ada, envelope = register(desk)
    other = Desk(desk.world)
    with desk.world.inside(other.tenant):
        assert destroy(other, ada) == Destroyed((), 0)
    assert opens(desk, envelope)


def test_who_has_a_key_that_opens_is_named_with_its_classes(desk: Desk):
    (ada, _), (ben, _) = register(desk), register(desk, BEN)
    destroy(desk, ada, ["profile"])
    destroy(desk, ben)
    shredder = desk.world.shredder
    assert shredder.living(desk.tenant, [ada, ben, uuid4()]) == {ada: ("booking",)}
    assert shredder.living(uuid4(), [ada]) == {}


def test_somebody_without_keys_has_none_destroyed(desk: Desk):
    assert destroy(desk, uuid4()) == Destroyed((), 0)
    assert set(desk.world.shredder.state(desk.tenant, uuid4()).values()) == {None}


def test_a_new_epoch_changes_nothing_for_those_who_stay(desk: Desk):
    (ada, hers), (ben, his) = register(desk), register(desk, BEN)
    answered = desk.world.answers.begin(desk.tenant, "scope", "key", b"{}")
    destroy(desk, ada)
    turned = desk.world.shredder.turn_epoch(NOW)
    assert turned.new == turned.old + 1
    assert turned.backup.startswith(f"keys-{turned.new}-")
    assert (opens(desk, hers), opens(desk, his)) == (False, True)
    assert desk.world.people.find(desk.tenant, "email", BEN) == ben
    assert opens(desk, register(desk, "cleo@example.test")[1]), "and new people come"
    assert isinstance(answered, UUID)
    desk.world.answers.forget(desk.tenant, answered)
    assert desk.world.shredder.turn_epoch(NOW).old == turned.new, "the next turn begins there"


def test_everything_can_be_wrapped_anew(desk: Desk):
    (ada, hers), (ben, his) = register(desk), register(desk, BEN)
    destroy(desk, ada)
    told: list[tuple[int, int]] = []
    turned = desk.world.shredder.full_rekey(NOW, lambda done, all_: told.append((done, all_)))
    assert turned.new == turned.old + 1
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    assert (opens(desk, hers), opens(desk, his)) == (False, True)
    assert desk.world.people.find(desk.tenant, "email", BEN) == ben
    assert desk.world.people.find_all(desk.tenant, "phone", PHONE) == [ben]
    assert desk.world.shredder.state(desk.tenant, ada)["profile"] == DestroyedAt(NOW)
