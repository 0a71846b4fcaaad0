"""What tests of legal processes and franchise requests begin with."""

from __future__ import annotations

from typing import Any

from tests.http.business import MONDAY, Business

PAPER: dict[str, Any] = {
    "type": "subpoena",
    "authority": "Example County Court",
    "number": "1:27-cv-00123",
    "served_at": "2027-01-03T10:00:00Z",
    "scope": "All visits of Canary Example,\nJanuary",
    "gag_until": "2027-03-01T00:00:00Z",
}
OFFICE: dict[str, Any] = {
    "legal_name": "Example Brand Office Ltd",
    "address": "1 Head Street, Lisbon",
    "country": "PT",
    "kind": "franchise",
    "role": "controller",
    "permitted_purposes": ["service", "dispute"],
    "contract_ref": "F-1",
    "contract_from": "2026-01-01",
}
WINDOW = {"from": f"{MONDAY}T00:00:00Z", "to": "2027-01-18T00:00:00Z"}


def an_office(shop: Business, *locations: str, **more: Any) -> str:
    """The id of a franchise's office with these locations."""
    terms = {**OFFICE, "location_ids": list(locations), **more}
    return str(shop.make("/v1/recipients", terms, role="privacy_officer")["id"])


def what_is_asked(*locations: str, **more: Any) -> dict[str, Any]:
    """What an office asks for."""
    return {
        "location_ids": list(locations),
        **WINDOW,
        "fields": ["name", "booking_times"],
        "purpose": "service",
        "authority": "Franchise agreement, clause 12.3",
        **more,
    }


def a_wish(made: dict[str, str]) -> dict[str, Any]:
    """What the office of `made`, where there is one, asks of its location."""
    office = {"recipient_id": made["office"]} if "office" in made else {}
    return what_is_asked(made["location"], **office)
