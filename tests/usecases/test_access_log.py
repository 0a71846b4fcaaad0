"""The log of accesses: who looked, when, why, at which fields, in three views."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from application.access.access_log import AccessRow, LogQuery, SubjectQuery
from application.booking.agenda import AgendaQuery
from application.ledger.evidence import EvidenceBundle, EvidenceReads
from application.ledger.records import LedgerRecords
from domain.errors import (
    Behind,
    DomainError,
    NotFound,
    NotPermitted,
    Unacceptable,
    UnknownReference,
)
from domain.ledger import EvidenceIssued, LedgerExported
from tests.usecases.front import Front
from tests.usecases.salon import at, customer

ALL = LogQuery()


def test_an_access_is_a_row_of_everyone_it_was_about(front: Front, cut: UUID, here: UUID):
    ben = front.salon.book(cut, at(12), customer("Ben", "ben@example.test")).state.subject
    front.salon.agenda.days(AgendaQuery(here, at(0), at(0, day=7)), front.clerk)
    (of_ada,) = front.seen_by("auditor")
    (of_ben,) = front.seen_by("auditor", subject=ben)
    assert of_ada == of_ben
    assert (of_ada.kind, of_ada.purpose, of_ada.fields, of_ada.count) == (
        "granted",
        "service",
        ("name",),
        2,
    )
    assert len(front.log.all(ALL, front.officer).rows) == 1


def test_copies_of_the_ledger_are_in_it(front: Front):
    world = front.salon.world
    records = LedgerRecords(world.store, world.clock, world.ids)
    records.record_copy(front.officer, EvidenceIssued(front.ada, 7))
    records.record_copy(front.officer, LedgerExported(2, 9))
    assert [row.kind for row in front.seen_by("person")] == ["evidence_issued"]
    rows = front.log.all(ALL, front.officer).rows
    assert {(row.kind, row.count) for row in rows} == {("evidence_issued", 1), ("exported", 7)}


@dataclass
class Issuing:
    """Evidence as if there were a ledger to make it from; it looks at the record while it is made."""

    front: Front

    def bundle(self, tenant: UUID, subject: UUID) -> EvidenceBundle:
        return EvidenceBundle(7, 1 if subject == self.front.ada else 0, b"zip")


class Unwitnessed:
    """A deployment that names no witnesses."""

    def require_witnessed(self, tenant: UUID) -> None:
        """Nothing to require."""


def test_evidence_is_recorded_once_with_its_upper_position(front: Front):
    world = front.salon.world
    records = LedgerRecords(world.store, world.clock, world.ids)
    reads = EvidenceReads(Issuing(front), records, Unwitnessed())  # type: ignore[arg-type]
    reads.about(front.ada, front.officer)
    (event,) = front.events(EvidenceIssued)
    assert event.decision == EvidenceIssued(front.ada, covers=7)
    reads.about(UUID(int=3), front.officer, absent=True)
    assert len(front.events(EvidenceIssued)) == 1, "a record would be the first thing about them"


def test_who_waits_for_a_place_in_the_ledger_is_not_said_to_be_unknown(front: Front):
    class Early:
        """Nothing has its place yet."""

        def bundle(self, tenant: UUID, subject: UUID) -> EvidenceBundle:
            return EvidenceBundle(covers=0, count=0, data=b"")

    world = front.salon.world
    records = LedgerRecords(world.store, world.clock, world.ids)
    reads = EvidenceReads(Early(), records, Unwitnessed())  # type: ignore[arg-type]
    for absent in (False, True):
        with pytest.raises(Behind):
            reads.about(front.ada, front.officer, absent=absent)
    with pytest.raises(NotFound):
        reads.about(UUID(int=3), front.officer)
    assert front.events(EvidenceIssued) == []


def test_it_comes_in_parts_and_as_of_a_time(front: Front):
    for _ in range(5):
        front.look()
        front.salon.world.clock.advance(minutes=1)
    whole = front.seen_by("person")
    assert [row.at for row in whole] == [at(8, minute) for minute in range(5)]
    query = SubjectQuery(front.ada, limit=2)
    parts: list[AccessRow] = []
    while True:
        page = front.log.about(query, front.officer)
        parts += page.rows
        if page.next is None:
            break
        query = replace(query, after=page.next)
    assert parts == whole
    assert front.seen_by("officer", as_of=at(8, 2)) == whole[:3]


def test_the_whole_log_is_chosen_from(front: Front):
    front.look()
    with pytest.raises(DomainError):
        front.look(replace(front.clerk, purpose=None, actor="key_2"))
    front.salon.world.clock.advance(hours=1)
    front.look(replace(front.clerk, purpose="billing"))

    def kinds(query: LogQuery) -> list[str]:
        return [row.kind for row in front.log.all(query, front.officer).rows]

    assert kinds(LogQuery(actor="key_2")) == ["denied"]
    assert kinds(LogQuery(purpose="billing")) == ["granted"]
    assert kinds(LogQuery(from_=at(9))) == ["granted"]
    assert sorted(kinds(LogQuery(to=at(9)))) == ["denied", "granted"]
    assert kinds(LogQuery(actor="key_1", purpose="service", to=at(9))) == ["granted"]
    with pytest.raises(Unacceptable):
        kinds(LogQuery(from_=at(9), to=at(9)))


def test_who_may_read_it(front: Front):
    for role in ("staff", "manager", "booking", "engineer", "corporate", "subject"):
        with pytest.raises(NotPermitted):
            front.log.about(SubjectQuery(front.ada), front.as_role(role))
        with pytest.raises(NotPermitted):
            front.log.all(ALL, front.as_role(role))
    views = {
        role: front.log.about(SubjectQuery(front.ada), front.as_role(role)).view
        for role in ("auditor", "privacy_officer", "owner")
    }
    assert views == {"auditor": "auditor", "privacy_officer": "officer", "owner": "officer"}


def test_of_nobody_there_is_no_log(front: Front):
    with pytest.raises(NotFound):
        front.log.about(SubjectQuery(UUID(int=3)), front.officer)
    with pytest.raises(UnknownReference):
        front.log.about(SubjectQuery(front.ada, at_least=UUID(int=3)), front.officer)
    assert front.log.about(SubjectQuery(front.ada), front.officer).rows == ()
