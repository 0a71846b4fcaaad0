"""How an operation appears in the OpenAPI description: parameters, headers, answers, and every refusal by its code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Body, Path, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

from api.http.contract import Spec
from api.http.fields import example_id, path_schema
from api.http.limits import CALENDAR
from api.http.problems import PROBLEM_JSON, Bug, UnknownField, UnsupportedMediaType, status_of
from application.following import ReadModelStopped
from domain import errors
from domain.access_review import GLASS_REASONS
from domain.purposes import PURPOSES

PROBLEM_REF: Final = "#/components/schemas/Problem"
SECURITY: Final[list[dict[str, list[str]]]] = [{"key": []}]
NO_KEY: Final[dict[str, list[str]]] = {}
JSON_CLASS: Final = JSONResponse


class OtherResponse(Response):
    """An answer whose media type `responses` tells."""

    media_type = None


class Nothing(BaseModel):
    """An object without fields: what an operation takes that takes nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)


def endpoint(spec: Spec) -> Callable[..., None]:
    """A function with the signature that FastAPI is to describe. It is never called."""

    def described() -> None:
        raise AssertionError("an Operation runs its handler itself")

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(
            name,
            keyword,
            annotation=Annotated[str, _path(kind)],
        )
        for name, kind in spec.takes.ids
    ]
    if spec.takes.query is not None:
        asked = Annotated[spec.takes.query, Query()]  # type: ignore[name-defined]
        parameters.append(inspect.Parameter("query", keyword, annotation=asked))
    if (body := spec.takes.body) is not None:
        if spec.takes.body_optional:
            given = Annotated[body | None, Body()]  # type: ignore[valid-type]
            parameters.append(inspect.Parameter("body", keyword, annotation=given, default=None))
        else:
            parameters.append(
                inspect.Parameter("body", keyword, annotation=Annotated[body, Body()])
            )
    described.__name__ = spec.handler.__name__
    described.__doc__ = None
    described.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return described


def _path(kind: str) -> Any:
    pattern, example = path_schema(kind)
    return Path(pattern=pattern, examples=[example])


def route(spec: Spec) -> dict[str, Any]:
    """What the route of `spec` is made with."""
    lines = (inspect.getdoc(spec.handler) or spec.handler.__name__).split("\n", 1)
    extra: dict[str, Any] = {"security": [*SECURITY, NO_KEY] if spec.published else SECURITY}
    if headers := _request_headers(spec):
        extra["parameters"] = headers
    if spec.takes.calendar:
        content = {CALENDAR: {"schema": {"type": "string"}, "example": CALENDAR_EXAMPLE}}
        extra["requestBody"] = {"required": True, "content": content}
    is_json = not isinstance(spec.answers, str)
    return {
        "methods": [spec.method],
        "tags": [spec.tag],
        "status_code": spec.status,
        "operation_id": spec.handler.__name__,
        "summary": lines[0].rstrip("."),
        "description": lines[1].strip() if len(lines) > 1 else "",
        "response_model": spec.answers if is_json else None,
        "response_class": JSON_CLASS if is_json else OtherResponse,
        "response_description": HTTPStatus(spec.status).phrase,
        "responses": _responses(spec),
        "openapi_extra": extra,
    }


# --- answers ---------------------------------------------------------------------------------------------------------


def _responses(spec: Spec) -> dict[int | str, dict[str, Any]]:
    # A list that says how far it has followed says as well when it does not go on.
    stale = ("Daybook-Stale",) if "Daybook-Position" in spec.headers else ()
    success: dict[str, Any] = {"headers": {it: HEADERS[it] for it in (*spec.headers, *stale)}}
    if isinstance(spec.answers, str):
        success["content"] = {spec.answers: {"schema": {"type": "string"}}}
    if spec.also:
        success["content"] = {kind: {"schema": {"type": "string"}} for kind in spec.also}
    found: dict[int | str, dict[str, Any]] = {spec.status: success}
    if spec.pending:
        later = "Not yet there; ask again."
        found[202] = {"description": later, "headers": {"Retry-After": HEADERS["Retry-After"]}}
    found.update(problem_responses(_refusals(spec)))
    return found


def problem_responses(
    refusals: Iterable[type[errors.DomainError]],
) -> dict[int | str, dict[str, Any]]:
    """The refusals by status, each with its codes and an example."""
    by_status: dict[int, dict[str, type[errors.DomainError]]] = {}
    for refusal in refusals:
        by_status.setdefault(status_of(refusal), {}).setdefault(refusal.code, refusal)
    return {status: _problem_response(kinds) for status, kinds in sorted(by_status.items())}


