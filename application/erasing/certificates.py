"""Certificates of erasure: made from the events, logged by their digest, and handed out with the proof of all of it.

A certificate that says something new is a new certificate, with an id of its own. Asked for again while nothing has
happened, it is the same one. The code that only the person is given leaves once, with the first answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from application.disclosing.follow_ups import HandedTo
from application.erasing.certificate import Document, Facts, document
from application.erasing.ordering import ERASURES
from application.erasing.recipients_told import told_of
from application.execute import Scribe
from application.ledger.records import LedgerRecords
from application.ledger.witnessing import Witnessing
from application.permissions import require
from application.ports import Book, Clock, EventStore, Ids, Outcome
from application.recorded import Caller, Recorded
from application.setup.register import append_of
from domain import erasure
from domain.access_key import Role
from domain.erasure import Erasure, ErasureCertified, ErasureOrdered
from domain.errors import InvalidState, NotFound, Stale
from domain.ledger import EvidenceIssued

READERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner", "auditor")
CertificateFormat = Literal["json", "pdf", "zip"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in one format. `code` is the person's, in hexadecimal; None unless this made the certificate."""

    id: UUID
    format: CertificateFormat
    media_type: str
    data: bytes
    code: str | None


@dataclass(frozen=True, slots=True)
class Pressed:
    """A certificate's bytes; `covers` says up to which leaf its proof goes, None where it has none in it."""

    media_type: str
    data: bytes
    covers: int | None


class CertificatePress(Protocol):
    """Renders certificates, and joins the proof to them."""

    def body(self, said: Mapping[str, object]) -> bytes:
        """The one form of a document whose digest is logged: canonical JSON."""
        ...

    def digest(self, data: bytes) -> str:
        """SHA-256, base64."""
        ...

    def render(
        self,
        tenant: UUID,
        subject: UUID,
        body: bytes,
        format: CertificateFormat,
        code: str | None,
    ) -> Pressed:
        """The bytes, with the subject's whole history and its proof, signed. `code` goes beside it, into JSON alone.

        JSON and zip hold the proof; a PDF names where it is. Everything that has its place now is covered.
        Refuses: Behind (the proof is not drawn yet), LedgerDamaged, Unavailable (the signer is away).
        """
        ...


class Requests(Protocol):
    """Which request asked for an erasure, and whether it was answered in time."""

    def verdict(self, tenant: UUID, request: UUID) -> Document | None:
        """The request's id, type, dates, and its clocks with their rules and states; None when there is none."""
        ...


class NoRequests:
    """See `Requests`: nobody asked."""

    def verdict(self, tenant: UUID, request: UUID) -> Document | None:  # noqa: ARG002
        """See the port."""
        return None


@dataclass(frozen=True, slots=True)
class Certificates:
    """Certificates for whoever may ask for them."""

    store: EventStore
    book: Book
    handed: HandedTo
    requests: Requests
    press: CertificatePress
    witnessing: Witnessing
    records: LedgerRecords
    clock: Clock
    ids: Ids

    def certificate(self, id: UUID, format: CertificateFormat, by: Caller) -> Certificate:
        """The certificate of the erasure `id` as it stands; it, and that its proof was taken, are recorded before.

        Refuses: NotPermitted, Unwitnessed, NotFound, InvalidState (nothing is destroyed for good yet), Stale, Behind,
        LedgerDamaged, Unavailable.
        """
        require(by, *READERS)
        self.witnessing.require_witnessed(by.tenant)
        events, state = self._erasure(by.tenant, id)
        if not state.complete:
            raise InvalidState(
                "Nothing is destroyed for good yet: wait until older copies are dead"
            )
        made, body, code = self._made(events, state, by)
        subject = state.ordered.subject
        pressed = self.press.render(by.tenant, subject, body, format, code)
        if pressed.covers is not None:
            self.records.record_copy(by, EvidenceIssued(subject, pressed.covers))
        return Certificate(made.certificate, format, pressed.media_type, pressed.data, code)

    def _erasure(self, tenant: UUID, id: UUID) -> tuple[tuple[Recorded[Any], ...], Erasure]:
        events = self.store.read(tenant, id)
        if not events or not isinstance(events[0].decision, ErasureOrdered):
            raise NotFound()
        state: Erasure | None = None
        for event in events:
            state = erasure.evolve(state, event.decision)  # type: ignore[arg-type]
        assert state is not None
        return events, state

    def _made(
        self, events: tuple[Recorded[Any], ...], state: Erasure, by: Caller
    ) -> tuple[ErasureCertified, bytes, str | None]:
        """The last certificate where it still says all there is; else a new one, recorded."""
        facts = self._facts(by.tenant, events, state)
        last = next((it.decision for it in reversed(events) if _is_certified(it)), None)
        if last is not None:
            body = self.press.body(document(last.certificate, last.code_sha256, facts))
            if self.press.digest(body) == last.body_sha256:
                return last, body, None
        id, code = self.ids.uuid(), self.ids.secret()
        code_sha256 = self.press.digest(code)
        body = self.press.body(document(id, code_sha256, facts))
        subject, version = state.ordered.subject, state.version
        decision = ErasureCertified(id, subject, version, self.press.digest(body), code_sha256)
        scribe = Scribe.begin(replace(by, ticket=None), self.clock, self.ids)
        entry, standing = ERASURES.find(self.book, by.tenant, state.id)
        written = ERASURES.write(scribe, state.id, (decision,), entry)
        append = append_of(scribe, (written,), None)
        if standing.version != version or self.store.append(append) is not Outcome.APPENDED:
            raise Stale("The erasure has moved on meanwhile", retry_after_seconds=1)
        return decision, body, code.hex()

    def _facts(self, tenant: UUID, events: tuple[Recorded[Any], ...], state: Erasure) -> Facts:
        request = state.ordered.request
        verdict = None if request is None else self.requests.verdict(tenant, request)
        own = tuple(event for event in events if not _is_certified(event))
        told = told_of(self.store, self.book, self.handed, own, state.ordered.subject)
        return Facts(state, own, told, verdict)


def _is_certified(event: Recorded[Any]) -> bool:
    return isinstance(event.decision, ErasureCertified)
