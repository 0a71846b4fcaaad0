"""What runs by itself goes on where a person was erased: what is due of them is recorded, and holds nobody else up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest

from application.disclosing.conditions import Sent
from application.recorded import Caller
from domain.access import AccessDenied
from domain.consent import ConsentExpired
from domain.errors import PurposeRequired
from domain.sealing import RETENTION_CLASSES
from infrastructure.twin.memory import MemoryWorld
from tests.usecases.custody import erase
from tests.usecases.disclosing import INBOX, Doors
from tests.usecases.front import Front
from tests.usecases.salon import TENANT, Salon, at, customer
from tests.usecases.test_consents import Office
from tests.usecases.test_openings import UNTIL, Court


def gone(world: MemoryWorld, subject: UUID) -> None:
    """Erase somebody, keys and all."""
    erase(world, subject)
    world.shredder.destroy(TENANT, subject, RETENTION_CLASSES, world.clock.now())


@pytest.fixture
def office(salon: Salon, cut: UUID, sam: UUID) -> Office:
    return Office(salon, salon.book(cut, at(10)).state.subject)


def test_what_an_erased_person_said_expires(office: Office):
    world = office.salon.world
    office.say(expires_at=world.clock.now() + timedelta(days=1))
    gone(world, office.ada)
    world.clock.advance(days=2)
    assert [office.expiry.sweep(TENANT) for _ in range(2)] == [1, 0]
    log = world.state.log[TENANT]
    assert sum(isinstance(event.decision, ConsentExpired) for event in log) == 1


def test_what_was_withheld_from_an_erased_person_is_opened_on_its_date():
    court = Court()
    done = court.disclosed(court.served(), court.ada, court.ben)
    gone(court.world, court.ada)
    assert [court.sweep(UNTIL), court.sweep()] == [2, 0]
    opened = court.opened()
    assert {one.subject for one in opened} == {court.ada, court.ben}
    assert {one.disclosure for one in opened} == {done.id}


def test_a_delivery_about_an_erased_person_ends_and_the_next_one_leaves(
    salon: Salon, cut: UUID, sam: UUID
):
    doors = Doors(salon)
    ada = salon.book(cut, at(10)).state.subject
    ben = salon.book(cut, at(12), customer("Ben", "ben@example.test")).state.subject
    crm = doors.recipient(delivery=INBOX).id
    doors.sender.answers = [Sent("unreachable"), Sent("unreachable")]
    hers, his = doors.hand_over(crm, ada), doors.hand_over(crm, ben)
    gone(salon.world, ada)
    doors.carries(seconds=5)
    assert salon.types(hers.id)[-1] == "disclosure.refused.v1"
    assert salon.types(his.id)[-1] == "disclosure.delivered.v1"
    assert doors.carries(hours=1) == 0, "nothing of hers is tried again"


def test_denials_about_an_erased_person_are_counted_and_recorded(
    salon: Salon, cut: UUID, sam: UUID
):
    clerk = Caller(TENANT, "key_1", frozenset({"owner"}), purpose="service")
    front = Front(salon, salon.book(cut, at(10)), clerk)
    gone(salon.world, front.ada)
    for _ in range(3):
        with pytest.raises(PurposeRequired):
            front.look(replace(clerk, purpose=None))
    salon.world.clock.advance(minutes=2)
    salon.denials.sweep(TENANT)
    denied = [cast(AccessDenied, event.decision) for event in front.events(AccessDenied)]
    assert [one.count for one in denied] == [1, 2]
