"""Engineers see where read models stand in their tenant's log, and prove them by digest. README D12, D13."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest

from application.following import ReadModelStopped
from application.read_models import MODEL_NAMES, ModelStanding
from domain.errors import Behind, NotFound, NotPermitted, UnknownReference
from infrastructure.store import event_source
from infrastructure.wall import bound_to
from projections.models import MODELS
from tests.projections.test_after_an_erasure import House, house
from tests.projections.test_proving import storied
from tests.store.trading import Trade

__all__ = ["house", "storied"]


def standing(house: House, trade: Trade, name: str = "agenda") -> ModelStanding:
    with bound_to(trade.tenant):
        found = house.platform.read_models.page(trade.by)
    return next(one for one in found if one.name == name)


def test_the_names_of_the_contract_are_those_of_the_models() -> None:
    assert set(MODEL_NAMES) == {model.name for model in MODELS}


def test_every_model_stands_at_the_tenants_last_event(storied: House) -> None:
    with bound_to(storied.shop.tenant):
        found = storied.platform.read_models.page(storied.shop.by)
        head = storied.engine.positions.head(storied.shop.tenant)
    assert {(one.name, one.state, one.position) for one in found} == {
        (name, "following", head) for name in MODEL_NAMES
    }
    assert {(one.lag_events, one.lag_seconds, one.error) for one in found} == {(0, 0.0, None)}


def test_what_others_have_shows_in_no_number(storied: House) -> None:
    before = standing(storied, storied.shop)
    other = Trade(storied.engine)
    for hour in range(3):
        other.book(hour)
    while storied.sequencer.sequence_now():
        pass
    assert standing(storied, storied.shop) == before
    behind = standing(storied, other)
    assert (behind.position, behind.lag_events > 3, behind.lag_seconds > 0) == (-1, True, True)
    with psycopg.connect(storied.deployment.main) as owner:
        owner.execute(
            "UPDATE read_model SET state = 'stopped', error = 'ValueError at event 99',"
            " failed_type = 'booking.confirmed.v1',"
            " failed_event = (SELECT event_id FROM sequenced WHERE tenant_id = %s LIMIT 1) WHERE name = 'agenda'",
            (other.tenant,),
        )
    theirs, ours = standing(storied, other), standing(storied, storied.shop)
    assert (ours.error, ours.failed) == ("ValueError at booking.confirmed.v1", None)
    assert theirs.failed is not None


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_the_digest_of_what_is_read_is_that_of_a_replay(storied: House, name: str) -> None:
    other = Trade(storied.engine)
    other.book(1)
    storied.follow()
    reads = storied.platform.read_models
    for trade in (storied.shop, other):
        with bound_to(trade.tenant):
            read = reads.digest(name, None, trade.by)
            assert reads.digest(name, read.position, trade.by) == read
            if name in ("agenda", "keeping"):
                assert read.rows > 0
                early = reads.digest(name, 1, trade.by)
                assert (early.rows, early.position) == (0, 1)
    with psycopg.connect(storied.deployment.main) as owner:
        changed = owner.execute(
            "UPDATE agenda_v1 SET status = 'noshow' WHERE tenant_id = %s", (other.tenant,)
        )
        assert changed.rowcount == 1
    with bound_to(other.tenant):
        read = reads.digest("agenda", None, other.by)
        assert reads.digest("agenda", read.position, other.by) != read
    with bound_to(storied.shop.tenant):
        read = reads.digest("agenda", None, storied.shop.by)
        assert reads.digest("agenda", read.position, storied.shop.by) == read, "it is not theirs"


def test_what_is_asked_wrongly_is_refused(storied: House) -> None:
    reads, by = storied.platform.read_models, storied.shop.by
    with bound_to(storied.shop.tenant):
        with pytest.raises(UnknownReference):
            reads.digest("agenda", 1_000, by)
        with pytest.raises(NotFound):
            reads.digest("nothing", None, by)
        for roles in ({"staff"}, {"subject"}, {"booking"}, {"corporate"}):
            with pytest.raises(NotPermitted):
                reads.page(replace(by, roles=frozenset(roles)))


def test_who_waits_for_a_stopped_model_is_told_at_once(
    storied: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_source, "WAIT_SECONDS_MAX", 60.0)
    tenant, positions = storied.shop.tenant, storied.engine.positions
    storied.shop.book(9)
    with psycopg.connect(storied.deployment.main) as owner:
        owner.execute("UPDATE read_model SET state = 'stopped' WHERE name = 'agenda'")
    with bound_to(tenant):
        head = positions.head(tenant)
        with pytest.raises(ReadModelStopped) as refused:
            positions.wait(tenant, "agenda", head)
        assert isinstance(refused.value, Behind)
        reached = positions.current(tenant, "agenda")
        assert positions.wait(tenant, "agenda", reached) == reached, "what it has is served"
        with pytest.raises(UnknownReference):
            positions.wait(tenant, "agenda", uuid4())
