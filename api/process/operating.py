"""`daybook models`: where read models stand, and what their operator does about them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from api.process.models_named import act_of, named
from api.process.rebuilding import events
from application.operating_models import Act, stream_id
from domain.operating import Job
from domain.values import instant_text, public_id
from infrastructure.deployment import Deployment
from infrastructure.filler import filler
from infrastructure.server.start_faults import StartFault
from projections.engine.desk import PostgresModelDesk, who
from projections.engine.jobs import acts, last_jobs
from projections.engine.operating import LeftOut, Standing, all_left_out, standings
from projections.models import MAY_LEAVE_OUT, MODELS


class ModelRefused(StartFault):
    """It cannot be done to this read model, or not now."""


def run_list(deployment: Deployment, *, as_json: bool) -> int:
    """Say where each model stands, what it leaves out, and which job it has."""
    with filler(deployment) as connection:
        seen = Seen(standings(connection), all_left_out(connection), last_jobs(connection))
    print(json.dumps(as_document(seen)) if as_json else "\n".join(as_lines(seen)))
    return 0


def run_history(deployment: Deployment, limit: int, *, as_json: bool) -> int:
    """Say what was done to models, the newest first: what, by whom, when and why."""
    with filler(deployment) as connection:
        found = acts(connection, limit)
    if as_json:
        print(json.dumps({"acts": [_act(act, detail) for act, detail in found]}))
    else:
        for act, detail in found:
            why = f": {act.reason}" if act.reason else ""
            what = f"{act.act} {act.name}" + (f" ({detail})" if detail else "")
            print(f"{instant_text(act.at)} {what} by {who(act)}{why}")
    return 0


def run_pause(
    deployment: Deployment, name: str, by: str | None = None, reason: str | None = None
) -> int:
    """Have a model follow no more, for all tenants. Refuses: NoSuchReadModel, ModelRefused."""
    named([name])
    if not desk(deployment).pause(act_of("pause", name, by, reason)):
        raise ModelRefused(f"{name} does not follow at this moment: see `daybook models`")
    print(f"paused {name}; what it has is served, and marked stale")
    return 0


def run_resume(
    deployment: Deployment, name: str, by: str | None = None, reason: str | None = None
) -> int:
    """Have a model go on where it stands, with the code that is here. Refuses: NoSuchReadModel, ModelRefused."""
    (model,) = named([name])
    if not desk(deployment).resume(act_of("resume", name, by, reason)):
        raise ModelRefused(
            f"version {model.version} of {name} is not what is read: `daybook rebuild {name}` makes it"
        )
    print(
        f"{name} follows from where it stands; a worker of another release has to be started anew"
    )
    return 0


def run_quarantine(
    deployment: Deployment, name: str, stream: str, reason: str, by: str | None
) -> int:
    """Have a model leave a stream out from where it stands, on record. Refuses: NoSuchReadModel, ModelRefused."""
    named([name])
    if name not in MAY_LEAVE_OUT:
        raise ModelRefused(
            f"{name} leaves nothing out: an answer about people's data is complete or not given;"
            f" {', '.join(sorted(MAY_LEAVE_OUT))} may"
        )
    if not reason.strip():
        raise ModelRefused("say why: the reason is on record")
    id = stream_id(stream)
    if id is None:
        raise ModelRefused(f"{stream} is not the id of a stream (a UUID, or for example bkg_...)")
    match desk(deployment).leave_out(act_of("quarantine", name, by, reason), id):
        case "no_stream":
            raise ModelRefused(f"there is no stream {stream}")
        case "leaves_nothing_out":
            raise ModelRefused(f"{name} leaves that stream out already, or follows nothing yet")
    print(
        f"{name} leaves {stream} out from where it stands; `daybook rebuild {name}` takes it in again"
    )
    return 0


def desk(deployment: Deployment) -> PostgresModelDesk:
    """What does it: the same as behind the API."""
    return PostgresModelDesk(partial(filler, deployment), MODELS, events(), MAY_LEAVE_OUT)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an operator sees."""

    found: Sequence[Standing]
    out: Sequence[LeftOut]
    jobs: Sequence[Job]


def as_document(seen: Seen) -> dict[str, Any]:
    """All of it, for a program."""
    return {
        "read_models": [
            {
                "name": it.name,
                "version": it.version,
                "state": it.state,
                "sequence": it.sequence,
                "lag_events": it.lag_events,
                "lag_seconds": round(it.lag_seconds, 3),
                "error": it.error,
                "failed_event_id": it.failed and public_id("event", it.failed),
                "failed_type": it.failed_type,
                "failed_tenant": it.tenant and public_id("tenant", it.tenant),
                "failed_stream": it.stream and str(it.stream),
                "quarantined": [_left_out(one) for one in seen.out if one.name == it.name],
                "job": next((_job(one) for one in seen.jobs if one.name == it.name), None),
            }
            for it in seen.found
        ]
    }


def _left_out(it: LeftOut) -> dict[str, Any]:
    return {
        "tenant": public_id("tenant", it.tenant),
        "stream": str(it.stream),
        "after_sequence": it.after_sequence,
        "by": it.by,
        "reason": it.reason,
        "at": instant_text(it.at),
    }


def _job(it: Job) -> dict[str, Any]:
    return {
        "id": public_id("job", it.id),
        "kind": it.kind,
        "state": it.state,
        "outcome": it.outcome,
        "done": it.done,
        "total": it.total,
        "error": it.error,
    }


def _act(it: Act, detail: str | None) -> dict[str, Any]:
    return {
        "name": it.name,
        "act": it.act,
        "detail": detail,
        "by": it.by,
        "tenant": it.tenant and public_id("tenant", it.tenant),
        "event_id": it.event and public_id("event", it.event),
        "reason": it.reason,
        "at": instant_text(it.at),
    }


def as_lines(seen: Seen) -> Iterator[str]:
    """All of it, for a person; what to do about a model stands under it."""
    for it in seen.found:
        behind = f"{it.lag_events:,} behind, {it.lag_seconds:,.1f} s" if it.lag_events else "up"
        yield f"{it.name + f' v{it.version}':<16} {it.state:<10} at {it.sequence:<12,} {behind}"
        yield from (f"  {line}" for line in _advice(it))
        yield from (f"  {_told(one)}" for one in seen.jobs if one.name == it.name and one.open)
        for one in (each for each in seen.out if each.name == it.name):
            yield (
                f"  without stream {one.stream} of {public_id('tenant', one.tenant)} after"
                f" {one.after_sequence:,}: {one.reason} ({one.by}, {instant_text(one.at)})"
            )


def _told(it: Job) -> str:
    """A job that runs."""
    said = f"{it.kind} {public_id('job', it.id)}: {it.state}"
    if it.state != "filling":
        return said
    left = "" if it.seconds_left is None else f", {it.seconds_left:,.0f} s left"
    return f"{said}, {it.done:,} of {it.total:,} events, {it.rate:,.0f} a second{left}"


def _advice(it: Standing) -> Iterator[str]:
    match it.state:
        case "stopped":
            where = f", stream {it.stream}" if it.stream else ""
            of = f" of {public_id('tenant', it.tenant)}" if it.tenant else ""
            yield f"{it.error}: {it.failed_type}, {it.failed and public_id('event', it.failed)}{of}{where}"
            yield f"mend its code, start the worker anew; then `daybook models resume {it.name}`"
        case "changed":
            yield f"{it.error}: `daybook rebuild {it.name}`"
            yield f"where both codes make the same rows, `daybook models resume {it.name}` is enough"
        case "paused":
            yield f"`daybook models resume {it.name}` goes on"
        case _:
            pass
