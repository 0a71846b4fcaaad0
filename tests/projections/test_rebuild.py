"""A read model is made anew beside the one that is read, compared, and switched to; nobody notices. README D12."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest

from api.process.rebuilding import events, opened
from application.following import Sequenced, Shard
from domain.errors import Unavailable
from infrastructure.filler import filler
from infrastructure.server.processes import wait_until
from infrastructure.wall import bound_to
from projections.agenda import UPSERT, AgendaModel, PostgresAgenda
from projections.engine.filling import Filling
from projections.engine.follower import Follower
from projections.engine.layout import NotLaidOut
from projections.engine.read_model import Connection
from projections.engine.rebuild import Rebuild, Refused
from projections.models import MODELS
from tests.projections.test_after_an_erasure import House, house
from tests.projections.test_proving import proved, storied

__all__ = ["house", "storied"]

AGENDA = AgendaModel()


def agenda_rows(house: House) -> int:
    with bound_to(house.shop.tenant):
        return len(PostgresAgenda(house.engine.app).page(house.shop.tenant, 0, 2**40, 100, None))


@contextmanager
def rebuilding(house: House, shards: int = 2) -> Iterator[Rebuild]:
    with opened(house.deployment, AGENDA) as rebuild, rebuild.held():
        rebuild.begin(shards)
        yield rebuild


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_each_model_is_made_anew_in_parts_and_equals_what_was_read(storied: House, model) -> None:
    with opened(storied.deployment, model) as rebuild, rebuild.held():
        assert not rebuild.begin(3)
        compared = rebuild.compare()
        assert compared is not None
        assert compared.equal
        assert compared.built.rows == compared.read.rows
        switched = rebuild.switch()
        assert switched.sequence == compared.sequence
        assert rebuild.drop() == (f"the tables of {model.name} that were replaced",)
    storied.shop.book(9)
    storied.follow()
    assert proved(storied) == {one.name: True for one in MODELS}


def test_readers_and_the_follower_go_on_through_a_switch(storied: House) -> None:
    stop, failures, reads = threading.Event(), [], [0]

    def read() -> None:
        while not stop.is_set():
            try:
                if agenda_rows(storied) < 2:
                    failures.append("rows were missing")
            except Exception as error:
                failures.append(repr(error))
            reads[0] += 1

    readers = [threading.Thread(target=read) for _ in range(2)]
    follower = Follower(AGENDA, events())
    with storied.role.connection() as connection:
        follower.begin(connection)
        for reader in readers:
            reader.start()
        try:
            for hour in range(6, 12):  # statements are prepared after the fifth
                storied.shop.book(hour)
                while storied.sequencer.sequence_now():
                    pass
                while follower.step(connection):
                    pass
            for _ in range(2):
                with rebuilding(storied) as rebuild:
                    compared = rebuild.compare()
                    assert compared is not None
                    assert compared.equal
                    rebuild.switch()
                storied.shop.book(20 + _)
                while storied.sequencer.sequence_now():
                    pass
                while follower.step(connection):
                    pass
            enough = wait_until(lambda: reads[0] > 20, 60.0)
        finally:
            stop.set()
            for reader in readers:
                reader.join()
    assert not failures
    assert enough
    assert agenda_rows(storied) == 10
    storied.follow()
    assert all(proved(storied).values())


def test_rows_that_were_changed_by_hand_are_named_and_not_switched_to_unasked(storied: House):
    with psycopg.connect(storied.deployment.main) as owner:
        owner.execute("UPDATE agenda_v1 SET status = 'noshow'")
    with rebuilding(storied) as rebuild:
        compared = rebuild.compare()
        assert compared is not None
        assert not compared.equal
        assert {one.side for one in compared.differing} == {"read", "rebuilt"}
        assert {one.tenant for one in compared.differing} == {storied.shop.tenant}
        assert not proved(storied)["agenda"]
        rebuild.switch()
    assert proved(storied)["agenda"]


def test_what_was_begun_goes_on_where_it_was(storied: House) -> None:
    with rebuilding(storied) as rebuild, filler(storied.deployment) as connection:
        filling = Filling(AGENDA, events(), Shard(0, 2))
        filling.prepare(connection)
        assert filling.step(connection, until=3) == 3
    with rebuilding(storied, shards=5) as rebuild:
        assert rebuild.shards == 2, "in the parts that were begun"
        assert rebuild.progress().average == 1.5
        compared = rebuild.compare()
        assert compared is not None
        assert compared.equal
        assert rebuild.abandon()
        assert not rebuild.abandon()
        assert not rebuild.begin(1), "after that it begins anew"


def test_two_rebuilds_of_one_model_at_once_are_one_too_many(storied: House) -> None:
    with (
        rebuilding(storied),
        opened(storied.deployment, AGENDA) as other,
        pytest.raises(Refused, match="somebody else is making agenda anew"),
        other.held(),
    ):
        pass
    with rebuilding(storied):
        pass


def test_a_switch_waits_for_a_reader_only_so_long(
    storied: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.engine.rebuild.TRIES_MAX", 2)
    with rebuilding(storied) as rebuild, psycopg.connect(storied.deployment.main) as reader:
        reader.execute("SELECT FROM agenda_v1")
        with pytest.raises(Refused, match="read without a pause"):
            rebuild.switch()
        assert agenda_rows(storied) == 2, "others read on"
        reader.rollback()
        rebuild.switch()
    assert all(proved(storied).values())


def test_a_switch_that_dies_half_way_has_switched_nothing(
    storied: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rebuilding(storied) as rebuild:
        monkeypatch.setattr(
            "projections.engine.rebuild.POINT", "SELECT pg_terminate_backend(pg_backend_pid()), %s"
        )
        with pytest.raises(psycopg.OperationalError):
            rebuild.switch()
    monkeypatch.undo()
    assert all(proved(storied).values())
    with rebuilding(storied) as rebuild:
        rebuild.switch()
    assert all(proved(storied).values())


@dataclass(frozen=True, slots=True)
class AgendaInAnotherShape(AgendaModel):
    """The next version: with the hour of the day beside the start."""

    version: int = 2
    tables: tuple[LiteralString, ...] = ("agenda_v2",)

    def apply(self, connection: Connection, batch: Sequence[Sequenced]) -> None:
        AgendaModel.apply(self, Renaming(connection), batch)  # type: ignore[arg-type]


@dataclass
class Renaming:
    connection: Connection

    def execute(self, statement: str, *rest: object, **options: object) -> object:
        assert "agenda_v1" in statement or statement == UPSERT
        renamed = statement.replace("agenda_v1", "agenda_v2")
        return self.connection.execute(renamed.encode(), *rest, **options)  # type: ignore[call-overload]


MIGRATION = """
CREATE SCHEMA building_agenda;
CREATE TABLE building_agenda.agenda_v2 (LIKE agenda_v1 INCLUDING ALL);
ALTER TABLE building_agenda.agenda_v2
    ADD COLUMN hour int GENERATED ALWAYS AS ((starts_at / 3600) % 24) STORED,
    ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY every_tenant ON building_agenda.agenda_v2 TO {follower} USING (true) WITH CHECK (true);
