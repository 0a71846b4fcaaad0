"""A report as CSV (RFC 4180, UTF-8, CRLF): every line says in its first cell what it is.

    report,<what>,<text>         the head: question, parameters, completeness, digest
    column,<name>,<meaning>      the dictionary of the columns
    names,<name>,<name>,...      the names of the columns
    row,<cell>,<cell>,...        the rows

A cell that a spreadsheet would take for a formula begins with an apostrophe instead.
*Source*: RFC 4180; OWASP, CSV Injection.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

from application.reports.report import Report
from infrastructure.reports.said import cell_text, lines

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def rendered(report: Report) -> bytes:
    """The bytes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    names = [one.name for one in report.kind.columns]
    _write(writer, (("report", what, told) for what, told in lines(report)))
    _write(writer, (("column", one.name, one.says) for one in report.kind.columns))
    _write(writer, [("names", *names)])
    _write(writer, (("row", *(cell_text(row[name]) for name in names)) for row in report.rows))
    return text.getvalue().encode()


def neutral(text: str) -> str:
    """A cell that no spreadsheet takes for a formula.

    >>> neutral("=1+1"), neutral("a=1"), neutral("")
    ("'=1+1", 'a=1', '')
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def _write(writer: object, rows: Iterable[tuple[str, ...]]) -> None:
    for row in rows:
        writer.writerow([neutral(cell) for cell in row])  # type: ignore[attr-defined]
