"""One list of rows, four formats: the same rows can be read back from each, and the same bytes come every time."""

from __future__ import annotations

import csv
import io
import json
import re
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pypdf
import pytest

from application.ledger.reading import Checkpoint
from application.reports.issuing import KINDS
from application.reports.report import Report, Row
from domain.disclosure import LawfulBasis
from domain.errors import RangeTooLong, Unavailable
from domain.purposes import PURPOSES
from domain.recipient_terms import TRANSFER_MECHANISMS, Role
from domain.report import ReportFormat, ReportName
from infrastructure.canonical import canonical
from infrastructure.reports import as_csv, as_json, as_jsonld, as_pdf, vocabulary
from infrastructure.reports.press import RENDERINGS, manifest, render
from infrastructure.reports.said import cell_text
from tests.vocabulary import DUBLIN_CORE, OTHERS, iris_of, pinned_terms, terms

CHECKPOINT = Checkpoint(42, b"r" * 32, "a note", datetime(2027, 1, 4, tzinfo=UTC))
TEXTS = (
    "Example CRM Inc",
    '=HYPERLINK("http://evil.test")',
    "+1 212",
    "-1",
    "@SUM(A1)",
    "\tTab",
    'a, "quoted"; name',
    "Müller & Söhne, Αθήνα, Москва",
    "株式会社 * _x_ #let #d $x$ [a] \\ <b>",
    "a long name that goes on and on " * 6,
)


def report(name: ReportName = "article-15", count: int = len(TEXTS)) -> Report:
    """A report whose rows hold what could go wrong."""
    kind = KINDS[name]
    rows: list[Row] = []
    for number in range(count):
        row: dict[str, str | int | None] = {
            one.name: f"{one.name} {number}" for one in kind.columns
        }
        row["recipient"] = TEXTS[number % len(TEXTS)]
        known: dict[str, str | int | None] = {
            "fields": "name; email; booking_times",
            "purpose": "service",
            "ground": "contract",
            "transfer": "A46-2-c",
            "country": "US",
            "role": "processor",
            "position": number,
            "outcome": None,
        }
        row |= {it: value for it, value in known.items() if it in row}
        rows.append(row)
    parameters = {"subject_id": "sub_" + UUID(int=7).hex}
    return Report(kind, parameters, datetime(2027, 1, 4, tzinfo=UTC), 41, CHECKPOINT, rows)


def texts_of(it: Report) -> list[list[str]]:
    return [[cell_text(row[one.name]) for one in it.kind.columns] for row in it.rows]


def test_json_holds_the_rows_and_all_that_is_said_of_them() -> None:
    it = report()
    found = json.loads(as_json.unsigned(it))
    assert found["rows"] == list(it.rows)
    assert found["row_count"] == len(TEXTS)
    assert found["question"] and found["times"] == "UTC"
    assert found["complete_to"]["position"] == 41
    assert found["complete_to"]["checkpoint"]["size"] == 42
    digest = b64encode(sha256(canonical(list(it.rows))).digest()).decode()
    assert found["rows_sha256"] == digest


def test_csv_holds_the_same_rows_and_no_formula() -> None:
    it = report()
    lines = list(csv.reader(io.StringIO(as_csv.rendered(it).decode(), newline="")))
    assert not [cell for line in lines for cell in line if cell.startswith(as_csv.FORMULA)]
    names = [line[1:] for line in lines if line[0] == "names"]
    assert names == [[one.name for one in it.kind.columns]]
    said = [line[1] for line in lines if line[0] == "column"]
    assert said == names[0]
    rows = [line[1:] for line in lines if line[0] == "row"]
    assert rows == [[as_csv.neutral(cell) for cell in row] for row in texts_of(it)]
    assert ["report", "rows", str(len(TEXTS))] in lines


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_takes_for_a_formula_is_made_text(first: str) -> None:
    assert as_csv.neutral(f"{first}1+1") == f"'{first}1+1"
    assert as_csv.neutral(f"1{first}1") == f"1{first}1"


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def pages(body: bytes) -> str:
    """The text of a PDF in its order, without white space, page numbers and titles at the foot."""
    found = pypdf.PdfReader(io.BytesIO(body))
    return squeezed("".join(page.extract_text() for page in found.pages))


@pytest.mark.parametrize("count", [1, len(TEXTS), 60])
def test_every_row_can_be_read_back_from_the_pdf(count: int) -> None:
    it = report(count=count)
    text = pages(as_pdf.rendered(it))
    assert squeezed(f"rows {count} sha256") in text
    foot = squeezed(f"{it.kind.name}: {it.kind.question}")
    text = re.sub(re.escape(foot) + r"\d+/\d+", "", text)
    at = 0
    for number, row in enumerate(texts_of(it), 1):
        for cell in (f"Row {number}", *row):
            wanted = squeezed(as_pdf.shown(cell))
            found = text.find(wanted, at)
            assert found >= 0, (number, cell)
            at = found + len(wanted)


def test_every_character_that_is_said_to_be_covered_is() -> None:
    covered = "".join(chr(one) for low, high in as_pdf.COVERED for one in range(low, high + 1))
    covered += "".join(sorted(as_pdf.COVERED_SIGNS))
    it = report(count=1)
    rows = [{**it.rows[0], "recipient": covered}]
    body = as_pdf.rendered(Report(it.kind, {}, it.as_of, 41, CHECKPOINT, rows))
    assert body.startswith(b"%PDF-")


