"""Consents whose time is over: they count as expired at once, and that is recorded soon after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from application.consent_log import consent_stream, records_of
from application.execute import Plan, Scribe, carry_out
from application.ports import Append, Clock, EventStore, Ids
from application.recorded import Caller
from domain import consent_rules

EXPIRER: Final = "system:consents"
AT_ONCE_MAX: Final = 500


class DueConsents(Protocol):
    """Consents that have expired although nobody has recorded it."""

    def due(self, tenant: UUID, by: datetime, limit: int) -> list[tuple[UUID, str]]:
        """At most `limit` pairs of person and purpose, the oldest first. A read model: it may be a little behind."""
        ...


@dataclass(frozen=True, slots=True)
class ConsentExpiry:
    """Records that consents have expired. It may run at any time, also twice at once."""

    store: EventStore
    due: DueConsents
    clock: Clock
    ids: Ids

    def sweep(self, tenant: UUID) -> int:
        """Record what has expired, at most 500 consents; how many were recorded."""
        due = self.due.due(tenant, self.clock.now(), AT_ONCE_MAX)
        return sum(self.expire(tenant, subject, purpose) for subject, purpose in due)

    def expire(self, tenant: UUID, subject: UUID, purpose: str) -> bool:
        """Record that what a person said to a purpose has expired; False where it has not, or that is known.

        Refuses: Stale.
        """
        by = Caller(tenant, EXPIRER, frozenset())
        stream, id = consent_stream(subject), self.ids.uuid()

        def attempt() -> Plan[bool]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            known = self.store.read(tenant, stream)
            decided = consent_rules.expire(records_of(known), purpose, id, subject, scribe.at)
            events = tuple(scribe.record(stream, len(known) + 1, one) for one in decided)
            return Plan(Append(tenant, scribe.at, events), bool(events))

        return carry_out(self.store, attempt)
