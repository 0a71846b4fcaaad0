"""The vectors of the statutory clocks hold, each by its name; every rule has one, and a wrong one is seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.clock_rules import RULES
from domain.clock_terms import Fact, FactKind
from domain.request_clocks import clocks_for
from tools.clock_vectors import FILE, Vector, main, read_vectors

VECTORS = {each.name: each for each in read_vectors(FILE.read_text())}
# The dates that were worked out before there was a rule, as they stand in the study.
STUDY = {
    "gdpr.answer": "2026-03-02 2026-04-30 2026-06-30 2028-02-29 2027-03-01 2026-08-17",
    "ccpa.acknowledgement": "2026-12-10 2027-01-05",
    "ccpa.opt_out": "2026-12-17",
    "ccpa.answer": "2027-01-09 2027-02-23 2027-02-01",
    "shine_the_light.designated": "2026-12-31",
    "shine_the_light.elsewhere": "2027-04-30",
    "hipaa.accounting": "2027-01-30 2027-03-01",
    "breach.authority": "2026-11-30T23:30:00Z",
    "breach.us_ca_residents": "2026-12-27",
    "breach.us_ca_attorney_general": "2027-01-11",
}
STARTS: dict[str, FactKind] = {
    "appealed": "appealed",
    "answered": "answered",
    "closed": "answered",
    "child_confirmed": "child_confirmed",
}


@pytest.mark.parametrize("name", VECTORS)
def test_every_vector_holds(name: str) -> None:
    assert VECTORS[name].computed() == VECTORS[name].expected


def test_names_are_given_once_and_every_rule_has_a_vector() -> None:
    assert len(VECTORS) == len(json.loads(FILE.read_text()))
    assert {each.rule for each in VECTORS.values()} == set(RULES)


def test_every_extension_has_a_vector() -> None:
    shown = {each.rule for each in VECTORS.values() if "extended" in dict(each.facts)}
    assert shown == {rule.id for rule in RULES.values() if rule.extension is not None}


def test_the_vectors_of_the_study_are_all_there() -> None:
    found: dict[str, list[str]] = {}
    for each in VECTORS.values():
        if each.origin == "study":
            found.setdefault(each.rule, []).append(each.due_at or each.due_on)
    assert {rule: " ".join(dates) for rule, dates in found.items()} == STUDY


def kept_by_requests() -> list[str]:
    return [each.name for each in VECTORS.values() if RULES[each.rule].request_types]


@pytest.mark.parametrize("name", kept_by_requests())
def test_a_request_of_every_type_and_place_of_the_rule_has_that_clock(name: str) -> None:
    vector = VECTORS[name]
    rule, one = RULES[vector.rule], vector.clock()
    facts = [Fact(step, at) for step, at in vector.facts]  # type: ignore[arg-type]
    if rule.start in STARTS:
        facts.append(Fact(STARTS[rule.start], vector.starts_at))
    for request_type in rule.request_types:
        for jurisdiction in rule.jurisdictions:
            clocks = clocks_for(
                request_type, jurisdiction, vector.starts_at, facts, vector.zone, one.calendar
            )
            found = [each for each in clocks if each.rule_id == vector.rule]
            assert found == [one], (request_type, jurisdiction)


def test_the_command_tells_each_and_how_many_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == list(VECTORS)
    assert lines[0] == "gdpr_last_of_january_rolls_to_monday: 2026-03-02, computed 2026-03-02"
    assert total == f"{len(VECTORS)} of {len(VECTORS)} hold"


def test_a_vector_that_does_not_hold_is_told_and_fails_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bent: list[dict[str, Any]] = json.loads(FILE.read_text())[:2]
    bent[1]["due_on"] = "2026-05-01"
    file = tmp_path / "vectors.json"
    file.write_text(json.dumps(bent))
    assert main([str(file)]) == 1
    told = capsys.readouterr().out
    assert "gdpr_last_of_march: 2026-05-01, computed 2026-04-30: DIFFERS\n1 of 2 hold" in told


def test_no_vectors_at_all_hold_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "vectors.json"
    file.write_text("[]")
    assert main([str(file)]) == 1
    assert capsys.readouterr().out == "0 of 0 hold\n"


def test_an_instant_differs_when_it_is_a_second_off() -> None:
    vector = VECTORS["breach_authority_in_72_hours"]
    later = Vector(
        **{
            name: getattr(vector, name)
            for name in ("name", "origin", "rule", "zone", "place", "facts", "due_on", "due_at")
        },
        starts_at=vector.starts_at.replace(second=1),
    )
    assert later.computed() != vector.expected
