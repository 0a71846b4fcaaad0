"""Days of deadlines are days where the business is: of its first open location, as it was when a request came in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from application.requests.steps import Target
from tests.usecases.front import Front
from tests.usecases.requesting import Office

DOCS = Path(__file__).parents[2] / "docs" / "deadlines.md"
# The table of docs/deadlines.md. In Berlin clocks go forward on 28 March 2027 and back on 31 October; the first
# instant of each pair and the second lie on both sides of a local midnight; the date line runs between the last two.
VECTORS = [
    ("Europe/Berlin", "DE", "gdpr", "2027-03-27T22:30Z", "2027-04-27", "2027-04-27T22:00Z"),
    ("Europe/Berlin", "DE", "gdpr", "2027-03-27T23:30Z", "2027-04-28", "2027-04-28T22:00Z"),
    ("Europe/Berlin", "DE", "us_ca", "2027-10-30T21:59Z", "2027-12-14", "2027-12-14T23:00Z"),
    ("Europe/Berlin", "DE", "us_ca", "2027-10-30T22:01Z", "2027-12-15", "2027-12-15T23:00Z"),
    ("America/New_York", "US", "us_ca", "2027-03-14T06:59Z", "2027-04-28", "2027-04-29T04:00Z"),
    ("Pacific/Kiritimati", "KI", "us_ca", "2027-01-15T10:30Z", "2027-03-02", "2027-03-02T10:00Z"),
    ("Pacific/Pago_Pago", "AS", "us_ca", "2027-01-15T10:30Z", "2027-02-28", "2027-03-01T11:00Z"),
]
RULE = {"gdpr": "gdpr.answer", "us_ca": "ccpa.answer"}


@pytest.fixture
def office(front: Front) -> Office:
    return Office(front)


def answer(office: Office, target: Target, rule: str) -> tuple[str, str, str]:
    """By when it is to be answered: the local day, the instant when that is over, and where."""
    shown = office.requests.request(target.request, office.officer)
    (it,) = (one.verdict for one in shown.clocks if one.verdict.rule == rule)
    return it.due_on.isoformat(), f"{it.due_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}", it.zone


@pytest.mark.parametrize(("zone", "country", "law", "received", "due_on", "due_at"), VECTORS)
def test_the_day_of_receipt_and_the_last_day_are_days_where_the_business_is(
    office: Office, zone: str, country: str, law: Any, received: str, due_on: str, due_at: str
):
    assert f"| {zone} | {country} | {law} | {received} | {due_on} | {due_at} |" in DOCS.read_text()
    office.moves_to(zone, country)
    at = datetime.fromisoformat(received)
    office.world.clock.set(at)
    target = Target(office.asks("access", jurisdiction=law, received_at=at).state.id)
    assert answer(office, target, RULE[law]) == (due_on, due_at, zone)


def test_whoever_moves_changes_no_deadline_that_runs(office: Office):
    office.moves_to("Pacific/Pago_Pago", "AS")
    target = Target(office.asks("access", jurisdiction="us_ca").state.id)
    before = answer(office, target, "ccpa.answer")
    office.moves_to("Pacific/Kiritimati", "KI")
    assert answer(office, target, "ccpa.answer") == before
    later = Target(office.asks("access", jurisdiction="us_ca").state.id)
    assert answer(office, later, "ccpa.answer")[2] == "Pacific/Kiritimati"
