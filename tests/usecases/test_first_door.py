"""The first door as a table: every role, every purpose, every path that opens, and what each leaves on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast
from uuid import UUID

import pytest

from application.booking.agenda import AgendaQuery
from application.recorded import Caller
from domain.access import AccessDenied, AccessGranted
from domain.access_key import ROLES
from domain.errors import NotPermitted
from domain.purposes import NEEDS_CASE, PURPOSES
from tests.usecases.front import Front
from tests.usecases.salon import at

OPENS = ("owner", "manager", "staff")  # a privacy officer only by breaking the glass
WHOLE = ("name", "email", "phone", "address", "note", "metadata")
Look = Callable[[Front, UUID, Caller], object]
PATHS: dict[str, tuple[Look, tuple[str, ...]]] = {
    "booking": (
        lambda front, _, by: front.salon.reads.with_customer(front.made.state.id, by),
        WHOLE,
    ),
    "calendar": (
        lambda front, _, by: front.salon.reads.calendar(
            front.made.state.id, by, include_customer=True
        ),
        ("name", "address"),
    ),
    "agenda": (
        lambda front, here, by: front.salon.agenda.days(AgendaQuery(here, at(0), at(9, day=1)), by),
        ("name",),
    ),
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", PATHS)
def test_each_role_purpose_and_path_leaves_what_it_should(
    front: Front, here: UUID, path: str, role: str
):
    look, fields = PATHS[path]
    for purpose in sorted(PURPOSES):
        for case in (None, "T-1"):
            front.salon.world.clock.advance(minutes=1)  # so that no denial is a repeated one
            before = len(front.events(AccessGranted)), len(front.events(AccessDenied))
            by = replace(front.clerk, roles=frozenset({role}), purpose=purpose, case=case)
            may = role in OPENS and (case is not None or purpose not in NEEDS_CASE)
            if may:
                look(front, here, by)
            else:
                with pytest.raises(NotPermitted):
                    look(front, here, by)
            after = len(front.events(AccessGranted)), len(front.events(AccessDenied))
            assert after == (before[0] + may, before[1] + (not may))
            last = front.events(AccessGranted if may else AccessDenied)[-1]
            found = cast(AccessGranted | AccessDenied, last.decision)
            assert (found.fields, found.purpose, found.case) == (fields, purpose, case)
