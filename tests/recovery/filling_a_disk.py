"""A program: a read model is followed, then made anew, on a disk that runs full meanwhile.

`python -m tests.recovery.filling_a_disk FOLDER`, where FOLDER is a small disk of its own. The server, its log of writes
and the read models are on it, as where one disk is all there is. Printed, as JSON: what the full disk did each time,
where the model stood then, and what is proved at the end.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from api.process.rebuilding import RebuildRefused, events, fill, opened
from application.event_types import catalogue
from benchmarks.following import follow
from benchmarks.long_log import LongLog
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.server.local_postgres import LocalPostgres
from infrastructure.settings import Settings
from projections.agenda import AgendaModel
from projections.engine.proving import prove

EVENTS: Final = 6_000
LEFT_BYTES: Final = 300_000  # enough for the server to say what is wrong, too little for the rows
MODEL: Final = AgendaModel()
Act = Callable[[Deployment], None]


@contextmanager
def all_but_full(disk: Path) -> Iterator[None]:
    """Somebody else's file takes what is left of the disk, but for a little."""
    space = os.statvfs(disk)
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - LEFT_BYTES)
    try:
        yield
    finally:
        ballast.unlink()


class OneDisk:
    """A deployment on one disk."""

    def __init__(self, disk: Path) -> None:
        self.disk = disk
        self.server = LocalPostgres(disk / "daybook", fast=True)
        self.dsn = self.server.start()

    def deployment(self) -> Deployment:
        """Where it is now."""
        return Deployment.locate(Settings(self.disk / "daybook"), self.dsn)

    def through_a_full_disk(self, act: Act) -> dict[str, object]:
        """Begin `act` while the disk is full, and do it again when there is space; how it ended the first time."""
        with all_but_full(self.disk):
            try:
                act(self.deployment())
                ended = "nothing"
            except (psycopg.Error, RebuildRefused) as error:
                ended = type(error).__name__
        stood_up = self.server.is_running()
        if not stood_up:
            self.server.stop()
            self.dsn = self.server.start()
        stood_at, state = self.standing()
        act(self.deployment())
        return {"ended": ended, "stood_up": stood_up, "at": stood_at, "state": state}

    def standing(self) -> tuple[int, str]:
        """Where the model that is read stands, and its state."""
        with psycopg.connect(self.deployment().main) as owner:
            found = owner.execute(
                "SELECT sequence, state FROM read_model WHERE is_current"
            ).fetchone()
        return found or (0, "not begun")

    def rows(self) -> int:
        """How many rows the model that is read has."""
        with psycopg.connect(self.deployment().main) as owner:
            (count,) = owner.execute("SELECT count(*) FROM agenda_v1").fetchone() or (0,)
        return int(count)


def followed(deployment: Deployment) -> None:
    """From where it stands to the last event."""
    follow(deployment, MODEL)


def made_anew(deployment: Deployment) -> None:
    """As `daybook rebuild agenda` does it: begun, or gone on with."""
    with opened(deployment, MODEL) as rebuild, rebuild.held():
        rebuild.begin(1)
        fill(deployment, rebuild, lambda _progress: None)


def main() -> None:
    """Run it, and print."""
    pin_zones()
    one = OneDisk(Path(sys.argv[1]))
    try:
        one.deployment().prepare(frozenset(catalogue()))
        LongLog(EVENTS).put(one.deployment().main)
        told: dict[str, object] = {"followed": one.through_a_full_disk(followed)}
        told |= {"rows": one.rows(), "stands_at": one.standing()}
        told["made_anew"] = one.through_a_full_disk(made_anew)
        with opened(one.deployment(), MODEL) as rebuild, rebuild.held():
            compared = rebuild.compare()
            assert compared is not None
            told |= {"equal": compared.equal, "compared_at": compared.sequence}
            rebuild.switch()
        with psycopg.connect(
            one.deployment().main, autocommit=True, prepare_threshold=None
        ) as owner:
            proof = prove(owner, MODEL, events())
        told["replayed"] = proof is not None and proof.holds
        print(json.dumps(told))
    finally:
        one.server.stop()


if __name__ == "__main__":
    main()
