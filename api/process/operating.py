"""`daybook models`: where read models stand, and what their operator does about them."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from api.process.models_named import named
from api.process.rebuilding import events, filler
from domain.values import PREFIXES, instant_text, parse_id, public_id
from infrastructure.clock import SystemClock
from infrastructure.deployment import Deployment
from infrastructure.server.start_faults import StartFault
from projections.engine.follower import Follower
from projections.engine.operating import LeftOut, Standing, all_left_out, standings
from projections.engine.quarantine import Wanted, leave_out, tenants_with
from projections.models import MAY_LEAVE_OUT


class ModelRefused(StartFault):
    """It cannot be done to this read model, or not now."""


def run_list(deployment: Deployment, *, as_json: bool) -> int:
    """Say where each model stands, and what it leaves out."""
    with filler(deployment) as connection:
        found, out = standings(connection), all_left_out(connection)
    print(json.dumps(as_document(found, out)) if as_json else "\n".join(as_lines(found, out)))
    return 0


def run_pause(deployment: Deployment, name: str) -> int:
    """Have a model follow no more, for all tenants. Refuses: NoSuchReadModel, ModelRefused."""
    (model,) = named([name])
    with filler(deployment) as connection:
        if not Follower(model, events()).pause(connection):
            raise ModelRefused(f"{name} does not follow at this moment: see `daybook models`")
    print(f"paused {name}; what it has is served, and marked stale")
    return 0


def run_resume(deployment: Deployment, name: str) -> int:
    """Have a model go on where it stands, with the code that is here. Refuses: NoSuchReadModel, ModelRefused."""
    (model,) = named([name])
    with filler(deployment) as connection:
        if not Follower(model, events()).resume(connection):
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
    (model,) = named([name])
    if name not in MAY_LEAVE_OUT:
        raise ModelRefused(
            f"{name} leaves nothing out: an answer about people's data is complete or not given;"
            f" {', '.join(sorted(MAY_LEAVE_OUT))} may"
        )
    if not reason.strip():
        raise ModelRefused("say why: the reason is on record")
    id = stream_id(stream)
    with filler(deployment) as connection:
        tenants = tenants_with(connection, id)
        if not tenants:
            raise ModelRefused(f"there is no stream {stream}")
        for tenant in tenants:
            wanted = Wanted(tenant, id, by or getpass.getuser(), reason, SystemClock().now())
            if not leave_out(connection, model, wanted):
                raise ModelRefused(f"{name} leaves that stream out already, or follows nothing yet")
    print(
        f"{name} leaves {stream} out from where it stands; `daybook rebuild {name}` takes it in again"
    )
    return 0


def stream_id(text: str) -> UUID:
    """The stream behind an id of ours or a bare UUID. Refuses: ModelRefused."""
    for kind in PREFIXES:
        if (found := parse_id(kind, text)) is not None:
            return found
    with suppress(ValueError):
        return UUID(text)
    raise ModelRefused(f"{text} is not the id of a stream (a UUID, or for example bkg_...)")


def as_document(found: Sequence[Standing], out: Sequence[LeftOut]) -> dict[str, Any]:
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
                "quarantined": [_left_out(one) for one in out if one.name == it.name],
            }
            for it in found
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


def as_lines(found: Sequence[Standing], out: Sequence[LeftOut]) -> Iterator[str]:
    """All of it, for a person; what to do about a model stands under it."""
    for it in found:
        behind = f"{it.lag_events:,} behind, {it.lag_seconds:,.1f} s" if it.lag_events else "up"
        yield f"{it.name + f' v{it.version}':<16} {it.state:<10} at {it.sequence:<12,} {behind}"
        yield from (f"  {line}" for line in _advice(it))
        for one in (each for each in out if each.name == it.name):
            yield (
                f"  without stream {one.stream} of {public_id('tenant', one.tenant)} after"
                f" {one.after_sequence:,}: {one.reason} ({one.by}, {instant_text(one.at)})"
            )


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
