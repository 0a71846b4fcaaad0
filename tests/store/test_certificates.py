"""A certificate of erasure from a real ledger and real keys, checked by the verifier; and the person opens nowhere."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pypdf
import pytest

from application.custody.custody_log import custody_stream
from application.erasing.certificates import (
    Certificate,
    CertificateFormat,
    Certificates,
    NoRequests,
)
from application.erasing.eraser import Eraser
from application.erasing.ordering import ErasureOrders, NoGaggedHolds, NothingKept, Wish
from application.ledger.evidence import EvidenceBundle
from application.ledger.records import LedgerRecords
from application.ledger.witnessing import Witnessing
from application.recorded import Caller
from domain.custody import CustodyFreed, CustodyPinned
from domain.errors import InvalidState, NotFound, NotPermitted
from domain.sealing import Envelope
from domain.subject import SubjectRegistered
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.mirrored import CheckpointMirrored
from infrastructure.ledger.subjects.evidence import PostgresEvidence
from infrastructure.ledger.witnesses.witness_store import PostgresWitnessRecords
from infrastructure.reports.certificate_press import LedgerCertificatePress
from infrastructure.store.open_erasures import PostgresOpenErasures
from infrastructure.wall import bound_to
from projections.courier import PostgresCourier
from tests.store.filling import Tenant
from tests.store.ledger_house import LedgerHouse, ledger_house
from tests.store.test_evidence import ROOT, verdict

HOLD = uuid4()


@dataclass
class Settled:
    """Makes evidence of all that is there, as the parts of a running deployment would within a second."""

    house: LedgerHouse

    def made(
        self, tenant: UUID, subject: UUID, kind: str, beside: Mapping[str, bytes]
    ) -> EvidenceBundle:
        self.house.settle(tenant)
        engine = self.house.engine
        source = PostgresEvidence(engine.app, self.house.press.signer.signer, engine.clock)
        return source.made(tenant, subject, kind, beside)


class Office:
    """A business with two customers, an eraser, and certificates."""

    def __init__(self, house: LedgerHouse) -> None:
        self.house, engine = house, house.engine
        self.tenant = Tenant(engine)
        self.ada = self.tenant.register("ada@example.test")
        self.ben = self.tenant.register("ben@example.test")
        self.tenant.book(self.ada, self.tenant.visit(0))
        self.by = Caller(self.tenant.id, "key_officer", frozenset({"privacy_officer"}))
        parts = (engine.clock, engine.ids)
        self.orders = ErasureOrders(
            engine.store, engine.book, NothingKept(), NoGaggedHolds(), *parts
        )
        self.eraser = Eraser(
            engine.store,
            engine.book,
            PostgresOpenErasures(engine.app),
            self.orders,
            CheckpointMirrored(engine.app),
            engine.shredder,
            bound_to,
            *parts,
        )
        self.certificates = Certificates(
            engine.store,
            engine.book,
            PostgresCourier(engine.app),
            NoRequests(),
            LedgerCertificatePress(Settled(house)),
            Witnessing(PostgresWitnessRecords(engine.app, None, engine.clock), engine.clock, 60),
            LedgerRecords(engine.store, *parts),
            *parts,
        )

    def order(self) -> UUID:
        with bound_to(self.tenant.id):
            return self.orders.order(self.by, Wish(self.ada, "request"))

    def erase(self) -> None:
        """What is ordered is mirrored, and carried to its end."""
        self.house.settle(self.tenant.id)
        self.eraser.round([self.tenant.id])

    def custody(self, decision: CustodyPinned | CustodyFreed) -> None:
        stream = custody_stream(self.ada)
        with bound_to(self.tenant.id):
            version = len(self.house.engine.store.read(self.tenant.id, stream)) + 1
        self.tenant.append(self.tenant.event(stream, version, decision))

    def certificate(self, id: UUID, format: CertificateFormat = "json") -> Certificate:
        with bound_to(self.tenant.id):
            return self.certificates.certificate(id, format, self.by)

    def profile(self, subject: UUID) -> Envelope:
        with bound_to(self.tenant.id):
            decision = self.house.engine.store.read(self.tenant.id, subject)[0].decision
        assert isinstance(decision, SubjectRegistered)
        assert isinstance(decision.profile, Envelope)
        return decision.profile

    def opens(self, envelope: Envelope) -> bool:
        with bound_to(self.tenant.id):
            return self.house.engine.vault.open(self.tenant.id, [envelope]) != [None]


@pytest.fixture
def office(own_deployment: Deployment) -> Iterator[Office]:
    with ledger_house(own_deployment) as house:
        yield Office(house)


def verified(office: Office, made: Certificate, folder: Path) -> dict[str, Any]:
    """What the verifier says of a certificate as it was answered."""
    file = folder / f"certificate.{made.format}"
    file.write_bytes(made.data)
    key = office.house.vkey(office.tenant.id)
    command = [sys.executable, str(ROOT / "verifier"), str(file), "--vkey", key, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert done.returncode == 0, done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_person_is_erased_and_everybody_can_check_it(office: Office, tmp_path: Path) -> None:
    house, tenant = office.house, office.tenant
    hers, his = office.profile(office.ada), office.profile(office.ben)
    house.settle(tenant.id)
    old = house.evidence(tenant.id, office.ada)
    id = office.order()
    with pytest.raises(InvalidState):
        office.certificate(id)
    office.erase()
    assert (office.opens(hers), office.opens(his)) == (False, True)
    made = office.certificate(id)
    report = verified(office, made, tmp_path)
    assert (report["kind"], report["destroyed"]) == ("certificate", sorted(report["destroyed"]))
    assert {"profile", "booking"} <= set(report["destroyed"])
    assert (report["keys"], report["not_destroyed"]) == (2, [])
    assert verdict(house, tenant.id, old.data, tmp_path)[0] == 0, "evidence of before still holds"
    for data in (made.data, office.certificate(id, "zip").data):
        assert b"ada@example.test" not in data and b"Example" not in data


def test_it_is_the_same_until_something_happens_and_the_code_comes_once(
    office: Office, tmp_path: Path
) -> None:
    office.custody(CustodyPinned(office.ada, office.ada, HOLD, ("booking",)))
    id = office.order()
    office.erase()
    first = office.certificate(id)
    said = json.loads(first.data)["certificate"]
    assert said["erasure"]["status"] == "partial"
    assert [one["retention_class"] for one in said["deferred"]] == ["booking"]
    assert first.code is not None
    digest = b64decode(said["subject"]["code_sha256"])
    assert digest == hashlib.sha256(bytes.fromhex(first.code)).digest()
    again = office.certificate(id)
    assert (again.id, again.code) == (first.id, None)
    assert json.loads(again.data)["certificate"] == said
    assert verified(office, again, tmp_path)["not_destroyed"] == ["booking"]
    office.custody(CustodyFreed(office.ada, office.ada, HOLD))
    office.erase()
    office.erase()
    later = office.certificate(id)
    assert later.id != first.id
    whole = json.loads(later.data)["certificate"]
    assert (whole["erasure"]["status"], whole["deferred"]) == ("complete", [])
    assert verified(office, later, tmp_path)["not_destroyed"] == []


def test_it_is_a_page_too(office: Office) -> None:
    id = office.order()
    office.erase()
    made = office.certificate(id, "pdf")
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made.data)).pages)
    for words in (
        "Certificate of erasure",
        "profile",
        "Who was told",
        "What remains",
        "SP 800-88r2",
    ):
        assert words in text.replace("\n", " ")
    assert made.media_type == "application/pdf"


def test_who_may_not_have_it_and_what_there_is_none_of(office: Office) -> None:
    with pytest.raises(NotFound):
        office.certificate(uuid4())
    office.by = Caller(office.tenant.id, "key_1", frozenset({"staff"}))
    with pytest.raises(NotPermitted):
        office.certificate(uuid4())
