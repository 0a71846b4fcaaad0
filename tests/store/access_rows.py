"""Many accesses of one tenant, written straight into the read model's tables by the database's owner."""

from __future__ import annotations

from uuid import UUID

import psycopg

# Events a second apart; every tenth one is a denial.
EVENTS = (
    "INSERT INTO access_event_v1 (tenant_id, event_id, kind, happened_at, actor, purpose, fields, about)"
    " SELECT %(tenant)s, md5(n::text)::uuid, CASE n %% 10 WHEN 0 THEN 'denied' ELSE 'granted' END,"
    " timestamptz '2027-01-01Z' + n * interval '1 second', 'key_' || n %% 50,"
    " (ARRAY['service', 'support', 'billing', 'dispute'])[1 + n %% 4], 'name,email', 1"
    " FROM generate_series(1, %(count)s) n"
)
# The first of the subjects has every `share`-th event; the others share the rest.
ABOUT = (
    "INSERT INTO access_subject_v1 (tenant_id, subject_id, happened_at, event_id)"
    " SELECT %(tenant)s, CASE WHEN n %% %(share)s = 0 THEN %(subject)s::uuid"
    " ELSE md5('person' || n %% 5000)::uuid END,"
    " timestamptz '2027-01-01Z' + n * interval '1 second', md5(n::text)::uuid"
    " FROM generate_series(1, %(count)s) n"
)
HOLDERS = (
    "INSERT INTO access_holder_v1 SELECT %(tenant)s, 'key_' || n, 'holder-' || n, 'staff'"
    " FROM generate_series(0, 49) n"
)
REVIEWS = (
    "INSERT INTO access_review_v1 (tenant_id, event_id, stream_id, access_event, broken_at, actor, reason, beyond,"
    " due_at, outcome) SELECT %(tenant)s, md5('glass' || n)::uuid, md5('stream' || n)::uuid, md5(n::text)::uuid,"
    " timestamptz '2027-01-01Z' + n * interval '1 second', 'key_1', 'emergency', 'role',"
    " timestamptz '2027-01-02Z' + n * interval '1 second', 'justified' FROM generate_series(1, %(count)s / 10) n"
)


def write_accesses(main: str, tenant: UUID, subject: UUID, count: int, share: int) -> None:
    """Write `count` accesses, every `share`-th of them to the data of `subject`; and statistics that say so."""
    given = {"tenant": tenant, "subject": subject, "count": count, "share": share}
    with psycopg.connect(main, autocommit=True) as owner:
        for statement in (EVENTS, ABOUT, HOLDERS, REVIEWS):
            owner.execute(statement.encode(), given)
        owner.execute("VACUUM (ANALYZE) access_event_v1, access_subject_v1, access_review_v1")
