"""What start-up refuses: a schema, an event type, or a way of running in which the record would not hold."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from application.event_types import catalogue
from infrastructure import migrate as migrations
from infrastructure.database import Roles
from infrastructure.deployment import Deployment, DeploymentRefused
from infrastructure.migrate import SchemaRefused, ensure_database, fill_in, migrate
from infrastructure.settings import SettingRefused, Settings
from tests.postgres import drop_database

TYPES = frozenset(catalogue())


def change(deployment: Deployment, statement: str) -> None:
    with psycopg.connect(deployment.main) as owner:
        owner.execute(statement)


def test_a_type_of_event_that_we_do_not_know_is_refused(own_deployment: Deployment) -> None:
    own_deployment.check(TYPES)
    change(own_deployment, "INSERT INTO event_type VALUES ('booking.teleported.v1')")
    with pytest.raises(DeploymentRefused, match=r"does not know: booking\.teleported\.v1"):
        own_deployment.check(TYPES)
    with pytest.raises(DeploymentRefused, match="does not know"):
        own_deployment.prepare(TYPES)


def test_a_schema_that_is_newer_than_we_are_is_refused(own_deployment: Deployment) -> None:
    change(own_deployment, "INSERT INTO schema_migration VALUES ('9999_from_the_future', 'x')")
    with pytest.raises(DeploymentRefused, match="newer than this program: it has 9999"):
        own_deployment.check(TYPES)
    with pytest.raises(DeploymentRefused, match="newer than this program"):
        own_deployment.prepare(TYPES)


def test_a_migration_that_was_edited_is_refused(own_deployment: Deployment) -> None:
    change(own_deployment, "UPDATE schema_migration SET sha256 = 'other' WHERE name LIKE '0001%'")
    with pytest.raises(DeploymentRefused, match="0001_events was changed after it was applied"):
        own_deployment.check(TYPES)


def test_a_schema_that_lacks_something_is_refused_until_it_is_migrated(
    own_deployment: Deployment,
) -> None:
    change(own_deployment, "DELETE FROM schema_migration WHERE name LIKE '0009%'")
    with pytest.raises(DeploymentRefused, match="lacks 0009_ledger: run 'daybook migrate'"):
        own_deployment.check(TYPES)


def test_an_empty_database_is_refused_until_it_is_migrated(postgres_server: str) -> None:
    name = f"daybook_empty_{uuid4().hex[:8]}"
    dsn = ensure_database(postgres_server, name)
    try:
        with pytest.raises(SchemaRefused, match="holds no Daybook schema"):
            migrations.check(dsn, "main")
    finally:
        drop_database(postgres_server, name)


def test_several_may_migrate_at_once(postgres_server: str) -> None:
    name = f"daybook_race_{uuid4().hex[:8]}"
    dsn = ensure_database(postgres_server, name)
    try:
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda _: migrate(dsn, "main", b"secret"), range(4)))
        assert sorted(map(len, done))[:3] == [0, 0, 0], "one applied them, the others waited"
        migrations.check(dsn, "main")
    finally:
        drop_database(postgres_server, name)


def test_a_migration_that_fails_leaves_nothing_behind(postgres_server: str, tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / "0001_half.sql").write_text("CREATE TABLE half (n int); SELECT 1/0;")
    name = f"daybook_half_{uuid4().hex[:8]}"
    dsn = ensure_database(postgres_server, name)
    try:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(dsn, "main", b"secret", tmp_path)
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)
    finally:
        drop_database(postgres_server, name)


def test_every_role_in_a_migration_is_one_of_ours() -> None:
    for line in migrations.PARTS:
        for one in migrations.migrations(line):
            assert "{{" not in fill_in(one.text, Roles("any")), one.name


def test_python_without_assertions_is_refused() -> None:
    program = "from infrastructure.settings import Settings; from pathlib import Path; Settings.read(Path('.'))"
    done = subprocess.run(
        [sys.executable, "-O", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "does not run with python -O" in done.stderr


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"POSTGRES_ENABLE_DB_FUNCTIONS": "y"}, "followers would lose events"),
        ({"DAYBOOK_KEYS_URL": "postgresql://x"}, "without DATABASE_URL"),
        ({"DAYBOOK_API_PROCESSES": "many"}, "whole number from 1 to 64"),
        ({"DAYBOOK_API_PROCESSES": "0"}, "whole number from 1 to 64"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(environment: Mapping[str, str], reason: str) -> None:
    with pytest.raises(SettingRefused, match=reason):
        Settings.read(Path("."), environment)


def test_a_database_that_cannot_be_reached_is_one_clear_line(tmp_path: Path) -> None:
    away = Settings(tmp_path, database_url="postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(DeploymentRefused, match="cannot be reached") as refused:
        Deployment.locate(away).check(TYPES)
    assert "secret" not in str(refused.value)
