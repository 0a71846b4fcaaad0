"""Looking back from a retained state is looking back from the first event; one that was changed shows. README D12."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from api.process.loops import Stop
from api.process.proving import as_lines, prove_all, run_prove
from api.process.retaining import retain, retain_in_turns
from application.erasing.ordering import NothingKept, Wish
from domain.errors import RangeTooLong
from infrastructure.database import Database
from infrastructure.server.processes import wait_until
from infrastructure.store.event_source import SequencedEvents
from infrastructure.twin.memory_disclosing import MemoryMirrored
from infrastructure.wall import bound_to
from projections.engine import looking_back, retained, retaining
from projections.engine.digest import digest
from projections.engine.proving import PUBLIC, TEMPORARY
from projections.engine.quarantine import Wanted, leave_out
from projections.engine.read_model import ReadModel
from projections.engine.retaining import NEWEST, STATES_MAX, Retaining, leads, superfluous
from projections.models import LOOKING_BACK, MODELS
from tests.projections.test_after_an_erasure import House, house
from tests.projections.test_looking_back import looked_back, looking, places, two
from tests.projections.test_proving import storied
from tests.projections.test_proving_red import changes
from tests.store.damage import done_by_hand

__all__ = ["house", "storied", "two"]

RETAINED = [model for model in MODELS if model.name in LOOKING_BACK]
ORDER = "SELECT name, position FROM retained_state WHERE tenant_id = %s ORDER BY 1, 2"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state for every few events, and no pause."""
    monkeypatch.setattr(retaining, "EVERY_EVENTS", 3)
    monkeypatch.setattr("api.process.retaining.PAUSE_SECONDS", 0.0)


def retain_all(house: House) -> None:
    source, stop = SequencedEvents(house.engine.mapper), Stop()
    with house.role.fresh() as connection:
        assert leads(connection)
        for model in RETAINED:
            retain(stop, connection, Retaining(model, source))


def kept(house: House, name: str, tenant: UUID | None = None) -> list[int]:
    with psycopg.connect(house.deployment.main) as owner:
        rows = owner.execute(ORDER.encode(), (tenant or house.shop.tenant,)).fetchall()
    return [position for model, position in rows if model == name]


def from_the_first(house: House, model: ReadModel, position: int) -> str:
    tenant = house.shop.tenant
    with (
        bound_to(tenant),
        looking(house).at(tenant, model, position, from_the_first=True) as past,
    ):
        return str(digest(past.connection, model.tables, TEMPORARY, tenant))


