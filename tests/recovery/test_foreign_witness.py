"""Software of others speaks with ours: a foreign witness cosigns our log, and a foreign verifier believes it.

It needs Python 3.12 or newer with `aics-witness` and `aics-tlog`, which are no part of this project:

    python3.12 -m venv peers && peers/bin/pip install aics-witness aics-tlog
    DAYBOOK_PEERS_PYTHON=peers/bin/python python -m pytest tests/recovery/test_foreign_witness.py
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from infrastructure.clock import SystemClock
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.fork_guard import Behind, Rewritten
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signed.notes import VerifierKey
from infrastructure.ledger.witnesses.cosigner import Cosigner
from infrastructure.ledger.witnesses.witness_guard import ask_all
from infrastructure.ledger.witnesses.witness_policy import WitnessPolicy, parse_policy
from infrastructure.server.processes import wait_until
from tests.ledger.witnesses import Log, trusted
from tests.store.publishing import Press, press
from tests.store.witness_servers import Proper, proper_witness

PEERS = os.environ.get("DAYBOOK_PEERS_PYTHON")
pytestmark = pytest.mark.skipif(
    not PEERS, reason="DAYBOOK_PEERS_PYTHON names no Python with aics-witness and aics-tlog"
)
SECONDS_MAX = 60.0
FEED = """
import json, sys
from aics_witness.feeder import WitnessClient
asked = json.load(sys.stdin)
client = WitnessClient(asked["url"], asked["vkey"], max_attempts=1)
for note, proofs in asked["notes"]:
    print(client.submit(note, lambda old, new: [bytes.fromhex(one) for one in proofs[str(old)]]), end="")
"""


def peer(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run something in the foreign Python."""
    return subprocess.run(
        [str(PEERS), *arguments], input=given, capture_output=True, text=True, check=False
    )


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def here(own_deployment: Deployment) -> Iterator[Press]:
    with press(own_deployment) as made:
        yield made


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


@pytest.fixture
def log_vkey(here: Press, tenant: UUID) -> str:
    return here.signer.signer.verifier_keys(default(tenant))[0]


@pytest.fixture
def policy(tenant: UUID, log_vkey: str, tmp_path: Path) -> Iterator[WitnessPolicy]:
    """A policy that asks a foreign witness, which runs meanwhile."""
    listen = f"127.0.0.1:{free_port()}"
    config = ("--config", str(tmp_path / "foreign.json"))
    begun = peer(
        "-m", "aics_witness", "init", *config, "--name", "foreign.example/w", "--listen", listen
    )
    assert begun.returncode == 0, begun.stderr
    named = ("--origin", default(tenant), "--vkey", log_vkey)
    added = peer("-m", "aics_witness", "add-log", *config, *named)
    assert added.returncode == 0, added.stderr
    status = json.loads(peer("-m", "aics_witness", "status", *config, "--json").stdout)
    vkey = next(text for text in strings(status) if text.startswith("foreign.example/w+"))
    with (tmp_path / "foreign.log").open("w") as said:
        serving = subprocess.Popen(
            [str(PEERS), "-m", "aics_witness", "serve", *config], stdout=said, stderr=said
        )
        try:
            assert wait_until(lambda: listens(listen), SECONDS_MAX)
            yield parse_policy(f"witness foreign {vkey} http://{listen}\nquorum foreign\n".encode())
        finally:
            serving.terminate()
            serving.wait(SECONDS_MAX)


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def listens(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


def publish(here: Press, tenant: UUID, count: int) -> None:
    publisher = here.publisher()
    here.append(tenant, count)
    publisher.tick()


def last_note(here: Press) -> str:
    ((note,),) = here.rows("SELECT note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1")
    return str(note)


def test_a_foreign_witness_cosigns_and_a_foreign_verifier_believes_it(
    here: Press, tenant: UUID, log_vkey: str, policy: WitnessPolicy
) -> None:
    cosigner = Cosigner(here.publishing, policy, SystemClock())
    witness = policy.witnesses["foreign"].key.text()
    check = ("-m", "aics_tlog", "verify-checkpoint", "--note", "-", "--log-key", log_vkey)
    believed = (*check, "--witness-key", witness, "--quorum", "1", "--origin", default(tenant))
    for more in (3, 1, 300):
        publish(here, tenant, more)
        assert peer(*believed, given=last_note(here)).returncode != 0, "nobody cosigned yet"
        assert cosigner.round() == 1
        shown = peer(*believed, given=last_note(here))
        assert shown.returncode == 0, shown.stderr
    note = last_note(here)
    changed = note.replace("\n304\n", "\n305\n")
    assert changed != note and peer(*believed, given=changed).returncode != 0


def test_a_foreign_witness_tells_a_database_that_was_put_back(
    here: Press, tenant: UUID, policy: WitnessPolicy
) -> None:
    cosigner = Cosigner(here.publishing, policy, SystemClock())
    publish(here, tenant, 5)
    assert cosigner.round() == 1
    assert ask_all(here.publishing, policy) == []
    publish(here, tenant, 4)
    assert cosigner.round() == 1
    here.rows("DELETE FROM ledger_checkpoint WHERE size = 9")
    here.rows("UPDATE ledger_head SET size = 5 WHERE tenant_id = %s", tenant)
    with pytest.raises(Behind, match="cosigned 9"):
        ask_all(here.publishing, policy)


def test_a_foreign_witness_tells_another_history(
    here: Press, tenant: UUID, policy: WitnessPolicy
) -> None:
    from infrastructure.ledger.signed.checkpoints import TreeHead

    publish(here, tenant, 5)
    assert Cosigner(here.publishing, policy, SystemClock()).round() == 1
    text = TreeHead(default(tenant), 5, bytes(32)).text()
    forged = here.signer.signer._keys.sign(text, default(tenant)).whole()
    here.rows("UPDATE ledger_checkpoint SET note = %s, root = %s", forged, bytes(32))
    with pytest.raises(Rewritten):
        ask_all(here.publishing, policy)


def test_a_foreign_log_is_cosigned_by_our_witness(tmp_path: Path) -> None:
    log = Log("foreign.example/log")
    with proper_witness(tmp_path, trusted(log)) as ours:
        sizes = [3, 3, 7, 300]
        notes = [
            (
                log.note(size).whole(),
                {str(old): proof(log, old, size) for old in (0, *sizes) if old <= size},
            )
            for size in sizes
        ]
        lines = fed(ours, notes)
        assert lines.returncode == 0, lines.stderr
        assert lines.stdout.count(f"— {ours.key.name} ") >= len(sizes)
        fork = log.rewritten(0)
        refused = fed(ours, [(fork.note(300).whole(), {str(300): []})])
        assert refused.returncode != 0


def fed(
    ours: Proper, notes: list[tuple[str, dict[str, list[str]]]]
) -> subprocess.CompletedProcess[str]:
    """Have the foreign client submit to our witness."""
    asked = {"url": ours.asked.url, "vkey": ours.key.text(), "notes": notes}
    return peer("-c", FEED, given=json.dumps(asked))


def proof(log: Log, old: int, size: int) -> list[str]:
    return [one.hex() for one in log.tree.proof(old, 0, size)] if 0 < old < size else []


def test_our_keys_are_written_as_others_read_them(tmp_path: Path) -> None:
    log = Log()
    with proper_witness(tmp_path, trusted(log)) as ours:
        read = "import sys; from aics_tlog import parse_vkey; k = parse_vkey(sys.argv[1]); print(k.name)"
        for text in (ours.key.text(), log.vkey.text()):
            done = peer("-c", read, text)
            assert done.stdout.strip() == VerifierKey.parse(text).name, done.stderr
