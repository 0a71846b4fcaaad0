"""`daybook rebuild`: make a read model anew beside the one that is read, in several processes, and switch."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from api.process.models_named import act_of, named
from api.process.rebuild_report import Teller, say, tell, telling
from application.following import Shard
from infrastructure.deployment import Deployment
from infrastructure.filler import filler
from infrastructure.server.processes import die_with_parent
from infrastructure.server.start_faults import StartFault
from infrastructure.store.event_mapper import EventMapper, NoKeys
from infrastructure.store.event_source import SequencedEvents
from projections.engine.filling import Filling
from projections.engine.jobs import note
from projections.engine.layout import NotLaidOut
from projections.engine.read_model import ReadModel
from projections.engine.reading_ahead import reading_ahead
from projections.engine.rebuild import Rebuild, Refused

LOOK_SECONDS: Final = 0.25
DIFFERS: Final = 1
NICE: Final = 10  # those who book and read come first


class RebuildRefused(StartFault):
    """It cannot be done now."""


def shard_of(text: str) -> Shard:
    """Which part `text` names, as "0/2". Raises RebuildRefused (there is no such part)."""
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text)
    if found is None or not int(found[1]) < int(found[2]):
        raise RebuildRefused(f"--part is a number below another, as 0/2, and not {text!r}")
    return Shard(int(found[1]), int(found[2]))


def run_rebuild(
    deployment: Deployment, name: str, *, processes: int, anyway: bool, as_json: bool
) -> int:
    """Rebuild one model and switch to it; 1, and no switch, when its rows are not those that are read.

    Refuses: NoSuchReadModel, RebuildRefused.
    """
    (model,) = named([name])
    with opened(deployment, model) as rebuild, refusing(), rebuild.held():
        note(rebuild.filler, act_of("rebuild", name), "anyway" if anyway else None)
        if rebuild.begin(processes) and rebuild.shards != processes:
            say(f"going on with what was begun, in {rebuild.shards} parts")
        begun = time.monotonic()
        with telling(model.name) as told:
            fill(deployment, rebuild, told)
        seconds = time.monotonic() - begun
        compared = rebuild.compare()
        if compared is not None and not compared.equal and not anyway:
            tell(model, compared, None, seconds, as_json=as_json)
            return DIFFERS
        tell(model, compared, rebuild.switch(), seconds, as_json=as_json)
    return 0


def run_drop(deployment: Deployment, name: str) -> int:
    """Drop what a rebuild replaced. Refuses: NoSuchReadModel, RebuildRefused."""
    (model,) = named([name])
    with opened(deployment, model) as rebuild, refusing(), rebuild.held():
        note(rebuild.filler, act_of("drop", name))
        dropped = rebuild.drop()
    print("\n".join(f"dropped {what}" for what in dropped) or "there is nothing to drop")
    return 0


def run_abandon(deployment: Deployment, name: str) -> int:
    """Forget a rebuild that was begun. Refuses: NoSuchReadModel, RebuildRefused."""
    (model,) = named([name])
    with opened(deployment, model) as rebuild, refusing(), rebuild.held():
        note(rebuild.filler, act_of("abandon", name))
        print("abandoned" if rebuild.abandon() else "nothing was begun")
    return 0


def run_part(deployment: Deployment, name: str, part: Shard) -> int:
    """Fill one part, up to where the version that is read stands; a process of `run_rebuild`."""
    (model,) = named([name])
    os.nice(NICE)
    with (
        filler(deployment) as connection,
        filler(deployment) as another,
        reading_ahead(events(), another) as source,
    ):
        filling = Filling(model, source, part)
        filling.prepare(connection)
        try:
            while filling.step(connection):
                pass
        except (
            Exception
        ) as error:  # tidy: allow broad-except - whatever a model raises; its words may hold values
            raise RebuildRefused(f"{name}: {type(error).__name__}, part {part.shard}") from None
    return 0


def fill(deployment: Deployment, rebuild: Rebuild, told: Teller) -> None:
    """Fill every part, each in a process, until all are there. Raises RebuildRefused (a part failed)."""
    shards = rebuild.shards
    parts = [_part(deployment, rebuild.model, shard, shards) for shard in range(shards)]
    try:
        while any(part.poll() is None for part in parts):
            told(rebuild.progress())
            time.sleep(LOOK_SECONDS)
        told(rebuild.progress())
    finally:
        for part in parts:
            part.terminate()
            part.wait()
    if any(part.returncode for part in parts):
        raise RebuildRefused(
            f"a part of {rebuild.model.name} could not be filled; what was filled is kept, the same command goes on"
        )


def _part(
    deployment: Deployment, model: ReadModel, shard: int, shards: int
) -> subprocess.Popen[bytes]:
    return a_process(deployment, "rebuild", model.name, "--part", f"{shard}/{shards}")


def a_process(deployment: Deployment, *verb: str) -> subprocess.Popen[bytes]:
    """A process that runs a verb beside us, and dies with the thread that started it."""
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli", *verb, "--data", str(deployment.settings.data)],
        stdin=subprocess.DEVNULL,
        preexec_fn=die_with_parent(signal.SIGKILL),
    )


def events() -> SequencedEvents:
    """The events, their sealed values closed."""
    return SequencedEvents(EventMapper(NoKeys()))


@contextmanager
def opened(deployment: Deployment, model: ReadModel) -> Iterator[Rebuild]:
    """A model's rebuild, connected."""
    with (
        psycopg.connect(deployment.main, autocommit=True) as owner,
        filler(deployment) as connection,
    ):
        yield Rebuild(model, events(), owner, connection)


@contextmanager
def refusing() -> Iterator[None]:
    """What cannot be done now is told as every verb tells it."""
    try:
        yield
    except (Refused, NotLaidOut) as refused:
        raise RebuildRefused(str(refused)) from refused
