"""What people say to purposes: what stands, what is valid, and what is not accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consent import (
    ConsentExpired,
    ConsentGiven,
    ConsentRecord,
    ConsentRefused,
    ConsentRejected,
    ConsentWithdrawn,
    Evidence,
    NoticeShown,
    is_choice,
    record_of,
    standing_at,
    standing_now,
)
from domain.consent_rules import Said, decide, expire, said_flaws
from domain.errors import Unacceptable
from domain.values import Personal

NOW = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = UUID(int=7)
NOTICE = NoticeShown(UUID(int=1), "2027-01", "ab" * 32, "en", NOW - 30 * DAY)
MAILS = "marketing_first_party"
SAID = Said(UUID(int=9), ADA, MAILS, "given", "explicit_click", "web", NOTICE, named=True)


def after(*said: Said, now: datetime = NOW) -> list[ConsentRecord]:
    """The records once all of it was said, each by its own time."""
    records: list[ConsentRecord] = []
    for number, one in enumerate(said, 1):
        made = record_of(decide(records, replace(one, consent=UUID(int=number)), one.at or now))
        assert made is not None
        records.append(made)
    return records


def test_a_consent_is_given_with_its_text_method_and_evidence():
    said = replace(SAID, evidence={"form": Personal("newsletter")}, expires_at=NOW + DAY)
    decided = decide([], said, NOW)
    assert decided == ConsentGiven(
        UUID(int=9),
        ADA,
        MAILS,
        NOTICE,
        "explicit_click",
        "web",
        NOW,
        NOW + DAY,
        None,
        Evidence({"form": Personal("newsletter")}),
    )
    record = record_of(decided)
    assert record is not None
    standing = standing_at([record], MAILS, NOW)
    assert standing is not None
    assert (standing.decision, standing.valid, standing.since) == ("given", True, NOW)
    assert "newsletter" not in repr(decided)


def test_it_is_withdrawn_at_once_and_each_record_names_the_one_before():
    records = after(SAID, replace(SAID, decision="withdrawn", named=False, notice=None))
    assert [(one.decision, one.replaces) for one in records] == [
        ("given", None),
        ("withdrawn", UUID(int=1)),
    ]
    standing = standing_at(records, MAILS, NOW)
    assert standing is not None
    assert (standing.decision, standing.valid) == ("withdrawn", False)


def test_the_last_word_counts_whatever_clock_it_was_written_by():
    """Clocks of two processes differ by seconds; and one that was ahead is set back."""
    withdrawn = replace(SAID, consent=UUID(int=2), decision="withdrawn", named=False, notice=None)
    records = after(SAID)
    behind = NOW - timedelta(seconds=3)
    made = record_of(decide(records, withdrawn, behind))
    assert made is not None
    assert (made.decision, made.at, made.replaces) == ("withdrawn", NOW, UUID(int=1))
    records.append(made)
    for at in (behind, NOW, NOW + DAY):
        standing = standing_now(records, MAILS, at)
        assert standing is not None
        assert standing.decision == "withdrawn"
    assert isinstance(decide(records, replace(withdrawn, at=NOW + DAY), NOW), ConsentRejected)


HOUR = timedelta(hours=1)
NO = replace(SAID, consent=UUID(int=2), decision="withdrawn", named=False, notice=None)


@pytest.mark.parametrize("ahead", [HOUR, 30 * HOUR])
@pytest.mark.parametrize("said_at", [None, NOW - HOUR / 60, NOW])
def test_a_no_counts_after_a_yes_that_a_fast_clock_wrote(
    ahead: timedelta, said_at: datetime | None
):
    records = after(SAID, now=NOW + ahead)
    made = record_of(decide(records, replace(NO, at=said_at), NOW))
    assert made is not None and made.at == NOW + ahead
    standing = standing_now([*records, made], MAILS, NOW)
    assert standing is not None and standing.decision == "withdrawn"


def test_a_fast_clock_ends_no_consent_of_another_purpose():
    fast = replace(SAID, purpose="service", consent=UUID(int=3))
    records = [*after(replace(SAID, expires_at=NOW + HOUR)), *after(fast, now=NOW + 2 * HOUR)]
    standing = standing_now(records, MAILS, NOW)
    assert standing is not None and standing.valid
    over = standing_now(records, MAILS, NOW + HOUR)
    assert over is not None and over.decision == "expired"


def test_what_was_said_about_an_earlier_day_does_not_undo_what_was_said_since():
    on_paper = replace(SAID, method="paper", at=NOW - 9 * DAY, evidence={"scan": Personal("box 4")})
    records = after(replace(SAID, decision="withdrawn"))
    made = record_of(decide(records, replace(on_paper, consent=UUID(int=2)), NOW))
    assert made is not None
    both = [*records, made]
    assert made.replaces is None

    def decision(at: datetime) -> str | None:
        standing = standing_at(both, MAILS, at)
        return None if standing is None else standing.decision

    assert decision(NOW - 10 * DAY) is None
    assert decision(NOW - 9 * DAY) == "given"
    assert decision(NOW) == "withdrawn"


def test_purposes_do_not_touch_each_other():
    records = after(SAID, replace(SAID, purpose="measure", decision="refused"))
    given_, refused = (standing_at(records, name, NOW) for name in (MAILS, "measure"))
    assert given_ is not None
    assert refused is not None
    assert (given_.decision, refused.decision) == ("given", "refused")
    assert standing_at(records, "sale_share", NOW) is None


def test_a_consent_expires_by_itself_and_that_is_recorded_once():
    records = after(replace(SAID, expires_at=NOW + DAY))
    assert expire(records, MAILS, UUID(int=5), ADA, NOW) == ()
    before, then = (standing_at(records, MAILS, at) for at in (NOW, NOW + DAY))
    assert before is not None
    assert then is not None
    assert (before.valid, then.decision, then.valid, then.since) == (
        True,
        "expired",
        False,
        NOW + DAY,
    )
    (expired,) = expire(records, MAILS, UUID(int=5), ADA, NOW + 2 * DAY)
    assert expired == ConsentExpired(UUID(int=5), ADA, MAILS, NOW + DAY, UUID(int=1))
    known = record_of(expired)
    assert known is not None
    assert expire([*records, known], MAILS, UUID(int=6), ADA, NOW + 2 * DAY) == ()
    assert expire([], MAILS, UUID(int=6), ADA, NOW) == ()
    standing = standing_at([*records, known], MAILS, NOW + 2 * DAY)
    assert standing is not None
    assert standing.decision == "expired"


def test_continued_use_is_recorded_and_never_valid():
    records = after(replace(SAID, method="continued_use"))
    standing = standing_at(records, MAILS, NOW)
    assert standing is not None
    assert (standing.decision, standing.valid) == ("given", False)
    again = decide(records, replace(SAID, method="continued_use"), NOW)
    assert isinstance(again, ConsentGiven)


@pytest.mark.parametrize("decision", ["given", "refused", "withdrawn"])
def test_continued_use_does_not_speak_over_what_was_said(decision: Any):
    records = after(replace(SAID, decision=decision))
    rejected = decide(records, replace(SAID, method="continued_use"), NOW)
    assert isinstance(rejected, ConsentRejected)
    assert (rejected.reason, record_of(rejected)) == ("implied", None)


def test_continued_use_may_follow_what_has_expired():
    records = after(replace(SAID, expires_at=NOW + DAY))
    decided = decide(records, replace(SAID, method="continued_use"), NOW + 2 * DAY)
    assert isinstance(decided, ConsentGiven)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (replace(SAID, purpose="curiosity"), "unknown_purpose"),
        (replace(SAID, purpose="marketing_third_party"), "unknown_purpose"),
        (replace(SAID, notice=None), "unknown_policy_version"),
        (replace(SAID, at=NOW + timedelta(seconds=1)), "in_the_future"),
        (replace(SAID, at=NOW - DAY - timedelta(seconds=1)), "backdated"),
        (replace(SAID, at=NOW - 2 * DAY, method="paper"), "backdated"),
        (replace(SAID, at=NOW - 2 * DAY, evidence={"a": Personal("b")}), "backdated"),
        (
            replace(SAID, at=NOW - 31 * DAY, method="import", evidence={"a": Personal("b")}),
            "backdated",
        ),
        (
            replace(SAID, at=NOW, notice=replace(NOTICE, effective_from=NOW + DAY)),
            "backdated",
        ),
        (replace(SAID, decision="refused", method="continued_use"), "implied"),
        (replace(SAID, decision="withdrawn", method="continued_use"), "implied"),
    ],
)
def test_what_is_not_accepted_says_why(said: Said, reason: str):
    decided = decide([], said, NOW)
    assert isinstance(decided, ConsentRejected)
    assert decided.reason == reason
    listed = is_choice(said.purpose)
    assert decided.purpose == (said.purpose if listed else None), "free text is not kept"


@pytest.mark.parametrize("method", ["paper", "import"])
def test_what_was_given_elsewhere_may_be_older_with_its_evidence(method: Any):
    said = replace(SAID, at=NOW - 20 * DAY, method=method, evidence={"scan": Personal("4")})
    assert isinstance(decide([], said, NOW), ConsentGiven)


def test_a_day_is_not_too_old():
    assert isinstance(decide([], replace(SAID, at=NOW - DAY), NOW), ConsentGiven)


@pytest.mark.parametrize(
    ("decision", "kind"), [("refused", ConsentRefused), ("withdrawn", ConsentWithdrawn)]
)
def test_saying_no_needs_no_text(decision: Any, kind: type):
    said = replace(SAID, decision=decision, notice=None, named=False)
    assert isinstance(decide([], said, NOW), kind)


@pytest.mark.parametrize(
    ("said", "pointer", "code"),
    [
        (replace(SAID, named=False, notice=None), "/policy_version", "missing"),
        (replace(SAID, decision="refused", expires_at=NOW + DAY), "/expires_at", "not_given"),
        (replace(SAID, at=NOW, expires_at=NOW), "/expires_at", "out_of_range"),
        (replace(SAID, expires_at=NOW), "/expires_at", "out_of_range"),
        (replace(SAID, evidence={"a": Personal("\x00")}), "/evidence", "control_character"),
        (
            replace(SAID, evidence={str(key): Personal("x") for key in range(21)}),
            "/evidence",
            "too_many",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_before_any_rule(said: Said, pointer: str, code: str):
    with pytest.raises(Unacceptable) as refusal:
        decide([], said, NOW)
    assert [(fault.pointer, fault.code) for fault in refusal.value.errors] == [(pointer, code)]


def test_an_empty_value_of_evidence_is_a_value():
    assert said_flaws(replace(SAID, evidence={"a": Personal("")})) == ()


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("service", True),
        ("analytics:google_analytics", True),
        ("analytics:mixpanel", True),
        ("cookies:advertising", True),
        ("electronic_notice", True),
        ("cross_border_transfer", True),
        ("sale_share", True),
        ("analytics:", False),
        ("analytics:Ada Example", False),
        ("cookies", False),
        ("", False),
    ],
)
def test_choices_are_a_closed_list(text: str, known: bool):
    assert is_choice(text) is known


RECORDS = st.lists(
    st.builds(
        ConsentRecord,
        consent=st.uuids(),
        purpose=st.sampled_from(["service", "measure"]),
        decision=st.sampled_from(["given", "refused", "withdrawn"]),
        at=st.integers(0, 9).map(lambda hours: NOW + timedelta(hours=hours)),
        method=st.sampled_from(["explicit_click", "continued_use"]),
        expires_at=st.none() | st.integers(10, 20).map(lambda hours: NOW + timedelta(hours=hours)),
    ),
    max_size=8,
)


@given(records=RECORDS, hours=st.integers(-1, 21))
def test_a_valid_consent_is_the_last_word_given_expressly_and_not_expired(
    records: list[ConsentRecord], hours: int
):
    at = NOW + timedelta(hours=hours)
    standing = standing_at(records, "service", at)
    known = [one for one in records if one.purpose == "service" and one.at <= at]
    if not known:
        assert standing is None
        return
    latest = max(one.at for one in known)
    last = [one for one in known if one.at == latest][-1]
    assert standing is not None
    assert standing.record == last
    expired = last.expires_at is not None and last.expires_at <= at
    expressly = last.decision == "given" and last.method == "explicit_click"
    assert standing.valid is (expressly and not expired)
