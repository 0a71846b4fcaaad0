"""The end of a gag: what was disclosed under tags is opened to the persons that they stand for, by itself.

    look at what is due, and at what hangs on a gag that was changed
    it runs on       say until when, once more in the disclosure's own stream; nothing is opened
    it is over       open every tag, each in a stream of its own: crash anywhere, and the next turn goes on

Whether a gag runs is read from its process at that moment; what is due may come from a read model that is behind.
Source: README D7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID, uuid5

from application.disclosing.story import opening_stream
from application.execute import Scribe
from application.ports import Append, Clock, EventStore, Ids, Outcome
from application.recorded import Caller, Recorded
from domain.disclosure import (
    DisclosureOpened,
    DisclosureRecorded,
    DisclosureWithheld,
    TagOf,
)
from domain.errors import LedgerDamaged
from domain.legal_hold import LegalHoldPlaced
from domain.legal_process import GagChanged, ProcessReceived
from domain.values import parse_id

SWEEPER: Final = "system:sweeper"
DUE_MAX: Final = 200
OPENED_MAX: Final = 500
PROLONGED_MAX: Final = 100


class WithheldDisclosures(Protocol):
    """Disclosures whose tags have not all been opened. It may be behind."""

    def due(self, tenant: UUID, now: datetime, limit: int) -> Sequence[UUID]:
        """At most `limit` disclosures to look at by `now`, oldest first: their date has come, or a gag was changed."""
        ...

    def tags(self, tenant: UUID, disclosure: UUID, limit: int) -> Sequence[TagOf]:
        """At most `limit` of its tags that have not been opened."""
        ...

    def under(self, tenant: UUID, process: UUID, limit: int) -> Sequence[UUID]:
        """At most `limit` disclosures under a legal process.

        Here it is not behind: MUST include everything whose append has returned. Refuses: Behind.
        """
        ...


class GagsOfCases(Protocol):
    """What a case is about."""

    def behind(self, tenant: UUID, case: str) -> Sequence[UUID]:
        """The legal processes and legal holds that `case` names: by their ids, or by the numbers of their papers.

        MUST be current.
        """
        ...


def process_of(first: Recorded[object]) -> UUID | None:
    """The legal process that a disclosure or its refusal, told by its first event, rests on; None without one.

    Where all that is known of it is a case, the `case_key` of that.
    """
    if isinstance(first.decision, DisclosureRecorded) and first.decision.ground.legal_process:
        return first.decision.ground.legal_process
    if first.case is None:
        return None
    return parse_id("process", first.case) or case_key(first.tenant, first.case)


def case_key(tenant: UUID, case: str) -> UUID:
    """What stands for the process of a disclosure of which only its case is known; upper and lower case are one."""
    return uuid5(tenant, f"daybook/case/{case.casefold()}")


def opens_at(until: datetime, gag_ends: Sequence[datetime]) -> datetime:
    """When what is withheld until `until` opens, after a gag that was to end at each of `gag_ends`, the last standing.

    A date that was the gag's moves with it; one that was asked for apart from it stays, or is outlasted.

    >>> days = [datetime(2027, 1, day) for day in (1, 5, 9)]
    >>> opens_at(days[0], [days[0], days[2]]).day, opens_at(days[2], [days[2], days[1]]).day
    (9, 5)
    >>> opens_at(days[1], [days[0]]).day, opens_at(days[1], [days[0], days[2]]).day
    (5, 9)
    """
    if not gag_ends:
        return until
    return gag_ends[-1] if until in gag_ends else max(until, gag_ends[-1])


@dataclass(frozen=True, slots=True)
class Gag:
    """Every end that a gag was given, oldest first, and when it was last changed; None where it never was."""

    ends: tuple[datetime, ...] = ()
    changed: datetime | None = None

    @classmethod
    def of(cls, store: EventStore, tenant: UUID, process: UUID | None) -> Gag:
        """The gag of a process or of a legal hold, as its stream has it; none without one."""
        gag = cls()
        for event in () if process is None else store.read(tenant, process):
            match event.decision:
                case LegalHoldPlaced(terms=terms) if terms.gag_until is not None:
                    gag = cls((terms.gag_until,))
                case ProcessReceived(terms=terms) if terms.gag_until is not None:
                    gag = cls((terms.gag_until,))
                case GagChanged(until=until):
                    gag = cls((*gag.ends, until), event.occurred_at)
                case _:
                    pass
        return gag

    def beside(self, other: Gag) -> Gag:
        """Both at once: what is under the two opens when the later one ends."""
        if not self.ends or not other.ends:
            return self if self.ends else other
        standing = max(self.ends[-1], other.ends[-1])
        changed = max((at for at in (self.changed, other.changed) if at is not None), default=None)
        return Gag((*self.ends, *other.ends, standing), changed)

    def changed_after(self, at: datetime) -> bool:
        """True when it was changed later than `at`."""
        return self.changed is not None and self.changed > at


def prolonged(
    scribe: Scribe,
    store: EventStore,
    withheld: WithheldDisclosures,
    process: UUID,
    until: datetime,
    cases: GagsOfCases,
    under: UUID | None = None,
) -> tuple[Recorded[object], ...]:
    """What is appended beside a gag that now runs until `until`, so that nothing is shown on the date that it had.

    One event for each disclosure whose date moves with it, 100 at most; the sweeper does the rest. They are those that
    name the process, or with `under` those that are known by this `case_key`. Refuses: Behind.
    """
    tenant = scribe.caller.tenant
    own = Gag.of(store, tenant, process)
    now = replace(own, ends=(*own.ends, until))
    found: list[Recorded[object]] = []
    for disclosure in withheld.under(tenant, under or process, PROLONGED_MAX):
        events = store.read(tenant, disclosure)
        if (known := last_withheld(events)) is None:
            continue
        gag = gag_of(store, cases, events[0], instead={process: now})
        at = opens_at(known[0].until, gag.ends)
        if at != known[0].until:
            found.append(_said_again(scribe, events, replace(known[0], until=at)))
    return tuple(found)


def gag_of(
    store: EventStore,
    cases: GagsOfCases,
    first: Recorded[object],
    instead: dict[UUID, Gag] | None = None,
) -> Gag:
    """All that keeps a disclosure, told by its first event, from its persons; `instead` has gags that are to be."""
    ids = dict.fromkeys(one for one in (process_of(first),) if one is not None)
    if first.case is not None:
        ids.update(dict.fromkeys(cases.behind(first.tenant, first.case)))
    gag = Gag()
    for one in ids:
        gag = gag.beside((instead or {}).get(one) or Gag.of(store, first.tenant, one))
    return gag


def last_withheld(
    events: Sequence[Recorded[object]],
) -> tuple[DisclosureWithheld, datetime] | None:
    """What a disclosure's events last said of its tags, and when; None where it has none."""
    for event in reversed(events):
        if isinstance(event.decision, DisclosureWithheld):
            return event.decision, event.occurred_at
    return None


