"""Read models where everything is in memory: there are none, and nothing is behind."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from application.operating_models import Act, LeavingOut, Order
from application.read_models import ModelDigest, ModelStanding
from domain.errors import NotFound
from domain.operating import Job


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


class NoModelDesk:
    """See the port `ModelDesk`."""

    def knows(self, name: str) -> bool:  # noqa: ARG002
        """See the port."""
        return False

    def pause(self, act: Act) -> bool:  # noqa: ARG002
        """See the port."""
        return False

    def resume(self, act: Act) -> bool:  # noqa: ARG002
        """See the port."""
        return False

    def leave_out(self, act: Act, stream: UUID) -> LeavingOut:  # noqa: ARG002
        """See the port."""
        return "no_stream"

    def order(self, act: Act, order: Order) -> Job:  # noqa: ARG002
        """See the port; nobody orders anything for what is not known."""
        raise NotFound()

    def last_job(self, name: str) -> Job | None:  # noqa: ARG002
        """See the port."""
        return None

    def to_switch(self, name: str) -> Job | None:  # noqa: ARG002
        """See the port."""
        return None

    def to_drop(self, name: str) -> bool:  # noqa: ARG002
        """See the port."""
        return False
