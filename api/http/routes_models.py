"""Read models: where they stand, and digests that prove them equal to a replay."""

from __future__ import annotations

from api.http import schemas_models as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.fields import ReadModelPath
from api.http.rendering import Json
from application.read_models import ModelStanding
from application.recorded import Answer
from domain import errors
from domain.values import public_id

routes = Routes("Read models")


@routes.add("GET", "/v1/read-models", schemas.ReadModelList)
def list_read_models(call: Call) -> Answer:
    """List the read models: where each stands in this tenant's log, and whether it follows.

    Roles: engineer, owner, auditor.
    """
    return answered(
        {"data": [standing_json(one) for one in call.platform.read_models.page(call.by)]}
    )


@routes.add(
    "GET",
    "/v1/read-models/{name}/digest",
    schemas.ModelDigest,
    errors.NotFound,
    errors.UnknownReference,
    long=True,
)
def show_digest(call: Call, name: ReadModelPath, query: schemas.DigestAsked) -> Answer:
    """Give the digest of what a read model holds of this tenant.

    Without `at` of the rows that are read, at the position where the model stands; with `at` of the rows that a replay
    of this tenant's events up to that position makes. At one position the two are equal.
    Roles: engineer, owner, auditor.
    """
    found = call.platform.read_models.digest(name, query.at, call.by)
    return answered(
        {
            "name": found.name,
            "version": found.version,
            "position": found.position,
            "rows": found.rows,
            "digest": found.digest,
        }
    )


def standing_json(it: ModelStanding) -> Json:
    """Where a model stands."""
    return {
        "name": it.name,
        "version": it.version,
        "position": it.position,
        "lag_events": it.lag_events,
        "lag_seconds": round(it.lag_seconds, 3),
        "state": it.state,
        "error": it.error,
        "failed_event_id": it.failed and public_id("event", it.failed),
        "quarantined_streams": [str(one) for one in it.left_out],
    }
