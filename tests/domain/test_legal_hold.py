"""Legal holds: placed, extended, looked at again, released by whom they belong to; and told on the gag's date."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from domain.custody import Custody
from domain.errors import InvalidState, Unacceptable
from domain.legal_hold import (
    PERSONS_MAX,
    HeldPerson,
    HoldTerms,
    LegalHold,
    LegalHoldExtended,
    LegalHoldPlaced,
    LegalHoldReleased,
    LegalHoldReleaseRefused,
    LegalHoldReviewed,
    LegalHoldUngagged,
    check_extension,
    check_terms,
    evolve,
    extend,
    held,
    place,
    release,
    review,
)

ID, ADA, BEN, ERASURE = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
TERMS = HoldTerms("M-2027/3", "Example County Court", ("billing", "booking"), date(2027, 9, 1))
UNTIL = NOW + timedelta(days=30)
ADA_HELD = HeldPerson(ADA, ("booking", "billing"), ())
BEN_HELD = HeldPerson(BEN, ("booking",), ("billing",))


def standing(*decisions: object, terms: HoldTerms = TERMS) -> LegalHold:
    (placed,) = place(ID, terms, "key_1", (ADA_HELD,))
    state = evolve(None, placed)
    for decision in decisions:
        state = evolve(state, decision)  # type: ignore[arg-type]
    return state


def faults(terms: HoldTerms, *persons: UUID) -> list[tuple[str, str]]:
    with pytest.raises(Unacceptable) as refused:
        check_terms(terms, persons or (ADA,), NOW)
    return [(one.pointer, one.code) for one in refused.value.errors]


def test_a_hold_pins_what_lives_and_says_what_is_gone():
    custody = {ADA: Custody(), BEN: Custody(taken={"billing": ERASURE, "audit": ERASURE})}
    assert held((ADA, BEN), ("billing", "booking"), custody) == (ADA_HELD, BEN_HELD)


def test_a_hold_is_placed_by_its_custodian():
    (placed,) = place(ID, TERMS, "key_1", (ADA_HELD, BEN_HELD))
    ordered = replace(TERMS, classes=("booking", "billing"))
    assert placed == LegalHoldPlaced(ID, ordered, "key_1", (ADA_HELD, BEN_HELD))
    assert evolve(None, placed) == LegalHold(ID, ordered, "key_1", 1, 2)


def test_every_fault_of_a_hold_is_told_at_once():
    check_terms(replace(TERMS, review_on=NOW.date()), (ADA,), NOW)
    flawed = HoldTerms("Ada Example", " ", (), date(2027, 2, 28), NOW)
    assert faults(flawed, ADA, ADA) == [
        ("/matter", "malformed"),
        ("/authority", "blank"),
        ("/subject_ids/1", "duplicate"),
        ("/retention_classes", "out_of_range"),
        ("/review_on", "past"),
        ("/gag_until", "past"),
    ]
    many = tuple(UUID(int=number) for number in range(PERSONS_MAX + 1))
    assert faults(replace(TERMS, gag_until=UNTIL), *many) == [("/subject_ids", "out_of_range")]


def test_it_is_extended_to_those_who_are_new():
    state = standing()
    assert check_extension(state, {ADA}, (ADA, BEN)) == (BEN,)
    assert extend(()) == ()
    assert extend((BEN_HELD,)) == (LegalHoldExtended((BEN_HELD,)),)
    assert standing(LegalHoldExtended((BEN_HELD,))).persons == 2


def test_it_is_on_so_many_persons_and_no_more():
    full = replace(standing(), persons=PERSONS_MAX)
    assert check_extension(full, {ADA}, (ADA,)) == ()
    with pytest.raises(Unacceptable):
        check_extension(full, {ADA}, (BEN,))


def test_it_is_looked_at_again():
    later = date(2028, 1, 1)
    assert review(standing(), later, NOW) == (LegalHoldReviewed(later),)
    with pytest.raises(Unacceptable):
        review(standing(), date(2027, 2, 28), NOW)
    state = standing(LegalHoldReviewed(later))
    assert not state.overdue_on(later)
    assert state.overdue_on(later + timedelta(days=1))
    assert not evolve(state, LegalHoldReleased("M")).overdue_on(date(2029, 1, 1))


def test_only_who_it_belongs_to_releases_it():
    assert release(standing(), own=True) == (LegalHoldReleased("M-2027/3"),)
    assert release(standing(), own=False) == (LegalHoldReleaseRefused("not_your_hold"),)
    assert standing(LegalHoldReleaseRefused("not_your_hold")).status == "placed"


def test_what_was_released_stays_released():
    state = standing(LegalHoldReleased("M-2027/3"))
    assert (state.status, state.version) == ("released", 2)
    for late in (
        lambda: release(state, own=True),
        lambda: release(state, own=False),
        lambda: review(state, date(2028, 1, 1), NOW),
        lambda: check_extension(state, (), (BEN,)),
    ):
        with pytest.raises(InvalidState):
            late()


def test_a_gag_hides_until_its_date_and_is_told_once():
    state = standing(terms=replace(TERMS, gag_until=UNTIL))
    assert state.gagged_at(UNTIL - timedelta(microseconds=1))
    assert not state.waits_to_open_at(UNTIL - timedelta(microseconds=1))
    assert not state.gagged_at(UNTIL)
    assert state.waits_to_open_at(UNTIL)
    assert not evolve(state, LegalHoldUngagged(1)).waits_to_open_at(UNTIL)
    assert not standing().gagged_at(NOW)
    assert not standing().waits_to_open_at(UNTIL)
