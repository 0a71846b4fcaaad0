"""What is under a gag is recorded at once, betrays itself to nobody, and opens by itself on its date."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from application.ledger import withholding
from application.ledger.records import LedgerRecords
from application.recorded import Caller
from domain.access import AccessGranted, AccessOpened, AccessWithheld
from domain.ledger import EvidenceIssued
from tests.usecases.front import GAG_ENDS, Front
from tests.usecases.salon import TENANT, at


@pytest.fixture
def gagged(front: Front) -> Caller:
    """The clerk, for a case under a gag."""
    front.salon.gags.cases["W-1"] = GAG_ENDS
    return replace(front.clerk, purpose="legal_duty", case="W-1")


def test_a_tag_stands_for_the_person_and_one_append_says_for_whom(front: Front, gagged: Caller):
    front.look(gagged)
    (granted,), (held,) = front.events(AccessGranted), front.events(AccessWithheld)
    seen = cast(AccessGranted, granted.decision)
    withheld = cast(AccessWithheld, held.decision)
    (one,) = withheld.tags
    assert [shown.subject for shown in seen.subjects] == [one.tag]
    assert one.stands_for == front.ada != one.tag
    assert (withheld.until, withheld.event) == (GAG_ENDS, granted.event_id)
    assert held.stream == granted.stream


def test_each_access_has_tags_of_its_own(front: Front, gagged: Caller):
    front.look(gagged)
    front.look(gagged)
    tags = {
        one.tag
        for event in front.events(AccessWithheld)
        for one in cast(AccessWithheld, event.decision).tags
    }
    assert len(tags) == 2


def test_other_cases_and_gags_that_are_over_withhold_nothing(front: Front, gagged: Caller):
    front.look(replace(gagged, case="W-2"))
    front.salon.world.clock.set(GAG_ENDS)
    front.look(gagged)
    assert front.events(AccessWithheld) == []
    assert len(front.seen_by("person")) == 2


def test_the_person_sees_nothing_and_the_officer_that_it_is_withheld(front: Front, gagged: Caller):
    front.look()
    before = front.seen_by("person")
    front.look(gagged)
    front.look()
    assert front.seen_by("person", limit=1) == before
    assert len(front.seen_by("person")) == 2
    assert [row.withheld_until for row in front.seen_by("officer")].count(GAG_ENDS) == 1


def test_it_opens_by_itself_on_its_date_and_once(front: Front, gagged: Caller):
    front.look(gagged)
    assert front.openings.sweep(TENANT) == 0
    front.salon.world.clock.set(GAG_ENDS - timedelta(microseconds=1))
    assert front.openings.sweep(TENANT) == 0
    front.salon.world.clock.set(GAG_ENDS)
    assert front.openings.sweep(TENANT) == 1
    assert front.openings.sweep(TENANT) == 0
    (opened,) = front.events(AccessOpened)
    (granted,) = front.events(AccessGranted)
    found = cast(AccessOpened, opened.decision)
    assert (found.subject, found.event) == (front.ada, granted.event_id)
    assert found.tag == cast(AccessGranted, granted.decision).subjects[0].subject
    (row,) = front.seen_by("person")
    assert (row.at, row.purpose) == (at(8), "legal_duty")
    assert front.seen_by("person", as_of=GAG_ENDS - timedelta(seconds=1)) == []


def test_a_gag_that_was_prolonged_still_holds(front: Front, gagged: Caller):
    front.look(gagged)
    front.salon.gags.cases["W-1"] = GAG_ENDS + timedelta(days=30)
    front.salon.world.clock.set(GAG_ENDS)
    assert front.openings.sweep(TENANT) == 0
    front.salon.world.clock.advance(days=30)
    assert front.openings.sweep(TENANT) == 1


def test_a_gag_that_was_lifted_opens_at_once(front: Front, gagged: Caller):
    front.look(gagged)
    front.salon.world.clock.advance(days=1)
    front.salon.gags.cases["W-1"] = front.salon.world.clock.now()
    assert [front.openings.sweep(TENANT), len(front.seen_by("person"))] == [1, 1]


def test_a_gag_that_was_prolonged_keeps_no_other_waiting(
    front: Front, gagged: Caller, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(withholding, "OPENED_MAX", 1)
    front.look(gagged)
    front.salon.gags.cases["W-2"] = GAG_ENDS + timedelta(seconds=1)
    front.look(replace(gagged, case="W-2"))
    front.salon.gags.cases["W-1"] = GAG_ENDS + timedelta(days=30)
    front.salon.world.clock.set(GAG_ENDS + timedelta(seconds=1))
    assert front.openings.sweep(TENANT) == 1
    assert [row.case for row in front.seen_by("person")] == ["W-2"]


def test_evidence_that_is_taken_for_the_case_is_withheld_too(front: Front, gagged: Caller):
    """Its header would name the case, and the evidence itself the person."""
    world = front.salon.world
    records = LedgerRecords(world.store, world.clock, world.ids, front.salon.gags)
    records.record_copy(gagged, EvidenceIssued(front.ada, 7))
    (event,) = front.events(EvidenceIssued)
    assert cast(EvidenceIssued, event.decision).subject != front.ada
    assert front.seen_by("person") == []
    assert [row.kind for row in front.seen_by("officer")] == ["evidence_issued"]
    records.record_copy(replace(gagged, case="W-2"), EvidenceIssued(front.ada, 8))
    assert [row.case for row in front.seen_by("person")] == ["W-2"]


def test_a_sweep_that_reads_what_is_old_opens_nothing_twice(front: Front, gagged: Caller):
    """The read model may not know yet what was opened a moment ago."""
    front.look(gagged)
    front.salon.world.clock.set(GAG_ENDS)
    due = front.salon.world.accesses.due(TENANT, GAG_ENDS, 9)

    class Old:
        def cases(self, *_: object) -> object:
            return ["W-1"]

        def due(self, *_: object) -> object:
            return due

    old = replace(front.openings, withheld=Old())  # type: ignore[arg-type]
    assert [old.sweep(TENANT), old.sweep(TENANT)] == [1, 0]
    assert len(front.events(AccessOpened)) == 1
