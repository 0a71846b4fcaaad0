"""The one way a request runs through an operation.

A request hops to a worker thread once. There: who calls (401), how often (429), what kind of body (415), was this
very call answered before, what does it ask for (400, 404, 422), then the handler. FastAPI describes the routes and
finds them; reading and answering are done here: both come after authentication, and inside the answer that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final
from uuid import UUID

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from api.http import describe, security
from api.http.call import Call
from api.http.contract import Spec
from api.http.fields import read_path
from api.http.file_answers import FileAnswer, send_file
from api.http.idempotency import idempotency_key, settle
from api.http.limits import CALENDAR, JSON, Disconnected, check_kind, read_body, read_json
from api.http.problems import bug, problem
from api.http.reading import read_model, read_query
from api.http.settings import ApiSettings
from api.http.threads import Threads
from api.platform import Platform
from application.following import noting_stale
from application.ledger.reading import public_reader
from application.recorded import Answer, Caller
from application.vouching import Vouched, vouching
from domain.errors import DomainError, NotFound

WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Edge:
    """What all operations of one process share.

    `waiters` carry reads that wait for a position, and `carriers` what takes long, so that they never take the threads
    that bookings need.
    """

    platform: Platform
    settings: ApiSettings
    limiter: security.RateLimiter
    workers: Threads
    waiters: Threads
    carriers: Threads

    def refused(self, refusal: DomainError) -> Answer:
        """The problem that tells of `refusal`."""
        return problem(refusal, self.platform.ids.uuid())

    def failed(self, failure: BaseException) -> Answer:
        """The problem that tells of a failure of ours."""
        return bug(failure, self.platform.ids.uuid())


@dataclass(frozen=True, slots=True)
class _Request:
    """The bytes of a request, as far as a handler's arguments come from them."""

    path: str
    path_values: dict[str, str]
    query: bytes
    headers: dict[bytes, bytes]
    raw_headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def fingerprint(self) -> bytes:
        """What makes it the same call as an earlier one with the same key."""
        return self.query + b"\n" + self.body if self.query else self.body


