"""Which changes of a schema break what was stored under it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import pytest

from domain.sealing import Plain
from tools.event_catalogue.compatibility import breaks
from tools.event_catalogue.schemas import Schema, shape_of

Few: TypeAlias = Literal["a", "b"]
More: TypeAlias = Literal["a", "b", "c"]
Text: TypeAlias = Annotated[str, Plain("a label")]


def holding(hint: Any, *, required: bool = True) -> Schema:
    """A schema with one field."""
    shape = {**shape_of(hint), "x-class": "plain"}
    return {"properties": {"it": shape}, "required": ["it"] if required else []}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Few, More),
        (Few, More | None),
        (UUID, UUID | None),
        (UUID | None, None | UUID),
        (tuple[Few, ...], tuple[More, ...]),
        (dict[str, int], dict[str, int | None]),
        (tuple[int, Few], tuple[int, More]),
        (Text, Annotated[str, Plain("another reason")]),
    ],
    ids=str,
)
def test_it_holds_all_that_it_held(before: Any, after: Any) -> None:
    assert breaks(holding(before), holding(after)) == []
    assert breaks(holding(before), holding(after, required=False)) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (More, Few, "the field it may not be c any more"),
        (More | None, Few | None, "the field it may not be c any more"),
        (UUID | None, UUID, "the field it was null and is string uuid"),
        (UUID, Text, "the field it was string uuid and is string"),
        (Text, Few, "the field it was string and is one of a list of codes"),
        (Few, Text, "the field it was one of a list of codes and is string"),
        (tuple[More, ...], tuple[Few, ...], "the field it[] may not be c any more"),
        (tuple[More, int], tuple[Few, int], "the field it[0] may not be c any more"),
        (tuple[int, int], tuple[int, int, int], "the field it was array and is array"),
        (dict[str, int | None], dict[str, int], "the field it[] was null and is integer"),
        (dict[str, int], tuple[int, ...], "the field it was object and is array"),
        (bool, int, "the field it was boolean and is integer"),
    ],
    ids=str,
)
def test_it_does_not_hold_all_that_it_held(before: Any, after: Any, said: str) -> None:
    assert breaks(holding(before), holding(after)) == [said]


def test_what_is_missing_from_old_events_may_not_be_required() -> None:
    empty: Schema = {"properties": {}, "required": []}
    assert breaks(empty, holding(int)) == ["the field it is new and has no default"]
    assert breaks(empty, holding(int, required=False)) == []
    assert breaks(holding(int, required=False), holding(int)) == [
        "the field it was optional and is required"
    ]


@pytest.mark.parametrize("keyword", ["x-class", "x-retention-class", "x-subject"])
def test_a_class_stays(keyword: str) -> None:
    sealed = {
        "type": "object",
        "x-class": "sealed",
        "x-retention-class": "booking",
        "x-subject": "subject",
        "x-sealed-fields": shape_of(dict[str, str]),
    }
    before = {"properties": {"it": sealed}, "required": []}
    after = {"properties": {"it": {**sealed, keyword: "plain"}}, "required": []}
    assert breaks(before, before) == []
    assert len(breaks(before, after)) == 1
    assert "what was stored keeps the class it was stored with" in breaks(before, after)[0]


def test_what_an_envelope_holds_counts() -> None:
    def sealing(hint: Any) -> Schema:
        shape = {"type": "object", "x-class": "sealed", "x-sealed-fields": shape_of(hint)}
        return {
            "properties": {"it": {**shape, "x-retention-class": "a", "x-subject": "s"}},
            "required": [],
        }

    assert breaks(sealing(dict[str, str]), sealing(dict[str, int])) == [
        "the field it[] was string and is integer"
    ]
