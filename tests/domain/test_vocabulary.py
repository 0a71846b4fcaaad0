"""Purposes and kinds of personal data are named by terms that the pinned vocabulary really has."""

from __future__ import annotations

from dataclasses import fields

import pytest

from application.event_types import catalogue
from domain.access import Field
from domain.delivery_terms import DeliverySecret
from domain.personal_fields import FIELDS, LISTED, unlisted
from domain.purposes import LISTED as PURPOSES
from domain.purposes import REGISTER, Purpose
from tests.vocabulary import pinned_terms, terms


def test_the_copy_of_the_vocabulary_is_the_pinned_one() -> None:
    pinned = pinned_terms()
    if pinned is None:
        pytest.skip("the public vectors beside the project are not here")
    assert terms() == pinned


@pytest.mark.parametrize("purpose", PURPOSES, ids=lambda one: one.code)
def test_a_purpose_is_a_term_of_the_vocabulary_and_uses_listed_fields(purpose: Purpose) -> None:
    assert purpose.term in terms()
    assert unlisted(purpose.fields) == ()
    assert REGISTER[purpose.code] is purpose
    assert 39 <= purpose.policy_line <= 48


def test_a_kind_of_data_is_a_term_of_the_vocabulary_and_listed_once() -> None:
    assert len(FIELDS) == len(LISTED)
    assert {one.term for one in LISTED} <= terms()


def test_every_value_that_is_sealed_is_of_exactly_one_listed_kind() -> None:
    sealed = {
        f"{found.name}.{one.name}": unlisted(tuple(value.name for value in fields(one.group)))  # type: ignore[arg-type]
        for found in catalogue().values()
        for one in found.sealed
        if one.group is not DeliverySecret  # an organisation's: sealed, and about nobody
    }
    assert {name: codes for name, codes in sealed.items() if codes} == {}


def test_every_field_that_can_be_opened_is_a_listed_kind() -> None:
    assert unlisted(Field.__args__) == ()  # type: ignore[attr-defined]
