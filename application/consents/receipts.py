"""The receipt of a consent: ISO/IEC TS 27560 in the Data Privacy Vocabulary 2.3, as JSON-LD.

It is made from the recorded event and the policy version alone, so it can be made again. It names the person by their
subject id, and the event, so that its proof can be asked of the ledger.
Source: https://w3id.org/dpv/guides/consent-27560; the terms are checked against the pinned vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from domain.consent import ConsentGiven, ConsentRefused, ConsentWithdrawn, Method
from domain.personal_fields import FIELDS
from domain.policy_version import NamedController
from domain.purposes import REGISTER
from domain.values import instant_text, public_id

Json = dict[str, object]

CONTEXT: Final[Json] = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "loc": "https://w3id.org/dpv/loc#",
    "dct": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "daybook": "urn:daybook:vocab:",
}
SCHEMA: Final = "https://w3id.org/dpv/schema/dpv-27560#"
RIGHTS: Final = ("A7-3", "A15", "A17", "A77")
EXPLICIT: Final = frozenset[Method]({"explicit_click", "signature"})
# Choices beside the purposes, by what stands before the colon: the next wider purpose, and the data concerned.
WIDER: Final[dict[str, str]] = {
    "analytics": "ServiceUsageAnalytics",
    "cookies": "Personalisation",
    "electronic_notice": "CommunicationManagement",
    "cross_border_transfer": "RequestedServiceProvision",
    "sale_share": "SellDataToThirdParties",
}
CONCERNED: Final[dict[str, tuple[str, ...]]] = {
    "electronic_notice": ("email",),
    "cross_border_transfer": REGISTER["service"].fields,
    "sale_share": REGISTER["service"].fields,
}


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who gives the receipt: the tenant, by its name, and as the policy version names the controller."""

    tenant: UUID
    name: str | None
    controller: NamedController | None


def receipt_document(
    issuer: Issuer,
    decision: ConsentGiven | ConsentRefused | ConsentWithdrawn,
    event: UUID,
    recorded_at: datetime,
) -> Json:
    """The receipt with its record, unsigned."""
    return {
        "@context": CONTEXT,
        "@id": uuid5(decision.consent, "daybook/consent/receipt").urn,
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": str(uuid5(decision.consent, "daybook/consent/receipt")),
        "dct:conformsTo": {"@id": f"{SCHEMA}receipt-eu-gdpr"},
        "dct:created": instant_text(recorded_at),
        "dpv:hasRecordOfActivity": [_record(issuer, decision, recorded_at)],
        "daybook:event": public_id("event", event),
        "daybook:ledgerReceipt": f"/v1/events/{public_id('event', event)}/receipt",
    }


def _record(
    issuer: Issuer,
    decision: ConsentGiven | ConsentRefused | ConsentWithdrawn,
    recorded_at: datetime,
) -> Json:
    subject = f"urn:daybook:{public_id('subject', decision.subject)}"
    record: Json = {
        "@id": decision.consent.urn,
        "@type": "dpv:ConsentRecord",
        "dct:identifier": str(decision.consent),
        "dct:conformsTo": {"@id": f"{SCHEMA}record-eu-gdpr"},
        "dct:created": instant_text(recorded_at),
        "dpv:hasDataSubject": {"@id": subject, "@type": "dpv:Customer"},
        "dpv:hasDataController": _controller(issuer),
        "dpv:hasProcess": [_process(issuer, decision.purpose)],
        "dpv:hasConsentControl": {
            "@type": ["dpv:ProvideConsent", "dpv:WithdrawConsent"],
            "dpv:isExercisedAt": _exercised_at(issuer, decision.subject),
        },
        "dpv:hasRight": [{"@id": f"eu-gdpr:{article}"} for article in RIGHTS],
        "dpv:hasConsentStatus": [_status(decision, subject)],
        "daybook:choice": decision.purpose,
        "daybook:channel": decision.channel,
    }
    if issuer.controller is not None and issuer.controller.country is not None:
        record["dpv:hasJurisdiction"] = {"@id": f"loc:{issuer.controller.country}"}
    if decision.notice is not None:
        notice = decision.notice
        record["dpv:hasNotice"] = {
            "@id": f"urn:daybook:{public_id('policy', notice.policy)}",
            "@type": "dpv:ConsentNotice",
            "dct:identifier": notice.version,
            "dct:date": instant_text(notice.effective_from),
            "dct:language": notice.language,
            "daybook:sha256": notice.sha256,
        }
    if decision.replaces is not None:
        record["daybook:replaces"] = {"@id": decision.replaces.urn}
    return record


