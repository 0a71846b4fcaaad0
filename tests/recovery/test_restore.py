"""A whole deployment whose database is restored from an old copy: `up` brings everything back by itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infrastructure.ledger.signed.checkpoints import TreeHead
from infrastructure.ledger.signed.notes import VerifierKey
from infrastructure.server.processes import wait_until
from tests.api_client import Api, Business
from tests.recovery.test_export import all_signed
from tests.recovery.test_ledger_over_http import Auditor
from tests.running import Running
from tests.scratch import scratch_folder

SECONDS_MAX = 60.0
CANCEL = {"reason_code": "customer_request"}


@pytest.fixture
def own() -> Iterator[Running]:
    with scratch_folder("restore") as scratch:
        one = Running(scratch / "data")
        one.start()
        try:
            yield one
        finally:
            if one.process is not None:
                one.stop()


def restore(own: Running, copy: Path) -> None:
    """Put the old copy in the place of the database."""
    shutil.rmtree(own.data / "postgres")
    shutil.copytree(copy, own.data / "postgres")


@contextmanager
def auditor(business: Business, seen: TreeHead | None = None) -> Iterator[Auditor]:
    """Somebody who remembers the last checkpoint, also over a restart."""
    with business.api("auditor") as api:
        yield Auditor(api, business.tenant, VerifierKey.parse(business.log_vkey), seen)


def agenda(api: Api, business: Business, event: str) -> dict[str, str]:
    """The bookings of the agenda that includes `event`, and what became of them."""
    asked = {"location_id": business.location, "at_least": event, **business.span()}
    reply = api.get("/v1/agenda", asked)
    assert reply.status == 200, reply.body
    return {
        entry["booking_id"]: entry["status"]
        for day in reply.body["days"]
        for entry in day["entries"]
    }


def test_a_database_from_an_old_copy_is_brought_back_by_up(own: Running, tmp_path: Path) -> None:
    business = Business.found(own)
    service = business.offer("Visit", 60)
    business.engage([service])
    with business.api() as api:
        kept = api.made("/v1/bookings", business.wish(service, 0))
        dropped = api.made("/v1/bookings", business.wish(service, 60, "bob@example.test"))
    assert own.stop() == 0
    copy = own.data.parent / "copy"
    shutil.copytree(own.data / "postgres", copy)

    own.start()
    with business.api() as api:
        late = [
            api.made("/v1/bookings", business.wish(service, 60 * hour, f"p{hour}@example.test"))
            for hour in (2, 3, 4)
        ]
        called_off = api.post(f"/v1/bookings/{dropped['id']}/cancel", CANCEL)
        assert called_off.status == 200, called_off.body
        last = called_off.headers["daybook-event"]
    with auditor(business) as before:
        before.holds(last)
        seen = before.checkpoint()
    assert own.stop() == 0

    restore(own, copy)
    own.start()
    said = (own.data.parent / "data.stderr").read_text()
    assert "it was restored from a backup" in said and "daybook: brought back" in said
    # The key database was in the copy too, and three people were unknown then: two keys each.
    assert "the key database lacks 6 keys that they name: their values stay closed" in said
    with business.api() as api:
        for one in late:
            assert api.get(f"/v1/bookings/{one['id']}").body["status"] == "confirmed"
        assert api.get(f"/v1/bookings/{dropped['id']}").body["status"] == "cancelled"
        for hour in (0, 2, 3, 4):
            again = api.post("/v1/bookings", business.wish(service, 60 * hour, "eve@example.test"))
            assert again.status == 409, again.body
        known = agenda(api, business, last)
        assert {one: known[one] for one in (kept["id"], dropped["id"])} == {
            kept["id"]: "confirmed",
            dropped["id"]: "cancelled",
        }
        assert {one["id"] for one in late} < known.keys() and len(known) == 5
        free = api.made("/v1/bookings", business.wish(service, 60, "eve@example.test"))
    with auditor(business, seen) as after:
        after.holds(free["event_id"])
        after.holds(last)
        assert after.checkpoint().size > seen.size
        restored = after.api.get("/v1/events", {"type": "ledger.restored"}).body["data"]
    assert [one["type"] for one in restored] == ["ledger.restored.v1"]
    assert seen.size <= restored[0]["position"]
    with pytest.raises(subprocess.CalledProcessError) as found:
        own.verb("fsck", "--json")
    damage = {
        one["check"]: len(one["findings"])
        for one in json.loads(found.value.stdout)["checks"]
        if one["findings"]
    }
    # Of three customers: the keys of two classes each, and that their addresses lead to them.
    lacking = {"keys": 6, "contacts": 3}
    assert damage == lacking, "what the old key database lacks is said, and nothing else"
    with pytest.raises(subprocess.CalledProcessError) as refused:
        own.verb("recover")
    (line,) = refused.value.stderr.splitlines()
    assert line.startswith("daybook: another publisher writes to")


def test_a_database_that_nothing_can_bring_back_is_held(own: Running) -> None:
    business = Business.found(own)
    with auditor(business) as one:
        assert wait_until(lambda: one.get("checkpoint").status == 200, SECONDS_MAX)
    copy = own.data.parent / "copy"
    assert own.stop() == 0
    shutil.copytree(own.data / "postgres", copy)
    own.start()
    business.offer("Visit", 60)
    # A larger checkpoint could be of what the copy has as well.
    assert wait_until(lambda: all_signed(own, business), SECONDS_MAX)
    assert own.stop() == 0
    restore(own, copy)
    shutil.rmtree(own.data / "mirror")
    with pytest.raises(AssertionError, match="what is beyond is not there to be brought back"):
        own.start()
