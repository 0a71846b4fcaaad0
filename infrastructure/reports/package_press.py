"""A person's package as bytes: one JSON document, or a zip of CSV files with a dictionary of their columns.

The only place where the personal values of a package become text.
Source: RFC 4180; GDPR Art. 20(1) (structured, commonly used, machine-readable).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from application.portability.packaging import Package
from application.portability.tables import Table, plain
from domain.package import PackageFormat
from domain.values import public_id
from infrastructure.canonical import canonical
from infrastructure.reports.as_csv import neutral

EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
MEDIA: Final[dict[PackageFormat, str]] = {"json": "application/json", "csv": "application/zip"}


def written(package: Package, format: PackageFormat) -> bytes:
    """The bytes of a package."""
    return _json(package) if format == "json" else _zip(package)


def _json(package: Package) -> bytes:
    return canonical(
        {
            "subject_id": public_id("subject", package.subject),
            "package_id": public_id("package", package.id),
            "made_at": package.made_at,
            "times": "UTC",
            "tables": {table.name: _table(table) for table in package.tables},
        }
    )


def _table(table: Table) -> dict[str, object]:
    return {
        "says": table.says,
        "columns": {one.name: one.says for one in table.columns},
        "rows": [{name: plain(cell) for name, cell in row.items()} for row in table.rows],
    }


def _zip(package: Package) -> bytes:
    data = io.BytesIO()
    with ZipFile(data, "w") as archive:
        dictionary = [
            [table.name, one.name, one.says] for table in package.tables for one in table.columns
        ]
        _add(archive, "columns.csv", [["table", "column", "says"], *dictionary])
        for table in package.tables:
            names = [one.name for one in table.columns]
            rows = ([_text(plain(row[name])) for name in names] for row in table.rows)
            _add(archive, f"{table.name}.csv", [names, *rows])
    return data.getvalue()


def _add(archive: ZipFile, name: str, rows: Iterable[Sequence[str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    for row in rows:
        writer.writerow([neutral(cell) for cell in row])
    archive.writestr(ZipInfo(name, EARLIEST), text.getvalue().encode(), ZIP_DEFLATED)


def _text(cell: str | int | None) -> str:
    return "" if cell is None else str(cell)
