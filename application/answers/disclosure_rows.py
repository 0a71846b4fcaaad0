"""What disclosure events make of the rows that "who did we share with?" is answered from.

Every event of a disclosure becomes a step that says how the disclosure stands after it. As of an instant, or of a
position of the ledger, it stands as its last step until then says: nothing is kept that is right only now.
An outcome that nobody knows counts as shared; what was refused, or failed with nobody having it, does not.
*Source*: README D6, D10, D12; domain/disclosure.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Final, Literal
from uuid import UUID

from application.recorded import Recorded
from domain import disclosure, recipient
from domain.disclosure import (
    DisclosureAcknowledged,
    DisclosureAttempted,
    DisclosureDelivered,
    DisclosureFailed,
    DisclosureOpened,
    DisclosureRecorded,
    DisclosureRefused,
    DisclosureSharedOnward,
    DisclosureWithheld,
    SubjectShared,
)
from domain.recipient import ContractEnded, RecipientRegistered, RecipientRevised
from domain.recipient_terms import RecipientTerms

Detail = Mapping[str, str | int | bool | None]
Happened = Literal[
    "recorded",
    "attempted",
    "delivered",
    "failed",
    "refused",
    "acknowledged",
    "shared_onward",
    "withheld",
    "opened",
]
DISCLOSURE_EVENTS: Final = disclosure.DECISIONS
RECIPIENT_EVENTS: Final = recipient.DECISIONS
MARKETING: Final = "marketing"


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """A recipient's terms as one version of them says; `position` and `at` are those of its event."""

    recipient: UUID
    version: int
    event: UUID
    position: int
    at: datetime
    active: bool
    legal_name: str
    address: str
    country: str
    kind: str
    role: str
    business_nature: str | None
    permitted_purposes: tuple[str, ...]
    contract_ref: str
    contract_from: date
    contract_to: date | None
    transfer_mechanism: str | None
    own_use: bool


@dataclass(frozen=True, slots=True)
class DisclosureRow:
    """A disclosure, or a refusal, as it was recorded: what never changes of it.

    `recipient` and `recipient_version` are None where it was refused because nobody knew the recipient. `from_` and
    `to` bound the visits it speaks of. `refused_for` is the reason of a refusal of something that never was recorded.
    """

    disclosure: UUID
    event: UUID
    position: int
    at: datetime
    actor: str
    case: str | None
    policy_version: str | None
    recipient: UUID | None
    recipient_version: int | None
    country: str | None
    purpose: str | None
    fields: tuple[str, ...]
    count: int
    lawful_basis: str | None = None
    legal_trigger: str | None = None
    citation: str | None = None
    legal_process: UUID | None = None
    franchise_request: UUID | None = None
    from_: datetime | None = None
    to: datetime | None = None
    locations: tuple[UUID, ...] = ()
    our_role: str | None = None
    transfer: str | None = None
    channel: str | None = None
    refused_for: str | None = None

    @property
    def marketing(self) -> bool:
        """True where the purpose is marketing, whoever's."""
        return (self.purpose or "").startswith(MARKETING)


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a disclosure, and how the disclosure stands after it.

    `shared` says that the recipient has it or may have it. Until `opens_at` it is withheld; None for one that is not.
    """

    disclosure: UUID
    event: UUID
    position: int
    at: datetime
    happened: Happened
    outcome: str
    shared: bool
    opens_at: datetime | None
    detail: Detail

    def settles(self, before: Step | None) -> bool:
        """True when this changes what totals are made of."""
        return before is None or (before.shared, before.opens_at) != (self.shared, self.opens_at)


@dataclass(frozen=True, slots=True)
class SharedRow:
    """One person among those a disclosure is about.

    `listed` is how the event names them: a tag, under a gag, and then `subject` is the person once that is known.
    """

    disclosure: UUID
    listed: UUID
    subject: UUID
    consent: UUID | None
    consent_at_send: str


def recipient_after(
    before: RecipientRow | None, event: Recorded[object], position: int
) -> RecipientRow:
    """A recipient's row after one more of its events."""
    decision = event.decision
    place = (event.version, event.event_id, position, event.occurred_at)
    if isinstance(decision, RecipientRegistered):
        return _recipient(decision.recipient, place, decision.terms)
    assert before is not None, "a recipient is registered first"
    if isinstance(decision, RecipientRevised):
        return _recipient(before.recipient, place, decision.terms)
    version, event_id, position, at = place
    following = replace(before, version=version, event=event_id, position=position, at=at)
    if isinstance(decision, ContractEnded):
        return replace(following, active=False, contract_to=decision.on)
    return following


def _recipient(
    id: UUID, place: tuple[int, UUID, int, datetime], terms: RecipientTerms
) -> RecipientRow:
    return RecipientRow(
        id,
        *place,
        active=True,
        legal_name=terms.legal_name,
        address=terms.address,
        country=terms.country,
        kind=terms.kind,
        role=terms.role,
        business_nature=terms.business_nature,
        permitted_purposes=tuple(terms.permitted_purposes),
        contract_ref=terms.contract_ref,
        contract_from=terms.contract_from,
        contract_to=terms.contract_to,
        transfer_mechanism=terms.transfer_mechanism,
        own_use=terms.own_use,
    )


