"""The report of how requests were dealt with: counted by right, the same again for the same position."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from application.ledger.records import LedgerRecords
from application.ledger.witnessing import Witnessing
from application.reports.issuing import Issued, Reports
from application.reports.report import Asked
from application.requests.history import RequestHistory
from application.requests.steps import Target
from domain.privacy_request_codes import RIGHTS, DeniedPart
from infrastructure.twin.memory_witnesses import NoWitnesses
from tests.usecases.front import Front
from tests.usecases.requesting import Office

WHOLE = DeniedPart(None, "not_verifiable")
BILLING = DeniedPart("billing", "gdpr_17_3_b_legal_obligation")


@pytest.fixture
def office(front: Front) -> Office:
    return Office(front)


def taken(office: Office, **asked: Any) -> Issued:
    world = office.world
    reports = Reports(
        world.disclosures,
        world.positions,
        world.store,
        world.press,
        LedgerRecords(world.store, world.clock, world.ids),
        Witnessing(NoWitnesses(world.ledger), world.clock, 3_600),
        world.clock,
        RequestHistory(world.store, world.ledger),
    )
    return reports.issue("request-metrics", Asked(**asked), "json", office.officer)


def row(issued: Issued, right: str) -> dict[str, Any]:
    (found,) = (one for one in issued.report.rows if one["type"] == right)
    return dict(found)


def test_what_became_of_requests_is_counted_by_right(office: Office):
    clock, requests, by = office.world.clock, office.requests, office.officer
    whole, part, denied = (office.verified("erasure") for _ in range(3))
    withdrawn, _ = Target(office.asks("erasure").state.id), office.asks("erasure")
    clock.advance(days=2)
    requests.fulfil(whole, None, by)
    requests.withdraw(withdrawn, by)
    clock.advance(days=2)
    requests.deny(part, None, (BILLING,), by)
    requests.fulfil(part, None, by)
    requests.deny(denied, None, (WHOLE,), by)
    issued = taken(office)
    assert [one["type"] for one in issued.report.rows] == list(RIGHTS)
    assert row(issued, "erasure") == {
        "type": "erasure",
        "received": 5,
        "complied_in_whole": 1,
        "complied_in_part": 1,
        "denied": 1,
        "ended_otherwise": 1,
        "open": 1,
        "median_days": "4.0",
        "mean_days": "3.3",
    }
    assert row(issued, "access")["received"] == 0
    assert row(issued, "access")["median_days"] is None


def test_the_same_position_makes_the_same_report(office: Office):
    target = office.verified("access")
    first = taken(office)
    office.world.clock.advance(days=1)
    office.packs(target)
    office.requests.fulfil(target, None, office.officer)
    report = first.report
    again = taken(office, as_of=report.as_of, position=report.position)
    assert again.rendered.body == first.rendered.body
    assert row(taken(office), "access")["complied_in_whole"] == 1


def test_it_is_of_the_requests_that_were_received_in_a_period(office: Office):
    office.asks("access")
    began = office.world.clock.now()
    office.world.clock.advance(days=1)
    office.asks("access")
    later = taken(office, from_=began + timedelta(hours=1))
    earlier = taken(office, to=began + timedelta(hours=1))
    assert (row(later, "access")["received"], row(earlier, "access")["received"]) == (1, 1)
