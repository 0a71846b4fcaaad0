"""Every tenant is a wall, and each part may do its own work only. README D2, D13.

One tenant is bound, and says in every argument of every port that it is another, or asks for what is another's: it sees
nothing, and not a row of the other changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from application.answers.disclosure_reads import AsOf, Wanted
from application.booking.claims import claim_of_hold
from application.ports import Append, BusyReplacement, CatalogEntry, Facts, Outcome, Release
from application.recorded import Answer, Ticket
from domain.errors import DomainError
from domain.hold import HoldReleased
from domain.service import Service, ServiceTerms
from domain.values import epoch_seconds, from_epoch
from infrastructure.clock import SystemClock
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.subjects.map_drawing import draw
from infrastructure.ledger.subjects.subject_index import index_some
from infrastructure.store.denial_counts import PostgresDenialCounts
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.sequencer import Sequencer
from infrastructure.wall import bound_to
from projections.access_reads import PostgresAccesses
from projections.accesses import AccessesModel
from projections.agenda import AgendaModel, PostgresAgenda
from projections.consents import ConsentsModel, PostgresConsents
from projections.disclosure_questions import PostgresDisclosures
from projections.disclosures import DisclosuresModel
from projections.engine.follower import Follower
from projections.keeping import KeepingModel, PostgresKeeping
from tests.disclosing import Disclosing
from tests.store.filling import EMAIL, Filled, fill

ANSWER = Answer(201, (("etag", '"1"'),), b"{}")
DAYS = timedelta(days=2)
FAR = 4_102_444_800  # 2100-01-01T00:00Z
FAR_OFF = from_epoch(FAR)
NOW = AsOf(FAR_OFF)
TABLES_OF_TENANTS = (
    "SELECT relname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attname = 'tenant_id'"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
EARLY, LATE = datetime(1970, 1, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
BARRED = (DomainError, psycopg.errors.InsufficientPrivilege)


@dataclass(frozen=True)
class Two:
    """The tenant who asks, and the one who is asked about."""

    engine: Engine
    agenda: PostgresAgenda
    mine: Filled
    theirs: Filled

    @property
    def their(self) -> UUID:
        """The other tenant's id."""
        return self.theirs.tenant.id


def sign_something(owner: psycopg.Connection[Any], tenant: UUID) -> None:
    """A full tile, a checkpoint, a witness's word, rows of models that are not followed here."""
    owner.execute(
        "INSERT INTO ledger_tile VALUES (%s, 0, 0, %s, %s)", (tenant, b"r" * 32, b"d" * 8_192)
    )
    owner.execute(
        "INSERT INTO ledger_checkpoint (tenant_id, size, root, note, signed_at)"
        " VALUES (%s, 256, %s, 'a note', '2027-01-01Z')",
        (tenant, b"r" * 32),
    )
    for row in (
        "courier_due_v1 VALUES (%(of)s, %(of)s, 'disclosure', %(of)s, NULL, '2027-01-01Z')",
        "courier_change_v1 VALUES (%(of)s, 0, 'change', %(of)s, %(of)s)",
        "courier_mark VALUES (%(of)s, 0)",
        "courier_handed_v1 VALUES (%(of)s, %(of)s, %(of)s)",
        "courier_follow_up_v1 VALUES (%(of)s, %(of)s, %(of)s, '2027-01-01Z', true)",
        "withheld_disclosure_v1 VALUES (%(of)s, %(of)s, %(of)s, '2027-01-01Z')",
        "withheld_tag_v1 VALUES (%(of)s, %(of)s, %(of)s, %(of)s)",
        "figure_booking_v1 VALUES (%(of)s, %(of)s, %(of)s, %(of)s, %(of)s, 'key_1', 0, 0, 30, 'confirmed')",
        "figure_work_v1 VALUES (%(of)s, %(of)s, 1, 0, NULL, ARRAY[%(of)s], NULL)",
    ):
        owner.execute(f"INSERT INTO {row}".encode(), {"of": tenant})
    owner.execute(
        "INSERT INTO witness_state (tenant_id, witness, size) VALUES (%s, 'w+00000000', 256)",
        (tenant,),
    )