CREATE POLICY tenant_wall ON building_agenda.agenda_v2 TO {app} USING (tenant_id = (SELECT wall()));
GRANT SELECT, INSERT, UPDATE ON building_agenda.agenda_v2 TO {follower};
GRANT SELECT ON building_agenda.agenda_v2 TO {app};
"""


def test_another_version_is_filled_beside_the_one_that_is_read(storied: House) -> None:
    model = AgendaInAnotherShape()
    tenant = storied.shop.tenant
    new = Follower(model, events())
    with storied.role.connection() as connection:
        new.begin(connection)
        assert new.step(connection) == 0, "the first version is read: nobody reads half of this one"
    with opened(storied.deployment, model) as rebuild, rebuild.held():
        with pytest.raises(NotLaidOut, match="agenda v2: no migration has made"):
            rebuild.begin(2)
        base = rebuild.owner.info.dbname
        rebuild.owner.execute(
            MIGRATION.format(follower=f"{base}_follower", app=f"{base}_app").encode()
        )
        rebuild.begin(2)
        assert rebuild.abandon()
        assert not rebuild.begin(2), "what a migration has made is there to be begun anew"
        assert rebuild.compare() is None, "they are not of one shape"
        with bound_to(tenant), pytest.raises(Unavailable):
            storied.engine.app.rows("SELECT FROM agenda_v2")
        rebuild.switch()
        with bound_to(tenant):
            assert storied.engine.app.row("SELECT count(hour) FROM agenda_v2") == (2,)
            assert storied.engine.positions.current(tenant, "agenda") >= 0
        storied.shop.book(12)
        storied.follow()
        assert agenda_rows(storied) == 3, (
            "the first version is followed and read until it is dropped"
        )
        with storied.role.connection() as connection:
            while new.step(connection):
                pass
        with bound_to(tenant):
            assert storied.engine.app.row("SELECT count(hour) FROM agenda_v2") == (3,)
        assert rebuild.drop() == ("agenda v1",)
        assert not rebuild.drop()
    with bound_to(tenant), pytest.raises(Unavailable):
        storied.engine.app.rows("SELECT FROM agenda_v1")


def test_a_stopped_model_is_made_anew_beyond_where_it_stopped(storied: House) -> None:
    storied.shop.book(12)
    while storied.sequencer.sequence_now():
        pass
    with psycopg.connect(storied.deployment.main) as owner:
        owner.execute("UPDATE read_model SET state = 'stopped' WHERE name = 'agenda'")
    with rebuilding(storied) as rebuild:
        assert rebuild.compare() is None
        rebuild.switch()
    assert agenda_rows(storied) == 3
    assert all(proved(storied).values())


def test_parts_are_of_all_tenants_and_each_of_one_part(storied: House) -> None:
    with filler(storied.deployment) as connection:
        found: list[UUID] = []
        for shard in range(4):
            batch = events().after(connection, 0, 1_000, AGENDA.consumes, Shard(shard, 4))
            found += [one.event.event_id for one in batch.events]
        whole = events().after(connection, 0, 1_000, AGENDA.consumes)
    assert sorted(found) == sorted(one.event.event_id for one in whole.events)
    assert len(found) == len(set(found)) > 2
