"""Deliveries from a running deployment to a recipient's machine: over HTTP and TLS, with failures and kill -9."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from infrastructure.server.processes import wait_until
from tests.api_client import LOST, Business
from tests.crm import SECRET, Answering, Authority, authority, listening, says
from tests.http.disclosing import wish
from tests.recovery.test_consents_over_http import TEXT
from tests.recovery.test_disclosing import a_customer, registered
from tests.running import Running
from tests.scratch import scratch_folder

pytestmark = pytest.mark.xdist_group("running_under_fire")

SECONDS_MAX = 60.0
NAME = "localhost"


@pytest.fixture(scope="module")
def delivering() -> Iterator[Running]:
    """A deployment that may deliver to this machine, and knows an authority of our own."""
    with scratch_folder("delivering") as scratch:
        roots = authority(scratch).roots
        one = Running(
            scratch / "data",
            DAYBOOK_ALLOW_PRIVATE_RECIPIENTS="1",
            SSL_CERT_FILE=str(roots),
        )
        one.start()
        try:
            yield one
        finally:
            if one.process is not None:
                one.stop()


def pushing_to(business: Business, url: str) -> str:
    """A recipient with a machine there."""
    return registered(business, delivery={"kind": "https", "url": url, "secret": SECRET})


def shown(business: Business, id: str) -> Any:
    """A disclosure as it stands."""
    with business.api("privacy_officer") as api:
        return api.get(f"/v1/disclosures/{id}").body


def types(business: Business) -> list[str]:
    """What is on record of disclosures, in order."""
    with business.api("auditor") as api:
        events = api.get("/v1/events", {"type": "disclosure", "limit": 200}).body["data"]
    return [one["type"].split(".")[1] for one in events]


def told(business: Business, *expected: str) -> bool:
    """True once exactly that is on record: what was appended has its place a moment later."""
    return wait_until(lambda: types(business) == list(expected), SECONDS_MAX)


def pushed(business: Business, crm: str, person: str, **more: Any) -> Any:
    """Hand it over."""
    with business.api("privacy_officer") as api:
        return api.made("/v1/disclosures", wish(crm, person, **more))


def test_a_crm_gets_what_is_pushed_to_it(delivering: Running):
    business = Business.found(delivering)
    ada = a_customer(business)
    with listening() as crm:
        done = pushed(business, pushing_to(business, crm.url), ada)
    assert (done["outcome"], "records" in done) == ("delivered", False)
    (taken,) = crm.taken
    assert taken.is_signed()
    assert taken.headers["webhook-id"] == done["id"]
    (record,) = taken.json["records"]
    assert record == {
        "subject_id": ada,
        "values": {"name": "Ada Example", "email": "ada@example.test"},
    }
    assert told(business, "recorded", "attempted", "delivered")


def test_a_crm_that_fails_is_tried_again_under_one_id(delivering: Running):
    business = Business.found(delivering)
    ada = a_customer(business)
    with listening() as crm:
        crm.answers = [says(500), says(503)]
        done = pushed(business, pushing_to(business, crm.url), ada)
        assert (done["outcome"], done["attempts"]) == ("unknown", 1)
        assert done["failure"] == {"reason": "status", "status": 500}
        assert done["retry_at"] is not None
        assert wait_until(lambda: len(crm.taken) == 3, SECONDS_MAX)
        assert wait_until(
            lambda: shown(business, done["id"])["outcome"] == "delivered", SECONDS_MAX
        )
    assert {one.headers["webhook-id"] for one in crm.taken} == {done["id"]}
    assert all(one.is_signed() for one in crm.taken)
    again = ("attempted", "failed")
    assert told(business, "recorded", *again, *again, "attempted", "delivered")


def test_a_crm_is_reached_over_tls_by_its_name(delivering: Running):
    business = Business.found(delivering)
    ada = a_customer(business)
    ca = authority_of(delivering)
    with listening(ca.serving(NAME), NAME) as crm:
        done = pushed(business, pushing_to(business, crm.url), ada)
        assert done["outcome"] == "delivered"
        assert crm.taken[0].is_signed()
    with listening(ca.serving("other.example.test"), NAME) as impostor:
        done = pushed(business, pushing_to(business, impostor.url), ada)
        assert done["outcome"] == "failed"
        assert impostor.taken == []


def test_by_default_nothing_goes_to_private_addresses(running: Running):
    business = Business.found(running)
    ada = a_customer(business)
    with listening() as crm:
        for url in (crm.url, crm.url.replace("http:", "https:")):
            with business.api("privacy_officer") as api:
                answer = api.post("/v1/disclosures", wish(pushing_to(business, url), ada))
            assert (answer.code, answer.body["reason"]) == ("disclosure_refused", "address_refused")
        assert crm.taken == []
    assert told(business, *("recorded", "attempted", "refused") * 2)


def test_who_withdraws_or_is_corrected_is_followed_up_by_every_recipient(delivering: Running):
    business = Business.found(delivering)
    ada = a_customer(business)
    said = {"purpose": "service", "policy_version": "2027-01", "method": "explicit_click"}
    consents = f"/v1/subjects/{ada}/consents"
    with listening() as crm, business.api("privacy_officer") as api:
        api.made("/v1/policy-versions", TEXT)
        given = api.made(consents, {**said, "decision": "given"})
        recipient = pushing_to(business, crm.url)
        asked = wish(recipient, ada, lawful_basis="consent", consent_id=given["id"])
        done = api.made("/v1/disclosures", asked)
        corrected = api.call("PATCH", f"/v1/subjects/{ada}", {"name": "Ada Married"})
        assert corrected.status == 200, corrected.body
        assert wait_until(lambda: len(crm.taken) == 2, SECONDS_MAX)
        again = api.made("/v1/disclosures", asked)
        values = crm.taken[2].json["records"][0]["values"]
        assert values == {"name": "Ada Married", "email": "ada@example.test"}
        api.made(consents, {**said, "decision": "withdrawn"})
        refused = api.post("/v1/disclosures", asked)
        assert refused.body["reason"] == "no_consent"
        assert wait_until(lambda: len(crm.taken) == 5, SECONDS_MAX)
        told = [one.json for one in crm.taken if one.headers["webhook-id"].startswith("fup_")]
        assert [one["type"] for one in told] == ["correction", "withdrawal", "withdrawal"]
        assert {one["disclosure_id"] for one in told[1:]} == {done["id"], again["id"]}
        assert all(one.is_signed() for one in crm.taken)
        path = f"/v1/follow-ups/{told[0]['follow_up_id']}/acknowledgements"
        answered = api.made(path, {"outcome": "done"})
        assert (answered["about"], answered["outcome"]) == ("correction", "acknowledged")
        still_open: dict[str, object] = {"state": "open", "at_least": answered["event_id"]}
        listed = api.get("/v1/follow-ups", still_open).body["data"]
        assert [one["about"] for one in listed] == ["withdrawal", "withdrawal"]


# --- kill -9 ---------------------------------------------------------------------------------------------------------


def test_kill_9_of_the_worker_loses_no_attempt(delivering: Running):
    business = Business.found(delivering)
    ada = a_customer(business)
    with listening() as crm:
        crm.answers = [says(500), says(500)]
        done = pushed(business, pushing_to(business, crm.url), ada)
        delivering.kill("worker")
        assert wait_until(lambda: len(crm.taken) >= 2, SECONDS_MAX)
        delivering.kill("worker")
        assert wait_until(
            lambda: shown(business, done["id"])["outcome"] == "delivered", SECONDS_MAX
        )
    assert {one.headers["webhook-id"] for one in crm.taken} == {done["id"]}


def test_kill_9_while_it_is_being_sent_counts_as_shared_and_is_sent_again(delivering: Running):
    business = Business.found(delivering)
    ada, asked = a_customer(business), threading.Event()
    with listening() as crm:
        crm.answers = [held_until_killed(delivering, asked)]
        recipient = pushing_to(business, crm.url)
        with business.api("privacy_officer") as api, pytest.raises(LOST):
            api.post("/v1/disclosures", wish(recipient, ada))
        assert asked.is_set()
        # Beyond that it has failed, once the worker takes it for lost.
        begun = ["recorded", "attempted"]
        assert wait_until(lambda: types(business)[:2] == begun, SECONDS_MAX)
        assert wait_until(lambda: len(crm.taken) == 2, SECONDS_MAX)
        assert wait_until(lambda: types(business)[-1] == "delivered", SECONDS_MAX)
    assert told(business, "recorded", "attempted", "failed", "attempted", "delivered")
    (first, again) = crm.taken
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert shown(business, again.headers["webhook-id"])["attempts"] == 2


def held_until_killed(running: Running, asked: threading.Event) -> Answering:
    """A recipient that takes the body, and answers nothing while the API dies."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        apis = [pid for name, pid in running.parts().items() if name.startswith("api")]
        for pid in apis:
            os.kill(pid, signal.SIGKILL)
        handler.close_connection = True

    return answer


def authority_of(running: Running) -> Authority:
    """The authority that the deployment knows."""
    folder = running.data.parent
    return Authority(folder, folder / "ca.pem")