def disclosure_of(event: Recorded[object]) -> UUID:
    """Which disclosure an event is about. Most are in its stream; a link that opens one names it."""
    decision = event.decision
    named = (DisclosureRecorded, DisclosureRefused, DisclosureWithheld, DisclosureOpened)
    return decision.disclosure if isinstance(decision, named) else event.stream


def begins(event: Recorded[object], before: Step | None) -> bool:
    """True for the event that makes a disclosure's row: it was recorded, or refused before it ever was."""
    refused = isinstance(event.decision, DisclosureRefused) and before is None
    return refused or isinstance(event.decision, DisclosureRecorded)


def row_of(
    event: Recorded[object], position: int, terms: RecipientRow | None
) -> tuple[DisclosureRow, tuple[SharedRow, ...]]:
    """The row that an event which `begins` makes, and those of the persons in it.

    `terms` are the recipient's, of the version that the event names; of a refusal, those of the moment.
    """
    it = event.decision
    assert isinstance(it, DisclosureRecorded | DisclosureRefused)
    make = partial(
        DisclosureRow,
        disclosure=it.disclosure,
        event=event.event_id,
        position=position,
        at=event.occurred_at,
        actor=event.actor,
        case=event.case,
        policy_version=event.policy_version,
        recipient=it.recipient,
        country=terms.country if terms else None,
        purpose=it.purpose,
        count=it.count,
    )
    if isinstance(it, DisclosureRefused):
        version = terms.version if terms else None
        row = make(recipient_version=version, fields=it.fields, refused_for=it.reason)
    else:
        row = make(
            recipient_version=it.recipient_version,
            fields=it.scope.fields,
            lawful_basis=it.ground.lawful_basis,
            legal_trigger=it.ground.legal_trigger,
            citation=it.ground.citation,
            legal_process=it.ground.legal_process,
            franchise_request=it.ground.franchise_request,
            from_=it.scope.from_,
            to=it.scope.to,
            locations=it.scope.locations,
            our_role=it.our_role,
            transfer=it.transfer,
            channel=it.channel,
        )
    return row, _shared(it.disclosure, it.subjects)


def _shared(id: UUID, subjects: tuple[SubjectShared, ...]) -> tuple[SharedRow, ...]:
    once = {one.subject: one for one in subjects}
    return tuple(
        SharedRow(id, one.subject, one.subject, one.consent, one.consent_at_send)
        for one in once.values()
    )


def step_after(before: Step | None, event: Recorded[object], position: int) -> Step:
    """How a disclosure stands after one more of its events; `before` is None for the first."""
    happened, detail = _told(event.decision)
    return Step(
        disclosure_of(event),
        event.event_id,
        position,
        event.occurred_at,
        happened,
        *_standing_after(before, event),
        detail,
    )


def _standing_after(
    before: Step | None, event: Recorded[object]
) -> tuple[str, bool, datetime | None]:
    """Outcome, whether it is shared, and when it opens."""
    it = event.decision
    outcome, shared, opens_at = "queued", False, None
    if before is not None:
        outcome, shared, opens_at = before.outcome, before.shared, before.opens_at
    match it:
        case DisclosureRecorded():
            return outcome, shared, it.withheld_until
        case DisclosureAttempted():
            # From here on it may have left, whatever word comes of it, or none.
            return outcome, True, opens_at
        case DisclosureDelivered():
            return "delivered", True, opens_at
        case DisclosureFailed():
            # Not handed over by this attempt; a doubt that an earlier one left stays.
            unknown = outcome == "unknown" or it.shared == "unknown"
            return ("unknown" if unknown else "failed"), unknown, opens_at
        case DisclosureRefused():
            unknown = outcome == "unknown"
            return ("unknown" if unknown else "refused"), unknown, opens_at
        case DisclosureWithheld():
            return outcome, shared, it.until
        case DisclosureOpened():
            return outcome, shared, min(event.occurred_at, opens_at or event.occurred_at)
        case _:
            return outcome, shared, opens_at


def _told(it: object) -> tuple[Happened, Detail]:
    """What an event says beyond how the disclosure stands."""
    match it:
        case DisclosureRecorded():
            return "recorded", {}
        case DisclosureAttempted():
            return "attempted", {"attempt": it.attempt}
        case DisclosureDelivered():
            return "delivered", {"attempt": it.attempt, "status": it.status}
        case DisclosureFailed():
            told: Detail = {"attempt": it.attempt, "reason": it.reason, "status": it.status}
            return "failed", told
        case DisclosureRefused():
            return "refused", {"attempt": it.attempt, "reason": it.reason}
        case DisclosureAcknowledged():
            answer: Detail = {
                "about": it.about,
                "outcome": it.outcome,
                "signed": it.signature is not None,
                "verified": it.verified,
            }
            return "acknowledged", answer
        case DisclosureSharedOnward():
            to: Detail = {
                "legal_name": it.legal_name,
                "country": it.country,
                "purpose": it.purpose,
            }
            return "shared_onward", to
        case DisclosureWithheld():
            return "withheld", {}
        case DisclosureOpened():
            return "opened", {}
        case _:
            raise AssertionError("no event of a disclosure")
