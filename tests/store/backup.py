"""A backup of the main database inside of it: every table as it was, and the numbers that its queue had drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migration'"
# What follows from other columns is made again.
GIVEN = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
    " AND is_generated = 'NEVER' ORDER BY ordinal_position"
)
# What must be again as it was. A session's own id says nothing, nor which seat of it is whose.
STANDS = {
    "sequenced": "SELECT * FROM sequenced",
    "event": "SELECT * FROM event WHERE type <> 'ledger.restored.v1'",
    "ledger_head": "SELECT * FROM ledger_head",
    "ledger_tile": "SELECT * FROM ledger_tile",
    "sequencer_head": "SELECT sequence FROM sequencer_head",
    "catalog": "SELECT * FROM catalog",
    "offering": "SELECT * FROM offering",
    "busy_block": "SELECT * FROM busy_block",
    "reservation": "SELECT tenant_id, CASE WHEN kind <> 'session' THEN owner_id END, kind, staff_id, service_id,"
    " visit_start, visit_end, starts_at, ends_at, capacity, expires_at FROM reservation",
    "seat": "SELECT s.tenant_id, s.owner_id, s.kind, s.expires_at, r.staff_id, r.service_id, r.visit_start"
    " FROM seat s JOIN reservation r ON r.tenant_id = s.tenant_id AND r.owner_id = s.session_id",
    "recovery": "SELECT * FROM recovery",
}
Standing = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Backup:
    """`dsn` is the owner's."""

    dsn: str
    drawn: int

    @classmethod
    def take(cls, dsn: str) -> Backup:
        """Keep everything as it is now."""
        with psycopg.connect(dsn) as owner:
            owner.execute("CREATE SCHEMA kept")
            for (table,) in owner.execute(TABLES.encode()).fetchall():
                statement = sql.SQL("CREATE TABLE kept.{} AS TABLE public.{}")
                owner.execute(statement.format(*[sql.Identifier(table)] * 2))
            row = owner.execute("SELECT last_value FROM event_queue_qid_seq").fetchone()
        assert row is not None
        return cls(dsn, row[0])

    def put_back(self) -> None:
        """Restore it."""
        with psycopg.connect(self.dsn) as owner:
            for (table,) in owner.execute(TABLES.encode()).fetchall():
                name = sql.Identifier(table)
                owner.execute(sql.SQL("TRUNCATE public.{}").format(name))
                columns = [sql.Identifier(one) for (one,) in owner.execute(GIVEN, (table,))]
                listed = sql.SQL(", ").join(columns)
                statement = sql.SQL(
                    "INSERT INTO public.{} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM kept.{}"
                )
                owner.execute(statement.format(name, listed, listed, name))
            owner.execute("SELECT setval('event_queue_qid_seq', %s)", (self.drawn,))


def standing(dsn: str) -> Standing:
    """What stands in the tables, in no order."""
    with psycopg.connect(dsn) as owner:
        return {
            name: sorted(owner.execute(statement.encode()).fetchall(), key=repr)
            for name, statement in STANDS.items()
        }