def _said_again(
    scribe: Scribe, events: Sequence[Recorded[object]], decision: DisclosureWithheld
) -> Recorded[object]:
    """`decision` as the next event of the disclosure whose story `events` tell."""
    last = events[-1]
    return scribe.record(last.stream, last.version + 1, decision, cause=events[0].event_id)


@dataclass(frozen=True, slots=True)
class DisclosureOpenings:
    """Opens to persons what was disclosed under tags, once nothing forbids it any more."""

    store: EventStore
    withheld: WithheldDisclosures
    cases: GagsOfCases
    clock: Clock
    ids: Ids

    def sweep(self, tenant: UUID) -> int:
        """Look at what is due, at most 500 tags of a tenant; how many were opened. Each is opened once."""
        sweeper = Caller(tenant=tenant, actor=SWEEPER, roles=frozenset())
        scribe = Scribe.begin(sweeper, self.clock, self.ids)
        opened = 0
        for disclosure in self.withheld.due(tenant, scribe.at, DUE_MAX):
            try:
                opened += self._look(scribe, disclosure, OPENED_MAX - opened)
            except LedgerDamaged:
                continue  # it cannot be judged, and the others need not wait for it
            if opened >= OPENED_MAX:
                break
        return opened

    def _look(self, scribe: Scribe, disclosure: UUID, limit: int) -> int:
        """Open at most `limit` tags of a disclosure, or note until when they are withheld; how many were opened."""
        tenant = scribe.caller.tenant
        events = self.store.read(tenant, disclosure)
        if (held := last_withheld(events)) is None:
            return 0
        known, said_at = held
        gag = gag_of(self.store, self.cases, events[0])
        at = opens_at(known.until, gag.ends)
        if at <= scribe.at:
            return sum(
                self._open(scribe, disclosure, one, events[0].event_id)
                for one in self.withheld.tags(tenant, disclosure, limit)
            )
        if at != known.until or gag.changed_after(said_at):
            self._prolong(scribe, events, replace(known, until=at))
        return 0

    def _prolong(
        self, scribe: Scribe, events: Sequence[Recorded[object]], decision: DisclosureWithheld
    ) -> None:
        """Record until when the tags are withheld now; a lost race leaves it for the next turn."""
        event = _said_again(scribe, events, decision)
        self.store.append(Append(scribe.caller.tenant, scribe.at, (event,)))

    def _open(self, scribe: Scribe, disclosure: UUID, one: TagOf, about: UUID) -> bool:
        tenant = scribe.caller.tenant
        decision = DisclosureOpened(disclosure, one.stands_for, one.tag)
        event = scribe.record(opening_stream(tenant, one.tag), 1, decision, cause=about)
        return self.store.append(Append(tenant, scribe.at, (event,))) is Outcome.APPENDED
