"""What was known at an instant: read models as they stood when the ledger had come as far as it had by then."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.ports import Agenda, Clock
from domain.errors import FieldError, Unacceptable


class Past(Protocol):
    """Earlier states of read models, made from the events each time."""

    def known_position(self, tenant: UUID, known_at: datetime) -> int:
        """The last position that was recorded by `known_at`; -1 for none."""
        ...

    def agenda(self, tenant: UUID, position: int) -> AbstractContextManager[Agenda]:
        """The agenda as at `position`, for as long as the block runs.

        Refuses: RangeTooLong (too many events lie before it), TooMany, LedgerDamaged, Unavailable.
        """
        ...


def position_known(past: Past, clock: Clock, tenant: UUID, known_at: datetime) -> int:
    """How far the log had come by `known_at`. Refuses: Unacceptable (in the future, before the first event)."""
    if known_at > clock.now():
        raise _out_of_range("It lies in the future.")
    position = past.known_position(tenant, known_at)
    if position < 0:
        raise _out_of_range("Nothing was recorded by then.")
    return position


def _out_of_range(detail: str) -> Unacceptable:
    return Unacceptable(errors=(FieldError("/known_at", "out_of_range", detail),))
