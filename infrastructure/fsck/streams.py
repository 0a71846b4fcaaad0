"""No event is lost, orphaned or there twice, and no stream has a gap. The database sorts; nothing is held here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from infrastructure.fsck.finding import OF_TENANT, Finding, Scope

WAITING: Final = (
    "SELECT q.tenant_id, w.* FROM event_queue q CROSS JOIN LATERAL"
    " unnest(q.event_ids, q.stream_ids, q.stream_versions) AS w(event_id, stream_id, stream_version)"
)
PLACED: Final = "SELECT tenant_id, event_id, stream_id, stream_version FROM sequenced"
STORED: Final = "SELECT tenant_id, event_id, stream_id, stream_version FROM event"
# What is wrong, and the statement that finds it: tenant, position (or NULL), what to name.
FAULTS: Final = {
    "event {} is stored, but has no place and does not wait for one": (
        f"SELECT x.tenant_id, NULL::bigint, x.event_id FROM ({STORED}"
        f" EXCEPT ({PLACED} UNION ALL {WAITING})) x"
    ),
    "event {} waits for a place, but is not stored so": (
        f"SELECT x.tenant_id, NULL::bigint, x.event_id FROM ({WAITING} EXCEPT {STORED}) x"
    ),
    "event {} waits for a place, and has one": (
        "SELECT x.tenant_id, x.position, x.event_id FROM sequenced x"
        f" JOIN ({WAITING}) w ON w.tenant_id = x.tenant_id AND w.event_id = x.event_id"
    ),
    # The sequencer looks at nothing below its mark any more.
    "event {} waits for a place where the sequencer does not look": (
        "SELECT q.tenant_id, NULL::bigint, q.event_ids[1] FROM event_queue q"
        " WHERE q.qid < (SELECT low_water FROM sequencer_head)"
    ),
    "event {} is there twice": (
        "SELECT x.tenant_id, NULL::bigint, x.event_id FROM event x"
        " GROUP BY x.tenant_id, x.event_id HAVING count(*) > 1"
    ),
    "event {} has two places": (
        "SELECT x.tenant_id, max(x.position), x.event_id FROM sequenced x"
        " GROUP BY x.tenant_id, x.event_id HAVING count(*) > 1"
    ),
    "stream {} has a gap": (
        "SELECT x.tenant_id, NULL::bigint, x.stream_id FROM event x GROUP BY x.tenant_id, x.stream_id"
        " HAVING min(x.stream_version) <> 1 OR max(x.stream_version) <> count(*)"
    ),
    "stream {} is out of order in the log": (
        "SELECT x.tenant_id, x.position, x.stream_id FROM (SELECT tenant_id, stream_id, position, lag(position)"
        " OVER (PARTITION BY tenant_id, stream_id ORDER BY stream_version) AS before FROM sequenced) x"
        " WHERE x.before > x.position"
    ),
}


def streams(scope: Scope) -> Iterator[Finding]:
    """Every event has one place or waits for it; versions are dense, and in order in the log."""
    only = f"SELECT * FROM ({{}}) found(tenant_id, position, id) WHERE {OF_TENANT.format('found')}"
    for words, statement in FAULTS.items():
        for tenant, position, id in scope.rows("streams", only.format(statement)):
            yield Finding("streams", tenant, position, words.format(id))
