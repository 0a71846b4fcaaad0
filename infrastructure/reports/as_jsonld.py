"""A report as JSON-LD: every row as it is, under our own names, and what it means in DPV 2.3 beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from application.reports.report import Column, Meaning, Report, Row
from domain.values import instant_text
from infrastructure.canonical import canonical
from infrastructure.reports import vocabulary
from infrastructure.reports.said import cell_text, said

Json = dict[str, object]
TERMS: Final[Mapping[Meaning, tuple[str, Mapping[str, str]]]] = {
    "fields": ("dpv:hasPersonalData", vocabulary.FIELDS),
    "purpose": ("dpv:hasPurpose", vocabulary.PURPOSES),
    "basis": ("dpv:hasLegalBasis", vocabulary.BASES),
    "transfer": ("dpv:hasLegalBasis", vocabulary.TRANSFERS),
}


def rendered(report: Report) -> bytes:
    """The bytes: canonical JSON, which is JSON-LD."""
    head = said(report)
    ours = ("report", "question", "source", "times", "row_count", "rows_sha256")
    document: Json = {
        "@context": dict(vocabulary.CONTEXT),
        "@type": "dpv:DataProcessingRecord",
        **{f"daybook:{name}": head[name] for name in ours},
        "dct:date": instant_text(report.as_of),
        "daybook:parameters": {f"daybook:{name}": it for name, it in report.parameters.items()},
        "daybook:columns": [
            {"daybook:name": one.name, "daybook:says": one.says} for one in report.kind.columns
        ],
        "daybook:completeTo": {
            "daybook:position": report.position,
            "daybook:checkpoint": {
                "daybook:size": report.checkpoint.size,
                "daybook:root": head["complete_to"]["checkpoint"]["root"],  # type: ignore[index]
            },
        },
        "dpv:hasProcess": [_process(report, row) for row in report.rows],
    }
    return canonical(document)


def _process(report: Report, row: Row) -> Json:
    found: Json = {"@type": "dpv:Process", "dpv:hasProcessing": {"@id": "dpv:Disclose"}}
    for column in report.kind.columns:
        found[f"daybook:{column.name}"] = row[column.name]
        _mean(found, column, cell_text(row[column.name]))
    recipient = _recipient(row)
    if recipient is not None:
        found["dpv:hasRecipient"] = recipient
    return found


def _mean(found: Json, column: Column, text: str) -> None:
    """Say in the vocabulary what a cell says, as far as it has words for it."""
    known = TERMS.get(column.meaning)
    if known is None:
        return
    name, terms = known
    meant = [{"@id": terms[one]} for one in text.split("; ") if one in terms]
    if meant:
        before = found.get(name)
        found[name] = [*(before if isinstance(before, list) else []), *meant]


def _recipient(row: Row) -> Json | None:
    if row.get("recipient") is None:
        return None
    found: Json = {
        "@type": vocabulary.ROLES.get(cell_text(row.get("role")), "dpv:Recipient"),
        "dpv:hasName": row["recipient"],
    }
    if row.get("address") is not None:
        found["dpv:hasAddress"] = row["address"]
    if row.get("country") is not None:
        found["dpv:hasCountry"] = {"@id": f"loc:{row['country']}"}
    return found
