"""The OpenAPI 3.1 description: made from the routes, checked in as `docs/openapi.json`.

python -m api.openapi --write    write it
python -m api.openapi --check    exit 1 when the file is not what the routes say
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from api.http.problems import PROBLEM_JSON
from api.http.schemas_common import Problem

TITLE: Final = "Daybook"
SUMMARY: Final = "A scheduling platform that can prove what it did with people's data."
DESCRIPTION: Final = """\
Businesses book their customers here. Send an API key with every call: `Authorization: Bearer dbk_...`.

**Instants** are RFC 3339 in UTC with `Z`; ranges are half-open. **Ids** are opaque texts with a type prefix.
**Lists** come in parts: `?limit=` and `?cursor=`. Ignore fields and codes that you do not know.

**Safe to repeat.** Every POST takes an `Idempotency-Key`: for 24 hours the same body gets the same answer.
**Versions.** Resources answer an `ETag`; a change takes an optional `If-Match`.
**Following.** Every write answers `Daybook-Event`; a list takes `?at_least=<event or position>` and waits until it
includes it.
**Personal data** is opened only with `Daybook-Purpose` (and `Daybook-Case` where the purpose demands one), and
that is recorded.

Every refusal is `application/problem+json` with a stable `code`; `/problems/<code>` says what it means.
"""
TAGS: Final = [
    {
        "name": "Set up a business",
        "description": "Locations, services and staff: where, what and by whom.",
    },
    {
        "name": "Recipients",
        "description": "Named outsiders who may be given personal data, for what, and while which contract runs.",
    },
    {
        "name": "Disclosures",
        "description": "Personal data is handed over: checked, recorded and mirrored before anything leaves.",
    },
    {"name": "Keys", "description": "Who may call, in which roles, at which locations."},
    {"name": "Book", "description": "Slots, holds, bookings and the agenda."},
    {"name": "Figures", "description": "What became of bookings, in numbers; nobody is in them."},
    {
        "name": "People and consent",
        "description": "What the privacy policy says, who agreed to what, and what is held about a person.",
    },
    {
        "name": "Rights, retention, erasure",
        "description": "What people ask for under the law, by when it is due, and what becomes of it.",
    },
    {
        "name": "Disclosures and access",
        "description": "Who looked at whose data, who was refused, and what is reviewed.",
    },
    {
        "name": "Policy",
        "description": "What the privacy policy promises, and the tests that hold it.",
    },
    {
        "name": "Answers",
        "description": "Who did we share with: about a person, to a recipient, in a period; and the reports.",
    },
    {
        "name": "Ledger",
        "description": "What was recorded, for whoever checks it: signed, and to be verified without us.",
    },
    {
        "name": "Read models",
        "description": "For engineers: where the tables behind the lists stand, and digests that prove them equal to a"
        " replay.",
    },
    {"name": "Machine", "description": "For programs that look after this one. No key is needed."},
]


def document(routes: Sequence[BaseRoute], version: str) -> dict[str, Any]:
    """The whole description, as a JSON value."""
    found = get_openapi(
        title=TITLE,
        version=version,
        summary=SUMMARY,
        description=DESCRIPTION,
        routes=routes,
        tags=TAGS,
        servers=[{"url": "/", "description": "This instance."}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
    )
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "dbk_...",
            "description": "An API key. It belongs to one tenant, has roles, and locations.",
        }
    }
    components["schemas"] = dict(sorted(schemas.items()))
    components["responses"] = dict(sorted(_shared_problems(found["paths"]).items()))
    return found


def _shared_problems(paths: dict[str, Any]) -> dict[str, Any]:
    """Refusals that operations have in common, told once: what stood there becomes a reference."""
    shared: dict[str, Any] = {}
    for operation in (one for methods in paths.values() for one in methods.values()):
        for status, response in operation["responses"].items():
            problem = response.get("content", {}).get(PROBLEM_JSON)
            if problem is not None:
                name = f"{status}.{'-'.join(problem['examples'])}"
                shared[name] = response
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    return shared


def text(document: dict[str, Any]) -> bytes:
    """The description as it is served and checked in: the same bytes for the same routes."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
