"""The drill from beginning to end: a deployment of its own, a person in it, old copies, the erasure, and the proofs."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final, NoReturn

from rich.console import Console
from rich.table import Table

from api.composition import production
from api.drill import proofs
from api.drill.house import DrillBroken, House
from api.drill.proofs import OldCopies, Proof
from api.drill.shop import Shop
from application.erasing.ordering import ERASURES, Wish
from application.recorded import Caller
from domain.errors import DomainError
from infrastructure.drill.canary import Canary
from infrastructure.drill.old_copies import copy_cluster
from infrastructure.engine import Engine
from infrastructure.server.processes import wait_until
from infrastructure.server.start_faults import StartFault

COMPLETE_SECONDS_MAX: Final = 120.0
ORDERS: Final = frozenset({"privacy_officer"})
TERMINATED: Final = 143
HELD, DID_NOT_HOLD, BROKEN = 0, 1, 2
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How many other people there are, and how many bookings of theirs."""

    subjects: int
    bookings: int


def run_drill(size: Size, *, as_json: bool, keep: bool) -> int:
    """Drill in a temporary folder, and say what held; the exit code. The folder goes, unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="daybook-drill-"))
    begun = monotonic()
    signal.signal(signal.SIGTERM, _terminate)  # what was started is stopped, and the folder goes
    try:
        found = list(drill(folder, size, _say))
    except (DrillBroken, DomainError, StartFault) as broken:
        _say(f"the drill could not go on: {broken}")
        return BROKEN
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    held = all(one.held for one in found)
    if as_json:
        document = {
            "held": held,
            "seconds": round(monotonic() - begun, 1),
            "subjects": size.subjects + 1,
            "bookings": size.bookings + 1,
            "folder": str(folder) if keep else None,
            "proofs": [one.document() for one in found],
        }
        print(json.dumps(document))
    else:
        show(found)
    if keep:
        _say(f"kept: {folder}")
    return HELD if held else DID_NOT_HOLD


def drill(folder: Path, size: Size, told: Told) -> Iterator[Proof]:
    """Everything, step by step; what held and what did not. Nothing runs any more at the end.

    Raises DrillBroken: the drill itself could not go on.
    """
    house = House(folder / "data")
    restored = House(folder / "restored", house.keys)
    word, number = Canary.hatch(), Canary.hatch(digits=True)
    shop = Shop(house, folder / "out", word, number)
    try:
        told("starting a deployment of the drill's own")
        house.start()
        told(f"booking {size.bookings + 1} visits of {size.subjects + 1} people")
        shop.open()
        shop.book_everybody(size.subjects, size.bookings)
        shop.tell()
        bundles = [shop.take_evidence("evidence"), shop.take_export("export")]
        told("taking a key backup and a base backup")
        copies = take_copies(shop, folder / "old")
        yield from _said(told, proofs.old_copies_open(shop, copies))
        told("erasing")
        yield from _said(told, erase(shop), proofs.nobody_opens(shop))
        told("searching everywhere")
        yield from _said(told, *proofs.no_trace(shop, folder / "old", Canary.hatch()))
        told("trying every key on the old copies")
        yield from _said(told, *proofs.old_copies_are_dead(shop, copies))
        house.stop()
        told("restoring the old copy of both databases")
        proofs.restore(house, copies, restored)
        yield from _said(told, proofs.a_dead_epoch_is_refused(restored))
        restored.start()
        shop.house = restored
        said = restored.errors.read_text(encoding="utf-8")
        yield from _said(told, proofs.it_came_back_erased(shop, said), proofs.others_open(shop))
        yield from _said(told, proofs.ledger_verifies(shop))
        yield from _said(told, proofs.old_bundles_stay_closed(shop, copies, bundles))
        yield from _said(told, proofs.everything_agrees(shop))
    finally:
        house.stop()
        restored.stop()


def _terminate(*_: object) -> NoReturn:
    raise SystemExit(TERMINATED)


def take_copies(shop: Shop, old: Path) -> OldCopies:
    """What an operator has in a safe: a key backup, and a base backup of the whole server."""
    house = shop.house
    old.mkdir()
    engine = Engine.connect(house.deployment, connections=1)
    try:
        backup = engine.shredder.turn_epoch(engine.clock.now()).backup
    finally:
        engine.close()
    kept = shutil.copyfile(house.settings.key_backups / backup, old / backup)
    copy_cluster(house.server, house.data / "postgres", old / "postgres")
    return OldCopies.read(kept, old / "postgres")


def erase(shop: Shop) -> Proof:
    """Order the erasure, and wait until the worker has carried it through."""
    platform, engine = production(shop.house.deployment, connections=2)
    tenant, subject = shop.whose
    try:
        begun = monotonic()
        with platform.bound(tenant):
            by = Caller(tenant, "system:operator", ORDERS)
            id = platform.eraser.orders.order(by, Wish(subject, "request"))

            def is_complete() -> bool:
                return ERASURES.find(engine.book, tenant, id)[1].status == "complete"

            done = wait_until(is_complete, COMPLETE_SECONDS_MAX)
            state = ERASURES.find(engine.book, tenant, id)[1]
        figure = f"{state.status} after {monotonic() - begun:.1f} s, {len(state.complete)} classes"
        return Proof("the erasure is carried through", done, figure)
    finally:
        engine.close()


def _said(told: Told, *found: Proof) -> Iterator[Proof]:
    for one in found:
        told(f"{'held' if one.held else 'DID NOT HOLD'}: {one.name}: {one.figure}")
        yield one


def show(found: list[Proof]) -> None:
    """The table at the end."""
    table = Table("", "what was to hold", "figure", box=None, pad_edge=False)
    for one in found:
        table.add_row("yes" if one.held else "NO", one.name, one.figure)
    Console(highlight=False).print(table)


def _say(line: str) -> None:
    print(f"daybook: {line}", file=sys.stderr, flush=True)
