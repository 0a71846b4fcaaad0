"""`shine-the-light`: third parties that got data for their direct marketing in the preceding calendar year.

Marketing to a third party is always refused, so the list is empty; it is a signed list all the same, complete up to a
checkpoint. *Source*: Cal. Civ. Code 1798.83(a), (e)(6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from application.reports.report import (
    PLACE_COLUMNS,
    RECIPIENT_COLUMNS,
    Asked,
    Column,
    Kind,
    Row,
    Sources,
    is_third_party,
    joined,
    place_cells,
    recipient_cells,
)
from application.reports.series import SERIES_COLUMNS, by, terms_key

# Of the categories of 1798.83(e)(6) those that our fields are; any other is told by its own name.
CATEGORIES: Final[Mapping[str, str]] = {
    "name": "name and address",
    "address": "name and address",
    "email": "electronic mail address",
    "phone": "telephone number",
    "booking_times": "kind of service provided",
    "card_last4": "credit card number",
}


def rows(asked: Asked, sources: Sources) -> Sequence[Row]:
    """One row for each third party, by when it was given something first."""
    assert sources.as_of.at is not None, "a report has a date"
    year = asked.year if asked.year is not None else sources.as_of.at.year - 1
    from_, to = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    given = (
        one for one in sources.shared(from_, to) if one.row.marketing and is_third_party(one.terms)
    )
    return [
        {
            **recipient_cells(one.first.terms),
            "business": one.first.terms.business_nature if one.first.terms else None,
            "categories": joined(sorted({CATEGORIES.get(it, it) for it in one.fields})),
            **one.cells(),
            **place_cells(one.first),
        }
        for one in by(terms_key, given)
    ]


KIND: Final = Kind(
    name="shine-the-light",
    question="Which third parties were given personal information for their direct marketing in that calendar year?",
    source="Cal. Civ. Code 1798.83",
    columns=(
        *RECIPIENT_COLUMNS,
        Column("business", "What it does, where its name does not tell"),
        Column("categories", "The categories of the statute"),
        *SERIES_COLUMNS,
        *PLACE_COLUMNS,
    ),
    takes=frozenset({"subject_id", "recipient_id", "year"}),
    makes=rows,
)
