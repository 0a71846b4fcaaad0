"""The ports `ConsentHistory`, `DueConsents`, `Erasures` and `Holdings` in memory. All follow at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.consents.history import ConsentRow
from application.event_types import catalogue
from application.people.people import Holding
from domain import consent
from domain.consent import ConsentExpired, ConsentRejected, record_of
from infrastructure.twin.memory_state import MemoryState


@dataclass(frozen=True, slots=True)
class MemoryConsents:
    """See the ports; folded from the log at each question."""

    state: MemoryState

    def of(self, tenant: UUID, subject: UUID, known_at: datetime | None) -> list[ConsentRow]:
        """See the port."""
        return [
            row
            for row in self._rows(tenant)
            if row.subject == subject and (known_at is None or row.recorded_at <= known_at)
        ]

    def due(self, tenant: UUID, by: datetime, limit: int) -> list[tuple[UUID, str]]:
        """See the port."""
        rows = list(self._rows(tenant))
        ended = {row.replaces for row in rows}
        found = sorted(
            (row.expires_at, row.subject, row.purpose)
            for row in rows
            if row.expires_at is not None
            and row.purpose is not None
            and row.expires_at <= by
            and row.consent not in ended
        )
        return [(subject, purpose) for _, subject, purpose in found[:limit]]

    def _rows(self, tenant: UUID) -> Iterator[ConsentRow]:
        with self.state.lock:
            log = list(enumerate(self.state.log.get(tenant, [])))
        for position, event in log:
            it = event.decision
            if not isinstance(it, consent.DECISIONS):
                continue
            record = record_of(it)
            notice = None if isinstance(it, ConsentExpired | ConsentRejected) else it.notice
            yield ConsentRow(
                consent=it.consent,
                subject=it.subject,
                purpose=it.purpose,
                decision="rejected" if record is None else record.decision,
                said_at=event.occurred_at if record is None else record.at,
                method=None if isinstance(it, ConsentExpired) else it.method,
                channel=None if isinstance(it, ConsentExpired) else it.channel,
                expires_at=None if record is None else record.expires_at,
                replaces=None if record is None else record.replaces,
                policy=None if notice is None else notice.policy,
                policy_version=None if notice is None else notice.version,
                notice_sha256=None if notice is None else notice.sha256,
                reason=it.reason if isinstance(it, ConsentRejected) else None,
                actor=event.actor,
                event=event.event_id,
                version=event.version,
                recorded_at=event.occurred_at,
                position=position,
            )


@dataclass(frozen=True, slots=True)
class MemoryErasures:
    """See the port `Erasures`."""

    state: MemoryState

    def erased_at(self, tenant: UUID, subject: UUID) -> datetime | None:
        """See the port."""
        with self.state.lock:
            return self.state.fences.get((tenant, subject, "profile"))


@dataclass(frozen=True, slots=True)
class MemoryHoldings:
    """See the port `Holdings`."""

    state: MemoryState

    def of(self, tenant: UUID, subject: UUID, as_of: datetime) -> list[Holding]:
        """See the port."""
        found: dict[tuple[str, str], list[datetime]] = {}
        with self.state.lock:
            for event in self.state.log.get(tenant, []):
                name = str(getattr(event.decision, "TYPE", ""))
                for sealed in catalogue()[name].sealed:
                    whose = getattr(event.decision, sealed.subject_field)
                    fenced = (tenant, subject, sealed.retention_class) in self.state.fences
                    is_there = getattr(event.decision, sealed.name) is not None
                    if whose == subject and is_there and not fenced and event.occurred_at <= as_of:
                        key = (name, sealed.retention_class)
                        found.setdefault(key, []).append(event.occurred_at)
        held = [Holding(*key, len(at), min(at), max(at)) for key, at in found.items()]
        return sorted(held, key=lambda one: (one.first_at, one.event_type, one.retention_class))
