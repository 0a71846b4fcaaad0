"""A signer that is killed, starved of disk, or damaged: it forgets nothing, and signs no second history."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import Unavailable
from infrastructure.ledger.signing.signer import Refused, Signed, SignRequest
from infrastructure.ledger.signing.signer_keys import MEMORY, SignerKeys
from infrastructure.ledger.signing.signer_memory import Remembered, SignerMemory, read_journal
from infrastructure.ledger.signing.signer_socket import SignerClient, address
from infrastructure.ledger.signing.signer_wire import request_message, send
from infrastructure.server.processes import wait_until
from tests.ledger.naive_trees import NaiveTree
from tests.ledger.signer_process import SECONDS_MAX, SignerProcess, signer_process

ORIGIN = "example.test/ledger/one"
TREE = NaiveTree(300)


def grown(old: int, size: int, origin: str = ORIGIN) -> SignRequest:
    proof = TREE.proof(old, 0, size) if old else []
    return SignRequest(origin, old, size, TREE.root(size), tuple(proof))


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[SignerProcess]:
    with signer_process(tmp_path / "data") as made:
        yield made


def journal(apart: SignerProcess) -> Path:
    return apart.settings.signer / MEMORY


def fill(apart: SignerProcess, logs: int) -> None:
    SignerKeys(apart.settings.signer).prepare()
    with SignerMemory(journal(apart)) as memory:
        memory.remember(
            {f"log{number}": Remembered(number + 1, bytes(32)) for number in range(logs)}
        )


def test_a_signer_killed_before_it_answered_says_where_it_is_and_goes_on(
    apart: SignerProcess,
) -> None:
    apart.start()
    assert isinstance(apart.client.sign([grown(0, 8)])[0], Signed)
    before = journal(apart).stat().st_size
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as unread:
        with address(apart.settings.signer_socket) as where:
            unread.connect(where)
        send(unread, {"do": "sign", "requests": [request_message(grown(8, 20))]})
        assert wait_until(lambda: journal(apart).stat().st_size > before, SECONDS_MAX)
        apart.kill()
    apart.start()
    assert apart.client.sign([grown(8, 21)]) == [Refused("behind", 20)]
    (signed,) = apart.client.sign([grown(20, 21)])
    assert isinstance(signed, Signed) and signed.size == 21


def test_a_disk_that_is_full_stops_signatures_and_costs_no_memory(apart: SignerProcess) -> None:
    fill(apart, 10)
    room = journal(apart).stat().st_size
    # Each limit cuts the next batch somewhere else: between lines, in one, at its end.
    for more in (0, 1, 100, 150, 299, 301):
        apart.start(file_bytes_max=room + more)
        with pytest.raises(Unavailable, match="memory"):
            apart.client.sign([grown(0, 8), grown(0, 9, "other"), grown(0, 7, "third")])
        assert apart.client.sizes([ORIGIN, "other", "third", "log7"]) == [0, 0, 0, 8]
        assert journal(apart).stat().st_size == room
        apart.kill()
    apart.start(file_bytes_max=room + 100)
    with pytest.raises(Unavailable, match="memory"):
        apart.client.sign([grown(0, 8)])
    apart.give_room()
    assert isinstance(apart.client.sign([grown(0, 8)])[0], Signed)
    assert len(read_journal(journal(apart).read_bytes(), journal(apart))) == 11


def test_a_journal_that_cannot_be_rewritten_is_kept_whole(apart: SignerProcess) -> None:
    """A disk that is nearly full takes the beginning of a file, and says nothing."""
    fill(apart, 100)
    whole = journal(apart).read_bytes()
    apart.start(file_bytes_max=len(whole) // 2)
    assert apart.client.sizes(["log0", "log99"]) == [1, 100]
    assert journal(apart).read_bytes() == whole
    apart.kill()
    assert len(read_journal(whole, journal(apart))) == 100


def test_a_journal_damaged_in_the_middle_is_refused_in_one_line(apart: SignerProcess) -> None:
    fill(apart, 3)
    changed = bytearray(journal(apart).read_bytes())
    changed[150] ^= 1
    journal(apart).write_bytes(changed)
    said = apart.refuses_to_start()
    assert "does not read: restore it, or retire the signer" in said
    assert "Traceback" not in said


def test_a_second_signer_on_the_same_memory_ends_and_the_first_goes_on(
    apart: SignerProcess,
) -> None:
    apart.start()
    assert "another signer runs on" in apart.refuses_to_start()
    assert isinstance(apart.client.sign([grown(0, 1)])[0], Signed)


def test_a_memory_that_may_not_be_written_is_one_line(apart: SignerProcess) -> None:
    fill(apart, 1)
    journal(apart).rename(journal(apart).with_suffix(".kept"))
    journal(apart).mkdir()
    said = apart.refuses_to_start()
    assert "cannot be written" in said and "Traceback" not in said


def test_seeds_that_are_gone_are_no_crash(apart: SignerProcess) -> None:
    apart.start()
    seed = apart.settings.signer / "seed-1.key"
    seed.rename(seed.with_suffix(".elsewhere"))
    with pytest.raises(Unavailable, match="seeds"):
        apart.client.sign([grown(0, 1)])
    seed.with_suffix(".elsewhere").rename(seed)
    assert isinstance(apart.client.sign([grown(0, 1)])[0], Signed)


def test_each_refusal_names_its_reason(apart: SignerProcess) -> None:
    """Over the socket, as the publisher hears it; and none of them moves the signer."""
    apart.start()
    client: SignerClient = apart.client
    assert isinstance(client.sign([grown(0, 40)])[0], Signed)
    other = NaiveTree(300)
    other.leaves[3] = bytes(32)
    forged = SignRequest(ORIGIN, 40, 90, other.root(90), tuple(other.proof(40, 0, 90)))
    bogus = SignRequest(ORIGIN, 40, 90, TREE.root(90), (bytes(32),) * 6)
    cases = {
        "smaller": grown(0, 39),
        "behind": grown(39, 90),
        "inconsistent": forged,
        "malformed": SignRequest(ORIGIN, 40, 90, bytes(31), ()),
    }
    equivocal = SignRequest(ORIGIN, 40, 40, other.root(40), ())
    none = SignRequest(ORIGIN, 40, 90, TREE.root(90), ())
    for reason, request in [
        *cases.items(),
        *(("inconsistent", it) for it in (equivocal, bogus, none)),
    ]:
        assert client.objection(request) == Refused(reason, 40)  # type: ignore[arg-type]
        assert client.sign([request]) == [Refused(reason, 40)]  # type: ignore[arg-type]
    assert client.objection(grown(40, 90)) is None
    assert client.sizes([ORIGIN]) == [40]
