"""The composition root: the only place where use cases meet adapters. No container, nothing at import."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from api.adapters import Lists, Ports
from api.assembly import assemble
from api.platform import Platform
from application.booking.booking_reads import CalendarEntry
from application.disclosing.conditions import (
    NoSender,
    Sender,
)
from application.disclosing.tickets import TicketOffice
from domain.values import Personal, public_id
from infrastructure.calendars import calendar_writer
from infrastructure.calendars.calendar_reader import ICalendarReader
from infrastructure.calendars.public_holidays import PublicHolidays
from infrastructure.copy_room import FolderCopyRoom
from infrastructure.delivery.https_sender import HttpsSender
from infrastructure.delivery.signatures import Ed25519Signatures
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.engine import Engine
from infrastructure.filler import filler_at_call
from infrastructure.ledger.copies.exporter import PostgresExporter
from infrastructure.ledger.copies.replay_log import PostgresLog
from infrastructure.ledger.publishing.ledger_reads import PostgresLedger
from infrastructure.ledger.publishing.mirrored import CheckpointMirrored
from infrastructure.ledger.signing.signer_socket import SignerClient
from infrastructure.ledger.subjects.evidence import PostgresEvidence
from infrastructure.ledger.witnesses.witness_desk import SignerWitness
from infrastructure.ledger.witnesses.witness_policy import load_policy
from infrastructure.ledger.witnesses.witness_store import PostgresWitnessRecords
from infrastructure.policy.policy_file import policy_matrix
from infrastructure.receipts import LogSignedReceipts
from infrastructure.reports import package_press
from infrastructure.reports.certificate_press import LedgerCertificatePress
from infrastructure.reports.letter_pdf import TypstLetters
from infrastructure.reports.press import PostgresReportPress
from infrastructure.store.denial_counts import PostgresDenialCounts
from infrastructure.store.duty_totals import PostgresDutyTotals
from infrastructure.store.erasures import PostgresErasures
from infrastructure.store.event_mapper import EventMapper, NoKeys
from infrastructure.store.event_source import PostgresPositions, SequencedEvents
from infrastructure.store.gauges import PostgresGauges
from infrastructure.store.holdings import PostgresHoldings
from infrastructure.store.open_erasures import PostgresOpenErasures
from infrastructure.store.request_rows import PostgresRequestRows
from infrastructure.twin.memory import MemoryWorld, NoEvidence, SettableClock
from infrastructure.twin.memory_gauges import MemoryGauges
from infrastructure.twin.memory_models import NoModelDesk, NoModelReads
from infrastructure.twin.memory_witnesses import NoWitnesses, WitnessOfNobody
from infrastructure.wall import bound_to
from projections.access_reads import PostgresAccesses
from projections.agenda import PostgresAgenda, PostgresVisits
from projections.consents import PostgresConsents
from projections.courier import PostgresCourier
from projections.disclosure_questions import PostgresDisclosures
from projections.engine.asking import PostgresModelReads
from projections.engine.desk import PostgresModelDesk
from projections.engine.looking_back import LookingBack
from projections.figures import PostgresFigures
from projections.keeping import PostgresKeeping
from projections.models import MAY_LEAVE_OUT, MODELS
from projections.past import PostgresPast
from projections.withheld import PostgresWithheld

IN_MEMORY_IS_READY: Final = {"memory": True}


def in_memory(clock: SettableClock | None = None, seed: int = 0) -> Platform:
    """Everything in this process and nothing kept: for tests and for trying things out."""
    return on_memory(MemoryWorld(seed, clock))


def on_memory(world: MemoryWorld, sender: Callable[[TicketOffice], Sender] = NoSender) -> Platform:
    """Everything on the ports of a world that is there already, whose maker can look into it."""
    return assemble(
        _everywhere()(
            clock=world.clock,
            ids=world.ids,
            store=world.store,
            book=world.book,
            people=world.people,
            opener=world.opener,
            answers=world.answers,
            past=world.past,
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
            erasures=world.erasures,
            streams=world.store,
            open_erasures=world.open_erasures,
            shredder=world.shredder,
            holdings=world.holdings,
            request_rows=world.request_rows,
            duty_totals=world.duty_totals,
            gauges=MemoryGauges(),
            model_reads=NoModelReads(),
            model_desk=NoModelDesk(),
            keeping=world.keeping,
            receipts=world.receipts,
            ledger=world.ledger,
            evidence=NoEvidence(world.state),
            certificate_press=LedgerCertificatePress(NoEvidence(world.state)),
            exporter=world.exporter,
            replay_log=world.replay_log,
            room=FolderCopyRoom(Path(gettempdir())),
            sender=sender,
            witness_records=NoWitnesses(world.ledger),
            witness=WitnessOfNobody(),
            readiness=lambda: IN_MEMORY_IS_READY,
            lists=_lists_on_memory(world),
        )
    )


def _lists_on_memory(world: MemoryWorld) -> Lists:
    """What lists are read from: the world itself."""
    return Lists(
        positions=world.positions,
        agenda=world.agenda,
        disclosures=world.disclosures,
        accesses=world.accesses,
        consents=world.consents,
        figures=world.figures,
    )


def production(
    deployment: Deployment, connections: int, read_url: str | None = None
) -> tuple[Platform, Engine]:
    """Everything on PostgreSQL, and the engine below it, which the caller closes. Raises Unavailable.

    Lists are read from the replica at `read_url` where one is given.
    """
    pin_zones()
    settings, signer = deployment.settings, SignerClient(deployment.settings.signer_socket)
    policy = load_policy(settings.witness_policy) if settings.witness_policy else None
    engine = Engine.connect(deployment, connections=connections, read_url=read_url)
    evidence = PostgresEvidence(engine.app, signer, engine.clock)
    platform = assemble(
        _read_models(engine)(
            model_desk=_desk(deployment),
            clock=engine.clock,
            ids=engine.ids,
            store=engine.store,
            book=engine.book,
            people=engine.people,
            opener=engine.vault,
            answers=engine.answers,
            press=PostgresReportPress(engine.app, signer),
            denial_counts=PostgresDenialCounts(engine.app),
            positions=engine.positions,
            sender=_https(engine, settings.allow_private_recipients),
            mirrored=CheckpointMirrored(engine.app),
            erasures=PostgresErasures(engine.app),
            streams=engine.store,
            open_erasures=PostgresOpenErasures(engine.app),
            shredder=engine.shredder,
            holdings=PostgresHoldings(engine.app),
            request_rows=PostgresRequestRows(engine.app),
            duty_totals=PostgresDutyTotals(engine.app),
            gauges=PostgresGauges(engine.app),
            receipts=LogSignedReceipts(engine.app, signer),
            ledger=PostgresLedger(engine.app),
            evidence=evidence,
            certificate_press=LedgerCertificatePress(evidence),
            exporter=PostgresExporter(engine.app, signer),
            replay_log=PostgresLog(engine.app),
            room=FolderCopyRoom(deployment.settings.data / "run"),
            witness_records=PostgresWitnessRecords(engine.app, policy, engine.clock),
            witness=SignerWitness(settings),
            readiness=engine.readiness,
            origin=settings.origin,
            unwitnessed_seconds_max=settings.unwitnessed_seconds_max,
        )
    )
    return platform, engine


def _everywhere() -> partial[Ports]:
    """What is the same wherever the rest is kept; the rest is still to come."""
    return partial(
        Ports,
        policy=policy_matrix(),
        signatures=Ed25519Signatures(),
        letter_press=TypstLetters(),
        holidays=PublicHolidays(),
        working_calendars=PublicHolidays(),
        calendars=ICalendarReader(),
        booking_calendar=booking_calendar,
        package_bytes=package_press.written,
        bound=bound_to,
    )


def _read_models(engine: Engine) -> partial[Ports]:
    """What is read from the read models, beside what is the same everywhere."""
    visits, courier = PostgresVisits(engine.app, engine.positions), PostgresCourier(engine.app)
    accesses = PostgresAccesses(engine.app)
    looking_back = LookingBack(engine.app, SequencedEvents(engine.mapper))
    return partial(
        _everywhere(),
        lists=_lists(engine),
        replica=engine.replica,
        disclosures=PostgresDisclosures(engine.app),
        accesses=accesses,
        reviews=accesses,
        visits=visits,
        visitors=visits,
        withheld=PostgresWithheld(engine.app, engine.positions),
        due_things=courier,
        handed=courier,
        follow_ups=courier,
        keeping=PostgresKeeping(engine.app),
        past=PostgresPast(engine.app, looking_back),
        model_reads=PostgresModelReads(engine.app, looking_back, MODELS),
    )


def _lists(engine: Engine) -> Lists:
    """What lists are read from: the same models, on a replica where there is one."""
    rows = engine.lists
    return Lists(
        positions=PostgresPositions(engine.app, engine.positions.standings, engine.read_side),
        agenda=PostgresAgenda(rows),
        disclosures=PostgresDisclosures(rows),
        accesses=PostgresAccesses(rows),
        consents=PostgresConsents(rows),
        figures=PostgresFigures(rows),
    )


def _desk(deployment: Deployment) -> PostgresModelDesk:
    """What operates read models: as the role that fills them, and only while it does."""
    connected = partial(filler_at_call, deployment)
    return PostgresModelDesk(
        connected, MODELS, SequencedEvents(EventMapper(NoKeys())), MAY_LEAVE_OUT
    )


def _https(engine: Engine, allow_private: bool) -> Callable[[TicketOffice], Sender]:
    return lambda office: HttpsSender(office, engine.clock, allow_private=allow_private)


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
