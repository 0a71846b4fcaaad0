"""Nothing leaves a running deployment but by the two doors: every connection of every process is heard. README D6.

The main job runs: a business is set up, customers book and are looked up, data is handed over, refused, and taken away
as evidence. What libpq does in C is not heard; it knows one address, PostgreSQL's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infrastructure.server.processes import wait_until
from tests.api_client import Business
from tests.crm import Crm, listening, says
from tests.eavesdropping import Ear, Heard, is_delivery, third_doors
from tests.recovery.test_deliveries import pushed, pushing_to, types
from tests.recovery.test_disclosing import a_customer, registered
from tests.running import Running
from tests.scratch import scratch_folder

pytestmark = pytest.mark.xdist_group("running_more")

SECONDS_MAX = 60.0


@contextmanager
def heard_deployment(planted_to: int | None = None) -> Iterator[tuple[Running, Ear]]:
    """A deployment all of whose processes are listened to."""
    with scratch_folder("heard") as scratch:
        ear = Ear.in_folder(scratch / "ear", planted_to=planted_to)
        one = Running(
            scratch / "data", DAYBOOK_ALLOW_PRIVATE_RECIPIENTS="1", PYTHONPATH=str(ear.folder)
        )
        one.start()
        try:
            yield one, ear
        finally:
            if one.process is not None:
                one.stop()


def the_main_job(running: Running, crm: Crm) -> int:
    """Run it; how many attempts at deliveries are on record."""
    business = Business.found(running)
    ada = a_customer(business)
    with business.api() as api:
        agenda = {"location_id": business.location, **business.span()}
        assert api.get("/v1/agenda", agenda, daybook_purpose="service").status == 200
    pushed(business, registered(business), ada)
    crm.answers = [says(500), says(302, location="http://192.0.2.1/")]
    pushed(business, pushing_to(business, crm.url), ada)
    assert wait_until(lambda: len(crm.taken) == 2, SECONDS_MAX)
    pushed(business, pushing_to(business, crm.url), ada)
    with business.api("privacy_officer") as api:
        assert api.get(f"/v1/subjects/{ada}/evidence").status == 200
        refused = {"recipient_id": registered(business), "subject_ids": [ada], "fields": ["name"]}
        answer = api.post("/v1/disclosures", {**refused, "purpose": "curiosity"})
        assert answer.code == "disclosure_refused"
    # The end of an attempt may come after it; its beginning is on record before anything is sent.
    assert wait_until(lambda: "refused" in types(business), SECONDS_MAX)
    said = types(business)
    handed_over_in_a_response = 1
    return said.count("attempted") - handed_over_in_a_response


def strangers(running: Running, heard: list[Heard]) -> list[Heard]:
    """What was heard that nobody may do."""
    socket_file = str(running.deployment.settings.signer_socket)
    return third_doors(heard, socket_file, int(running.url.rpartition(":")[2]))


def test_nothing_leaves_but_deliveries_and_each_has_its_ticket():
    with listening() as crm, heard_deployment() as (running, ear):
        attempts = the_main_job(running, crm)
        heard = ear.heard()
        assert strangers(running, heard) == []
    deliveries = [one for one in heard if is_delivery(one)]
    assert {one.where for one in deliveries} == {repr(("127.0.0.1", crm.port))}
    assert len(deliveries) == len(crm.taken) == attempts == 3
    assert {one.event for one in heard} >= {"socket.connect", "socket.getaddrinfo"}


def test_a_third_door_is_heard():
    with listening() as home, heard_deployment(planted_to=home.port) as (running, ear):
        called = repr(("127.0.0.1", home.port))
        assert wait_until(lambda: any(one.where == called for one in ear.heard()), SECONDS_MAX)
        assert called in {one.where for one in strangers(running, ear.heard())}
