"""Requests as they stood at a position of the ledger: folded from their events up to there, the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Final, cast
from uuid import UUID

from application.ledger.reading import PAGE_EVENTS_MAX, EventsQuery, Ledger
from application.ports import EventStore
from domain.errors import RangeTooLong
from domain.privacy_request import Decision
from domain.privacy_request_course import evolve
from domain.privacy_request_state import PrivacyRequest

CONCEPT: Final = "privacy_request"
EVENTS_READ_MAX: Final = 200_000


@dataclass(frozen=True, slots=True)
class RequestHistory:
    """Looks back at requests."""

    store: EventStore
    ledger: Ledger

    def up_to(self, tenant: UUID, position: int, at: datetime) -> Iterator[PrivacyRequest]:
        """The requests as they stood at a position and an instant, in the order in which they came in.

        Refuses: RangeTooLong (over 200,000 events to look at).
        """
        for stream, version in self._versions(tenant, position).items():
            decisions = [
                cast("Decision", event.decision)
                for event in self.store.read(tenant, stream)
                if event.version <= version and event.occurred_at <= at
            ]
            if decisions:
                first, *others = decisions
                yield reduce(evolve, others, evolve(None, first))

    def _versions(self, tenant: UUID, position: int) -> dict[UUID, int]:
        found: dict[UUID, int] = {}
        after = -1
        for _ in range(EVENTS_READ_MAX // PAGE_EVENTS_MAX):
            query = EventsQuery(after, PAGE_EVENTS_MAX, CONCEPT)
            page = [one for one in self.ledger.events(tenant, query) if one.position <= position]
            for one in page:
                found[one.stream] = max(one.version, found.get(one.stream, 0))
            if len(page) < PAGE_EVENTS_MAX:
                return found
            after = page[-1].position
        raise RangeTooLong("More events of requests than can be looked at")
