"""What a field may be, and that a caller hears of every fault at once."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from domain import fields
from domain.countries import COUNTRIES
from domain.errors import Unacceptable


@pytest.mark.parametrize("text", ["A", "Ada's", "café", "髪", "a" * 200, "👩‍🔧 Ada"])
def test_a_line_of_text_is_accepted(text: str):
    assert fields.line("/name", text, 200) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "blank"),
        ("   ", "blank"),
        ("\u00a0", "blank"),
        ("a" * 201, "too_long"),
        ("a\0b", "control_character"),
        ("a\nb", "control_character"),
        ("a\x7fb", "control_character"),
        ("a\x85b", "control_character"),
        ("a\u2028b", "control_character"),
        ("a\ud800b", "control_character"),
    ],
)
def test_a_line_that_is_none_is_refused(text: str, code: str):
    (fault,) = fields.line("/name", text, 200)
    assert (fault.pointer, fault.code) == ("/name", code)


@pytest.mark.parametrize(("value", "fine"), [(0, False), (1, True), (9, True), (10, False)])
def test_both_bounds_of_a_number_are_allowed(value: int, fine: bool):
    assert (fields.whole("/capacity", value, 1, 9) == ()) is fine


def test_a_shape_is_that_of_the_whole_text():
    shape = re.compile("[A-Z]{3}")
    assert fields.shaped("/currency", "EUR", shape, "three capitals") == ()
    for text in ("EUR\n", "EURO", "eur", ""):
        (fault,) = fields.shaped("/currency", text, shape, "three capitals")
        assert (fault.code, fault.detail) == ("malformed", "three capitals")


def test_each_repetition_in_a_list_is_named():
    faults = fields.distinct("/roles", ("a", "b", "a", "b", "a"), 1, 5)
    assert [fault.pointer for fault in faults] == ["/roles/2", "/roles/3", "/roles/4"]


@pytest.mark.parametrize("values", [(), ("a", "b", "c")])
def test_a_list_keeps_its_bounds(values: tuple[str, ...]):
    (fault,) = fields.distinct("/roles", values, 1, 2)
    assert (fault.pointer, fault.code) == ("/roles", "out_of_range")


def test_every_fault_is_told_at_once():
    one = fields.fault("/a", "x", "one")
    two = fields.fault("/b", "y", "two")
    with pytest.raises(Unacceptable) as refusal:
        fields.accept(one, (), two)
    assert refusal.value.errors == (*one, *two)


def test_no_fault_is_no_refusal():
    fields.accept((), ())


def test_countries_are_those_of_the_zone_table():
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab")
    lines = table.read_text("utf-8")
    listed = {line.split("\t")[0] for line in lines.splitlines() if not line.startswith("#")}
    assert listed - {""} == COUNTRIES
