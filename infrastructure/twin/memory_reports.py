"""The port `ReportPress` in memory: real renderings, signed by the twin's key."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from application.ledger.reading import Checkpoint
from application.reports.report import Rendered, Report
from domain.report import ReportFormat
from infrastructure.canonical import b64, sha256
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signed.notes import sign
from infrastructure.reports.press import render
from infrastructure.twin.memory_ledger import KEY, MemoryLedger


@dataclass(frozen=True, slots=True)
class MemoryReportPress:
    """See the port. Every size was signed for."""

    ledger: MemoryLedger

    def checkpoint(self, tenant: UUID, position: int | None) -> Checkpoint | None:
        """See the port."""
        return self.ledger.checkpoint(tenant, None if position is None else position + 1)

    def render(self, tenant: UUID, report: Report, format: ReportFormat) -> Rendered:
        """See the port."""
        return render(report, format, default(tenant), attest)


def attest(origin: str, manifest: bytes) -> str:
    """Sign a manifest as a log's signer does."""
    return sign(f"daybook/manifest/v1\n{origin}\n{b64(sha256(manifest))}\n", origin, KEY).whole()
