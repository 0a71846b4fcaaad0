"""The calls that the tour makes, kept as they were made, so that each can be shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

TIMEOUT_SECONDS: Final = 30.0
SHOWN_HEADERS: Final = ("Idempotency-Key", "If-Match", "Daybook-Purpose")

Json = dict[str, Any]
Query = Mapping[str, str]


class StepFailed(Exception):
    """What was to hold did not; the message says what."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call and its answer. `role` is that of the key it was made with; the key itself is not here."""

    role: str
    method: str
    path: str
    sent_headers: Mapping[str, str]
    sent: object
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Json:
        """The answer, read as JSON."""
        found = json.loads(self.text)
        assert isinstance(found, dict)
        return found

    @property
    def event(self) -> str:
        """The event that the call has recorded."""
        return self.headers["daybook-event"]

    def summary(self) -> Json:
        """The call in a line, for a program."""
        return {"method": self.method, "path": self.path, "role": self.role, "status": self.status}


@dataclass(slots=True)
class Api:
    """Speaks to the API with the demo's keys. `made` grows with every call."""

    client: httpx2.Client
    keys: Mapping[str, str] = field(repr=False)
    made: list[Exchange] = field(default_factory=list)

    def get(
        self,
        role: str,
        path: str,
        query: Query | None = None,
        *,
        expect: int = 200,
        purpose: str | None = None,
    ) -> Exchange:
        """Ask."""
        headers = {} if purpose is None else {"Daybook-Purpose": purpose}
        return self._call(role, "GET", path, expect, headers, query=query)

    def post(
        self, role: str, path: str, body: Json | None = None, expect: int = 201, **headers: str
    ) -> Exchange:
        """Do something; `If_Match=` and `Idempotency_Key=` are headers."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            named["Content-Type"] = "application/json"
        return self._call(role, "POST", path, expect, named, content=content, shown=body)

    def send_calendar(self, role: str, path: str, calendar: str, query: Query) -> Exchange:
        """Send an iCalendar file."""
        kind = {"Content-Type": "text/calendar"}
        lines = calendar.encode()
        return self._call(role, "POST", path, 201, kind, query=query, content=lines, shown=calendar)

    def _call(
        self,
        role: str,
        method: str,
        path: str,
        expect: int,
        headers: Mapping[str, str],
        *,
        query: Query | None = None,
        content: bytes | None = None,
        shown: object = None,
    ) -> Exchange:
        """Call, keep the exchange, and insist on its status. Raises StepFailed."""
        authorised = {**headers, "authorization": f"Bearer {self.keys[role]}"}
        try:
            answer = self.client.request(
                method, path, params=query or None, content=content, headers=authorised
            )
        except httpx2.TransportError:
            raise StepFailed(f"{method} {path} got no answer") from None
        written = path if not query else f"{path}?" + "&".join(f"{k}={v}" for k, v in query.items())
        exchange = Exchange(
            role=role,
            method=method,
            path=written,
            sent_headers={k: v for k, v in headers.items() if k in SHOWN_HEADERS},
            sent=shown,
            status=answer.status_code,
            headers={name.lower(): value for name, value in answer.headers.items()},
            text=answer.text,
        )
        self.made.append(exchange)
        if exchange.status != expect:
            raise StepFailed(f"{method} {path} answered {exchange.status}, not {expect}")
        return exchange
