"""What is due is found by when it is: what has long been answered is not read in each round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from application.ports import Append, CatalogEntry, Outcome
from domain import privacy_request_course
from domain.privacy_request import RequestReceived
from domain.privacy_request_codes import Place, RequestTerms
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.store.duty_totals import WHOSE, tenants_due
from infrastructure.store.request_rows import ABOUT, DUE, NOBODY
from infrastructure.wall import bound_to
from projections.courier import FOLLOW_UPS
from tests.store.filling import Tenant
from tests.store.test_plans import most_rows_of

CLOSED, OPEN, TENANTS = 1_500, 7, 30
ROWS_MAX = 40
ADA = UUID(int=0xADA)


def fill(engine: Engine, tenant: Tenant, number: int, now: datetime, *, closed: bool) -> None:
    """So many requests in the catalog, as appends leave them there."""
    terms = RequestTerms(("opt_out",), "us_ca", "web", "person", None, now, Place("UTC", "ZZ"))
    entries = []
    for count in range(number):
        received = RequestReceived(uuid4(), ADA if count == 3 else uuid4(), terms, None)
        state = privacy_request_course.evolve(None, received)
        state = replace(state, closed_at=now if closed else None)
        entries.append(CatalogEntry("privacy_request", state.id, 1, now, state))
    event = tenant.event(uuid4(), 1, tenant.hold(tenant.visit()))
    event = replace(event, stream=event.decision.hold)  # type: ignore[attr-defined]
    with bound_to(tenant.id):
        append = Append(tenant.id, now, (event,), catalog=tuple(entries))
        assert engine.store.append(append) is Outcome.APPENDED


@pytest.fixture(scope="module")
def here(module_deployment: Deployment) -> Iterator[tuple[Engine, Database, Tenant, datetime]]:
    """A tenant with much that is closed and little that is open, among many of whom nothing is open."""
    engine = Engine.connect(module_deployment, connections=2)
    follower = Database(module_deployment.dsn_of("follower"), size=1, walled=False)
    now, busy = engine.clock.now(), Tenant(engine)
    fill(engine, busy, CLOSED, now, closed=True)
    fill(engine, busy, OPEN, now, closed=False)
    for _ in range(TENANTS):
        fill(engine, Tenant(engine), 30, now, closed=True)
    with psycopg.connect(module_deployment.main, autocommit=True) as owner:
        owner.execute("ANALYZE catalog")
    yield engine, follower, busy, now
    follower.close()
    engine.close()


def test_a_round_reads_what_is_due_and_nothing_of_what_is_closed(
    here: tuple[Engine, Database, Tenant, datetime],
) -> None:
    engine, _, busy, now = here
    soon = now + timedelta(days=7)
    with bound_to(busy.id):
        asked = (busy.id, "privacy_request", soon, NOBODY, 200)
        assert len(engine.app.rows(DUE, asked)) == OPEN
        assert most_rows_of(engine.app, DUE, asked) <= ROWS_MAX
        everything = (busy.id, "privacy_request", now + timedelta(days=900), NOBODY, 5_000)
        assert most_rows_of(engine.app, DUE, everything) >= CLOSED, "the measure sees more"


def test_tenants_of_whom_nothing_is_due_are_not_looked_at(
    here: tuple[Engine, Database, Tenant, datetime],
) -> None:
    _, follower, busy, now = here
    soon = now + timedelta(days=7)
    everyone = [row[0] for row in follower.rows("SELECT DISTINCT tenant_id FROM catalog")]
    assert len(everyone) == TENANTS + 1
    assert tenants_due(follower, everyone, soon) == [busy.id]
    assert most_rows_of(follower, WHOSE, (everyone, soon)) <= ROWS_MAX


def test_the_requests_of_one_person_are_found_without_the_others(
    here: tuple[Engine, Database, Tenant, datetime],
) -> None:
    engine, _, busy, _ = here
    with bound_to(busy.id):
        assert len(engine.app.rows(ABOUT, (busy.id, ADA))) == 2
        assert most_rows_of(engine.app, ABOUT, (busy.id, ADA)) <= 2


def test_open_follow_ups_are_found_without_those_that_are_over(
    here: tuple[Engine, Database, Tenant, datetime], module_deployment: Deployment
) -> None:
    engine, follower, busy, now = here
    with psycopg.connect(module_deployment.main, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO courier_follow_up_v1 (tenant_id, follow_up_id, recipient_id, ordered_at, is_open)"
            " SELECT %(of)s, gen_random_uuid(), %(of)s, %(at)s, n > %(closed)s FROM generate_series(1, %(all)s) n",
            {"of": busy.id, "at": now, "closed": CLOSED, "all": CLOSED + OPEN},
        )
        owner.execute("ANALYZE courier_follow_up_v1")
    asked = (busy.id, None, None, None, True, True, 200)
    with bound_to(busy.id):
        assert len(engine.app.rows(FOLLOW_UPS, asked)) == OPEN
        assert most_rows_of(engine.app, FOLLOW_UPS, asked) <= ROWS_MAX
    long_before = now - timedelta(days=99)
    assert tenants_due(follower, [busy.id], long_before) == [busy.id]
    assert most_rows_of(follower, WHOSE, ([busy.id], long_before)) <= ROWS_MAX
