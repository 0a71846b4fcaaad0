"""A copy of the key database inside of it: what an operator has who copies databases, and not the folders of keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import psycopg

# In the order of their references.
TABLES: Final = (
    "epoch",
    "bucket_key",
    "subject_key",
    "sealed_secret",
    "blind_index",
    "key_destroyed",
)


@dataclass(frozen=True)
class KeyCopy:
    """`dsn` is the owner's."""

    dsn: str

    @classmethod
    def take(cls, dsn: str) -> KeyCopy:
        """Keep every key as it is now."""
        with psycopg.connect(dsn) as owner:
            owner.execute("CREATE SCHEMA kept")
            for table in TABLES:
                owner.execute(f"CREATE TABLE kept.{table} AS TABLE public.{table}".encode())
        return cls(dsn)

    def put_back(self) -> None:
        """Restore it."""
        with psycopg.connect(self.dsn) as owner:
            owner.execute(f"TRUNCATE {', '.join(TABLES)}".encode())
            for table in TABLES:
                owner.execute(f"INSERT INTO public.{table} TABLE kept.{table}".encode())
