"""The read model `disclosures`: it tells what a fold of the events tells, of any moment, however its batches fell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import cast
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.answers.disclosure_reads import AsOf, Disclosures, Entry, Totals, View, Wanted
from application.ports import Append
from application.recorded import Recorded
from domain import disclosure
from domain.disclosure import (
    Disclosure,
    DisclosureOpened,
    DisclosureRecorded,
    DisclosureRefused,
    DisclosureWithheld,
)
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.server.processes import wait_until
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.sequencer import Sequencer
from infrastructure.twin.memory import MemoryWorld
from infrastructure.wall import bound_to
from projections.disclosure_questions import PostgresDisclosures
from projections.disclosures import DisclosuresModel
from projections.engine.follower import Follower
from tests.disclosing import BEGINNING, DAY, Disclosing

VIEWS: tuple[View, ...] = ("person", "officer", "auditor")


@dataclass
class Lived:
    """A story of random disclosures, and whom it was about."""

    story: Disclosing
    people: list[UUID] = field(default_factory=list)
    recipients: list[UUID] = field(default_factory=list)
    gagged: list[UUID] = field(default_factory=list)

    def live(self, random: Random, steps: int) -> None:
        story = self.story
        self.people = [story.id() for _ in range(3)]
        self.recipients = [story.recipient("One", "US"), story.recipient("Two", "FR")]
        running: list[UUID] = []
        for _ in range(steps):
            whom = tuple(random.sample(self.people, random.randint(1, 3)))
            crm = random.choice(self.recipients)
            purpose = random.choice(["service", "support", "marketing_first_party"])
            match random.randint(0, 11):
                case 0 | 1:
                    running.append(story.recorded(crm, *whom, purpose=purpose))
                case 2:
                    channel = random.choice(["response", "https"])
                    story.sent(crm, *whom, purpose=purpose, channel=channel)
                case 3:
                    until = story.at + timedelta(minutes=random.randint(1, 90))
                    running.append(story.withheld(crm, until, *whom, purpose=purpose))
                    self.gagged.append(running[-1])
                case 6 if self.gagged:
                    later = story.at + timedelta(minutes=random.randint(1, 90))
                    story.prolong(random.choice(self.gagged), later)
                case 4:
                    story.refuse(random.choice([crm, None]), *whom)
                case 5:
                    story.revise(crm, f"Name {random.random()}", random.choice(["US", "GB"]))
                case _ if running:
                    self._go_on(random, random.choice(running))
        if random.random() < 0.5:
            story.end(self.recipients[0], story.at.date())

    def _go_on(self, random: Random, id: UUID) -> None:
        story = self.story
        match random.randint(0, 7):
            case 0:
                story.attempt(id)
            case 1:
                story.deliver(id)
            case 2:
                story.fail(id, unknown=True)
            case 3:
                story.fail(id)
            case 4:
                story.stop(id)
            case 5:
                story.acknowledge(id)
            case 6:
                story.hand_on(id)
            case 7:
                story.open(id, self.people[0])

    def moments(self, random: Random) -> list[AsOf]:
        end = self.story.at + 2 * DAY
        ats = [None, *(random.choice(self.story.events).occurred_at for _ in range(3))]
        places = [None, random.randrange(len(self.story.events))]
        nows = [end, random.choice(self.story.events).occurred_at]
        return [AsOf(now, at, place) for at in ats for place in places for now in nows]


# --- what a fold of the events by the domain's own rules says --------------------------------------------------------


@dataclass
class Oracle:
    """Folds a tenant's events as the domain does, and counts by hand."""

    log: list[Recorded[object]]

    def totals(self, subject: UUID, view: View, as_of: AsOf) -> Totals:
        stands_for, whole = self._stands_for(), self._stories(AsOf(as_of.now))
        shared, hidden, rows = [], 0, 0
        for id, story in self._stories(as_of).items():
            first = story[0]
            it = first.decision
            assert isinstance(it, DisclosureRecorded | DisclosureRefused)
            listed = {stands_for.get((id, one.subject), one.subject) for one in it.subjects}
            if subject not in listed:
                continue
            is_hidden = self._opens(story) > as_of.opened_by or self._opens(whole[id]) > as_of.now
            hidden += is_hidden
            rows += not (view == "person" and is_hidden)
            if self._is_shared(story) and (view == "auditor" or not is_hidden):
                shared.append(it)
        marketing = [one for one in shared if one.purpose == "marketing_first_party"]
        recipients = {one.recipient for one in shared}
        told = 0 if view == "person" else hidden
        return Totals(len(recipients), len(shared), len(marketing), told, rows)

    def _stands_for(self) -> dict[tuple[UUID, UUID], UUID]:
        return {
            (it.disclosure, one.tag): one.stands_for
            for it in (event.decision for event in self.log)
            if isinstance(it, DisclosureWithheld)
            for one in it.tags
        }

    def _stories(self, as_of: AsOf) -> dict[UUID, list[Recorded[object]]]:
        found: dict[UUID, list[Recorded[object]]] = {}
        for position, event in enumerate(self.log):
            it = event.decision
            if isinstance(it, disclosure.DECISIONS) and as_of.includes(event.occurred_at, position):
                id = it.disclosure if isinstance(it, DisclosureOpened) else event.stream
                found.setdefault(id, []).append(event)
        return found

    def _is_shared(self, story: list[Recorded[object]]) -> bool:
        if isinstance(story[0].decision, DisclosureRefused):
            return False
        state: Disclosure | None = None
        for event in story:
            if not isinstance(event.decision, DisclosureOpened):
                state = disclosure.evolve(state, cast("disclosure.Decision", event.decision))
        assert state is not None
        return state.outcome in ("delivered", "unknown") or state.running is not None

    def _opens(self, story: list[Recorded[object]]) -> datetime:
        until: datetime | None = None
        for event in story:
            it = event.decision
            if isinstance(it, DisclosureRecorded):
                until = it.withheld_until
            elif isinstance(it, DisclosureWithheld):
                until = it.until
            elif isinstance(it, DisclosureOpened):
                until = min(event.occurred_at, until or event.occurred_at)
        return until or datetime.min.replace(tzinfo=UTC)


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_totals_equal_a_fold_by_the_domain_s_own_rules(seed: int) -> None:
    random, world, tenant = Random(seed), MemoryWorld(), uuid4()
    lived = Lived(Disclosing(world.store, tenant, seed))
    lived.live(random, 40)
    oracle = Oracle(lived.story.events)
    for as_of in lived.moments(random):
        for person in lived.people:
            for view in VIEWS:
                told = world.disclosures.totals(tenant, person, view, as_of)
                assert told == oracle.totals(person, view, as_of), (view, as_of)


