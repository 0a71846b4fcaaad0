"""`specific-third-parties`: the third parties that data was disclosed to, each by its name. ORS 646A.574(1)(a)(B)."""

from __future__ import annotations

from collections.abc import Sequence
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


def rows(asked: Asked, sources: Sources) -> Sequence[Row]:
    """One row for each third party, by when it was given something first; of one person, or of anybody."""
    given = (one for one in sources.shared(asked.from_, asked.to) if is_third_party(one.terms))
    return [
        {
            **recipient_cells(one.first.terms),
            **one.cells(),
            "purposes": joined(sorted(one.purposes)),
            **place_cells(one.first),
        }
        for one in by(terms_key, given)
    ]


KIND: Final = Kind(
    name="specific-third-parties",
    question="To which specific third parties has personal data been disclosed?",
    source="ORS 646A.574(1)(a)(B)",
    columns=(
        *RECIPIENT_COLUMNS,
        *SERIES_COLUMNS,
        Column("purposes", "For which purposes", "purpose"),
        *PLACE_COLUMNS,
    ),
    takes=frozenset({"subject_id", "recipient_id", "from", "to"}),
    makes=rows,
)
