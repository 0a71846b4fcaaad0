"""The one loop: load, fold, decide, append; and try again when someone else was faster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar
from uuid import UUID

from application.ports import Append, Clock, EventStore, Ids, Outcome
from application.recorded import Answer, Caller, Recorded
from domain.errors import Erased, IdempotencyInFlight, SlotUnavailable, Stale, Unidentified

ATTEMPTS_MAX: Final = 6

State = TypeVar("State")
Decision = TypeVar("Decision")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Plan(Generic[Result]):
    """What an attempt wants stored, and what its caller is told if it is."""

    append: Append
    result: Result


def carry_out(store: EventStore, attempt: Callable[[], Plan[Result]]) -> Result:
    """Run `attempt` (load, fold, decide) and append what it plans, again after a lost race; at most 6 times.

    `attempt` must read afresh each time. An append without events stores nothing and its result stands.
    Refuses: whatever `attempt` refuses, Erased, Unidentified (see `vouching`), IdempotencyInFlight, SlotUnavailable or
    Stale when every attempt lost.
    """
    outcome = Outcome.CONFLICT
    for _ in range(ATTEMPTS_MAX):
        plan = attempt()
        if not plan.append.events:
            return plan.result
        outcome = store.append(plan.append)
        match outcome:
            case Outcome.APPENDED:
                return plan.result
            case Outcome.ERASED:
                raise Erased()
            case Outcome.REVOKED:
                raise Unidentified()
            case Outcome.ANSWERED:
                raise IdempotencyInFlight(retry_after_seconds=1)
            case Outcome.CONFLICT | Outcome.MOVED | Outcome.TAKEN | Outcome.FULL:
                continue
    if outcome in (Outcome.TAKEN, Outcome.FULL):
        raise SlotUnavailable()
    raise Stale(retry_after_seconds=1)


def fold(
    evolve: Callable[[State, Decision], State], start: State, events: Iterable[Recorded[Decision]]
) -> State:
    """The state after `events`, oldest first."""
    state = start
    for event in events:
        state = evolve(state, event.decision)
    return state


@dataclass(frozen=True, slots=True)
class Scribe:
    """Makes envelopes around decisions of one caller at one instant."""

    caller: Caller
    at: datetime
    ids: Ids

    @classmethod
    def begin(cls, caller: Caller, clock: Clock, ids: Ids) -> Scribe:
        """Read the clock once: everything one command records happened at one instant."""
        return cls(caller, clock.now(), ids)

    def record(
        self, stream: UUID, version: int, decision: object, *, cause: UUID | None = None
    ) -> Recorded[object]:
        """`decision` as version `version` of `stream`."""
        return Recorded(
            tenant=self.caller.tenant,
            stream=stream,
            version=version,
            event_id=self.ids.uuid(),
            occurred_at=self.at,
            actor=self.caller.actor,
            decision=decision,
            purpose=self.caller.purpose,
            case=self.caller.case,
            cause=cause,
        )

    def answer(self, result: object) -> Answer | None:
        """The answer to keep for a repeated call; None when the call carries no Idempotency-Key."""
        ticket = self.caller.ticket
        return ticket.render(result) if ticket else None
