"""Stored rows as events, wherever one is loaded. Bytes that somebody changed go no further, and are logged."""

from __future__ import annotations

import logging

from application.recorded import Recorded
from domain.errors import LedgerDamaged
from infrastructure.database import Row
from infrastructure.store.event_mapper import EventMapper
from infrastructure.store.event_recorder import headed

log = logging.getLogger("daybook.ledger")


def load(mapper: EventMapper, row: Row) -> Recorded[object]:
    """A row of COLUMNS, decoded. Raises LedgerDamaged, UnknownEventType."""
    try:
        return mapper.to_domain_event(headed(row))
    except LedgerDamaged as damage:
        log.error("%s", damage.detail)  # an id and a reason, never what the event says
        raise
