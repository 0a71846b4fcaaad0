"""The port `Answers` on PostgreSQL. README D5, D11.

Calls and bodies are kept as digests under a daily key that is destroyed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from application.ports import Clock, Ids
from application.recorded import Answer
from domain.errors import IdempotencyInFlight, IdempotencyMismatch
from infrastructure.canonical import canonical, hmac_sha256, parsed
from infrastructure.database import Database, Row
from infrastructure.keys.key_vault import PostgresKeyVault

KEPT: Final = timedelta(hours=24)
IN_FLIGHT: Final = timedelta(seconds=60)  # longer than any call runs: its statements end after 30 s
TRIES_MAX: Final = 3
FIND: Final = (
    "SELECT call_digest, row_id, fingerprint, begun_at, status, headers, body FROM kept_answer"
    " WHERE tenant_id = %b AND call_digest = ANY(%b::bytea[])"
)


@dataclass(frozen=True, slots=True)
class PostgresAnswers:
    """See the port."""

    database: Database
    vault: PostgresKeyVault
    clock: Clock
    ids: Ids

    def begin(self, tenant: UUID, scope: str, key: str, body: bytes) -> UUID | Answer:
        """See the port. A call that died while it ran may be started again after a minute."""
        now = self.clock.now()
        call = f"{scope}\n{key}".encode()
        days = [self._day_key(tenant, now), self._day_key(tenant, now - timedelta(days=1))]
        digests = [hmac_sha256(day, call) for day in days]
        for _ in range(TRIES_MAX):
            rows = self.database.rows(FIND, (tenant, digests))
            for row in rows:
                if row[3] > now - KEPT:
                    fingerprint = hmac_sha256(days[digests.index(row[0])], body)
                    answer = self._given(row, fingerprint, now)
                    if answer is not None:
                        return answer
            mine = self._start(tenant, digests[0], hmac_sha256(days[0], body), now, rows)
            if mine is not None:
                return mine
        raise IdempotencyInFlight(retry_after_seconds=1)

    def occasion(self, tenant: UUID, scope: str, key: str, body: bytes) -> UUID:
        """See the port."""
        secret = self.vault.secret(tenant, "occasions")
        parts = (scope.encode(), key.encode(), body)
        drawn = hmac_sha256(secret, b"".join(hmac_sha256(secret, part) for part in parts))
        return UUID(bytes=drawn[:16], version=4)

    def keep(self, tenant: UUID, row: UUID, answer: Answer) -> None:
        """See the port."""
        self.database.rows(
            "UPDATE kept_answer SET status = %s, headers = %s, body = %b"
            " WHERE tenant_id = %b AND row_id = %b AND status IS NULL",
            (answer.status, canonical(answer.headers).decode(), answer.body, tenant, row),
        )

    def forget(self, tenant: UUID, row: UUID) -> None:
        """See the port."""
        self.database.rows(
            "DELETE FROM kept_answer WHERE tenant_id = %b AND row_id = %b AND status IS NULL",
            (tenant, row),
        )

    def sweep(self, tenant: UUID) -> int:
        """Delete answers that are older than a day, and destroy the keys of their days; how many went."""
        now = self.clock.now()
        rows = self.database.rows(
            "DELETE FROM kept_answer WHERE tenant_id = %b AND begun_at < %s RETURNING 1",
            (tenant, now - KEPT),
        )
        self.vault.destroy_secrets(
            tenant, f"answers:{(now - timedelta(days=1)).date().isoformat()}"
        )
        return len(rows)

    def _day_key(self, tenant: UUID, at: datetime) -> bytes:
        return self.vault.secret(tenant, f"answers:{at.date().isoformat()}")

    def _given(self, row: Row, fingerprint: bytes, now: datetime) -> Answer | None:
        _, _, known, begun_at, status, headers, body = row
        if known != fingerprint:
            raise IdempotencyMismatch()
        if status is None:
            if begun_at > now - IN_FLIGHT:
                raise IdempotencyInFlight(retry_after_seconds=1)
            return None
        return Answer(status, tuple((name, value) for name, value in parsed(headers)), body)

    def _start(
        self, tenant: UUID, digest: bytes, fingerprint: bytes, now: datetime, dead: list[Row]
    ) -> UUID | None:
        """A new row, in place of rows that are dead; None when someone else was faster."""
        mine = self.ids.uuid()
        with self.database.connection() as connection, connection.transaction():
            for row in dead:
                connection.execute(
                    "DELETE FROM kept_answer WHERE tenant_id = %b AND row_id = %b"
                    " AND (status IS NULL OR begun_at <= %s)",
                    (tenant, row[1], now - KEPT),
                )
            found = connection.execute(
                "INSERT INTO kept_answer (tenant_id, call_digest, row_id, fingerprint, begun_at)"
                " VALUES (%b, %b, %b, %b, %s) ON CONFLICT DO NOTHING RETURNING row_id",
                (tenant, digest, mine, fingerprint, now),
            ).fetchone()
        return mine if found else None
