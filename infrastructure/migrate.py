"""Numbered SQL migrations: forward only, each in one transaction, its checksum kept.

A file that was applied may never change, and a database that knows files we do not is newer than this program: both
are refused before anything is touched. Several processes may migrate at once: one does, the others wait.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infrastructure.database import Roles, role_password

FOLDER: Final = Path(__file__).parent / "migrations"
LOCK: Final = 7203845519  # one number for every Daybook database
PARTS: Final = {
    "main": ("app", "sequencer", "follower", "publisher", "mapper", "keeper", "restorer"),
    "keys": ("keys", "shredder"),
}


class SchemaRefused(Exception):
    """The database's schema is not one this program knows."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of a line of migrations."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """The checksum of the file's bytes."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(line: str, folder: Path = FOLDER) -> list[Migration]:
    """The migrations of `line` (main or keys), in order."""
    files = sorted((folder / line).glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [Migration(file.stem, file.read_text(encoding="utf-8")) for file in files]


def ensure_database(server_dsn: str, name: str) -> str:
    """The connection string of database `name`, made if it is not there."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", (name,)
        ).fetchone()
        if found is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(name)
                )
            )
    return make_conninfo(server_dsn, dbname=name)


def migrate(dsn: str, line: str, secret: bytes, folder: Path = FOLDER) -> list[str]:
    """Bring the database at `dsn` up to date; the names of what was applied.

    Refuses: SchemaRefused (a file was edited after it was applied; the database is newer than this program).
    """
    files = migrations(line, folder)
    roles = Roles(str(conninfo_to_dict(dsn)["dbname"]))
    applied: list[str] = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (name text PRIMARY KEY, sha256 text NOT NULL)"
        )
        known = dict(
            cast(
                list[tuple[str, str]],
                connection.execute("SELECT name, sha256 FROM schema_migration").fetchall(),
            )
        )
        refuse_strangers(known, files)
        ensure_roles(connection, roles, PARTS[line], secret)
        for migration in files:
            if migration.name in known:
                continue
            with connection.transaction():
                connection.execute(fill_in(migration.text, roles).encode())
                connection.execute(
                    "INSERT INTO schema_migration VALUES (%s, %s)",
                    (migration.name, migration.sha256),
                )
            applied.append(migration.name)
    return applied


def check(dsn: str, line: str, folder: Path = FOLDER) -> None:
    """Refuse a schema that is not exactly the one this program knows. Raises SchemaRefused."""
    files = migrations(line, folder)
    with psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('schema_migration')").fetchone() == (None,):
            raise SchemaRefused("the database holds no Daybook schema: run 'daybook migrate'")
        known = dict(
            cast(
                list[tuple[str, str]],
                connection.execute("SELECT name, sha256 FROM schema_migration").fetchall(),
            )
        )
    refuse_strangers(known, files)
    missing = [file.name for file in files if file.name not in known]
    if missing:
        raise SchemaRefused(f"the database lacks {missing[0]}: run 'daybook migrate'")


def refuse_strangers(known: dict[str, str], files: list[Migration]) -> None:
    """Raise SchemaRefused for an edited file, or one that this program does not have."""
    ours = {file.name: file.sha256 for file in files}
    for name, sha256 in sorted(known.items()):
        if name not in ours:
            raise SchemaRefused(f"the database is newer than this program: it has {name}")
        if ours[name] != sha256:
            raise SchemaRefused(f"the migration {name} was changed after it was applied")


def ensure_roles(
    connection: psycopg.Connection[tuple[object, ...]],
    roles: Roles,
    parts: tuple[str, ...],
    secret: bytes,
) -> None:
    """Make the parts' roles, with login and without any other right; set their derived passwords."""
    for part in parts:
        role = roles.name(part)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK + 1,))
            found = connection.execute(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)
            ).fetchone()
            verb = sql.SQL("ALTER" if found else "CREATE")
            connection.execute(
                sql.SQL(
                    "{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}"
                ).format(verb, sql.Identifier(role), sql.Literal(role_password(secret, role)))
            )


def fill_in(text: str, roles: Roles) -> str:
    """The file with `{{part}}` replaced by the part's role."""
    for parts in PARTS.values():
        for part in parts:
            text = text.replace("{{" + part + "}}", f'"{roles.name(part)}"')
    return text
