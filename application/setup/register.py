"""What a business has set up, kept alike for every kind: entered, changed, looked up, listed.

The state that deciding needs stands in the catalog, as of the version of its stream; it changes in the append
that records the decision, so the two never differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from application.execute import Plan, Scribe, carry_out
from application.ports import Append, Book, CatalogEntry, CatalogKind, Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from domain.errors import NotFound, VersionMismatch

PAGE_ROWS_MAX: Final = 200
# A list that leaves out what the key may not see looks at so many pages of rows before it answers with fewer.
SCANNED_PAGES_MAX: Final = 10

CreationKey = tuple[datetime, UUID]


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""Says of a field that it was not given, where None would say that it was given empty."""

T = TypeVar("T")


def chosen(given: T | Unset, standing: T) -> T:
    """What was given, else what stands."""
    return standing if isinstance(given, Unset) else given


class Standing(Protocol):
    """The state of a thing: it knows its id, and the version of its stream."""

    @property
    def id(self) -> UUID: ...

    @property
    def version(self) -> int: ...


class Desk(Protocol):
    """A use case that has the ports which every register needs."""

    @property
    def store(self) -> EventStore: ...

    @property
    def book(self) -> Book: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def ids(self) -> Ids: ...


S = TypeVar("S", bound=Standing)
D = TypeVar("D")
State_co = TypeVar("State_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Receipt(Generic[State_co]):
    """What stands after a command, and the event that last had a part in it (an earlier one when none was needed)."""

    state: State_co
    event: UUID


@dataclass(frozen=True, slots=True)
class Listing(Generic[State_co]):
    """Part of a list, in order of creation; `next` goes in as `after`, None at the end.

    It may be shorter than asked for, even empty, and not be the last part.
    """

    items: tuple[State_co, ...]
    next: CreationKey | None


@dataclass(frozen=True, slots=True)
class Written(Generic[State_co]):
    """Decisions made into events, and what stands after them."""

    events: tuple[Recorded[object], ...]
    entry: CatalogEntry
    state: State_co


@dataclass(frozen=True, slots=True)
class Register(Generic[S, D]):
    """All things of one kind: which state class they have, and how it follows from their decisions."""

    kind: CatalogKind
    holds: type[S]
    evolve: Callable[[S | None, D], S]

    def find(self, book: Book, tenant: UUID, id: UUID) -> tuple[CatalogEntry, S]:
        """The thing as it stands, ended ones included.

        Refuses: NotFound.
        """
        entry = book.entry(tenant, self.kind, id)
        if entry is None:
            raise NotFound()
        return entry, self.state_of(entry)

    def state_of(self, entry: CatalogEntry) -> S:
        """The state inside an entry of this kind."""
        assert isinstance(entry.state, self.holds), "the catalog keeps kinds apart"
        return entry.state

    def write(
        self, scribe: Scribe, id: UUID, decisions: tuple[D, ...], before: CatalogEntry | None
    ) -> Written[S]:
        """Make events of `decisions` (one at least), following what stood `before`."""
        assert decisions, "nothing decided, nothing written"
        state = None if before is None else self.state_of(before)
        events: list[Recorded[object]] = []
        for decision in decisions:
            state = self.evolve(state, decision)
            events.append(scribe.record(id, state.version, decision))
        assert state is not None
        assert state.id == id, "a stream is the id of its thing"
        created_at = scribe.at if before is None else before.created_at
        entry = CatalogEntry(self.kind, id, state.version, created_at, state)
        return Written(tuple(events), entry, state)

    def enter(
        self, desk: Desk, by: Caller, id: UUID, decide: Callable[[], tuple[D, ...]]
    ) -> Receipt[S]:
        """Start a thing with what `decide` decides.

        Refuses: whatever `decide` refuses, Stale.
        """

        def attempt() -> Plan[Receipt[S]]:
            scribe = Scribe.begin(by, desk.clock, desk.ids)
            return planned(scribe, self.write(scribe, id, decide(), None))

        return carry_out(desk.store, attempt)

    def change(
        self,
        desk: Desk,
        by: Caller,
        id: UUID,
        permit: Callable[[S], None],
        decide: Callable[[S], tuple[D, ...]],
        if_match: int | None = None,
    ) -> Receipt[S]:
        """Store what `decide` decides on the thing as it stands; deciding nothing stores nothing.

        Refuses: NotFound, whatever `permit` refuses, VersionMismatch (`if_match` names another version than the
        thing has), whatever `decide` refuses, Stale.
        """

        def attempt() -> Plan[Receipt[S]]:
            scribe = Scribe.begin(by, desk.clock, desk.ids)
            entry, state = self.find(desk.book, by.tenant, id)
            permit(state)
            if if_match is not None and if_match != state.version:
                raise VersionMismatch()
            decisions = decide(state)
            if not decisions:
                last = desk.store.read(by.tenant, id)[-1].event_id
                return Plan(Append(by.tenant, scribe.at, ()), Receipt(state, last))
            return planned(scribe, self.write(scribe, id, decisions, entry))

        return carry_out(desk.store, attempt)

    def page(
        self,
        book: Book,
        tenant: UUID,
        limit: int,
        after: CreationKey | None,
        visible: Callable[[S], bool],
    ) -> Listing[S]:
        """At most `limit` (1 to 200) of the things that are `visible`, by creation, after the given one."""
        assert 1 <= limit <= PAGE_ROWS_MAX, "callers bound what they ask for"
        found: list[CatalogEntry] = []
        for _ in range(SCANNED_PAGES_MAX):
            rows = book.page(tenant, self.kind, limit + 1, after)
            found += [row for row in rows if visible(self.state_of(row))]
            if len(found) > limit:
                return self._listing(found[:limit], _creation_key(found[limit - 1]))
            if len(rows) <= limit:
                return self._listing(found, None)
            after = _creation_key(rows[-1])
        return self._listing(found, after)

    def _listing(self, found: list[CatalogEntry], then: CreationKey | None) -> Listing[S]:
        return Listing(tuple(self.state_of(entry) for entry in found), then)


def every(register: Register[S, D], book: Book, tenant: UUID) -> Iterator[S]:
    """All things of a kind by creation, read a page at a time."""
    after: CreationKey | None = None
    while True:
        listing = register.page(book, tenant, PAGE_ROWS_MAX, after, lambda _: True)
        yield from listing.items
        if (after := listing.next) is None:
            return


def planned(scribe: Scribe, written: Written[S]) -> Plan[Receipt[S]]:
    """The plan to store what was written, and to answer with it."""
    receipt = Receipt(written.state, written.events[-1].event_id)
    return Plan(append_of(scribe, (written,), receipt), receipt)


def append_of(scribe: Scribe, written: tuple[Written[object], ...], result: object) -> Append:
    """One append of everything written, kept with `result` as the answer of an idempotent call."""
    return Append(
        tenant=scribe.caller.tenant,
        at=scribe.at,
        events=tuple(event for one in written for event in one.events),
        catalog=tuple(one.entry for one in written),
        ticket=scribe.caller.ticket,
        answer=scribe.answer(result),
    )


def _creation_key(entry: CatalogEntry) -> CreationKey:
    return entry.created_at, entry.id
