"""Which use case gets which ports: the whole platform, put together from one adapter for every port."""

from __future__ import annotations

from functools import partial

from api.adapters import Ports
from api.platform import Platform
from application.access.access_log import AccessLog
from application.access.access_reviews import Reviews
from application.access.break_glass import BreakGlass
from application.access.denials import Denials
from application.access.reveal import Reveal
from application.answers.disclosure_answers import DisclosureAnswers
from application.booking.agenda import AgendaReads
from application.booking.booking_course import BookingCourse
from application.booking.booking_reads import BookingReads
from application.booking.holds import Holds
from application.booking.placing import Bookings
from application.booking.slots import Slots
from application.consents.choices import Consents, StreamConsentStates
from application.consents.history import ConsentReads
from application.custody.custodies import Custodies
from application.disclosing.conditions import (
    Objections,
    Orders,
)
from application.disclosing.courier import Courier
from application.disclosing.disclose import Disclose
from application.disclosing.facts import FactsOfSending
from application.disclosing.follow_up_replies import FollowUpReplies
from application.disclosing.follow_ups import FollowUps
from application.disclosing.forged_tickets import ForgedTickets
from application.disclosing.parcels import Parcels
from application.disclosing.recipients import Recipients
from application.disclosing.replies import Replies
from application.disclosing.tickets import TicketOffice
from application.erasing.certificates import Certificates
from application.erasing.eraser import Eraser
from application.erasing.ordering import ErasureOrders
from application.erasing.reading import ErasureReads
from application.figures.figures import Figures
from application.holding.expiry import Expiry
from application.holding.hold_log import StandingHolds
from application.holding.keeping import FactsOfKeeping, RulesKeeping
from application.holding.legal_holds import HoldOpenings, LegalHolds
from application.holding.retention_rules import RetentionRules
from application.ledger.evidence import EvidenceReads
from application.ledger.exports import LedgerExports
from application.ledger.reading import LedgerReads
from application.ledger.records import LedgerRecords
from application.ledger.replaying import Replays
from application.ledger.witnessing import Witnessing
from application.operating_models import OperatedModels
from application.orders.franchise_requests import FranchiseRequests
from application.orders.legal_processes import LegalProcesses, StandingOrders
from application.people.people import People
from application.policy.policies import Policies, PoliciesInForce, PolicyKeepingStore
from application.policy.policy_matrix import PolicyReads
from application.policy.purposes import Purposes
from application.portability.packaging import Packaging
from application.portability.pages import PersonPages
from application.ports import (
    EventStore,
)
from application.read_models import ReadModels
from application.reports.issuing import Reports
from application.requests.asked import RequestsAsked
from application.requests.carrying_out import CarryingOut
from application.requests.desk import RequestDesk
from application.requests.duties import Duties
from application.requests.ending import RequestEnding
from application.requests.history import RequestHistory
from application.requests.letters import Letters
from application.requests.privacy_requests import PrivacyRequests
from application.requests.receiving import Reception
from application.requests.steps import Steps
from application.requests.telling import Telling
from application.requests.timing import RequestTiming
from application.requests.verdicts import RequestVerdicts
from application.setup.access_keys import AccessKeys
from application.setup.locations import Locations
from application.setup.services import Services
from application.setup.staffing import Staffing
from application.setup.tenancy import Tenancy