def _problem_response(kinds: dict[str, type[errors.DomainError]]) -> dict[str, Any]:
    status = status_of(next(iter(kinds.values())))
    told = "; ".join(f"`{code}`: {kind.title()}" for code, kind in kinds.items())
    examples = {
        code: {
            "summary": kind.title(),
            "value": {
                "type": f"/problems/{code}",
                "title": kind.title(),
                "status": status,
                "detail": kind.title(),
                "code": code,
                "instance": "urn:uuid:5f0c6b2e-9d3a-4c1b-8e7f-60112233aabb",
            },
        }
        for code, kind in kinds.items()
    }
    response: dict[str, Any] = {
        "description": told,
        "content": {PROBLEM_JSON: {"schema": {"$ref": PROBLEM_REF}, "examples": examples}},
    }
    if status in (429, 503) or errors.IdempotencyInFlight.code in kinds:
        response["headers"] = {"Retry-After": HEADERS["Retry-After"]}
    return response


def _refusals(spec: Spec) -> list[type[errors.DomainError]]:
    found: list[type[errors.DomainError]] = [
        errors.Malformed,
        errors.Unidentified,
        errors.NotPermitted,
        errors.Unacceptable,
        UnknownField,
        errors.TooMany,
        Bug,
        errors.Unavailable,
    ]
    if spec.takes.ids:
        found.append(errors.NotFound)
    if spec.method in ("POST", "PUT", "PATCH"):
        found += [errors.TooLarge, UnsupportedMediaType]
    if spec.method != "GET":
        found.append(errors.Stale)
    if spec.method == "POST":
        found += [errors.IdempotencyInFlight, errors.IdempotencyMismatch]
    if spec.changes:
        found.append(errors.VersionMismatch)
    if spec.opens or spec.method != "GET":
        found.append(errors.PurposeRequired)
    if spec.takes.query is not None and "at_least" in spec.takes.query.model_fields:
        found += [errors.Behind, ReadModelStopped, errors.UnknownReference]
    return [*found, *spec.refuses]


# --- headers ---------------------------------------------------------------------------------------------------------


def _text(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}, "example": example}


HEADERS: Final[dict[str, dict[str, Any]]] = {
    "Daybook-Certificate-Code": _text(
        "The code for the person alone, where this answer made the certificate.", "9f" * 32
    ),
    "Daybook-Event": _text("The event that recorded this.", example_id("event")),
    "Daybook-Position": _text("How far the list has followed, -1 when nowhere yet.", "41"),
    "Daybook-Signature": _text(
        "A signed note of the ledger's key over a manifest that lists the body's digest, base64.",
        "ZGF5Ym9vay9tYW5pZmVzdC92MQo=",
    ),
    "Daybook-Stale": _text(
        "Only where a read model that this was read from does not follow at the moment: its name, and up to which"
        " position it is served (a list of RFC 9651).",
        "agenda; position=41",
    ),
    "ETag": _text("The version of the resource, for If-Match.", '"3"'),
    "Location": _text("Where the new resource is.", "/v1/bookings/" + example_id("booking")),
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}


def _request_headers(spec: Spec) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if spec.method == "POST":
        words = "Makes a repeated call safe: for 24 hours the same body gets the same answer."
        found.append(
            _header(
                "Idempotency-Key", words, {"type": "string", "pattern": "^[!#-\\[\\]-~]{1,255}$"}
            )
        )
    if spec.changes:
        words = "Change it only if it still has this version."
        found.append(_header("If-Match", words, {"type": "string", "pattern": '^"[0-9]{1,18}"$'}))
    if spec.opens:
        words = "Why personal data is opened. Without it nothing is."
        found.append(
            _header("Daybook-Purpose", words, {"type": "string", "enum": sorted(PURPOSES)})
        )
        words = "The case that some purposes demand, an id."
        shape = {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"}
        found.append(_header("Daybook-Case", words, shape))
        words = "Opens beyond this key's role or locations, where the tenant allows it; a review is due."
        reasons = {"type": "string", "enum": list(GLASS_REASONS)}
        found.append(_header("Daybook-Break-Glass", words, reasons))
    return found


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema,
    }


CALENDAR_EXAMPLE: Final = "\r\n".join(
    (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//example//EN",
        "BEGIN:VEVENT",
        "UID:1@example",
        "DTSTAMP:20270301T000000Z",
        "DTSTART:20270314T140000Z",
        "DTEND:20270314T150000Z",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
)
