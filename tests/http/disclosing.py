"""Recipients and disclosures over HTTP: bodies that most tests begin with."""

from __future__ import annotations

from typing import Any

from tests.http.business import Business, Json

CRM: Json = {
    "legal_name": "Example CRM Ltd",
    "address": "1 High Street, Dublin",
    "country": "IE",
    "kind": "crm",
    "role": "processor",
    "permitted_purposes": ["service", "support"],
    "contract_ref": "C-1",
    "contract_from": "2027-01-01",
}


def a_recipient(shop: Business, **more: Any) -> Json:
    """A new recipient: a CRM in Ireland unless said otherwise."""
    return shop.make("/v1/recipients", {**CRM, **more}, role="privacy_officer")


def wish(recipient: str, *subjects: str, **more: Any) -> Json:
    """The body of a disclosure: names and e-mail addresses, by contract."""
    return {
        "recipient_id": recipient,
        "subject_ids": list(subjects),
        "fields": ["name", "email"],
        "purpose": "service",
        "lawful_basis": "contract",
        **more,
    }
