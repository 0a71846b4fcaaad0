"""Ordering erasures, and taking up again what waited for legal holds.

The order, its fence and what it takes from the person's custody are one append. A hold that is placed at the same
moment appends to the same custody stream: one of the two is first, and the other sees it.
Source: README D5, D9.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from application.custody.custody_log import custody_stream, read_custody
from application.execute import Plan, Scribe, carry_out
from application.people_known import require_person
from application.ports import Append, Book, Clock, EventStore, Ids
from application.recorded import Caller
from application.setup.register import Register, Written, append_of
from domain import erasure, erasure_orders
from domain.custody import Custody, CustodyTaken, Fence, Kept
from domain.erasure import Erasure, ErasureCause
from domain.erasure_orders import Wanted
from domain.sealing import RETENTION_CLASSES, RetentionClass

ERASURES: Final = Register("erasure", Erasure, erasure.evolve)
ERASER: Final = "system:eraser"


class Keeping(Protocol):
    """What the retention rules keep of a person against an erasure."""

    def kept(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
    ) -> tuple[Kept, ...]:
        """The classes, of those given, that have a live basis at `at`; each once. MUST be current."""
        ...


class NothingKept:
    """See `Keeping`: no rule keeps anything."""

    def kept(
        self,
        tenant: UUID,  # noqa: ARG002
        subject: UUID,  # noqa: ARG002
        classes: Sequence[RetentionClass],  # noqa: ARG002
        at: datetime,  # noqa: ARG002
    ) -> tuple[Kept, ...]:
        """See the port."""
        return ()


class GaggedHolds(Protocol):
    """Which legal holds a person may not know of."""

    def gagged(self, tenant: UUID, holds: Collection[UUID]) -> frozenset[UUID]:
        """Those of `holds` that are under a gag now. MUST be current."""
        ...


class NoGaggedHolds:
    """See `GaggedHolds`: every hold may be spoken of."""

    def gagged(self, tenant: UUID, holds: Collection[UUID]) -> frozenset[UUID]:  # noqa: ARG002
        """See the port."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class Wish:
    """Erase a person, or some classes of what is held of them.

    `known_to` is the position of the log up to which it was looked at whether to: where anything that names the person
    came after it, nothing is ordered. None where it does not depend on what else happens.
    """

    subject: UUID
    cause: ErasureCause
    request: UUID | None = None
    classes: tuple[RetentionClass, ...] = RETENTION_CLASSES
    known_to: int | None = None


