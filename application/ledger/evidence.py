"""Evidence: what the ledger holds about one subject, all of it, with the proof that it is all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.ledger.reading import AUDITORS
from application.ledger.records import LedgerRecords
from application.ledger.witnessing import Witnessing
from application.permissions import require
from application.recorded import Caller
from domain.errors import Behind, NotFound
from domain.ledger import EvidenceIssued


@dataclass(frozen=True, slots=True)
class EvidenceBundle:
    """The bundle of docs/ledger.md, as a zip: `count` events, complete up to the leaves below `covers`."""

    covers: int
    count: int
    data: bytes


class Evidence(Protocol):
    """Makes evidence from the stored ledger of the bound tenant."""

    def bundle(self, tenant: UUID, subject: UUID) -> EvidenceBundle:
        """The evidence about a subject, fresh: everything that has its place now is covered.

        Has a map drawn where the last one is older, and waits for it a few seconds. A tag that nothing is about gets
        the proof of just that. Raises Behind (no map in time), LedgerDamaged, Unavailable (the signer is away).
        """
        ...


@dataclass(frozen=True, slots=True)
class EvidenceReads:
    """Evidence for whoever may ask for it."""

    evidence: Evidence
    records: LedgerRecords
    witnessing: Witnessing

    def about(self, subject: UUID, by: Caller, *, absent: bool = False) -> EvidenceBundle:
        """The evidence about a subject; that it was taken is recorded before it is handed out.

        `absent` takes the proof that nothing is about them for an answer. Of that nothing is recorded: the record would
        be the first thing about them.
        Refuses: NotPermitted, Unwitnessed, Behind, LedgerDamaged, Unavailable, NotFound (nothing is, unless `absent`).
        """
        require(by, *AUDITORS)
        self.witnessing.require_witnessed(by.tenant)
        found = self.evidence.bundle(by.tenant, subject)
        if not found.count and self.records.store.read(by.tenant, subject):
            raise Behind("Their first event waits for its place", retry_after_seconds=1)
        if not found.count and not absent:
            raise NotFound("Nothing in this ledger is about them")
        if found.count:
            self.records.record_copy(by, EvidenceIssued(subject, found.covers))
        return found
