"""Daybook as a witness of other logs: a public protocol, C2SP tlog-witness. No key is needed; a log's signature is.

Reading is bounded like everywhere; the work is done by the threads that may wait, never by those that bookings need.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from api.http.limits import Disconnected, read_body
from api.http.operation import Edge
from api.http.routes_machine import described, machine_route
from application.ledger.witnessing import Conflict
from domain import errors

R = TypeVar("R")

BODY_BYTES_MAX: Final = 72 * 1024
TEXT: Final = "text/plain"
SIZE_TYPE: Final = "text/x.tlog.size"
CALLER: Final = "witness"  # all who ask share one quota: nobody says who they are
_ORIGIN: Final = re.compile(r"[0-9a-f]{64}")
EXAMPLE: Final = (
    "old 0\n\nexample.com/log\n1\ntgekH9EIMYjsSfaiSzHhFnonwNqkFo9wmDriv/2o/gQ=\n"
    "\n— example.com/log AAAA...\n"
)


@dataclass(frozen=True, slots=True)
class WitnessDoor:
    """The handlers."""

    edge: Edge

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        conflict = {
            "description": "The old size is not the one that was last cosigned: that one, in decimal.",
            "content": {SIZE_TYPE: {"schema": {"type": "string", "example": "20852014\n"}}},
        }
        body = {"required": True, "content": {TEXT: described("string", EXAMPLE)}}
        shared = (errors.NotFound, errors.TooMany, errors.Unavailable)
        return [
            machine_route(
                "/v1/witness/add-checkpoint",
                self.add_checkpoint,
                TEXT,
                errors.NotPermitted,
                errors.Unacceptable,
                errors.TooLarge,
                *shared,
                method="POST",
                body=body,
                responses={409: conflict},
            ),
            machine_route("/v1/witness/vkey", self.show_witness_key, TEXT, *shared),
            machine_route("/v1/witness/{origin}/checkpoint", self.show_cosigned, TEXT, *shared),
        ]

    async def add_checkpoint(self, request: Request) -> Response:
        """Cosign a checkpoint of a log that the operator named: C2SP tlog-witness, `add-checkpoint`.

        What is cosigned is durable before the answer. 400 malformed, 403 no known key signed, 404 not a log that is
        witnessed here, 409 another old size, 422 the proof does not hold.
        """
        headers = {name.lower(): value for name, value in request.scope["headers"]}
        try:
            body = await read_body(headers, request.receive, BODY_BYTES_MAX)
        except Disconnected:
            return Response(status_code=400)
        witness = self.edge.platform.witness
        found = await self._done(lambda: witness.add_checkpoint(body))
        if isinstance(found, Conflict):
            return Response(f"{found.size}\n", 409, media_type=SIZE_TYPE)
        return _text(found.lines)

    async def show_witness_key(self, _: Request) -> Response:
        """Give the public keys of this witness, one a line: C2SP verifier keys, the Ed25519 one first."""
        keys = await self._done(self.edge.platform.witness.verifier_keys)
        return _text("".join(f"{key}\n" for key in keys))

    async def show_cosigned(self, request: Request) -> Response:
        """Give the last checkpoint that was cosigned for a log; the path names the SHA-256 of its origin, in hex."""
        origin = request.path_params["origin"]
        if not _ORIGIN.fullmatch(origin):
            raise errors.NotFound()
        witness = self.edge.platform.witness
        return _text(await self._done(lambda: witness.checkpoint(bytes.fromhex(origin))))

    async def _done(self, work: Callable[[], R]) -> R:
        self.edge.limiter.take(CALLER)
        return await self.edge.waiters.run(work)


def _text(text: str) -> Response:
    return Response(text, media_type=f"{TEXT}; charset=utf-8")
