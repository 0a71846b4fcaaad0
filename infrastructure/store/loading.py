"""Stored rows as events, wherever one is loaded. Bytes that somebody changed go no further, and are logged."""

from __future__ import annotations

import logging

from application.recorded import Recorded
from domain.errors import LedgerDamaged
from domain.values import public_id
from infrastructure.database import Row
from infrastructure.ledger.tree.intact import StoredRow
from infrastructure.ledger.tree.merkle import leaf_hash
from infrastructure.store.event_mapper import EventMapper

log = logging.getLogger("daybook.ledger")


def load(mapper: EventMapper, row: Row) -> Recorded[object]:
    """A row of COLUMNS and of the leaf hash (None: no place yet), decoded. Raises LedgerDamaged, UnknownEventType."""
    stream, version, type_, state, tenant, event_id, header, kept_hash = row
    try:
        if kept_hash is not None and leaf_hash(header) != kept_hash:
            named = public_id("event", event_id)
            raise LedgerDamaged(
                f"Event {named} was changed: its header is not the one that was hashed"
            )
        return mapper.decoded(StoredRow(tenant, stream, version, event_id, type_, header, state))
    except LedgerDamaged as damage:
        log.error("%s", damage.detail)  # an id and a reason, never what the event says
        raise
