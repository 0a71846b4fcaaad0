"""Requests end by themselves: closed when nothing can be appealed any more, let go of when their record has expired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from application.erasing.ordering import Wish
from application.recorded import Caller
from application.requests.asked import RequestRows, due_of
from application.requests.carrying_out import Erases
from application.requests.receiving import CONTACT_CLASSES
from application.requests.steps import REQUESTS, Steps
from application.requests.telling import Telling
from domain.privacy_request import Decision, RequestReceived
from domain.privacy_request_answers import close, expire_record, recipients_told
from domain.privacy_request_state import PrivacyRequest

ENDER: Final = "system:requests"
INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class RequestEnding:
    """Closes requests, and lets go of their records. It may run at any time, also twice at once."""

    steps: Steps
    rows: RequestRows
    telling: Telling
    erasures: Erases

    def sweep(self, tenant: UUID) -> int:
        """End what is over by now; how many steps were recorded."""
        by, now = Caller(tenant, ENDER, frozenset()), self.steps.clock.now()
        ended = 0
        for entry in due_of(self.rows, tenant, REQUESTS.kind, now + INSTANT):
            state = REQUESTS.state_of(entry)
            ended += self._told(state, by)
            if _ends(state, now):
                self._forget(state, by, now)
                ended += self.steps.sweep(entry.id, by, _ends)
        return ended

    def _told(self, state: PrivacyRequest, by: Caller) -> bool:
        """Record that everybody was told: it is not looked at again until its record expires."""
        if state.closed_at is None or not state.tells or state.told_at is not None:
            return False
        told_at = self.telling.told_at(state, self.telling.of(state, by.tenant), by.tenant)
        return self.steps.sweep(state.id, by, lambda it, _: recipients_told(it, told_at))

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