def test_a_pdf_has_a_bound() -> None:
    it = report(count=1)
    many = Report(it.kind, {}, it.as_of, 41, CHECKPOINT, [it.rows[0]] * (as_pdf.ROWS_MAX + 1))
    with pytest.raises(RangeTooLong):
        as_pdf.rendered(many)


def test_json_ld_holds_the_same_rows() -> None:
    it = report()
    found = json.loads(as_jsonld.rendered(it))
    rows = [
        {one.name: process[f"daybook:{one.name}"] for one in it.kind.columns}
        for process in found["dpv:hasProcess"]
    ]
    assert rows == list(it.rows)
    assert found["daybook:row_count"] == len(it.rows)
    process = found["dpv:hasProcess"][0]
    assert process["dpv:hasPurpose"] == [{"@id": "dpv:RequestedServiceProvision"}]
    assert process["dpv:hasPersonalData"] == [{"@id": "pd:Name"}, {"@id": "pd:EmailAddress"}]
    assert process["dpv:hasLegalBasis"] == [{"@id": "eu-gdpr:A6-1-b"}, {"@id": "eu-gdpr:A46-2-c"}]
    assert process["dpv:hasRecipient"]["@type"] == "dpv:DataProcessor"


@pytest.mark.parametrize("name", KINDS)
def test_every_term_of_a_document_is_in_the_vocabulary(name: ReportName) -> None:
    document = json.loads(as_jsonld.rendered(report(name)))
    used = iris_of(document, document["@context"])
    ours = document["@context"]["daybook"]
    strange = {one for one in used if not one.startswith(ours)} - terms() - OTHERS
    assert strange == set()


def test_every_term_that_we_may_use_is_in_the_vocabulary() -> None:
    tables = (
        vocabulary.PURPOSES,
        vocabulary.FIELDS,
        vocabulary.BASES,
        vocabulary.ROLES,
        vocabulary.TRANSFERS,
    )
    context = dict(vocabulary.CONTEXT)
    used = iris_of([{"@id": one} for table in tables for one in table.values()], context)
    assert used - terms() == set()
    assert set(vocabulary.PURPOSES) == set(PURPOSES)
    assert set(vocabulary.TRANSFERS) == set(TRANSFER_MECHANISMS)
    assert set(vocabulary.BASES) == set(LawfulBasis.__args__)  # type: ignore[attr-defined]
    assert set(vocabulary.ROLES) == set(Role.__args__)  # type: ignore[attr-defined]
    assert context["dct"] == DUBLIN_CORE


def test_the_copy_of_the_vocabulary_is_the_pinned_release() -> None:
    pinned = pinned_terms()
    if pinned is None:
        pytest.skip("the vocabulary's release is not beside the project; its copy is")
    assert terms() == pinned


@pytest.mark.parametrize("format", RENDERINGS)
@pytest.mark.parametrize("count", [0, 3])
def test_the_same_report_is_the_same_bytes(format: ReportFormat, count: int) -> None:
    assert RENDERINGS[format](report(count=count)) == RENDERINGS[format](report(count=count))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("format", RENDERINGS)
def test_a_report_without_rows_says_so(name: ReportName, format: ReportFormat) -> None:
    it = report(name, count=0)
    body = RENDERINGS[format](it)
    question = it.kind.question
    if format == "pdf":
        text = pages(body)
        assert squeezed(question) in text and "Norows" in text
    else:
        assert question.encode() in body
    if format == "json":
        assert json.loads(body)["rows"] == []


def test_a_signature_is_over_every_byte() -> None:
    asked: list[tuple[str, bytes]] = []

    def attest(origin: str, data: bytes) -> str:
        asked.append((origin, data))
        return "a note\n"

    it = report()
    for format in RENDERINGS:
        made = render(it, format, "example/log", attest)
        body = made.body
        if format == "json":
            told: dict[str, Any] = json.loads(body)
            assert told.pop("signature") == "a note\n"
            body = canonical(told)
        assert asked[-1] == ("example/log", manifest(f"article-15.{format}", body, "example/log"))
        assert json.loads(asked[-1][1])["kind"] == "report"
        assert made.body_sha256 == b64encode(sha256(made.body).digest()).decode()


@pytest.mark.parametrize(
    ("program", "seconds", "refused"),
    [
        ("import time; time.sleep(120)", 0.3, Unavailable),
        ("raise SystemExit('a name')", 60.0, RuntimeError),
        ("print('no pages')", 60.0, RuntimeError),
    ],
)
def test_a_typesetter_that_fails_tells_nothing_of_what_it_was_given(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    program: str,
    seconds: float,
    refused: type[Exception],
) -> None:
    failing = tmp_path / "failing.py"
    failing.write_text(program)
    monkeypatch.setattr(as_pdf, "PROGRAM", failing)
    monkeypatch.setattr(as_pdf, "SECONDS_MAX", seconds)
    with pytest.raises(refused) as failure:
        as_pdf.rendered(report())
    assert "name" not in str(failure.value)
