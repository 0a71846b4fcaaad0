"""The benchmark of GDPRbench's roles gives right answers on both sides: what it times is what was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.composition import production
from benchmarks.gdprbench.daybook_side import DaybookSide
from benchmarks.gdprbench.expected import Expected
from benchmarks.gdprbench.measuring import Scale, check, draw, measure, personal_bytes
from benchmarks.gdprbench.operations import LEFT_OUT, ROLES
from benchmarks.gdprbench.plain_side import PlainSide
from benchmarks.gdprbench.records import record
from benchmarks.gdprbench.sides import Side
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.store.event_source import SequencedEvents
from projections.engine.follower import Follower
from projections.models import MODELS
from tests.postgres import create_database, drop_database, worker_name
from tests.store.publishing import press

SMALL = Scale(records=400, operations=40, checked=60, clients=4, seed=1)


@contextmanager
def kept_up(deployment: Deployment, engine: Engine) -> Iterator[None]:
    """Ledger and read models follow the events until the block ends, as a deployment's processes see to."""
    stop = threading.Event()
    role = Database(deployment.dsn_of("follower"), size=1, walled=False)
    source = SequencedEvents(engine.mapper)
    followers = [Follower(model, source) for model in MODELS]
    with ExitStack() as stack:
        stack.callback(role.close)
        made = stack.enter_context(press(deployment))
        publisher = made.publisher()
        connection = stack.enter_context(role.connection())
        for one in followers:
            one.begin(connection)

        def work() -> None:
            while not stop.is_set():
                done = [made.sequencer.sequence_now(), publisher.tick()]
                done += [one.step(connection) for one in followers]
                if not any(done):
                    stop.wait(0.005)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@pytest.fixture
def daybook(module_deployment: Deployment) -> Iterator[DaybookSide]:
    platform, engine = production(module_deployment, connections=6)
    with kept_up(module_deployment, engine):
        yield DaybookSide(platform, engine, module_deployment)
    engine.close()


@pytest.fixture
def plain(postgres_server: str) -> Iterator[PlainSide]:
    name = f"daybook_gdprbench_{worker_name()}"
    create_database(postgres_server, name)
    side = PlainSide(make_conninfo(postgres_server, dbname=name), connections=10)
    yield side
    side.close()
    drop_database(postgres_server, name)


def test_both_sides_answer_all_four_roles_rightly(daybook: DaybookSide, plain: PlainSide) -> None:
    workloads = draw(SMALL, ROLES)
    asked = {one.kind for work in workloads for one in work.checked}
    assert asked == {kind for role in ROLES for kind in role.mix} - LEFT_OUT
    sides: tuple[Side, ...] = (daybook, plain)
    for side in sides:
        said: list[str] = []
        found = measure(side, SMALL, workloads, said.append)
        assert {name: one.wrong for name, one in found.checked.items() if one.wrong} == {}
        assert all(one.asked >= SMALL.checked for one in found.checked.values())
        assert set(found.seconds) == {role.name for role in ROLES}
        assert sum(size for _, size in found.sizes) > personal_bytes(SMALL.records)
        assert all(size >= 0 for _, size in found.sizes)
        assert any("checked, 100.0 %" in line for line in said)
        assert asked <= set(found.costs)
        assert sum(len(one.wall) for one in found.costs.values()) == sum(
            one.asked for one in found.checked.values()
        )


def test_a_wrong_answer_is_counted(plain: PlainSide) -> None:
    workloads = draw(SMALL, [role for role in ROLES if role.name == "processor"])
    plain.load(SMALL.records, lambda _: None)
    with psycopg.connect(plain.dsn) as connection:
        connection.execute("UPDATE record SET phone = 'none'")
    found: Any = check(plain, SMALL.records, workloads, lambda _: None)["processor"]
    reads = sum(one.kind == "read-data-by-KEY" for one in workloads[0].checked)
    assert dict(found.wrong) == {"read-data-by-KEY": reads}
    assert found.right == found.asked - reads


def test_a_disclosure_that_is_missing_is_counted(plain: PlainSide) -> None:
    workloads = draw(SMALL, [role for role in ROLES if role.name == "controller"])
    plain.load(SMALL.records, lambda _: None)
    with psycopg.connect(plain.dsn) as connection:
        connection.execute("UPDATE record SET shr = '{}'")
    found: Any = check(plain, SMALL.records, workloads, lambda _: None)["controller"]
    revised = [one for one in workloads[0].checked if one.kind == "update-metadata-by-SHR"]
    given = {record(number).recipient for number in range(SMALL.records)}
    missing = sum(one.recipient in given for one in revised)
    assert missing
    assert dict(found.wrong) == {"read-metadata-by-SHR": missing}


def test_what_is_written_is_expected_from_then_on() -> None:
    (work,) = draw(SMALL, [role for role in ROLES if role.name == "customer"])
    book = Expected(record(number) for number in range(SMALL.records))
    move = next(one for one in work.checked if one.kind == "update-data-by-KEY")
    assert book.answer(move) == "done"
    read = next(one for one in work.checked if one.kind == "read-data-by-USR")
    moved: Any = book.answer(type(read)("read-data-by-USR", move.record))
    assert moved == record(move.record).values | {"address": move.address}


def test_mixes_are_whole_with_and_without_what_is_left_out() -> None:
    for role in ROLES:
        assert sum(role.mix.values()) == pytest.approx(100)
        assert sum(role.shares().values()) == pytest.approx(1)
        assert LEFT_OUT.isdisjoint(role.shares())
