"""Who a person is: registered once, sealed, found again by a normalised e-mail address."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from domain.errors import Unacceptable
from domain.sealing import Envelope
from domain.subject import (
    Correction,
    Profile,
    ProfileField,
    Subject,
    SubjectCorrected,
    SubjectRegistered,
    correct,
    evolve,
    normalise_email,
    normalise_phone,
    profile_flaws,
    register,
)
from domain.values import Personal
from tests.scenario import Scenario

ID = UUID(int=1)
ADA = Profile(Personal("Ada Example"), Personal("ada@example.test"))


def test_a_person_is_registered_with_values_trimmed():
    given = Profile(
        Personal("  Ada Example "),
        Personal(" Ada@Example.test\n".strip("\n")),
        Personal(" +1 212 555 0100 "),
        Personal(" 1 Main Street\nNew York "),
    )
    kept = Profile(
        Personal("Ada Example"),
        Personal("Ada@Example.test"),
        Personal("+1 212 555 0100"),
        Personal("1 Main Street\nNew York"),
    )
    standing = (
        Scenario[Subject, SubjectRegistered](evolve)
        .starting(lambda: (register(ID, given),))
        .then(SubjectRegistered(ID, "booking", kept))
    )
    assert standing == Subject(ID, kept)


def test_a_profile_does_not_show_when_it_is_printed():
    assert "Ada" not in repr(register(ID, ADA))
    assert "ada" not in repr(register(ID, ADA))


def test_a_profile_folds_closed_and_only_once():
    envelope = Envelope("{}")
    standing = evolve(None, SubjectRegistered(ID, "booking", envelope))
    assert standing.profile == envelope
    with pytest.raises(AssertionError):
        evolve(standing, SubjectRegistered(ID, "booking", envelope))


@pytest.mark.parametrize(
    ("profile", "pointer", "code"),
    [
        (replace(ADA, name=Personal(" ")), "/customer/name", "blank"),
        (replace(ADA, name=Personal("x" * 201)), "/customer/name", "too_long"),
        (replace(ADA, name=Personal("A\x00da")), "/customer/name", "control_character"),
        (replace(ADA, name=Personal("A\nda")), "/customer/name", "control_character"),
        (replace(ADA, email=Personal("")), "/customer/email", "blank"),
        (replace(ADA, email=Personal("x" * 255)), "/customer/email", "too_long"),
        (replace(ADA, email=Personal("ada.example.test")), "/customer/email", "not_an_email"),
        (replace(ADA, phone=Personal("")), "/customer/phone", "blank"),
        (replace(ADA, phone=Personal("call me")), "/customer/phone", "not_a_phone"),
        (replace(ADA, phone=Personal("1" * 41)), "/customer/phone", "too_long"),
        (replace(ADA, address=Personal("x" * 501)), "/customer/address", "too_long"),
    ],
)
def test_a_value_that_cannot_be_is_refused(profile: Profile, pointer: str, code: str):
    with pytest.raises(Unacceptable) as refusal:
        register(ID, profile)
    assert [(fault.pointer, fault.code) for fault in refusal.value.errors] == [(pointer, code)]


def test_all_that_is_wrong_is_told_at_once():
    flaws = profile_flaws(Profile(Personal(""), Personal(""), Personal(""), Personal("")), "/who")
    assert [fault.pointer for fault in flaws] == [
        "/who/name",
        "/who/email",
        "/who/phone",
        "/who/address",
    ]


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("ada@example.test", "ada@example.test"),
        (" ADA@Example.TEST\t", "ada@example.test"),
        ("jose\u0301@example.test", "jos\u00e9@example.test"),
        ("STRASSE@example.test", "strasse@example.test"),
        ("stra\u00dfe@example.test", "strasse@example.test"),
        ("a+b.c@sub.example.test", "a+b.c@sub.example.test"),
        ("ada@b\u00fccher.test", "ada@b\u00fccher.test"),
    ],
)
def test_the_same_address_is_the_same_person(given: str, normal: str):
    assert normalise_email(given) == normal


@pytest.mark.parametrize(
    "given",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.test",
        "ada@example",
        "ada@@example.test",
        "ada@example..test",
        "ada@.test",
        "a da@example.test",
        "ada@exa mple.test",
        "ada\x00@example.test",
        "ada@example.test\x00",
        "ada@example.test,eve@example.test",
        "x" * 65 + "@example.test",
        "ada@" + "x" * 250 + ".test",
    ],
)
def test_what_is_no_address_is_nobody(given: str):
    assert normalise_email(given) is None


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("+44 20 7946 0000", "+442079460000"),
        ("0044 20 7946 0000", "+442079460000"),
        ("(212) 555-0100", "2125550100"),
        ("212.555.0100", "2125550100"),
        ("+0 123 456 789", None),
        ("1234", None),
        ("+1234567890123456", None),
        ("\u0661\u0662\u0663\u0664\u0665\u0666", None),
        ("5550100 ext 5", None),
    ],
)
def test_a_phone_number_is_its_digits(given: str, normal: str | None):
    assert normalise_phone(given) == normal


def test_a_correction_says_its_fields_and_leaves_the_others():
    given = Correction(email=Personal(" ada@new.test "), phone=None)
    decision = correct(ID, ("email", "phone"), given)
    assert decision == SubjectCorrected(
        ID, ("email", "phone"), Correction(email=Personal("ada@new.test"))
    )
    standing = evolve(evolve(None, register(ID, ADA)), decision)
    assert standing == Subject(ID, ADA, (decision,))
    assert standing.version == 2
    with pytest.raises(AssertionError):
        evolve(None, decision)


@pytest.mark.parametrize(
    ("fields", "correction", "pointer", "code"),
    [
        ((), Correction(), "", "nothing_given"),
        (("name",), Correction(), "/name", "missing"),
        (("email",), Correction(), "/email", "missing"),
        (("email",), Correction(email=Personal("ada")), "/email", "not_an_email"),
        (("phone",), Correction(phone=Personal("call me")), "/phone", "not_a_phone"),
        (("name",), Correction(name=Personal("A\x00")), "/name", "control_character"),
        (("address",), Correction(address=Personal("x" * 501)), "/address", "too_long"),
    ],
)
def test_a_correction_that_cannot_be_is_refused(
    fields: tuple[ProfileField, ...], correction: Correction, pointer: str, code: str
):
    with pytest.raises(Unacceptable) as refusal:
        correct(ID, fields, correction)
    assert [(fault.pointer, fault.code) for fault in refusal.value.errors] == [(pointer, code)]
