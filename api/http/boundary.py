"""The outermost layer: what every request passes on its way in, and every answer on its way out.

Pure ASGI, one object, no copy of anything. It bounds the envelope, keeps failures inside (nothing of an exception
reaches a client or the server's own log), adds the headers that every answer has, and counts.
"""

from __future__ import annotations

import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.finding import Finder
from api.http.limits import check_envelope
from api.http.metrics import Metrics
from api.http.operation import Edge, send_answer
from domain.errors import DomainError

EVERY_ANSWER: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
_CACHE_CONTROL: Final = b"cache-control"


class Boundary:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, edge: Edge, metrics: Metrics, finder: Finder) -> None:
        self.app = app
        self.edge = edge
        self.metrics = metrics
        self.finder = finder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun_at = time.perf_counter()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_common(message["headers"])
            await send(message)

        try:
            check_envelope(scope, self.edge.settings)
            operation = self.finder.find(scope)
            await (operation.app if operation else self.app)(scope, receive, noted)
        except DomainError as refusal:
            await send_answer(noted, self.edge.refused(refusal))
        except Exception as failure:
            answer = self.edge.failed(failure)
            if status == 0:
                await send_answer(noted, answer)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.answered(scope["method"], route, status, time.perf_counter() - begun_at)


def _with_common(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers and those that every answer has; a route may say how long its answer keeps."""
    if any(name == _CACHE_CONTROL for name, _ in headers):
        return [*headers, EVERY_ANSWER[0]]
    return [*headers, *EVERY_ANSWER]
