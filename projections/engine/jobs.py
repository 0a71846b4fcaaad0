"""What is done to read models is on record; what takes long is a job, which the worker carries out. README D12.

order       one transaction: the job and who ordered it           crash here: neither, or both
begin       the worker's child takes it up, again and again       crash here: it stands as it stood, and goes on
finish      its end, after what it did was committed              crash here: it finds it done, see each kind
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from application.operating_models import Act, Order
from domain.operating import Job, JobError, JobOutcome, JobState
from domain.values import public_id
from projections.engine.read_model import Connection

FAILURES_MAX: Final = 5

NOTE: Final = (
    "INSERT INTO read_model_act (name, act, detail, by_whom, of_tenant, event_id, reason, recorded_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
ACTS: Final = (
    "SELECT name, act, detail, by_whom, of_tenant, event_id, reason, recorded_at FROM read_model_act"
    " ORDER BY number DESC LIMIT %s"
)
ORDER: Final = (
    "INSERT INTO read_model_job (id, name, kind, switches, anyway, asked_at) VALUES (%s, %s, %s, %s, %s, %s)"
    " ON CONFLICT DO NOTHING"
)
JOB: Final = (
    "SELECT id, name, kind, state, outcome, switches, anyway, done, total, rate, equal, error, asked_at, started_at,"
    " ended_at FROM read_model_job"
)
# The order of this id, or the one that is open in its place.
ORDERED: Final = (
    f"{JOB} WHERE id = %s OR (name = %s AND ended_at IS NULL) ORDER BY id = %s DESC LIMIT 1"
)
LAST: Final = f"{JOB} WHERE name = %s ORDER BY number DESC LIMIT 1"
LASTS: Final = (
    f"{JOB} WHERE number IN (SELECT max(number) FROM read_model_job GROUP BY name) ORDER BY name"
)
NEXT: Final = f"{JOB} WHERE ended_at IS NULL ORDER BY tries, number LIMIT 1"
COMPARED: Final = (
    f"{JOB} WHERE name = %s AND outcome IN ('filled', 'differs', 'switched') AND EXISTS (SELECT FROM read_model_build b"
    " WHERE b.name = read_model_job.name) ORDER BY number DESC LIMIT 1"
)
BEGIN: Final = (
    "UPDATE read_model_job SET tries = tries + 1, started_at = coalesce(started_at, now())"
    " WHERE id = %s AND ended_at IS NULL"
)
MOVE: Final = (
    "UPDATE read_model_job SET state = %s, done = %s, total = %s, rate = %s"
    " WHERE id = %s AND ended_at IS NULL"
)
STATE: Final = "UPDATE read_model_job SET state = %s WHERE id = %s AND ended_at IS NULL"
FINISH: Final = (
    "UPDATE read_model_job SET state = 'done', outcome = %s, equal = %s, error = %s, ended_at = now()"
    " WHERE id = %s AND ended_at IS NULL"
)
FAIL: Final = (
    "UPDATE read_model_job SET state = 'failed', error = %s, ended_at = now()"
    " WHERE id = %s AND ended_at IS NULL"
)
FAILED_ONCE: Final = (
    "UPDATE read_model_job SET failures = failures + 1 WHERE id = %s AND ended_at IS NULL"
    " RETURNING failures"
)


def note(connection: Connection, act: Act, detail: str | None = None) -> None:
    """Put on record what somebody does, in the caller's transaction."""
    who = (act.by, act.tenant, act.event, act.reason or None, act.at)
    connection.execute(NOTE, (act.name, act.act, detail, *who))


def acts(connection: Connection, limit: int) -> list[tuple[Act, str | None]]:
    """What was done last, the newest first, each with its detail."""
    return [
        (Act(name, act, by, tenant, reason, at, event), detail)
        for name, act, detail, by, tenant, event, reason, at in connection.execute(ACTS, (limit,))
    ]


def order(connection: Connection, act: Act, wanted: Order) -> Job:
    """Note a job, and who ordered it; the one that is open instead, where there is one."""
    row = (wanted.id, act.name, wanted.kind, wanted.switches, wanted.anyway, act.at)
    while True:
        with connection.transaction():
            if connection.execute(ORDER, row).rowcount:
                how = [public_id("job", wanted.id)]
                if wanted.switches and wanted.kind == "rebuild":
                    how.append("and switch")
                if wanted.anyway:
                    how.append("anyway")
                note(connection, act, " ".join(how))
        found = _one(connection, ORDERED, wanted.id, act.name, wanted.id)
        if found is not None:  # else the one that was in the way has just ended
            return found


def last_job(connection: Connection, name: str) -> Job | None:
    """A model's last job."""
    return _one(connection, LAST, name)


def last_jobs(connection: Connection) -> list[Job]:
    """The last job of each model that ever had one, by name."""
    return [Job(*row) for row in connection.execute(LASTS).fetchall()]


def next_job(connection: Connection) -> Job | None:
    """The job that is to be carried out next; one that has to wait holds no other up."""
    return _one(connection, NEXT)


def compared(connection: Connection, name: str) -> Job | None:
    """The job that last compared what is still there beside the model; None where nothing is, or it was switched to."""
    found = _one(connection, COMPARED, name)
    return None if found is None or found.outcome == "switched" else found


def begin(connection: Connection, id: UUID) -> Job | None:
    """Take a job up, or up again; None when it has ended."""
    if not connection.execute(BEGIN, (id,)).rowcount:
        return None
    return _one(connection, f"{JOB} WHERE id = %s", id)


def move(connection: Connection, id: UUID, done: int, total: int, rate: float) -> None:
    """Tell how far it has filled, in events, and how many a second."""
    connection.execute(MOVE, ("filling", done, total, rate, id))


def come_to(connection: Connection, id: UUID, state: JobState) -> None:
    """Tell what it does now."""
    connection.execute(STATE, (state, id))


def finish(
    connection: Connection,
    id: UUID,
    outcome: JobOutcome,
    *,
    equal: bool | None = None,
    error: JobError | None = None,
) -> None:
    """It is done."""
    connection.execute(FINISH, (outcome, equal, error, id))


def fail(connection: Connection, id: UUID, error: JobError) -> None:
    """It cannot be done."""
    connection.execute(FAIL, (error, id))


def failed_once(connection: Connection, id: UUID) -> None:
    """It failed, perhaps because something was away: after a few times it is given up."""
    row = connection.execute(FAILED_ONCE, (id,)).fetchone()
    if row is not None and row[0] >= FAILURES_MAX:
        fail(connection, id, "could_not_be_filled")


def _one(connection: Connection, statement: str, *parameters: object) -> Job | None:
    row = connection.execute(statement.encode(), parameters).fetchone()
    return None if row is None else Job(*row)
