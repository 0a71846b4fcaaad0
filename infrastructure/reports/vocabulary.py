"""Our words in the Data Privacy Vocabulary 2.3. A test checks every term against the pinned release.

What it has no term for stays under our own name, beside the next wider one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.purposes import DPV, REGISTER

CONTEXT: Final[Mapping[str, str]] = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "loc": "https://w3id.org/dpv/loc#",
    "dct": "http://purl.org/dc/terms/",
    "daybook": "urn:daybook:vocab:",
}
PURPOSES: Final[Mapping[str, str]] = {
    code: one.term.replace(DPV, "dpv:") for code, one in REGISTER.items()
}
FIELDS: Final[Mapping[str, str]] = {
    "name": "pd:Name",
    "email": "pd:EmailAddress",
    "phone": "pd:TelephoneNumber",
    "address": "pd:PhysicalAddress",
    "card_last4": "pd:CreditCardNumber",
}
BASES: Final[Mapping[str, str]] = {
    "consent": "eu-gdpr:A6-1-a",
    "contract": "eu-gdpr:A6-1-b",
    "legal_obligation": "eu-gdpr:A6-1-c",
    "vital_interests": "eu-gdpr:A6-1-d",
    "public_task": "eu-gdpr:A6-1-e",
    "legitimate_interests": "eu-gdpr:A6-1-f",
}
ROLES: Final[Mapping[str, str]] = {
    "processor": "dpv:DataProcessor",
    "service_provider": "dpv:DataProcessor",
    "contractor": "dpv:DataProcessor",
    "controller": "dpv:DataController",
    "joint_controller": "dpv:JointDataControllers",
    "third_party": "dpv:ThirdParty",
    "authority": "dpv:Authority",
}
TRANSFERS: Final[Mapping[str, str]] = {
    one: f"eu-gdpr:{one}"
    for one in (
        "A45-3",
        "A46-2-b",
        "A46-2-c",
        "A46-2-e",
        "A46-2-f",
        "A49-1-a",
        "A49-1-b",
        "A49-1-e",
    )
}