def _controller(issuer: Issuer) -> Json:
    found: Json = {
        "@id": f"urn:daybook:{public_id('tenant', issuer.tenant)}",
        "@type": "dpv:DataController",
    }
    named = issuer.controller
    if (name := named.name if named is not None else issuer.name) is not None:
        found["dpv:hasName"] = name
    if named is not None and named.address is not None:
        found["dpv:hasAddress"] = named.address
    if named is not None and named.contact is not None:
        found["dpv:hasContact"] = named.contact
    return found


def _exercised_at(issuer: Issuer, subject: UUID) -> str:
    named = issuer.controller
    if named is not None and named.contact is not None:
        return named.contact
    return f"/v1/subjects/{public_id('subject', subject)}/consents"


def _process(issuer: Issuer, choice: str) -> Json:
    purpose = REGISTER.get(choice)
    kind = choice.partition(":")[0]
    fields = CONCERNED.get(kind, ()) if purpose is None else purpose.fields
    kept_as = "device" if purpose is None else purpose.retention_class
    basis = "eu-gdpr:A49-1-a" if choice == "cross_border_transfer" else "eu-gdpr:A6-1-a"
    lasting = f"As long as what is kept as {kept_as} is kept."
    storage: list[Json] = [
        {
            "@type": "dpv:StorageDuration",
            "dpv:hasDuration": {"@type": "dpv:UntilEventDuration", "dct:description": lasting},
        }
    ]
    if issuer.controller is not None and issuer.controller.country is not None:
        where = {"@id": f"loc:{issuer.controller.country}"}
        storage.append({"@type": "dpv:StorageLocation", "dpv:hasLocation": where})
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": _purpose(choice),
        "dpv:hasProcessing": [{"@id": "dpv:Collect"}, {"@id": "dpv:Store"}, {"@id": "dpv:Use"}],
        "dpv:hasPersonalData": [_data(code) for code in fields],
        "dpv:hasLegalBasis": {"@id": basis},
        "dpv:hasDataSource": {"@id": "dpv:DataSubjectDataSource"},
        "dpv:hasRecipient": [{"@id": f"urn:daybook:{public_id('tenant', issuer.tenant)}"}],
        "dpv:hasStorageCondition": storage,
    }


def _purpose(choice: str) -> Json:
    purpose = REGISTER.get(choice)
    if purpose is not None and purpose.exact:
        return {"@id": purpose.term}
    wider = f"dpv:{WIDER[choice.partition(':')[0]]}" if purpose is None else purpose.term
    return {"@id": f"daybook:{choice.replace(':', '-')}", "skos:broader": {"@id": wider}}


def _data(code: str) -> Json:
    kind = FIELDS[code]
    if kind.exact:
        return {"@id": kind.term}
    return {"@id": f"daybook:{code}", "skos:broader": {"@id": kind.term}}


def _status(decision: ConsentGiven | ConsentRefused | ConsentWithdrawn, subject: str) -> Json:
    if isinstance(decision, ConsentGiven):
        types, at = ["dpv:ConsentGiven", _expression(decision.method)], decision.given_at
    elif isinstance(decision, ConsentRefused):
        types, at = ["dpv:ConsentRefused"], decision.refused_at
    else:
        types, at = ["dpv:ConsentWithdrawn"], decision.withdrawn_at
    found: Json = {
        "@type": types,
        "dpv:isIndicatedBy": {"@id": subject},
        "dpv:isIndicatedAtTime": instant_text(at),
        "dpv:hasIndicationMethod": decision.method,
    }
    if isinstance(decision, ConsentGiven):
        until = decision.expires_at
        found["dpv:hasDuration"] = (
            {"@type": "dpv:UntilEventDuration", "dct:description": "Until it is withdrawn."}
            if until is None
            else {"@type": "dpv:UntilTimeDuration", "dct:date": instant_text(until)}
        )
    return found


def _expression(method: Method) -> str:
    if method == "continued_use":
        return "dpv:ImpliedConsent"
    return "dpv:ExplicitlyExpressedConsent" if method in EXPLICIT else "dpv:ExpressedConsent"
