"""The port `ReportPress`: renders, signs, and keeps the checkpoint that a report rests on.

The signature is that of a bundle's manifest (docs/ledger.md, "Bundles") which lists one file:
`{"files": {"<name>.<format>": "<base64 SHA-256>"}, "kind": "report", "origin": ..., "v": 1}`. Of JSON, the file is the
document without its `signature`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from application.ledger.reading import Checkpoint
from application.reports.report import Rendered, Report
from domain.errors import Unavailable
from domain.report import ReportFormat
from infrastructure.canonical import b64, canonical, sha256
from infrastructure.database import Database
from infrastructure.ledger.publishing.origins import Origins
from infrastructure.reports import as_csv, as_json, as_jsonld, as_pdf

KEEP_TRIES_MAX: Final = 20
MEDIA: Final[dict[ReportFormat, str]] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
    "jsonld": "application/ld+json",
}
RENDERINGS: Final[dict[ReportFormat, Callable[[Report], bytes]]] = {
    "json": as_json.unsigned,
    "csv": as_csv.rendered,
    "pdf": as_pdf.rendered,
    "jsonld": as_jsonld.rendered,
}
KEEP_LAST: Final = (
    "UPDATE ledger_checkpoint SET kept = coalesce(kept, 'report') WHERE tenant_id = %b"
    " AND size = (SELECT max(size) FROM ledger_checkpoint WHERE tenant_id = %b)"
    " RETURNING size, root, note, signed_at"
)
KEPT: Final = (
    "UPDATE ledger_checkpoint SET kept = coalesce(kept, 'report') WHERE tenant_id = %b AND size = %b::bigint"
    " RETURNING size, root, note, signed_at"
)
ANY_SIGNED: Final = "SELECT true FROM ledger_checkpoint WHERE tenant_id = %b LIMIT 1"
Attest = Callable[[str, bytes], str]


class Attests(Protocol):
    """The signer, wherever it runs."""

    def attest(self, origin: str, manifest: bytes) -> str:
        """Sign a manifest. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class PostgresReportPress:
    """See the port. Reads with the connections of the app, behind the wall."""

    database: Database
    signer: Attests

    def checkpoint(self, tenant: UUID, position: int | None) -> Checkpoint | None:
        """See the port."""
        if position is not None:
            row = self.database.row(KEPT, (tenant, position + 1))
            return Checkpoint(*row) if row is not None else None
        for _ in range(KEEP_TRIES_MAX):
            row = self.database.row(KEEP_LAST, (tenant, tenant))
            if row is not None:
                return Checkpoint(*row)
            # The last one was replaced between being found and being kept; or there is none.
            if self.database.row(ANY_SIGNED, (tenant,)) is None:
                return None
        raise Unavailable("Checkpoints follow each other too fast", retry_after_seconds=1)

    def render(self, tenant: UUID, report: Report, format: ReportFormat) -> Rendered:
        """See the port."""
        origin = Origins(self.database).of([tenant])[tenant]
        return render(report, format, origin, self.signer.attest)


def render(report: Report, format: ReportFormat, origin: str, attest: Attest) -> Rendered:
    """A report in a format, signed by the log of that origin."""
    body = RENDERINGS[format](report)
    note = attest(origin, manifest(f"{report.kind.name}.{format}", body, origin))
    whole = as_json.signed(body, note) if format == "json" else body
    return Rendered(format, MEDIA[format], whole, b64(sha256(whole)), note)


def manifest(name: str, body: bytes, origin: str) -> bytes:
    """What is signed of a report."""
    files = {name: b64(sha256(body))}
    return canonical({"v": 1, "kind": "report", "origin": origin, "files": files})
