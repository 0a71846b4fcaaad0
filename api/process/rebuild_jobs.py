"""Jobs of read models: ordered over HTTP, carried out by the worker, each in a process of its own. README D12.

    the worker       leads among workers, takes the oldest open job, starts a process for it
    the process      holds the model as `daybook rebuild` does, goes on where the job was, and notes how far it is

Killed, either of them: the job is open, and is taken up again. The process dies with its worker.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from typing import Final
from uuid import UUID

from api.process.following import leading_no_longer
from api.process.loops import RETRY_SECONDS, Stop
from api.process.models_named import named
from api.process.rebuilding import RebuildRefused, a_process, fill, opened
from domain.operating import Job, JobError
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.filler import filler
from projections.engine import jobs
from projections.engine.layout import NotLaidOut
from projections.engine.read_model import Connection
from projections.engine.rebuild import InUse, Progress, Rebuild, Refused

LOOK_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 2.0
PROCESSES: Final = 2
BUSY: Final = 75  # somebody at the machine makes the model anew: later
LEAD: Final = "SELECT pg_try_advisory_lock(hashtextextended('daybook/read-model-jobs', 0))"


def carry_out_in_turns(stop: Stop, deployment: Deployment, follower_role: Database) -> None:
    """Carry out one job after the other, where no other worker does, until told to stop."""
    with follower_role.connection() as connection, leading_no_longer(connection):
        while connection.execute(LEAD).fetchone() != (True,):
            stop.wait(RETRY_SECONDS)
            if stop.asked():
                return
        while not stop.asked():
            job = jobs.next_job(connection)
            if job is None:
                stop.wait(LOOK_SECONDS)
            elif code := carried_out(stop, deployment, job.id):
                if code != BUSY and not stop.asked():
                    jobs.failed_once(connection, job.id)
                stop.wait(AGAIN_SECONDS)


def carried_out(stop: Stop, deployment: Deployment, id: UUID) -> int:
    """Wait for a process that carries a job out, and end it where we are to stop; its exit code."""
    process = a_process(deployment, "carry-out", str(id))
    try:
        while process.poll() is None and not stop.asked():
            stop.wait(RETRY_SECONDS / 5)
    finally:
        process.kill()  # whatever it does can be interrupted
        process.wait()
    return process.returncode


def run_job(deployment: Deployment, id: UUID) -> int:
    """Carry a job out; a process of the worker. 75 where it has to wait. Raises RebuildRefused (a part failed)."""
    with filler(deployment) as notes, ExitStack() as held:
        job = jobs.begin(notes, id)
        if job is None:
            return 0
        (model,) = named([job.name])
        rebuild = held.enter_context(opened(deployment, model))
        try:
            held.enter_context(rebuild.held())
        except Refused:
            return BUSY
        try:
            _carry_out(deployment, rebuild, notes, job)
        except NotLaidOut:
            jobs.fail(notes, id, "tables_missing")
        except InUse:
            jobs.fail(notes, id, "tables_in_use")
        except RebuildRefused:
            raise
        except (
            Exception
        ) as error:  # tidy: allow broad-except - whatever a model raises; its words may hold values
            raise RebuildRefused(f"{job.name}: {type(error).__name__}") from None
    return 0


def _carry_out(deployment: Deployment, rebuild: Rebuild, notes: Connection, job: Job) -> None:
    match job.kind:
        case "rebuild":
            rebuild.begin(PROCESSES)
            fill(deployment, rebuild, Noting(notes, job.id))
            _compare_and_switch(rebuild, notes, job)
        case "switch" if rebuild.begun():
            _compare_and_switch(rebuild, notes, job)
        case "switch":
            jobs.fail(notes, job.id, "nothing_to_switch")
        case "drop":
            jobs.come_to(notes, job.id, "dropping")
            rebuild.drop()  # one that was killed may have done it
            jobs.finish(notes, job.id, "dropped")


def _compare_and_switch(rebuild: Rebuild, notes: Connection, job: Job) -> None:
    jobs.come_to(notes, job.id, "comparing")
    compared = rebuild.compare()
    equal = None if compared is None else compared.equal
    if equal is False and not job.anyway:
        error: JobError | None = "rebuild_not_equal" if job.switches else None
        jobs.finish(notes, job.id, "differs", equal=equal, error=error)
    elif not job.switches:
        jobs.finish(notes, job.id, "filled", equal=equal)
    else:
        jobs.come_to(notes, job.id, "switching")
        # In the transaction of the switch: whoever is killed has done both, or neither.
        rebuild.switch(partial(jobs.finish, id=job.id, outcome="switched", equal=equal))


class Noting:
    """Notes how far a rebuild is."""

    def __init__(self, notes: Connection, id: UUID) -> None:
        self.notes, self.id = notes, id
        self.begun = time.monotonic()
        self.first: float | None = None

    def __call__(self, progress: Progress) -> None:
        if self.first is None:
            self.first, self.begun = progress.average, time.monotonic()
        seconds = time.monotonic() - self.begun
        rate = (progress.average - self.first) / seconds if seconds else 0.0
        jobs.move(self.notes, self.id, int(progress.average), progress.target, rate)
