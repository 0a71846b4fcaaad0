"""A report: somebody was given an official answer, and the record says which one.

1. It names its parameters by ids, codes and instants, and the bytes that were handed out by their digest.
2. The same parameters up to the same position make the same bytes.

*Not here*: what is in it (`application/reports`).
*Source*: GDPR Art. 15, 30; Cal. Civ. Code 1798.83, 1798.130; 45 CFR 164.528; ORS 646A.574; README D6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, get_args
from uuid import UUID

from domain.sealing import Plain

ReportName = Literal[
    "article-15",
    "ccpa-disclosures",
    "shine-the-light",
    "accounting-of-disclosures",
    "ropa",
    "specific-third-parties",
    "request-metrics",
]
ReportFormat = Literal["json", "csv", "pdf", "jsonld"]
REPORT_NAMES: Final[tuple[ReportName, ...]] = get_args(ReportName)


@dataclass(frozen=True, slots=True)
class ReportIssued:
    """A report of `rows` rows, complete up to `position`, is about to be handed out.

    `subject` is the person it is about, where it is about one. `body_sha256` is the digest of its bytes.
    """

    TYPE: ClassVar[str] = "report.issued.v1"

    name: ReportName
    subject: UUID | None
    recipient: UUID | None
    from_: datetime | None
    to: datetime | None
    year: int | None
    as_of: datetime
    position: int
    format: ReportFormat
    rows: int
    body_sha256: Annotated[str, Plain("base64 of SHA-256")]


Decision: TypeAlias = ReportIssued
DECISIONS: Final = (ReportIssued,)
