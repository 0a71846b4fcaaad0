"""Domain state as the JSON of the contract. No personal data, except in `opened_json`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from application.access.reveal import Opened
from application.ports import AgendaRow
from application.setup.register import Receipt
from domain.access_key import AccessKey
from domain.booking import Booking
from domain.hold import Hold
from domain.location import Location
from domain.service import Service
from domain.staff import Staff
from domain.values import Personal, from_epoch, instant_text, public_id

Json = dict[str, object]


def location_json(it: Location) -> Json:
    """A location."""
    terms = it.terms
    return {
        "id": public_id("location", it.id),
        "name": terms.name,
        "time_zone": terms.time_zone,
        "country": terms.country,
        "subdivision": terms.subdivision,
        "address": terms.address,
        "postal_code": terms.postal_code,
        "closed_on_holidays": terms.closed_on_holidays,
        "controller": terms.controller,
        "active": it.active,
    }


def service_json(it: Service) -> Json:
    """A service."""
    terms, price = it.terms, it.terms.price
    return {
        "id": public_id("service", it.id),
        "location_ids": ids("location", terms.location_ids),
        "name": terms.name,
        "duration_minutes": terms.duration_minutes,
        "slot_interval_minutes": terms.slot_interval_minutes,
        "buffer_before_minutes": terms.buffer_before_minutes,
        "buffer_after_minutes": terms.buffer_after_minutes,
        "minimum_notice_minutes": terms.minimum_notice_minutes,
        "booking_window_days": terms.booking_window_days,
        "capacity": terms.capacity,
        "requires_confirmation": terms.requires_confirmation,
        "price": price and {"amount_minor": price.amount_minor, "currency": price.currency},
        "active": it.active,
    }


def staff_json(it: Staff) -> Json:
    """A staff member, without the sealed name."""
    return {
        "id": public_id("staff", it.id),
        "location_ids": ids("location", it.terms.location_ids),
        "display_name": it.terms.display_name,
        "has_name": it.named,
        "service_ids": ids("service", it.terms.service_ids),
        "has_schedule": it.schedule is not None,
        "active": it.active,
    }


def key_json(it: AccessKey) -> Json:
    """A key, without its secret."""
    terms = it.terms
    return {
        "id": public_id("key", it.id),
        "roles": list(terms.roles),
        "actor": terms.actor,
        "location_ids": (
            "all" if terms.location_ids is None else ids("location", terms.location_ids)
        ),
        "expires_at": optional_instant(terms.expires_at),
        "label": terms.label,
        "operates": terms.operates,
        "active": it.active,
    }


def hold_json(it: Hold) -> Json:
    """A hold."""
    visit = it.visit
    return {
        "id": public_id("hold", it.id),
        "service_id": public_id("service", visit.service),
        "location_id": public_id("location", visit.location),
        "staff_id": public_id("staff", visit.staff),
        "start": instant_text(visit.start),
        "end": instant_text(visit.end),
        "expires_at": instant_text(it.expires_at),
    }


def booking_json(receipt: Receipt[Booking]) -> Json:
    """A booking and its last event."""
    it, visit = receipt.state, receipt.state.visit
    return {
        "id": public_id("booking", it.id),
        "status": it.status.value,
        "service_id": public_id("service", visit.service),
        "location_id": public_id("location", visit.location),
        "staff_id": public_id("staff", visit.staff),
        "start": instant_text(visit.start),
        "end": instant_text(visit.end),
        "subject_id": public_id("subject", it.subject),
        "event_id": public_id("event", receipt.event),
        "external_ref": it.external_ref,
    }


def row_json(row: AgendaRow) -> Json:
    """A booking as the agenda knows it."""
    return {
        "id": public_id("booking", row.booking),
        "status": row.status,
        "service_id": public_id("service", row.service),
        "location_id": public_id("location", row.location),
        "staff_id": public_id("staff", row.staff),
        "start": instant_text(from_epoch(row.start)),
        "end": instant_text(from_epoch(row.end)),
        "subject_id": public_id("subject", row.subject),
        "event_id": public_id("event", row.last_event),
        "external_ref": row.external_ref,
    }


def opened_json(opened: Opened) -> Json:
    """Values about a person, opened on the record; those that were not given are left out."""
    return {name: _plain(value) for name, value in opened.items() if value}


def _plain(value: Personal | dict[str, Personal] | None) -> object:
    if isinstance(value, dict):
        return {name: one.open() for name, one in value.items()}
    return None if value is None else value.open()


def ids(kind: str, values: Sequence[UUID]) -> list[str]:
    """Ids of one kind, in their order."""
    return [public_id(kind, value) for value in values]


def optional_instant(at: datetime | None) -> str | None:
    """An instant, or null."""
    return None if at is None else instant_text(at)


def list_json(items: Sequence[Json], next_cursor: str | None) -> Json:
    """Part of a list."""
    return {"data": list(items), "next_cursor": next_cursor}
