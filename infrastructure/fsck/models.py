"""Whoever follows the events is not ahead of them. What read models hold is checked by a replay, not here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from infrastructure.fsck.finding import OF_TENANT, Finding, Scope

AHEAD: Final = (
    "SELECT f.what, f.sequence, h.sequence FROM sequencer_head h, ("
    " SELECT 'read model ' || name AS what, sequence FROM read_model"
    " UNION ALL SELECT 'the index of subjects', sequence FROM subject_index"
    " UNION ALL SELECT 'the scrub', sequence FROM scrub) f WHERE f.sequence > h.sequence ORDER BY 1"
)
BEYOND: Final = (
    "SELECT m.tenant_id, m.position, coalesce(h.size, 0) FROM courier_mark m LEFT JOIN ledger_head h USING (tenant_id)"
    f" WHERE m.position >= coalesce(h.size, 0) AND {OF_TENANT.format('m')} ORDER BY 1"
)


def models(scope: Scope) -> Iterator[Finding]:
    """Each stands at an event that there is."""
    for what, reached, last in scope.rows("models", AHEAD):
        reason = f"{what} stands at event {reached}, and the last one is {last}"
        yield Finding("models", None, None, reason)
    for tenant, position, size in scope.rows("marks", BEYOND):
        reason = f"the courier has followed up to {position}, and the log has {size} entries"
        yield Finding("models", tenant, position, reason)
