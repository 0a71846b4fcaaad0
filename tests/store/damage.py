"""Somebody changes the stored record by hand, past every wall, and puts it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import psycopg
from psycopg import sql

from infrastructure.deployment import Deployment


def changed(column: str, at: int) -> str:
    """Another value of a column of bytes: one bit of it is another."""
    return f"{column} = set_byte({column}, {at}, get_byte({column}, {at}) # 1)"


def event_at(position: int) -> str:
    """A condition: the event at a place in the tenant's log."""
    return (
        "(tenant_id, stream_id, stream_version) = (SELECT tenant_id, stream_id, stream_version"
        f" FROM sequenced WHERE tenant_id = %(tenant)s AND position = {position})"
    )


def _written(owner: psycopg.Connection[Any], table: str) -> sql.Composed:
    """The columns that are not made from others."""
    rows = owner.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' ORDER BY attnum",
        (table,),
    ).fetchall()
    return sql.SQL(", ").join(sql.Identifier(row[0]) for row in rows)


@contextmanager
def done_by_hand(
    deployment: Deployment,
    tables: Sequence[str],
    statements: Sequence[str],
    database: Literal["main", "keys"] = "main",
    **values: Any,
) -> Iterator[None]:
    """Run the statements as the owner; at the end the tables are what they were before."""
    with psycopg.connect(getattr(deployment, database), autocommit=True) as owner:
        for table in tables:
            of_table = sql.Identifier(table)
            saved = sql.Identifier(f"saved_{table}")
            owner.execute(sql.SQL("CREATE TEMPORARY TABLE {} AS TABLE {}").format(saved, of_table))
        for statement in statements:
            assert owner.execute(statement.encode(), values).rowcount > 0, statement
        try:
            yield
        finally:
            with owner.transaction():
                for table in tables:
                    of_table = sql.Identifier(table)
                    saved = sql.Identifier(f"saved_{table}")
                    owner.execute(sql.SQL("DELETE FROM {}").format(of_table))
                    owner.execute(
                        sql.SQL(
                            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}"
                        ).format(of_table, columns := _written(owner, table), columns, saved)
                    )