def share_something(engine: Engine, one: Filled) -> None:
    """A disclosure of the tenant's person to a recipient."""
    tenant = one.tenant.id
    story = Disclosing(engine.store, tenant, bound=lambda: bound_to(tenant))
    story.sent(story.recipient(), one.subject)


def draw_maps(deployment: Deployment, engine: Engine, *tenants: UUID) -> None:
    """Index both logs, draw a map of each, and leave a wish for another."""
    mapping = Database(deployment.dsn_of("mapper"), size=1, walled=False)
    with mapping.connection() as connection:
        while index_some(connection)[0]:
            pass
        for tenant in tenants:
            draw(connection, tenant, 2, None, engine.clock.now())
            connection.execute(
                "INSERT INTO map_leaf VALUES (%s, 3, 2)", (tenant,)
            )  # as if it had been committed
    mapping.close()
    for tenant in tenants:
        with bound_to(tenant):
            engine.app.rows("INSERT INTO map_wish VALUES (%b)", (tenant,))


@pytest.fixture(scope="module")
def two(module_deployment: Deployment) -> Iterator[Two]:
    engine = Engine.connect(module_deployment, connections=2)
    follower = Database(module_deployment.dsn_of("follower"), size=1, walled=False)
    order = Database(module_deployment.dsn_of("sequencer"), size=1, walled=False)
    made = Two(engine, PostgresAgenda(engine.app), fill(engine), fill(engine))
    for one in (made.mine, made.theirs):
        share_something(engine, one)
    while Sequencer(order, engine.clock).sequence_now():
        pass
    models = (AgendaModel(), AccessesModel(), ConsentsModel(), DisclosuresModel(), KeepingModel())
    for model in models:
        following = Follower(model, SequencedEvents(engine.mapper))
        with follower.connection() as connection:
            following.begin(connection)
            while following.step(connection):
                pass
    with psycopg.connect(module_deployment.main, autocommit=True) as owner:
        for one in (made.mine, made.theirs):
            sign_something(owner, one.tenant.id)
    draw_maps(module_deployment, engine, made.mine.tenant.id, made.theirs.tenant.id)
    yield made
    for database in (follower, order, engine):
        database.close()


# --- nothing is seen -------------------------------------------------------------------------------------------------

Asking = Callable[[Two], object]
NOTHING: tuple[object, ...] = (None, False, 0, -1, (), [], {})


def facts_seen(two: Two, tenant: UUID) -> list[object]:
    """All that the facts of the other's service say."""
    it = two.theirs.tenant
    return told(two.engine.book.facts(tenant, it.service, 0, FAR, it.staff))


def slot_facts_seen(two: Two, tenant: UUID) -> list[object]:
    """The same of those that a search reads."""
    it = two.theirs.tenant
    return told(two.engine.book.slot_facts(tenant, it.service, 0, FAR, 0, it.staff))


def told(facts: Facts) -> list[object]:
    """What facts say at all."""
    found = (facts.service, facts.locations, facts.staff, facts.occupied, facts.busy, facts.taken)
    return [one for one in found if one]


