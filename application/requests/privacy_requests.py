"""People's requests on their way: acknowledged, verified, answered, appealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from application.execute import Plan, Scribe, carry_out
from application.permissions import require
from application.ports import Append
from application.recorded import Caller
from application.requests.carrying_out import CarryingOut
from application.requests.receiving import require_recipient
from application.requests.steps import (
    READERS,
    REQUESTS,
    WRITERS,
    Decided,
    Steps,
    Target,
)
from application.requests.telling import Telling, Told
from application.requests.timing import RequestTiming, RightVerdict
from application.setup.register import CreationKey, Listing, Receipt
from domain import privacy_request_answers as answers
from domain import privacy_request_rules as rules
from domain.errors import DomainError, FieldError, Unacceptable, UnknownReference, VersionMismatch
from domain.privacy_request import Decision
from domain.privacy_request_codes import (
    RIGHTS,
    AppealOutcome,
    DataPoint,
    DeniedPart,
    ExtensionReason,
    IdentityOutcome,
    PauseReason,
    Right,
    Step,
    VerificationMethod,
)
from domain.privacy_request_course import right_asked
from domain.privacy_request_state import PrivacyRequest, Status

# What erases comes last: whoever also asks what is held is told before it is gone.
IN_ORDER: Final[tuple[Right, ...]] = (
    *(one for one in RIGHTS if one not in ("erasure", "account_cancellation")),
    "account_cancellation",
    "erasure",
)
Decides = Callable[[PrivacyRequest, datetime], tuple[Decision, ...]]


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """A request as it stands at `now`, its clocks, and how far its recipients have been told.

    `restricts` says whether a restriction stands by it; None where that was not looked up.
    """

    state: PrivacyRequest
    clocks: tuple[RightVerdict, ...]
    now: datetime
    told: tuple[Told, ...] = ()
    restricts: bool | None = None


@dataclass(frozen=True, slots=True)
class PrivacyRequests:
    """The requests that people have made of a business.

    Every step refuses NotPermitted, NotFound and VersionMismatch first, and Stale at last.
    """

    steps: Steps
    times: RequestTiming
    carrying: CarryingOut
    telling: Telling

    def acknowledge(self, target: Target, by: Caller) -> Receipt[PrivacyRequest]:
        """Record that they were told that it came in. Refuses: InvalidState."""
        return self._step(target, "acknowledge", by, rules.acknowledge)

    def ask_identity(
        self,
        target: Target,
        method: VerificationMethod,
        points: tuple[DataPoint, ...],
        by: Caller,
    ) -> Receipt[PrivacyRequest]:
        """Record that they were asked who they are. Refuses: InvalidState, Unacceptable."""
        return self._step(
            target, "ask_identity", by, lambda it, at: rules.ask_identity(it, method, points, at)
        )

    def verify_identity(
        self,
        target: Target,
        method: VerificationMethod,
        compared: tuple[DataPoint, ...],
        outcome: IdentityOutcome,
        by: Caller,
    ) -> Receipt[PrivacyRequest]:
        """Record what was compared to know who they are. Refuses: InvalidState, Unacceptable."""
        return self._step(
            target,
            "verify_identity",
            by,
            lambda it, at: rules.verify_identity(it, method, compared, outcome, at),
        )

    def destroy_evidence(self, target: Target, by: Caller) -> Receipt[PrivacyRequest]:
        """Record that what they handed in for it is gone. Refuses: InvalidState."""
        return self._step(target, "destroy_identity_evidence", by, rules.destroy_evidence)

    def pause(self, target: Target, reason: PauseReason, by: Caller) -> Receipt[PrivacyRequest]:
        """Wait for what only they can give. Refuses: InvalidState."""
        return self._step(
            target,
            "pause",
            by,
            lambda it, at: rules.pause(it, reason, self.times.timing(it, at), at),
        )

    def resume(self, target: Target, by: Caller) -> Receipt[PrivacyRequest]:
        """Go on. Refuses: InvalidState."""
        return self._step(target, "resume", by, rules.resume)

    def extend(
        self, target: Target, reason: ExtensionReason, told_at: datetime, by: Caller
    ) -> Receipt[PrivacyRequest]:
        """Take longer, once. Refuses: InvalidState, Unacceptable (told_at), ExtensionTooLate."""

        def decide(it: PrivacyRequest, at: datetime) -> tuple[Decision, ...]:
            return rules.extend(it, reason, told_at, self.times.timing(it, at, told_at), at)

        return self._step(target, "extend", by, decide)

    def forward(self, target: Target, recipient: UUID, by: Caller) -> Receipt[PrivacyRequest]:
        """Hand it to whom it is for. Refuses: UnknownReference (recipient), InvalidState."""
        require(by, *WRITERS)
        require_recipient(self.steps.book, by.tenant, recipient, "/recipient_id")
        return self._step(target, "forward", by, lambda it, at: rules.forward(it, recipient, at))

    def deny(
        self, target: Target, right: Right | None, parts: tuple[DeniedPart, ...], by: Caller
    ) -> Receipt[PrivacyRequest]:
        """Deny parts of a right: of the one that is still open, where none is named.

        Refuses: InvalidState, Unacceptable (parts; several rights are open and none is named).
        """
        return self._step(
            target, "deny", by, lambda it, at: answers.deny(it, right or _open_one(it), parts, at)
        )

    def withdraw(self, target: Target, by: Caller) -> Receipt[PrivacyRequest]:
        """Let go of what is not decided. Refuses: InvalidState."""
        return self._step(target, "withdraw", by, rules.withdraw)

    def mark_duplicate(self, target: Target, original: UUID, by: Caller) -> Receipt[PrivacyRequest]:
        """Say that it was asked before. Refuses: UnknownReference (the request), InvalidState, Unacceptable."""
        require(by, *WRITERS)
        if self.steps.book.entry(by.tenant, REQUESTS.kind, original) is None:
            wrong = FieldError("/request_id", UnknownReference.code, "There is no such request.")
            raise UnknownReference(errors=(wrong,))
        return self._step(
            target, "mark_duplicate", by, lambda it, at: rules.mark_duplicate(it, original, at)
        )

    def appeal(self, target: Target, by: Caller) -> Receipt[PrivacyRequest]:
        """Take up that they do not accept the denial. Refuses: InvalidState."""
        return self._step(target, "appeal", by, answers.appeal)

    def decide_appeal(
        self, target: Target, outcome: AppealOutcome, by: Caller
    ) -> Receipt[PrivacyRequest]:
        """Look at the denial again; upheld, what was denied is open again. Refuses: InvalidState."""
        return self._step(
            target, "decide_appeal", by, lambda it, at: answers.decide_appeal(it, outcome, at)
        )

    def fulfil(self, target: Target, right: Right | None, by: Caller) -> Receipt[PrivacyRequest]:
        """Carry a right out, or all that are open, and record it. What was denied before is left.

        Refuses: InvalidState (decided; nothing was corrected; no report was taken), IdentityNotVerified, whatever
        ordering an erasure refuses.
        """
        require(by, *WRITERS)
        _, state = REQUESTS.find(self.steps.book, by.tenant, target.request)
        if target.version not in (None, state.version):
            raise VersionMismatch()
        chosen = (right,) if right is not None else _open_rights(state)
        erased: dict[Right, answers.Done] = {}
        try:
            for one in chosen:
                answers.require_fulfillable(state, one)
            # Nothing is destroyed where a part of the answer is still missing.
            scribe = Scribe.begin(by, self.steps.clock, self.steps.ids)
            for one in chosen:
                self.carrying.show(state, one, scribe)
            for one in chosen:
                asked = right_asked(state, one)
                assert asked is not None, "what may be fulfilled was asked for"
                erased[one] = self.carrying.erase(state, asked, by)
        except DomainError as refusal:
            self.steps.refuse(target, "fulfil", by, refusal)
            raise

        def decide(it: PrivacyRequest, scribe: Scribe) -> Decided:
            decided = Decided(())
            for one in chosen:
                shown = self.carrying.show(it, one, scribe)
                done = replace(erased[one], evidence=shown.evidence)
                made = answers.fulfil(it, one, done, scribe.at)
                beside = (*decided.beside, *shown.beside)
                decided = Decided((*decided.decisions, *made), beside)
            return decided

        return self.steps.take(target, "fulfil", by, decide)

    def lift_restriction(self, target: Target, by: Caller) -> Receipt[PrivacyRequest]:
        """Lift the restriction that a request led to; they were told before (GDPR Art. 18(3)).

        Refuses: InvalidState (none stands by it).
        """
        require(by, *WRITERS)
        steps = self.steps

        def attempt() -> Plan[Receipt[PrivacyRequest]]:
            scribe = Scribe.begin(by, steps.clock, steps.ids)
            _, state = REQUESTS.find(steps.book, by.tenant, target.request)
            if target.version not in (None, state.version):
                raise VersionMismatch()
            events = self.carrying.lift(state, scribe)
            receipt = Receipt(state, events[-1].event_id)
            append = Append(
                by.tenant, scribe.at, events, ticket=by.ticket, answer=scribe.answer(receipt)
            )
            return Plan(append, receipt)

        return carry_out(steps.store, attempt)

    def shown(self, state: PrivacyRequest, by: Caller) -> ShownRequest:
        """A request that a step has left, with its clocks."""
        now = self.steps.clock.now()
        told = self.telling.of(state, by.tenant)
        told_at = self.telling.told_at(state, told, by.tenant)
        return ShownRequest(state, self.times.verdicts(state, now, told_at), now, told)

    def request(self, id: UUID, by: Caller) -> ShownRequest:
        """One request. Refuses: NotPermitted, NotFound."""
        require(by, *READERS)
        state = REQUESTS.find(self.steps.book, by.tenant, id)[1]
        restricts = self.carrying.is_restricting(state, by.tenant)
        return replace(self.shown(state, by), restricts=restricts)

    def version(self, id: UUID, by: Caller) -> int:
        """The version of a request. Refuses: NotPermitted, NotFound."""
        require(by, *READERS)
        return REQUESTS.find(self.steps.book, by.tenant, id)[1].version

    def page(
        self,
        limit: int,
        after: CreationKey | None,
        status: Status | None,
        right: Right | None,
        by: Caller,
    ) -> Listing[PrivacyRequest]:
        """The requests by when they were entered; in one state, or for one right, where asked.

        Refuses: NotPermitted.
        """
        require(by, *READERS)

        def wanted(state: PrivacyRequest) -> bool:
            return status in (None, state.status) and right in (None, *state.terms.rights)

        return REQUESTS.page(self.steps.book, by.tenant, limit, after, wanted)

    def _step(
        self, target: Target, step: Step, by: Caller, decides: Decides
    ) -> Receipt[PrivacyRequest]:
        require(by, *WRITERS)
        return self.steps.take(target, step, by, lambda it, scribe: Decided(decides(it, scribe.at)))


def _open_rights(state: PrivacyRequest) -> tuple[Right, ...]:
    """The rights that are open, in the order in which they are carried out; those asked for, where none is."""
    found = {one.right for one in state.rights if not one.is_decided}
    wanted = found or set(state.terms.rights)
    return tuple(one for one in IN_ORDER if one in wanted)


def _open_one(state: PrivacyRequest) -> Right:
    """The one right that a step without a name is about. Refuses: Unacceptable (several are open)."""
    found = _open_rights(state)
    if len(found) > 1:
        wrong = FieldError("/right", "missing", "Several rights are open; name one.")
        raise Unacceptable(errors=(wrong,))
    return found[0]
