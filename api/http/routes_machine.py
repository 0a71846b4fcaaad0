"""For programs that look after this one, and for people who have just found it. No key is needed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any, Final

import orjson
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from api.http import describe, metrics, pages
from api.http.operation import Edge
from api.http.problems import Bug, Meaning, meanings
from application.gauges import replica_gauges
from application.read_models import ReplicaState
from domain import errors
from domain.values import instant_text

GPC: Final = {"gpc": True, "lastUpdate": "2026-11-22"}
KEEPS: Final = "public, max-age=3600"
EXPIRES_DAYS: Final = 180
_FORWARDED: Final = ("forwarded", "x-forwarded-for")

Endpoint = Callable[[Request], Any]


class Health(BaseModel):
    """It runs."""

    status: str


class Readiness(BaseModel):
    """Whether each part that requests need is there, and by which rules it reckons.

    `replica` is there where lists are read from one; while it is not fresh they are read from the primary.
    """

    status: str
    version: str
    tzdata: str
    parts: dict[str, bool]
    replica: ReplicaState | None = None


class ProblemCode(BaseModel):
    """What a code of a problem means."""

    code: str
    status: int
    title: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Machine:
    """The handlers. `description` (OpenAPI, as JSON) and `reference` (a page) are made at the first use, and kept."""

    edge: Edge
    metrics: metrics.Metrics
    description: Callable[[], bytes]
    reference: Callable[[], str]

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        return [
            machine_route("/healthz", self.show_health, Health),
            machine_route("/readyz", self.show_readiness, Readiness, errors.Unavailable),
            machine_route("/metrics", self.show_metrics, "text/plain", errors.NotFound),
            machine_route("/problems/{code}", self.show_problem, ProblemCode, errors.NotFound),
            machine_route("/.well-known/security.txt", self.show_security_contact, "text/plain"),
            machine_route("/.well-known/gpc.json", self.show_privacy_control, "application/json"),
            machine_route("/openapi.json", self.show_description, "application/json"),
            machine_route("/docs", self.show_docs, "text/html"),
            machine_route(
                "/static/{name}", self.show_static, "text/plain", errors.NotFound, hidden=True
            ),
            machine_route("/", self.show_start, "application/json"),
        ]

    async def show_health(self, _: Request) -> Response:
        """Say that this process runs."""
        return _json({"status": "ok"})

    async def show_readiness(self, _: Request) -> Response:
        """Say whether this process can answer calls, and which time zone rules it goes by."""
        parts = await self.edge.waiters.run(self.edge.platform.readiness)
        ready = all(parts.values())
        body = {
            "status": "ready" if ready else "not_ready",
            "version": self.edge.settings.version,
            "tzdata": version("tzdata"),
            "parts": dict(parts),
        }
        if (replica := self.edge.platform.replica()) is not None:
            body["replica"] = replica
        if ready:
            return _json(body)
        missing = ", ".join(sorted(name for name, there in parts.items() if not there))
        raise errors.Unavailable(f"Not ready: {missing}.")

    async def show_metrics(self, request: Request) -> Response:
        """Give counts and durations in the Prometheus format.

        Only to the machine itself, unless the operator opens it: it counts the calls of all tenants together.
        """
        if not (self.edge.settings.metrics_public or _is_local(request)):
            raise errors.NotFound()
        with suppress(errors.Unavailable):  # what is counted here is told all the same
            counted = await self.edge.waiters.run(self.edge.platform.duty_totals.total)
            if counted is not None:
                self.metrics.count_duties(counted.late, counted.soon)
            self.metrics.set_gauges(await self.edge.waiters.run(self.edge.platform.gauges.all))
        self.metrics.set_gauges(replica_gauges(self.edge.platform.replica()))
        return Response(self.metrics.text(), media_type=metrics.CONTENT_TYPE)

    async def show_problem(self, request: Request) -> Response:
        """Say what a code of a problem means."""
        meaning = meanings().get(request.path_params["code"])
        if meaning is None:
            raise errors.NotFound()
        if _wants_html(request):
            return _html(pages.problem(meaning))
        return _json(_meaning_json(meaning))

    async def show_security_contact(self, request: Request) -> Response:
        """Say where to report a vulnerability (RFC 9116)."""
        contact = self.edge.settings.security_contact or f"{request.base_url}docs#security"
        today = self.edge.platform.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        expires = instant_text(today + timedelta(days=EXPIRES_DAYS))
        lines = f"Contact: {contact}\nExpires: {expires}\nPreferred-Languages: en\n"
        return Response(lines, media_type="text/plain; charset=utf-8")

    async def show_privacy_control(self, _: Request) -> Response:
        """Say that Global Privacy Control signals are honoured."""
        return _json(GPC)

    async def show_description(self, _: Request) -> Response:
        """Give the OpenAPI 3.1 description of this interface."""
        return Response(self.description(), media_type="application/json")

    async def show_docs(self, _: Request) -> Response:
        """Show the reference: every call, its fields and its refusals. It needs nothing from elsewhere."""
        return _html(self.reference())

    async def show_static(self, request: Request) -> Response:
        """Give a style sheet or script of the pages."""
        found = pages.asset(request.path_params["name"])
        if found is None:
            raise errors.NotFound()
        content, media_type = found
        headers = {"cache-control": KEEPS}
        return Response(content, media_type=media_type, headers=headers)

    async def show_start(self, request: Request) -> Response:
        """Say what this is and where to go."""
        running = self.edge.settings.version
        if _wants_html(request):
            return _html(pages.start(running))
        return _json(pages.start_json(running))


def machine_route(
    path: str,
    endpoint: Endpoint,
    answers: type[BaseModel] | str,
    *refuses: type[errors.DomainError],
    hidden: bool = False,
    method: str = "GET",
    body: Mapping[str, Any] | None = None,
    responses: Mapping[int | str, dict[str, Any]] | None = None,
) -> APIRoute:
    """A route that needs no key, and how it is described; `responses` are answers that are no problems."""
    told: dict[int | str, dict[str, Any]] = {}
    is_text = isinstance(answers, str)
    if is_text:
        kind = "object" if answers == "application/json" else "string"
        told[200] = {"content": {answers: described(kind)}}
    told.update(describe.problem_responses([errors.Malformed, *refuses, Bug]))
    told.update(responses or {})
    extra: dict[str, Any] = {"security": [], **({"requestBody": body} if body else {})}
    if "{" in path:
        name = path.partition("{")[2].partition("}")[0]
        shape = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        extra["parameters"] = [shape]
    lines = (endpoint.__doc__ or "").split("\n", 1)
    return APIRoute(
        path,
        endpoint,
        methods=[method],
        tags=["Machine"],
        operation_id=endpoint.__name__,
        summary=lines[0].rstrip("."),
        description=" ".join(lines[1].split()) if len(lines) > 1 else "",
        response_model=None if is_text else answers,
        response_description="OK",
        response_class=describe.OtherResponse if is_text else describe.JSON_CLASS,
        responses=told,
        openapi_extra=extra,
        include_in_schema=not hidden,
    )


def described(kind: str, example: str | None = None) -> dict[str, Any]:
    """How a body of text or JSON is described."""
    return {"schema": {"type": kind}, **({"example": example} if example else {})}


def _json(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


def _html(page: str) -> Response:
    return Response(
        page,
        media_type="text/html; charset=utf-8",
        headers={"content-security-policy": pages.POLICY, "referrer-policy": "no-referrer"},
    )


def _meaning_json(meaning: Meaning) -> dict[str, object]:
    return {
        "code": meaning.code,
        "status": meaning.status,
        "title": meaning.title,
        "meaning": meaning.says,
    }


def _wants_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _is_local(request: Request) -> bool:
    """True for a client on this machine that nobody speaks for."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
