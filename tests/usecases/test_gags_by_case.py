"""A gag that a disclosure is under by its case alone: no process is named, and the persons learn of nothing.

The case is the process's id, the number of its paper, or the matter of a legal hold.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from application.disclosing.disclose import Disclosed
from application.holding.legal_holds import LegalHolds, PlaceHold
from application.orders.legal_processes import StandingOrders
from domain.disclosure import DisclosureRefused, Ground
from domain.errors import DisclosureRefused as Refused
from domain.legal_hold import HoldTerms
from domain.values import public_id
from tests.usecases.disclosing import OFFICER
from tests.usecases.salon import TENANT
from tests.usecases.test_openings import SUBPOENA, UNTIL, Court, said

LATER = UNTIL + timedelta(days=30)
REPORTED = Ground(legal_trigger="report", citation="Example Act, s. 1")


@pytest.fixture
def court() -> Court:
    return Court()


def told(court: Court, case: str, *subjects: UUID, **more: object) -> Disclosed:
    """Data that the police are given for a case; no process is named."""
    given = {"purpose": "legal_duty", "case": case, "ground": REPORTED, **more}
    return court.doors.hand_over(court.police, *(subjects or (court.ada,)), **given)  # type: ignore[arg-type]


def held(court: Court, matter: str, until: datetime | None) -> UUID:
    """A legal hold on Ben, under a gag."""
    world = court.world
    terms = HoldTerms(matter, "Example Court", ("profile",), date(2027, 12, 1), until)
    holds = LegalHolds(world.store, world.book, None, world.clock, world.ids)  # type: ignore[arg-type]
    return holds.place(PlaceHold(terms, (court.ben,)), OFFICER).state.id


@pytest.mark.parametrize("how", ["id", "number", "NUMBER"])
def test_a_gag_known_by_the_case_withholds_and_opens_by_itself(court: Court, how: str):
    process = court.served()
    number = SUBPOENA.number.upper() if how == "NUMBER" else SUBPOENA.number
    before = court.about(court.ada)
    done = told(court, public_id("process", process) if how == "id" else number)
    assert done.state.recorded.withheld_until == UNTIL
    assert court.about(court.ada) == before
    assert court.sweep(UNTIL - timedelta(microseconds=1)) == 0
    assert court.sweep(UNTIL) == 1
    assert court.about(court.ada) == [*before, "DisclosureOpened"]


@pytest.mark.parametrize("by_id", [True, False])
def test_the_gag_of_a_legal_hold_withholds_what_is_disclosed_for_its_matter(
    court: Court, by_id: bool
):
    hold = held(court, "M-7", UNTIL)
    done = told(court, public_id("legal_hold", hold) if by_id else "m-7", court.ben)
    assert done.state.recorded.withheld_until == UNTIL
    assert [court.sweep(UNTIL - timedelta(seconds=1)), court.sweep(UNTIL)] == [0, 1]


def test_a_refusal_is_withheld_as_well(court: Court):
    court.served()
    before = court.about(court.ada)
    with pytest.raises(Refused):
        told(court, SUBPOENA.number, purpose="marketing")
    assert len(court.doors.recorded(DisclosureRefused)) == 1
    assert court.about(court.ada) == before


@pytest.mark.parametrize("how", ["id", "number"])
def test_what_is_known_by_its_case_follows_the_gag_in_the_same_instant(court: Court, how: str):
    process = court.served()
    done = told(court, public_id("process", process) if how == "id" else SUBPOENA.number)
    court.gag(process, "extended", LATER)
    assert said(court, done.id)[-1].until == LATER
    assert court.sweep(UNTIL) == 0
    court.gag(process, "lifted")
    assert court.sweep() == 1
    assert court.opened()[0].subject == court.ada


def test_the_later_of_two_gags_holds(court: Court):
    first, second = court.served(), court.served(replace(SUBPOENA, gag_until=LATER))
    done = court.doors.hand_over(
        court.police,
        court.ada,
        purpose="legal_duty",
        case=public_id("process", second),
        ground=Ground(legal_trigger="compelled", legal_process=first),
    )
    assert done.state.recorded.withheld_until == LATER
    court.gag(first, "lifted")
    assert [court.sweep(), court.sweep(UNTIL), court.sweep(LATER)] == [0, 0, 1]


def test_two_papers_of_one_number_are_both_waited_for(court: Court):
    first, _ = court.served(), court.served(replace(SUBPOENA, gag_until=LATER))
    told(court, SUBPOENA.number)
    court.gag(first, "lifted")
    assert [court.sweep(), court.sweep(UNTIL), court.sweep(LATER)] == [0, 0, 1]


def test_other_cases_and_gags_that_are_over_withhold_nothing(court: Court):
    court.served()
    assert told(court, "27-cv-2").state.recorded.withheld_until is None
    court.world.clock.set(UNTIL)
    assert told(court, SUBPOENA.number).state.recorded.withheld_until is None


def test_an_access_for_the_number_of_a_paper_is_under_its_gag(court: Court):
    held(court, "M-7", LATER)
    process = court.served()
    gags = StandingOrders(court.world.book)
    cases = (SUBPOENA.number, public_id("process", process), "M-7", "m-8")
    assert [gags.until(TENANT, case) for case in cases] == [UNTIL, UNTIL, LATER, None]
