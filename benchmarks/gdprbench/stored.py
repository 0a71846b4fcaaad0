"""What a deployment of Daybook stores, by what it is for; and waiting until all that derives from events is there."""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

import psycopg

from infrastructure.deployment import Deployment

FOLLOWED_SECONDS_MAX: Final = 3_600.0
LOOK_SECONDS: Final = 0.05
REACHED: Final = (
    "SELECT NOT EXISTS (SELECT FROM event_queue) AND NOT EXISTS (SELECT FROM read_model m, sequencer_head h"
    " WHERE m.state <> 'following' OR m.sequence < h.sequence) AND (SELECT h.size FROM ledger_head h"
    " WHERE h.tenant_id = %s) = (SELECT max(c.size) FROM ledger_checkpoint c WHERE c.tenant_id = %s)"
)
# The payload is one line in the clear, and envelopes after it.
LOGGED: Final = (
    "SELECT coalesce(sum(CASE WHEN at > 0 THEN length(state) - at ELSE 0 END), 0)::bigint,"
    " coalesce(sum(CASE WHEN at > 0 THEN at ELSE length(state) END), 0)::bigint,"
    " coalesce(sum(length(header)), 0)::bigint"
    " FROM (SELECT state, header, position('\\x0a'::bytea IN state) AS at FROM event) e"
)
TABLES: Final = (
    "SELECT c.relname, pg_total_relation_size(c.oid)::bigint FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND n.nspname = 'public'"
)
LEDGER: Final = ("ledger_", "subject_leaf", "subject_index", "subject_chain", "subject_map", "map_")


def wait_until_followed(deployment: Deployment, tenant: UUID) -> None:
    """Wait until everything has its place and is signed, and the read models have taken it in."""
    deadline = time.monotonic() + FOLLOWED_SECONDS_MAX
    with psycopg.connect(deployment.main, autocommit=True) as owner:
        while owner.execute(REACHED, (tenant, tenant)).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise SystemExit("what derives from the events did not catch up")
            time.sleep(LOOK_SECONDS)


def sizes(deployment: Deployment) -> list[tuple[str, int]]:
    """Bytes by what they are for; they add up to all tables and indexes of both databases."""
    with psycopg.connect(deployment.main, autocommit=True) as owner:
        tables = {str(name): int(size) for name, size in owner.execute(TABLES)}
        found = owner.execute(LOGGED).fetchone()
    with psycopg.connect(deployment.keys, autocommit=True) as owner:
        keys = sum(int(size) for _, size in owner.execute(TABLES))
    assert found is not None
    sealed, plain, headers = map(int, found)
    log = tables.pop("event")
    ledger = sum(size for name, size in tables.items() if name.startswith(LEDGER))
    models = sum(size for name, size in tables.items() if name.endswith("_v1"))
    places = tables["sequenced"]
    rest = sum(tables.values()) - ledger - models - places
    return [
        ("ciphertext: envelopes of the events", sealed),
        ("metadata: headers", headers),
        ("metadata: plain parts of the events", plain),
        ("the events' table beyond these, and its index", log - sealed - headers - plain),
        ("ledger: places and leaf hashes, with indexes", places),
        ("ledger: tiles, checkpoints, index and map of subjects", ledger),
        ("read models", models),
        ("keys, and the blind index", keys),
        ("the book and all else", rest),
    ]