# --- the tables tell the same ----------------------------------------------------------------------------------------


@dataclass
class House:
    """A deployment whose follower is moved by hand."""

    engine: Engine
    sequencer: Sequencer
    role: Database

    def follow(self, random: Random) -> None:
        """Take everything in, in batches of random sizes."""
        while self.sequencer.sequence_now():
            pass
        follower = Follower(DisclosuresModel(), SequencedEvents(self.engine.mapper))
        with self.role.connection() as connection:
            follower.begin(connection)
            while follower.step(connection, limit=random.randint(1, 9)):
                pass

    @property
    def disclosures(self) -> PostgresDisclosures:
        return PostgresDisclosures(self.engine.app)


@pytest.fixture(scope="module")
def house(module_deployment: Deployment) -> Iterator[House]:
    engine = Engine.connect(module_deployment, connections=2)
    order = Database(module_deployment.dsn_of("sequencer"), size=1, walled=False)
    role = Database(module_deployment.dsn_of("follower"), size=1, walled=False)
    yield House(engine, Sequencer(order, engine.clock), role)
    for database in (order, role, engine):
        database.close()


def everything(
    asked: Disclosures, tenant: UUID, lived: Lived, as_of: AsOf
) -> tuple[list[object], list[list[Entry]]]:
    """All that can be asked of a tenant as of a moment, in parts of three."""
    told: list[object] = [
        asked.totals(tenant, person, view, as_of) for person in lived.people for view in VIEWS
    ]
    told.append(list(asked.recipients(tenant, as_of)))
    told.extend(asked.recipient(tenant, one) for one in (*lived.recipients, lived.people[0]))
    pages = []
    for person in lived.people:
        for view in VIEWS:
            whole, after = [], None
            while part := asked.of_subject(tenant, person, view, as_of, 3, after):
                whole += part
                after = (part[-1].row.at, part[-1].row.disclosure)
            pages.append(whole)
    middle = lived.story.events[len(lived.story.events) // 2].occurred_at
    for wanted in (
        Wanted(),
        Wanted(from_=middle),
        Wanted(to=middle, country="US"),
        Wanted(purpose="support"),
        Wanted(recipient=lived.recipients[1]),
        Wanted(legal_process=uuid4()),
    ):
        for with_withheld in (False, True):
            found = asked.page(tenant, wanted, as_of, 100, None, with_withheld=with_withheld)
            pages.append(found)
            if found:
                after = (found[0].row.at, found[0].row.disclosure)
                rest = asked.page(tenant, wanted, as_of, 100, after, with_withheld=with_withheld)
                assert rest == found[1:]
    return told, pages


@pytest.mark.parametrize(
    "seed",
    [*range(3), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 12))],
)
def test_the_tables_tell_what_a_fold_of_the_events_tells(house: House, seed: int) -> None:
    random, world, tenant = Random(seed), MemoryWorld(), uuid4()
    lived = Lived(Disclosing(world.store, tenant, seed))
    lived.live(random, 60)
    with bound_to(tenant):
        for event in _whole_appends(lived.story.events):
            house.engine.store.append(Append(tenant, BEGINNING, event))
    house.follow(random)
    with bound_to(tenant):
        for as_of in lived.moments(random):
            here = everything(house.disclosures, tenant, lived, as_of)
            assert here == everything(world.disclosures, tenant, lived, as_of), as_of