@dataclass(frozen=True, slots=True)
class ErasureOrders:
    """Orders erasures for those who may: the use cases that call it have asked for the role."""

    store: EventStore
    book: Book
    keeping: Keeping
    gagged: GaggedHolds
    clock: Clock
    ids: Ids

    def order(self, by: Caller, wish: Wish) -> UUID:
        """Order an erasure; its id. From then on no value is sealed for the classes it takes, and none is opened.

        Durable on return: the order, and the fence. The same request gives the same erasure again; so does an order
        that would find nothing more to take, to wait for or to keep. Refuses: NotFound (the person), Stale (also where
        something happened after `known_to`).
        """
        if wish.cause != "retention":
            # What nothing keeps any more may also be sealed for a thing: somebody unknown who asked, a paper that came.
            require_person(self.store, by.tenant, wish.subject)
        id = self.ids.uuid()

        def attempt() -> Plan[UUID]:
            custody = read_custody(self.store, by.tenant, wish.subject)
            if (known := self._known(by.tenant, wish, custody)) is not None:
                return Plan(Append(by.tenant, self.clock.now(), ()), known)
            scribe = Scribe.begin(replace(by, ticket=None), self.clock, self.ids)
            kept = self.keeping.kept(by.tenant, wish.subject, wish.classes, scribe.at)
            wanted = Wanted(id, wish.subject, wish.cause, wish.request, wish.classes, kept)
            gagged = self.gagged.gagged(by.tenant, list(custody.pins))
            ordered, deferred = erasure_orders.order(wanted, custody, gagged, scribe.at)
            written = ERASURES.write(scribe, id, (ordered, *deferred), None)
            taken = CustodyTaken(wish.subject, id, ordered.classes, ordered.kept)
            append = self._append(scribe, written, custody, taken)
            fences = tuple(replace(one, unless_after=wish.known_to) for one in append.fences)
            return Plan(replace(append, fences=fences), id)

        return carry_out(self.store, attempt)

    def resume(self, tenant: UUID, subject: UUID, legal_hold: UUID) -> int:
        """Take what nothing pins any more after the release of a hold; how many classes. Run again, it takes none.

        Of erasures that wait for the same class the oldest takes it; the others say so once it is gone there.
        Refuses: Stale.
        """
        custody = read_custody(self.store, tenant, subject)
        taken = sum(self._resume(tenant, subject, id, legal_hold) for id in custody.erasures)
        for id in custody.erasures:
            self._join(tenant, subject, id)
        return taken

    def _resume(self, tenant: UUID, subject: UUID, id: UUID, legal_hold: UUID) -> int:
        by = Caller(tenant, ERASER, frozenset())

        def attempt() -> Plan[int]:
            custody = read_custody(self.store, tenant, subject)
            scribe = Scribe.begin(by, self.clock, self.ids)
            entry, state = ERASURES.find(self.book, tenant, id)
            is_silent = legal_hold in self.gagged.gagged(tenant, [legal_hold])
            told = None if is_silent else legal_hold
            resumed = erasure_orders.resume(state, custody, told, scribe.at)
            if resumed is None:
                return Plan(Append(tenant, scribe.at, ()), 0)
            written = ERASURES.write(scribe, id, (resumed,), entry)
            taken = CustodyTaken(subject, id, resumed.classes, ())
            append = self._append(scribe, written, custody, taken)
            return Plan(append, len(resumed.classes))

        return carry_out(self.store, attempt)

    def _join(self, tenant: UUID, subject: UUID, id: UUID) -> None:
        """Record of an erasure that what it waits for is gone by another one."""

        def attempt() -> Plan[None]:
            scribe = Scribe.begin(Caller(tenant, ERASER, frozenset()), self.clock, self.ids)
            entry, state = ERASURES.find(self.book, tenant, id)
            custody = read_custody(self.store, tenant, subject)
            others = dict.fromkeys(erasure_orders.joinable(state, custody).values())
            found = (
                erasure_orders.join(state, ERASURES.find(self.book, tenant, other)[1])
                for other in others
            )
            joined = tuple(one for one in found if one is not None)
            if not joined:
                return Plan(Append(tenant, scribe.at, ()), None)
            written = ERASURES.write(scribe, id, joined, entry)
            return Plan(append_of(scribe, (written,), None), None)

        carry_out(self.store, attempt)

    def _known(self, tenant: UUID, wish: Wish, custody: Custody) -> UUID | None:
        """The erasure that the same request led to, or that left nothing more of these classes to be taken.

        What waits for a hold in one that stands is taken by that one, and not ordered a second time.
        """
        states = [ERASURES.find(self.book, tenant, id)[1] for id in custody.erasures]
        for state in states:
            if wish.request is not None and state.ordered.request == wish.request:
                return state.id
        left = set(wish.classes) & set(custody.living())
        for state in reversed(states):
            if left <= {one.retention_class for one in state.deferred}:
                return state.id
        return None

    def _append(
        self, scribe: Scribe, written: Written[Erasure], custody: Custody, taken: CustodyTaken
    ) -> Append:
        version, cause = custody.version + 1, written.events[0].event_id
        stream = custody_stream(taken.subject)
        beside = scribe.record(stream, version, taken, cause=cause)
        append = append_of(scribe, (written,), written.state.id)
        fences = (Fence(taken.subject, taken.classes, scribe.at),) if taken.classes else ()
        return replace(append, events=(*append.events, beside), fences=fences)
