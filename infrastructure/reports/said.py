"""What every rendering of a report says beside its rows: question, parameters, zone, completeness, digest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from application.reports.report import Cell, Report, Row
from domain.values import instant_text
from infrastructure.canonical import b64, canonical, sha256

ZONE: Final = "UTC"


def rows_sha256(rows: Sequence[Row]) -> str:
    """The digest of the rows, the same in every format: SHA-256 over their canonical JSON, base64."""
    return b64(sha256(canonical(list(rows))))


def said(report: Report) -> dict[str, object]:
    """The head of a report, for a document."""
    return {
        "report": report.kind.name,
        "question": report.kind.question,
        "source": report.kind.source,
        "parameters": dict(report.parameters),
        "times": ZONE,
        "as_of": instant_text(report.as_of),
        "complete_to": {
            "position": report.position,
            "checkpoint": {
                "size": report.checkpoint.size,
                "root": b64(report.checkpoint.root),
            },
        },
        "columns": [{"name": one.name, "says": one.says} for one in report.kind.columns],
        "row_count": len(report.rows),
        "rows_sha256": rows_sha256(report.rows),
    }


def lines(report: Report) -> list[tuple[str, str]]:
    """The head of a report, for a table or a page."""
    return [
        ("report", report.kind.name),
        ("question", report.kind.question),
        ("source", report.kind.source),
        *((f"parameter {name}", cell_text(value)) for name, value in report.parameters.items()),
        ("times", ZONE),
        ("as of", instant_text(report.as_of)),
        ("complete to position", str(report.position)),
        ("checkpoint size", str(report.checkpoint.size)),
        ("checkpoint root", b64(report.checkpoint.root)),
        ("rows", str(len(report.rows))),
        ("sha256 of the rows", rows_sha256(report.rows)),
    ]


def cell_text(value: Cell) -> str:
    """A cell as text; nothing for one that is empty."""
    return "" if value is None else str(value)