def stale_header(stale: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    """The header that names what was read of read models that do not follow, as a list of RFC 9651; or none."""
    if not stale:
        return ()
    named = ", ".join(f"{model}; position={position}" for model, position in sorted(stale.items()))
    return (("daybook-stale", named),)


@cache
def described(spec: Spec) -> APIRoute:
    """`spec` as FastAPI understands it, made once: that takes a millisecond, and nothing of it ever changes."""
    return APIRoute(spec.route, describe.endpoint(spec), **describe.route(spec))


class Operation(APIRoute):
    """A `Spec` as a route of the application."""

    def __init__(self, spec: Spec, edge: Edge, literals: frozenset[str] = frozenset()) -> None:
        # Shared by all applications of the process, but for what is set here.
        self.__dict__.update(described(spec).__dict__)
        self.spec = spec
        self.edge = edge
        self.app = self._run
        query = spec.takes.query
        self.bytes_max = spec.bytes_max(edge.settings)
        self.waits = query is not None and "at_least" in query.model_fields
        self.beginning = spec.path.partition("{")[0]
        # Paths without parameters belong to their own operations, whatever the method.
        self.others = frozenset[str]() if "{" not in spec.path else literals

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See Starlette. Most routes are told apart by how they begin, at little cost."""
        path = scope["path"]
        if not scope.get("root_path") and not path.startswith(self.beginning):
            return Match.NONE, {}
        if path in self.others:
            return Match.NONE, {}
        return super().matches(scope)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            body = b""
            if self.spec.method in WITH_BODY:
                body = await read_body(headers, receive, self.bytes_max)
        except Disconnected:
            return
        except DomainError as refusal:
            await send_answer(send, self.edge.refused(refusal))
            return
        query: bytes = scope["query_string"]
        raw: list[tuple[bytes, bytes]] = scope["headers"]
        request = _Request(scope["path"], scope["path_params"], query, headers, raw, body)
        answer = await self._threads(query).run(partial(self._serve, request))
        if isinstance(answer, FileAnswer):
            await send_file(send, answer, self.edge.carriers)
        else:
            await send_answer(send, answer)

    def _threads(self, query: bytes) -> Threads:
        if self.spec.long or (self.spec.looks_back and b"known_at" in query):
            return self.edge.carriers
        if self.spec.waits or (self.waits and b"at_least" in query):
            return self.edge.waiters
        return self.edge.workers

    def _serve(self, request: _Request) -> Answer:
        """Answer, whatever happens. Runs in a worker thread."""
        edge = self.edge
        quota: tuple[tuple[str, str], ...] = ()
        try:
            token = self._token(request)
            tenant = self._tenant_named(request) if token is None else security.tenant_of(token)
            # From here on nothing of another tenant can be seen, whatever is asked for (README D13).
            with edge.platform.bound(tenant), noting_stale() as stale:
                by, key = (public_reader(tenant), None) if token is None else self._caller(token)
                quota = edge.limiter.take(by.actor)
                if token is None or key is None:
                    answer = self._answer(by, request)
                else:
                    answer = self._once_seen(token, key, partial(self._answer, by, request))
                quota = (*quota, *stale_header(stale))
        except DomainError as refusal:
            answer = edge.refused(refusal)
        except Exception as failure:
            answer = edge.failed(failure)
        return replace(answer, headers=(*answer.headers, *quota))

    def _caller(self, token: str) -> tuple[Caller, Vouched | None]:
        """Who calls; and their key, where it is from memory and yet to be seen. Refuses: Unidentified."""
        keys, now = self.edge.platform.access_keys, self.edge.platform.clock.now()
        if self.spec.method != "GET" and (recalled := keys.recall(token, now)) is not None:
            return recalled
        return keys.authenticate(token, now), None

    def _once_seen(self, token: str, key: Vouched, work: Callable[[], Answer]) -> Answer:
        """What came of `work`, told only once the key was seen to stand: by its append, or else by looking now."""
        try:
            with vouching(key):
                answer = work()
        except DomainError:
            self._see(token, key)
            raise
        self._see(token, key)
        return answer

    def _see(self, token: str, key: Vouched) -> None:
        if not key.seen:
            self.edge.platform.access_keys.authenticate(token, self.edge.platform.clock.now())

    def _answer(self, by: Caller, request: _Request) -> Answer:
        purposeful = self._purposeful(by, request)
        signalled = security.with_signals(purposeful, request.raw_headers)
        return self._replayed_or_done(Call(self.edge.platform, signalled, request.headers), request)

    def _purposeful(self, by: Caller, request: _Request) -> Caller:
        """Who calls, and why. Words that nobody knows are refused; on the record, where they were to open data."""
        headers = request.headers
        if self.spec.opens and (reason := security.misspoken(headers)) is not None:
            self.edge.platform.denials.record(security.as_far_as_known(by, headers), reason)
        return security.with_purpose(by, headers)

    def _token(self, request: _Request) -> str | None:
        """The API key; None where none is given and none is needed. Refuses: Unidentified."""
        open_to_all = self.spec.published and self.edge.settings.publish_ledger
        if open_to_all and b"authorization" not in request.headers:
            return None
        return security.bearer_token(request.headers)

    def _tenant_named(self, request: _Request) -> UUID:
        found = read_path("tenant", request.path_values["tenant"])
        if not isinstance(found, UUID):
            raise NotFound()
        return found

    def _replayed_or_done(self, call: Call, request: _Request) -> Answer:
        takes = self.spec.takes
        if request.body or takes.needs_body:
            check_kind(request.headers, CALENDAR if takes.calendar else JSON)
        key = idempotency_key(request.headers) if self.spec.method == "POST" else None
        if key is None:
            return self._done(call, request)
        answers, tenant = call.platform.answers, call.by.tenant
        route = f"{call.by.actor} POST {request.path}"
        begun = answers.begin(tenant, route, key, request.fingerprint())
        if isinstance(begun, Answer):
            return begun
        call.row = begun
        call.occasion = partial(answers.occasion, tenant, route, key, request.fingerprint())
        work = partial(self._done, call, request)
        return settle(answers, tenant, begun, work, call.platform.ids.uuid)

    def _done(self, call: Call, request: _Request) -> Answer:
        return self.spec.handler(call, **self._arguments(request))

    def _arguments(self, request: _Request) -> dict[str, object]:
        takes = self.spec.takes
        found: dict[str, object] = {}
        for name, kind in takes.ids:
            found[name] = read_path(kind, request.path_values[name])
            if found[name] is None:
                raise NotFound()
        query = read_query(request.query)
        if takes.query is not None:
            found["query"] = read_model(takes.query, query)
        elif query:
            read_model(describe.Nothing, query)
        if takes.calendar:
            found["calendar"] = request.body
        elif takes.body is not None:
            found["body"] = self._document(request.body)
        elif request.body:
            read_model(describe.Nothing, self._json(request.body))
        return found

    def _document(self, body: bytes) -> object:
        assert self.spec.takes.body is not None
        if not body and self.spec.takes.body_optional:
            return None
        return read_model(self.spec.takes.body, self._json(body))

    def _json(self, body: bytes) -> object:
        return read_json(body, self.edge.settings.json_depth_max)


async def send_answer(send: Send, answer: Answer) -> None:
    """Send a whole answer at once."""
    length = (b"content-length", str(len(answer.body)).encode("ascii"))
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": [*headers, length]}
    )
    await send({"type": "http.response.body", "body": answer.body})
