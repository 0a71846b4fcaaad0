"""`article-15`: to whom the data of one person was given, by name. GDPR Art. 15(1)(c), C-154/21; Art. 15(2), 19."""

from __future__ import annotations

from collections.abc import Sequence
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
    ground_of,
    instant_cell,
    joined,
    place_cells,
    recipient_cells,
)


def rows(asked: Asked, sources: Sources) -> Sequence[Row]:
    """One row for each time that it was shared, or may have been, oldest first."""
    return [_row(one) for one in sources.shared(asked.from_, asked.to)]


def _row(entry: Entry) -> Row:
    row = entry.row
    told = [
        f"{one.detail['about']}: {one.detail['outcome']}"
        for one in entry.steps
        if one.happened == "acknowledged" and one.detail["about"] != "disclosure"
    ]
    onward = [
        f"{one.detail['legal_name']} ({one.detail['country']})"
        for one in entry.steps
        if one.happened == "shared_onward"
    ]
    return {
        "at": instant_cell(row.at),
        **recipient_cells(entry.terms),
        "fields": joined(row.fields),
        "purpose": row.purpose,
        "ground": ground_of(entry),
        "transfer": row.transfer,
        "our_role": row.our_role,
        "outcome": entry.last.outcome,
        "followed_up": joined(told) or None,
        "shared_onward": joined(onward) or None,
        **place_cells(entry),
    }


KIND: Final = Kind(
    name="article-15",
    question="To which recipients has personal data of this person been disclosed?",
    source="GDPR Art. 15(1)(c), 15(2), 19; CJEU C-154/21",
    columns=(
        Column("at", "When it was recorded, before anything left (UTC)"),
        *RECIPIENT_COLUMNS,
        Column("fields", "Which fields", "fields"),
        Column("purpose", "For which purpose", "purpose"),
        Column("ground", "On which legal ground", "basis"),
        Column("transfer", "The safeguard of a transfer abroad, by article", "transfer"),
        Column("our_role", "Whether we acted as controller or processor"),
        Column("outcome", "What became of it; unknown counts as shared"),
        Column("followed_up", "What the recipient answered to corrections, withdrawals, erasures"),
        Column("shared_onward", "To whom the recipient says that it handed it on"),
        *PLACE_COLUMNS,
    ),
    takes=frozenset({"subject_id", "recipient_id", "from", "to"}),
    needs=frozenset({"subject_id"}),
    makes=rows,
)