SEEING: dict[str, Callable[[Two, UUID], object]] = {
    "store.read": lambda two, of: two.engine.store.read(of, two.theirs.booking),
    "store.is_begun": lambda two, of: two.engine.store.is_begun(of, two.theirs.booking),
    "book.facts": facts_seen,
    "book.slot_facts": slot_facts_seen,
    "book.entry": lambda two, of: two.engine.book.entry(of, "service", two.theirs.tenant.service),
    "book.entries": lambda two, of: two.engine.book.entries(of, "staff", [two.theirs.tenant.staff]),
    "book.page": lambda two, of: [
        entry
        for entry in two.engine.book.page(of, "location", 200, None)
        if entry.id == two.theirs.tenant.location
    ],
    "book.expired": lambda two, of: [
        seat
        for seat in two.engine.book.expired(of, FAR, 500)
        if seat.owner in (two.theirs.hold, two.theirs.seat)
    ],
    "people.find": lambda two, of: (
        two.engine.people.find(of, "email", EMAIL) not in (None, two.mine.subject)
    ),
    "people.find_or_prepare": lambda two, of: (
        two.engine.people.find_or_prepare(of, EMAIL, uuid4(), ("profile",)).subject
        == two.theirs.subject
    ),
    "vault.open": lambda two, of: two.engine.vault.open(
        of, two.theirs.tenant.envelopes(two.theirs.booking)
    ),
    "agenda.between": lambda two, of: two.agenda.between(of, two.theirs.tenant.location, 0, FAR),
    "agenda.page": lambda two, of: [
        row for row in two.agenda.page(of, 0, FAR, 200, None) if row.booking == two.theirs.booking
    ],
    "consents.of": lambda two, of: PostgresConsents(two.engine.app).of(
        of, two.theirs.subject, None
    ),
    "consents.due": lambda two, of: [
        subject
        for subject, _ in PostgresConsents(two.engine.app).due(of, SystemClock().now() + DAYS, 500)
        if subject == two.theirs.subject
    ],
    "keeping.aged": lambda two, of: [
        one
        for one in PostgresKeeping(two.engine.app).aged(of, "profile", LATE, None, 500)
        if one.subject == two.theirs.subject
    ],
    "disclosures.totals": lambda two, of: (
        disclosures(two).totals(of, two.theirs.subject, "auditor", NOW).rows
    ),
    "disclosures.of_subject": lambda two, of: disclosures(two).of_subject(
        of, two.theirs.subject, "auditor", NOW, 9, None
    ),
    "disclosures.page": lambda two, of: [
        one
        for one in disclosures(two).page(of, Wanted(), NOW, 9, None, with_withheld=True)
        if one.row.disclosure == shared_by(two)
    ],
    "disclosures.recipients": lambda two, of: [
        one for one in disclosures(two).recipients(of, NOW) if one.recipient == given_to(two)
    ],
    "disclosures.recipient": lambda two, of: disclosures(two).recipient(of, given_to(two)),
    "disclosures.known_position": lambda two, of: (
        0 if of == two.mine.tenant.id else disclosures(two).known_position(of, FAR_OFF)
    ),
    "accesses.about": lambda two, of: PostgresAccesses(two.engine.app).about(
        of, two.theirs.subject, LATE, 9, None, withheld=True
    ),
    "accesses.between": lambda two, of: [
        row
        for row in PostgresAccesses(two.engine.app).between(of, EARLY, LATE, 9, None)
        if row.event == two.theirs.access
    ],
    "accesses.reviews": lambda two, of: [
        row
        for row in PostgresAccesses(two.engine.app).reviews(of, None, LATE, 9, None)
        if row.access == two.theirs.access
    ],
    "accesses.cases": lambda two, of: [
        one
        for one in PostgresAccesses(two.engine.app).cases(of)
        if one == f"W-{two.theirs.tenant.id.hex}"
    ],
    "accesses.due": lambda two, of: [
        one
        for one in PostgresAccesses(two.engine.app).due(of, LATE, 9)
        if one.person == two.theirs.subject
    ],
    "denials.unsettled": lambda two, of: [
        one
        for one in PostgresDenialCounts(two.engine.app).unsettled(of, LATE, 9)
        if one.id == two.theirs.denial.id
    ],
    "positions.wait": lambda two, of: two.engine.positions.wait(of, "agenda", first_event(two)),
}


def disclosures(two: Two) -> PostgresDisclosures:
    """The questions to the read model."""
    return PostgresDisclosures(two.engine.app)


