"""A report as canonical JSON; its signature is added inside, over all the rest."""

from __future__ import annotations

from application.reports.report import Report
from infrastructure.canonical import canonical, parsed
from infrastructure.reports.said import said


def unsigned(report: Report) -> bytes:
    """The bytes that are signed: everything but `signature`."""
    return canonical({**said(report), "rows": list(report.rows)})


def signed(body: bytes, note: str) -> bytes:
    """The same with the signature inside. Taken out again, and written canonically, it is what was signed."""
    return canonical({**parsed(body), "signature": note})
