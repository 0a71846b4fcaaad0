"""Requests end by themselves: closed when nothing can be appealed any more, let go of when their record has expired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from application.ports import Book
from application.recorded import Caller
from application.requests.steps import REQUESTS, Steps
from application.setup.register import PAGE_ROWS_MAX
from domain.privacy_request import Decision
from domain.privacy_request_answers import close, expire_record
from domain.privacy_request_state import PrivacyRequest

ENDER: Final = "system:requests"
PAGES_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class RequestEnding:
    """Closes requests, and lets go of their records. It may run at any time, also twice at once."""

    steps: Steps
    book: Book

    def sweep(self, tenant: UUID) -> int:
        """End what is over by now; how many steps were recorded."""
        by, now = Caller(tenant, ENDER, frozenset()), self.steps.clock.now()
        after, ended = None, 0
        for _ in range(PAGES_MAX):
            page = self.book.page(tenant, REQUESTS.kind, PAGE_ROWS_MAX, after)
            for entry in page:
                if _ends(REQUESTS.state_of(entry), now):
                    ended += self.steps.sweep(entry.id, by, _ends)
            if len(page) < PAGE_ROWS_MAX:
                break
            after = (page[-1].created_at, page[-1].id)
        return ended


def _ends(state: PrivacyRequest, at: datetime) -> tuple[Decision, ...]:
    return close(state, at) or expire_record(state, at)
