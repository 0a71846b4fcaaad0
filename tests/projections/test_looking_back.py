"""A model looked back at a position equals one that was followed to it and no further. README D12."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import psycopg
import pytest

from application.booking.agenda import AgendaQuery
from domain.errors import FieldError, RangeTooLong, TooMany, Unacceptable, UnknownReference
from infrastructure.store.event_source import SequencedEvents
from infrastructure.wall import bound_to
from projections.consents import PostgresConsents
from projections.engine import looking_back
from projections.engine.digest import Digest, digest
from projections.engine.follower import Follower
from projections.engine.looking_back import LookingBack
from projections.engine.proving import PUBLIC, TEMPORARY
from projections.engine.read_model import ReadModel
from projections.models import LOOKING_BACK, MODELS
from projections.past import PostgresPast
from tests.projections.test_after_an_erasure import House, house
from tests.projections.test_consents import Desk
from tests.projections.test_proving import storied
from tests.store.trading import Trade

__all__ = ["house", "storied"]

STOPS = 8
CLEO = UUID(int=0xC1E0)


def looking(house: House) -> LookingBack:
    return LookingBack(house.engine.app, SequencedEvents(house.engine.mapper))


def looked_back(house: House, tenant: UUID, model: ReadModel, position: int) -> Digest:
    with bound_to(tenant), looking(house).at(tenant, model, position) as past:
        return digest(past.connection, model.tables, TEMPORARY, tenant)


def places(house: House, tenant: UUID) -> list[tuple[int, int, datetime]]:
    """Sequence, position and instant of every event of a tenant, in order."""
    with psycopg.connect(house.deployment.main) as owner:
        return owner.execute(
            "SELECT sequence, position, recorded_at FROM sequenced WHERE tenant_id = %s ORDER BY 1",
            (tenant,),
        ).fetchall()


@pytest.fixture
def two(storied: House) -> House:
    """A house with a second tenant, whose events lie between those of the first; somebody says yes and no."""
    other, tenant = Trade(storied.engine), storied.shop.tenant
    desk = Desk(storied.engine, storied.sequencer, storied.role, tenant)
    for hour, decision in enumerate(("given", "withdrawn", "given")):
        storied.shop.move(storied.shop.book(hour + 10, "cleo"), hour + 15)
        other.cancel(other.book(hour))
        with bound_to(tenant):
            desk.say(CLEO, decision=decision)
        storied.follow()
    return storied


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_looked_back_at_any_position_is_followed_to_that_position(
    two: House, model: ReadModel
) -> None:
    tenant, seed = two.shop.tenant, Random().randrange(2**32)
    known = places(two, tenant)
    chosen = [known[0], *sorted(Random(seed).sample(known[1:-1], STOPS)), known[-1]]
    two.forget()
    follower, reached, seen = Follower(model, SequencedEvents(two.engine.mapper)), 0, set()
    with two.role.connection() as connection, psycopg.connect(two.deployment.main) as owner:
        follower.begin(connection)
        for sequence, position, _ in chosen:
            while reached < sequence:
                reached += follower.step(connection, sequence - reached)
            assert reached == sequence
            followed = digest(owner, model.tables, PUBLIC, tenant)
            owner.rollback()
            assert looked_back(two, tenant, model, position) == followed, f"{seed=} {position=}"
            seen.add(str(followed))
    if model.name in LOOKING_BACK:
        assert len(seen) > 1, f"{seed=}: it changes on the way"


def test_consents_that_are_looked_back_at_are_those_that_were_known(two: House) -> None:
    tenant, now = two.shop.tenant, PostgresConsents(two.engine.app)
    past, counts = PostgresPast(two.engine.app, looking(two)), set()
    for _, position, recorded_at in places(two, tenant):
        with bound_to(tenant):
            known = past.known_position(tenant, recorded_at)
            assert known >= position
            with past.rows(tenant, "consents", known) as rows:
                then = PostgresConsents(rows).of(tenant, CLEO, None)
            assert then == now.of(tenant, CLEO, recorded_at)
        counts.add(len(then))
    assert counts == {0, 1, 2, 3}


def shown(house: House, known_at: datetime | None) -> list[tuple[datetime, str]]:
    shop = house.shop
    asked = AgendaQuery(shop.location, shop.at(0), shop.at(48), known_at=known_at)
    with bound_to(shop.tenant):
        page = house.platform.agenda.days(asked, shop.by)
    entries = [one for day in page.days for one in day.entries]
    return [
        (datetime.fromtimestamp(one.row.start, tz=shop.midnight.tzinfo), one.row.status)
        for one in entries
    ]


def test_the_agenda_is_what_was_known_at_an_instant(house: House) -> None:
    shop = house.shop
    house.follow()
    booked = shop.book(1, "ada")
    house.follow()
    first = places(house, shop.tenant)[-1][2]
    shop.move(booked, 5)
    house.follow()
    second = places(house, shop.tenant)[-1][2]
    shop.cancel(booked)
    house.follow()
    assert shown(house, None) == [(shop.at(5), "cancelled")]
    assert shown(house, second) == [(shop.at(5), "confirmed")]
    assert shown(house, first) == [(shop.at(1), "confirmed")]
    assert shown(house, first - timedelta(microseconds=1)) == []
    with bound_to(shop.tenant):
        asked = AgendaQuery(shop.location, shop.at(0), shop.at(48), known_at=first)
        assert (
            house.platform.agenda.days(asked, shop.by).position
            == len(places(house, shop.tenant)) - 3
        )


def refused(act: Callable[[], object]) -> FieldError:
    with pytest.raises(Unacceptable) as refusal:
        act()
    (error,) = refusal.value.errors
    return error


def test_what_cannot_be_looked_back_at_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.shop.book(1)
    house.follow()
    tenant = house.shop.tenant
    (_, _, first), *_, (_, last, _) = places(house, tenant)
    now = house.engine.clock.now()
    later = refused(lambda: shown(house, now + timedelta(hours=1)))
    assert (later.pointer, later.detail) == ("/known_at", "It lies in the future.")
    early = refused(lambda: shown(house, first - timedelta(microseconds=1)))
    assert (early.pointer, early.detail) == ("/known_at", "Nothing was recorded by then.")
    past = PostgresPast(house.engine.app, looking(house))
    assert {model.name for model in MODELS} > LOOKING_BACK
    with bound_to(tenant), ExitStack() as stack:
        silent = refused(lambda: stack.enter_context(past.rows(tenant, "courier", last)))
        assert silent.detail == "What courier was is not told."
        stack.enter_context(past.rows(tenant, "consents", last))
        with pytest.raises(UnknownReference):
            stack.enter_context(past.rows(tenant, "agenda", last + 1))
        monkeypatch.setattr(looking_back, "LOOK_BACK_EVENTS_MAX", last)
        with pytest.raises(RangeTooLong):
            stack.enter_context(past.rows(tenant, "agenda", last))


def test_few_look_back_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_back, "WAIT_SECONDS_MAX", 0.0)
    house.shop.book(1)
    house.follow()
    tenant, back, model = house.shop.tenant, looking(house), MODELS[0]
    with bound_to(tenant):
        with ExitStack() as stack:
            for _ in range(looking_back.AT_ONCE_MAX):
                stack.enter_context(back.at(tenant, model, 0))
            with pytest.raises(TooMany):
                stack.enter_context(back.at(tenant, model, 0))
        with back.at(tenant, model, 0) as past:
            assert past.rows("SELECT count(*) FROM agenda_v1") == [(0,)]


def test_a_neighbour_sees_nothing_of_another_by_looking_back(two: House) -> None:
    other = Trade(two.engine)
    two.follow()
    agenda = next(model for model in MODELS if model.name == "agenda")
    with bound_to(other.tenant), pytest.raises(UnknownReference):
        looking(two).at(two.shop.tenant, agenda, 3).__enter__()
    asked = AgendaQuery(two.shop.location, two.shop.at(0), two.shop.at(48), known_at=None)
    with bound_to(other.tenant), pytest.raises(UnknownReference):
        two.platform.agenda.days(replace(asked, known_at=two.engine.clock.now()), other.by)
