"""The ledger's verbs against a deployment that runs: the parts do the work, and bookings go on after a log's end."""

from __future__ import annotations

import json

import pytest

from infrastructure.ledger.signed.checkpoints import parse_tree_head
from infrastructure.ledger.signed.notes import VerifierKey, parse_note, verify
from infrastructure.server.processes import wait_until
from tests.api_client import Business
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running")

SECONDS_MAX = 60.0


def test_a_frozen_log_serves_its_last_checkpoint_and_its_tenant_goes_on(running: Running) -> None:
    business = Business.found(running)
    service = business.offer("Cut", 30)
    business.engage([service])
    arguments = ("--tenant", business.tenant, "--json")
    (log,) = json.loads(running.verb("ledger", "keys", *arguments))["logs"]
    key = VerifierKey.parse(log["keys"][-1]["vkey"])
    assert key.text() == business.log_vkey

    done = json.loads(running.verb("ledger", "freeze", "--reason", "moved", *arguments))
    assert done["frozen"] == "moved"
    with business.api() as api:
        booked = api.post("/v1/bookings", business.wish(service, 60))
    assert booked.status == 201, booked.body

    def stored_more() -> bool:
        now = json.loads(running.verb("ledger", "status", *arguments))
        return int(now["size"]) > int(done["size"])

    assert wait_until(stored_more, SECONDS_MAX)
    with business.api("auditor") as api:
        served = parse_note(api.get(f"/v1/ledger/{business.tenant}/checkpoint").raw.decode())
    assert verify(served, [key]) and parse_tree_head(served.text).size == done["size"]
    known = json.loads(running.verb("ledger", "status", *arguments))
    assert (known["refused"], known["frozen"], known["signer"]) == ("frozen", "moved", "running")
    assert known["oldest_unsigned_seconds"] >= 0 and known["signed_size"] == done["size"]
