"""The in-memory twin of every port: the same answers as PostgreSQL's, for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from application.ledger.evidence import EvidenceBundle
from domain.errors import NotFound, Unavailable
from domain.working_days import WorkingCalendar, place_name
from infrastructure.twin.memory_accesses import MemoryAccesses, MemoryDenialCounts
from infrastructure.twin.memory_consents import MemoryConsents, MemoryErasures, MemoryHoldings
from infrastructure.twin.memory_courier import MemoryCourier
from infrastructure.twin.memory_disclosing import MemoryMirrored, MemoryVisits
from infrastructure.twin.memory_disclosures import MemoryDisclosures
from infrastructure.twin.memory_duties import MemoryDutyTotals
from infrastructure.twin.memory_erasures import MemoryOpenErasures
from infrastructure.twin.memory_exports import MemoryExporter, MemoryReceipts
from infrastructure.twin.memory_figures import MemoryFigures
from infrastructure.twin.memory_keeping import MemoryKeeping
from infrastructure.twin.memory_ledger import MemoryLedger
from infrastructure.twin.memory_log import MemoryLog
from infrastructure.twin.memory_past import MemoryPast
from infrastructure.twin.memory_reads import MemoryAgenda, MemoryAnswers, MemoryPositions
from infrastructure.twin.memory_reports import MemoryReportPress
from infrastructure.twin.memory_requests import MemoryRequestRows
from infrastructure.twin.memory_shredder import MemoryKeyShredder
from infrastructure.twin.memory_state import MemoryState
from infrastructure.twin.memory_store import MemoryBook, MemoryStore
from infrastructure.twin.memory_vault import MemoryVault
from infrastructure.twin.memory_withheld import MemoryWithheld

BEGINNING: Final = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)


@dataclass(slots=True)
class SettableClock:
    """A clock that stands still until it is told."""

    at: datetime = BEGINNING

    def now(self) -> datetime:
        """See the port `Clock`."""
        return self.at

    def set(self, at: datetime) -> None:
        """Show `at` from now on."""
        self.at = at

    def advance(self, **by: float) -> None:
        """Move on by so many `seconds`, `minutes`, `hours` or `days`."""
        self.at += timedelta(**by)


@dataclass(slots=True)
class SeededIds:
    """The same ids in the same order for the same seed."""

    random: Random

    def uuid(self) -> UUID:
        """See the port `Ids`."""
        return UUID(int=self.random.getrandbits(128), version=4)

    def secret(self) -> bytes:
        """See the port `Ids`."""
        return self.random.randbytes(32)


@dataclass(frozen=True, slots=True)
class ListedHolidays:
    """Public holidays by (country, subdivision); a subdivision has its country's too."""

    dates: Mapping[tuple[str, str | None], frozenset[date]] = field(default_factory=dict)

    def closed_dates(
        self, country: str, subdivision: str | None, first: date, last: date
    ) -> frozenset[date]:
        """See the port `Holidays`."""
        nothing: frozenset[date] = frozenset()
        named = {(country, None), (country, subdivision)}
        listed = nothing.union(*(self.dates.get(place, nothing) for place in named))
        return frozenset(day for day in listed if first <= day <= last)

    def is_known(self, country: str, subdivision: str | None) -> bool:
        """See the port `Holidays`."""
        return (country, subdivision) in self.dates

    def working_calendar(
        self, country: str, subdivision: str | None, first_year: int, last_year: int
    ) -> WorkingCalendar:
        """See the port `WorkingCalendars`."""
        place = place_name(country, subdivision)
        first, last = date(first_year, 1, 1), date(last_year, 12, 31)
        known = self.is_known(country, subdivision)
        closed = self.closed_dates(country, subdivision, first, last) if known else frozenset()
        return WorkingCalendar(place, "listed", first_year, last_year, closed)


@dataclass(frozen=True, slots=True)
class NoEvidence:
    """In memory there is neither a signer nor a map of subjects, and so no evidence about anyone."""

    state: MemoryState

    def bundle(self, tenant: UUID, subject: UUID) -> EvidenceBundle:
        """See the port `Evidence`: NotFound where nothing is about the subject, else Unavailable."""
        with self.state.lock:
            log = self.state.log.get(tenant, [])
            if not any(getattr(one.decision, "subject", None) == subject for one in log):
                raise NotFound()
        raise Unavailable("Evidence needs a ledger that is kept", retry_after_seconds=60)

    def made(
        self,
        tenant: UUID,
        subject: UUID,
        kind: str,  # noqa: ARG002
        beside: Mapping[str, bytes],  # noqa: ARG002
    ) -> EvidenceBundle:
        """Evidence of a kind with files beside it: as `bundle`."""
        return self.bundle(tenant, subject)


class MemoryWorld:
    """All ports, wired to one state."""

    def __init__(
        self,
        seed: int = 0,
        clock: SettableClock | None = None,
        holidays: ListedHolidays | None = None,
    ) -> None:
        self.state = MemoryState()
        self.clock = clock or SettableClock()
        self.ids = SeededIds(Random(seed))
        self.holidays = holidays or ListedHolidays()
        self.vault = MemoryVault(self.state, self.ids)
        self.store = MemoryStore(self.state, self.vault)
        self.book = MemoryBook(self.state)
        self.people = self.vault
        self.opener = self.vault
        self.shredder = MemoryKeyShredder(self.vault)
        self.open_erasures = MemoryOpenErasures(self.state)
        self.answers = MemoryAnswers(self.state, self.clock, self.ids, self.ids.secret())
        self.agenda = MemoryAgenda(self.state)
        self.past = MemoryPast(self.state)
        self.disclosures = MemoryDisclosures(self.state)
        self.positions = MemoryPositions(self.state)
        self.visits = MemoryVisits(self.agenda)
        self.mirrored = MemoryMirrored()
        self.courier = MemoryCourier(self.state)
        self.consents = MemoryConsents(self.state)
        self.erasures = MemoryErasures(self.state)
        self.holdings = MemoryHoldings(self.state)
        self.keeping = MemoryKeeping(self.state)
        self.figures = MemoryFigures(self.state)
        self.request_rows = MemoryRequestRows(self.state)
        self.ledger = MemoryLedger(self.state)
        self.replay_log = MemoryLog(self.ledger)
        self.receipts = MemoryReceipts()
        self.exporter = MemoryExporter(self.ledger)
        self.press = MemoryReportPress(self.ledger)
        self.withheld = MemoryWithheld(self.state)
        self.accesses = MemoryAccesses(self.state)
        self.denial_counts = MemoryDenialCounts(self.state)
        self.duty_totals = MemoryDutyTotals()