def _whole_appends(events: list[Recorded[object]]) -> Iterator[tuple[Recorded[object], ...]]:
    """A disclosure and the tags of it are one append, as they were."""
    held: tuple[Recorded[object], ...] = ()
    for event in events:
        if held and not (isinstance(event.decision, DisclosureWithheld) and event.version == 2):
            yield held
            held = ()
        held = (*held, event)
    yield held


def test_what_was_known_at_an_instant_is_found_by_halving(house: House) -> None:
    tenant, world = uuid4(), MemoryWorld()
    story = Disclosing(world.store, tenant)
    crm, who = story.recipient(), uuid4()
    for _ in range(20):
        story.recorded(crm, who)
    with bound_to(tenant):
        for event in story.events:
            house.engine.store.append(Append(tenant, BEGINNING, (event,)))
            house.follow(Random(1))
        rows = house.engine.app.rows(
            "SELECT position, recorded_at FROM sequenced WHERE tenant_id = %b ORDER BY position",
            (tenant,),
        )
        for position, at in rows:
            same = [row[0] for row in rows if row[1] <= at]
            assert house.disclosures.known_position(tenant, at) == same[-1] >= position
        early = datetime(2020, 1, 1, tzinfo=UTC)
        assert house.disclosures.known_position(tenant, early) == -1
        assert house.disclosures.known_position(uuid4(), story.at) == -1


def test_a_word_about_what_was_never_recorded_is_passed_over(house: House) -> None:
    tenant, world = uuid4(), MemoryWorld()
    story = Disclosing(world.store, tenant)
    story.deliver(story.id())
    with bound_to(tenant):
        house.engine.store.append(Append(tenant, BEGINNING, tuple(story.events)))
        house.follow(Random(1))
        assert (
            house.disclosures.page(tenant, Wanted(), AsOf(story.at), 9, None, with_withheld=True)
            == []
        )


def test_the_totals_of_one_person_are_read_from_one_index(
    house: House, module_deployment: Deployment
) -> None:
    """Whatever there is of others: of them nothing is read, nor any table but the index."""
    tenant, world = uuid4(), MemoryWorld()
    story = Disclosing(world.store, tenant)
    crm, ada, ben = story.recipient(), uuid4(), uuid4()
    for number in range(60):
        story.recorded(crm, ada if number % 6 == 0 else ben)
    with bound_to(tenant):
        house.engine.store.append(Append(tenant, BEGINNING, tuple(story.events)))
    house.follow(Random(1))
    from projections.disclosure_questions import TOTALS_NOW

    def plan() -> str:
        # Pages are known to be visible to all once nobody's snapshot is older, and their commits are on the disk.
        with psycopg.connect(module_deployment.main, autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE shared_v1")
        with bound_to(tenant):
            rows = house.engine.app.rows(
                f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {TOTALS_NOW}",
                (True, story.at, story.at, tenant, ada, True),
            )
        return "\n".join(row[0] for row in rows)

    plans: list[str] = []

    def is_visible() -> bool:
        plans.append(plan())
        return "Heap Fetches: 0" in plans[-1]

    assert wait_until(is_visible, 90), plans[-1]
    text = plans[-1]
    assert "Index Only Scan using shared_v1_by_subject" in text, text
    assert "actual rows=10" in text, text
