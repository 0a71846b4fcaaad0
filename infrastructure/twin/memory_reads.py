"""The ports `Answers`, `Agenda` and `Positions` in memory. The read model follows at once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

from application.execute import fold
from application.ports import AgendaRow, Clock, Ids
from application.recorded import Answer, Recorded
from domain import booking
from domain.errors import FieldError, IdempotencyInFlight, IdempotencyMismatch, UnknownReference
from domain.sealing import Envelope
from domain.values import epoch_seconds
from infrastructure.twin.memory_state import KeptAnswer, MemoryState

KEPT_SECONDS: Final = 86_400
IN_FLIGHT_SECONDS: Final = 60
AGENDA_ROWS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class MemoryAnswers:
    """See the port `Answers`. `secret` keys the digests."""

    state: MemoryState
    clock: Clock
    ids: Ids
    secret: bytes

    def begin(self, tenant: UUID, scope: str, key: str, body: bytes) -> UUID | Answer:
        """See the port. A call that died while it ran may be started again after a minute."""
        now = self.clock.now().timestamp()
        call = (tenant, self._digest(f"{scope}\n{key}".encode()))
        fingerprint = self._digest(body)
        with self.state.lock:
            kept = self.state.answers.get(call)
            if kept is not None and kept.begun_at > now - KEPT_SECONDS:
                if kept.fingerprint != fingerprint:
                    raise IdempotencyMismatch()
                if kept.answer is not None:
                    return kept.answer
                if kept.begun_at > now - IN_FLIGHT_SECONDS:
                    raise IdempotencyInFlight(retry_after_seconds=1)
            row = self.ids.uuid()
            self.state.answers[call] = KeptAnswer(row, fingerprint, now)
            return row

    def occasion(self, tenant: UUID, scope: str, key: str, body: bytes) -> UUID:
        """See the port."""
        parts = (tenant.bytes, scope.encode(), key.encode(), body)
        drawn = self._digest(b"".join(self._digest(part) for part in parts))
        return UUID(bytes=drawn[:16], version=4)

    def keep(self, tenant: UUID, row: UUID, answer: Answer) -> None:
        """See the port."""
        with self.state.lock:
            if (kept := self.state.answer_row(tenant, row)) is not None:
                kept.answer = answer

    def forget(self, tenant: UUID, row: UUID) -> None:
        """See the port."""
        with self.state.lock:
            for call, kept in list(self.state.answers.items()):
                if call[0] == tenant and kept.row == row and kept.answer is None:
                    del self.state.answers[call]

    def _digest(self, text: bytes) -> bytes:
        return hmac.new(self.secret, text, hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class MemoryAgenda:
    """See the port `Agenda`; folded from the events at each question."""

    state: MemoryState

    def between(self, tenant: UUID, location: UUID, from_: int, to: int) -> list[AgendaRow]:
        """See the port."""
        return self.page(tenant, from_, to, AGENDA_ROWS_MAX, None, locations=[location])

    def page(
        self,
        tenant: UUID,
        from_: int,
        to: int,
        limit: int,
        after: tuple[int, UUID] | None,
        *,
        staff: UUID | None = None,
        locations: Sequence[UUID] | None = None,
        status: str | None = None,
    ) -> list[AgendaRow]:
        """See the port."""
        with self.state.lock:
            rows = [
                row
                for row in self.rows(tenant)
                if from_ <= row.start < to
                and (after is None or (row.start, row.booking) > after)
                and staff in (None, row.staff)
                and (locations is None or row.location in locations)
                and status in (None, row.status)
            ]
        return sorted(rows, key=lambda row: (row.start, row.booking))[:limit]

    def rows(self, tenant: UUID) -> Iterator[AgendaRow]:
        """Every booking of the tenant, in no particular order."""
        for (owner, _), events in self.state.streams.items():
            if owner == tenant and isinstance(events[0].decision, booking.DECISIONS):
                story = cast(Sequence[Recorded[booking.Decision]], events)
                it = fold(booking.evolve, None, story)
                assert it is not None, "a stream that is not empty holds a booking"
                yield AgendaRow(
                    booking=it.id,
                    location=it.visit.location,
                    service=it.visit.service,
                    staff=it.visit.staff,
                    subject=it.subject,
                    start=epoch_seconds(it.visit.start),
                    end=epoch_seconds(it.visit.end),
                    status=it.status.value,
                    external_ref=it.external_ref,
                    last_event=events[-1].event_id,
                    version=it.version,
                    person=it.person if isinstance(it.person, Envelope) else None,
                )


@dataclass(frozen=True, slots=True)
class MemoryPositions:
    """See the port `Positions`. Nothing is ever behind."""

    state: MemoryState

    def wait(self, tenant: UUID, model: str, at_least: UUID | int) -> int:  # noqa: ARG002
        """See the port."""
        with self.state.lock:
            log = self.state.log.get(tenant, [])
            if isinstance(at_least, UUID):
                known = any(event.event_id == at_least for event in log)
            else:
                known = 0 <= at_least < len(log)
            if not known:
                detail = "There is no such event or position."
                error = FieldError("/at_least", UnknownReference.code, detail)
                raise UnknownReference(errors=(error,))
            return len(log) - 1

    def current(self, tenant: UUID, model: str) -> int:  # noqa: ARG002
        """See the port."""
        with self.state.lock:
            return len(self.state.log.get(tenant, [])) - 1

    def head(self, tenant: UUID) -> int:
        """See the port."""
        return self.current(tenant, "")
