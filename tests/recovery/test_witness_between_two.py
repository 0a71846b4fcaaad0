"""A branch whose ledger the head office witnesses: two deployments, each as anyone runs it, and the network between."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from infrastructure.clock import SystemClock
from infrastructure.ledger.signed.checkpoints import parse_tree_head
from infrastructure.ledger.signed.cosignatures import cosigned_at, parse_lines
from infrastructure.ledger.signed.notes import (
    COSIGNATURE,
    VerifierKey,
    parse_note,
    verifier_key,
    verify,
)
from infrastructure.ledger.signing.signer_memory import read_journal
from infrastructure.server.processes import wait_until
from tests import running as running_module
from tests.api_client import Business
from tests.ledger.witnesses import Log
from tests.running import Running
from tests.scratch import scratch_folder
from tests.verbs import run_verb

pytestmark = pytest.mark.xdist_group("witnesses")

SECONDS_MAX = 60.0


@dataclass(frozen=True)
class Heard:
    """What a witness answered."""

    status: int
    kind: str
    text: str


class Office:
    """A deployment that witnesses, seen from outside."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.logs: list[VerifierKey] = []

    def ask(self, body: bytes, method: str = "POST", path: str = "add-checkpoint") -> Heard:
        """One call. Raises OSError, HTTPException."""
        parts = urlsplit(self.running.url)
        connection = HTTPConnection(parts.hostname or "", parts.port or 0, timeout=30)
        try:
            connection.request(method, f"/v1/witness/{path}", body)
            answer = connection.getresponse()
            kind = answer.getheader("content-type", "")
            return Heard(answer.status, kind, answer.read().decode())
        finally:
            connection.close()

    def knows(self, *keys: VerifierKey) -> None:
        """Name more logs."""
        self.logs += keys
        lines = "".join(f"{key.text()}\n" for key in self.logs)
        file = self.running.data / "witnessed-logs.txt"
        file.with_suffix(".new").write_text(f"# branches\n{lines}")
        file.with_suffix(".new").rename(file)

    def is_back(self) -> bool:
        """True when its signer can be asked: one that was killed is started again after a while."""
        with suppress(OSError):
            return self.ask(b"", "GET", "vkey").status == 200
        return False

    def key(self) -> VerifierKey:
        """Its Ed25519 key."""
        assert wait_until(self.is_back, SECONDS_MAX)
        return VerifierKey.parse(self.ask(b"", "GET", "vkey").text.splitlines()[0])


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with scratch_folder("office") as scratch:
        one = Running(scratch / "data")
        one.start()
        yield Office(one)
        one.stop()


@pytest.fixture(scope="module")
def branch(office: Office) -> Iterator[Running]:
    """A deployment whose policy names the office, asking every second."""
    before = running_module._environment
    running_module._environment = lambda: before() | {"DAYBOOK_WITNESS_SECONDS": "1"}
    try:
        with scratch_folder("branch") as scratch:
            one = Running(scratch / "data")
            one.data.mkdir(mode=0o700)
            office.knows(Log().vkey)
            policy = f"witness office {office.key().text()} {office.running.url}/v1/witness\nquorum office\n"
            (one.data / "witness-policy.txt").write_text(policy)
            one.start()
            yield one
            if one.process is not None:
                one.stop()
    finally:
        running_module._environment = before


@pytest.fixture(scope="module")
def business(branch: Running, office: Office) -> Business:
    found = Business.found(branch)
    office.knows(VerifierKey.parse(found.log_vkey))
    return found


def standing(business: Business) -> Any:
    with business.api("auditor") as api:
        return api.get(f"/v1/ledger/{business.tenant}/witnesses").body


def book(business: Business, count: int = 1) -> None:
    service = business.offer("Visit", 30, booking_window_days=365)
    staff = business.engage([service])
    with business.api("booking") as api:
        for number in range(count):
            wish = business.wish(service, 60 * number, f"a{number}@example.test", staff_id=staff)
            api.made("/v1/bookings", wish)


