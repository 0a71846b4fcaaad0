"""`ropa`: the record of processing as it follows from what happened, and where that differs from what is declared.

Declared is what the register of recipients permits. *Drift* is what happened without being declared, or is declared and
never happened in the period. *Source*: GDPR Art. 30(1)(b)-(e).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from application.answers.disclosure_reads import Entry
from application.answers.disclosure_rows import RecipientRow
from application.reports.report import (
    RECIPIENT_COLUMNS,
    Asked,
    Cell,
    Column,
    Kind,
    Row,
    Sources,
    ground_of,
    instant_cell,
    joined,
    recipient_cells,
)
from domain.values import public_id

UNDECLARED: Final = "happened but not declared"
UNUSED: Final = "declared but never happened"


@dataclass(slots=True)
class _Activity:
    """What happened under one purpose towards one recipient."""

    terms: RecipientRow | None
    entries: int = 0
    fields: set[str] = field(default_factory=set)
    grounds: set[str] = field(default_factory=set)
    transfers: set[str] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    first: str | None = None
    last: str | None = None

    def take(self, entry: Entry) -> None:
        row, at = entry.row, instant_cell(entry.row.at)
        self.terms = entry.terms or self.terms
        self.entries += 1
        self.fields.update(row.fields)
        self.grounds.update([ground_of(entry) or ""])
        self.transfers.update([row.transfer] if row.transfer else [])
        self.roles.update([row.our_role] if row.our_role else [])
        self.first, self.last = self.first or at, at


Key = tuple[str, UUID | None]


def rows(asked: Asked, sources: Sources) -> Sequence[Row]:
    """One row for each purpose and recipient that is declared or happened, by purpose and then by name."""
    declared: dict[Key, RecipientRow] = {
        (purpose, one.recipient): one
        for one in sources.recipients()
        for purpose in one.permitted_purposes
    }
    happened: dict[Key, _Activity] = {}
    for entry in sources.shared(asked.from_, asked.to):
        key = (entry.row.purpose or "", entry.row.recipient)
        happened.setdefault(key, _Activity(entry.terms)).take(entry)
    keys = {*declared, *happened}
    made = [_row(key, declared.get(key), happened.get(key)) for key in keys]
    return sorted(made, key=lambda row: tuple(str(row[name]) for name in ORDER))


def _row(key: Key, declared: RecipientRow | None, happened: _Activity | None) -> Row:
    it = happened or _Activity(declared)
    terms = declared or it.terms
    drift = None
    if declared is None:
        drift = UNDECLARED
    elif happened is None:
        drift = UNUSED
    contract: dict[str, Cell] = {
        "contract": terms.contract_ref if terms else None,
        "contract_from": terms.contract_from.isoformat() if terms else None,
        "contract_to": terms.contract_to.isoformat() if terms and terms.contract_to else None,
    }
    return {
        "purpose": key[0],
        "subjects": "customers",
        **recipient_cells(terms),
        "recipient_id": public_id("recipient", key[1]) if key[1] else None,
        "fields": joined(sorted(it.fields)) or None,
        "grounds": joined(sorted(it.grounds)) or None,
        "our_role": joined(sorted(it.roles)) or None,
        "transfers": joined(sorted(it.transfers)) or (terms.transfer_mechanism if terms else None),
        **contract,
        "declared": "yes" if declared else "no",
        "count": it.entries,
        "first_at": it.first,
        "last_at": it.last,
        "drift": drift,
    }


ORDER: Final = ("purpose", "recipient", "recipient_id")
KIND: Final = Kind(
    name="ropa",
    question="Which personal data goes to whom, for which purpose, and does that agree with what is declared?",
    source="GDPR Art. 30(1)",
    columns=(
        Column("purpose", "The purpose", "purpose"),
        Column("subjects", "The category of persons"),
        *RECIPIENT_COLUMNS,
        Column("recipient_id", "The recipient in the register"),
        Column("fields", "Which fields really left", "fields"),
        Column("grounds", "On which legal grounds", "basis"),
        Column("our_role", "Whether we acted as controller or processor"),
        Column("transfers", "The safeguards of transfers abroad, by article", "transfer"),
        Column("contract", "The contract"),
        Column("contract_from", "Its first day"),
        Column("contract_to", "Its last day"),
        Column("declared", "Whether the register permits it"),
        Column("count", "How many times it happened in the period"),
        Column("first_at", "When it was recorded first (UTC)"),
        Column("last_at", "When it was recorded last (UTC)"),
        Column("drift", "Where what happened and what is declared differ"),
    ),
    takes=frozenset({"recipient_id", "from", "to"}),
    makes=rows,
)
