"""Rules of time of the GDPR and of the United Kingdom's.

*Source*: each rule names its own.
"""

from __future__ import annotations

from typing import Final

from domain.clock_terms import Extension, FactKind, Jurisdiction, Length, RequestType, Rule

_MONTH: Final = Length(1, "months")
_REQUESTS: Final[frozenset[RequestType]] = frozenset(
    {
        "access",
        "portability",
        "correction",
        "erasure",
        "restriction",
        "objection",
        "opt_out",
        "account_cancellation",
    }
)
_GDPR: Final[frozenset[Jurisdiction]] = frozenset({"gdpr"})
_UK: Final[frozenset[Jurisdiction]] = frozenset({"uk_gdpr"})
_CLOSING: Final[frozenset[FactKind]] = frozenset({"answered", "refused", "withdrawn"})
_NO_REFUSAL: Final[frozenset[FactKind]] = frozenset({*_CLOSING, "extended"})
_REFUSAL_NOTES: Final = (
    "Doubts of identity do not pause it. An extension or an answer meets it; a refusal decides."
)

RULES: Final = (
    Rule(
        id="gdpr.answer",
        source="GDPR Art. 12(3), 12(6); Regulation 1182/71 Art. 3",
        start="received",
        length=_MONTH,
        rolls=True,
        extension=Extension(2, told_within=_MONTH),
        pausable=True,
        request_types=_REQUESTS,
        jurisdictions=_GDPR,
        met_by=_CLOSING,
        notes="Three months in all are counted from the receipt, not from the end of the first.",
    ),
    Rule(
        id="gdpr.refusal_notice",
        source="GDPR Art. 12(4); Regulation 1182/71 Art. 3",
        start="received",
        length=_MONTH,
        rolls=True,
        request_types=_REQUESTS,
        jurisdictions=_GDPR,
        met_by=_NO_REFUSAL,
        decided_by="refused",
        notes=_REFUSAL_NOTES,
    ),
    Rule(
        id="uk_gdpr.answer",
        source="UK GDPR Art. 12(3), 12A",
        unchecked=("UK GDPR Art. 12(3), 12A",),
        start="received",
        length=_MONTH,
        rolls=True,
        extension=Extension(2, told_within=_MONTH),
        pausable=True,
        request_types=_REQUESTS,
        jurisdictions=_UK,
        met_by=_CLOSING,
        notes="Art. 12A lets the month begin when identity is proved; standing still until then is never later.",
    ),
    Rule(
        id="uk_gdpr.refusal_notice",
        source="UK GDPR Art. 12(4)",
        unchecked=("UK GDPR Art. 12(4)",),
        start="received",
        length=_MONTH,
        rolls=True,
        request_types=_REQUESTS,
        jurisdictions=_UK,
        met_by=_NO_REFUSAL,
        decided_by="refused",
        notes=_REFUSAL_NOTES,
    ),
    Rule(
        id="recipients_told",
        source="GDPR Art. 19; UK GDPR Art. 19; 11 CCR 7022(b), 7023(c)",
        unchecked=("UK GDPR Art. 19", "7023(c)"),
        start="answered",
        length=Length(0, "calendar_days"),
        request_types=frozenset({"correction", "erasure", "restriction"}),
        jurisdictions=frozenset({"gdpr", "uk_gdpr", "us_ca"}),
        met_by=frozenset({"recipients_told"}),
        notes="No law fixes a time: the same day is this product's own default.",
    ),
    Rule(
        id="collected_elsewhere_notice",
        source="GDPR Art. 14(3)(a) to (c)",
        unchecked=("(3)(a) to (c)",),
        start="data_obtained",
        length=_MONTH,
        rolls=True,
        until_first_use=True,
        notes="A month, the first contact or the first disclosure, whichever is first. Art. 14(5) excepts.",
    ),
    Rule(
        id="breach.authority",
        source="GDPR Art. 33(1)",
        start="breach_known",
        length=Length(72, "hours"),
        notes="Not rolled over weekends: the conservative reading of Regulation 1182/71 Art. 3(5).",
    ),
)
