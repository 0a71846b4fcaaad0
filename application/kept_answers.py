"""Answers of calls that carried an `Idempotency-Key`. README D11."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from application.recorded import Answer


class Answers(Protocol):
    """Remembers answers of calls that carried an `Idempotency-Key`, for 24 hours. Holds digests only."""

    def begin(self, tenant: UUID, scope: str, key: str, body: bytes) -> UUID | Answer:
        """Start the call and get its row, or get the answer that was given before.

        `scope` is actor and route. Refuses: IdempotencyMismatch (another body), IdempotencyInFlight.
        """
        ...

    def keep(self, tenant: UUID, row: UUID, answer: Answer) -> None:
        """Keep a refusal (an append keeps its own answer)."""
        ...

    def forget(self, tenant: UUID, row: UUID) -> None:
        """The call failed on our side: let it be tried again."""
        ...

    def occasion(self, tenant: UUID, scope: str, key: str, body: bytes) -> UUID:
        """An id for what this call makes: the same for the same call, whoever died while it ran.

        It is drawn from a secret of the tenant's: nothing of the call can be told from it.
        """
        ...
