"""The tables of a package: named columns with their meaning, and rows whose personal values print as nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.values import Personal

Cell = Personal | str | int | None
Row = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and what it says."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Table:
    """What is held of one kind. `rows` have all of `columns`, oldest first."""

    name: str
    says: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def columns(**says: str) -> tuple[Column, ...]:
    """Columns by their names.

    >>> columns(at="When")
    (Column(name='at', says='When'),)
    """
    return tuple(Column(name, text) for name, text in says.items())


def plain(cell: Cell) -> str | int | None:
    """A cell as it is handed to the person. Call it only where a package is written."""
    return cell.open() if isinstance(cell, Personal) else cell
