"""The shape of every refusal, and the only way in which tests look at one.

{"type": "/problems/<code>", "title", "status", "detail", "code", "instance": "urn:uuid:...",
 "errors"?: [{"pointer", "code", "detail"}]}
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from httpx2 import Response

from api.http.problems import meanings

MEMBERS = {"type", "title", "status", "detail", "code", "instance"}


def assert_problem(response: Response, code: str, *pointers: str) -> dict[str, Any]:
    """It is the problem `code`, with field errors at exactly these pointers; its body."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body: dict[str, Any] = response.json()
    assert body.keys() >= MEMBERS
    assert body["code"] == code, body
    meaning = meanings()[code]
    assert body["status"] == response.status_code == meaning.status
    assert body["type"] == f"/problems/{code}"
    assert body["title"]
    assert body["detail"]
    UUID(body["instance"].removeprefix("urn:uuid:"))
    assert [error["pointer"] for error in body.get("errors", [])] == list(pointers), body
    for error in body.get("errors", []):
        assert error.keys() == {"pointer", "code", "detail"}
        assert error["code"]
        assert error["detail"]
    assert ("retry-after" in response.headers) == (
        response.status_code in (429, 503) or code in ("stale", "idempotency_in_flight")
    )
    return body
