"""The port `Requests` of certificates: which request asked for an erasure, and whether it was answered in time."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.erasing.certificate import Document
from application.ports import Book, Clock
from application.requests.steps import REQUESTS
from application.requests.timing import RequestTiming
from domain.values import instant_text, public_id


@dataclass(frozen=True, slots=True)
class RequestVerdicts:
    """See the port."""

    book: Book
    times: RequestTiming
    clock: Clock

    def verdict(self, tenant: UUID, request: UUID) -> Document | None:
        """See the port."""
        entry = self.book.entry(tenant, REQUESTS.kind, request)
        if entry is None:
            return None
        state = REQUESTS.state_of(entry)
        found = [one.verdict for one in self.times.verdicts(state, self.clock.now())]
        return {
            "request_id": public_id("privacy_request", request),
            "type": ", ".join(state.terms.rights),
            "jurisdiction": state.terms.jurisdiction,
            "received_at": instant_text(state.terms.received_at),
            "clocks": [
                {
                    "rule": one.rule,
                    "source": one.source,
                    "due_on": one.due_on.isoformat(),
                    "state": one.state,
                }
                for one in found
            ],
        }
