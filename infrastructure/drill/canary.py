"""Look for a canary in everything a deployment leaves behind: tables, dumps, files, and the write-ahead log.

A canary is a random word that is put where personal data goes. Sealing is believed only because the same search finds
the word when sealing is switched off (`tests/recovery/test_canary.py` proves that for every place and disguise below).

*Disguises*: as it is, in capitals, UTF-16, hexadecimal (so a dump shows bytes), base64 at each of the three alignments
(and that in hexadecimal), JSON's `\\uXXXX`.

*Places*, and why nothing hides in them:

* `in_tables`: every table of every database through COPY. The server has put values together again there: out of
  line, compressed or not. Binary for our tables, text for its catalogues (statistics among them).
* `in_dumps`: what `pg_dump` writes.
* `in_files`: every file of the data folder as it lies on the disk: heap, indexes, dead rows, logs, leftovers. A value
  that was compressed (pglz) and is in no table any more is found by its pieces: pglz writes what it has not seen
  before as it is, with one control byte before every eight, so eight characters of the canary in a row are left.
  Pages of the write-ahead log are looked at with their headers cut out as well, or a value that runs over the edge
  of a page would hide.
* `in_log`: the write-ahead log as the server itself decodes it (`pg_walinspect`): rows and full-page images, which
  may be compressed (`wal_compression`). A compressed value within is found by its pieces again.
"""

from __future__ import annotations

import base64
import json
import secrets
import string
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infrastructure.server.postgres_binaries import find_binaries

CORE_LENGTH: Final = 24
PIECE: Final = 8
PAGE: Final = 8_192
PAGE_HEADERS: Final = (24, 40)  # of a page of the log; the longer one begins a segment


@dataclass(frozen=True)
class Canary:
    """A word that occurs nowhere by chance. Digits only, so that it can be a phone number, with `digits`."""

    core: str

    @classmethod
    def hatch(cls, *, digits: bool = False) -> Canary:
        """A new one."""
        if digits:
            return cls("4915" + "".join(secrets.choice(string.digits) for _ in range(11)))
        letters = string.ascii_lowercase + string.digits
        return cls("k" + "".join(secrets.choice(letters) for _ in range(CORE_LENGTH - 1)))

    @cached_property
    def disguises(self) -> dict[str, bytes]:
        """How it may look as a whole, by name."""
        word = self.core.encode()
        found = {
            "plain": word,
            "capitals": word.upper(),
            "utf-16": self.core.encode("utf-16-le"),
            "utf-16 big": self.core.encode("utf-16-be"),
            "hex": word.hex().encode(),
            "hex capitals": word.hex().upper().encode(),
            "json": escaped(self.core).encode(),
            "json capitals": escaped(self.core).upper().replace("\\U", "\\u").encode(),
        }
        for shift, text in enumerate(base64_cores(word)):
            found[f"base64 {shift}"] = text
            found[f"base64 {shift} in hex"] = text.hex().encode()
        found["json in hex"] = found["json"].hex().encode()
        return found

    @cached_property
    def pieces(self) -> dict[str, list[bytes]]:
        """What pglz leaves of it in one piece, as it is or in base64.

        Eight digits in a row may stand anywhere by chance: a number is looked for in base64 only.
        """
        word = self.core.encode()
        wholes = {f"base64 {n}": text for n, text in enumerate(base64_cores(word))}
        if not self.core.isdigit():
            wholes["plain"] = word
        return {
            f"{name}, compressed": [text[at : at + PIECE] for at in range(PIECE)]
            for name, text in wholes.items()
            if len(text) >= 2 * PIECE - 1
        }

    def seen_in(self, data: bytes) -> set[str]:
        """The disguises in which it occurs."""
        found = {name for name, text in self.disguises.items() if text in data}
        found |= {
            name for name, texts in self.pieces.items() if any(text in data for text in texts)
        }
        return found


def escaped(text: str) -> str:
    """Every character as JSON may write it.

    >>> escaped("ab")
    '\\\\u0061\\\\u0062'
    """
    return "".join(f"\\u{ord(character):04x}" for character in text)


