"""The read model `courier`: what is due, who has whose data, which follow-ups there are; the same as its twin says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal
from uuid import UUID, uuid4

import pytest

from application.disclosing.courier import BEGUN_WITHIN, LOST_AFTER
from application.ports import Append, Outcome
from application.recorded import Recorded
from domain.disclosure import (
    DisclosureAttempted,
    DisclosureDelivered,
    DisclosureFailed,
    DisclosureRecorded,
    DisclosureWithheld,
    Ground,
    Scope,
    SubjectShared,
    TagOf,
)
from domain.follow_up import (
    FollowUpAcknowledged,
    FollowUpAttempted,
    FollowUpDelivered,
    FollowUpFailed,
    FollowUpOrdered,
)
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.sequencer import Sequencer
from infrastructure.twin.memory_courier import MemoryCourier
from infrastructure.twin.memory_state import MemoryState
from infrastructure.wall import bound_to
from projections.courier import CourierModel, PostgresCourier, tenants_due
from projections.engine.follower import Follower

START = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
FOR_EVER = START + timedelta(days=365)


@dataclass
class Post:
    """One tenant's disclosures on a deployment, appended by hand, and the twin that is told the same."""

    engine: Engine
    sequencer: Sequencer
    role: Database
    tenant: UUID
    twin: MemoryCourier = field(default_factory=lambda: MemoryCourier(MemoryState()))
    versions: dict[UUID, int] = field(default_factory=dict)
    at: datetime = START

    def append(self, stream: UUID, decision: object) -> Recorded[object]:
        version = self.versions[stream] = self.versions.get(stream, 0) + 1
        event = Recorded(self.tenant, stream, version, uuid4(), self.at, "key_1", decision)
        with bound_to(self.tenant):
            append = Append(self.tenant, self.at, (event,))
            assert self.engine.store.append(append) is Outcome.APPENDED
        self.twin.state.log.setdefault(self.tenant, []).append(event)
        return event

    def disclosed(self, *subjects: UUID, until: datetime | None = None) -> UUID:
        """A disclosure; under tags with `until`."""
        id = uuid4()
        tags = tuple(TagOf(uuid4(), one) for one in subjects)
        named = [one.tag if until else one.stands_for for one in tags]
        shared = tuple(SubjectShared(one, "00" * 16, None, "none") for one in named)
        decision = DisclosureRecorded(
            disclosure=id,
            recipient=uuid4(),
            recipient_version=1,
            purpose="service",
            ground=Ground("contract"),
            scope=Scope(("name",)),
            our_role="controller",
            transfer=None,
            channel="https",
            withheld_until=until,
            count=len(shared),
            subjects=shared,
        )
        self.append(id, decision)
        if until:
            self.append(id, DisclosureWithheld(id, until, tags))
        return id

    def ordered(self, disclosure: UUID, channel: Literal["response", "https"] = "https") -> UUID:
        """A follow-up of it."""
        id = uuid4()
        decision = FollowUpOrdered(
            id, disclosure, uuid4(), uuid4(), "correction", "service", ("name",), None, channel
        )
        self.append(id, decision)
        return id

    def follow(self, limit: int = 1_000) -> None:
        while self.sequencer.sequence_now():
            pass
        follower = Follower(CourierModel(), SequencedEvents(self.engine.mapper))
        with self.role.connection() as connection:
            follower.begin(connection)
            while follower.step(connection, limit=limit):
                pass

    @property
    def model(self) -> PostgresCourier:
        return PostgresCourier(self.engine.app)

    def due(self, later: timedelta = timedelta(days=300)) -> list[UUID]:
        with bound_to(self.tenant):
            return [one.id for one in self.model.due(self.tenant, START + later, 100)]


