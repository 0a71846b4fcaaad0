"""Who operates read models: the rule, and what is on record of those it refuses. What is done: `tests/projections`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from api.composition import on_memory
from application.operating_models import OperatedModels, stream_id
from application.recorded import Caller
from domain.access import AccessDenied
from domain.errors import NotFound, NotPermitted
from domain.operating import ModelOperated, OperatorOnly
from infrastructure.twin.memory import MemoryWorld
from tests.usecases.shop import Shop, open_shop

CALLS: dict[str, Callable[[OperatedModels, Caller], object]] = {
    "pause": lambda models, by: models.pause("agenda", None, by),
    "resume": lambda models, by: models.resume("agenda", None, by),
    "quarantine": lambda models, by: models.leave_out("agenda", str(UUID(int=1)), "why", by),
    "rebuild": lambda models, by: models.rebuild("agenda", None, by, switch=False),
    "switch": lambda models, by: models.switch("agenda", None, by, anyway=False),
    "drop": lambda models, by: models.drop("agenda", None, by),
    "job": lambda models, by: models.job("agenda", by),
}


@pytest.fixture
def shop() -> Shop:
    return open_shop(MemoryWorld())


def recorded(shop: Shop, kind: type[object]) -> list[object]:
    """The decisions of a kind in the tenant's log."""
    streams = shop.world.state.streams.values()
    return [one.decision for events in streams for one in events if isinstance(one.decision, kind)]


@pytest.mark.parametrize("call", CALLS)
def test_an_engineer_whose_key_does_not_operate_is_refused_on_record(shop: Shop, call: str) -> None:
    engineer = replace(shop.owner, actor="key_1", roles=frozenset({"engineer", "owner"}))
    with pytest.raises(OperatorOnly):
        CALLS[call](on_memory(shop.world).operated_models, engineer)
    (denied,) = recorded(shop, AccessDenied)
    assert isinstance(denied, AccessDenied)
    assert (denied.reason, denied.subject, denied.fields) == ("operator_only", None, ())
    assert recorded(shop, ModelOperated) == []


@pytest.mark.parametrize("call", CALLS)
def test_a_key_that_operates_is_an_engineers(shop: Shop, call: str) -> None:
    owner = replace(shop.owner, operates=True)
    with pytest.raises(NotPermitted) as refused:
        CALLS[call](on_memory(shop.world).operated_models, owner)
    assert not isinstance(refused.value, OperatorOnly)


@pytest.mark.parametrize("call", CALLS)
def test_what_is_not_there_is_not_ordered(shop: Shop, call: str) -> None:
    engineer = replace(shop.owner, roles=frozenset({"engineer"}), operates=True)
    with pytest.raises(NotFound):
        CALLS[call](on_memory(shop.world).operated_models, engineer)
    assert recorded(shop, ModelOperated) == []


@pytest.mark.parametrize("text", ["", "bkg_1", "agenda", "bkg_" + "g" * 32])
def test_what_is_no_id_names_no_stream(text: str) -> None:
    assert stream_id(text) is None