def assemble(ports: Ports) -> Platform:
    """The use cases, each with the ports that it needs."""
    clock, ids, book = ports.clock, ports.ids, ports.book
    in_force = PoliciesInForce(book, clock)
    store = PolicyKeepingStore(ports.store, in_force)
    orders = StandingOrders(book)
    denials, reveal, records = _first_door(ports, store, orders)
    witnessing = Witnessing(ports.witness_records, clock, ports.unwitnessed_seconds_max)
    out = _courier(ports, store, orders)
    people = People(store, ports.people, ports.holdings, ports.erasures, reveal, clock, ids)
    erasing = _erasure_orders(ports, store)
    return _held(ports, store, reveal, people)(
        reports=_reports(ports, records, witnessing),
        recipients=Recipients(store, book, ports.people, clock, ids),
        follow_ups=FollowUpReplies(store, book, ports.follow_ups, ports.signatures, clock, ids),
        courier=out,
        eraser=_eraser(ports, store, erasing),
        legal_holds=LegalHolds(store, book, erasing, clock, ids),
        hold_openings=HoldOpenings(store, book, clock, ids),
        retention_rules=RetentionRules(store, clock, ids),
        expiry=_expiry(ports, store, erasing),
        certificates=_certificates(ports, store, records, witnessing),
        franchise_requests=FranchiseRequests(store, book, ports.visitors, out.disclose, clock, ids),
        replies=Replies(store, book, ports.signatures, clock, ids),
        request_desk=_request_desk(ports, store, people),
        duty_totals=ports.duty_totals,
        gauges=ports.gauges,
        policies=Policies(store, book, clock, ids, in_force, ports.erasures),
        consents=Consents(store, book, clock, ids, in_force, ports.erasures, ports.receipts),
        purposes=Purposes(store, book, clock, ids),
        erasures=ErasureReads(store, book, StandingHolds(book, clock), ports.handed),
        denials=denials,
        break_glass=BreakGlass(store, book, clock, ids),
        access_reviews=_reviews(ports, store),
        policy=PolicyReads(ports.policy),
        ledger=LedgerReads(ports.ledger),
        read_models=ReadModels(ports.model_reads),
        operated_models=_operated_models(ports, store, denials),
        evidence=EvidenceReads(ports.evidence, records, witnessing),
        legal_processes=_legal_processes(ports, store, reveal),
        replays=Replays(ports.replay_log, store, records),
        exports=LedgerExports(ports.ledger, ports.exporter, records, ports.room, clock),
        witnessing=witnessing,
        witness=ports.witness,
        booking_calendar=ports.booking_calendar,
        readiness=ports.readiness,
        replica=ports.replica,
        bound=ports.bound,
    )


def _operated_models(ports: Ports, store: EventStore, denials: Denials) -> OperatedModels:
    """What engineers do to read models."""
    return OperatedModels(
        ports.model_desk, ports.model_reads, denials, store, ports.clock, ports.ids
    )


def _held(ports: Ports, store: EventStore, reveal: Reveal, people: People) -> partial[Platform]:
    """What is asked about one person, beside what a business is run with; the rest is still to come."""
    answers = _disclosure_answers(ports)
    consents = ConsentReads(store, ports.lists.consents, ports.lists.positions, reveal, ports.clock)
    log = AccessLog(ports.lists.accesses, ports.lists.positions, store)
    packaging = Packaging(
        store,
        reveal,
        ports.erasures,
        ports.visits,
        ports.disclosures,
        ports.accesses,
        ports.clock,
        ports.ids,
    )
    return partial(
        _business(ports, store, reveal),
        people=people,
        disclosure_answers=answers,
        consent_reads=consents,
        access_log=log,
        packaging=packaging,
        package_bytes=ports.package_bytes,
        person_pages=PersonPages(store, people, consents, ports.visits, answers, log),
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
        agenda=AgendaReads(
            ports.lists.agenda, ports.lists.positions, book, reveal, ports.past, clock
        ),
        figures=Figures(ports.lists.figures, ports.lists.positions, book, ports.holidays),
    )


def _request_desk(ports: Ports, store: EventStore, people: People) -> RequestDesk:
    """What people ask for under the law, and everything that is due."""
    clock, ids, book = ports.clock, ports.ids, ports.book
    times, telling = RequestTiming(ports.working_calendars), Telling(store, ports.handed)
    course = BookingCourse(store, book, clock, ids, ports.holidays)
    orders = _erasure_orders(ports, store)
    carrying = CarryingOut(
        store, ports.ledger, ports.positions, ports.visits, course, orders, clock, ids
    )
    steps = Steps(store, book, clock, ids)
    requests = PrivacyRequests(steps, times, carrying, telling)
    return RequestDesk(
        reception=Reception(store, book, people, ports.people, clock, ids),
        requests=requests,
        letters=Letters(requests, ports.letter_press),
        duties=Duties(
            *(store, book, times, telling, ports.reviews, ports.follow_ups),
            StandingHolds(book, clock),
            ports.request_rows,
            clock,
        ),
        ending=RequestEnding(steps, ports.request_rows, telling, orders),
    )


