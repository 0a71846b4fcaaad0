"""What the HTTP API has beyond the public contract: the tables of `docs/api-extensions.md`, from the description.

    python -m tools.api_extensions --write    write them; what stands above them stays
    python -m tools.api_extensions --check    exit 1 when it says something else, or the contract lacks something

`tests/golden/api_contract.json` is the contract: its routes with the fields of their bodies and queries, the routes
that come later, the fields of its answers by schema, its words and its codes. It is written by hand, and changes only
when the contract does, or when what was to come later is there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from api import openapi
from api.http.problems import meanings
from application.answers.disclosure_reads import View
from application.gauges import GAUGES
from domain import access_key, booking, clock, clock_terms, consent, disclosure, erasure
from domain import recipient_terms as recipients
from domain.privacy_request_codes import RequestChannel
from domain.purposes import PURPOSES
from domain.report import ReportFormat, ReportName
from domain.sealing import RetentionClass
from tools.steps import ROOT

FILE: Final = Path("docs/api-extensions.md")
BEGIN: Final = "<!-- what follows is written by python -m tools.api_extensions --write -->"
CONTRACT: Final = Path("tests/golden/api_contract.json")
# Every list and every read of a read model has them, as the contract says once for all.
_PAGING: Final = frozenset({"limit", "cursor", "at_least"})
_LISTED: Final = frozenset({"data", "next_cursor"})
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
WORDS: Final[Mapping[str, Sequence[str]]] = {
    "roles": get_args(access_key.Role),
    "purposes": tuple(PURPOSES),
    "lawful bases": get_args(disclosure.LawfulBasis),
    "recipient kinds": get_args(recipients.Kind),
    "recipient roles": get_args(recipients.Role),
    "reasons of a refused disclosure": get_args(disclosure.Reason),
    "consent methods": get_args(consent.Method),
    "request types": get_args(clock_terms.RequestType),
    "jurisdictions of a request": get_args(clock_terms.Jurisdiction),
    "channels of a request": get_args(RequestChannel),
    "clock states": get_args(clock.State),
    "retention classes": get_args(RetentionClass),
    "erasure statuses": get_args(erasure.ErasureStatus),
    "booking reason codes": get_args(booking.ReasonCode),
    "booking statuses": tuple(one.value for one in booking.Status),
    "reports": get_args(ReportName),
    "report formats": get_args(ReportFormat),
    "views of disclosures": get_args(View),
}
Json = dict[str, Any]


def contract() -> Json:
    """The contract, as it is checked in."""
    found: Json = json.loads((ROOT / CONTRACT).read_text())
    return found


def routes_of(described: Json) -> dict[str, Json]:
    """The operations of a description, by `METHOD /path`, in its order."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if method in _METHODS
    }


def missing(described: Json, agreed: Json) -> list[str]:
    """Routes, words and codes of the contract that the API does not have."""
    routes = routes_of(described)
    return [
        *(route for route in agreed["routes"] if route not in routes),
        *(
            f"{word} of {name}"
            for name, words in agreed["words"].items()
            for word in words
            if word not in WORDS[name]
        ),
        *(code for code in agreed["codes"] if code not in meanings()),
    ]


def told(described: Json, agreed: Json) -> str:
    """The tables of the document, in Markdown, to its end."""
    return "\n".join(
        [
            BEGIN,
            "",
            "## Calls",
            "",
            "| call | what it does | body | query |",
            "|---|---|---|---|",
            *_calls(described, agreed),
            "| `GET /static/{name}` | Give a file of the page at `/docs` |  |  |",
            "",
            "## Fields that the contract's own calls take besides",
            "",
            "| call | body | query |",
            "|---|---|---|",
            *_inputs(described, agreed),
            "",
            "## Fields of the contract's answers, besides",
            "",
            "By their schema in `openapi.json`. An answer that the contract gives no fields for stands here whole.",
            "",
            "| answer | fields |",
            "|---|---|",
            *_answers(described, agreed),
            "",
            "## Words besides",
            "",
            "| of | words |",
            "|---|---|",
            *_words(agreed),
            "",
            "## Codes of refusals besides",
            "",
            "| code | status | what it means |",
            "|---|---|---|",
            *_codes(agreed),
            "",
            *_metrics(),
        ]
    )


