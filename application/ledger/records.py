"""What is recorded of the ledger itself: by the parts that keep it, and when somebody takes a copy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID, uuid5

from application.execute import Plan, Scribe, carry_out
from application.ledger.withholding import Blinds, Gags, NoGags
from application.ports import Append, Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from domain.ledger import (
    EvidenceIssued,
    LedgerExported,
    LedgerReplayed,
    LedgerRestored,
    MapCommitted,
)
from domain.report import ReportIssued

KEEPER: Final = "system:ledger"
CARTOGRAPHER: Final = "system:cartographer"


def log_stream(tenant: UUID) -> UUID:
    """The stream of what happens to a tenant's log."""
    return uuid5(tenant, "daybook/ledger/log")


def map_stream(tenant: UUID, covers: int) -> UUID:
    """The stream of the one map that covers so many leaves: a second one would be a conflict."""
    return uuid5(tenant, f"daybook/ledger/map/{covers}")


@dataclass(frozen=True, slots=True)
class LedgerRecords:
    """Records decisions about ledgers; each is durable on return."""

    store: EventStore
    clock: Clock
    ids: Ids
    gags: Gags = field(default_factory=NoGags)

    def record(self, tenant: UUID, decision: LedgerRestored) -> Recorded[object]:
        """Record that a log was brought back. Refuses: Stale."""
        stream = log_stream(tenant)

        def attempt() -> Plan[Recorded[object]]:
            scribe = Scribe.begin(Caller(tenant, KEEPER, frozenset()), self.clock, self.ids)
            event = scribe.record(stream, len(self.store.read(tenant, stream)) + 1, decision)
            return Plan(Append(tenant, scribe.at, (event,)), event)

        return carry_out(self.store, attempt)

    def commit_map(self, tenant: UUID, decision: MapCommitted) -> Recorded[object]:
        """Record a map; the one that is there already, if it was recorded before. Refuses: Stale."""
        stream = map_stream(tenant, decision.covers)

        def attempt() -> Plan[Recorded[object]]:
            if known := self.store.read(tenant, stream):
                return Plan(Append(tenant, known[0].occurred_at, ()), known[0])
            scribe = Scribe.begin(Caller(tenant, CARTOGRAPHER, frozenset()), self.clock, self.ids)
            event = scribe.record(stream, 1, decision)
            return Plan(Append(tenant, scribe.at, (event,)), event)

        return carry_out(self.store, attempt)

    def record_copy(
        self,
        by: Caller,
        decision: LedgerExported | EvidenceIssued | LedgerReplayed | ReportIssued,
    ) -> Recorded[object]:
        """Record that a caller takes a copy, before it is handed out.

        Whoever takes evidence, or reads one person's events, for a case under a gag has done so of a tag, as far as
        the person can tell.
        """

        def attempt() -> Plan[Recorded[object]]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            if (
                not isinstance(decision, EvidenceIssued | LedgerReplayed)
                or decision.subject is None
            ):
                event = scribe.record(self.ids.uuid(), 1, decision)
                return Plan(Append(by.tenant, scribe.at, (event,)), event)
            blinds = Blinds.draw(self.gags, self.ids, by, (decision.subject,), scribe.at)
            shown = replace(decision, subject=blinds.shown[decision.subject])
            event = scribe.record(self.ids.uuid(), 1, shown)
            events = (event, *blinds.events(scribe, event))
            return Plan(Append(by.tenant, scribe.at, events), event)

        return carry_out(self.store, attempt)