def shared_by(two: Two) -> UUID:
    """The other's disclosure."""
    with bound_to(two.their):
        whole = disclosures(two).page(two.their, Wanted(), NOW, 9, None, with_withheld=True)
    return whole[0].row.disclosure


def given_to(two: Two) -> UUID:
    """The other's recipient."""
    with bound_to(two.their):
        return disclosures(two).recipients(two.their, NOW)[0].recipient


def first_event(two: Two) -> UUID:
    """An event of the other tenant."""
    with bound_to(two.their):
        return two.engine.store.read(two.their, two.theirs.booking)[0].event_id


HOWS: dict[str, Callable[[Two], tuple[AbstractContextManager[None], UUID]]] = {
    "bound to mine, naming theirs": lambda two: (bound_to(two.mine.tenant.id), two.their),
    "bound to mine, naming mine": lambda two: (bound_to(two.mine.tenant.id), two.mine.tenant.id),
    "unbound, naming theirs": lambda two: (nullcontext(), two.their),
}


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", SEEING)
def test_nothing_of_another_tenant_is_seen(two: Two, name: str, how: str) -> None:
    binding, named = HOWS[how](two)
    with binding:
        try:
            seen = SEEING[name](two, named)
        except BARRED:
            return
    assert seen in NOTHING


@pytest.mark.parametrize("name", SEEING)
def test_its_own_tenant_sees_all_of_it(two: Two, name: str) -> None:
    """Or the test above would say nothing."""
    with bound_to(two.their):
        assert SEEING[name](two, two.their) not in NOTHING


def test_positions_tell_nothing_of_another_tenant(two: Two) -> None:
    with bound_to(two.their):
        assert two.engine.positions.current(two.their, "agenda") >= 0
    for binding in (bound_to(two.mine.tenant.id), nullcontext()):
        with binding:
            assert two.engine.positions.current(two.their, "agenda") == -1


# --- nothing is written ----------------------------------------------------------------------------------------------


def append_as(two: Two, named: UUID, **changes: Any) -> Outcome:
    """Append an event of a fresh stream, with what else is asked for."""
    it = two.theirs.tenant
    placed = it.hold(it.visit(50))
    event = replace(it.event(placed.hold, 1, placed), tenant=named)
    append = Append(named, two.engine.clock.now(), (event,))
    return two.engine.store.append(replace(append, **changes))


def next_of_theirs(two: Two, named: UUID) -> Outcome:
    """Append the next event to a stream of theirs."""
    event = two.theirs.tenant.event(two.theirs.hold, 2, HoldReleased(two.theirs.hold))
    return append_as(two, named, events=(replace(event, tenant=named),))


def entry_of_theirs(two: Two, named: UUID) -> Outcome:
    """Say something else of a service of theirs."""
    terms = ServiceTerms(location_ids=(uuid4(),), name="Mine now", duration_minutes=1)
    service = Service(two.theirs.tenant.service, terms, active=False, version=9)
    entry = CatalogEntry("service", service.id, 9, two.engine.clock.now(), service)
    return append_as(two, named, catalog=(entry,))


def busy_of_theirs(two: Two, named: UUID) -> Outcome:
    """Say something else of their staff member's time."""
    busy = BusyReplacement(two.theirs.tenant.staff, 0, FAR, ((0, FAR),))
    return append_as(two, named, busy=busy)


def answer_of_theirs(two: Two, named: UUID) -> Outcome:
    """Answer a call of theirs."""
    ticket = Ticket(named, two.theirs.call, lambda _: ANSWER)
    return append_as(two, named, ticket=ticket, answer=ANSWER)


