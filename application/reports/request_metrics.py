"""`request-metrics`: how many requests of each kind came in, what became of them, and how long it took.

*Source*: 11 CCR 7102(a).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import Final

from application.reports.report import Asked, Column, Kind, Row, Sources
from domain.privacy_request_codes import RIGHTS
from domain.privacy_request_state import PrivacyRequest, RightAsked

DAY_SECONDS: Final = 86_400


def rows(asked: Asked, sources: Sources) -> Sequence[Row]:
    """One row for each right, of the requests that were received in [from, to); also of those that nobody used."""
    found = [one for one in sources.requests() if _is_wanted(one, asked)]
    return [
        _row(right, [(one, it) for one in found for it in one.rights if it.right == right])
        for right in RIGHTS
    ]


def _is_wanted(request: PrivacyRequest, asked: Asked) -> bool:
    at = request.terms.received_at
    return (asked.from_ is None or at >= asked.from_) and (asked.to is None or at < asked.to)


def _row(right: str, found: Sequence[tuple[PrivacyRequest, RightAsked]]) -> Row:
    outcomes = [it.outcome for _, it in found]
    days = [
        (it.decided_at - one.terms.received_at).total_seconds() / DAY_SECONDS
        for one, it in found
        if it.decided_at is not None
    ]
    ended = sum(one.ended is not None and not it.is_decided for one, it in found)
    decided = sum(it.is_decided for _, it in found)
    return {
        "type": right,
        "received": len(found),
        "complied_in_whole": outcomes.count("fulfilled"),
        "complied_in_part": outcomes.count("partially_fulfilled"),
        "denied": outcomes.count("denied"),
        "ended_otherwise": ended,
        "open": len(found) - decided - ended,
        "median_days": f"{median(days):.1f}" if days else None,
        "mean_days": f"{fmean(days):.1f}" if days else None,
    }


KIND: Final = Kind(
    name="request-metrics",
    question="How many requests of each kind were received, complied with and denied, and how long did it take?",
    source="11 CCR 7102(a)",
    columns=(
        Column("type", "What was asked for"),
        Column("received", "How many such requests were received"),
        Column("complied_in_whole", "How many were complied with in whole"),
        Column("complied_in_part", "How many were complied with in part"),
        Column("denied", "How many were denied"),
        Column("ended_otherwise", "How many were withdrawn, forwarded, or asked before"),
        Column("open", "How many were open then"),
        Column("median_days", "The median of the days from receipt to answer"),
        Column("mean_days", "The mean of the days from receipt to answer"),
    ),
    takes=frozenset({"from", "to"}),
    makes=rows,
)
