"""What the platform is put together from: one adapter for every port."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from application.access.access_log import Accesses
from application.access.access_reviews import ReviewRows
from application.access.denials import DenialCounts
from application.answers.disclosure_reads import Disclosures
from application.booking.booking_reads import CalendarEntry
from application.consents.choices import ReceiptSigner
from application.consents.history import ConsentHistory
from application.custody.custodies import Streams
from application.disclosing.conditions import (
    Heads,
    Mirrored,
    NoSender,
    Sender,
    Visits,
)
from application.disclosing.courier import DueThings
from application.disclosing.follow_up_replies import FollowUpList
from application.disclosing.follow_ups import HandedTo
from application.disclosing.replies import Signatures
from application.disclosing.tickets import TicketOffice
from application.erasing.certificates import CertificatePress
from application.erasing.eraser import OpenErasures
from application.erasing.key_shredding import KeyShredder
from application.figures.figures import FigureRows
from application.gauges import Gauges
from application.holding.expiry import KeepingRows
from application.kept_answers import Answers
from application.ledger.evidence import Evidence
from application.ledger.exports import CopyRoom, Exporter
from application.ledger.reading import Ledger
from application.ledger.replaying import Log
from application.ledger.witnessing import Witness, WitnessRecords
from application.looking_back import Past
from application.operating_models import ModelDesk
from application.orders.franchise_requests import Visitors
from application.orders.openings import WithheldDisclosures
from application.people.contacts import KnownPeople
from application.people.people import Holdings
from application.people_known import Erasures
from application.policy.policy_matrix import PolicyMatrix
from application.portability.packaging import Package
from application.ports import (
    Agenda,
    Book,
    CalendarReader,
    Clock,
    EventStore,
    Holidays,
    Ids,
    Opener,
    Positions,
)
from application.read_models import ModelReads, ReplicaState
from application.reports.report import ReportPress
from application.requests.asked import RequestRows
from application.requests.duties import DutyTotals
from application.requests.letters import LetterPress
from application.setup.tenancy import ORIGIN
from application.working_calendars import WorkingCalendars
from domain.package import PackageFormat


@dataclass(frozen=True, slots=True)
class Lists:
    """What lists are read from, which may be a replica: nothing is decided by it. README D14."""

    positions: Positions
    agenda: Agenda
    disclosures: Disclosures
    accesses: Accesses
    consents: ConsentHistory
    figures: FigureRows


@dataclass(frozen=True, slots=True)
class Ports:
    """One adapter for every port."""

    clock: Clock
    ids: Ids
    store: EventStore
    book: Book
    people: KnownPeople
    opener: Opener
    answers: Answers
    past: Past
    lists: Lists
    disclosures: Disclosures
    press: ReportPress
    accesses: Accesses
    reviews: ReviewRows
    denial_counts: DenialCounts
    positions: Heads
    visits: Visits
    visitors: Visitors
    withheld: WithheldDisclosures
    mirrored: Mirrored
    due_things: DueThings
    handed: HandedTo
    follow_ups: FollowUpList
    erasures: Erasures
    streams: Streams
    open_erasures: OpenErasures
    shredder: KeyShredder
    holdings: Holdings
    request_rows: RequestRows
    keeping: KeepingRows
    receipts: ReceiptSigner
    ledger: Ledger
    evidence: Evidence
    certificate_press: CertificatePress
    exporter: Exporter
    replay_log: Log
    room: CopyRoom
    witness_records: WitnessRecords
    witness: Witness
    holidays: Holidays
    working_calendars: WorkingCalendars
    calendars: CalendarReader
    readiness: Callable[[], Mapping[str, bool]]
    policy: PolicyMatrix
    signatures: Signatures
    letter_press: LetterPress
    duty_totals: DutyTotals
    gauges: Gauges
    model_reads: ModelReads
    model_desk: ModelDesk
    booking_calendar: Callable[[CalendarEntry], bytes]
    package_bytes: Callable[[Package, PackageFormat], bytes]
    bound: Callable[[UUID], AbstractContextManager[None]]
    replica: Callable[[], ReplicaState | None] = lambda: None
    origin: str = ORIGIN
    unwitnessed_seconds_max: int = 86_400
    sender: Callable[[TicketOffice], Sender] = NoSender