def _disclosure_answers(ports: Ports) -> DisclosureAnswers:
    states = StreamConsentStates(ports.store, ports.clock)
    beside = (ports.ledger, ports.store, states, ports.clock)
    for_persons = DisclosureAnswers(ports.disclosures, ports.positions, *beside)
    lists = ports.lists
    return DisclosureAnswers(lists.disclosures, lists.positions, *beside, for_persons=for_persons)


def _reports(ports: Ports, records: LedgerRecords, witnessing: Witnessing) -> Reports:
    return Reports(
        ports.disclosures,
        ports.positions,
        ports.store,
        ports.press,
        records,
        witnessing,
        ports.clock,
        RequestHistory(ports.store, ports.ledger),
    )


def _first_door(
    ports: Ports, store: EventStore, orders: StandingOrders
) -> tuple[Denials, Reveal, LedgerRecords]:
    """What is opened inside, what is refused there, and what is copied: all of it heeds the gags that run."""
    clock, ids = ports.clock, ports.ids
    denials = Denials(store, ports.denial_counts, clock, ids, orders)
    reveal = Reveal(store, ports.opener, clock, ids, ports.book, denials, orders, _custodies(ports))
    return denials, reveal, LedgerRecords(store, clock, ids, orders)


def _reviews(ports: Ports, store: EventStore) -> Reviews:
    """The reviews of broken glass."""
    clock, ids = ports.clock, ports.ids
    return Reviews(store, ports.ledger, ports.book, ports.reviews, ports.positions, clock, ids)


def _facts_of_keeping(ports: Ports, store: EventStore) -> FactsOfKeeping:
    """What the periods of retention run from."""
    asked = RequestsAsked(ports.request_rows)
    return FactsOfKeeping(store, ports.holdings, ports.visits, asked)


def _expiry(ports: Ports, store: EventStore, erasing: ErasureOrders) -> Expiry:
    """What lets go by itself."""
    facts = _facts_of_keeping(ports, store)
    return Expiry(store, ports.keeping, facts, erasing, ports.positions, ports.clock)


def _erasure_orders(ports: Ports, store: EventStore) -> ErasureOrders:
    """What orders erasures, and heeds rules, holds and gags."""
    clock, ids, book = ports.clock, ports.ids, ports.book
    keeping = RulesKeeping(store, _facts_of_keeping(ports, store))
    return ErasureOrders(store, book, keeping, StandingHolds(book, clock), clock, ids)


def _certificates(
    ports: Ports, store: EventStore, records: LedgerRecords, witnessing: Witnessing
) -> Certificates:
    return Certificates(
        store,
        ports.book,
        ports.handed,
        RequestVerdicts(ports.book, RequestTiming(ports.working_calendars), ports.clock),
        ports.certificate_press,
        witnessing,
        records,
        ports.clock,
        ports.ids,
    )


def _custodies(ports: Ports) -> Custodies:
    return Custodies(ports.store, ports.streams)


def _eraser(ports: Ports, store: EventStore, orders: ErasureOrders) -> Eraser:
    """What carries erasures through."""
    tools = (ports.mirrored, ports.shredder, ports.bound, ports.clock, ports.ids)
    return Eraser(store, ports.book, ports.open_erasures, orders, *tools)


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
        _custodies(ports),
        orders,
        clock,
    )
    door = Disclose(store, ports.opener, facts, ports.mirrored, parcels, sender, clock, ids)
    follow_ups = FollowUps(store, book, ports.handed, parcels, sender, clock, ids)
    return Courier(store, door, follow_ups, ports.due_things, clock, ids)
