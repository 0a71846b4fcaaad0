"""Consents: what people said to purposes and to choices beside them, recorded, asked for, and expired.

What stands is read from the person's own stream: a withdrawal counts with the next question, on every process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, cast
from uuid import UUID

from application.consent_log import consent_stream, records_of
from application.consents.receipts import Issuer, receipt_document
from application.consents.signals import signal_events
from application.execute import Plan, Scribe, carry_out
from application.people_known import Erasures, require_living
from application.permissions import require
from application.policy.policies import PRIVACY_READERS, PRIVACY_WRITERS, PoliciesInForce
from application.ports import Append, Book, Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from application.setup.tenancy import TENANTS
from domain import consent, consent_rules
from domain.consent import (
    Channel,
    ConsentRejected,
    Method,
    NoticeShown,
    Saying,
    record_of,
    standing_now,
)
from domain.consent_rules import Accepted, Said
from domain.errors import ConsentRejected as Rejected
from domain.errors import NotFound
from domain.policy_version import PolicyVersion
from domain.values import Personal


@dataclass(frozen=True, slots=True)
class ConsentState:
    """What stands for one person and purpose now; `valid` only for a consent that counts and has not expired."""

    id: UUID
    decision: Literal["given", "refused", "withdrawn", "expired"]
    valid: bool
    since: datetime
    event: UUID


class ConsentStates(Protocol):
    """What stands now. Always current: never a read model."""

    def at(self, tenant: UUID, subject: UUID, purpose: str) -> ConsentState | None:
        """What the person said last to a purpose, or a choice; None where they said nothing."""
        ...


class ReceiptSigner(Protocol):
    """Signs receipts as made by a tenant's log."""

    def sign(self, tenant: UUID, document: Mapping[str, object]) -> str | None:
        """A signed note over the canonical JSON of a document; None while nobody can sign."""
        ...


@dataclass(frozen=True, slots=True)
class Say:
    """What a person says, as it comes in; `version` names the policy version that was shown."""

    subject: UUID
    purpose: str
    decision: Saying
    method: Method
    version: str | None = None
    channel: Channel = "api"
    given_at: datetime | None = None
    expires_at: datetime | None = None
    evidence: Mapping[str, Personal] | None = None


@dataclass(frozen=True, slots=True)
class RecordedConsent:
    """A consent record, its event, and the receipt for the person."""

    consent: UUID
    subject: UUID
    event: UUID
    receipt: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StreamConsentStates:
    """See `ConsentStates`: folded from the person's stream at each question."""

    store: EventStore
    clock: Clock

    def at(self, tenant: UUID, subject: UUID, purpose: str) -> ConsentState | None:
        """See the port."""
        events = self.store.read(tenant, consent_stream(subject))
        records = records_of(events)
        standing = standing_now(records, purpose, self.clock.now())
        if standing is None:
            return None
        record = standing.record
        (event,) = (one.event_id for one in events if _is_of(one, record.consent))
        return ConsentState(
            record.consent, standing.decision, standing.valid, standing.since, event
        )


@dataclass(frozen=True, slots=True)
class Consents:
    """Records what people say."""

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids
    policies: PoliciesInForce
    erasures: Erasures
    signer: ReceiptSigner

    def record(self, command: Say, by: Caller) -> RecordedConsent:
        """Record what a person says; durable on return, and in force with the next question.

        Refuses: NotPermitted, NotFound (the person), Erased, Unacceptable (fields), ConsentRejected (`reason`; that
        it came in is on record, and nothing is changed).
        """
        require(by, *PRIVACY_WRITERS)
        require_living(self.store, self.erasures, by.tenant, command.subject)
        id = self.ids.uuid()
        shown = command.version and self.policies.find(by.tenant, command.version)
        said = _said(id, command, shown or None)
        outcome = carry_out(self.store, lambda: self._recording(said, shown or None, by))
        if isinstance(outcome, ConsentRejected):
            raise Rejected(f"It was not accepted: {outcome.reason}", reason=outcome.reason)
        return outcome

    def _recording(
        self, said: Said, shown: PolicyVersion | None, by: Caller
    ) -> Plan[RecordedConsent | ConsentRejected]:
        scribe = Scribe.begin(by, self.clock, self.ids)
        stream = consent_stream(said.subject)
        known = self.store.read(by.tenant, stream)
        records = records_of(known)
        decision = consent_rules.decide(records, said, scribe.at)
        event = scribe.record(stream, len(known) + 1, decision)
        if isinstance(decision, ConsentRejected):
            return Plan(Append(by.tenant, scribe.at, (event,)), decision)
        made = record_of(decision)
        assert made is not None, "what was accepted is a record"
        signalled = signal_events(
            self.store, scribe, said.subject, [*records, made], event.version + 1
        )
        receipt = self._receipt(by.tenant, decision, shown, event)
        result = RecordedConsent(decision.consent, said.subject, event.event_id, receipt)
        append = Append(
            by.tenant,
            scribe.at,
            (event, *signalled),
            ticket=by.ticket,
            answer=scribe.answer(result),
        )
        return Plan(append, result)

    def receipt(self, subject: UUID, id: UUID, by: Caller) -> Mapping[str, object]:
        """The receipt of a consent record, made again from its event: the same, signed anew.

        Refuses: NotPermitted, NotFound (the person, the record).
        """
        require(by, *PRIVACY_READERS)
        for event in self.store.read(by.tenant, consent_stream(subject)):
            if _is_of(event, id) and isinstance(event.decision, Accepted):
                notice = event.decision.notice
                shown = notice and self.policies.find(by.tenant, notice.version)
                return self._receipt(by.tenant, event.decision, shown or None, event)
        raise NotFound()

    def _receipt(
        self,
        tenant: UUID,
        decision: Accepted,
        shown: PolicyVersion | None,
        event: Recorded[object],
    ) -> Mapping[str, object]:
        entry = self.book.entry(tenant, "tenant", tenant)
        name = None if entry is None else TENANTS.state_of(entry).name
        issuer = Issuer(tenant, name, None if shown is None else shown.controller)
        document = receipt_document(issuer, decision, event.event_id, event.occurred_at)
        note = self.signer.sign(tenant, document)
        return document if note is None else {**document, "daybook:proof": {"daybook:note": note}}


def _is_of(event: Recorded[object], id: UUID) -> bool:
    decision = event.decision
    return isinstance(decision, consent.DECISIONS) and decision.consent == id


def _said(id: UUID, command: Say, shown: PolicyVersion | None) -> Said:
    notice = shown and NoticeShown(
        shown.id, shown.label, shown.sha256, shown.language, shown.effective_from
    )
    return Said(
        consent=id,
        subject=command.subject,
        purpose=command.purpose,
        decision=command.decision,
        method=command.method,
        channel=command.channel,
        notice=cast("NoticeShown | None", notice),
        named=command.version is not None,
        at=command.given_at,
        expires_at=command.expires_at,
        evidence=command.evidence,
    )
