"""What is refused on the way to personal data is on record: at once, and counted where it is repeated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast
from uuid import UUID

import pytest

from application.booking.agenda import AgendaQuery
from application.recorded import Recorded
from domain.access import AccessDenied, AccessGranted, AccessWithheld, DenialReason
from domain.errors import DomainError, NotFound, NotPermitted, PurposeRequired, UnknownReference
from tests.usecases.front import GAG_ENDS, Front
from tests.usecases.salon import TENANT, Salon, at


def denied(front: Front) -> list[AccessDenied]:
    """The denials on record."""
    return [cast(AccessDenied, event.decision) for event in front.events(AccessDenied)]


def refused(front: Front, **changes: object) -> AccessDenied:
    """Look as the clerk with these changes, be refused; the last denial on record."""
    with pytest.raises(DomainError):
        front.look(replace(front.clerk, **changes))  # type: ignore[arg-type]
    return denied(front)[-1]


WHYS: list[tuple[dict[str, object], DenialReason]] = [
    ({"roles": frozenset({"auditor"})}, "role"),
    ({"roles": frozenset({"booking"})}, "role"),
    ({"locations": frozenset({UUID(int=1)})}, "location"),
    ({"purpose": None}, "purpose_missing"),
    ({"purpose": "curiosity about Ada"}, "purpose_unlisted"),
    ({"purpose": "support"}, "case_missing"),
    ({"purpose": "support", "case": "she owes me"}, "case_malformed"),
]


@pytest.mark.parametrize(("changes", "reason"), WHYS, ids=[reason for _, reason in WHYS])
def test_a_denial_says_who_why_whose_and_what(
    front: Front, changes: dict[str, object], reason: DenialReason
):
    found = refused(front, **changes)
    assert (found.reason, found.subject, found.count) == (reason, front.ada, 1)
    assert found.fields == ("name", "email", "phone", "address", "note", "metadata")
    assert front.events(AccessGranted) == []


def test_nothing_that_a_caller_made_up_gets_in(front: Front):
    first = refused(front, purpose="curiosity about Ada", case="Ada Example's own")
    assert (first.purpose, first.case) == (None, None)
    (event,) = front.events(AccessDenied)
    assert (event.purpose, event.case, event.actor) == (None, None, "key_1")
    second = refused(front, purpose="support", case="Ada Example's own")
    assert (second.purpose, second.case) == ("support", None)


def test_a_name_in_the_agenda_and_in_a_calendar_is_denied_alike(front: Front, here: UUID):
    salon = front.salon
    query = AgendaQuery(here, at(0), at(0, day=7))
    with pytest.raises(PurposeRequired):
        salon.agenda.days(query, replace(front.clerk, purpose="support"))
    with pytest.raises(NotPermitted):
        salon.agenda.days(query, front.as_role("auditor", purpose="service"))
    elsewhere = replace(front.clerk, locations=frozenset({salon.a_location()}))
    with pytest.raises(UnknownReference):
        salon.agenda.days(query, elsewhere)
    with pytest.raises(PurposeRequired):
        salon.reads.calendar(
            front.made.state.id, replace(front.clerk, purpose=None), include_customer=True
        )
    found = [(one.reason, one.subject, one.fields) for one in denied(front)]
    assert found == [
        ("case_missing", None, ("name",)),
        ("role", None, ("name",)),
        ("location", None, ("name",)),
        ("purpose_missing", front.ada, ("name", "address")),
    ]


def test_what_opens_nothing_is_no_denied_read(front: Front, here: UUID):
    salon, stranger = front.salon, front.as_role("auditor")
    for look in (
        lambda: salon.agenda.days(AgendaQuery(here, at(0), at(0, day=7)), stranger),
        lambda: salon.reads.booking(front.made.state.id, stranger),
        lambda: salon.reads.calendar(front.made.state.id, stranger),
    ):
        with pytest.raises(NotPermitted):
            look()
    with pytest.raises(NotFound):
        salon.reads.with_customer(UUID(int=9), front.clerk)
    assert denied(front) == []


def test_repeated_denials_of_a_minute_are_one_event_when_it_is_over(front: Front):
    clock = front.salon.world.clock
    for _ in range(7):
        refused(front, purpose=None)
        clock.advance(seconds=5)
    assert [one.count for one in denied(front)] == [1]
    assert front.salon.denials.sweep(TENANT) == 0, "the minute is not over"
    clock.advance(minutes=1)
    front.salon.denials.sweep(TENANT)
    assert [one.count for one in denied(front)] == [1, 6]
    assert denied(front)[1].last_at == at(8).replace(second=30)
    assert {event.actor for event in front.events(AccessDenied)} == {"key_1"}
    front.salon.denials.sweep(TENANT)
    assert len(denied(front)) == 2, "nothing is counted twice"


def test_each_minute_actor_subject_case_and_reason_begins_anew(front: Front):
    refused(front, purpose=None)
    refused(front, purpose=None, actor="key_2")
    refused(front, purpose="support")
    refused(front, roles=frozenset({"auditor"}), case="T-1")
    refused(front, roles=frozenset({"auditor"}), case="T-2")
    front.salon.world.clock.advance(minutes=1)
    refused(front, purpose=None)
    assert [one.count for one in denied(front)] == [1] * 6


def test_a_thousand_are_recorded_before_the_minute_is_over(front: Front):
    for _ in range(1_001):
        front.salon.denials.record(front.clerk, "role", ("name",), front.ada)
    assert [one.count for one in denied(front)] == [1, 999]
    front.salon.world.clock.advance(minutes=2)
    front.salon.denials.sweep(TENANT)
    assert [one.count for one in denied(front)] == [1, 999, 1]


def test_a_crash_between_counting_and_recording_loses_nothing_and_doubles_nothing(front: Front):
    """Killed after the count: the sweep records it. Killed after the record: the stream says that it is there."""
    salon, counts = front.salon, front.salon.world.denial_counts
    append = type(salon.world.store).append

    class Killed(Exception):
        pass

    def kill(*_: object) -> object:
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(salon.world.store), "append", kill)
        with pytest.raises(Killed):
            front.look(replace(front.clerk, purpose=None))
    assert type(salon.world.store).append is append
    assert denied(front) == []
    salon.world.clock.advance(minutes=2)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(counts), "settle", kill)
        with pytest.raises(Killed):
            salon.denials.sweep(TENANT)
    assert [one.count for one in denied(front)] == [1]
    salon.denials.sweep(TENANT)
    assert [one.count for one in denied(front)] == [1]


def test_denials_at_once_are_all_counted(front: Front):
    with ThreadPoolExecutor(8) as pool:
        jobs = [
            pool.submit(front.salon.denials.record, front.clerk, "role", (), None)
            for _ in range(200)
        ]
        for job in jobs:
            job.result()
    front.salon.world.clock.advance(minutes=2)
    front.salon.denials.sweep(TENANT)
    assert sum(one.count for one in denied(front)) == 200


def test_settled_counts_are_forgotten_after_an_hour(front: Front, salon: Salon):
    refused(front, purpose=None)
    salon.world.clock.advance(minutes=2)
    salon.denials.sweep(TENANT)
    assert len(salon.world.state.denials) == 1
    salon.world.clock.advance(hours=1)
    salon.denials.sweep(TENANT)
    assert salon.world.state.denials == {}


def test_under_a_gag_a_denial_names_a_tag(front: Front):
    front.salon.gags.cases["W-1"] = GAG_ENDS
    found = refused(front, roles=frozenset({"auditor"}), case="W-1")
    assert found.subject not in (None, front.ada)
    (held,) = cast(list[Recorded[AccessWithheld]], front.events(AccessWithheld))
    assert [(one.tag, one.stands_for) for one in held.decision.tags] == [(found.subject, front.ada)]
    assert front.seen_by("person") == []
    assert [row.reason for row in front.seen_by("officer")] == ["role"]
