"""A replay: the events of a log one by one, in order, for whoever looks for a fault. README D6, D12.

What a replay holds is fixed, and on record, before the first event is handed out. Values stay sealed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Final, Protocol
from uuid import UUID

from application.event_types import catalogue
from application.ledger.reading import AUDITORS, LedgerEvent
from application.ledger.records import LedgerRecords
from application.permissions import require
from application.ports import EventStore
from application.recorded import Caller
from domain.access import known_case
from domain.errors import FieldError, Malformed, Unacceptable, UnknownReference
from domain.ledger import LedgerReplayed
from domain.purposes import require_purpose

EVERY_TYPE: Final = "*"
TYPES_MAX: Final = 32
NEAR_NAMES_MAX: Final = 3
INSTANT: Final = timedelta(microseconds=1)  # the finest that is recorded


@dataclass(frozen=True, slots=True)
class ReplayAsked:
    """Which events: recorded in [`from_`, `to`) and by `known_at`; decided by `as_of`; of `types`; about `subject`.

    None leaves a choice open. A type is a whole name, or its beginning: `booking.*` and `booking` are the same.
    `events_max` is how many at most.
    """

    from_: datetime | None = None
    to: datetime | None = None
    known_at: datetime | None = None
    as_of: datetime | None = None
    types: tuple[str, ...] = ()
    subject: UUID | None = None
    events_max: int | None = None


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """What one replay holds: `holds` is on record as the event `record`, of a tag where the case is under a gag."""

    tenant: UUID
    subject: UUID | None
    holds: LedgerReplayed
    record: UUID

    @property
    def whole_names(self) -> list[str] | None:
        """The types that it holds, beside those with the `beginnings`; None: all."""
        types = self.holds.types
        return None if not types or EVERY_TYPE in types else list(types)

    @property
    def beginnings(self) -> list[str]:
        """Types that begin so are in it, too; each ends with a dot."""
        return [f"{_beginning(one)}." for one in self.holds.types]

    def wants(self, type_: str) -> bool:
        """True for a type that it holds."""
        names = self.whole_names
        return names is None or type_ in names or type_.startswith(tuple(self.beginnings))


class Log(Protocol):
    """The log of the bound tenant, to be read from one end to the other."""

    def size(self, tenant: UUID) -> int:
        """How many events have their place."""
        ...

    def known_position(self, tenant: UUID, at: datetime) -> int:
        """The last position that was recorded by `at`; -1 for none."""
        ...

    def wait_for_index(self, tenant: UUID, past: int) -> None:
        """Wait, a few seconds at most, until whom all events below `past` are about is known. Raises Behind."""
        ...

    def is_about(self, tenant: UUID, subject: UUID) -> bool:
        """True when an event is about them."""
        ...

    def look(self, plan: ReplayPlan, first: int) -> tuple[Sequence[LedgerEvent], int]:
        """Look at a bounded number of a plan's events from position `first` on: those, and where to go on.

        They have their payloads; `events_max` is not heeded. At the end of the plan the second is its `past`.
        Raises LedgerDamaged.
        """
        ...


@dataclass(frozen=True, slots=True)
class Replays:
    """Reads a log out, event by event."""

    log: Log
    store: EventStore
    records: LedgerRecords

    def begin(self, asked: ReplayAsked, by: Caller) -> ReplayPlan:
        """Fix what a replay holds, and record it.

        What waits for its place at that moment (a fraction of a second) is not in it.
        Refuses: NotPermitted, PurposeRequired (one that is given, and is none), Malformed (a case that is no id),
        Unacceptable (a range that ends before it starts, a limit below 1, too many types), UnknownReference (a type,
        the subject), Behind.
        """
        require(by, *AUDITORS)
        _require_reason(by)
        _require_range(asked)
        _require_types(asked.types)
        first, past = self._range(asked, by.tenant)
        if asked.subject is not None:
            self._require_known(asked.subject, past, by.tenant)
        types = tuple(dict.fromkeys(asked.types))
        holds = LedgerReplayed(asked.subject, first, past, types, asked.as_of, asked.events_max)
        event = self.records.record_copy(by, holds)
        return ReplayPlan(by.tenant, asked.subject, holds, event.event_id)

    def pages(self, plan: ReplayPlan) -> Iterator[Sequence[LedgerEvent]]:
        """The events of a plan, in order, a bounded number at a time (there may be none). Raises LedgerDamaged."""
        left = plan.holds.events_max
        at, past = plan.holds.first, plan.holds.past
        while at < past and (left is None or left > 0):
            found, at = self.log.look(plan, at)
            part = found[:left]
            left = None if left is None else left - len(part)
            yield part

    def _range(self, asked: ReplayAsked, tenant: UUID) -> tuple[int, int]:
        """The positions that were recorded in time; what is recorded from now on is not among them."""
        ends = [self.log.size(tenant)]
        if asked.to is not None:
            ends.append(self.log.known_position(tenant, asked.to - INSTANT) + 1)
        if asked.known_at is not None:
            ends.append(self.log.known_position(tenant, asked.known_at) + 1)
        if asked.from_ is None:
            return 0, min(ends)
        first = self.log.known_position(tenant, asked.from_ - INSTANT) + 1
        return first, max(first, min(ends))

    def _require_known(self, subject: UUID, past: int, tenant: UUID) -> None:
        """Nothing is recorded of a stranger: it would be the first thing about them."""
        if not self.store.read(tenant, subject) and not self.log.is_about(tenant, subject):
            raise _refused("/subject", "unknown_reference", "Nothing in this log is about them.")
        self.log.wait_for_index(tenant, past)


def _require_types(patterns: Sequence[str]) -> None:
    """Each names a type that there is, or the beginning of one."""
    if len(patterns) > TYPES_MAX:
        raise _refused("/type", "out_of_range", f"At most {TYPES_MAX} can be named.")
    for one in patterns:
        beginning = f"{_beginning(one)}."
        if one != EVERY_TYPE and not any(
            name == one or name.startswith(beginning) for name in catalogue()
        ):
            raise _refused("/type", "unknown_reference", _unknown_type(one))


def _beginning(pattern: str) -> str:
    return pattern.removesuffix("*").removesuffix(".")


def _unknown_type(pattern: str) -> str:
    beginnings = {name.rsplit(".", cut)[0] for name in catalogue() for cut in (0, 1, 2)}
    near = get_close_matches(_beginning(pattern), sorted(beginnings), NEAR_NAMES_MAX)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"There is no such type of event.{meant}"


def _require_reason(by: Caller) -> None:
    if by.purpose is not None:
        require_purpose(by.purpose, by.case)
    if by.case is not None and known_case(by.case) is None:
        error = FieldError(
            "/case", Malformed.code, "It is an id of at most 64 of A-Z a-z 0-9 . _ -"
        )
        raise Malformed(errors=(error,))


def _require_range(asked: ReplayAsked) -> None:
    if asked.from_ is not None:
        for pointer, end in (("/to", asked.to), ("/known_at", asked.known_at)):
            if end is not None and end <= asked.from_:
                raise _refused(pointer, "out_of_range", "It is not after `from`.")
    if asked.events_max is not None and asked.events_max < 1:
        raise _refused("/limit", "out_of_range", "It is at least 1.")


def _refused(pointer: str, code: str, detail: str) -> Unacceptable:
    kind = UnknownReference if code == UnknownReference.code else Unacceptable
    return kind(errors=(FieldError(pointer, code, detail),))
