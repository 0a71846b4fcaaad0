"""The port `WithheldDisclosures` in memory: folded from the events at each question."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.orders.openings import process_of
from domain.disclosure import DisclosureOpened, DisclosureRecorded, DisclosureWithheld, TagOf
from domain.legal_process import GagChanged
from infrastructure.twin.memory_state import MemoryState


@dataclass(slots=True)
class _Held:
    process: UUID | None
    look_at: datetime
    tags: dict[UUID, UUID] = field(default_factory=dict)
    opened: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class MemoryWithheld:
    """See the port `WithheldDisclosures`."""

    state: MemoryState

    def due(self, tenant: UUID, now: datetime, limit: int) -> list[UUID]:
        """See the port."""
        held = self._held(tenant)
        found = [(one.look_at, id) for id, one in held.items() if one.look_at <= now]
        return [id for _, id in sorted(found)][:limit]

    def tags(self, tenant: UUID, disclosure: UUID, limit: int) -> list[TagOf]:
        """See the port."""
        held = self._held(tenant).get(disclosure)
        if held is None:
            return []
        left = {tag: person for tag, person in held.tags.items() if tag not in held.opened}
        return [TagOf(*one) for one in sorted(left.items())][:limit]

    def under(self, tenant: UUID, process: UUID, limit: int) -> list[UUID]:
        """See the port."""
        held = self._held(tenant)
        return sorted(id for id, one in held.items() if one.process == process)[:limit]

    def _held(self, tenant: UUID) -> dict[UUID, _Held]:
        held: dict[UUID, _Held] = {}
        with self.state.lock:
            log = list(self.state.log.get(tenant, ()))
        for event in log:
            match event.decision:
                case DisclosureRecorded(withheld_until=datetime() as until):
                    held[event.stream] = _Held(process_of(event), until)
                case DisclosureWithheld() as it:
                    one = held.setdefault(it.disclosure, _Held(process_of(event), it.until))
                    one.look_at = it.until
                    one.tags |= {tag.tag: tag.stands_for for tag in it.tags}
                case GagChanged():
                    for one in held.values():
                        if one.process == event.stream:
                            one.look_at = min(one.look_at, event.occurred_at)
                case DisclosureOpened() as it if it.disclosure in held:
                    one = held[it.disclosure]
                    one.opened.add(it.tag)
                    if one.opened.issuperset(one.tags):
                        del held[it.disclosure]
                case _:
                    pass
        return held
