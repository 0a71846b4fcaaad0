"""The application: routes, their edge, and what becomes of requests that reach none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.http import (
    pages,
    routes_access,
    routes_agenda,
    routes_answers,
    routes_booking,
    routes_business,
    routes_certificates,
    routes_consents,
    routes_disclosures,
    routes_erasures,
    routes_export,
    routes_figures,
    routes_follow_ups,
    routes_franchise,
    routes_holding,
    routes_keys,
    routes_ledger,
    routes_models,
    routes_operating,
    routes_orders,
    routes_packages,
    routes_people,
    routes_policies,
    routes_policy,
    routes_recipients,
    routes_reports,
    routes_requests,
    routes_slots,
    routes_staff,
)
from api.http.boundary import Boundary
from api.http.contract import Spec
from api.http.description import TITLE, document, text
from api.http.finding import Finder
from api.http.metrics import Metrics
from api.http.operation import Edge, Operation, described
from api.http.problems import MethodNotAllowed
from api.http.routes_machine import Machine
from api.http.routes_witness import WitnessDoor
from api.http.security import RateLimiter
from api.http.settings import ApiSettings
from api.http.threads import Threads
from api.platform import Platform
from domain.errors import DomainError, Malformed, NotFound

SPECS: Final[tuple[Spec, ...]] = (
    *routes_business.routes.specs,
    *routes_staff.routes.specs,
    *routes_keys.routes.specs,
    *routes_slots.routes.specs,
    *routes_booking.routes.specs,
    *routes_agenda.routes.specs,
    *routes_figures.routes.specs,
    *routes_answers.routes.specs,
    *routes_reports.routes.specs,
    *routes_orders.routes.specs,
    *routes_holding.routes.specs,
    *routes_franchise.routes.specs,
    *routes_recipients.routes.specs,
    *routes_disclosures.routes.specs,
    *routes_access.routes.specs,
    *routes_follow_ups.routes.specs,
    *routes_policy.routes.specs,
    *routes_certificates.routes.specs,
    *routes_ledger.routes.specs,
    *routes_export.routes.specs,
    *routes_models.routes.specs,
    *routes_operating.routes.specs,
    *routes_policies.routes.specs,
    *routes_packages.routes.specs,
    *routes_consents.routes.specs,
    *routes_people.routes.specs,
    *routes_requests.routes.specs,
    *routes_erasures.routes.specs,
)


def create_app(platform: Platform, settings: ApiSettings) -> FastAPI:
    """The HTTP application over `platform`."""
    edge = Edge(
        platform=platform,
        settings=settings,
        limiter=RateLimiter(settings.rate_per_second, settings.rate_burst),
        workers=Threads(settings.threads, "worker"),
        waiters=Threads(settings.waiting_threads, "waiter"),
        carriers=Threads(settings.long_threads, "carrier"),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        edge.workers.stop()
        edge.waiters.stop()
        edge.carriers.stop()

    app = FastAPI(
        title=TITLE,
        version=settings.version,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Its log records hold the messages of exceptions, and those may hold anything.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    metrics = Metrics()
    literals = frozenset(spec.path for spec in SPECS if "{" not in spec.path)
    operations = [Operation(spec, edge, literals) for spec in SPECS]
    app.router.routes.extend(operations)
    app.router.routes.extend(WitnessDoor(edge).routes())
    _describe(app)
    description = cache(lambda: text(app.openapi()))
    reference = cache(lambda: pages.reference(app.openapi()))
    app.router.routes.extend(Machine(edge, metrics, description, reference).routes())
    _refuse(app, edge)
    app.add_middleware(Boundary, edge=edge, metrics=metrics, finder=Finder(operations))
    return app


def describe_all() -> None:
    """Make now what every application of this process shares."""
    for spec in SPECS:
        described(spec)


def _describe(app: FastAPI) -> None:
    """Let the application give our description, made once."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app.routes, app.version)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _refuse(app: FastAPI, edge: Edge) -> None:
    """Tell refusals of the framework, and those of handlers that are no operations, as problems."""

    async def refused(_: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, DomainError)
        answer = edge.refused(refusal)
        return Response(answer.body, answer.status, dict(answer.headers))

    async def not_routed(request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, HTTPException)
        if refusal.status_code == 405:
            allow = _allowed(app, request)
            return await refused(request, MethodNotAllowed(allow=allow))
        if refusal.status_code == 404:
            return await refused(request, NotFound())
        return await refused(request, Malformed())

    app.add_exception_handler(DomainError, refused)
    app.add_exception_handler(HTTPException, not_routed)


def _allowed(app: FastAPI, request: Request) -> str:
    """The methods that the path does take (RFC 9110 section 15.5.6)."""
    path = request.scope["path"]
    found: set[str] = set()
    for route in app.routes:
        regex = getattr(route, "path_regex", None)
        others = getattr(route, "others", ())
        if regex is not None and regex.match(path) and path not in others:
            found |= getattr(route, "methods", None) or set()
    return ", ".join(sorted(found))
