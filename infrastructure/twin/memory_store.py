"""The ports `EventStore` and `Book` in memory: one lock, the same outcomes in the same order as the database's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.event_types import catalogue
from application.ports import (
    Append,
    BusyReplacement,
    CatalogEntry,
    CatalogKind,
    Counting,
    Facts,
    Outcome,
    Seat,
)
from application.recorded import Recorded
from application.vouching import yet_to_be_seen
from domain.custody import Fence
from domain.intervals import Interval
from domain.service import Service
from domain.staff import Staff
from infrastructure.twin.memory_reservations import Reservations
from infrastructure.twin.memory_state import MemoryState
from infrastructure.twin.memory_vault import MemoryVault


@dataclass(frozen=True, slots=True)
class MemoryStore:
    """See the port `EventStore`."""

    state: MemoryState
    vault: MemoryVault

    def read(self, tenant: UUID, stream: UUID) -> tuple[Recorded[object], ...]:
        """See the port."""
        with self.state.lock:
            return self.state.streams.get((tenant, stream), ())

    def begun(self, tenant: UUID, streams: Sequence[UUID]) -> frozenset[UUID]:
        """See the port `Streams`."""
        with self.state.lock:
            return frozenset(one for one in streams if (tenant, one) in self.state.streams)

    def append(self, append: Append) -> Outcome:
        """See the port."""
        assert all(event.tenant == append.tenant for event in append.events)
        if not append.events:
            return Outcome.APPENDED
        with self.state.lock:
            return self._append(append)

    def _append(self, append: Append) -> Outcome:
        state, tenant = self.state, append.tenant
        if (key := yet_to_be_seen()) is not None:
            entry = state.catalog.get((tenant, key.key))
            if entry is None or entry.version != key.version:
                return Outcome.REVOKED
            key.seen = True
        if any(
            (tenant, subject, name) in state.fences for subject, name in _sealed_for(append.events)
        ):
            return Outcome.ERASED
        if not self._follows(append):
            return Outcome.CONFLICT
        if any(self._named_since(tenant, fence) for fence in append.fences):
            return Outcome.CONFLICT
        standing = state.reservations.get(tenant, Reservations())
        reservations = standing.settled(append.releases, append.claims)
        if isinstance(reservations, Outcome):
            return reservations
        if self._exists(append):
            return Outcome.CONFLICT
        sealed = [self.vault.seal(event) for event in append.events]
        if append.ticket is not None and append.answer is not None:
            kept = state.answer_row(tenant, append.ticket.row)
            if kept is None:
                return Outcome.ANSWERED
            kept.answer = append.answer
        # From here on nothing can fail.
        state.reservations[tenant] = reservations
        for event in sealed:
            self._keep(event)
        for fence in append.fences:
            for name in fence.classes:
                state.fences.setdefault((tenant, fence.subject, name), fence.through)
        for entry in append.catalog:
            state.catalog[(tenant, entry.id)] = _entered(state.catalog, tenant, entry)
        if append.busy is not None:
            self._replace_busy(tenant, append.busy)
        return Outcome.APPENDED

    def _follows(self, append: Append) -> bool:
        """True when each version is the first of its stream, or follows one that is there."""
        coming: set[tuple[UUID, int]] = set()
        for event in append.events:
            length = len(self.state.streams.get((append.tenant, event.stream), ()))
            before = (event.stream, event.version - 1)
            if event.version - 1 > length and before not in coming:
                return False
            coming.add((event.stream, event.version))
        return True

    def _named_since(self, tenant: UUID, fence: Fence) -> bool:
        """True when something that names the person came after the position that the fence depends on."""
        if fence.unless_after is None:
            return False
        later = self.state.log.get(tenant, ())[fence.unless_after + 1 :]
        return any(str(fence.subject) in repr(event.decision) for event in later)

    def _exists(self, append: Append) -> bool:
        versions = [(event.stream, event.version) for event in append.events]
        return len(set(versions)) < len(versions) or any(
            version <= len(self.state.streams.get((append.tenant, stream), ()))
            for stream, version in versions
        )

    def _keep(self, event: Recorded[object]) -> None:
        stream = (event.tenant, event.stream)
        self.state.streams[stream] = (*self.state.streams.get(stream, ()), event)
        self.state.log.setdefault(event.tenant, []).append(event)

    def _replace_busy(self, tenant: UUID, busy: BusyReplacement) -> None:
        outside: list[Interval] = []
        for start, end in self.state.busy.get((tenant, busy.staff), ()):
            outside += [(start, min(end, busy.from_)), (max(start, busy.to), end)]
        kept = [(start, end) for start, end in outside if start < end]
        self.state.busy[(tenant, busy.staff)] = tuple(sorted([*kept, *busy.blocks]))


def _sealed_for(events: Iterable[Recorded[object]]) -> Iterable[tuple[UUID, str]]:
    """The (subject, class) pairs that the events seal values for."""
    for event in events:
        found = catalogue().get(getattr(event.decision, "TYPE", ""))
        for one in found.sealed if found else ():
            if getattr(event.decision, one.name) is not None:
                yield getattr(event.decision, one.subject_field), one.retention_class


def _entered(
    catalog: dict[tuple[UUID, UUID], CatalogEntry], tenant: UUID, entry: CatalogEntry
) -> CatalogEntry:
    """The entry as kept: when a thing was created never changes."""
    before = catalog.get((tenant, entry.id))
    if before is None:
        return entry
    return CatalogEntry(entry.kind, entry.id, entry.version, before.created_at, entry.state)


@dataclass(frozen=True, slots=True)
class MemoryBook:
    """See the port `Book`."""

    state: MemoryState

    def facts(
        self,
        tenant: UUID,
        service: UUID,
        from_: int,
        to: int,
        staff: UUID | None = None,
        counting: Counting | None = None,
    ) -> Facts:
        """See the port."""
        with self.state.lock:
            found = self.entry(tenant, "service", service)
            if found is None or not isinstance(found.state, Service):
                return Facts(None, (), (), (), ())
            offering = [
                entry
                for entry in self._all(tenant, "staff")
                if isinstance(entry.state, Staff)
                and service in entry.state.terms.service_ids
                and staff in (None, entry.id)
            ]
            reservations = self.state.reservations.get(tenant, Reservations())
            return Facts(
                service=found,
                locations=tuple(self.entries(tenant, "location", found.state.terms.location_ids)),
                staff=tuple(offering),
                occupied=tuple(
                    one for who in offering for one in reservations.between(who.id, from_, to)
                ),
                busy=tuple(
                    (who.id, start, end)
                    for who in offering
                    for start, end in self.state.busy.get((tenant, who.id), ())
                    if start < to and from_ < end
                ),
                booked={who.id: reservations.booked(who.id, counting) for who in offering}
                if counting
                else {},
            )

    def entry(self, tenant: UUID, kind: CatalogKind, id: UUID) -> CatalogEntry | None:
        """See the port."""
        with self.state.lock:
            found = self.state.catalog.get((tenant, id))
            return found if found is not None and found.kind == kind else None

    def entries(self, tenant: UUID, kind: CatalogKind, ids: Sequence[UUID]) -> list[CatalogEntry]:
        """See the port."""
        with self.state.lock:
            found = (self.entry(tenant, kind, id) for id in dict.fromkeys(ids))
            return [entry for entry in found if entry is not None]

    def page(
        self, tenant: UUID, kind: CatalogKind, limit: int, after: tuple[datetime, UUID] | None
    ) -> list[CatalogEntry]:
        """See the port."""
        with self.state.lock:
            found = [
                entry
                for entry in self._all(tenant, kind)
                if after is None or (entry.created_at, entry.id) > after
            ]
            return sorted(found, key=lambda entry: (entry.created_at, entry.id))[:limit]

    def expired(self, tenant: UUID, by: int, limit: int) -> list[Seat]:
        """See the port `ExpiredClaims`."""
        with self.state.lock:
            return self.state.reservations.get(tenant, Reservations()).expired(by)[:limit]

    def _all(self, tenant: UUID, kind: CatalogKind) -> list[CatalogEntry]:
        return [
            entry
            for (owner, _), entry in self.state.catalog.items()
            if owner == tenant and entry.kind == kind
        ]
