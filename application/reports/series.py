"""Rows that stand for a series: the same recipient, the same terms, again and again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final

from application.answers.disclosure_reads import Entry
from application.reports.report import Cell, Column, instant_cell, joined


@dataclass(slots=True)
class Series:
    """What was shared under one key: the first and the last, how often, and what of."""

    first: Entry
    last: Entry
    count: int = 0
    fields: dict[str, None] = field(default_factory=dict)
    purposes: dict[str, None] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        """One more of it."""
        self.last = entry
        self.count += 1
        self.fields.update(dict.fromkeys(entry.row.fields))
        self.purposes.update(dict.fromkeys([entry.row.purpose or ""]))

    def cells(self) -> dict[str, Cell]:
        """What of, how often, and from when to when."""
        return {
            "fields": joined(sorted(self.fields)),
            "first_at": instant_cell(self.first.row.at),
            "last_at": instant_cell(self.last.row.at),
            "count": self.count,
        }


SERIES_COLUMNS: Final = (
    Column("fields", "Which fields, in all of it", "fields"),
    Column("first_at", "When it was recorded first (UTC)"),
    Column("last_at", "When it was recorded last (UTC)"),
    Column("count", "How many times"),
)


def by(key: Callable[[Entry], Hashable], entries: Iterable[Entry]) -> list[Series]:
    """The series of `entries`, by when each began."""
    found: dict[Hashable, Series] = {}
    for one in entries:
        series = found.setdefault(key(one), Series(one, one))
        series.take(one)
    return list(found.values())


def terms_key(entry: Entry) -> Hashable:
    """A recipient under the name, address and role that it had then."""
    terms = entry.terms
    named = (terms.legal_name, terms.address, terms.country, terms.role) if terms else ()
    return (entry.row.recipient, named)
