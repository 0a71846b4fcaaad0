"""The drill of an erasure, on the deployment that runs: each of its proofs fails before, and holds afterwards.

`daybook erase-drill` does the same on a deployment of its own, with the whole search for traces.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest

from api.drill import proofs
from api.drill.drilling import erase, take_copies
from api.drill.house import House
from api.drill.shop import Shop
from infrastructure.drill.canary import Canary
from infrastructure.drill.search import PLANTED_IN, plant, pull_out, search
from infrastructure.server.local_postgres import LocalPostgres
from tests.running import Running
from tests.scratch import scratch_folder

pytestmark = pytest.mark.xdist_group("running_search")


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder("drill") as folder:
        yield folder


@pytest.fixture
def shop(running: Running, folder: Path) -> Iterator[Shop]:
    house = House(running.data)
    with httpx2.Client(base_url=running.url, timeout=60, trust_env=False) as client:
        house.client = client
        yield Shop(house, folder / "out", Canary.hatch(), Canary.hatch(digits=True))


def test_who_is_erased_stays_erased_in_every_old_copy(shop: Shop, folder: Path) -> None:
    house, restored = shop.house, House(folder / "restored", shop.house.keys)
    shop.open()
    shop.book_everybody(2, 2)
    shop.tell()
    bundles = [shop.take_evidence("evidence"), shop.take_export("export")]
    copies = take_copies(shop, folder / "old")
    assert proofs.old_copies_open(shop, copies).held
    alive = (
        proofs.nobody_opens(shop),
        *proofs.old_copies_are_dead(shop, copies),
        proofs.old_bundles_stay_closed(shop, copies, bundles),
    )
    assert [one.held for one in alive] == [False] * len(alive), "they can fail"
    gone = erase(shop), proofs.nobody_opens(shop), *proofs.old_copies_are_dead(shop, copies)
    assert all(one.held for one in gone), gone
    proofs.restore(house, copies, restored)
    refused = proofs.a_dead_epoch_is_refused(restored)
    assert refused.held, refused
    try:
        restored.start()
        shop.house = restored
        back = (
            proofs.it_came_back_erased(shop, restored.errors.read_text()),
            proofs.others_open(shop),
            proofs.ledger_verifies(shop),
            proofs.old_bundles_stay_closed(shop, copies, bundles),
            proofs.everything_agrees(shop),
        )
        assert all(one.held for one in back), back
    finally:
        restored.stop()


def test_keys_are_not_put_back_under_an_up_that_runs(running: Running, folder: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        running.verb("restore-keys", str(folder / "keys-1-1.backup"))
    assert refused.value.returncode == 2
    assert "is in use by another daybook up" in refused.value.stderr


def test_the_search_sees_what_is_planted_and_nothing_else(running: Running, folder: Path) -> None:
    server, main = LocalPostgres(running.data).dsn(), running.deployment.main
    planted, other = Canary.hatch(), Canary.hatch()
    out = folder / "out"
    out.mkdir()
    plant(main, out, planted)
    try:
        searched = search(running.data, server, [out], [planted, other])
    finally:
        pull_out(main, out)
    assert searched.of(planted).keys() >= PLANTED_IN
    assert searched.of(other) == {}
    with psycopg.connect(main) as connection:
        assert connection.execute("SELECT to_regclass('drill_control')").fetchone() == (None,)
    assert list(out.iterdir()) == []
