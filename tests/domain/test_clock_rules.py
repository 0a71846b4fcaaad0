"""The rules of time as data: the table of the study, row by row, and which requests each one runs for."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import get_args

import pytest

from domain.clock_rules import RULES, RULES_VERSION, calendar_place, rules_for
from domain.clock_terms import Jurisdiction, RequestType, Rule

DOCS = Path(__file__).parents[2] / "docs" / "deadlines.md"
# length, what an extension adds, and letters: r rolls, p may be paused, u ends with the first use, k is kept.
TABLE = {
    "gdpr.answer": "1 months +2 rp",
    "gdpr.refusal_notice": "1 months r",
    "uk_gdpr.answer": "1 months +2 rp",
    "uk_gdpr.refusal_notice": "1 months r",
    "recipients_told": "0 calendar_days",
    "collected_elsewhere_notice": "1 months ru",
    "breach.authority": "72 hours",
    "ccpa.acknowledgement": "10 business_days",
    "ccpa.answer": "45 calendar_days +45",
    "ccpa.opt_out": "15 business_days",
    "ccpa.limit": "15 business_days",
    "shine_the_light.designated": "30 calendar_days",
    "shine_the_light.elsewhere": "150 calendar_days",
    "ccpa.record_kept": "24 months k",
    "us_va.answer": "45 calendar_days +45",
    "us_co.answer": "45 calendar_days +45",
    "us_ct.answer": "45 calendar_days +45",
    "us_tx.answer": "45 calendar_days +45",
    "us_or.answer": "45 calendar_days +45",
    "us_ia.answer": "90 calendar_days +45",
    "us_va.appeal": "60 calendar_days",
    "us_co.appeal": "45 calendar_days +60",
    "us_ct.appeal": "60 calendar_days",
    "us_tx.appeal": "60 calendar_days",
    "us_or.appeal": "45 calendar_days",
    "hipaa.access": "30 calendar_days +30",
    "hipaa.amendment": "60 calendar_days +30",
    "hipaa.accounting": "60 calendar_days +30",
    "child_deletion": "72 hours",
    "breach.us_ca_residents": "30 calendar_days",
    "breach.us_ca_attorney_general": "15 calendar_days",
}


# What each edition says, words and sources included. A rule that differs is a new edition: raise RULES_VERSION and add
# its line; lines that are there stay as they are.
EDITIONS = {"2026-11-25": "326a85c7bbc28fa5", "2026-11-26": "7c29b5ed8a2da9d9"}


def digest() -> str:
    """Of all rules, sets in order."""
    plain = [
        {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in asdict(rule).items()
        }
        for rule in RULES.values()
    ]
    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def told(rule: Rule) -> str:
    words = [f"{rule.length.amount} {rule.length.unit}"]
    if rule.extension is not None:
        words.append(f"+{rule.extension.by}")
    letters = (
        (rule.rolls, "r"),
        (rule.pausable, "p"),
        (rule.until_first_use, "u"),
        (rule.bound == "at_least", "k"),
    )
    if marks := "".join(letter for holds, letter in letters if holds):
        words.append(marks)
    return " ".join(words)


def test_a_rule_never_changes_within_an_edition() -> None:
    assert list(EDITIONS)[-1] == RULES_VERSION
    assert EDITIONS[RULES_VERSION] == digest()


def test_every_rule_is_that_of_the_table() -> None:
    assert {rule.id: told(rule) for rule in RULES.values()} == TABLE


def test_what_was_not_checked_is_part_of_the_source_and_listed_in_the_docs() -> None:
    text = DOCS.read_text()
    listed = text[text.index("### Citations that were not checked") :]
    for rule in RULES.values():
        assert all(one in rule.source for one in rule.unchecked)
        row = f"| `{rule.id}` | {rule.source} | {', '.join(rule.unchecked)} |"
        assert (row in listed) == bool(rule.unchecked), row
        assert (f"| `{rule.id}` |" in listed) == bool(rule.unchecked)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_holds_together(rule: Rule) -> None:
    assert rule.source
    assert bool(rule.request_types) or rule.start in (
        "data_obtained",
        "breach_known",
        "residents_told",
    )
    asked = bool(rule.request_types) and rule.bound == "at_most"
    assert bool(rule.met_by) == asked, "a clock of a request must be able to stop"
    assert rule.decided_by is None or rule.decided_by in rule.met_by
    if rule.extension is not None:
        assert rule.extension.told_within == rule.length
    assert rule.length.unit != "hours" or not (rule.rolls or rule.pausable or rule.extension)


@pytest.mark.parametrize(
    ("request_type", "jurisdiction", "expected"),
    [
        ("access", "gdpr", ["gdpr.answer", "gdpr.refusal_notice"]),
        ("opt_out", "gdpr", ["gdpr.answer", "gdpr.refusal_notice"]),
        ("objection", "uk_gdpr", ["uk_gdpr.answer", "uk_gdpr.refusal_notice"]),
        ("correction", "gdpr", ["gdpr.answer", "gdpr.refusal_notice", "recipients_told"]),
        (
            "erasure",
            "us_ca",
            [
                *("recipients_told", "ccpa.acknowledgement", "ccpa.answer", "ccpa.record_kept"),
                "child_deletion",
            ],
        ),
        ("opt_out", "us_ca", ["ccpa.opt_out", "ccpa.record_kept"]),
        ("restriction", "us_ca", ["recipients_told", "ccpa.limit", "ccpa.record_kept"]),
        (
            "shine_the_light",
            "us_ca",
            ["shine_the_light.designated", "shine_the_light.elsewhere"],
        ),
        ("accounting", "us_hipaa", ["hipaa.accounting"]),
        ("access", "us_hipaa", ["hipaa.access"]),
        ("correction", "us_hipaa", ["hipaa.amendment"]),
        ("access", "us_va", ["us_va.answer", "us_va.appeal"]),
        ("opt_out", "us_co", ["us_co.answer", "us_co.appeal"]),
        ("erasure", "us_ct", ["us_ct.answer", "us_ct.appeal", "child_deletion"]),
        ("account_cancellation", "us_tx", ["us_tx.answer", "us_tx.appeal", "child_deletion"]),
        ("portability", "us_or", ["us_or.answer", "us_or.appeal"]),
        ("erasure", "other", ["child_deletion"]),
        ("access", "other", []),
        ("accounting", "gdpr", []),
        ("shine_the_light", "us_va", []),
    ],
)
def test_a_request_runs_under_the_rules_of_its_type_and_place(
    request_type: RequestType, jurisdiction: Jurisdiction, expected: list[str]
) -> None:
    assert [rule.id for rule in rules_for(request_type, jurisdiction)] == expected


def test_every_place_with_a_statute_answers_every_right_it_gives() -> None:
    rights: tuple[RequestType, ...] = ("access", "portability", "correction")
    for jurisdiction in get_args(Jurisdiction):
        for request_type in rights:
            starts = {rule.start for rule in rules_for(request_type, jurisdiction)}
            assert ("received" in starts) == (jurisdiction != "other")


@pytest.mark.parametrize(
    ("jurisdiction", "country", "part", "expected"),
    [
        ("us_ca", "US", "CA", ("US", None)),
        ("us_hipaa", "DE", "BY", ("US", None)),
        ("gdpr", "DE", "BY", ("DE", "BY")),
        ("gdpr", "US", "CA", ("EU", None)),
        ("uk_gdpr", "GB", "SCT", ("GB", "SCT")),
        ("uk_gdpr", "DE", "BY", ("GB", None)),
        ("other", "JP", None, ("EU", None)),
    ],
)
def test_working_days_are_those_of_the_law_s_own_place(
    jurisdiction: Jurisdiction, country: str, part: str | None, expected: tuple[str, str | None]
) -> None:
    assert calendar_place(jurisdiction, country, part) == expected