def witnessed_all(business: Business) -> bool:
    """True when a quorum has seen the newest checkpoint, and that covers what was recorded."""
    found = standing(business)
    with business.api("auditor") as api:
        events = api.get("/v1/events", {"limit": 200}).body["data"]
    last = events[-1]["position"] if events else -1
    return bool(found["quorum_met"]) and int(found["newest_size"]) == last + 1 > 0


def test_what_the_branch_books_the_office_cosigns(business: Business, office: Office) -> None:
    book(business, 3)
    assert wait_until(lambda: witnessed_all(business), SECONDS_MAX), standing(business)
    found = standing(business)
    assert found["configured"] and not found["overdue"]
    assert [one["name"] for one in found["data"]] == ["office"]
    assert found["data"][0]["problem"] is None
    with business.api("auditor") as api:
        path = f"/v1/ledger/{business.tenant}/checkpoint"
        text = api.get(path, {"witnessed": "true"}).raw.decode()
        assert api.get(path).raw.decode() == text
        assert api.get(path, {"witnessed": "perhaps"}).status == 422
    note = parse_note(text)
    log = VerifierKey.parse(business.log_vkey)
    assert verify(note, [log])
    assert cosigned_at(note, office.key(), int(SystemClock().now().timestamp()))
    head = parse_tree_head(note.text)
    name = sha256(head.origin.encode()).hexdigest()
    kept = parse_note(office.ask(b"", "GET", f"{name}/checkpoint").text)
    assert kept.text == note.text and verify(kept, [log])


def test_the_whole_conversation(office: Office) -> None:
    log = Log("conversation.example/log")
    assert office.ask(log.asks(0, 3)).status == 404
    office.knows(log.vkey)
    first = office.ask(log.asks(0, 3))
    assert (first.status, first.kind) == (200, "text/plain; charset=utf-8")
    now = int(SystemClock().now().timestamp())
    assert cosigned_at(parse_lines(log.note(3).text, first.text), office.key(), now)
    behind = office.ask(log.asks(0, 7))
    assert (behind.status, behind.text) == (409, "3\n")
    assert behind.kind.partition(";")[0] == "text/x.tlog.size"
    assert office.ask(log.rewritten(1).asks(3, 7)).status == 422
    assert office.ask(Log(log.origin).asks(3, 7)).status == 403
    for bad in (b"", b"\xff", b"old 9\n\nx", log.asks(3, 7).replace(b"old 3", b"old 8")):
        refused = office.ask(bad)
        assert (refused.status, refused.kind) == (400, "application/problem+json")
    assert office.ask(b"x" * 80_000).status == 413
    assert office.ask(log.asks(3, 7)).status == 200
    assert office.ask(b"", "GET").status == 405
    for path in ("0" * 64, "0" * 63, "..", "A" * 64):
        assert office.ask(b"", "GET", f"{path}/checkpoint").status == 404


def test_of_many_that_ask_at_once_exactly_one_wins(office: Office) -> None:
    log = Log("racing.example/log")
    office.knows(log.vkey)
    assert office.ask(log.asks(0, 10)).status == 200
    found: list[Heard] = []
    bodies = [log.asks(10, size) for size in range(11, 27)]
    threads = [
        threading.Thread(target=lambda it=body: found.append(office.ask(it))) for body in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.status for one in found) == [200] + [409] * 15


