"""Read models operated: pause, resume, leave a stream out; make anew, switch, drop. For keys that operate."""

from __future__ import annotations

from api.http import schemas_models as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import ReadModelPath
from api.http.rendering import Json, optional_instant
from api.http.routes_models import standing_json
from application.read_models import ModelStanding
from application.recorded import Answer
from application.setup.register import Receipt
from domain import errors, operating
from domain.operating import Job
from domain.values import instant_text, public_id

routes = Routes("Read models")

REFUSED = (errors.NotFound, operating.OperatorOnly)
ORDERED = (*REFUSED, operating.JobRunning)


@routes.add(
    "POST",
    "/v1/read-models/{name}/pause",
    schemas.ReadModel,
    *REFUSED,
    operating.NotFollowing,
    headers=("Daybook-Event",),
)
def pause_model(call: Call, name: ReadModelPath, body: schemas.Operated | None) -> Answer:
    """Have a read model follow no more, for all tenants, until it is resumed.

    What it has is served on, marked with `Daybook-Stale`. Role: engineer, with a key that operates.
    """
    why = body.reason if body else None
    return call.write(
        lambda by: call.platform.operated_models.pause(name, why, by),
        _standing,
    )


@routes.add(
    "POST",
    "/v1/read-models/{name}/resume",
    schemas.ReadModel,
    *REFUSED,
    operating.NotFollowing,
    headers=("Daybook-Event",),
)
def resume_model(call: Call, name: ReadModelPath, body: schemas.Operated | None) -> Answer:
    """Have a read model go on where it stands: after a pause, or with mended code.

    Who calls it says that the code which runs here would have made the same rows so far; else rebuild it.
    Role: engineer, with a key that operates.
    """
    why = body.reason if body else None
    return call.write(
        lambda by: call.platform.operated_models.resume(name, why, by),
        _standing,
    )


@routes.add(
    "POST",
    "/v1/read-models/{name}/quarantine",
    schemas.ReadModel,
    *REFUSED,
    errors.UnknownReference,
    operating.LeavesNothingOut,
    headers=("Daybook-Event",),
)
def quarantine_stream(call: Call, name: ReadModelPath, body: schemas.StreamLeftOut) -> Answer:
    """Have a read model leave one stream out from where it stands; a rebuild takes it in again.

    Only the agenda may: what the others say of people's data is complete, or is not said.
    Role: engineer, with a key that operates.
    """
    return call.write(
        lambda by: call.platform.operated_models.leave_out(name, body.stream_id, body.reason, by),
        _standing,
    )


@routes.add(
    "POST",
    "/v1/read-models/{name}/rebuild",
    schemas.JobOrdered,
    *ORDERED,
    status=202,
    headers=("Daybook-Event",),
)
def rebuild_model(call: Call, name: ReadModelPath, body: schemas.RebuildOrdered | None) -> Answer:
    """Make a read model anew beside the one that is read, and compare the two.

    The worker does it. With `switch` it also switches where they are equal, or may differ. One that was begun goes on.
    Role: engineer, with a key that operates.
    """
    wanted = body or schemas.RebuildOrdered()
    return call.write(
        lambda by: call.platform.operated_models.rebuild(
            name, wanted.reason, by, switch=wanted.switch
        ),
        _ordered,
    )


@routes.add("GET", "/v1/read-models/{name}/rebuild", schemas.JobOrdered, *REFUSED)
def show_rebuild(call: Call, name: ReadModelPath) -> Answer:
    """Show a read model's last job, whether it rebuilds, switches or drops: how far it is, and what came of it.

    Role: engineer, with a key that operates.
    """
    return answered({"job": job_json(call.platform.operated_models.job(name, call.by))})


@routes.add(
    "POST",
    "/v1/read-models/{name}/switch",
    schemas.JobOrdered,
    *ORDERED,
    operating.NothingToSwitch,
    operating.RebuildNotEqual,
    status=202,
    headers=("Daybook-Event",),
)
def switch_model(call: Call, name: ReadModelPath, body: schemas.SwitchOrdered | None) -> Answer:
    """Have what a rebuild made be read from now on, where it equals what is read; `anyway` where it does not.

    The two are compared once more, and then change places in one transaction. Role: engineer, with a key that operates.
    """
    wanted = body or schemas.SwitchOrdered()
    return call.write(
        lambda by: call.platform.operated_models.switch(
            name, wanted.reason, by, anyway=wanted.anyway
        ),
        _ordered,
    )


@routes.add(
    "POST",
    "/v1/read-models/{name}/drop",
    schemas.JobOrdered,
    *ORDERED,
    operating.NothingToDrop,
    status=202,
    headers=("Daybook-Event",),
)
def drop_replaced(call: Call, name: ReadModelPath, body: schemas.Operated | None) -> Answer:
    """Drop what a switch replaced. Role: engineer, with a key that operates."""
    why = body.reason if body else None
    return call.write(lambda by: call.platform.operated_models.drop(name, why, by), _ordered)


def job_json(it: Job) -> Json:
    """A job, and how it stands."""
    return {
        "id": public_id("job", it.id),
        "read_model": it.name,
        "kind": it.kind,
        "state": it.state,
        "outcome": it.outcome,
        "done": it.done,
        "total": it.total,
        "rate": round(it.rate, 1),
        "seconds_left": None if it.seconds_left is None else round(it.seconds_left, 1),
        "equal": it.equal,
        "error": it.error,
        "asked_at": instant_text(it.asked_at),
        "started_at": optional_instant(it.started_at),
        "ended_at": optional_instant(it.ended_at),
    }


def _ordered(receipt: Receipt[Job]) -> Answer:
    return answered({"job": job_json(receipt.state)}, status=202, event=receipt.event)


def _standing(receipt: Receipt[ModelStanding]) -> Answer:
    return answered(standing_json(receipt.state), event=receipt.event)
