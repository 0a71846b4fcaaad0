"""`accounting-of-disclosures`: six years of them, a repeated series as its first, its number and its last.

Lists more than the rule demands: nothing is left out as exempt but what is withheld, and that until its date.
*Source*: 45 CFR 164.528(a), (b)(2), (b)(3).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from application.reports.report import (
    PLACE_COLUMNS,
    RECIPIENT_COLUMNS,
    Asked,
    Column,
    Kind,
    Row,
    Sources,
    ground_of,
    place_cells,
    recipient_cells,
)
from application.reports.series import SERIES_COLUMNS, by, terms_key

YEARS: Final = 6


def rows(asked: Asked, sources: Sources) -> Sequence[Row]:
    """One row for each recipient, purpose and ground, by when each began; six years unless it is said."""
    assert sources.as_of.at is not None, "a report has a date"
    from_ = asked.from_ or _years_before(asked.to or sources.as_of.at, YEARS)
    found = by(
        lambda one: (terms_key(one), one.row.purpose, ground_of(one)),
        sources.shared(from_, asked.to),
    )
    return [
        {
            **recipient_cells(one.first.terms),
            **one.cells(),
            "purpose": one.first.row.purpose,
            "ground": ground_of(one.first),
            **place_cells(one.first),
        }
        for one in found
    ]


def _years_before(at: datetime, years: int) -> datetime:
    """The same day, or the day before where there is none."""
    try:
        return at.replace(year=at.year - years)
    except ValueError:
        return at.replace(year=at.year - years, day=28)


KIND: Final = Kind(
    name="accounting-of-disclosures",
    question="To whom, when, of what and why was information about this person disclosed in the last six years?",
    source="45 CFR 164.528",
    columns=(
        *RECIPIENT_COLUMNS,
        *SERIES_COLUMNS,
        Column("purpose", "For which purpose", "purpose"),
        Column("ground", "The basis for it", "basis"),
        *PLACE_COLUMNS,
    ),
    takes=frozenset({"subject_id", "recipient_id", "from", "to"}),
    needs=frozenset({"subject_id"}),
    makes=rows,
)
