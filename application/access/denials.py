"""What was refused on the way to personal data: recorded, and counted where it is repeated. README D6.

The first denial of a minute (by actor, subject, case and reason) is an event at once. Repeated ones are counted,
durably and before the refusal is told, and recorded as one event when the minute is over, or sooner at every thousand.

    count one more                                  crash here: it is counted, and the sweep records it
    first of its minute: append                     crash here: the stream says what is recorded; nothing twice
    sweep: record what is counted and not recorded  crash here: the same, at the next sweep

Nothing is lost and nothing is counted twice: what is recorded is the sum over the stream, whose id follows from what is
counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID, uuid5

from application.execute import Plan, Scribe, carry_out
from application.ledger.withholding import Blinds, Gags
from application.ports import Append, Clock, EventStore, Ids
from application.recorded import Caller
from domain.access import (
    DENIALS_AT_ONCE,
    AccessDenied,
    DenialReason,
    Field,
    known_case,
)
from domain.purposes import PURPOSES
from domain.values import instant_text

SWEPT_MAX: Final = 500
MINUTE: Final = timedelta(minutes=1)
# Clocks of several processes differ a little; a count that comes late finds its row for so long.
KEPT: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Counted:
    """The denials of one minute (it began at `minute`, UTC) that have actor, subject, case and reason in common.

    `purpose`, `fields` and `last_at` are those of the last.
    """

    id: UUID
    minute: datetime
    actor: str
    subject: UUID | None
    case: str | None
    reason: DenialReason
    purpose: str | None
    fields: tuple[Field, ...]
    count: int
    last_at: datetime


class DenialCounts(Protocol):
    """Counts denials. What is counted is durable on return; two at once are two."""

    def add(self, tenant: UUID, one: Counted) -> int:
        """Count one more of its kind; how many there are now."""
        ...

    def unsettled(self, tenant: UUID, before: datetime, limit: int) -> Sequence[Counted]:
        """At most `limit` kinds of minutes that began at `before` or earlier, not settled at their present count."""
        ...

    def settle(self, tenant: UUID, id: UUID, count: int) -> None:
        """So many of the kind are recorded."""
        ...

    def forget(self, tenant: UUID, before: datetime) -> None:
        """Forget settled kinds of minutes that began at `before` or earlier."""
        ...


@dataclass(frozen=True, slots=True)
class Denials:
    """Records refusals."""

    store: EventStore
    counts: DenialCounts
    clock: Clock
    ids: Ids
    gags: Gags

    def record(
        self,
        by: Caller,
        reason: DenialReason,
        fields: tuple[Field, ...] = (),
        subject: UUID | None = None,
    ) -> None:
        """Record that `by` was refused `fields` (of `subject`, where it is known). Durable on return."""
        at = self.clock.now()
        minute = at.replace(second=0, microsecond=0)
        case = known_case(by.case)
        purpose = by.purpose if by.purpose in PURPOSES else None
        whose = "" if subject is None else subject.hex
        kind = "/".join((by.actor, whose, case or "", reason, instant_text(minute)))
        id = uuid5(by.tenant, f"daybook/denial/{kind}")
        one = Counted(id, minute, by.actor, subject, case, reason, purpose, fields, 1, at)
        count = self.counts.add(by.tenant, one)
        if count == 1 or count % DENIALS_AT_ONCE == 0:
            self._settle(by.tenant, replace(one, count=count))

    def sweep(self, tenant: UUID) -> int:
        """Record what was repeated in minutes that are over; how many kinds were looked at, at most 500."""
        now = self.clock.now()
        found = self.counts.unsettled(tenant, now - MINUTE, SWEPT_MAX)
        for one in found:
            self._settle(tenant, one)
            self.counts.settle(tenant, one.id, one.count)
        self.counts.forget(tenant, now - KEPT)
        return len(found)

    def _settle(self, tenant: UUID, one: Counted) -> None:
        """Record as many as are counted and not yet recorded."""
        by = Caller(tenant, one.actor, frozenset(), purpose=one.purpose, case=one.case)

        def attempt() -> Plan[None]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            known = self.store.read(tenant, one.id)
            recorded = sum(
                event.decision.count for event in known if isinstance(event.decision, AccessDenied)
            )
            if recorded >= one.count:
                return Plan(Append(tenant, scribe.at, ()), None)
            persons = () if one.subject is None else (one.subject,)
            blinds = Blinds.draw(self.gags, self.ids, by, persons, scribe.at)
            decision = AccessDenied(
                denial=one.id,
                reason=one.reason,
                purpose=one.purpose,
                case=one.case,
                subject=None if one.subject is None else blinds.shown[one.subject],
                fields=one.fields,
                count=one.count - recorded,
                last_at=one.last_at,
            )
            event = scribe.record(one.id, len(known) + 1, decision)
            events = (event, *blinds.events(scribe, event))
            return Plan(Append(tenant, scribe.at, events), None)

        carry_out(self.store, attempt)
