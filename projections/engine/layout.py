"""Where the tables of read models stand: `public` those that are read, `building_<model>` those that are being filled,
`retired_<model>` those that were replaced, until they are dropped.

The owner of the database does all of this. A copy of a table has its shape, its indexes, its wall and its rights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString

from psycopg import sql

from projections.engine.read_model import Connection, ReadModel

PUBLIC: Final = "public"
POLICIES: Final = (
    "SELECT p.polname, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),"
    " ARRAY(SELECT rolname::text FROM pg_roles WHERE oid = ANY(p.polroles) ORDER BY 1)"
    " FROM pg_policy p WHERE p.polrelid = %s::regclass ORDER BY 1"
)
GRANTS: Final = (
    "SELECT a.grantee::regrole::text, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a"
    " WHERE c.oid = %s::regclass AND a.grantee <> c.relowner AND a.grantee <> 0 ORDER BY 1, 2"
)
EXISTS: Final = "SELECT to_regclass(%s) IS NOT NULL"
READERS: Final = (
    "SELECT DISTINCT a.grantee::regrole::text FROM pg_class c, aclexplode(c.relacl) a"
    " WHERE c.oid = %s::regclass AND a.grantee <> c.relowner AND a.grantee <> 0"
)


class NotLaidOut(Exception):
    """No migration has made the tables of this version."""


def building(model: ReadModel) -> str:
    """The schema in which a model is filled."""
    return f"building_{model.name}"


def retired(model: ReadModel) -> str:
    """The schema of what it replaced."""
    return f"retired_{model.name}"


def lay_out(owner: Connection, model: ReadModel) -> None:
    """Have empty tables to fill: copies of those that are read, or those that a migration made. Raises NotLaidOut.

    What was left of an earlier attempt is emptied.
    """
    schema = building(model)
    with owner.transaction():
        _have_schema(owner, schema)
        for table in model.tables:
            if has(owner, schema, table):
                owner.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(schema, table)))
            elif has(owner, PUBLIC, table):
                _copy(owner, schema, table)
            else:
                raise NotLaidOut(
                    f"read model {model.name} v{model.version}: no migration has made {schema}.{table}"
                )
        for role in _readers(owner, schema, model.tables):
            owner.execute(
                sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(
                    sql.Identifier(schema), sql.Identifier(role)
                )
            )


def has(owner: Connection, schema: str, table: str) -> bool:
    """True when there is such a table."""
    named = sql.Identifier(schema, table).as_string(owner)
    return owner.execute(EXISTS, (named,)).fetchone() == (True,)


def put_in_place(owner: Connection, model: ReadModel) -> None:
    """Move filled tables to where they are read, and what stands there out of the way; in the caller's transaction."""
    move(owner, model.tables, PUBLIC, retired(model))
    move(owner, model.tables, building(model), PUBLIC)
    drop_schema(owner, building(model))


def move(owner: Connection, tables: Sequence[LiteralString], here: str, there: str) -> None:
    """Move those of the tables that are `here`."""
    for table in tables:
        if not has(owner, here, table):
            continue
        if there != PUBLIC:
            _have_schema(owner, there)
            owner.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(there, table)))
        owner.execute(
            sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(
                sql.Identifier(here, table), sql.Identifier(there)
            )
        )


def drop_schema(owner: Connection, schema: str) -> bool:
    """Drop a schema and the tables in it; False where there is none."""
    known = owner.execute("SELECT FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone()
    owner.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
    return known is not None


def _have_schema(owner: Connection, schema: str) -> None:
    owner.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))


def _readers(owner: Connection, schema: str, tables: Sequence[str]) -> set[str]:
    return {
        row[0]
        for table in tables
        for row in owner.execute(READERS, (_text(owner, schema, table),)).fetchall()
    }


def _copy(owner: Connection, schema: str, table: str) -> None:
    of, copy = sql.Identifier(PUBLIC, table), sql.Identifier(schema, table)
    owner.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(copy, of))
    owner.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(copy))
    owner.execute(sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(copy))
    named = _text(owner, PUBLIC, table)
    for name, using, check, roles in owner.execute(POLICIES, (named,)).fetchall():
        owner.execute(
            sql.SQL("CREATE POLICY {} ON {} TO {} USING ({}) WITH CHECK ({})").format(
                sql.Identifier(name),
                copy,
                sql.SQL(", ").join(map(sql.Identifier, roles)),
                sql.SQL(using),
                sql.SQL(check or using),
            )
        )
    for role, right in owner.execute(GRANTS, (named,)).fetchall():
        owner.execute(
            sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(right), copy, sql.Identifier(role))
        )


def _text(owner: Connection, schema: str, table: str) -> str:
    return sql.Identifier(schema, table).as_string(owner)
