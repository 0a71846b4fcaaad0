"""Rows of "who did we share with?" as the JSON of the contract."""

from __future__ import annotations

from base64 import b64encode
from uuid import UUID

from api.http.rendering import Json, ids, optional_instant
from application.answers.disclosure_answers import CompleteTo, PersonAnswer, Shown, Told, Withheld
from application.answers.disclosure_rows import DisclosureRow, RecipientRow, Step
from domain.values import instant_text, public_id


def counted_json(found: PersonAnswer) -> Json:
    """What is so in total, and up to where that is complete."""
    totals = found.totals
    return {
        "recipients": totals.recipients,
        "disclosures": totals.disclosures,
        "marketing": totals.marketing,
        "withheld": totals.withheld,
        "complete_to": complete_json(found.part.complete_to),
    }


def shown_json(it: Shown) -> Json:
    """A row."""
    return withheld_json(it) if isinstance(it, Withheld) else told_json(it)


def withheld_json(it: Withheld) -> Json:
    """All that is told of a row that is withheld."""
    return {
        "id": public_id("disclosure", it.id),
        "event_id": public_id("event", it.event),
        "position": it.position,
        "withheld_until": instant_text(it.until),
        "links": links_json(it.event),
    }


def told_json(it: Told) -> Json:
    """A row in full; who did it and in which case only where they may be named."""
    row, entry = it.entry.row, it.entry
    steps = entry.steps
    shown: Json = {
        "id": public_id("disclosure", row.disclosure),
        "event_id": public_id("event", row.event),
        "position": row.position,
        "at": instant_text(row.at),
        "recipient": recipient_json(row, entry.terms),
        "fields": list(row.fields),
        "purpose": row.purpose,
        "lawful_basis": row.lawful_basis,
        "legal_trigger": row.legal_trigger,
        "citation": row.citation,
        "legal_process_id": _id("process", row.legal_process),
        "franchise_request_id": _id("franchise_request", row.franchise_request),
        "consent": None,
        "outcome": entry.last.outcome,
        "shared": entry.last.shared,
        "reason": reason_of(row, steps),
        "attempts": sum(one.happened == "attempted" for one in steps),
        "count": row.count,
        "our_role": row.our_role,
        "transfer_mechanism": row.transfer,
        "channel": row.channel,
        "policy_version": row.policy_version,
        "visits": visits_json(row),
        "acknowledgements": _told(steps, "acknowledged"),
        "shared_onward": _told(steps, "shared_onward"),
        "links": links_json(row.event),
    }
    if entry.share is not None:
        shown["consent"] = {"at_send": entry.share.consent_at_send, "now": it.consent_now}
    if it.withheld_until is not None:
        shown["withheld_until"] = instant_text(it.withheld_until)
    if it.names_staff:
        shown |= {"actor": row.actor, "case": row.case}
    return shown


def recipient_json(row: DisclosureRow, terms: RecipientRow | None) -> Json | None:
    """A recipient as it was then; null where it was refused because nobody knew it."""
    if row.recipient is None:
        return None
    return {
        "id": public_id("recipient", row.recipient),
        "legal_name": terms and terms.legal_name,
        "address": terms and terms.address,
        "country": terms and terms.country,
        "role": terms and terms.role,
        "kind": terms and terms.kind,
    }


def reason_of(row: DisclosureRow, steps: tuple[Step, ...]) -> str | None:
    """Why it was refused, or why the last attempt that failed did; None for one that went well."""
    if steps[-1].outcome == "delivered":
        return None
    told = [one.detail.get("reason") for one in steps if one.happened in ("failed", "refused")]
    return str(told[-1]) if told else row.refused_for


def visits_json(row: DisclosureRow) -> Json | None:
    """The visits it speaks of; null for all."""
    if row.from_ is None and row.to is None and not row.locations:
        return None
    return {
        "from": optional_instant(row.from_),
        "to": optional_instant(row.to),
        "location_ids": ids("location", row.locations),
    }


def complete_json(it: CompleteTo) -> Json:
    """Up to where an answer is complete."""
    signed = it.checkpoint
    return {
        "position": it.position,
        "checkpoint": signed
        and {
            "size": signed.size,
            "root": b64encode(signed.root).decode("ascii"),
            "signed_at": instant_text(signed.signed_at),
        },
    }


def links_json(event: UUID) -> Json:
    """Where the event and its proof are."""
    named = public_id("event", event)
    return {"event": f"/v1/events/{named}", "receipt": f"/v1/events/{named}/receipt"}


def _told(steps: tuple[Step, ...], happened: str) -> list[Json]:
    return [
        {**one.detail, "at": instant_text(one.at), "event_id": public_id("event", one.event)}
        for one in steps
        if one.happened == happened
    ]


def _id(kind: str, id: UUID | None) -> str | None:
    return public_id(kind, id) if id else None
