"""The description says what the routes do, and the file that is checked in says the same."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from api import openapi
from api.http.app import SPECS
from api.http.contract import Spec
from api.http.examples import example
from api.http.problems import PROBLEM_JSON, status_of
from domain.errors import DomainError

# As checked in: to make it takes a second, in every worker. The first test holds it to what the routes say.
TEXT = openapi.FILE.read_bytes()
DOCUMENT: dict[str, Any] = json.loads(TEXT)
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
EACH = pytest.mark.parametrize(
    "operation", [one for _, one in OPERATIONS], ids=[name for name, _ in OPERATIONS]
)


def operation_of(spec: Spec) -> dict[str, Any]:
    """How `spec` is described."""
    found: dict[str, Any] = DOCUMENT["paths"][spec.path][spec.method.lower()]
    return found


def answer_of(operation: dict[str, Any], status: str) -> dict[str, Any]:
    """One answer of an operation, references followed."""
    answer: dict[str, Any] = operation["responses"][status]
    if "$ref" in answer:
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return answer


def test_the_file_that_is_checked_in_is_up_to_date():
    assert openapi.current() == TEXT, "python -m api.openapi --write"


def test_the_check_notices_a_file_that_is_out_of_date(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(openapi, "FILE", tmp_path / "docs" / "openapi.json")
    monkeypatch.setattr(openapi, "current", lambda: TEXT)
    assert openapi.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().err
    assert openapi.main(["--write"]) == 0
    assert openapi.main(["--check"]) == 0


def test_the_description_is_the_same_every_time():
    assert openapi.current() == TEXT


def test_it_is_openapi_3_1():
    assert DOCUMENT["openapi"].startswith("3.1")
    assert DOCUMENT["info"]["title"] == "Daybook"
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_every_route_is_described_once():
    described = [name for name, _ in OPERATIONS]
    assert len(described) == len(set(described))
    assert {f"{spec.method} {spec.path}" for spec in SPECS} <= set(described)
    ids = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


@EACH
def test_every_operation_says_what_it_is(operation: dict[str, Any]):
    assert operation["summary"]
    assert not operation["summary"].endswith(".")
    assert len(operation["tags"]) == 1
    assert operation["security"] in ([], [{"key": []}], [{"key": []}, {}])
    assert (operation["security"] == []) == (operation["tags"] == ["Machine"])


@EACH
def test_every_answer_that_is_not_a_success_is_a_problem(operation: dict[str, Any]):
    for status in operation["responses"]:
        answer = answer_of(operation, status)
        assert answer["description"]
        if not status.startswith("2"):
            kinds = list(answer["content"])
            if (operation["operationId"], status) == ("add_checkpoint", "409"):
                assert kinds == ["text/x.tlog.size"]  # the witness protocol's own word
                continue
            assert kinds == [PROBLEM_JSON]
            assert answer["content"][PROBLEM_JSON]["schema"]["$ref"].endswith("/Problem")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.handler.__name__)
def test_every_refusal_of_an_operation_is_documented_by_its_code(spec: Spec):
    operation = operation_of(spec)

    def documented(kind: type[DomainError]) -> bool:
        status = str(status_of(kind))
        return f"`{kind.code}`" in answer_of(operation, status)["description"]

    assert all(documented(kind) for kind in spec.refuses)
    statuses = set(operation["responses"])
    assert {str(spec.status), "400", "401", "403", "422", "429", "500", "503"} <= statuses
    assert ("404" in statuses) >= bool(spec.takes.ids)
    assert ("412" in statuses) == spec.changes
    assert ("413" in statuses) == ("415" in statuses) == (spec.method in ("POST", "PUT", "PATCH"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.handler.__name__)
def test_every_operation_names_the_headers_it_takes(spec: Spec):
    parameters = operation_of(spec).get("parameters", [])
    headers = {one["name"] for one in parameters if one["in"] == "header"}
    assert ("Idempotency-Key" in headers) == (spec.method == "POST")
    assert ("If-Match" in headers) == spec.changes
    assert ({"Daybook-Purpose", "Daybook-Case"} <= headers) == spec.opens


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.handler.__name__)
def test_every_write_answers_its_event(spec: Spec):
    headers = answer_of(operation_of(spec), str(spec.status))["headers"]
    writes = spec.method != "GET" and not spec.handler.__name__.startswith("prove_")
    assert ("Daybook-Event" in headers) == writes
    assert ("Location" in headers) == (spec.status == 201 and not spec.takes.calendar)


def test_the_examples_of_bodies_are_what_their_schemas_allow():
    schemas = DOCUMENT["components"]["schemas"]
    seen = 0
    for _, operation in OPERATIONS:
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        seen += 1
        whole = {**content["schema"], "components": DOCUMENT["components"]}
        jsonschema_rs.validate(whole, example(content["schema"], schemas))
    assert seen == sum(spec.takes.body is not None for spec in SPECS)


def test_no_default_is_told_for_what_a_change_leaves_out():
    for name in ("LocationChange", "ServiceChange", "StaffChange"):
        schema = DOCUMENT["components"]["schemas"][name]
        assert "required" not in schema
        assert all("default" not in field for field in schema["properties"].values())
