"""The eraser carries ordered erasures through, wherever it or somebody before it was stopped.

    ordered     wait until the order is held off the database    crash here: the next round waits again
    destroy the keys                                             crash here: destroyed again, which changes nothing
    effected    nobody can open any more (online)                crash here: the epoch is turned for it
    turn the epoch, once for all that are online                 crash here: that turn is finished, or one more is made
    completed   older copies of the keys are dead too

An erasure is completed by a turn that began after it was online, never by one that was under way. What was deferred is
looked at again in each round, so that a release whose maker died is not forgotten. Telling recipients is the courier's.
An old copy of the key database brings keys back: whoever starts on a deployment has `repeat` look for them, and no
epoch is turned before what it is to seal off was looked at.
Source: README D9.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from application.disclosing.conditions import Mirrored
from application.erasing.key_shredding import KeyShredder, Turned
from application.erasing.ordering import ERASER, ERASURES, ErasureOrders
from application.execute import Plan, Scribe, carry_out
from application.ports import Append, Book, CatalogEntry, Clock, EventStore, Ids
from application.recorded import Caller
from application.setup.register import append_of
from domain.erasure import (
    Decision,
    DestroyedKey,
    Erasure,
    ErasureCompleted,
    ErasureEffected,
    ErasureRepeated,
)
from domain.errors import DomainError, Unavailable
from domain.sealing import RetentionClass

# All that a round waits for the mirror, and only where nothing else is to be done.
MIRROR_SECONDS_MAX: Final = 1.0
AT_ONCE_MAX: Final = 200
Classes = tuple[RetentionClass, ...]
Online = tuple[UUID, UUID, Classes]
log = logging.getLogger("daybook.eraser")


class OpenErasures(Protocol):
    """The erasures that are not at their end. It may be behind."""

    def unfinished(self, tenant: UUID, limit: int) -> Sequence[UUID]:
        """At most `limit` erasures with keys to destroy or older copies to seal off, the oldest first."""
        ...

    def waiting(self, tenant: UUID, limit: int) -> Sequence[UUID]:
        """At most `limit` erasures of which something waits for legal holds, the oldest first."""
        ...


@contextmanager
def left_for_later(erasure: UUID) -> Iterator[None]:
    """Go on with the others where one erasure is refused; that something is away concerns all of them."""
    try:
        yield
    except DomainError as refusal:
        if type(refusal) is Unavailable:  # what is damaged, or cannot be read, concerns one alone
            raise
        log.error("erasure %s cannot go on: %s", erasure, refusal.code)


@dataclass(frozen=True, slots=True)
class Eraser:
    """Carries erasures through. One process runs it; a second one would only do things twice that may be."""

    store: EventStore
    book: Book
    open: OpenErasures
    orders: ErasureOrders
    mirrored: Mirrored
    shredder: KeyShredder
    bound: Callable[[UUID], AbstractContextManager[None]]
    clock: Clock
    ids: Ids

    def round(self, tenants: Sequence[UUID]) -> int:
        """Do what there is to do for `tenants`; how many erasures went on.

        Durable on return, step by step. One that cannot go on is left for the next round, and holds up no other.
        Refuses: Unavailable (the key database or a place of epoch keys is away: the next round goes on).
        """
        moved, unfinished = 0, list[tuple[UUID, UUID]]()
        for tenant in tenants:
            with self.bound(tenant):
                for id in self.open.waiting(tenant, AT_ONCE_MAX):
                    with left_for_later(id):
                        self._take_up(tenant, id)
                ids = self.open.unfinished(tenant, AT_ONCE_MAX)
                moved += self._repeat(tenant, self.book.entries(tenant, ERASURES.kind, ids))
                unfinished += [(tenant, id) for id in ids]
        destroyed, online = self._go_on(unfinished)
        if unfinished and not online and self._wait(*unfinished[0]):
            destroyed, online = self._go_on(unfinished)
        return moved + destroyed + self._seal_all_off(online)

    def _go_on(self, unfinished: Sequence[tuple[UUID, UUID]]) -> tuple[int, list[Online]]:
        """Destroy what is held off the database: of how many, and what is online then.

        Whatever the mirror lacks holds up no other.
        """
        destroyed, online = 0, list[Online]()
        for tenant, id in unfinished:
            with self.bound(tenant), left_for_later(id):
                destroyed += self._destroy(tenant, id)
                if gone := self._state(tenant, id).to_seal_off:
                    online.append((tenant, id, gone))
        return destroyed, online

    def _wait(self, tenant: UUID, id: UUID) -> bool:
        """Wait for the mirror to have one order; False when it lags, and the next round looks again."""
        with self.bound(tenant):
            ordering = self.store.read(tenant, id)[-1].event_id
            if self.mirrored.wait(tenant, ordering, MIRROR_SECONDS_MAX):
                return True
        log.warning("an order to erase is not held off the database yet")
        return False

    def _seal_all_off(self, online: Sequence[Online]) -> int:
        """One turn of the epoch for all that are online; of how many it is recorded."""
        if not online:
            return 0
        turned, moved = self.shredder.turn_epoch(self.clock.now()), 0
        for tenant, id, gone in online:
            with self.bound(tenant), left_for_later(id):
                moved += self._seal_off(tenant, id, gone, turned)
        return moved

    def repeat(self, tenants: Sequence[UUID]) -> int:
        """Destroy again what is destroyed by the record and lives in the key database; how many erasures that was.

        No process can open it on return; the rounds that follow say so, and turn the epoch. For whoever starts on a
        deployment: an old copy of the key database may have been put in its place. Refuses: Unavailable.
        """
        repeated = 0
        for tenant in tenants:
            with self.bound(tenant):
                after = None
                while page := self.book.page(tenant, ERASURES.kind, AT_ONCE_MAX, after):
                    repeated += self._repeat(tenant, page)
                    after = (page[-1].created_at, page[-1].id)
        return repeated

    def _repeat(self, tenant: UUID, entries: Sequence[CatalogEntry]) -> int:
        states = [ERASURES.state_of(entry) for entry in entries]
        subjects = [state.ordered.subject for state in states if state.online]
        live = self.shredder.living(tenant, subjects) if subjects else {}
        return sum(
            self._destroy_again(tenant, state.id, came_back)
            for state in states
            if (
                came_back := tuple(
                    one for one in state.online if one in live.get(state.ordered.subject, ())
                )
            )
        )

    def _destroy_again(self, tenant: UUID, id: UUID, classes: Classes) -> bool:
        """Take the classes up again, then destroy at once: the order was mirrored long ago.

        Crash between: they are ordered destroyed as at first.
        """
        log.error("destroyed keys came back with an old key database: they are destroyed again")

        def decide(standing: Erasure) -> Decision | None:
            back = tuple(one for one in classes if one in standing.online)
            subject = standing.ordered.subject
            return ErasureRepeated(subject, "keys_came_back", back) if back else None

        repeated = self._record(tenant, id, decide)
        subject = self._state(tenant, id).ordered.subject
        self.shredder.destroy(tenant, subject, classes, self.clock.now())
        return repeated

    def _take_up(self, tenant: UUID, id: UUID) -> None:
        """Go on with what a release has set free, whoever released it and died."""
        state = self._state(tenant, id)
        for hold in dict.fromkeys(one.legal_hold for one in state.deferred):
            self.orders.resume(tenant, state.ordered.subject, hold)

    def _destroy(self, tenant: UUID, id: UUID) -> bool:
        """Destroy the keys that are ordered destroyed, where their order is mirrored; False when none was."""
        state = self._state(tenant, id)
        if not state.to_destroy:
            return False
        ordering = self.store.read(tenant, id)[-1].event_id
        if not self.mirrored.wait(tenant, ordering, 0):
            return False
        subject, classes = state.ordered.subject, state.to_destroy
        gone = self.shredder.destroy(tenant, subject, classes, self.clock.now())
        keys = tuple(DestroyedKey(name, key) for name, key in gone.key_ids)

        def decide(standing: Erasure) -> Decision | None:
            done = tuple(one for one in classes if one in standing.to_destroy)
            return ErasureEffected(subject, done, keys, gone.buckets) if done else None

        return self._record(tenant, id, decide)

    def _seal_off(self, tenant: UUID, id: UUID, before: Classes, turned: Turned) -> bool:
        """Record that older copies are dead, for what was online before the turn began."""

        def decide(standing: Erasure) -> Decision | None:
            done = tuple(one for one in before if one in standing.to_seal_off)
            if not done:
                return None
            subject = standing.ordered.subject
            return ErasureCompleted(subject, done, turned.old, turned.new, turned.backup_sha256)

        return self._record(tenant, id, decide)

    def _record(self, tenant: UUID, id: UUID, decide: Callable[[Erasure], Decision | None]) -> bool:
        by = Caller(tenant, ERASER, frozenset())

        def attempt() -> Plan[bool]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            entry, state = ERASURES.find(self.book, tenant, id)
            decision = decide(state)
            if decision is None:
                return Plan(Append(tenant, scribe.at, ()), False)
            return Plan(
                append_of(scribe, (ERASURES.write(scribe, id, (decision,), entry),), None), True
            )

        return carry_out(self.store, attempt)

    def _state(self, tenant: UUID, id: UUID) -> Erasure:
        return ERASURES.find(self.book, tenant, id)[1]