@pytest.fixture
def post(module_deployment: Deployment, tenant: UUID) -> Iterator[Post]:
    engine = Engine.connect(module_deployment, connections=2)
    order = Database(module_deployment.dsn_of("sequencer"), size=1, walled=False)
    role = Database(module_deployment.dsn_of("follower"), size=1, walled=False)
    yield Post(engine, Sequencer(order, engine.clock), role, tenant)
    for database in (order, role):
        database.close()
    engine.close()


def test_a_disclosure_is_due_until_it_is_over(post: Post):
    id = post.disclosed(uuid4())
    post.follow()
    assert post.due(BEGUN_WITHIN - timedelta(seconds=1)) == []
    assert post.due(BEGUN_WITHIN) == [id]
    post.append(id, DisclosureAttempted(1))
    post.follow()
    assert post.due(BEGUN_WITHIN) == []
    assert post.due(LOST_AFTER) == [id]
    post.append(id, DisclosureFailed(1, "timeout", None, "unknown", START + timedelta(hours=1)))
    post.follow()
    assert post.due(LOST_AFTER) == []
    assert post.due(timedelta(hours=1)) == [id]
    post.append(id, DisclosureAttempted(2))
    post.append(id, DisclosureDelivered(2, 200))
    post.follow()
    assert post.due() == []


def test_who_has_whose_data_is_known_under_a_gag_too(post: Post):
    ada, ben = uuid4(), uuid4()
    both = post.disclosed(ada, ben)
    withheld = post.disclosed(ada, until=FOR_EVER)
    post.follow()
    with bound_to(post.tenant):
        assert post.model.disclosures(post.tenant, ada) == sorted([both, withheld])
        assert post.model.disclosures(post.tenant, ben) == [both]
        assert post.model.disclosures(post.tenant, uuid4()) == []


def test_tenants_of_whom_something_is_due(post: Post):
    post.disclosed(uuid4())
    post.follow()
    assert post.tenant not in tenants_due(post.role, START)
    assert post.tenant in tenants_due(post.role, START + BEGUN_WITHIN)


@pytest.mark.parametrize("limit", [1, 3, 1_000])
@pytest.mark.parametrize("seed", range(3))
def test_the_model_says_what_its_twin_says_however_it_is_followed(
    post: Post, seed: int, limit: int
):
    random, people = Random(seed), [uuid4() for _ in range(3)]
    disclosures = [post.disclosed(*people[: random.randint(1, 3)]) for _ in range(5)]
    follow_ups = [post.ordered(random.choice(disclosures)) for _ in range(3)]
    follow_ups.append(post.ordered(disclosures[0], "response"))
    for _ in range(30):
        post.at += timedelta(seconds=1)
        later = random.choice([None, post.at + timedelta(seconds=random.randint(1, 99))])
        if random.random() < 0.6:
            said = [
                DisclosureAttempted(1),
                DisclosureFailed(1, "timeout", None, "unknown", later),
                DisclosureDelivered(1, 200),
            ]
            post.append(random.choice(disclosures), random.choice(said))
        else:
            told = [
                FollowUpAttempted(1),
                FollowUpFailed(1, "timeout", None, later),
                FollowUpDelivered(1, 200),
                FollowUpAcknowledged("done", None, verified=False),
            ]
            post.append(random.choice(follow_ups), random.choice(told))
        if random.random() < 0.2:
            post.follow(limit)
    post.follow(limit)
    model, twin, tenant = post.model, post.twin, post.tenant
    with bound_to(tenant):
        assert set(model.due(tenant, FOR_EVER, 100)) == set(twin.due(tenant, FOR_EVER, 100))
        for person in people:
            assert model.disclosures(tenant, person) == twin.disclosures(tenant, person)
        for is_open in (True, False, None):
            found = twin.page(tenant, 2, None, is_open=is_open)
            assert model.page(tenant, 2, None, is_open=is_open) == found
            if found:
                rest = twin.page(tenant, 9, found[-1], is_open=is_open)
                assert model.page(tenant, 9, found[-1], is_open=is_open) == rest
