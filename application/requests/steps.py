"""One step of one request: decided on it as it stands, closed where nothing is left, and on record where refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Final, TypeAlias, cast
from uuid import UUID

from application.execute import Plan, Scribe, carry_out
from application.ports import Append, Book, Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from application.setup.register import Receipt, Register, append_of, planned
from domain import privacy_request_course
from domain.access_key import Role
from domain.errors import (
    DomainError,
    ExtensionTooLate,
    IdentityNotVerified,
    InvalidState,
    Unacceptable,
    VersionMismatch,
)
from domain.privacy_request import Decision, RequestStepRefused
from domain.privacy_request_answers import close
from domain.privacy_request_codes import RefusalCode, Step
from domain.privacy_request_state import PrivacyRequest

REQUESTS: Final[Register[PrivacyRequest, Decision]] = Register(
    "privacy_request", PrivacyRequest, privacy_request_course.evolve
)
WRITERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner")
READERS: Final[tuple[Role, ...]] = (*WRITERS, "auditor")
# More refusals of one request than this are still refused, and no longer recorded.
REFUSALS_MAX: Final = 1_000
_RECORDED: Final = (InvalidState, IdentityNotVerified, ExtensionTooLate, Unacceptable)


@dataclass(frozen=True, slots=True)
class Target:
    """The request that a step is about; `version` is the caller's If-Match, None for any."""

    request: UUID
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What a step decides, and events of other streams that stand or fall with it."""

    decisions: tuple[Decision, ...]
    beside: tuple[Recorded[object], ...] = ()


Decide: TypeAlias = Callable[[PrivacyRequest, Scribe], Decided]


@dataclass(frozen=True, slots=True)
class Steps:
    """Takes steps."""

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids

    def take(
        self, target: Target, step: Step, by: Caller, decide: Decide
    ) -> Receipt[PrivacyRequest]:
        """Store what `decide` decides; a refusal is stored as one, and then raised.

        Refuses: NotFound, VersionMismatch, whatever `decide` refuses, Stale.
        """

        def attempt() -> Plan[Receipt[PrivacyRequest] | DomainError]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            entry, state = REQUESTS.find(self.book, by.tenant, target.request)
            if target.version not in (None, state.version):
                raise VersionMismatch()
            try:
                decided = decide(state, scribe)
            except _RECORDED as refusal:
                return self._refused(scribe, state, step, refusal)
            decisions = decided.decisions
            after = reduce(privacy_request_course.evolve, decisions, state)
            written = REQUESTS.write(
                scribe, state.id, (*decisions, *close(after, scribe.at)), entry
            )
            receipt = Receipt(written.state, written.events[len(decisions) - 1].event_id)
            append = append_of(scribe, (written,), receipt)
            events = append.events + decided.beside
            return Plan(_with(append, events), receipt)

        outcome = carry_out(self.store, attempt)
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome

    def refuse(self, target: Target, step: Step, by: Caller, refusal: DomainError) -> None:
        """Record that a rule said no before the step could be tried. Refuses: NotFound, Stale."""
        if not isinstance(refusal, _RECORDED):
            return

        def attempt() -> Plan[DomainError]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            _, state = REQUESTS.find(self.book, by.tenant, target.request)
            return cast("Plan[DomainError]", self._refused(scribe, state, step, refusal))

        carry_out(self.store, attempt)

    def _refused(
        self, scribe: Scribe, state: PrivacyRequest, step: Step, refusal: DomainError
    ) -> Plan[Receipt[PrivacyRequest] | DomainError]:
        if state.refusals >= REFUSALS_MAX:
            return Plan(Append(scribe.caller.tenant, scribe.at, ()), refusal)
        entry, _ = REQUESTS.find(self.book, scribe.caller.tenant, state.id)
        decision = RequestStepRefused(step, _code(refusal), scribe.at)
        written = REQUESTS.write(scribe, state.id, (decision,), entry)
        append = Append(scribe.caller.tenant, scribe.at, written.events, catalog=(written.entry,))
        return Plan(append, refusal)

    def sweep(
        self,
        id: UUID,
        by: Caller,
        decide: Callable[[PrivacyRequest, datetime], tuple[Decision, ...]],
    ) -> bool:
        """Store what `decide` decides by itself; False where that is nothing. Refuses: NotFound, Stale."""

        def attempt() -> Plan[bool]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            entry, state = REQUESTS.find(self.book, by.tenant, id)
            decisions = decide(state, scribe.at)
            if not decisions:
                return Plan(Append(by.tenant, scribe.at, ()), False)
            written = REQUESTS.write(scribe, id, decisions, entry)
            return Plan(planned(scribe, written).append, True)

        return carry_out(self.store, attempt)


def _code(refusal: DomainError) -> RefusalCode:
    match refusal:
        case InvalidState():
            return "invalid_state"
        case IdentityNotVerified():
            return "identity_not_verified"
        case ExtensionTooLate():
            return "extension_too_late"
        case _:
            return "invalid"


def _with(append: Append, events: tuple[Recorded[object], ...]) -> Append:
    return Append(
        append.tenant,
        append.at,
        events,
        catalog=append.catalog,
        ticket=append.ticket,
        answer=append.answer,
    )
