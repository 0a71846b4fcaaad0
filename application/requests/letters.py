"""What a person is written: that it came in, that it takes longer, what was done, what is denied and whom to turn to.

No value of theirs is in it: it names the request by its id, and whoever sends it knows where to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, Protocol, get_args
from uuid import UUID

from application.recorded import Caller
from application.requests.privacy_requests import PrivacyRequests, ShownRequest
from application.setup.tenancy import TENANTS
from domain.authorities import recourse_of
from domain.errors import InvalidState
from domain.privacy_request_codes import DenialCode, Right
from domain.privacy_request_state import PrivacyRequest
from domain.values import instant_text, public_id

LetterKind = Literal["acknowledgement", "extension", "answer", "denial"]
LETTER_KINDS: Final[tuple[LetterKind, ...]] = get_args(LetterKind)
RIGHT_WORDS: Final[Mapping[Right, str]] = MappingProxyType(
    {
        "access": "access to personal data",
        "portability": "a copy of personal data to take along",
        "correction": "the correction of personal data",
        "erasure": "the erasure of personal data",
        "restriction": "the restriction of the use of personal data",
        "objection": "an objection to the use of personal data",
        "opt_out": "an opt-out of marketing, and of the sale and sharing of personal data",
        "account_cancellation": "the cancellation of an account",
        "shine_the_light": "the list of third parties given data for their direct marketing",
        "accounting": "an accounting of disclosures",
    }
)
CODE_WORDS: Final[Mapping[DenialCode, str]] = MappingProxyType(
    {
        "not_verifiable": "it could not be established who asks",
        "not_a_consumer": "the law gives this right to others",
        "not_ours_forwarded": "the data is processed for another business, to which the request was forwarded",
        "legal_hold": "the data has to be kept for legal proceedings",
        "gdpr_12_5_unfounded": "the request is manifestly unfounded (GDPR Art. 12(5))",
        "gdpr_12_5_excessive": "the request is excessive (GDPR Art. 12(5))",
        "gdpr_12_6_identity": "doubts of identity remain (GDPR Art. 12(2), (6))",
        "gdpr_15_4_third_party_rights": "it would adversely affect others (GDPR Art. 15(4))",
        "ccpa_145_exempt": "the law exempts it (Cal. Civ. Code 1798.145)",
        "gdpr_17_3_a_expression": "freedom of expression and information (GDPR Art. 17(3)(a))",
        "gdpr_17_3_b_legal_obligation": "a legal obligation or public task (GDPR Art. 17(3)(b))",
        "gdpr_17_3_c_public_health": "public health (GDPR Art. 17(3)(c))",
        "gdpr_17_3_d_archiving": "archiving, research or statistics (GDPR Art. 17(3)(d))",
        "gdpr_17_3_e_legal_claims": "legal claims (GDPR Art. 17(3)(e))",
        "ccpa_105_d_1_transaction": "a transaction or contract (Cal. Civ. Code 1798.105(d)(1))",
        "ccpa_105_d_2_security": "security and integrity (Cal. Civ. Code 1798.105(d)(2))",
        "ccpa_105_d_3_debugging": "repairing errors (Cal. Civ. Code 1798.105(d)(3))",
        "ccpa_105_d_4_speech": "free speech (Cal. Civ. Code 1798.105(d)(4))",
        "ccpa_105_d_5_calecpa": "the Electronic Communications Privacy Act (Cal. Civ. Code 1798.105(d)(5))",
        "ccpa_105_d_6_research": "research in the public interest (Cal. Civ. Code 1798.105(d)(6))",
        "ccpa_105_d_7_internal_use": "internal uses that are expected (Cal. Civ. Code 1798.105(d)(7))",
        "ccpa_105_d_8_legal_obligation": "a legal obligation (Cal. Civ. Code 1798.105(d)(8))",
    }
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter: its title, then paragraphs; `at` is the last thing it tells of, UTC."""

    request: UUID
    at: datetime
    kind: LetterKind
    title: str
    paragraphs: tuple[str, ...]

    def text(self) -> str:
        """As plain text."""
        return "\n\n".join((self.title, *self.paragraphs)) + "\n"