def test_a_witness_that_is_killed_at_any_moment_cosigns_one_history(office: Office) -> None:
    """Two histories fight for each size, while the signer's process dies again and again."""
    log = Log("killed.example/log")
    fork = log.rewritten(0)
    office.knows(log.vkey)
    won: dict[int, set[str]] = {}
    done = threading.Event()

    def fight(one: Log, name: str) -> None:
        size = 0
        while not done.is_set() and size < 200:
            try:
                heard = office.ask(one.asks(size, size + 1))
            except OSError:
                continue
            if heard.status == 200:
                won.setdefault(size + 1, set()).add(name)
                size += 1
            elif heard.status == 409 and int(heard.text) <= 200:
                if int(heard.text) == size:
                    return  # the other history has this size
                size = int(heard.text)
            elif heard.status == 422:
                return

    threads = [
        threading.Thread(target=fight, args=(log, "true")),
        threading.Thread(target=fight, args=(fork, "fork")),
    ]
    for thread in threads:
        thread.start()
    for _ in range(3):
        enough = len(won) + 3

        def is_time() -> bool:
            return len(won) > enough or not any(one.is_alive() for one in threads)  # noqa: B023

        assert wait_until(is_time, SECONDS_MAX)
        office.running.kill("signer")
    done.set()
    for thread in threads:
        thread.join()
    winners = set().union(*won.values())
    assert len(winners) == 1 and won
    path = office.running.data / "witness" / "memory.journal"
    known = read_journal(path.read_bytes(), path)[log.origin]
    assert known.size >= max(won)
    (name,) = winners
    assert known.root == (log if name == "true" else fork).tree.root(known.size)


def test_a_witness_that_is_away_stops_nothing(
    business: Business, office: Office, branch: Running
) -> None:
    assert wait_until(lambda: witnessed_all(business), SECONDS_MAX)
    size = standing(business)["witnessed"]["size"]
    parts = [pid for name, pid in office.running.parts().items() if name.startswith("api")]
    for pid in parts:
        os.kill(pid, signal.SIGSTOP)
    try:
        book(business, 2)
        assert wait_until(
            lambda: standing(business)["data"][0]["problem"] in ("timeout", "unreachable"),
            SECONDS_MAX,
        ), standing(business)
        found = standing(business)
        assert found["newest_size"] > size == found["witnessed"]["size"]
        assert not found["quorum_met"] and not found["overdue"]
    finally:
        for pid in parts:
            os.kill(pid, signal.SIGCONT)
    assert wait_until(lambda: witnessed_all(business), SECONDS_MAX)
    branch.kill("cosigner")
    book(business)
    assert wait_until(lambda: witnessed_all(business), SECONDS_MAX)


