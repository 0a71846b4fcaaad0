"""What the worker counts of all tenants together, and the metrics that tell it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psycopg
import pytest

from api.http.metrics import Metrics
from application.erasing.ordering import NothingKept, Wish
from application.gauges import (
    DUTIES_LATE,
    ERASURE_OLDEST_SECONDS,
    ERASURES_OPEN,
    MODEL_FOLLOWS,
    MODEL_LAG,
    MODEL_LAG_SECONDS,
    Gauge,
)
from infrastructure.database import Database
from infrastructure.store.gauges import PostgresGauges, erasure_gauges
from infrastructure.store.sequencer import Sequencer
from infrastructure.wall import bound_to
from tests.projections.test_after_an_erasure import House, house

__all__ = ["house"]
NOW = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)


@pytest.fixture
def everyone(house: House) -> Iterator[Database]:
    role = Database(house.deployment.dsn_of("follower"), size=1, walled=False)
    yield role
    role.close()


def test_what_was_counted_last_is_told_and_what_is_not_counted_any_more_is_gone(
    house: House, everyone: Database
) -> None:
    writes, reads = PostgresGauges(everyone), PostgresGauges(house.engine.app)
    assert reads.all() == []
    writes.keep([Gauge(DUTIES_LATE, "access_review", 3), Gauge(DUTIES_LATE, "legal_hold", 1)], NOW)
    writes.keep([Gauge(DUTIES_LATE, "access_review", 2)], NOW + timedelta(minutes=1))
    assert reads.all() == [Gauge(DUTIES_LATE, "access_review", 2.0)]


def test_erasures_that_are_open_are_counted_with_the_age_of_the_oldest(
    house: House, everyone: Database
) -> None:
    def told(later: timedelta = timedelta()) -> dict[tuple[str, str], float]:
        now = house.engine.clock.now() + later
        return {(one.name, one.label): one.value for one in erasure_gauges(everyone, now)}

    assert set(told().values()) == {0.0}
    ada, bob = house.shop.book(1, "ada"), house.shop.book(2, "bob")
    with bound_to(house.shop.tenant):
        for one in (ada, bob):
            orders = house.platform.eraser.orders
            kept = replace(orders, keeping=NothingKept())
            kept.order(house.shop.by, Wish(one.subject, "request"))
    found = told(timedelta(hours=2))
    assert found[ERASURES_OPEN, "unfinished"] == 2
    assert 7_100 < found[ERASURE_OLDEST_SECONDS, "unfinished"] < 7_300
    assert found[ERASURES_OPEN, "waiting"] == 0


def test_metrics_tell_each_gauge_with_its_label() -> None:
    metrics = Metrics()
    metrics.set_gauges([Gauge(DUTIES_LATE, "access_review", 2), Gauge("logs_unwitnessed", "", 1)])
    text = metrics.text().decode()
    assert 'daybook_duties_late_by_kind{kind="access_review"} 2.0' in text
    assert "daybook_logs_unwitnessed 1.0" in text


def test_read_models_tell_how_far_behind_they_are_and_whether_they_follow(house: House) -> None:
    house.shop.book(1)
    house.follow()
    reads = PostgresGauges(house.engine.app)

    def told() -> dict[str, float]:
        return {one.name: one.value for one in reads.all() if one.label == "agenda"}

    def mark(ago: timedelta) -> None:
        clock = SimpleNamespace(now=lambda: house.engine.clock.now() - ago)
        order = Database(house.deployment.dsn_of("sequencer"), size=1, walled=False)
        with order.connection() as connection:
            Sequencer(order, clock).mark_time(connection)
        order.close()

    mark(timedelta(hours=2))
    assert told() == {MODEL_LAG: 0, MODEL_LAG_SECONDS: 0, MODEL_FOLLOWS: 1}
    house.shop.book(2)
    while house.sequencer.sequence_now():
        pass
    with psycopg.connect(house.deployment.main) as owner:
        owner.execute("UPDATE read_model SET state = 'stopped' WHERE name = 'agenda'")
    mark(timedelta(hours=1))
    found = told()
    assert (found[MODEL_LAG] > 0, found[MODEL_FOLLOWS]) == (True, 0)
    assert 3_500 < found[MODEL_LAG_SECONDS] < 3_700, "since the first mark beyond where it stands"


def test_a_clock_that_was_set_back_makes_no_lag_negative(house: House) -> None:
    house.follow()
    house.shop.book(1)
    while house.sequencer.sequence_now():
        pass
    with psycopg.connect(house.deployment.main) as owner:
        owner.execute(
            "INSERT INTO sequence_mark SELECT sequence, now() + interval '1 hour' FROM sequencer_head"
        )
    found = {one.name: one.value for one in PostgresGauges(house.engine.app).all()}
    assert found[MODEL_LAG] > 0
    assert found[MODEL_LAG_SECONDS] == 0
