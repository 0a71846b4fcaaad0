"""Fences: whoever is ordered erased has one for each class that was taken, and nobody else has any. README D5, D9."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.errors import LedgerDamaged
from infrastructure.fsck.finding import OF_TENANT, Finding, Scope
from infrastructure.recovery.fencing import TAKING, fence_of
from infrastructure.store.event_mapper import UnknownEventType
from infrastructure.store.event_recorder import COLUMNS

FENCES: Final = "fences"
TAKEN: Final = (
    f"SELECT {COLUMNS} FROM event e WHERE e.type = ANY(%(types)s) AND {OF_TENANT.format('e')}"
)
STANDING: Final = (
    "SELECT f.tenant_id, f.subject_id, f.retention_class, f.erased_through FROM subject_fence f"
    f" WHERE {OF_TENANT.format('f')} ORDER BY 1, 2, 3"
)
Whose = tuple[UUID, UUID, str]  # tenant, subject, class


def fences(scope: Scope) -> Iterator[Finding]:
    """Both are in one snapshot: a fence stands with the append that orders it. Memory grows with the erasures only."""
    ordered = _ordered(scope)
    for row in scope.counted(scope.rows("fences", STANDING)):
        tenant, subject, name = whose = (row[0], row[1], row[2])
        through = ordered.pop(whose, None)
        if through is None:
            reason = f"class {name} of subject {subject} is fenced, and no event orders it"
            yield Finding(FENCES, tenant, None, reason)
        elif through != row[3]:
            reason = f"class {name} of subject {subject} is fenced from another instant than its order says"
            yield Finding(FENCES, tenant, None, reason)
    for tenant, subject, name in ordered:
        reason = f"class {name} of subject {subject} is ordered erased, and not fenced"
        yield Finding(FENCES, tenant, None, reason)


def _ordered(scope: Scope) -> dict[Whose, datetime]:
    """What the events order, from the first instant that any says. Those that do not read are the entries' affair."""
    found: dict[Whose, datetime] = {}
    for row in scope.counted(scope.rows("taken", TAKEN, types=list(TAKING))):
        try:
            tenant, fence = fence_of(row)
        except (LedgerDamaged, UnknownEventType, ValueError, LookupError, TypeError):
            continue
        for name in fence.classes:
            whose = (tenant, fence.subject, name)
            found[whose] = min(found.get(whose, fence.through), fence.through)
    return found