def _calls(described: Json, agreed: Json) -> Iterator[str]:
    for route, operation in routes_of(described).items():
        if route not in agreed["routes"] and route not in agreed["later"]:
            body, query = _body(described, operation), _query(operation)
            yield f"| `{route}` | {operation['summary']} | {_code(body)} | {_code(query)} |"


def _inputs(described: Json, agreed: Json) -> Iterator[str]:
    for route, operation in routes_of(described).items():
        if route not in agreed["routes"]:
            continue
        known = agreed["routes"][route]
        body = [one for one in _body(described, operation) if one not in known.get("body", ())]
        query = [one for one in _query(operation) if one not in {*known.get("query", ()), *_PAGING}]
        if body or query:
            yield f"| `{route}` | {_code(body)} | {_code(query)} |"


def _answers(described: Json, agreed: Json) -> Iterator[str]:
    schemas = described["components"]["schemas"]
    for name in _answered(described, agreed):
        known = {*agreed["answers"].get(name, ()), *_LISTED}
        besides = [one for one in _properties(described, schemas[name]) if one not in known]
        if besides:
            yield f"| `{name}` | {_code(besides)} |"


def _answered(described: Json, agreed: Json) -> list[str]:
    """The schemas of what the contract's calls answer, and of the members of lists, by name."""
    schemas, names = described["components"]["schemas"], set[str]()
    for route, operation in routes_of(described).items():
        if route not in agreed["routes"]:
            continue
        for status, answer in operation["responses"].items():
            for body in answer.get("content", {}).values() if status.startswith("2") else ():
                if "$ref" in body["schema"]:
                    names.add(_name(body["schema"]))
    listed = {
        _name(items)
        for name in names
        if "$ref" in (items := schemas[name].get("properties", {}).get("data", {}).get("items", {}))
    }
    return sorted(names | listed)


def _words(agreed: Json) -> Iterator[str]:
    for name, words in WORDS.items():
        besides = [one for one in words if one not in agreed["words"][name]]
        if besides:
            yield f"| {name} | {_code(besides)} |"


def _codes(agreed: Json) -> Iterator[str]:
    for code, meaning in meanings().items():
        if code not in agreed["codes"]:
            yield f"| `{code}` | {meaning.status} | {meaning.says.replace('|', '/')} |"


def _metrics() -> list[str]:
    return [
        "## Metrics",
        "",
        "`GET /metrics` is in the Prometheus text format. No label holds a tenant, a key, an id or anything of a",
        "person: figures are of all tenants together. Duties, erasures and logs are counted by the worker once a",
        "minute, and are absent before it has; read models are looked up when they are asked for.",
        "",
        "| metric | labels | what it says |",
        "|---|---|---|",
        "| `daybook_http_requests_total` | `method`, `route`, `status` | Answers. |",
        "| `daybook_http_request_seconds` | `route` | From the first byte read to the last one sent. |",
        "| `daybook_duties_late` | | What is late: answers to people, reviews, recipients to be told. |",
        "| `daybook_duties_due_in_7_days` | | What is due within seven days, and not late. |",
        *(
            f"| `daybook_{name}` |{f' `{label}` ' if label else ' '}| {says} |"
            for name, (label, says) in GAUGES.items()
        ),
        "",
    ]


def _body(described: Json, operation: Json) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    return _properties(described, content.get("application/json", {}).get("schema", {}))


def _query(operation: Json) -> list[str]:
    return [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]


def _properties(described: Json, schema: Json) -> list[str]:
    """The names of an object's fields; of a choice of objects, those of all of them."""
    if "$ref" in schema:
        return _properties(described, described["components"]["schemas"][_name(schema)])
    of_choices = (name for one in schema.get("anyOf", ()) for name in _properties(described, one))
    return list(dict.fromkeys([*schema.get("properties", {}), *of_choices]))


def _name(schema: Json) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _code(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main(arguments: Sequence[str]) -> int:
    """Run the command line."""
    described, agreed = json.loads(openapi.current()), contract()
    text = told(described, agreed)
    words, begin, tables = (ROOT / FILE).read_text().partition(BEGIN)
    if "--write" in arguments:
        begin, tables = text[: len(BEGIN)], text[len(BEGIN) :]
        (ROOT / FILE).write_text(words + begin + tables)
    lacking = missing(described, agreed)
    for one in lacking:
        print(f"the contract's {one} is not there")
    stale = begin + tables != text
    if stale:
        print(f"{FILE} is out of date: python -m tools.api_extensions --write")
    return 1 if lacking or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
