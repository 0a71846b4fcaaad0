"""Rows of the read model `disclosures` as columns of its tables, and back. What is only shown is JSON in one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from application.answers.disclosure_rows import DisclosureRow, RecipientRow, SharedRow, Step

RECIPIENT: Final[LiteralString] = (
    "recipient_id, version, event_id, position, at, active, legal_name, address, country, kind, role, terms"
)
DISCLOSURE: Final[LiteralString] = (
    "disclosure_id, event_id, position, at, recipient_id, recipient_version, country, purpose,"
    " legal_process_id, facts"
)
AS_TEXT: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
STEP: Final[LiteralString] = (
    "disclosure_id, position, event_id, at, happened, outcome, shared, opens_at, detail"
)


def recipient_columns(row: RecipientRow) -> tuple[object, ...]:
    """As it is stored, in the order of `RECIPIENT`."""
    terms = {
        "business_nature": row.business_nature,
        "permitted_purposes": row.permitted_purposes,
        "contract_ref": row.contract_ref,
        "contract_from": row.contract_from.isoformat(),
        "contract_to": row.contract_to.isoformat() if row.contract_to else None,
        "transfer_mechanism": row.transfer_mechanism,
        "own_use": row.own_use,
    }
    return (
        row.recipient,
        row.version,
        row.event,
        row.position,
        row.at,
        row.active,
        row.legal_name,
        row.address,
        row.country,
        row.kind,
        row.role,
        _text(terms),
    )


def recipient_row(columns: Sequence[Any]) -> RecipientRow:
    """What `recipient_columns` wrote."""
    terms = json.loads(columns[11])
    to = terms["contract_to"]
    return RecipientRow(
        recipient=columns[0],
        version=columns[1],
        event=columns[2],
        position=columns[3],
        at=columns[4],
        active=columns[5],
        legal_name=columns[6],
        address=columns[7],
        country=columns[8],
        kind=columns[9],
        role=columns[10],
        business_nature=terms["business_nature"],
        permitted_purposes=tuple(terms["permitted_purposes"]),
        contract_ref=terms["contract_ref"],
        contract_from=date.fromisoformat(terms["contract_from"]),
        contract_to=date.fromisoformat(to) if to else None,
        transfer_mechanism=terms["transfer_mechanism"],
        own_use=terms["own_use"],
    )


def disclosure_columns(row: DisclosureRow) -> tuple[object, ...]:
    """As it is stored, in the order of `DISCLOSURE`."""
    facts = {
        "actor": row.actor,
        "case": row.case,
        "policy_version": row.policy_version,
        "fields": row.fields,
        "count": row.count,
        "lawful_basis": row.lawful_basis,
        "legal_trigger": row.legal_trigger,
        "citation": row.citation,
        "franchise_request": _hex(row.franchise_request),
        "from": row.from_.isoformat() if row.from_ else None,
        "to": row.to.isoformat() if row.to else None,
        "locations": [one.hex for one in row.locations],
        "our_role": row.our_role,
        "transfer": row.transfer,
        "channel": row.channel,
        "refused_for": row.refused_for,
    }
    return (
        row.disclosure,
        row.event,
        row.position,
        row.at,
        row.recipient,
        row.recipient_version,
        row.country,
        row.purpose,
        row.legal_process,
        _text({name: value for name, value in facts.items() if value is not None}),
    )


def disclosure_row(columns: Sequence[Any]) -> DisclosureRow:
    """What `disclosure_columns` wrote."""
    facts = json.loads(columns[9])
    request, from_, to = (facts.get(name) for name in ("franchise_request", "from", "to"))
    return DisclosureRow(
        disclosure=columns[0],
        event=columns[1],
        position=columns[2],
        at=columns[3],
        actor=facts["actor"],
        case=facts.get("case"),
        policy_version=facts.get("policy_version"),
        recipient=columns[4],
        recipient_version=columns[5],
        country=columns[6],
        purpose=columns[7],
        fields=tuple(facts["fields"]),
        count=facts["count"],
        lawful_basis=facts.get("lawful_basis"),
        legal_trigger=facts.get("legal_trigger"),
        citation=facts.get("citation"),
        legal_process=columns[8],
        franchise_request=UUID(request) if request else None,
        from_=datetime.fromisoformat(from_) if from_ else None,
        to=datetime.fromisoformat(to) if to else None,
        locations=tuple(UUID(one) for one in facts["locations"]),
        our_role=facts.get("our_role"),
        transfer=facts.get("transfer"),
        channel=facts.get("channel"),
        refused_for=facts.get("refused_for"),
    )


def step_columns(step: Step) -> tuple[object, ...]:
    """As it is stored, in the order of `STEP`."""
    return (
        step.disclosure,
        step.position,
        step.event,
        step.at,
        step.happened,
        step.outcome,
        step.shared,
        step.opens_at,
        _text(step.detail),
    )


def step_row(columns: Sequence[Any]) -> Step:
    """What `step_columns` wrote."""
    id, position, event, at, happened, outcome, shared, opens_at, detail = columns
    return Step(id, event, position, at, happened, outcome, shared, opens_at, json.loads(detail))


def shared_columns(
    shared: SharedRow, row: DisclosureRow, last: Step, settled: tuple[datetime, int]
) -> tuple[object, ...]:
    """A person's row as it is stored, as of the `last` step of its disclosure."""
    return (
        shared.disclosure,
        shared.listed,
        shared.subject,
        shared.consent,
        shared.consent_at_send,
        row.at,
        row.position,
        row.recipient,
        row.marketing,
        last.shared,
        last.opens_at,
        *settled,
    )


def _hex(id: UUID | None) -> str | None:
    return id.hex if id else None


def _text(value: object) -> str:
    return AS_TEXT(value)
