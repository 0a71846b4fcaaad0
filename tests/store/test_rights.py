"""What the schema says of walls, and what each part may do: its own work only. README D2, D13."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from infrastructure.deployment import Deployment
from infrastructure.recovery.bringing_back import READ_MODELS

# --- what the schema says --------------------------------------------------------------------------------------------

WITHOUT_TENANTS = {
    "sequencer_head": "one row: the deployment's order",
    "read_model": "where followers stand in the deployment's order",
    "read_model_build": "how far a read model that is being made anew has come",
    "read_model_act": "who did what to the models of all tenants together",
    "read_model_job": "what the worker is to do to them",
    "sequence_mark": "how far the deployment's order was, second by second",
    "duty_total": "one row: how much is due of all tenants together",
    "deployment_gauge": "numbers about all tenants together",
    "event_type": "the names of event types",
    "scrub": "one row: where the scrub stands in the deployment's order",
    "subject_index": "one row: where the index of subjects stands in the deployment's order",
    "schema_migration": "what the schema is made of",
    "epoch": "the deployment's epochs",
    "bucket_key": "the deployment's bucket keys",
    "key_destroyed": "which keys the last re-keyings destroyed, by id",
    "full_rekeying": "one row: where a re-keying of all buckets stands",
}
PARTS = (
    "app",
    "sequencer",
    "follower",
    "publisher",
    "mapper",
    "keeper",
    "restorer",
    "keys",
    "shredder",
)
EVERYONES = (
    *("all_tenants", "every_tenant", "publishing", "mapping", "keeping", "restoring"),
    *("shredding", "rekeying", "canary", "erasing", "due"),
)
KEYS_WITHOUT_TENANTS = {
    "sequenced_pkey": "the deployment's order, for followers only",
    "event_queue_pkey": "the order of waiting, for the sequencer only",
    "subject_key_by_bucket": "a bucket's keys, for the shredder only",
    "blind_index_by_bucket": "a bucket's rows, for the shredder only",
}


@pytest.fixture(params=["main", "keys"])
def owner(
    request: pytest.FixtureRequest, module_deployment: Deployment
) -> Iterator[psycopg.Connection[Any]]:
    """The owner of each database in turn."""
    with psycopg.connect(getattr(module_deployment, request.param), autocommit=True) as connection:
        yield connection


def test_row_level_security_is_forced_on_every_table_of_tenants(
    owner: psycopg.Connection[Any],
) -> None:
    rows = owner.execute(
        "SELECT relname, relrowsecurity AND relforcerowsecurity, EXISTS (SELECT FROM pg_attribute"
        " WHERE attrelid = c.oid AND attname = 'tenant_id') FROM pg_class c"
        " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    ).fetchall()
    assert len(rows) > 5
    for name, is_forced, has_tenants in rows:
        assert is_forced == has_tenants == (name not in WITHOUT_TENANTS), name


def test_every_policy_for_the_parts_that_serve_tenants_is_the_wall(
    owner: psycopg.Connection[Any],
) -> None:
    rows = owner.execute(
        "SELECT tablename, policyname, roles::text[], qual, with_check FROM pg_policies"
    ).fetchall()
    assert rows
    database = owner.info.dbname
    for table, policy, roles, sees, writes in rows:
        if policy in EVERYONES:
            parts = (
                "sequencer",
                "follower",
                "publisher",
                "mapper",
                "keeper",
                "restorer",
                "shredder",
            )
            assert roles in [[f"{database}_{part}"] for part in parts], table
        else:
            assert roles in ([f"{database}_app"], [f"{database}_keys"]), table
            assert sees == writes, table
            assert sees in ("(tenant_id = wall())", "(tenant_id = ( SELECT wall() AS wall))"), table


def test_the_tenant_leads_every_key(owner: psycopg.Connection[Any]) -> None:
    rows = owner.execute(
        "SELECT i.relname, t.relname, a.attname FROM pg_index x"
        " JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid"
        " LEFT JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = indkey[0]"
        " WHERE t.relnamespace = 'public'::regnamespace"
    ).fetchall()
    assert len(rows) > 5
    for index, table, first in rows:
        if table not in WITHOUT_TENANTS and index not in KEYS_WITHOUT_TENANTS:
            assert first == "tenant_id", index


def test_functions_run_as_their_caller(owner: psycopg.Connection[Any]) -> None:
    rows = owner.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
    ).fetchall()
    assert rows == []


def test_no_part_has_a_right_that_walls_do_not_hold(owner: psycopg.Connection[Any]) -> None:
    database = owner.info.dbname
    rows = owner.execute(
        "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"
        " OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)"
        " OR EXISTS (SELECT FROM pg_class WHERE relowner = r.oid)"
        " OR has_schema_privilege(r.oid, 'public', 'CREATE')"
        " FROM pg_roles r WHERE rolname = ANY(%s)",
        ([f"{database}_{part}" for part in PARTS],),
    ).fetchall()
    assert rows
    assert [name for name, has_more in rows if has_more] == []


# --- what each part may do -------------------------------------------------------------------------------------------

RECORD = (
    *("event", "sequenced", "event_queue", "ledger_head", "subject_fence"),
    *(
        "ledger_tile",
        "ledger_checkpoint",
        "subject_leaf",
        "map_leaf",
        "subject_chain",
        "subject_map",
    ),
)
MAY: dict[str, set[tuple[str, str]]] = {
    "app": {("INSERT", "event"), ("INSERT", "event_queue"), ("INSERT", "subject_fence")},
    "sequencer": {
        ("DELETE", "event_queue"),
        ("INSERT", "sequenced"),
        ("INSERT", "ledger_head"),
        ("UPDATE", "ledger_head"),
        ("INSERT", "ledger_tile"),
    },
    "follower": set(),
    "mapper": {
        ("INSERT", "subject_leaf"),
        ("INSERT", "map_leaf"),
        *((right, "subject_chain") for right in ("INSERT", "UPDATE")),
        *((right, "subject_map") for right in ("INSERT", "UPDATE")),
    },
    "publisher": {(right, "ledger_checkpoint") for right in ("INSERT", "UPDATE", "DELETE")},
    "keeper": set(),
    "restorer": {
        *(("INSERT", table) for table in ("event", "sequenced", "ledger_tile", "ledger_head")),
        ("INSERT", "subject_fence"),
        ("UPDATE", "ledger_head"),
        ("DELETE", "event_queue"),
    },
}


@pytest.mark.parametrize("part", MAY)
def test_no_part_changes_the_record_beyond_its_work(
    module_deployment: Deployment, part: str
) -> None:
    with psycopg.connect(module_deployment.main, autocommit=True) as connection:
        role = f"{connection.info.dbname}_{part}"
        rows = connection.execute(
            "SELECT p, t FROM unnest(%s::text[]) t, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE',"
            " 'REFERENCES', 'TRIGGER']) p WHERE has_table_privilege(%s, t, p)",
            (list(RECORD), role),
        ).fetchall()
    assert set(rows) == MAY[part]


def test_nobody_but_the_follower_writes_read_models_and_a_recovery_forgets_each_of_them(
    module_deployment: Deployment,
) -> None:
    with psycopg.connect(module_deployment.main, autocommit=True) as connection:
        database = connection.info.dbname
        rows = connection.execute(
            "SELECT relname, part, p FROM pg_class, unnest(%s::text[]) part,"
            " unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname ~ '_v[0-9]+$'"
            " AND has_table_privilege(part, oid, p)",
            ([f"{database}_{part}" for part in MAY],),
        ).fetchall()
    found = {(table, part.removeprefix(f"{database}_"), right) for table, part, right in rows}
    expected = {
        (table, part, right)
        for table in READ_MODELS
        for part, right in (
            *(("follower", right) for right in ("INSERT", "UPDATE", "DELETE")),
            ("restorer", "DELETE"),
        )
    }
    assert found == expected


def test_nobody_but_the_follower_retains_states_and_nobody_changes_one(
    module_deployment: Deployment,
) -> None:
    with psycopg.connect(module_deployment.main, autocommit=True) as connection:
        database = connection.info.dbname
        rows = connection.execute(
            "SELECT part, p FROM unnest(%s::text[]) part,"
            " unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p"
            " WHERE has_table_privilege(%s || '_' || part, 'retained_state', p)",
            (list(MAY), database),
        ).fetchall()
    assert set(rows) == {
        ("app", "SELECT"),
        *(("follower", right) for right in ("SELECT", "INSERT", "DELETE")),
        *(("restorer", right) for right in ("SELECT", "DELETE")),
    }


@pytest.mark.parametrize("part", MAY)
@pytest.mark.parametrize("table", ["event", "sequenced", "ledger_tile"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"],
)
def test_what_was_recorded_cannot_be_changed(
    module_deployment: Deployment, part: str, table: str, statement: str
) -> None:
    with (
        psycopg.connect(module_deployment.dsn_of(part), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(sql.SQL(statement).format(sql.Identifier(table)))


def test_no_part_of_the_main_database_reads_keys_and_none_of_the_key_database_reads_events(
    module_deployment: Deployment,
) -> None:
    keys = conninfo_to_dict(module_deployment.keys)["dbname"]
    main = conninfo_to_dict(module_deployment.main)["dbname"]
    for part, database, table in (
        ("app", keys, "subject_key"),
        ("follower", keys, "subject_key"),
        ("sequencer", keys, "epoch"),
        ("publisher", keys, "subject_key"),
        ("keeper", keys, "subject_key"),
        ("restorer", keys, "subject_key"),
        ("shredder", main, "event"),
        ("keys", main, "event"),
    ):
        with (
            psycopg.connect(module_deployment.dsn_of(part), dbname=database) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(table)))


def test_the_keys_part_cannot_touch_epochs_or_bucket_keys(module_deployment: Deployment) -> None:
    for table in ("epoch", "bucket_key"):
        for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            with psycopg.connect(module_deployment.keys, autocommit=True) as connection:
                row = connection.execute(
                    "SELECT has_table_privilege(%s, %s, %s)",
                    (f"{connection.info.dbname}_keys", table, right),
                ).fetchone()
            assert row == (False,), (table, right)


def test_nobody_but_the_shredder_changes_a_wrapped_key_and_it_makes_none(
    module_deployment: Deployment,
) -> None:
    with psycopg.connect(module_deployment.keys, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT part, c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid,"
            " unnest(ARRAY['keys', 'shredder']) part WHERE c.relkind = 'r' AND a.attnum > 0"
            " AND c.relnamespace = 'public'::regnamespace"
            " AND has_column_privilege(current_database() || '_' || part, c.oid, a.attnum, 'UPDATE')",
        ).fetchall()
        found = {(part, table, column) for part, table, column in rows}
        walled = {one for one in found if one[1] in ("subject_key", "sealed_secret", "blind_index")}
        assert walled == {
            ("keys", "blind_index", "pending"),
            ("keys", "blind_index", "made_at"),
            ("shredder", "subject_key", "wrapped"),
            ("shredder", "subject_key", "destroyed_at"),
            ("shredder", "sealed_secret", "epoch"),
            ("shredder", "sealed_secret", "wrapped"),
            ("shredder", "blind_index", "bucket"),
            ("shredder", "blind_index", "digest"),
            ("shredder", "blind_index", "inner_sealed"),
        }
        others = {table for part, table, _ in found - walled if part == "keys"}
        assert others == set()
    with psycopg.connect(module_deployment.dsn_of("shredder")) as shredder:
        key = "INSERT INTO subject_key VALUES (%s, %s, 'audit', %s, 0, '\\x00', NULL)"
        for statement in ("DELETE FROM subject_key", "DELETE FROM sealed_secret", key):
            values = (uuid4(),) * statement.count("%s")
            with pytest.raises(psycopg.errors.InsufficientPrivilege), shredder.transaction():
                shredder.execute(statement.encode(), values)
