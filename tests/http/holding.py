"""What legal holds and rules of retention are made of, over HTTP."""

from __future__ import annotations

from typing import Any, Final

HOLD: Final[dict[str, Any]] = {
    "matter": "M-2027/3",
    "authority": "Example County Court",
    "retention_classes": ["booking", "billing"],
    "review_on": "2027-06-01",
}
RULE: Final[dict[str, Any]] = {
    "code": "tax",
    "start": "last_visit",
    "months": 120,
    "exception": "gdpr_17_3_b_legal_obligation",
    "statute": "AO 147",
    "purposes": ["legal_duty"],
    "jurisdiction": "gdpr",
}


def a_hold(*subjects: str, **more: Any) -> dict[str, Any]:
    """The body of a new hold on these persons."""
    return {**HOLD, "subject_ids": list(subjects), **more}
