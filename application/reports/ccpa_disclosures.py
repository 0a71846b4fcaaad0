"""`ccpa-disclosures`: category by category, to whom personal information was disclosed, and for what.

Of the last twelve months unless it is said. *Source*: Cal. Civ. Code 1798.110(c), 1798.115, 1798.130(a)(5),
1798.140(v)(1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from application.answers.disclosure_reads import Entry
from application.reports.report import (
    PLACE_COLUMNS,
    RECIPIENT_COLUMNS,
    Asked,
    Column,
    Kind,
    Row,
    Sources,
    is_third_party,
    place_cells,
    recipient_cells,
)
from application.reports.series import SERIES_COLUMNS, by, terms_key

IDENTIFIERS: Final = "A: identifiers"
RECORDS: Final = "B: customer records"
COMMERCIAL: Final = "D: commercial information"
OTHER: Final = "other personal information"
CATEGORIES: Final[Mapping[str, str]] = {
    "name": IDENTIFIERS,
    "email": IDENTIFIERS,
    "address": IDENTIFIERS,
    "phone": RECORDS,
    "card_last4": RECORDS,
    "booking_times": COMMERCIAL,
    "note": COMMERCIAL,
    "metadata": COMMERCIAL,
}


def rows(asked: Asked, sources: Sources) -> Sequence[Row]:
    """One row for each category, recipient and purpose, by category and then by when it began."""
    assert sources.as_of.at is not None, "a report has a date"
    to = asked.to or sources.as_of.at
    from_ = asked.from_ or to.replace(year=to.year - 1, day=min(to.day, 28))
    found = by(
        lambda one: (_category(one), terms_key(one), one.row.purpose),
        _by_category(sources.shared(from_, asked.to)),
    )
    made = [
        {
            "category": _category(one.first),
            **recipient_cells(one.first.terms),
            "disclosed_to": "third party"
            if is_third_party(one.first.terms)
            else "for our business",
            "purpose": one.first.row.purpose,
            **one.cells(),
            **place_cells(one.first),
        }
        for one in found
    ]
    return sorted(made, key=lambda row: str(row["category"]))


def _by_category(entries: Iterator[Entry]) -> Iterator[Entry]:
    """Each entry once for every category it falls in, with the fields of that category."""
    for one in entries:
        fields: dict[str, list[str]] = {}
        for name in one.row.fields:
            fields.setdefault(CATEGORIES.get(name, OTHER), []).append(name)
        for names in fields.values():
            yield replace(one, row=replace(one.row, fields=tuple(names)))


def _category(entry: Entry) -> str:
    return CATEGORIES.get(entry.row.fields[0], OTHER)


KIND: Final = Kind(
    name="ccpa-disclosures",
    question="Which categories of personal information were disclosed, to whom, and for which purpose?",
    source="Cal. Civ. Code 1798.110, 1798.115, 1798.130",
    columns=(
        Column("category", "The category of 1798.140(v)(1)"),
        *RECIPIENT_COLUMNS,
        Column("disclosed_to", "A third party, or somebody who works for our business"),
        Column("purpose", "For which purpose", "purpose"),
        *SERIES_COLUMNS,
        *PLACE_COLUMNS,
    ),
    takes=frozenset({"subject_id", "recipient_id", "from", "to"}),
    makes=rows,
)
