"""A small client of the HTTP API, and a business to book at.

One connection per client, kept open: a client belongs to one thread.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from tests.running import Running

SECONDS_MAX = 30.0
BEHIND_SECONDS = 0.1  # between two looks at a read model that is behind
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LOST = (HTTPException, OSError)  # what a call raises when nobody knows what became of it


@dataclass(frozen=True)
class Reply:
    """An answer. `body` is what its JSON says, None where there is none."""

    status: int
    headers: dict[str, str]
    body: Any
    raw: bytes

    @property
    def code(self) -> str | None:
        """The code of a problem."""
        return self.body.get("code") if isinstance(self.body, dict) else None


class Api:
    """Calls one API with one key. Raises one of `LOST` when the connection is lost or refused."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(
            parts.hostname or "", parts.port or 0, timeout=SECONDS_MAX
        )
        self._key = key

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        query: dict[str, object] | None = None,
        **headers: str,
    ) -> Reply:
        """One call. Headers by keyword: `idempotency_key="..."`, `daybook_purpose="service"`."""
        sent = {"Authorization": f"Bearer {self._key}"}
        sent |= {name.replace("_", "-"): text for name, text in headers.items()}
        content: bytes | None = None
        if isinstance(body, bytes):
            content = body
        elif body is not None:
            content = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        target = quote(path) + (f"?{urlencode(query)}" if query else "")
        try:
            self._connection.request(method, target, content, sent)
            answer = self._connection.getresponse()
            raw = answer.read()
        except BaseException:
            self._connection.close()  # the next call connects anew
            raise
        names = {name.lower(): text for name, text in answer.getheaders()}
        has_json = "json" in names.get("content-type", "")
        return Reply(answer.status, names, json.loads(raw) if has_json and raw else None, raw)

    def get(self, path: str, query: dict[str, object] | None = None, **headers: str) -> Reply:
        """GET; asked again while what answers is behind `at_least`, as its 503 says, for as long as a call may take."""
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            reply = self.call("GET", path, None, query, **headers)
            if reply.code != "behind" or time.monotonic() > deadline:
                return reply
            time.sleep(BEHIND_SECONDS)

    def post(self, path: str, body: object = None, **headers: str) -> Reply:
        """POST."""
        return self.call("POST", path, body, None, **headers)

    def made(self, path: str, body: object) -> Any:
        """POST what must succeed; the new thing."""
        reply = self.post(path, body)
        assert reply.status == 201, (path, reply.status, reply.body)
        return reply.body

    def all(self, path: str, query: dict[str, object]) -> list[Any]:
        """Every page of a list."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            asked = {**query, "limit": 200} | ({"cursor": cursor} if cursor else {})
            reply = self.get(path, asked)
            assert reply.status == 200, (path, reply.status, reply.body)
            found += reply.body["data"]
            cursor = reply.body["next_cursor"]
            if cursor is None:
                return found

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def text_of(at: datetime) -> str:
    """An instant as the API writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Business:
    """A tenant with one location, open day and night, and its keys. Services and staff are added as needed."""

    running: Running
    tenant: str
    keys: dict[str, str]
    log_vkey: str = ""
    location: str = ""
    staff: list[str] = field(default_factory=list)
    day: datetime = field(default_factory=lambda: midnight(days=3))

    @classmethod
    def found(cls, running: Running) -> Business:
        """A new tenant with its location."""
        founded = running.tenant()
        self = cls(running, founded["tenant"], founded["keys"], founded["log_vkey"])
        with self.api() as api:
            place = {"name": "Main", "time_zone": "UTC", "country": "US"}
            self.location = api.made("/v1/locations", place)["id"]
        return self

    def api(self, role: str = "owner") -> Api:
        """A client with the key of a role."""
        return Api(self.running.url, self.keys[role])

    def offer(self, name: str, minutes: int, **terms: object) -> str:
        """A new service; its id."""
        body = {
            "location_ids": [self.location],
            "name": name,
            "duration_minutes": minutes,
            **terms,
        }
        with self.api() as api:
            return str(api.made("/v1/services", body)["id"])

    def engage(self, services: list[str], display_name: str = "Sam", **more: object) -> str:
        """A new staff member who works day and night; their id."""
        body = {
            "location_ids": [self.location],
            "display_name": display_name,
            "service_ids": services,
            **more,
        }
        hours = {
            "time_zone": "UTC",
            "weekly": [{"days": EVERY_DAY, "from": "00:00", "to": "24:00"}],
            "overrides": [],
        }
        with self.api() as api:
            id = str(api.made("/v1/staff", body)["id"])
            assert api.call("PUT", f"/v1/staff/{id}/schedule", hours).status == 200
        self.staff.append(id)
        return id

    def start(self, minutes: int) -> str:
        """The instant so many minutes into the day that tests book on."""
        return text_of(self.day + timedelta(minutes=minutes))

    def wish(
        self, service: str, minutes: int, email: str = "ada@example.test", **more: object
    ) -> dict[str, object]:
        """What a booking asks for."""
        return {
            "service_id": service,
            "start": self.start(minutes),
            "customer": {"name": "Ada Example", "email": email},
            **more,
        }

    def span(self, days: int = 2) -> dict[str, object]:
        """The days that tests book on, as a query."""
        return {"from": text_of(self.day), "to": text_of(self.day + timedelta(days=days))}


def midnight(*, days: int) -> datetime:
    """The beginning of a day to come, UTC."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=days)
