"""A business seen over HTTP: its keys, and the few calls that most tests begin with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from httpx2 import Response
from starlette.testclient import TestClient

from api.composition import in_memory
from api.http.app import create_app
from api.http.settings import ApiSettings
from api.platform import Platform
from application.permissions import operator
from application.setup.access_keys import IssueKey
from domain.access_key import KeyTerms, Role
from infrastructure.twin.memory import SettableClock

Json = dict[str, Any]

MONDAY = "2027-01-11"
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]
ADA = {"name": "Ada Example", "email": "ada@example.test"}


@dataclass(slots=True)
class Server:
    """The application on the in-memory twin. Its clock stands at Monday 2027-01-04T08:00Z until it is told."""

    clock: SettableClock
    platform: Platform = field(repr=False)
    client: TestClient

    @classmethod
    def start(cls, settings: ApiSettings | None = None) -> Server:
        """A server with nothing in it."""
        clock = SettableClock()
        platform = in_memory(clock)
        app = create_app(platform, settings or ApiSettings())
        return cls(clock, platform, TestClient(app, raise_server_exceptions=True))

    def business(self) -> Business:
        """A new business with its first keys."""
        founded = self.platform.tenancy.found_tenant("Example Salons")
        return Business(self, founded.tenant.id, dict(founded.keys))


@dataclass(slots=True)
class Business:
    """One tenant. Calls go out with the owner's key unless `role` or `key` says otherwise."""

    server: Server
    tenant: UUID
    keys: dict[Role, str]
    made: dict[str, str] = field(default_factory=dict)

    def call(
        self,
        method: str,
        path: str,
        *,
        role: Role = "owner",
        key: str | None = None,
        headers: Json | None = None,
        **more: Any,
    ) -> Response:
        """Call, and give the answer as it came."""
        sent = {"authorization": f"Bearer {key or self.keys[role]}", **(headers or {})}
        return self.server.client.request(method, path, headers=sent, **more)

    def get(self, path: str, **more: Any) -> Response:
        """GET."""
        return self.call("GET", path, **more)

    def post(self, path: str, json: Json | None = None, **more: Any) -> Response:
        """POST."""
        return self.call("POST", path, json=json, **more)

    def make(self, path: str, json: Json, **more: Any) -> Json:
        """POST something that must be made; what was made."""
        response = self.post(path, json, **more)
        assert response.status_code == 201, response.text
        made: Json = response.json()
        return made

    def key(self, *roles: Role, at: list[str] | None = None) -> str:
        """A new key in these roles, good at the locations `at` or everywhere."""
        asked = {"roles": list(roles), "actor": "test", "location_ids": at or "all"}
        return str(self.make("/v1/keys", asked)["key"])

    def operating_key(self) -> str:
        """A new key with which an engineer operates read models: the operator makes it, and nobody over HTTP."""
        terms = KeyTerms(("engineer",), "test", operates=True)
        keys = self.server.platform.access_keys
        return keys.issue(IssueKey(terms), operator(self.tenant)).state.token

    def location(self, **more: Any) -> str:
        """The id of a new location, in Lisbon."""
        asked = {"name": "Old Town", "time_zone": "Europe/Lisbon", "country": "PT", **more}
        return str(self.make("/v1/locations", asked)["id"])

    def service(self, *at: str, **more: Any) -> str:
        """The id of a new service of 30 minutes at these locations."""
        asked = {"name": "Cut", "duration_minutes": 30, "location_ids": list(at), **more}
        return str(self.make("/v1/services", asked)["id"])

    def staff(self, *at: str, services: list[str], schedule: bool = True) -> str:
        """The id of a new staff member, working 9 to 17 on weekdays in Lisbon."""
        asked = {"display_name": "Sam", "location_ids": list(at), "service_ids": services}
        id = str(self.make("/v1/staff", asked)["id"])
        if schedule:
            hours = {"days": WEEKDAYS, "from": "09:00", "to": "17:00"}
            body = {"time_zone": "Europe/Lisbon", "weekly": [hours]}
            set_ = self.call("PUT", f"/v1/staff/{id}/schedule", json=body)
            assert set_.status_code == 200, set_.text
        return id

    def opened(self) -> Business:
        """The same business with one location, service and staff member, by name in `made`."""
        location = self.location()
        service = self.service(location)
        staff = self.staff(location, services=[service])
        self.made.update(location=location, service=service, staff=staff)
        return self

    def wish(self, at: str = f"{MONDAY}T10:00:00Z", **more: Any) -> Json:
        """The body of a booking."""
        return {"service_id": self.made["service"], "start": at, "customer": ADA, **more}

    def book(self, at: str = f"{MONDAY}T10:00:00Z", **more: Any) -> Json:
        """A new booking."""
        return self.make("/v1/bookings", self.wish(at, **more))

    def position(self) -> str:
        """Where the ledger stands."""
        return str(self.get("/v1/locations").headers["daybook-position"])
