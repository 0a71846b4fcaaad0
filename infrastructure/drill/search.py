"""Search everything that a deployment has left for words: what was looked through, and what was seen where.

Two words at once: one that must not be there, and one that was planted in clear and has to be found, or the search
proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from infrastructure.drill.canary import (
    Canary,
    Sighting,
    databases,
    in_dumps,
    in_files,
    in_log,
    in_tables,
    oldest_position,
)

STATISTICS: Final = "statistics"
OUTSIDE: Final = "exports and evidence"
OLD: Final = "old base backup"
# Where a sighting belongs, by how its place is called: the first that fits.
PLACES: Final = (
    ("old/", OLD),
    (".pg_statistic", STATISTICS),
    ("table ", "tables"),
    ("dump of ", "dumps"),
    ("log: ", "write-ahead log, decoded"),
    ("postgres/data/pg_wal", "write-ahead log"),
    ("postgres/data/", "heap and TOAST files"),
    ("logs/", "logs"),
    ("mirror/", "mirror"),
    ("signer/", "signer"),
    ("keys/", "key folders"),
    ("keys-copy/", "key folders"),
    ("key-backups/", "key backups"),
    ("out/", OUTSIDE),
    ("", "other files"),
)
PLANTED_IN: Final = frozenset(
    {
        "tables",
        STATISTICS,
        "dumps",
        "write-ahead log, decoded",
        "write-ahead log",
        "heap and TOAST files",
        OUTSIDE,
    }
)


@dataclass(frozen=True, slots=True)
class Searched:
    """What was looked through, and in which kinds of places each word was seen, by the word, with how often."""

    files: int
    megabytes: float
    seen: dict[str, dict[str, int]]

    def of(self, *words: Canary) -> dict[str, int]:
        """Where these words were seen."""
        found: dict[str, int] = {}
        for word in words:
            for place, count in self.seen.get(word.core, {}).items():
                found[place] = found.get(place, 0) + count
        return found


def search(data: Path, server: str, beside: Sequence[Path], words: Sequence[Canary]) -> Searched:
    """Look everywhere for `words`: a running deployment in `data`, and the folders of what was taken from it.

    `server` is the superuser's. A fresh statistics run and a switch of the write-ahead log come first, so that what a
    value would have left is there to be found.
    """
    dsns = databases(server)
    since = oldest_position(server)
    for dsn in dsns:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("ANALYZE")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("SELECT pg_switch_wal()")
    found = in_log(server, since, words)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    found += in_tables(dsns, words)
    found += in_dumps(dsns, words)
    found += in_files(data, words)
    for folder in beside:
        found += [
            Sighting(f"{folder.name}/{one.where}", one.how, one.core)
            for one in in_files(folder, words)
        ]
    seen: dict[str, dict[str, int]] = {}
    for one in found:
        places = seen.setdefault(one.core, {})
        places[place_of(one.where)] = places.get(place_of(one.where), 0) + 1
    sizes = [size for folder in (data, *beside) for size in _sizes(folder)]
    return Searched(len(sizes), sum(sizes) / 1e6, seen)


def place_of(where: str) -> str:
    """The kind of place that a sighting is in.

    >>> place_of("postgres/data/base/5/16384")
    'heap and TOAST files'
    """
    return next(kind for part, kind in PLACES if part in where)


def plant(dsn: str, out: Path, word: Canary) -> None:
    """Put a word in clear where a leak would be: in a table with statistics, and in a file beside the exports."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE drill_control (words text)")
        connection.execute("INSERT INTO drill_control VALUES (%s), (%s)", (word.core, word.core))
    (out / "control.txt").write_text(f"{word.core}\n", encoding="utf-8")


def pull_out(dsn: str, out: Path) -> None:
    """Take what was planted away again."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE drill_control")
    (out / "control.txt").unlink()


def _sizes(folder: Path) -> Iterator[int]:
    for path in folder.rglob("*"):
        try:
            if path.is_file() and not path.is_symlink():
                yield path.stat().st_size
        except FileNotFoundError:
            continue