@contextmanager
def events_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many events each batch of a replay looked at."""
    looked: list[int] = []
    real = SequencedEvents.of_tenant

    def counted(self, *arguments):
        batch = real(self, *arguments)
        looked.append(batch.looked)
        return batch

    with monkeypatch.context() as patch:
        patch.setattr(SequencedEvents, "of_tenant", counted)
        yield looked


def test_looked_back_from_any_state_is_looked_back_from_the_first_event(
    two: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = Random().randrange(2**32)
    drawn = Random(seed)
    tenant, last = two.shop.tenant, places(two, two.shop.tenant)[-1][1]
    truth = {
        (model.name, position): from_the_first(two, model, position)
        for model in RETAINED
        for position in range(last + 1)
    }
    for _ in range(3):
        every = drawn.randrange(1, last)
        monkeypatch.setattr(retaining, "EVERY_EVENTS", every)
        with psycopg.connect(two.deployment.main) as owner:
            owner.execute("DELETE FROM retained_state")
        retain_all(two)
        for model in RETAINED:
            states = kept(two, model.name)
            assert states
            assert len(states) <= STATES_MAX
            assert last - every < states[-1] <= last
            for position in drawn.sample(range(last + 1), 6):
                with events_read(monkeypatch) as looked:
                    found = looked_back(two, tenant, model, position)
                said = f"{seed=} {every=} {model.name} {position=}"
                assert str(found) == truth[model.name, position], said
                before = max((one for one in states if one <= position), default=-1)
                assert sum(looked) == position - before, said
    assert all(one.holds for one in prove_all(two.deployment, RETAINED, lambda _name, _count: None))


def test_the_bound_counts_from_the_nearest_state(
    two: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking_back, "LOOK_BACK_EVENTS_MAX", 3)
    tenant, agenda = two.shop.tenant, RETAINED[0]
    last = places(two, tenant)[-1][1]
    assert last > 3
    with pytest.raises(RangeTooLong):
        looked_back(two, tenant, agenda, last)
    retain_all(two)
    looked_back(two, tenant, agenda, last)
    with pytest.raises(RangeTooLong):
        from_the_first(two, agenda, last)


def test_few_states_are_kept_and_no_gap_is_wide() -> None:
    positions: list[int] = []
    for count in range(1, 101):
        positions.append(10_000 * count - 1)
        if len(positions) > STATES_MAX:
            positions.remove(superfluous(positions))
        gaps = [to - from_ for from_, to in zip([-1, *positions], positions, strict=False)]
        assert len(positions) == min(count, STATES_MAX)
        assert set(gaps[1 - NEWEST :]) == {10_000}
        # Within a million events, none lies farther from a state than may be replayed for an answer.
        assert max(gaps) <= looking_back.LOOK_BACK_EVENTS_MAX, count


def test_states_are_thinned_out_and_none_is_ahead_of_the_model(
    two: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retaining, "STATES_MAX", 5)
    monkeypatch.setattr(retaining, "EVERY_EVENTS", 1)
    tenant, known = two.shop.tenant, places(two, two.shop.tenant)
    sequence, position, _ = known[len(known) // 2]
    with psycopg.connect(two.deployment.main) as owner:
        owner.execute("UPDATE read_model SET sequence = %s WHERE name = 'agenda'", (sequence,))
    retain_all(two)
    assert len(kept(two, "agenda")) == len(kept(two, "consents")) == 5
    assert kept(two, "agenda")[-NEWEST:] == list(range(position - 3, position + 1))
    assert kept(two, "consents")[-1] == known[-1][1]
    others = {one for one in places(two, tenant) if one[1] > position}
    assert others, "there was more to retain"


def test_a_large_state_is_the_last_one(two: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retaining, "PACKED_BYTES_MAX", 1)
    retain_all(two)
    assert kept(two, "agenda") == [2]


def test_what_other_code_made_is_never_used_and_is_deleted(
    two: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, agenda = two.shop.tenant, RETAINED[0]
    retain_all(two)
    states = kept(two, "agenda")
    truth = from_the_first(two, agenda, states[-1])
    for statement in (
        "UPDATE retained_state SET fingerprint = 'x'",
        "UPDATE retained_state SET version = 7",
        "UPDATE read_model SET generation = generation + 1000",
    ):
        with psycopg.connect(two.deployment.main) as owner:
            owner.execute(statement.encode())
        with events_read(monkeypatch) as looked:
            assert str(looked_back(two, tenant, agenda, states[-1])) == truth
        assert sum(looked) == states[-1] + 1, "from the first event"
        (done,) = prove_all(two.deployment, [agenda], lambda _name, _count: None)
        assert (done.states.count, done.holds) == (0, True), "what is not used is not looked at"
        retain_all(two)
        assert kept(two, "agenda") == states, "others in their place"


def test_other_columns_are_other_code(house: House) -> None:
    with psycopg.connect(house.deployment.main) as owner:
        before = retained.made_by(owner, RETAINED[0])
        owner.execute("ALTER TABLE agenda_v1 ADD COLUMN room text")
        assert retained.made_by(owner, RETAINED[0]) != before


def test_a_stream_that_is_left_out_is_left_out_of_states_from_then_on(two: House) -> None:
    shop, agenda = two.shop, RETAINED[0]
    booking = shop.book(20, "dora")
    two.follow()
    retain_all(two)
    before = kept(two, "agenda")
    wanted = Wanted(shop.tenant, booking.id, "an engineer", "a test", two.engine.clock.now())
    with two.role.connection() as connection:
        assert leave_out(connection, agenda, wanted)
    shop.move(booking, 22)
    shop.book(21)
    shop.book(23)
    two.follow()
    retain_all(two)
    assert len(kept(two, "agenda")) > len(before)
    (done,) = prove_all(two.deployment, [agenda], lambda _name, _count: None)
    assert done.proof is not None
    assert (done.proof.left_out, done.proof.holds, done.states.faults) == (1, True, ())
    with psycopg.connect(two.deployment.main) as owner:
        followed = digest(owner, agenda.tables, PUBLIC, shop.tenant)
    last = places(two, shop.tenant)[-1][1]
    assert looked_back(two, shop.tenant, agenda, last) == followed


def broken(how: str, packed: bytes) -> bytes:
    match how:
        case "cut off":
            return packed[:-1]
        case "longer":
            return packed + b"\0"
        case "one bit":
            return packed[:20] + bytes([packed[20] ^ 1]) + packed[21:]
        case _:
            return zlib.compress(b"rows")


@pytest.mark.parametrize("how", ["cut off", "longer", "one bit", "no rows"])
def test_a_state_that_cannot_be_read_is_passed_over_found_and_made_anew(
    two: House, how: str
) -> None:
    tenant, agenda = two.shop.tenant, RETAINED[0]
    retain_all(two)
    states = kept(two, "agenda")
    truth = from_the_first(two, agenda, states[-1])
    with psycopg.connect(two.deployment.main) as owner:
        key = (tenant, states[-1])
        where = "WHERE tenant_id = %s AND name = 'agenda' AND position = %s"
        row = owner.execute(f"SELECT packed[1] FROM retained_state {where}".encode(), key)
        (packed,) = row.fetchone() or (b"",)
        change = f"UPDATE retained_state SET packed[1] = %s {where}"
        owner.execute(change.encode(), (broken(how, packed), *key))
    assert str(looked_back(two, tenant, agenda, states[-1])) == truth
    (done,) = prove_all(two.deployment, [agenda], lambda _name, _count: None)
    assert [(one.position, one.reason) for one in done.states.faults] == [
        (states[-1], "it cannot be read")
    ]
    two.shop.book(20)
    two.shop.book(21)
    two.shop.book(22)
    two.follow()
    retain_all(two)
    assert kept(two, "agenda")[: len(states)] == states
    assert all(one.holds for one in prove_all(two.deployment, [agenda], lambda _name, _count: None))


def repack(house: House, model: ReadModel, table: str, statement: str) -> bytes:
    """What the last state of the model would be, had somebody changed a row of it so."""
    with psycopg.connect(house.deployment.main) as owner:
        looking_back.begin(owner, model)
        row = owner.execute(
            "SELECT packed FROM retained_state WHERE tenant_id = %s AND name = %s AND position = %s",
            (house.shop.tenant, model.name, kept(house, model.name)[-1]),
        ).fetchone()
        assert row is not None
        retained.put_back(owner, model.tables, row[0])
        assert owner.execute(statement.encode()).rowcount == 1
        packed = retained.pack(owner, model.tables)[model.tables.index(table)]
        owner.rollback()
    return packed


TABLES = [(model, table) for model in RETAINED for table in model.tables]


@pytest.mark.parametrize(("model", "table"), TABLES, ids=lambda one: getattr(one, "name", one))
def test_one_row_of_a_retained_state_shows(
    two: House, model: ReadModel, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    retain_all(two)
    tenant, last = two.shop.tenant, kept(two, model.name)[-1]
    with psycopg.connect(two.deployment.main) as owner:
        found = list(changes(owner, table))
        owner.rollback()
    assert len(found) == 3
    for what, change in found:
        statement = (
            "UPDATE retained_state SET packed[%(at)s] = %(packed)s"
            " WHERE tenant_id = %(tenant)s AND name = %(name)s AND position = %(position)s"
        )
        values: dict[str, Any] = {
            "at": model.tables.index(table) + 1,
            "packed": repack(two, model, table, change),
            "name": model.name,
            "position": last,
        }
        with done_by_hand(
            two.deployment, ("retained_state",), (statement,), tenant=tenant, **values
        ):
            done = prove_all(two.deployment, RETAINED, lambda _name, _count: None)
            assert run_prove(two.deployment, [model.name], as_json=True) == 1
        faults = [(one.model.name, fault) for one in done for fault in one.states.faults]
        assert [(name, it.tenant, it.position, it.reason) for name, it in faults] == [
            (model.name, tenant, last, "it differs from a replay")
        ], what
        assert f'"position": {last}' in capsys.readouterr().out
        assert any(f"at position {last}: it differs" in line for line in as_lines(done))
    assert all(one.holds for one in prove_all(two.deployment, RETAINED, lambda _name, _count: None))


def test_a_state_beyond_the_log_is_found(two: House) -> None:
    retain_all(two)
    moved = (
        "UPDATE retained_state SET position = 1000"
        " WHERE tenant_id = %(tenant)s AND name = 'agenda' AND position = 2"
    )
    with done_by_hand(two.deployment, ("retained_state",), (moved,), tenant=two.shop.tenant):
        (done,) = prove_all(two.deployment, RETAINED[:1], lambda _name, _count: None)
    assert [(one.position, one.reason) for one in done.states.faults] == [
        (1000, "the log has no such position")
    ]


def test_the_worker_retains_until_it_is_told_to_stop(two: House) -> None:
    stop, last = Stop(), places(two, two.shop.tenant)[-1][1]
    role = Database(two.deployment.dsn_of("follower"), size=1, walled=False)
    worker = Thread(target=retain_in_turns, args=(stop, role, two.engine.mapper))
    worker.start()
    try:
        assert wait_until(lambda: kept(two, "consents")[-1:] > [last - 3], 60)
    finally:
        stop.ask()
        worker.join(60)
        role.close()
    assert not worker.is_alive()
    assert kept(two, "agenda") == kept(two, "consents")


DYING = """
import sys
from api.process.loops import Stop
from api.process.retaining import retain
from infrastructure.database import Database
from infrastructure.store.event_mapper import EventMapper, NoKeys
from infrastructure.store.event_source import SequencedEvents
from projections.agenda import AgendaModel
from projections.engine import retaining
from tests.ledger.dying_verb import arm

