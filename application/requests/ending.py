"""Requests end by themselves: closed when nothing can be appealed any more, let go of when their record has expired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from application.erasing.ordering import Wish
from application.ports import Book
from application.recorded import Caller
from application.requests.carrying_out import Erases
from application.requests.receiving import CONTACT_CLASSES
from application.requests.steps import REQUESTS, Steps
from application.setup.register import PAGE_ROWS_MAX
from domain.privacy_request import Decision, RequestReceived
from domain.privacy_request_answers import close, expire_record
from domain.privacy_request_state import PrivacyRequest

ENDER: Final = "system:requests"
PAGES_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class RequestEnding:
    """Closes requests, and lets go of their records. It may run at any time, also twice at once."""

    steps: Steps
    book: Book
    erasures: Erases

    def sweep(self, tenant: UUID) -> int:
        """End what is over by now; how many steps were recorded."""
        by, now = Caller(tenant, ENDER, frozenset()), self.steps.clock.now()
        after, ended = None, 0
        for _ in range(PAGES_MAX):
            page = self.book.page(tenant, REQUESTS.kind, PAGE_ROWS_MAX, after)
            for entry in page:
                state = REQUESTS.state_of(entry)
                if _ends(state, now):
                    self._forget(state, by, now)
                    ended += self.steps.sweep(entry.id, by, _ends)
            if len(page) < PAGE_ROWS_MAX:
                break
            after = (page[-1].created_at, page[-1].id)
        return ended

    def _forget(self, state: PrivacyRequest, by: Caller, now: datetime) -> None:
        """Erase the address that somebody unknown gave, before it is said that the record has expired.

        Whoever dies in between finds the erasure again: nothing more of it is to be taken.
        """
        if not expire_record(state, now):
            return
        received = self.steps.store.read(by.tenant, state.id)[0].decision
        if isinstance(received, RequestReceived) and received.contact is not None:
            self.erasures.order(by, Wish(state.id, "retention", None, CONTACT_CLASSES))


def _ends(state: PrivacyRequest, at: datetime) -> tuple[Decision, ...]:
    return close(state, at) or expire_record(state, at)