WRITING: dict[str, Callable[[Two, UUID], object]] = {
    "store.append": append_as,
    "store.append, a stream": next_of_theirs,
    "store.append, a release": lambda two, of: append_as(
        two, of, releases=(Release(two.theirs.hold),)
    ),
    "store.append, an expired release": lambda two, of: append_as(
        two, of, releases=(Release(two.theirs.seat, FAR),)
    ),
    "store.append, a claim": lambda two, of: append_as(
        two, of, claims=(claim_of_hold(two.theirs.tenant.hold(two.theirs.tenant.visit(60))),)
    ),
    "store.append, an entry": entry_of_theirs,
    "store.append, busy time": busy_of_theirs,
    "store.append, an answer": answer_of_theirs,
    "denials.add": lambda two, of: PostgresDenialCounts(two.engine.app).add(of, two.theirs.denial),
    "denials.settle": lambda two, of: PostgresDenialCounts(two.engine.app).settle(
        of, two.theirs.denial.id, 1
    ),
    "denials.forget": lambda two, of: PostgresDenialCounts(two.engine.app).forget(of, LATE),
    "people.find_or_prepare": lambda two, of: two.engine.people.find_or_prepare(
        of, "new@example.test", uuid4(), ("profile",)
    ),
    "people.prepare": lambda two, of: two.engine.people.prepare(
        of, two.theirs.subject, ("marketing",)
    ),
    "vault.sealing_key": lambda two, of: two.engine.vault.sealing_key(of, uuid4(), "profile"),
    "vault.destroy_secrets": lambda two, of: two.engine.vault.destroy_secrets(of, "answers:9999"),
    "answers.begin": lambda two, of: two.engine.answers.begin(of, "scope", "another", b""),
    "answers.keep": lambda two, of: two.engine.answers.keep(of, two.theirs.call, ANSWER),
    "answers.forget": lambda two, of: two.engine.answers.forget(of, two.theirs.call),
    "answers.sweep": lambda two, of: two.engine.answers.sweep(of),
}


@pytest.fixture(scope="module")
def owners(module_deployment: Deployment) -> Iterator[list[psycopg.Connection[Any]]]:
    """The owners of both databases, who see every tenant."""
    with (
        psycopg.connect(module_deployment.main, autocommit=True) as main,
        psycopg.connect(module_deployment.keys, autocommit=True) as keys,
    ):
        yield [main, keys]


def rows_of(owners: list[psycopg.Connection[Any]], tenant: UUID) -> dict[str, list[str]]:
    """Every row of a tenant in both databases, as text."""
    found: dict[str, list[str]] = {}
    for owner in owners:
        for (table,) in owner.execute(TABLES_OF_TENANTS).fetchall():
            statement = sql.SQL("SELECT t::text FROM {} t WHERE tenant_id = %s ORDER BY 1")
            rows = owner.execute(statement.format(sql.Identifier(table)), (tenant,))
            found[table] = [row[0] for row in rows]
    return found


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", WRITING)
def test_nothing_of_another_tenant_is_written(
    two: Two, owners: list[psycopg.Connection[Any]], name: str, how: str
) -> None:
    binding, named = HOWS[how](two)
    before = rows_of(owners, two.their)
    with binding, suppress(*BARRED):
        WRITING[name](two, named)
    assert rows_of(owners, two.their) == before


def test_a_tenant_has_rows_in_every_table_of_tenants(
    two: Two, owners: list[psycopg.Connection[Any]]
) -> None:
    """Or the test above would say nothing of one of them.

    Nobody has been erased yet, nothing waits for a place, nothing was lost or found changed, no read model leaves
    anything out, and their logs are too short for a state to be retained.
    """
    empty = {name for name, rows in rows_of(owners, two.their).items() if not rows}
    assert empty == {
        "subject_fence",
        "event_queue",
        "recovery",
        "read_model_quarantine",
        "retained_state",
        "scrub_finding",
        "damaged_key",
    }


def test_the_range_of_the_other_s_time_is_not_in_the_way(two: Two) -> None:
    """The same ids, the same time, another tenant: both have it."""
    it = two.theirs.tenant
    here = replace(two.mine.tenant, staff=it.staff, service=it.service)
    assert here.place(it.visit(2))[1] is Outcome.APPENDED
    assert epoch_seconds(it.visit(2).start) == epoch_seconds(here.visit(2).start)
