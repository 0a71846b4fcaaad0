"""The port `CertificatePress`: a certificate as JSON, as a page, and with its proof. docs/ledger.md, "Certificates".

The proof is a bundle of the kind `certificate`: the person's evidence, and beside it `certificate.json`. The JSON
answer holds the certificate for whoever reads it, and the bundle in base64 for whoever checks it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from application.erasing.certificates import CertificateFormat, Pressed
from application.ledger.evidence import EvidenceBundle
from infrastructure.canonical import b64, canonical, parsed, sha256
from infrastructure.reports.as_pdf import shown, typeset

FILE: Final = "certificate.json"
PAGE: Final = "certificate.typ"
PDF_ROWS_MAX: Final = 500


class Proofs(Protocol):
    """Makes bundles of evidence."""

    def made(
        self, tenant: UUID, subject: UUID, kind: str, beside: Mapping[str, bytes]
    ) -> EvidenceBundle:
        """The evidence about a subject, with files beside it. Raises Behind, LedgerDamaged, Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerCertificatePress:
    """See the port."""

    proofs: Proofs

    def body(self, said: Mapping[str, object]) -> bytes:
        """See the port."""
        return canonical(dict(said))

    def digest(self, data: bytes) -> str:
        """See the port."""
        return b64(sha256(data))

    def render(
        self,
        tenant: UUID,
        subject: UUID,
        body: bytes,
        format: CertificateFormat,
        code: str | None,
    ) -> Pressed:
        """See the port."""
        if format == "pdf":
            return Pressed("application/pdf", typeset(PAGE, page_of(body)), None)
        bundle = self.proofs.made(tenant, subject, "certificate", {FILE: body})
        if format == "zip":
            return Pressed("application/zip", bundle.data, bundle.covers)
        proof = b64encode(bundle.data).decode("ascii")
        whole = {"certificate": parsed(body), "code": code, "proof": proof}
        return Pressed("application/json", canonical(whole), bundle.covers)


def page_of(body: bytes) -> dict[str, object]:
    """What `certificate.typ` shows of a certificate: texts alone, and the digest under which it is logged."""
    said: dict[str, Any] = parsed(body)
    told = said["recipients_told"]
    return {
        "date": _date(said["erasure"]["stands_as_of"]),
        "head": [*_head(said), ["SHA-256 in the ledger", b64(sha256(body))]],
        "destroyed": [
            [
                one["retention_class"],
                one["nobody_can_open_since"],
                one["older_copies_dead_since"],
                str(len(one["keys"])),
            ]
            for one in said["destroyed"]
        ],
        "waiting": [[one["retention_class"], one["legal_hold_id"]] for one in said["deferred"]],
        "kept": [_kept(one) for one in said["kept"]],
        "told": [_told(one) for one in told[:PDF_ROWS_MAX]],
        "told_more": max(0, len(told) - PDF_ROWS_MAX),
        "method": [[name.replace("_", " "), text] for name, text in said["method"].items()],
        "remains": said["remains"],
        "verify": said["how_to_verify"],
    }


def _head(said: dict[str, Any]) -> list[list[str]]:
    erasure, subject = said["erasure"], said["subject"]
    return [
        ["Certificate", said["certificate_id"]],
        ["Person (pseudonym)", subject["pseudonym"]],
        ["Digest of the person's code", subject["code_sha256"]],
        ["Erasure", f"{erasure['erasure_id']}, {erasure['status']}"],
        ["Ordered", erasure["ordered_at"]],
        ["Stands as of", erasure["stands_as_of"]],
        *_request(said["request"]),
    ]


def _kept(one: dict[str, Any]) -> list[str]:
    usable = ", ".join(one["usable_for"])
    until = one["until"] or "no date"
    return [one["retention_class"], one["exception"], one["statute"], usable, until]


def _told(one: dict[str, Any]) -> list[str]:
    fields, answer = ", ".join(one["fields"]), one["answer"] or "none yet"
    return [shown(one["legal_name"]), one["country"], fields, one["outcome"], answer]


def _request(request: dict[str, Any] | None) -> list[list[str]]:
    if request is None:
        return []
    clocks = "; ".join(
        f"{one['rule']}: due {one['due_on']}, {one['state']}" for one in request.get("clocks", ())
    )
    return [["Request", f"{request['request_id']}, {request['type']}"], ["In time?", clocks or "-"]]


def _date(instant: str) -> list[int]:
    day, time = instant[:19].split("T")
    return [int(part) for part in (*day.split("-"), *time.split(":"))]
