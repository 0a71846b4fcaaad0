"""A log that is frozen: told in the log, signed a last time, then never again; the rest of the house goes on."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest

from infrastructure.canonical import parsed
from infrastructure.deployment import Deployment
from infrastructure.ledger.signing.signer import Refused, Signed, SignRequest
from infrastructure.ledger.signing.signer_keys import MEMORY
from infrastructure.ledger.signing.signer_memory import read_journal
from infrastructure.ledger.tree.merkle import tree_hash
from tests.ledger.ledger_house import House, house

FROZEN = "ledger.frozen.v1"


@pytest.fixture
def at(own_deployment: Deployment) -> Iterator[House]:
    with house(own_deployment) as made:
        yield made


def origin(at: House, tenant: UUID) -> str:
    return at.publisher.origins.of([tenant])[tenant]


def freeze(at: House, tenant: UUID, *options: str) -> dict[str, object]:
    """Freeze a log while the parts run: the verb waits for them."""
    done: list[object] = []
    id = at.tenants[-1]["tenant"]
    arguments = ("freeze", "--tenant", id, "--reason", "key_compromised", "--json", *options)
    verb = threading.Thread(target=lambda: done.append(at.verb(*arguments)))
    verb.start()
    while verb.is_alive():
        at.publish()
        verb.join(0.05)
    (ended,) = done
    assert ended.returncode == 0, ended.stderr  # type: ignore[attr-defined]
    found: dict[str, object] = json.loads(ended.stdout)  # type: ignore[attr-defined]
    return found


def status(at: House, number: int = -1) -> dict[str, object]:
    done = at.verb("status", "--tenant", at.tenants[number]["tenant"], "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_end_of_a_log_stands_in_its_last_checkpoint(at: House) -> None:
    other, tenant = at.found(), at.found()
    before = at.size(tenant)
    vkey = at.signer.client.verifier_keys(origin(at, tenant))[0]
    done = freeze(at, tenant)
    assert done == {"origin": origin(at, tenant), "frozen": "key_compromised", "size": before + 1}
    assert at.said(tenant, FROZEN) == [{"reason_code": "key_compromised", "size": before}]
    assert at.size(tenant) == before + 1 and at.verifies(tenant, vkey)
    for one in (tenant, other):
        at.append(one)
    at.publish()
    assert at.size(tenant) == before + 1, "nothing is signed after the end"
    assert at.size(other) == before + 1
    assert origin(at, tenant) in at.signer.client.attest(origin(at, tenant), b"{}")
    assert freeze(at, tenant) == done, "a second time changes nothing"
    assert len(at.said(tenant, FROZEN)) == 1


def test_a_frozen_log_stays_frozen_whatever_happens(at: House) -> None:
    tenant = at.found()
    size = freeze(at, tenant)["size"]
    assert isinstance(size, int)
    name = origin(at, tenant)
    at.signer.client.freeze(name, "moved")
    at.signer.kill()
    at.signer.start()
    assert at.signer.client.frozen(name) == "key_compromised"
    request = SignRequest(name, size, size, bytes(32), ())
    assert at.signer.client.sign([request]) == [Refused("frozen", size)]
    memory = at.deployment.settings.signer / MEMORY
    assert read_journal(memory.read_bytes(), memory)[name].frozen == "key_compromised"
    assert at.verb("rotate-key").returncode == 0
    assert at.signer.client.sign([request]) == [Refused("frozen", size)]
    assert at.said(tenant, "ledger.key_added.v1") == []


def test_the_publisher_says_it_once_and_asks_no_more(
    at: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = at.found()
    freeze(at, tenant)
    asked: list[SignRequest] = []
    real = at.signer.client.sign

    def counted(requests: Sequence[SignRequest]) -> list[Signed | Refused]:
        asked.extend(requests)
        return real(requests)

    monkeypatch.setattr(at.signer.client, "sign", counted)
    with caplog.at_level(logging.ERROR, "daybook.publisher"):
        for _ in range(20):
            at.append(tenant)
            at.publish()
    assert len([one for one in caplog.records if "frozen" in one.getMessage()]) == 1
    assert len(asked) == 1
    assert "frozen" in at.publisher.refused[tenant]


def test_status_tells_how_far_and_why_no_further(at: House) -> None:
    tenant = at.found()
    known, start = status(at), at.size(tenant)
    assert (known["size"], known["signed_size"], known["published_size"]) == (start,) * 3
    assert (known["frozen"], known["refused"], known["oldest_unsigned_seconds"]) == (None,) * 3
    assert known["signer"] == "running" and known["cosigned_size"] is None
    at.append(tenant)
    at.sequencer.sequence_now()
    waiting = status(at)
    assert (waiting["size"], waiting["published_size"]) == (start + 1, start)
    assert waiting["refused"] is None
    assert isinstance(waiting["oldest_unsigned_seconds"], float)
    at.publish()
    freeze(at, tenant)
    at.append(tenant)
    at.publish()
    ended = status(at)
    assert (ended["size"], ended["signed_size"]) == (start + 3, start + 2)
    assert ended["frozen"] == "key_compromised" and ended["refused"] == "frozen"
    at.signer.kill()
    assert status(at)["signer"] == "not running" and status(at)["refused"] == "frozen"


def test_status_names_a_rewritten_history(at: House) -> None:
    tenant = at.found()
    at.append(tenant)
    at.publish()
    at.rows(
        "UPDATE sequenced SET leaf_hash = sha256('other') WHERE tenant_id = %s AND position = 0"
        " RETURNING 1",
        tenant,
    )
    assert status(at)["refused"] == "inconsistent"


def test_a_log_is_frozen_while_nobody_runs(at: House) -> None:
    """The verb sequences, mirrors and signs the last leaf itself."""
    tenant = at.found()
    before = at.size(tenant)
    at.signer.kill()
    at.publisher.mirror.__exit__(None, None, None)  # type: ignore[attr-defined]
    arguments = ("freeze", "--tenant", at.tenants[0]["tenant"], "--reason", "moved", "--json")
    done = at.verb(*arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["size"] == before + 1 == at.size(tenant)
    assert at.said(tenant, FROZEN)[0]["reason_code"] == "moved"
    at.signer.start()
    assert at.signer.client.frozen(origin(at, tenant)) == "moved"


@pytest.mark.parametrize("running", [True, False])
def test_a_log_is_frozen_at_once_without_a_database(at: House, running: bool) -> None:
    tenant = at.found()
    before = at.size(tenant)
    if not running:
        at.signer.kill()
    id = at.tenants[0]["tenant"]
    arguments = ("freeze", "--at-once", "--reason", "history_in_doubt", "--json", "--tenant")
    unknown = at.verb(*arguments, "ten_00000000000000000000000000000000")
    assert unknown.returncode == 2 and "never signed for" in unknown.stderr
    done = at.verb(*arguments, id)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frozen"] == "history_in_doubt"
    assert at.said(tenant, FROZEN) == []
    if not running:
        at.signer.start()
    at.append(tenant)
    at.publish()
    assert at.size(tenant) == before


def test_a_last_leaf_that_is_not_signed_in_time_freezes_nothing(at: House) -> None:
    tenant = at.found()
    id = at.tenants[0]["tenant"]
    done = at.verb("freeze", "--tenant", id, "--reason", "moved", "--wait", "1")
    assert done.returncode == 1 and "--at-once" in done.stderr and done.stderr.count("\n") == 1
    at.publish()
    assert at.signer.client.frozen(origin(at, tenant)) is None
    assert freeze(at, tenant)["frozen"] == "key_compromised"
    assert [one["reason_code"] for one in at.said(tenant, FROZEN)] == ["moved"]


def test_the_public_keys_of_a_frozen_log_outlive_their_seed(at: House) -> None:
    tenant = at.found()
    vkey = at.signer.client.verifier_keys(origin(at, tenant))[0]
    freeze(at, tenant)
    assert at.verb("rotate-key").returncode == 0
    assert at.verb("retire-key", "--now", "--reason", "lost").returncode == 0
    listed = parsed(at.verb("keys", "--tenant", at.tenants[0]["tenant"], "--json").stdout)
    (log,) = listed["logs"]
    assert log["frozen"] == "key_compromised"
    assert [one["vkey"] for one in log["keys"] if one["state"] == "retired"] == [vkey]
    assert at.verifies(tenant, vkey)


def test_the_last_checkpoint_holds_the_whole_log(at: House) -> None:
    """What a new origin embeds extends what was signed before, and ends with the leaf that says so."""
    tenant = at.found()
    seen = "SELECT size, root FROM ledger_checkpoint WHERE tenant_id = %s ORDER BY size DESC"
    ((first, root),) = at.rows(seen, tenant)
    freeze(at, tenant)
    last, last_root = at.rows(seen, tenant)[0]
    found = "SELECT s.leaf_hash, e.type FROM sequenced s JOIN event e USING (tenant_id, event_id)"
    leaves = at.rows(f"{found} WHERE s.tenant_id = %s ORDER BY s.position", tenant)
    hashes = [bytes(row[0]) for row in leaves]
    assert tree_hash(hashes[:first]) == bytes(root)
    assert tree_hash(hashes[:last]) == bytes(last_root) and len(hashes) == last
    assert leaves[-1][1] == FROZEN