def by_file(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """A verb of `daybook witness`."""
    return run_verb("witness", *arguments, given=given, environment=running_module._environment())


def test_a_regulator_without_a_network_cosigns_by_file(
    branch: Running, business: Business, tmp_path: Path
) -> None:
    state = tmp_path / "regulator.json"
    printed = by_file("vkey", "--state", str(state), "--name", "regulator.example/1")
    key = VerifierKey.parse(printed.stdout.decode().splitlines()[0])
    sign = ("sign", "--state", str(state), "--name", "regulator.example/1")
    ours = ("--data", str(branch.data), "--tenant", business.tenant)
    request = by_file("request", *ours).stdout
    unknown = by_file(*sign, given=request)
    assert unknown.returncode == 1 and b"not witnessed here" in unknown.stderr
    (tmp_path / "regulator.logs").write_text(f"# the branch\n{business.log_vkey}\n")
    answer = by_file(*sign, given=request)
    assert answer.returncode == 0, answer.stderr
    size = parse_tree_head(parse_note(request.decode().split("\n\n", 1)[1]).text).size
    again = by_file(*sign, given=request)
    assert again.returncode == 1 and f"cosigned is {size};".encode() in again.stderr
    assert by_file(*sign, given=b"nonsense").returncode == 2
    stranger = by_file("accept", *ours, given=answer.stdout)
    assert stranger.returncode == 1 and b"no witness of the policy" in stranger.stderr
    policy = branch.data / "witness-policy.txt"
    before = policy.read_text()
    office = before.partition("\n")[0]
    policy.write_text(
        f"{office}\nwitness regulator {key.text()}\ngroup g all office regulator\nquorum g\n"
    )
    try:
        taken = by_file("accept", *ours, given=answer.stdout)
        assert taken.returncode == 0 and b"kept the cosignatures" in taken.stderr
        damaged = bytearray(answer.stdout)
        damaged[-80] ^= 1
        assert by_file("accept", *ours, given=bytes(damaged[:120])).returncode == 1
    finally:
        policy.write_text(before)
    (kept,) = branch.rows(
        "SELECT note FROM ledger_checkpoint WHERE size = %s AND note LIKE %s", (size, "%regulator%")
    )
    assert cosigned_at(parse_note(kept[0]), key, int(SystemClock().now().timestamp()))
    (tmp_path / "regulator.json").unlink()
    retired = by_file(*sign, given=request)
    assert retired.returncode == 2 and b"retired" in retired.stderr
    for bad in (("--tenant", "ten_1"), ("--tenant", "ten_" + "0" * 32)):
        refused = by_file("request", "--data", str(branch.data), *bad)
        assert refused.returncode in (1, 2) and b"Traceback" not in refused.stderr


def test_a_witness_without_its_memory_is_retired_and_the_logs_go_on(office: Office) -> None:
    log = Log("forgotten.example/log")
    office.knows(log.vkey)
    assert wait_until(office.is_back, SECONDS_MAX)
    assert office.ask(log.asks(0, 3)).status == 200
    memory = office.running.data / "witness" / "memory.journal"
    aside = memory.with_suffix(".aside")
    memory.rename(aside)
    office.running.kill("signer")
    assert wait_until(lambda: "witness_retired" in office.ask(log.asks(3, 4)).text, SECONDS_MAX)
    assert office.ask(log.asks(3, 4)).status == 503
    business = Business.found(office.running)
    with business.api("auditor") as api:
        path = f"/v1/ledger/{business.tenant}/checkpoint"
        assert wait_until(lambda: api.get(path).status == 200, SECONDS_MAX)
    aside.rename(memory)
    assert wait_until(lambda: office.ask(log.asks(3, 4)).status == 200, SECONDS_MAX)


def test_a_branch_that_was_put_back_whole_does_not_start(
    branch: Running, business: Business
) -> None:
    """Database, mirror and signer from one snapshot agree with each other; only the witness knows better."""
    assert wait_until(lambda: witnessed_all(business), SECONDS_MAX)
    branch.stop()
    snapshot = branch.data.with_name("snapshot")
    # As a snapshot of the machine would: owners, times and all.
    subprocess.run(["cp", "-a", str(branch.data), str(snapshot)], check=True)
    branch.start()
    before = standing(business)["witnessed"]["size"]
    book(business, 2)
    assert wait_until(lambda: witnessed_all(business), SECONDS_MAX)
    size = standing(business)["witnessed"]["size"]
    assert size > before
    branch.stop()
    shutil.rmtree(branch.data)
    snapshot.rename(branch.data)
    with pytest.raises(
        AssertionError, match=rf"has {before} events, and witness .* cosigned {size}"
    ):
        branch.start()


def test_a_policy_under_which_two_histories_could_both_be_cosigned_is_refused(
    branch: Running, office: Office
) -> None:
    if branch.process is not None:
        branch.stop()
    keys = [Log(f"w{number}").key for number in range(2)]
    lines = [
        f"witness w{number} {verifier_key(f'w{number}', key, COSIGNATURE).text()}\n"
        for number, key in enumerate(keys)
    ]
    policy = branch.data / "witness-policy.txt"
    policy.write_text(f"{''.join(lines)}group g any w0 w1\nquorum g\n")
    with pytest.raises(AssertionError, match="more than half of the witnesses"):
        branch.start()


def test_whoever_asks_for_public_keys_gets_no_secret_one(office: Office) -> None:
    """Whoever asks for public keys never gets a secret one."""
    seed = (office.running.data / "witness" / "seed.key").read_bytes()
    shown = office.ask(b"", "GET", "vkey").text
    assert b64encode(seed).decode().rstrip("=") not in shown and seed.hex() not in shown
