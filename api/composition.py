"""The composition root: the only place where use cases meet adapters. No container, nothing at import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from api.platform import Platform
from application.access.access_log import Accesses, AccessLog
from application.access.access_reviews import ReviewRows, Reviews
from application.access.break_glass import BreakGlass
from application.access.denials import DenialCounts, Denials
from application.access.reveal import Reveal
from application.answers.disclosure_answers import DisclosureAnswers
from application.answers.disclosure_reads import Disclosures
from application.booking.agenda import AgendaReads
from application.booking.booking_course import BookingCourse
from application.booking.booking_reads import BookingReads, CalendarEntry
from application.booking.holds import Holds
from application.booking.placing import Bookings
from application.booking.slots import Slots
from application.consents.choices import Consents, ReceiptSigner, StreamConsentStates
from application.consents.history import ConsentHistory, ConsentReads
from application.disclosing.conditions import (
    Mirrored,
    NoSender,
    Objections,
    Orders,
    Sender,
    Visits,
)
from application.disclosing.courier import Courier, DueThings
from application.disclosing.disclose import Disclose
from application.disclosing.facts import FactsOfSending
from application.disclosing.follow_up_replies import FollowUpList, FollowUpReplies
from application.disclosing.follow_ups import FollowUps, HandedTo
from application.disclosing.forged_tickets import ForgedTickets
from application.disclosing.parcels import Parcels
from application.disclosing.recipients import Recipients
from application.disclosing.replies import Replies, Signatures
from application.disclosing.tickets import TicketOffice
from application.ledger.evidence import Evidence, EvidenceReads
from application.ledger.exports import CopyRoom, Exporter, LedgerExports
from application.ledger.reading import Ledger, LedgerReads
from application.ledger.records import LedgerRecords
from application.ledger.witnessing import Witness, Witnessing, WitnessRecords
from application.orders.franchise_requests import FranchiseRequests, Visitors
from application.orders.legal_processes import LegalProcesses, StandingOrders
from application.orders.openings import WithheldDisclosures
from application.people.contacts import KnownPeople
from application.people.people import Holdings, People
from application.people_known import Erasures
from application.policy.policies import Policies, PoliciesInForce, PolicyKeepingStore
from application.policy.policy_matrix import PolicyReads
from application.policy.purposes import Purposes
from application.ports import (
    Agenda,
    Answers,
    Book,
    CalendarReader,
    Clock,
    EventStore,
    Holidays,
    Ids,
    Opener,
    Positions,
)
from application.reports.issuing import Reports
from application.reports.report import ReportPress
from application.setup.access_keys import AccessKeys
from application.setup.locations import Locations
from application.setup.services import Services
from application.setup.staffing import Staffing
from application.setup.tenancy import ORIGIN, Tenancy
from domain.values import Personal, public_id
from infrastructure.calendars import calendar_writer
from infrastructure.calendars.calendar_reader import ICalendarReader
from infrastructure.calendars.public_holidays import PublicHolidays
from infrastructure.copy_room import FolderCopyRoom
from infrastructure.delivery.https_sender import HttpsSender, default_context
from infrastructure.delivery.signatures import Ed25519Signatures
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.engine import Engine
from infrastructure.ledger.copies.exporter import PostgresExporter
from infrastructure.ledger.publishing.ledger_reads import PostgresLedger
from infrastructure.ledger.publishing.mirrored import CheckpointMirrored
from infrastructure.ledger.signing.signer_socket import SignerClient
from infrastructure.ledger.subjects.evidence import PostgresEvidence
from infrastructure.ledger.witnesses.witness_desk import SignerWitness
from infrastructure.ledger.witnesses.witness_policy import load_policy
from infrastructure.ledger.witnesses.witness_store import PostgresWitnessRecords
from infrastructure.policy.policy_file import policy_matrix
from infrastructure.receipts import LogSignedReceipts
from infrastructure.reports.press import PostgresReportPress
from infrastructure.store.denial_counts import PostgresDenialCounts
from infrastructure.store.erasures import PostgresErasures
from infrastructure.store.holdings import PostgresHoldings
from infrastructure.twin.memory import MemoryWorld, NoEvidence, SettableClock
from infrastructure.twin.memory_witnesses import NoWitnesses, WitnessOfNobody
from infrastructure.wall import bound_to
from projections.access_reads import PostgresAccesses
from projections.agenda import PostgresAgenda, PostgresVisits
from projections.consents import PostgresConsents
from projections.courier import PostgresCourier
from projections.disclosure_questions import PostgresDisclosures
from projections.withheld import PostgresWithheld

IN_MEMORY_IS_READY: Final = {"memory": True}


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
    agenda: Agenda
    disclosures: Disclosures
    press: ReportPress
    accesses: Accesses
    reviews: ReviewRows
    denial_counts: DenialCounts
    positions: Positions
    visits: Visits
    visitors: Visitors
    withheld: WithheldDisclosures
    mirrored: Mirrored
    due_things: DueThings
    handed: HandedTo
    follow_ups: FollowUpList
    consents: ConsentHistory
    erasures: Erasures
    holdings: Holdings
    receipts: ReceiptSigner
    ledger: Ledger
    evidence: Evidence
    exporter: Exporter
    room: CopyRoom
    witness_records: WitnessRecords
    witness: Witness
    holidays: Holidays
    calendars: CalendarReader
    readiness: Callable[[], Mapping[str, bool]]
    origin: str = ORIGIN
    unwitnessed_seconds_max: int = 86_400
    sender: Callable[[TicketOffice], Sender] = NoSender
    signatures: Signatures = field(default_factory=Ed25519Signatures)


def assemble(ports: Ports) -> Platform:
    """The use cases, each with the ports that it needs."""
    clock, ids, book = ports.clock, ports.ids, ports.book
    in_force = PoliciesInForce(book, clock)
    store = PolicyKeepingStore(ports.store, in_force)
    orders = StandingOrders(book)
    denials, reveal, records = _first_door(ports, store, orders)
    witnessing = Witnessing(ports.witness_records, clock, ports.unwitnessed_seconds_max)
    out = _courier(ports, store, orders)
    return _business(ports, store, reveal)(
        disclosure_answers=_disclosure_answers(ports),
        reports=_reports(ports, records, witnessing),
        recipients=Recipients(store, book, ports.people, clock, ids),
        follow_ups=FollowUpReplies(store, book, ports.follow_ups, ports.signatures, clock, ids),
        courier=out,
        franchise_requests=FranchiseRequests(store, book, ports.visitors, out.disclose, clock, ids),
        replies=Replies(store, book, ports.signatures, clock, ids),
        people=People(store, ports.people, ports.holdings, ports.erasures, reveal, clock, ids),
        policies=Policies(store, book, clock, ids, in_force, ports.erasures),
        consents=Consents(store, book, clock, ids, in_force, ports.erasures, ports.receipts),
        consent_reads=ConsentReads(store, ports.consents, ports.positions, reveal, clock),
        purposes=Purposes(store, book, clock, ids),
        denials=denials,
        break_glass=BreakGlass(store, book, clock, ids),
        access_log=AccessLog(ports.accesses, ports.positions, store),
        access_reviews=_reviews(ports, store),
        policy=PolicyReads(policy_matrix()),
        ledger=LedgerReads(ports.ledger),
        evidence=EvidenceReads(ports.evidence, records, witnessing),
        legal_processes=_legal_processes(ports, store, reveal),
        exports=LedgerExports(ports.ledger, ports.exporter, records, ports.room, clock),
        witnessing=witnessing,
        witness=ports.witness,
        booking_calendar=booking_calendar,
        readiness=ports.readiness,
        bound=bound_to,
    )


def _business(ports: Ports, store: EventStore, reveal: Reveal) -> partial[Platform]:
    """What a business is run with: set up, sold and looked up; the rest of the platform is still to come."""
    clock, ids, book = ports.clock, ports.ids, ports.book
    return partial(
        Platform,
        clock=clock,
        ids=ids,
        answers=ports.answers,
        positions=ports.positions,
        tenancy=Tenancy(store, book, clock, ids, ports.origin),
        access_keys=AccessKeys(store, book, clock, ids),
        locations=Locations(store, book, clock, ids, ports.holidays),
        services=Services(store, book, clock, ids),
        staffing=Staffing(store, book, ports.people, ports.calendars, clock, ids),
        slots=Slots(book, clock, ports.holidays),
        holds=Holds(store, book, clock, ids, ports.holidays),
        bookings=Bookings(store, book, ports.people, clock, ids, ports.holidays),
        booking_course=BookingCourse(store, book, clock, ids, ports.holidays),
        booking_reads=BookingReads(store, book, reveal),
        agenda=AgendaReads(ports.agenda, ports.positions, book, reveal),
    )


def _disclosure_answers(ports: Ports) -> DisclosureAnswers:
    states = StreamConsentStates(ports.store, ports.clock)
    return DisclosureAnswers(
        ports.disclosures, ports.positions, ports.ledger, ports.store, states, ports.clock
    )


def _reports(ports: Ports, records: LedgerRecords, witnessing: Witnessing) -> Reports:
    return Reports(
        ports.disclosures,
        ports.positions,
        ports.store,
        ports.press,
        records,
        witnessing,
        ports.clock,
    )


def _first_door(
    ports: Ports, store: EventStore, orders: StandingOrders
) -> tuple[Denials, Reveal, LedgerRecords]:
    """What is opened inside, what is refused there, and what is copied: all of it heeds the gags that run."""
    clock, ids = ports.clock, ports.ids
    denials = Denials(store, ports.denial_counts, clock, ids, orders)
    reveal = Reveal(store, ports.opener, clock, ids, ports.book, denials, orders)
    return denials, reveal, LedgerRecords(store, clock, ids, orders)


def _reviews(ports: Ports, store: EventStore) -> Reviews:
    """The reviews of broken glass."""
    clock, ids = ports.clock, ports.ids
    return Reviews(store, ports.ledger, ports.book, ports.reviews, ports.positions, clock, ids)


def _legal_processes(ports: Ports, store: EventStore, reveal: Reveal) -> LegalProcesses:
    """The legal processes, whose demands open through the first door."""
    clock, ids, book = ports.clock, ports.ids, ports.book
    return LegalProcesses(store, book, ports.people, reveal, ports.withheld, clock, ids)


def _courier(ports: Ports, store: EventStore, orders: Orders) -> Courier:
    """The second door, its one office that makes tickets, and the courier that goes on with what it began."""
    clock, ids, book = ports.clock, ports.ids, ports.book
    office = TicketOffice(ForgedTickets(store, clock, ids).record)
    sender, parcels = ports.sender(office), Parcels(store, ports.opener, office)
    facts = FactsOfSending(
        store,
        book,
        ports.visits,
        StreamConsentStates(store, clock),
        Objections(store, clock),
        orders,
        clock,
    )
    door = Disclose(store, ports.opener, facts, ports.mirrored, parcels, sender, clock, ids)
    follow_ups = FollowUps(store, book, ports.handed, parcels, sender, clock, ids)
    return Courier(store, door, follow_ups, ports.due_things, clock, ids)


def in_memory(clock: SettableClock | None = None, seed: int = 0) -> Platform:
    """Everything in this process and nothing kept: for tests and for trying things out."""
    world = MemoryWorld(seed, clock)
    return assemble(
        Ports(
            clock=world.clock,
            ids=world.ids,
            store=world.store,
            book=world.book,
            people=world.people,
            opener=world.opener,
            answers=world.answers,
            agenda=world.agenda,
            disclosures=world.disclosures,
            press=world.press,
            accesses=world.accesses,
            reviews=world.accesses,
            denial_counts=world.denial_counts,
            positions=world.positions,
            visits=world.visits,
            visitors=world.visits,
            withheld=world.withheld,
            mirrored=world.mirrored,
            due_things=world.courier,
            handed=world.courier,
            follow_ups=world.courier,
            consents=world.consents,
            erasures=world.erasures,
            holdings=world.holdings,
            receipts=world.receipts,
            ledger=world.ledger,
            evidence=NoEvidence(world.state),
            exporter=world.exporter,
            room=FolderCopyRoom(Path(gettempdir())),
            witness_records=NoWitnesses(world.ledger),
            witness=WitnessOfNobody(),
            holidays=PublicHolidays(),
            calendars=ICalendarReader(),
            readiness=lambda: IN_MEMORY_IS_READY,
        )
    )


def production(deployment: Deployment, connections: int) -> tuple[Platform, Engine]:
    """Everything on PostgreSQL, and the engine below it, which the caller closes. Raises Unavailable."""
    pin_zones()
    settings = deployment.settings
    policy = load_policy(settings.witness_policy) if settings.witness_policy else None
    engine = Engine.connect(deployment, connections=connections)
    visits = PostgresVisits(engine.app, engine.positions)
    signer = SignerClient(deployment.settings.signer_socket)
    platform = assemble(
        Ports(
            clock=engine.clock,
            ids=engine.ids,
            store=engine.store,
            book=engine.book,
            people=engine.people,
            opener=engine.vault,
            answers=engine.answers,
            agenda=PostgresAgenda(engine.app),
            disclosures=PostgresDisclosures(engine.app),
            press=PostgresReportPress(engine.app, signer),
            accesses=PostgresAccesses(engine.app),
            reviews=PostgresAccesses(engine.app),
            denial_counts=PostgresDenialCounts(engine.app),
            positions=engine.positions,
            visits=visits,
            visitors=visits,
            withheld=PostgresWithheld(engine.app, engine.positions),
            sender=_https(engine, settings.allow_private_recipients),
            mirrored=CheckpointMirrored(engine.app),
            due_things=PostgresCourier(engine.app),
            handed=PostgresCourier(engine.app),
            follow_ups=PostgresCourier(engine.app),
            consents=PostgresConsents(engine.app),
            erasures=PostgresErasures(engine.app),
            holdings=PostgresHoldings(engine.app),
            receipts=LogSignedReceipts(engine.app, signer),
            ledger=PostgresLedger(engine.app),
            evidence=PostgresEvidence(engine.app, signer, engine.clock),
            exporter=PostgresExporter(engine.app, signer),
            room=FolderCopyRoom(deployment.settings.data / "run"),
            witness_records=PostgresWitnessRecords(engine.app, policy, engine.clock),
            witness=SignerWitness(settings),
            holidays=PublicHolidays(),
            calendars=ICalendarReader(),
            readiness=engine.readiness,
            origin=settings.origin,
            unwitnessed_seconds_max=settings.unwitnessed_seconds_max,
        )
    )
    return platform, engine


def _https(engine: Engine, allow_private: bool) -> Callable[[TicketOffice], Sender]:
    return lambda office: HttpsSender(office, engine.clock, default_context(), allow_private)


def booking_calendar(entry: CalendarEntry) -> bytes:
    """One booking as iCalendar; its customer's name and address where they were opened for it."""
    it = entry.booking
    opened = (entry.customer or {}).get("name"), (entry.customer or {}).get("address")
    place = entry.location_name
    if entry.location_address is not None:
        place = f"{place}, {entry.location_address}"
    return calendar_writer.booking_ics(
        calendar_writer.CalendarEntry(
            booking_id=public_id("booking", it.id),
            sequence=it.sequence,
            changed_at=entry.changed_at,
            start=it.visit.start,
            end=it.visit.end,
            status=it.status.value,
            service=entry.service_name,
            location=place,
            customer=tuple(line.open() for line in opened if isinstance(line, Personal)),
        )
    )
