"""The privacy policy as data."""

from __future__ import annotations

from api.http import schemas_policy as schemas
from api.http.call import Call, answered
from api.http.contract import Routes
from api.http.rendering import Json, list_json
from application.policy.policy_matrix import Contradiction, PolicyMatrix, PolicyRow
from application.recorded import Answer

routes = Routes("Policy")


@routes.add("GET", "/v1/policy-matrix", schemas.PolicyMatrix)
def show_policy_matrix(call: Call) -> Answer:
    """Show what the privacy policy promises: a hundred rows, each with its tests or with what it waits for.

    The tests are those of this version's source; a row whose tests are missing or red fails its build. Listed
    beside them: where the policy contradicts itself, the law or the facts. Every role of the tenant.
    """
    return answered(matrix_json(call.platform.policy.matrix(call.by)))


def matrix_json(it: PolicyMatrix) -> Json:
    """The whole matrix."""
    waiting = {capability: len(numbers) for capability, numbers in it.pending.items()}
    counts = {"rows": len(it.rows), "held": len(it.held), "pending": waiting}
    contradictions = [_contradiction_json(one) for one in it.contradictions]
    rows = list_json([_row_json(row) for row in it.rows], None)
    return {**rows, "contradictions": contradictions, "counts": counts}


def _row_json(it: PolicyRow) -> Json:
    return {
        "number": it.number,
        "section": it.section,
        "lines": list(it.lines),
        "promise": it.promise,
        "purposes": list(it.purposes),
        "events": list(it.events),
        "invariants": list(it.invariants),
        "tests": list(it.tests),
        "pending": it.pending,
    }


def _contradiction_json(it: Contradiction) -> Json:
    return {
        "number": it.number,
        "lines": list(it.lines),
        "contradiction": it.contradiction,
        "treatment": it.treatment,
    }
