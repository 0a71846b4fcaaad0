"""Promises of the policy that no other test is about: classes of fields, and purposes. Rows 2, 30, 71 to 82."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Annotated, ClassVar
from uuid import UUID

import pytest

from application.event_types import DECISIONS, Decision, Unclassified, catalogue, classify
from application.recorded import Caller
from domain.access import AccessGranted
from domain.errors import PurposeRequired
from domain.purposes import NEEDS_CASE, PURPOSES
from domain.sealing import Envelope, Sealed
from domain.values import Personal
from tests.usecases.salon import TENANT, Salon, at, customer


@dataclass(frozen=True, slots=True)
class Named:
    """A group of personal values."""

    name: Personal


@dataclass(frozen=True, slots=True)
class TextForgotten:
    """Free text that nobody called plain."""

    TYPE: ClassVar[str] = "example.forgotten.v1"

    subject: UUID
    name: str


@dataclass(frozen=True, slots=True)
class NameUnsealed:
    """A personal value outside any envelope."""

    TYPE: ClassVar[str] = "example.unsealed.v1"

    subject: UUID
    name: Personal


@dataclass(frozen=True, slots=True)
class GroupUnsealed:
    """A personal value within something else."""

    TYPE: ClassVar[str] = "example.grouped.v1"

    subject: UUID
    names: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class ForNobody:
    """A sealed group that is of no subject."""

    TYPE: ClassVar[str] = "example.orphaned.v1"

    named: Annotated[Named | Envelope, Sealed("profile", "subject")]


@dataclass(frozen=True, slots=True)
class NameSealed:
    """As it should be."""

    TYPE: ClassVar[str] = "example.sealed.v1"

    subject: UUID
    named: Annotated[Named | Envelope, Sealed("profile", "subject")]


@pytest.mark.parametrize("decision", [TextForgotten, NameUnsealed, GroupUnsealed, ForNobody])
def test_a_field_that_is_neither_plain_nor_sealed_fails_the_build(decision: type[Decision]):
    with pytest.raises(Unclassified):
        classify(decision)
    assert [field.name for field in classify(NameSealed).sealed] == ["named"]


def test_every_field_of_every_event_is_classified():
    assert len(catalogue()) == len(DECISIONS) > 30
    for name, type in catalogue().items():
        assert is_dataclass(type.decision)
        stored = {field.name for field in fields(type.decision)}
        assert set(type.plain) | {one.name for one in type.sealed} == stored, name


@pytest.fixture
def cut(salon: Salon, here: UUID) -> UUID:
    """A service that somebody offers."""
    service = salon.a_service(here)
    salon.a_staff_member([here], [service])
    return service


def opened(salon: Salon, booking: UUID, by: Caller) -> Sequence[AccessGranted]:
    """Open the customer of a booking; the accesses on record since the beginning."""
    salon.reads.with_customer(booking, by)
    decisions = (event.decision for event in salon.world.state.log[TENANT])
    return [decision for decision in decisions if isinstance(decision, AccessGranted)]


@pytest.mark.parametrize("purpose", sorted(PURPOSES))
def test_every_purpose_of_the_policy_is_recorded_with_what_it_opens(
    salon: Salon, cut: UUID, purpose: str
):
    booking = salon.book(cut, at(10), customer("Ada Example")).state.id
    by = replace(salon.by, roles=frozenset({"owner"}), purpose=purpose, case="T-1")
    (access,) = opened(salon, booking, by)
    assert (access.purpose, access.case) == (purpose, "T-1")


@pytest.mark.parametrize("purpose", sorted(NEEDS_CASE))
def test_a_look_that_answers_to_somebody_has_a_case(salon: Salon, cut: UUID, purpose: str):
    booking = salon.book(cut, at(10), customer("Ada Example")).state.id
    by = replace(salon.by, roles=frozenset({"owner"}), purpose=purpose)
    with pytest.raises(PurposeRequired, match="case"):
        opened(salon, booking, by)


@pytest.mark.parametrize("purpose", ["experience", "marketing", "advertising", "risk_compliance"])
def test_a_good_experience_is_no_purpose(salon: Salon, cut: UUID, purpose: str):
    booking = salon.book(cut, at(10), customer("Ada Example")).state.id
    by = replace(salon.by, roles=frozenset({"owner"}), purpose=purpose, case="T-1")
    with pytest.raises(PurposeRequired):
        opened(salon, booking, by)
