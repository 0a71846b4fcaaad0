"""The stream of what one person said to purposes, and the records in it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid5

from application.ports import EventStore
from application.recorded import Recorded
from domain import consent
from domain.consent import ConsentRecord, record_of, standing_now


def consent_stream(subject: UUID) -> UUID:
    """The stream of what a person said to purposes."""
    return uuid5(subject, "daybook/consents")


def records_of(events: Iterable[Recorded[object]]) -> list[ConsentRecord]:
    """The records of a person's stream, in the order they were recorded."""
    decisions = (event.decision for event in events)
    found = [record_of(one) for one in decisions if isinstance(one, consent.DECISIONS)]
    return [one for one in found if one is not None]


def has_objected(
    store: EventStore, tenant: UUID, subject: UUID, purpose: str, at: datetime
) -> bool:
    """True where a person's last word on a purpose is no: refused, or withdrawn."""
    records = records_of(store.read(tenant, consent_stream(subject)))
    standing = standing_now(records, purpose, at)
    return standing is not None and standing.decision in ("refused", "withdrawn")
