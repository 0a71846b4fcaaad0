"""Erasures as they stand: what was destroyed, what waits and why, what is kept and what for, who was told.

Source: GDPR Art. 17, 19; README D9.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from application.disclosing.follow_ups import HandedTo
from application.erasing.certificate import Told
from application.erasing.ordering import ERASURES, GaggedHolds
from application.erasing.recipients_told import told_of
from application.permissions import require
from application.ports import Book, EventStore
from application.recorded import Caller, Recorded
from application.setup.register import CreationKey, Listing
from domain.access_key import Role
from domain.custody import Kept
from domain.erasure import Deferred, Erasure, ErasureCompleted, ErasureEffected
from domain.sealing import RetentionClass

READERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner", "auditor")


@dataclass(frozen=True, slots=True)
class Waits:
    """A class that waits for a legal hold; `gagged`: the person may not know of that hold now."""

    deferred: Deferred
    gagged: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """A class whose keys are destroyed: how many keys, since when nobody opens it, since when older copies are dead.

    `complete_at` and `epoch` (the first without them) are None while older copies of the keys may live.
    """

    retention_class: RetentionClass
    keys: int
    online_at: datetime
    complete_at: datetime | None = None
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class ErasureSeen:
    """An erasure as it stands; `kept` is what it leaves, under exceptions."""

    state: Erasure
    waits: tuple[Waits, ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class ErasureShown:
    """An erasure with what it did. `gone` is by class; `event` is its latest event."""

    seen: ErasureSeen
    gone: tuple[Gone, ...]
    told: tuple[Told, ...]
    event: UUID

    @property
    def online_at(self) -> datetime | None:
        """Since when nobody can open anything of it; None while there is more to destroy, or nothing was."""
        found = [one.online_at for one in self.gone]
        return max(found) if found and not self.seen.state.to_destroy else None

    @property
    def complete_at(self) -> datetime | None:
        """Since when no older copy can either; None as long as one may."""
        found = [one.complete_at for one in self.gone if one.complete_at is not None]
        over = self.online_at is not None and len(found) == len(self.gone)
        return max(found) if over else None

    @property
    def epoch(self) -> int | None:
        """The first epoch whose key opens nothing of it; None as long as an older one may."""
        found = [one.epoch for one in self.gone if one.epoch is not None]
        return max(found) if self.complete_at is not None else None


@dataclass(frozen=True, slots=True)
class ErasureReads:
    """Shows erasures to those who answer for them."""

    store: EventStore
    book: Book
    gagged: GaggedHolds
    handed: HandedTo

    def page(self, limit: int, after: CreationKey | None, by: Caller) -> Listing[ErasureSeen]:
        """Erasures, by when they were ordered. Refuses: NotPermitted."""
        require(by, *READERS)
        listing = ERASURES.page(self.book, by.tenant, limit, after, lambda _: True)
        return Listing(tuple(self._seen(by.tenant, one) for one in listing.items), listing.next)

    def erasure(self, id: UUID, by: Caller) -> ErasureShown:
        """One erasure, with every recipient that was told of it. Refuses: NotPermitted, NotFound."""
        require(by, *READERS)
        state = ERASURES.find(self.book, by.tenant, id)[1]
        events = self.store.read(by.tenant, id)
        told = told_of(self.store, self.book, self.handed, events, state.ordered.subject)
        return ErasureShown(self._seen(by.tenant, state), gone(events), told, events[-1].event_id)

    def _seen(self, tenant: UUID, state: Erasure) -> ErasureSeen:
        silent = self.gagged.gagged(tenant, {one.legal_hold for one in state.deferred})
        waits = tuple(Waits(one, one.legal_hold in silent) for one in state.deferred)
        gone_since = (*state.to_destroy, *state.online)
        kept = tuple(one for one in state.ordered.kept if one.retention_class not in gone_since)
        return ErasureSeen(state, waits, kept)


def gone(events: tuple[Recorded[Any], ...]) -> tuple[Gone, ...]:
    """What the events of an erasure say was destroyed, by class."""
    found: dict[RetentionClass, Gone] = {}
    for event in events:
        match event.decision:
            case ErasureEffected() as effected:
                named = [one.retention_class for one in effected.keys]
                for name in effected.classes:
                    found[name] = Gone(name, named.count(name), event.occurred_at)
            case ErasureCompleted() as completed:
                for name in completed.classes:
                    before = found[name]
                    found[name] = Gone(
                        name, before.keys, before.online_at, event.occurred_at, completed.epoch
                    )
            case _:
                pass
    return tuple(found[name] for name in sorted(found))
