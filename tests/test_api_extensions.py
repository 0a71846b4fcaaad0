"""What the API has beyond its contract is told, all of it; and what the contract names is there.

Each check is shown red: a description or a contract with one thing changed has exactly that fault.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from starlette.routing import Route

from api import openapi
from api.composition import in_memory
from api.http.app import create_app
from api.http.metrics import Metrics
from api.http.settings import ApiSettings
from tools.api_extensions import BEGIN, FILE, WORDS, contract, missing, told
from tools.steps import ROOT

DESCRIBED: dict[str, Any] = json.loads(
    openapi.FILE.read_bytes()
)  # what the routes say: tests/http/test_openapi.py
WHOLE = (ROOT / FILE).read_text()
TOLD = WHOLE[WHOLE.index(BEGIN) :]


def untold(agreed: dict[str, Any], text: str) -> list[str]:
    """The routes of the application itself that neither the contract nor the document names."""
    served = [
        f"{method} {route.path.replace(':path}', '}')}"
        for route in create_app(in_memory(), ApiSettings()).routes
        if isinstance(route, Route)
        for method in route.methods or ()
    ]
    assert len(served) > len(agreed["routes"]), "the routes were found"
    known = {*agreed["routes"], *agreed["later"]}
    return [one for one in served if one not in known and f"| `{one}` |" not in text]


def test_every_route_is_of_the_contract_or_told():
    assert untold(contract(), TOLD) == []


def test_a_route_that_is_neither_is_seen():
    agreed = contract()
    del agreed["routes"]["GET /v1/slots"]
    assert untold(agreed, TOLD) == ["GET /v1/slots"]
    told_less = TOLD.replace("| `GET /v1/break-glass` |", "")
    assert untold(contract(), told_less) == ["GET /v1/break-glass"]


def test_what_is_told_is_what_the_description_says():
    assert told(DESCRIBED, contract()) == TOLD


def test_what_the_contract_names_is_there():
    assert missing(DESCRIBED, contract()) == []


def test_what_the_contract_names_and_is_not_there_is_seen():
    described, agreed = deepcopy(DESCRIBED), contract()
    del described["paths"]["/v1/slots"]
    agreed["codes"].append("out_of_luck")
    agreed["words"]["clock states"].append("stopped")
    found = ["GET /v1/slots", "stopped of clock states", "out_of_luck"]
    assert missing(described, agreed) == found


@pytest.mark.parametrize(
    ("part", "line"),
    [
        ("body", "| `POST /v1/locations` | `colour` |  |"),
        ("query", "| `GET /v1/slots` |  | `colour` |"),
        ("answer", "| `Location` | `active`, `colour` |"),
    ],
)
def test_a_field_that_is_new_is_told(part: str, line: str):
    described = deepcopy(DESCRIBED)
    schemas, field = described["components"]["schemas"], {"type": "string"}
    if part == "body":
        schemas["NewLocation"]["properties"]["colour"] = field
    elif part == "answer":
        schemas["Location"]["properties"]["colour"] = field
    else:
        named = {"name": "colour", "in": "query", "schema": field}
        described["paths"]["/v1/slots"]["get"]["parameters"].append(named)
    assert line not in TOLD
    assert line in told(described, contract())


def test_words_and_codes_beyond_the_contract_are_told():
    agreed = contract()
    assert set(agreed["words"]) == set(WORDS)
    agreed["words"]["clock states"].remove("met")
    agreed["codes"].remove("behind")
    text = told(DESCRIBED, agreed)
    assert "| clock states | `met` |" in text
    assert "| `behind` | 503 |" in text
    assert "| reasons of a refused disclosure | `opted_out`," in TOLD


def test_every_metric_is_told():
    families = {one.name: one.type for one in Metrics().registry.collect()}
    assert len(families) > 5
    names = {f"{name}_total" if kind == "counter" else name for name, kind in families.items()}
    assert {name for name in names if f"| `{name}` |" not in TOLD} == set()
