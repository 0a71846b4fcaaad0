"""When a sending that failed is tried again: later each time, not all at the same instant, and not for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from application.disclosing.conditions import Sent
from application.ports import Ids
from domain.disclosure import ATTEMPTS_MAX

FIRST_SECONDS: Final = 2.0
FACTOR: Final = 4.0
PAUSE_SECONDS_MAX: Final = 3_600.0
_AGAIN: Final = frozenset({"timeout", "unreachable", "tls", "lost", "stopped"})
_STATUS_AGAIN: Final = frozenset({408, 425, 429})


def retry_at(sent: Sent, attempt: int, at: datetime, ids: Ids) -> datetime | None:
    """The instant of the next attempt after `attempt` failed at `at`; None when there is none.

    A redirect, an address that is refused and a status that says no are final.
    """
    if attempt >= ATTEMPTS_MAX:
        return None
    status = sent.status or 0
    again = sent.reason in _AGAIN or (
        sent.reason == "status" and (status >= 500 or status in _STATUS_AGAIN)
    )
    return at + timedelta(seconds=pause_seconds(attempt, ids)) if again else None


def pause_seconds(attempt: int, ids: Ids) -> float:
    """How long to wait after attempt number `attempt` (from 1): between half of its turn and all of it."""
    turn = min(PAUSE_SECONDS_MAX, FIRST_SECONDS * FACTOR ** (attempt - 1))
    share = int.from_bytes(ids.secret()[:4], "big") / 2**32
    return turn * (0.5 + share / 2)
