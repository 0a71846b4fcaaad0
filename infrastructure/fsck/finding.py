"""What the checks of `fsck` have in common: what they look at, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg

from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signed.notes import VerifierKey
from infrastructure.ledger.signing.signer_memory import Remembered

ROWS_AT_ONCE: Final = 1_000

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be. `index` is a position in the tenant's log, where it is about one."""

    check: str
    tenant: UUID | None
    index: int | None
    reason: str


@dataclass(slots=True)
class Scope:
    """What one run looks at: a snapshot of the database, and what lies beside it.

    `remembered` (what the signer signed, by origin) was read before the snapshot was taken, so the snapshot has all of
    it; None where the signer's folder cannot be read; `remembered_now` reads it again. `tick` hears of every thing that
    was looked at.
    """

    connection: psycopg.Connection[Any]
    deployment: Deployment
    tenant: UUID | None
    origins: Mapping[UUID, str]
    remembered: Mapping[str, Remembered] | None
    keys_of: Callable[[str], Sequence[VerifierKey] | None]
    remembered_now: Callable[[], Mapping[str, Remembered] | None]
    tick: Callable[[int], None] = field(default=lambda _count: None)

    def rows(self, name: str, statement: str, /, **parameters: object) -> Iterator[Row]:
        """The rows of a statement, a thousand at a time; `%(tenant)s` in it is the tenant asked for, or NULL."""
        with self.connection.cursor(name, binary=True) as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(statement.encode(), {"tenant": self.tenant, **parameters})
            yield from cursor

    def origin_of(self, tenant: UUID) -> str:
        """The name of a tenant's log."""
        return self.origins.get(tenant) or default(tenant)

    def counted(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The same rows, and somebody hears of them."""
        for row in rows:
            self.tick(1)
            yield row


Check = Callable[[Scope], Iterator[Finding]]
OF_TENANT: Final = "(%(tenant)s::uuid IS NULL OR {}.tenant_id = %(tenant)s)"


@contextmanager
def snapshot(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection that sees one instant, reads only, and lets others go on writing."""
    with psycopg.connect(dsn, options="-c jit=off -c timezone=UTC") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


@dataclass(frozen=True, slots=True)
class Seen:
    """A connection's rows, for what asks a database."""

    connection: psycopg.Connection[Any]

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of one statement."""
        return self.connection.execute(statement.encode(), parameters, binary=True).fetchall()
