"""`rebuilt == followed`, shown red: one row of each table of each model changed, gone, and too many. README D12."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

from api.process.proving import prove_all
from projections.engine.read_model import ReadModel
from projections.models import MODELS
from tests.projections.test_after_an_erasure import House, house
from tests.projections.test_proving import storied
from tests.store.damage import done_by_hand

__all__ = ["house", "storied"]

TABLES = [(model, table) for model in MODELS for table in model.tables]
COLUMNS = (
    "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    " AND NOT attisdropped AND attname <> 'tenant_id' ORDER BY attnum"
)
OTHERWISE = {
    "uuid": "gen_random_uuid()",
    "text": "{0} || '.'",
    "boolean": "NOT {0}",
    "integer": "{0} + 1",
    "bigint": "{0} + 1",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
    "bytea": "{0} || '\\x00'",
}
# Of a column that has a list of codes, the first of them.
CODE = (
    "SELECT (regexp_match(pg_get_constraintdef(oid), %s))[1] AS code FROM pg_constraint WHERE contype = 'c'"
    " AND conrelid = %s::regclass ORDER BY code NULLS LAST LIMIT 1"
)
NOTHING = {
    "uuid": "gen_random_uuid()",
    "text": "'a'",
    "boolean": "false",
    "integer": "1",
    "bigint": "1",
    "timestamp with time zone": "'2027-01-01'",
    "bytea": "'\\x00'",
    "text[]": "'{a}'",
    "uuid[]": "'{}'",
}


def changes(owner: psycopg.Connection, table: str) -> Iterator[tuple[str, str]]:
    """One statement each that changes, takes away and adds one row. The first column that lets itself be is changed."""
    columns = owner.execute(COLUMNS.encode(), (table,)).fetchall()
    one = f"(SELECT ctid FROM {table} LIMIT 1)"
    yield "gone", f"DELETE FROM {table} WHERE ctid = {one}"
    for name, type in reversed(columns):
        if type not in OTHERWISE:
            continue
        other = OTHERWISE[type].format(name)
        statement = f"UPDATE {table} SET {name} = {other} WHERE ctid = {one} AND {name} IS NOT NULL"
        if lets(owner, statement):
            yield f"{name} changed", statement
            break
    else:
        raise AssertionError(f"no column of {table} can be changed")
    names = [name for name, _ in columns]
    for name, type in columns:
        if type not in OTHERWISE:
            continue
        values = [OTHERWISE[type].format(one) if one == name else one for one in names]
        statement = (
            f"INSERT INTO {table} (tenant_id, {', '.join(names)}) SELECT tenant_id, {', '.join(values)}"
            f" FROM {table} LIMIT 1"
        )
        if lets(owner, statement):
            yield "too many", statement
            return
    raise AssertionError(f"no row can be added to {table}")


def from_nothing(owner: psycopg.Connection, table: str) -> str:
    """A statement that adds a row to an empty table: codes are taken from its checks."""
    values = {}
    for name, type in owner.execute(COLUMNS.encode(), (table,)).fetchall():
        code = owner.execute(CODE.encode(), (rf"{name} = ANY \(ARRAY\['(\w+)'", table)).fetchone()
        values[name] = f"'{code[0]}'" if code and code[0] else NOTHING[type]
    return f"INSERT INTO {table} (tenant_id, {', '.join(values)}) VALUES (%(tenant)s, {', '.join(values.values())})"


def lets(owner: psycopg.Connection, statement: str) -> bool:
    """True where the schema allows it, and it does something."""
    try:
        with owner.transaction(force_rollback=True):
            return owner.execute(statement.encode()).rowcount == 1
    except psycopg.errors.IntegrityError:
        return False


def test_one_row_of_any_table_shows(storied: House) -> None:
    with psycopg.connect(storied.deployment.main, autocommit=True) as owner:
        for model, table in TABLES:
            count = owner.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
            if count.fetchone() == (0,):
                found = [("from nothing", from_nothing(owner, table))]
            else:
                found = list(changes(owner, table))
                assert len(found) == 3
            for what, statement in found:
                turns_red(storied, model, table, what, statement)
    done = prove_all(storied.deployment, MODELS, lambda _name, _count: None)
    assert all(one.proof is not None and one.proof.holds for one in done), "all was put back"


def turns_red(storied: House, model: ReadModel, table: str, what: str, statement: str) -> None:
    tenant = storied.shop.tenant
    with done_by_hand(storied.deployment, (table,), (statement,), tenant=tenant):
        (done,) = prove_all(storied.deployment, [model], lambda _name, _count: None)
    assert done.proof is not None
    assert not done.proof.holds, (table, what)
    assert {(one.table, one.tenant) for one in done.proof.differing} == {(table, tenant)}
