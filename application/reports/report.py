"""What a report is: a question, its parameters, named columns, and rows as plain data.

Every format is a rendering of the same rows. Times are UTC, and the report says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from application.answers.disclosure_reads import After, AsOf, Disclosures, Entry, Wanted
from application.answers.disclosure_rows import RecipientRow
from application.ledger.reading import Checkpoint
from domain.errors import RangeTooLong
from domain.privacy_request_state import PrivacyRequest
from domain.recipient_terms import PROCESSING_FOR_US
from domain.report import ReportFormat, ReportName
from domain.values import instant_text, public_id

PAGE_ROWS: Final = 1_000
ROWS_READ_MAX: Final = 2_000_000
Cell = str | int | None
Row = Mapping[str, Cell]
# What a column holds, for those who render it in a vocabulary.
Meaning = Literal["text", "fields", "purpose", "basis", "country", "transfer", "recipient", "role"]
Parameter = Literal["subject_id", "recipient_id", "from", "to", "year"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what it says, and what kind of thing is in it. Lists are joined by `"; "`."""

    name: str
    says: str
    meaning: Meaning = "text"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked for. `as_of` is in event time, `position` the last one that it may rest on."""

    subject: UUID | None = None
    recipient: UUID | None = None
    from_: datetime | None = None
    to: datetime | None = None
    year: int | None = None
    as_of: datetime | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where rows come from, as of one moment; what is withheld is not there. `requests` are people's requests."""

    disclosures: Disclosures
    tenant: UUID
    as_of: AsOf
    subject: UUID | None
    recipient: UUID | None
    requests: Callable[[], Iterable[PrivacyRequest]]

    def shared(
        self, from_: datetime | None, to: datetime | None, purpose: str | None = None
    ) -> Iterator[Entry]:
        """What was shared, or may have been, and recorded in [from_, to), by time; of the person, if there is one.

        Refuses: RangeTooLong (over 2,000,000 rows to look at).
        """
        read, after = 0, None
        while True:
            page = self._page(from_, to, purpose, after)
            for one in page:
                if self._is_wanted(one, from_, to, purpose):
                    yield one
            read += len(page)
            if len(page) < PAGE_ROWS:
                return
            if read >= ROWS_READ_MAX:
                raise RangeTooLong("This takes a shorter period")
            after = (page[-1].row.at, page[-1].row.disclosure)

    def recipients(self) -> Sequence[RecipientRow]:
        """The register of recipients as it stood."""
        found = self.disclosures.recipients(self.tenant, self.as_of)
        return [one for one in found if self.recipient in (None, one.recipient)]

    def _page(
        self,
        from_: datetime | None,
        to: datetime | None,
        purpose: str | None,
        after: After | None,
    ) -> list[Entry]:
        if self.subject is not None:
            return self.disclosures.of_subject(
                self.tenant, self.subject, "person", self.as_of, PAGE_ROWS, after
            )
        wanted = Wanted(from_, to, purpose, self.recipient)
        return self.disclosures.page(
            self.tenant, wanted, self.as_of, PAGE_ROWS, after, with_withheld=False
        )

    def _is_wanted(
        self, entry: Entry, from_: datetime | None, to: datetime | None, purpose: str | None
    ) -> bool:
        at = entry.row.at
        return (
            entry.last.shared
            and (from_ is None or at >= from_)
            and (to is None or at < to)
            and purpose in (None, entry.row.purpose)
            and self.recipient in (None, entry.row.recipient)
        )


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of report. `makes` gives its rows in order; `source` is the law that asks for it.

    `takes` are the parameters that it may be asked with, `needs` those without which it says nothing.
    """

    name: ReportName
    question: str
    source: str
    columns: tuple[Column, ...]
    takes: frozenset[Parameter]
    makes: Callable[[Asked, Sources], Sequence[Row]]
    needs: frozenset[Parameter] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """A report with its rows. `parameters` are texts by name; `checkpoint` covers exactly up to `position`."""

    kind: Kind
    parameters: Mapping[str, Cell]
    as_of: datetime
    position: int
    checkpoint: Checkpoint
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A report's bytes, their media type, and the signature over them: a signed note of the log's key."""

    format: ReportFormat
    media_type: str
    body: bytes
    body_sha256: str
    signature: str


class ReportPress(Protocol):
    """Renders and signs reports of the bound tenant's log."""

    def checkpoint(self, tenant: UUID, position: int | None) -> Checkpoint | None:
        """The last checkpoint, or the one that covers exactly up to `position`; kept from now on.

        None where there is none: nothing is signed yet, or none of that size was ever taken for a report.
        """
        ...

    def render(self, tenant: UUID, report: Report, format: ReportFormat) -> Rendered:
        """The bytes, the same every time, and signed. Raises Unavailable (the signer is away), RangeTooLong."""
        ...


# --- cells -----------------------------------------------------------------------------------------------------------


def joined(values: Sequence[str]) -> str:
    """A list as one cell."""
    return "; ".join(values)


def ground_of(entry: Entry) -> str | None:
    """On what it rests: the lawful basis, or what triggered it with the statute."""
    row = entry.row
    told = [one for one in (row.lawful_basis, row.legal_trigger, row.citation) if one]
    return joined(told) or None


def recipient_cells(terms: RecipientRow | None) -> dict[str, Cell]:
    """Who got it, by name, as it was then."""
    return {
        "recipient": terms.legal_name if terms else None,
        "address": terms.address if terms else None,
        "country": terms.country if terms else None,
        "role": terms.role if terms else None,
    }


def is_third_party(terms: RecipientRow | None) -> bool:
    """True for whoever does not work on our behalf, and for whom nobody knows."""
    return terms is None or terms.role not in PROCESSING_FOR_US


def place_cells(entry: Entry) -> dict[str, Cell]:
    """What leads to the proof: the disclosure, its event, and its position."""
    return {
        "disclosure_id": public_id("disclosure", entry.row.disclosure),
        "event_id": public_id("event", entry.row.event),
        "position": entry.row.position,
    }


def instant_cell(at: datetime) -> str:
    """An instant in UTC."""
    return instant_text(at)


RECIPIENT_COLUMNS: Final = (
    Column(
        "recipient", "The legal name of whoever was given the data, as it was then", "recipient"
    ),
    Column("address", "Its address"),
    Column("country", "Its country, ISO 3166-1", "country"),
    Column("role", "What it is: processor, third party, authority and so on", "role"),
)
PLACE_COLUMNS: Final = (
    Column("disclosure_id", "The disclosure"),
    Column("event_id", "The event that recorded it; /v1/events/{id}/receipt proves it"),
    Column("position", "Its position in the ledger"),
)
