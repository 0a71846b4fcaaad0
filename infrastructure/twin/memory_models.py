"""Read models where everything is in memory: there are none, and nothing is behind."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from application.read_models import ModelDigest, ModelStanding


class NoModelReads:
    """See the port `ModelReads`."""

    def standing(self, tenant: UUID) -> Sequence[ModelStanding]:  # noqa: ARG002
        """See the port."""
        return ()

    def digest(self, tenant: UUID, name: str) -> ModelDigest | None:  # noqa: ARG002
        """See the port."""
        return None

    def replayed(self, tenant: UUID, name: str, position: int) -> ModelDigest | None:  # noqa: ARG002
        """See the port."""
        return None
