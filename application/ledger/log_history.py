"""What a log says of its own keys and its end. Each is said once, however often somebody begins anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from application.execute import Plan, Scribe, carry_out
from application.ledger.records import KEEPER, log_stream
from application.ports import Append, Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from domain.ledger import FreezeReason, LogFrozen, LogKeyAdded, LogKeyRetired

Said = LogKeyAdded | LogKeyRetired | LogFrozen


@dataclass(frozen=True, slots=True)
class LogHistory:
    """Tells logs of their keys and of their end. All that is told is durable on return, and has a place later."""

    store: EventStore
    clock: Clock
    ids: Ids

    def of(self, tenant: UUID) -> Sequence[Recorded[object]]:
        """What was said so far, oldest first."""
        return self.store.read(tenant, log_stream(tenant))

    def add_key(self, tenant: UUID, vkey: str, from_size: int) -> bool:
        """Tell a log of a key that signs too; False where it was told before. Refuses: Stale."""
        said = LogKeyAdded(vkey, from_size)
        return self._say(tenant, said, lambda it: isinstance(it, LogKeyAdded) and it.vkey == vkey)[
            1
        ]

    def retire_key(self, tenant: UUID, vkey: str, last_size: int) -> bool:
        """Tell a log of a key that signs no more; False where it was told before. Refuses: Stale."""
        said = LogKeyRetired(vkey, last_size)
        return self._say(
            tenant, said, lambda it: isinstance(it, LogKeyRetired) and it.vkey == vkey
        )[1]

    def end(self, tenant: UUID, reason: FreezeReason, size: int) -> Recorded[object]:
        """Tell a log that it ends; what it was told the first time. Refuses: Stale."""
        return self._say(tenant, LogFrozen(reason, size), lambda it: isinstance(it, LogFrozen))[0]

    def _say(
        self, tenant: UUID, decision: Said, is_same: Callable[[object], bool]
    ) -> tuple[Recorded[object], bool]:
        stream = log_stream(tenant)

        def attempt() -> Plan[tuple[Recorded[object], bool]]:
            scribe = Scribe.begin(Caller(tenant, KEEPER, frozenset()), self.clock, self.ids)
            known = self.store.read(tenant, stream)
            for event in known:
                if is_same(event.decision):
                    return Plan(Append(tenant, scribe.at, ()), (event, False))
            event = scribe.record(stream, len(known) + 1, decision)
            return Plan(Append(tenant, scribe.at, (event,)), (event, True))

        return carry_out(self.store, attempt)