class LetterPress(Protocol):
    """Sets letters."""

    def pdf(self, letter: Letter) -> bytes:
        """The letter as PDF. Refuses: Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes the letters of requests."""

    requests: PrivacyRequests
    press: LetterPress

    def letter(self, id: UUID, kind: LetterKind | None, by: Caller) -> Letter:
        """The letter of a kind; without one, that of the last step that is told of.

        Refuses: NotPermitted, NotFound, InvalidState (what it tells of has not been).
        """
        shown = self.requests.request(id, by)
        possible = _kinds(shown.state)
        chosen = kind or possible[-1]
        if chosen not in possible:
            raise InvalidState("What this letter tells of has not been decided")
        entry = self.requests.steps.book.entry(by.tenant, "tenant", by.tenant)
        name = "" if entry is None else TENANTS.state_of(entry).name
        return write(shown, chosen, name)


def write(shown: ShownRequest, kind: LetterKind, business: str) -> Letter:
    """The letter of a kind about a request as it stands."""
    state = shown.state
    named = public_id("privacy_request", state.id)
    asked = "; ".join(RIGHT_WORDS[one] for one in state.terms.rights)
    first = f"Your request {named}, received on {instant_text(state.terms.received_at)}, asks for: {asked}."
    bodies: dict[LetterKind, Sequence[str]] = {
        "acknowledgement": _acknowledgement(shown),
        "extension": _extension(shown),
        "answer": _answer(state),
        "denial": _denial(state),
    }
    titles: dict[LetterKind, str] = {
        "acknowledgement": "We have received your request",
        "extension": "Your request takes longer",
        "answer": "What was done on your request",
        "denial": "Why your request is denied, in whole or in part",
    }
    at = max([state.terms.received_at, *(one.at for one in state.moments)])
    return Letter(
        state.id, at, kind, titles[kind], (first, *bodies[kind], business or "The business")
    )


def _kinds(state: PrivacyRequest) -> tuple[LetterKind, ...]:
    answered = any(one.outcome in ("fulfilled", "partially_fulfilled") for one in state.rights)
    return (
        "acknowledgement",
        *(("extension",) if state.extended else ()),
        *(("answer",) if answered else ()),
        *(("denial",) if state.is_denied else ()),
    )


def _acknowledgement(shown: ShownRequest) -> Sequence[str]:
    found = [_due(shown)]
    if shown.state.needs_no_identity:
        found.append("You need not show who you are.")
    else:
        found.append(
            "Before we answer we compare what you tell us with what we hold, and ask for no more than that takes."
        )
    return found


def _extension(shown: ShownRequest) -> Sequence[str]:
    return (
        "We need more time for it, because of its complexity or of the number of requests.",
        _due(shown),
        *_recourse(shown.state),
    )


def _answer(state: PrivacyRequest) -> Sequence[str]:
    done = [
        RIGHT_WORDS[one.right]
        for one in state.rights
        if one.outcome in ("fulfilled", "partially_fulfilled")
    ]
    return ("This was done: " + "; ".join(done) + ".",)


def _denial(state: PrivacyRequest) -> Sequence[str]:
    lines = [
        f"Denied: {RIGHT_WORDS[one.right]}, {_part(part.retention_class)}: {CODE_WORDS[part.reason_code]}."
        for one in state.rights
        for part in one.denied
    ]
    appeal = "You may appeal: answer this letter within 90 days, and we look at it again."
    return (*lines, appeal, *_recourse(state))


def _part(retention_class: str | None) -> str:
    return "as a whole" if retention_class is None else f"data kept as {retention_class}"


def _recourse(state: PrivacyRequest) -> Sequence[str]:
    found = recourse_of(state.terms.jurisdiction, state.terms.place.country)
    return (f"You may complain to: {found.authority}.", *found.others)


def _due(shown: ShownRequest) -> str:
    due = [
        one.verdict.due_on
        for one in shown.clocks
        if one.verdict.state in ("running", "paused")
        and one.verdict.rule.endswith(("answer", "opt_out"))
    ]
    if not due:
        return "We answer without undue delay."
    return f"You can expect our answer by {max(due).isoformat()} at the latest."