retaining.EVERY_EVENTS = 3
when, place, call, dsn = sys.argv[1:]
arm(when, place, int(call))
role = Database(dsn, size=1, walled=False)
with role.fresh() as connection:
    retain(Stop(), connection, retaining.Retaining(AgendaModel(), SequencedEvents(EventMapper(NoKeys()))))
"""


def test_kill_9_in_the_making_loses_nothing(two: House) -> None:
    retain_all(two)
    whole = kept(two, "agenda")
    assert len(whole) > 2
    with psycopg.connect(two.deployment.main) as owner:
        owner.execute("DELETE FROM retained_state")
    made = 0
    for when, place, call in (
        ("before", "projections.engine.retaining:pack", "1"),
        ("after", "projections.engine.retaining:pack", "1"),
        ("before", "api.process.retaining:made_or_passed_over", "2"),
        ("after", "projections.engine.retaining:put_back_nearest", "2"),
    ):
        command = [sys.executable, "-c", DYING, when, place, call]
        command.append(two.deployment.dsn_of("follower"))
        died = subprocess.run(command, check=False, timeout=60, env=dict(os.environ))
        assert died.returncode == -signal.SIGKILL
        made += int(call) - 1
        with psycopg.connect(two.deployment.main) as owner:
            row = owner.execute("SELECT count(*) FROM retained_state WHERE name = 'agenda'")
            assert row.fetchone() == (made,), (when, place)
    retain_all(two)
    assert kept(two, "agenda") == whole
    assert all(one.holds for one in prove_all(two.deployment, RETAINED, lambda _name, _count: None))


def test_nothing_of_a_person_is_in_a_state_that_is_not_in_the_rows_that_are_followed(
    two: House,
) -> None:
    """Neither before an erasure nor after it: names and notes are sealed in both, under keys that were destroyed."""
    shop, tenant = two.shop, two.shop.tenant
    dora = shop.book(20, "dora")
    two.follow()
    retain_all(two)
    with bound_to(tenant):
        eraser = replace(two.platform.eraser, mirrored=MemoryMirrored())
        orders = replace(eraser.orders, keeping=NothingKept())  # nobody follows beside us
        orders.order(shop.by, Wish(dora.subject, "request"))
        assert eraser.round([tenant]) > 0
    two.follow()
    retain_all(two)
    assert all(one.holds for one in prove_all(two.deployment, RETAINED, lambda _name, _count: None))
    for model in RETAINED:
        with psycopg.connect(two.deployment.main) as owner:
            rows = owner.execute(
                "SELECT position, packed FROM retained_state WHERE name = %s AND tenant_id = %s",
                (model.name, two.shop.tenant),
            ).fetchall()
            owner.rollback()
            assert rows
            for _, packed in rows:
                looking_back.begin(owner, model)
                retained.put_back(owner, model.tables, packed)
                for table in model.tables:
                    assert said(owner, "pg_temp", table) <= said(owner, "public", table)
                owner.rollback()


def said(owner: psycopg.Connection, schema: str, table: str) -> set[str]:
    """Everything of people that stands in a table: ids of subjects, and what is sealed."""
    columns = {
        "agenda_v1": "subject_id, person, external_ref",
        "consents_v1": "subject_id, evidence",
    }
    statement = sql.SQL("SELECT ({})::text FROM {}").format(
        sql.SQL("ROW({})").format(sql.SQL(columns[table])),
        sql.Identifier(schema, table),
    )
    return {row[0] for row in owner.execute(statement).fetchall()}
