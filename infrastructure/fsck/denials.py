"""Denials that are counted: no fewer than are recorded, and as many are recorded as were settled. README D6."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from domain.access import AccessDenied
from infrastructure.canonical import parsed
from infrastructure.fsck.finding import OF_TENANT, Finding, Scope

DENIALS: Final = "denials"
COUNTED: Final = (
    "SELECT d.tenant_id, d.denial_id, d.count, d.settled, (SELECT array_agg(e.state) FROM event e"
    "  WHERE e.tenant_id = d.tenant_id AND e.stream_id = d.denial_id AND e.type = %(kind)s)"
    f" FROM denial_count d WHERE {OF_TENANT.format('d')} ORDER BY 1, 2"
)


def denials(scope: Scope) -> Iterator[Finding]:
    """Counted first, then recorded, then settled: in one snapshot none is ahead of the one before."""
    for row in scope.counted(scope.rows("denials", COUNTED, kind=AccessDenied.TYPE)):
        tenant, denial, count, settled, states = row
        try:
            recorded = sum(parsed(state.split(b"\n", 1)[0])["count"] for state in states or ())
        except (ValueError, LookupError, TypeError):
            continue  # an event that does not read is the entries' affair
        if not settled <= recorded <= count:
            reason = (
                f"denial {denial}: {count} are counted, {recorded} recorded and {settled} settled"
            )
            yield Finding(DENIALS, tenant, None, reason)