def base64_cores(word: bytes) -> list[bytes]:
    """The characters of base64 that depend on `word` alone, when 0, 1 or 2 bytes more come before it.

    >>> whole = base64.b64encode(b"Dear canary, sing")
    >>> [core in whole for core in base64_cores(b"canary")]
    [False, False, True]
    """
    found = []
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + word)
        begin, end = -(-8 * shift // 6), (8 * (shift + len(word))) // 6
        found.append(text[begin:end])
    return found


@dataclass(frozen=True)
class Sighting:
    """A canary that has been seen: where, and how it looked."""

    where: str
    how: str
    core: str


def look(where: str, data: bytes, canaries: Iterable[Canary]) -> Iterator[Sighting]:
    """Every canary in `data`, in every disguise."""
    for canary in canaries:
        for how in sorted(canary.seen_in(data)):
            yield Sighting(where, how, canary.core)


# --- tables and dumps ------------------------------------------------------------------------------------------------


def databases(server: str) -> list[str]:
    """Connection strings of every database of the server that can be entered; `server` is the superuser's."""
    with psycopg.connect(server, autocommit=True) as connection:
        names = connection.execute(
            "SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname"
        ).fetchall()
    return [make_conninfo(server, dbname=str(name)) for (name,) in names]


def in_tables(dsns: Sequence[str], canaries: Sequence[Canary]) -> list[Sighting]:
    """What every table of these databases holds, catalogues included."""
    found: list[Sighting] = []
    for dsn in dsns:
        with psycopg.connect(dsn, autocommit=True) as connection:
            tables = connection.execute(
                "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                " WHERE relkind IN ('r', 'm', 'p', 'S') AND nspname NOT LIKE 'pg\\_toast%'"
            ).fetchall()
            for schema, name in tables:
                ours = schema not in ("pg_catalog", "information_schema")
                statement = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(
                    sql.Identifier(schema, name)
                )
                if ours:
                    statement += sql.SQL(" (FORMAT binary)")
                with connection.cursor().copy(statement) as copy:
                    data = b"".join(bytes(part) for part in copy)
                found += look(f"table {connection.info.dbname}.{name}", data, canaries)
    return found


def in_dumps(dsns: Sequence[str], canaries: Sequence[Canary]) -> list[Sighting]:
    """What `pg_dump` writes of these databases."""
    found: list[Sighting] = []
    for dsn in dsns:
        program = find_binaries().tool("pg_dump")
        dump = subprocess.run(
            [str(program), "--dbname", dsn], check=True, capture_output=True, timeout=60
        )
        found += look(
            f"dump of {psycopg.conninfo.conninfo_to_dict(dsn)['dbname']}", dump.stdout, canaries
        )
    return found


# --- files -----------------------------------------------------------------------------------------------------------


def in_files(folder: Path, canaries: Sequence[Canary]) -> list[Sighting]:
    """Every file below `folder` as it lies there."""
    found: list[Sighting] = []
    for path in sorted(folder.rglob("*")):
        try:
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        except FileNotFoundError:  # it went meanwhile, as files of a running server do
            continue
        # Half of the write-ahead log is zeros to come; a word in UTF-16 may end in one.
        if data := data.rstrip(b"\0"):
            data += b"\0\0"
            name = str(path.relative_to(folder))
            found += look(name, data, canaries)
            if path.parent.name == "pg_wal":
                for header in PAGE_HEADERS:
                    found += look(
                        f"{name} without page headers", without_headers(data, header), canaries
                    )
    return found


def without_headers(data: bytes, header: int) -> bytes:
    """A segment of the log in one piece."""
    return b"".join(data[at + header : at + PAGE] for at in range(0, len(data), PAGE))


# --- the write-ahead log ---------------------------------------------------------------------------------------------


def log_position(dsn: str) -> str:
    """Where the log stands now."""
    return str(_one(dsn, "SELECT pg_current_wal_insert_lsn()"))


def oldest_position(dsn: str) -> str:
    """Where the log begins that a crash would replay."""
    return str(_one(dsn, "SELECT redo_lsn FROM pg_control_checkpoint()"))


def in_log(dsn: str, since: str, canaries: Sequence[Canary]) -> list[Sighting]:
    """Rows and pages in the log from `since` on, decoded and decompressed by the server; `dsn` is a superuser's."""
    found: list[Sighting] = []
    with psycopg.connect(
        dsn
    ) as connection:  # never committed: the extension goes with the transaction
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        until = connection.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
        assert until is not None
        rows = connection.execute(
            "SELECT resource_manager, record_type, block_data, block_fpi_data"
            " FROM pg_get_wal_block_info(%s, %s, true)",
            (since, until[0]),
            binary=True,
        )
        blocks: dict[str, list[bytes]] = {}
        for manager, kind, data, page in rows:
            blocks.setdefault(f"log: {manager} {kind}", []).append(data or b"")
            blocks.setdefault("log: full page", []).append(page or b"")
        records = connection.execute(
            "SELECT description FROM pg_get_wal_records_info(%s, %s)", (since, until[0])
        ).fetchall()
        connection.rollback()
    for where, parts in blocks.items():
        found += look(where, b"\n".join(parts), canaries)
    found += look("log: descriptions", json.dumps(records).encode(), canaries)
    return found


def _one(dsn: str, statement: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]
