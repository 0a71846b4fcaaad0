"""What binds a person's keys: pins, restrictions, what was taken and what is kept."""

from __future__ import annotations

from datetime import date
from functools import reduce
from uuid import UUID

import pytest

from domain.custody import (
    Bar,
    Custody,
    CustodyFreed,
    CustodyPinned,
    CustodyRestricted,
    CustodyTaken,
    CustodyUnlocked,
    Decision,
    Kept,
    evolve,
)
from domain.sealing import RETENTION_CLASSES, RetentionClass

ADA, FIRST, SECOND, ERASURE, REQUEST = (UUID(int=n) for n in range(1, 6))
BILLS = Kept(
    "billing", "gdpr_17_3_b_legal_obligation", "AO 147", ("legal_duty",), date(2035, 12, 31)
)


def after(*decisions: Decision) -> Custody:
    state = reduce(evolve, decisions, Custody())
    assert state.version == len(decisions)
    return state


def test_each_hold_pins_until_it_is_released():
    state = after(
        CustodyPinned(ADA, ADA, FIRST, ("billing", "booking")),
        CustodyPinned(ADA, None, SECOND, ("billing",)),
    )
    assert state.holds_on("billing") == (FIRST, SECOND)
    assert state.holds_on("booking") == (FIRST,)
    assert state.holds_on("profile") == ()
    assert evolve(state, CustodyFreed(ADA, ADA, FIRST)).holds_on("billing") == (SECOND,)


def test_what_was_taken_lives_no_more_and_what_is_kept_does():
    state = after(CustodyTaken(ADA, ERASURE, ("profile", "booking"), (BILLS,)))
    assert state.living() == tuple(
        one for one in RETENTION_CLASSES if one not in ("profile", "booking")
    )
    assert state.kept == {"billing": BILLS}
    later = evolve(state, CustodyTaken(ADA, SECOND, ("billing",), ()))
    assert later.kept == {}
    assert later.erasures == (ERASURE, SECOND)
    assert later.taken == {"profile": ERASURE, "booking": ERASURE, "billing": SECOND}


@pytest.mark.parametrize(
    ("decisions", "retention_class", "purpose", "bar"),
    [
        ((), "profile", "service", None),
        ((CustodyRestricted(ADA, REQUEST),), "profile", "service", "restricted"),
        ((CustodyRestricted(ADA, REQUEST),), "profile", "legal_duty", None),
        (
            (CustodyRestricted(ADA, REQUEST), CustodyUnlocked(ADA, REQUEST)),
            "profile",
            "service",
            None,
        ),
        ((CustodyTaken(ADA, ERASURE, ("profile",), ()),), "profile", "legal_duty", "erased"),
        ((CustodyTaken(ADA, ERASURE, ("profile",), (BILLS,)),), "billing", "legal_duty", None),
        (
            (CustodyTaken(ADA, ERASURE, ("profile",), (BILLS,)),),
            "billing",
            "billing",
            "kept_for_other_purposes",
        ),
    ],
)
def test_what_is_kept_or_restricted_is_used_for_its_basis_alone(
    decisions: tuple[Decision, ...], retention_class: RetentionClass, purpose: str, bar: Bar | None
):
    assert after(*decisions).bar(retention_class, purpose) == bar
