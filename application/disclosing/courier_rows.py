"""What a run of events changes in the read model `courier`, each thing once: the last word counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from application.disclosing.courier import BEGUN_WITHIN, LOST_AFTER, ChangeKind, Kind
from application.disclosing.follow_ups import CHANGES
from application.event_types import catalogue
from application.recorded import Recorded
from domain.disclosure import (
    DisclosureAttempted,
    DisclosureDelivered,
    DisclosureFailed,
    DisclosureOpened,
    DisclosureRecorded,
    DisclosureRefused,
    DisclosureWithheld,
)
from domain.follow_up import (
    FollowUpAcknowledged,
    FollowUpAttempted,
    FollowUpDelivered,
    FollowUpFailed,
    FollowUpOrdered,
)

CONSUMED: Final[frozenset[type]] = frozenset(
    (
        DisclosureRecorded,
        DisclosureWithheld,
        DisclosureAttempted,
        DisclosureFailed,
        DisclosureDelivered,
        DisclosureRefused,
        DisclosureOpened,
        FollowUpOrdered,
        FollowUpAttempted,
        FollowUpFailed,
        FollowUpDelivered,
        FollowUpAcknowledged,
        *(catalogue()[name].decision for name in CHANGES),
    )
)
Key = tuple[UUID, UUID]


@dataclass(slots=True)
class CourierRows:
    """Keys are (tenant, thing).

    `entered` has kind, stream, recipient and the instant when it is due; `moved` other instants of things entered
    before; `dropped` what is not due any more. `handed` has (tenant, person, disclosure); `listed` follow-ups with
    recipient, instant and whether they wait for something; `closed` those that do not any more. `changed` has
    (tenant, position, kind, event, stream) of what recipients have to be told of, or may be from now on.
    """

    entered: dict[Key, tuple[Kind, UUID, UUID | None, datetime]] = field(default_factory=dict)
    moved: dict[Key, datetime] = field(default_factory=dict)
    dropped: set[Key] = field(default_factory=set)
    handed: set[tuple[UUID, UUID, UUID]] = field(default_factory=set)
    listed: dict[Key, tuple[UUID, datetime, bool]] = field(default_factory=dict)
    closed: set[Key] = field(default_factory=set)
    changed: list[tuple[UUID, int, ChangeKind, UUID, UUID]] = field(default_factory=list)

    def take(self, event: Recorded[object], position: int) -> None:
        """Take one event in, at a position of its log; events of other concepts change nothing."""
        it, at = event.decision, event.occurred_at
        match it:
            case DisclosureRecorded():
                self._enter(event, "disclosure", it.disclosure, it.recipient, at + BEGUN_WITHIN)
                if it.withheld_until is None:
                    self._hand(event, it.disclosure, [one.subject for one in it.subjects])
            case DisclosureWithheld():
                self._hand(event, it.disclosure, [one.stands_for for one in it.tags])
            case DisclosureAttempted() | FollowUpAttempted():
                self._move(event, at + LOST_AFTER)
            case DisclosureFailed() | FollowUpFailed():
                self._move(event, it.retry_at)
            case DisclosureDelivered() | DisclosureRefused() | FollowUpDelivered():
                self._move(event, None)
            case FollowUpOrdered():
                self.listed[(event.tenant, it.follow_up)] = (it.recipient, at, True)
                if it.channel == "https":
                    self._enter(event, "follow_up", it.follow_up, it.recipient, at)
            case FollowUpAcknowledged():
                self._move(event, None)
                self.closed.add((event.tenant, event.stream))
            case DisclosureOpened():
                self._change(event, position, "opening")
            case _ if getattr(it, "TYPE", "") in CHANGES:
                self._change(event, position, "change")
            case _:
                pass

    def _change(self, event: Recorded[object], position: int, kind: ChangeKind) -> None:
        self.changed.append((event.tenant, position, kind, event.event_id, event.stream))

    def _enter(
        self,
        event: Recorded[object],
        kind: Kind,
        id: UUID,
        recipient: UUID | None,
        due: datetime,
    ) -> None:
        self.entered[(event.tenant, id)] = (kind, event.stream, recipient, due)

    def _move(self, event: Recorded[object], due: datetime | None) -> None:
        """Something is due later, or (None) not any more."""
        key = event.tenant, event.stream
        if due is None:
            self.entered.pop(key, None)
            self.moved.pop(key, None)
            self.dropped.add(key)
        elif key in self.entered:
            self.entered[key] = (*self.entered[key][:3], due)
        else:
            self.moved[key] = due

    def _hand(self, event: Recorded[object], disclosure: UUID, persons: list[UUID]) -> None:
        self.handed |= {(event.tenant, person, disclosure) for person in persons}
