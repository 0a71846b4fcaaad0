"""Our checkpoints are cosigned by whoever the policy names; what witnesses do wrong costs their cosignature only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from application.ledger.witnessing import Witnessing
from domain.errors import Unwitnessed
from infrastructure.clock import SystemClock
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.fork_guard import Behind, Rewritten
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signed.cosignatures import cosigners
from infrastructure.ledger.signed.notes import VerifierKey, parse_note, verify
from infrastructure.ledger.witnesses import witness_client
from infrastructure.ledger.witnesses.cosigner import Cosigner
from infrastructure.ledger.witnesses.witness_client import WitnessConnection
from infrastructure.ledger.witnesses.witness_files import AnswerRefused, accept_answer, make_request
from infrastructure.ledger.witnesses.witness_guard import ask_all
from infrastructure.ledger.witnesses.witness_policy import WitnessPolicy, parse_policy
from infrastructure.ledger.witnesses.witness_store import PostgresWitnessRecords
from infrastructure.wall import bound_to
from tests.ledger.witnesses import Stopped
from tests.store.publishing import Press, press
from tests.store.witness_servers import Proper, listening, proper_witness, silent

CLOCK = SystemClock()


@pytest.fixture
def here(own_deployment: Deployment) -> Iterator[Press]:
    with press(own_deployment) as made:
        yield made


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


@pytest.fixture
def three(here: Press, tenant: UUID, tmp_path: Path) -> Iterator[list[Proper]]:
    """Three witnesses of the tenant's log."""
    with ExitStack() as stack:
        logs = {default(tenant): [log_key(here, tenant)]}
        yield [
            stack.enter_context(proper_witness(tmp_path / f"w{number}", logs))
            for number in range(3)
        ]


def log_key(here: Press, tenant: UUID) -> VerifierKey:
    return VerifierKey.parse(here.signer.signer.verifier_keys(default(tenant))[0])


def two_of(three: list[Proper]) -> WitnessPolicy:
    lines = [one.line(f"w{number}") for number, one in enumerate(three)]
    return parse_policy(f"{''.join(lines)}group g 2 w0 w1 w2\nquorum g\n".encode())


def cosigner(here: Press, policy: WitnessPolicy) -> Cosigner:
    return Cosigner(here.publishing, policy, CLOCK, round_seconds_max=20)


def records(
    here: Press, policy: WitnessPolicy | None, clock: Stopped | SystemClock = CLOCK
) -> PostgresWitnessRecords:
    return PostgresWitnessRecords(here.app, policy, clock)


def publish(here: Press, tenant: UUID, count: int) -> None:
    publisher = here.publisher()
    here.append(tenant, count)
    publisher.tick()


def seen(here: Press, policy: WitnessPolicy, tenant: UUID) -> dict[str, tuple[int, str | None]]:
    with bound_to(tenant):
        return {one.name: (one.size, one.problem) for one in records(here, policy).seen(tenant)}


def witnessed(here: Press, policy: WitnessPolicy, tenant: UUID) -> int | None:
    with bound_to(tenant):
        found = records(here, policy).last(tenant)
    return found.checkpoint.size if found else None


def test_a_log_is_cosigned_as_it_grows(here: Press, tenant: UUID, three: list[Proper]) -> None:
    policy = two_of(three)
    asking = cosigner(here, policy)
    assert asking.round() == 0
    for more, size in ((3, 3), (1, 4), (400, 404)):
        publish(here, tenant, more)
        assert asking.round() == 3
        assert witnessed(here, policy, tenant) == size
        assert seen(here, policy, tenant) == dict.fromkeys(("w0", "w1", "w2"), (size, None))
    assert asking.round() == 0
    ((note,),) = here.rows(
        "SELECT note FROM ledger_checkpoint WHERE tenant_id = %s AND size = 404", tenant
    )
    read = parse_note(str(note))
    assert verify(read, [log_key(here, tenant)])
    assert set(cosigners(read, policy.keys(), int(CLOCK.now().timestamp()))) == set(policy.keys())
    # Cosigned ones have left the house, and stay.
    assert here.published(tenant) == [3, 4, 404]


def test_a_checkpoint_is_held_while_it_is_asked_about(
    here: Press, tenant: UUID, three: list[Proper]
) -> None:
    """A log that grows faster than witnesses answer is cosigned all the same."""
    policy = two_of(three)
    publish(here, tenant, 3)
    publisher = here.publisher()
    before = three[0].asked.says

    def says(body: bytes) -> tuple[int, str, bytes]:
        here.append(tenant, 2)
        publisher.tick()
        return before(body)

    three[0].asked.says = says
    assert cosigner(here, policy).round() == 3
    assert here.published(tenant) == [3, 5]
    assert witnessed(here, policy, tenant) == 3


def test_one_of_three_may_be_away_and_is_seen_to_be(
    here: Press, tenant: UUID, three: list[Proper]
) -> None:
    policy = two_of(three)
    asking = cosigner(here, policy)
    publish(here, tenant, 3)
    three[2].logs.clear()
    assert asking.round() == 2
    assert witnessed(here, policy, tenant) == 3
    assert seen(here, policy, tenant)["w2"] == (0, "log_not_known")
    three[1].logs.clear()
    publish(here, tenant, 3)
    assert asking.round() == 1
    assert witnessed(here, policy, tenant) == 3
    # When it is back it is asked about the newest, and the rest is proved from where it stood.
    for one in three:
        one.logs |= {default(tenant): [log_key(here, tenant)]}
    assert asking.round() == 2
    assert witnessed(here, policy, tenant) == 6
    assert set(seen(here, policy, tenant).values()) == {(6, None)}


def test_what_found_no_quorum_is_let_go(here: Press, tenant: UUID, three: list[Proper]) -> None:
    policy = two_of(three)
    for one in three[1:]:
        one.logs.clear()
    for count in range(1, 4):
        publish(here, tenant, 1)
        assert cosigner(here, policy).round() == 1
        assert here.published(tenant) == [count]


def test_a_witness_says_where_it_stands_when_we_forgot(
    here: Press, tenant: UUID, three: list[Proper]
) -> None:
    policy = two_of(three)
    publish(here, tenant, 5)
    assert cosigner(here, policy).round() == 3
    for remembered in (0, 2, 4):
        here.rows("UPDATE witness_state SET size = %s", remembered)
        publish(here, tenant, 1)
        assert cosigner(here, policy).round() == 3
    assert witnessed(here, policy, tenant) == 8


def test_a_witness_that_forgot_what_it_cosigned_does_not_count(
    here: Press, tenant: UUID, three: list[Proper], tmp_path: Path
) -> None:
    policy = two_of(three)
    publish(here, tenant, 5)
    assert cosigner(here, policy).round() == 3
    publish(here, tenant, 5)
    with listening(lambda _: (409, SIZE, b"0\n")) as asked:
        policy.witnesses["w0"] = replace(policy.witnesses["w0"], url=asked.url)  # type: ignore[index]
        assert cosigner(here, policy).round() == 2
        assert seen(here, policy, tenant)["w0"] == (5, "forgot")
    assert witnessed(here, policy, tenant) == 10


def test_many_logs_take_their_turns(here: Press, tmp_path: Path) -> None:
    tenants = [uuid4() for _ in range(12)]
    logs = {default(one): [log_key(here, one)] for one in tenants}
    with proper_witness(tmp_path / "w", logs) as witness:
        policy = parse_policy(f"{witness.line('w')}quorum w\n".encode())
        publisher = here.publisher()
        for number, one in enumerate(tenants, 1):
            here.append(one, number)
        publisher.tick()
        assert cosigner(here, policy).round() == 12
        assert [witnessed(here, policy, one) for one in tenants] == list(range(1, 13))


def test_a_rewritten_log_is_not_cosigned(here: Press, tenant: UUID, three: list[Proper]) -> None:
    """Whoever has the database and the log's key has neither the memory nor the keys of the witnesses."""
    policy = two_of(three)
    publish(here, tenant, 5)
    assert cosigner(here, policy).round() == 3
    folder = here.deployment.settings.signer
    from infrastructure.ledger.signing.signer import Signer
    from infrastructure.ledger.signing.signer_keys import SignerKeys
    from infrastructure.ledger.signing.signer_memory import SignerMemory

    here.rows(
        "UPDATE sequenced SET leaf_hash = sha256('forged') WHERE tenant_id = %s AND position = 1",
        tenant,
    )
    SignerMemory.begin(folder / "forged.journal")
    with SignerMemory(folder / "forged.journal") as forgetful:
        here.signer.signer = Signer(SignerKeys(folder), forgetful)
        here.rows("DELETE FROM ledger_checkpoint WHERE tenant_id = %s", tenant)
        publish(here, tenant, 5)
    assert here.published(tenant) == [10]
    assert cosigner(here, policy).round() == 0
    assert set(seen(here, policy, tenant).values()) == {(5, "inconsistent")}
    assert witnessed(here, policy, tenant) is None


def test_a_database_that_was_put_back_is_told_at_start(
    here: Press, tenant: UUID, three: list[Proper]
) -> None:
    policy = two_of(three)
    publish(here, tenant, 5)
    cosigner(here, policy).round()
    assert ask_all(here.publishing, policy) == []
    publish(here, tenant, 4)
    assert ask_all(here.publishing, policy) == []  # we are ahead of them
    cosigner(here, policy).round()
    here.rows("DELETE FROM ledger_checkpoint WHERE size = 9")
    assert here.published(tenant) == [5]
    assert (
        ask_all(here.publishing, policy) == []
    )  # the events are there: the publisher signs them again
    here.rows("UPDATE ledger_head SET size = 5 WHERE tenant_id = %s", tenant)
    with pytest.raises(Behind, match=r"5 events, and witness .* cosigned 9"):
        ask_all(here.publishing, policy)
    three[0].logs.clear()
    with pytest.raises(Behind):
        ask_all(here.publishing, policy)
    # And should it go on all the same, it gets no cosignature.
    assert cosigner(here, policy).round() == 0


def test_another_history_of_the_same_size_is_told_at_start(
    here: Press, tenant: UUID, three: list[Proper]
) -> None:
    policy = two_of(three)
    publish(here, tenant, 5)
    cosigner(here, policy).round()
    from infrastructure.ledger.signed.checkpoints import TreeHead

    forged = here.signer.signer._keys.sign(
        TreeHead(default(tenant), 5, bytes(32)).text(), default(tenant)
    )
    here.rows("UPDATE ledger_checkpoint SET note = %s, root = %s", forged.whole(), bytes(32))
    with pytest.raises(Rewritten, match="size 5"):
        ask_all(here.publishing, policy)


def test_a_witness_that_cannot_be_asked_keeps_nobody_from_starting(
    here: Press, tenant: UUID, three: list[Proper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness_client, "CONNECT_SECONDS_MAX", 0.3)
    publish(here, tenant, 5)
    with silent() as url:
        policy = policy_of(three[0].key, url)
        (warning,) = ask_all(here.publishing, policy)
        assert "timeout" in warning
    (warning,) = ask_all(here.publishing, policy)
    assert "unreachable" in warning


def policy_of(key: VerifierKey, url: str) -> WitnessPolicy:
    return parse_policy(f"witness w {key.text()} {url}\nquorum w\n".encode())


TEXT = "text/plain"
SIZE = "text/x.tlog.size"
MISBEHAVING = {
    "no lines": (200, TEXT, b"", "bad_cosignature"),
    "no UTF-8": (200, TEXT, b"\xff\xfe", "bad_answer"),
    "nonsense": (200, TEXT, b"<html>hello</html>\n", "bad_cosignature"),
    "a huge answer": (200, TEXT, b"\xe2\x80\x94 w AAAAAAAA\n" * 9_999, "answer_too_long"),
    "a log of its own kind": (404, TEXT, b"no\n", "log_not_known"),
    "a refusal": (403, TEXT, b"no\n", "key_not_trusted"),
    "a fault": (500, TEXT, b"oops\n", "bad_answer"),
    "a redirect": (302, TEXT, b"elsewhere\n", "bad_answer"),
    "too many": (429, TEXT, b"slowly\n", "too_many"),
    "a conflict without a size": (409, SIZE, b"many\n", "bad_answer"),
    "a conflict of another kind": (409, TEXT, b"3\n", "bad_answer"),
    "a negative size": (409, SIZE, b"-3\n", "bad_answer"),
    "a size beyond us": (409, SIZE, b"999999999\n", "ahead"),
    "our size, and yet a conflict": (409, SIZE, b"0\n", "inconsistent"),
}


@pytest.mark.parametrize("fault", MISBEHAVING)
def test_a_witness_that_misbehaves_is_told_by_a_code(
    here: Press, tenant: UUID, three: list[Proper], fault: str
) -> None:
    status, kind, body, code = MISBEHAVING[fault]
    publish(here, tenant, 3)
    with listening(lambda _: (status, kind, body)) as asked:
        policy = policy_of(three[0].key, asked.url)
        assert cosigner(here, policy).round() == 0
        assert seen(here, policy, tenant) == {"w": (0, code)}
        assert witnessed(here, policy, tenant) is None


def test_a_witness_that_goes_round_in_circles_is_left(
    here: Press, tenant: UUID, three: list[Proper]
) -> None:
    publish(here, tenant, 3)
    with listening(lambda body: (409, SIZE, b"1\n" if body[4:5] == b"2" else b"2\n")) as asked:
        policy = policy_of(three[0].key, asked.url)
        assert cosigner(here, policy).round() == 0
        assert len(asked.bodies) == 3
        assert seen(here, policy, tenant) == {"w": (0, "no_agreement")}


def test_the_word_of_another_witness_is_not_its_own(
    here: Press, tenant: UUID, three: list[Proper]
) -> None:
    """Somebody else's cosignature, or one of the witness with a bit changed."""
    publish(here, tenant, 3)
    policy = policy_of(three[0].key, three[1].asked.url)
    assert cosigner(here, policy).round() == 0
    assert seen(here, policy, tenant) == {"w": (0, "bad_cosignature")}
    before = three[0].asked.says

    def damaged(body: bytes) -> tuple[int, str, bytes]:
        status, kind, answer = before(body)
        at = answer.index(b" ", 5) + 30
        other = b"A" if answer[at : at + 1] != b"A" else b"B"
        return status, kind, answer[:at] + other + answer[at + 1 :]

    three[0].asked.says = damaged
    policy = policy_of(three[0].key, three[0].asked.url)
    assert cosigner(here, policy).round() == 0
    assert seen(here, policy, tenant) == {"w": (0, "bad_cosignature")}
    three[0].asked.says = before
    assert cosigner(here, policy).round() == 1


def test_a_witness_that_hangs_or_is_gone_holds_up_nobody(
    here: Press, tenant: UUID, three: list[Proper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness_client, "CONNECT_SECONDS_MAX", 0.3)
    publish(here, tenant, 3)
    with silent() as url:
        lines = (
            f"{three[0].line('w0')}{three[1].line('w1')}witness w2 {three[2].key.text()} {url}\n"
        )
        policy = parse_policy(f"{lines}group g 2 w0 w1 w2\nquorum g\n".encode())
        assert cosigner(here, policy).round() == 2
        assert witnessed(here, policy, tenant) == 3
        assert seen(here, policy, tenant)["w2"] == (0, "timeout")
    publish(here, tenant, 1)
    assert cosigner(here, policy).round() == 2
    assert seen(here, policy, tenant)["w2"] == (0, "unreachable")


def test_a_kept_connection_that_was_closed_is_opened_anew(three: list[Proper]) -> None:
    connection = WitnessConnection(three[0].asked.url)
    for _ in range(3):
        assert connection.add_checkpoint(b"nothing").code == "request_refused"  # type: ignore[union-attr]
    sock = connection._connection.sock
    assert sock is not None, "it is kept"
    sock.shutdown(2)
    assert connection.add_checkpoint(b"nothing").code == "request_refused"  # type: ignore[union-attr]
    connection.close()


def test_nothing_official_is_said_of_a_log_that_was_not_seen_for_long(
    here: Press, tenant: UUID, three: list[Proper]
) -> None:
    policy, clock = two_of(three), Stopped(datetime.now(UTC))
    says = Witnessing(records(here, policy, clock), clock, 3_600)
    unconfigured = Witnessing(records(here, None, clock), clock, 3_600)
    with bound_to(tenant):
        says.require_witnessed(tenant)  # there is nothing to be seen
        publish(here, tenant, 3)
        says.require_witnessed(tenant)
        clock.at += timedelta(seconds=3_700)
        with pytest.raises(Unwitnessed):
            says.require_witnessed(tenant)
        assert says.is_overdue(tenant)
        assert says.unseen_for(tenant) > timedelta(seconds=3_600)
        assert unconfigured.unseen_for(tenant) == timedelta()
        unconfigured.require_witnessed(tenant)
        cosigner(here, policy).round()
        says.require_witnessed(tenant)
        clock.at += timedelta(days=400)
        assert (says.is_overdue(tenant), says.unseen_for(tenant)) == (False, timedelta())
        says.require_witnessed(tenant)  # nothing came since
        publish(here, tenant, 1)
        with pytest.raises(Unwitnessed):
            says.require_witnessed(tenant)


def test_a_row_that_says_it_is_cosigned_is_not_believed(
    here: Press, tenant: UUID, three: list[Proper]
) -> None:
    policy = two_of(three)
    publish(here, tenant, 3)
    here.rows("UPDATE ledger_checkpoint SET cosigned_at = now(), kept = 'cosigned'")
    assert witnessed(here, policy, tenant) is None
    cosigner(here, policy).round()
    assert witnessed(here, policy, tenant) == 3
    others = parse_policy(f"{three[0].line('w0')}quorum w0\n".encode())
    assert witnessed(here, others, tenant) == 3
    here.rows("UPDATE ledger_checkpoint SET note = replace(note, 'w', 'v')")
    assert witnessed(here, policy, tenant) is None


def test_a_tenant_sees_its_own_witnesses_only(
    here: Press, tenant: UUID, three: list[Proper]
) -> None:
    publish(here, tenant, 3)
    cosigner(here, two_of(three)).round()
    other = uuid4()
    with bound_to(other):
        assert here.app.rows("SELECT * FROM witness_state") == []
    with bound_to(tenant):
        assert len(here.app.rows("SELECT * FROM witness_state")) == 3


def test_a_witness_may_be_asked_by_file(here: Press, tenant: UUID, three: list[Proper]) -> None:
    lines = "".join(
        one.line(f"w{number}").rsplit(" ", 1)[0] + "\n" for number, one in enumerate(three)
    )
    policy = parse_policy(f"{lines}group g 2 w0 w1 w2\nquorum g\n".encode())
    publish(here, tenant, 3)
    assert cosigner(here, policy).round() == 0, "nobody has an address"
    body = make_request(here.publishing, CLOCK, tenant, 0)
    answers = [one.witness.add_checkpoint(body, one.logs).text.encode() for one in three]
    publish(here, tenant, 300)  # meanwhile it went on
    assert here.published(tenant) == [3, 303]
    said = accept_answer(here.publishing, policy, CLOCK, tenant, answers[0])
    assert said.startswith("size 3") and said.endswith("a quorum needs more")
    assert witnessed(here, policy, tenant) is None
    said = accept_answer(here.publishing, policy, CLOCK, tenant, answers[1])
    assert said.endswith("a quorum has cosigned it")
    assert witnessed(here, policy, tenant) == 3
    body = make_request(here.publishing, CLOCK, tenant, 3)
    both = "".join(one.witness.add_checkpoint(body, one.logs).text for one in three).encode()
    accept_answer(here.publishing, policy, CLOCK, tenant, both)
    assert witnessed(here, policy, tenant) == 303
    for bad in (
        b"",
        b"\xff",
        b"nonsense\n",
        answers[2].replace(b"A", b"B"),
        b"\xe2\x80\x94 w AAAAAAAA\n",
    ):
        with pytest.raises(AnswerRefused):
            accept_answer(here.publishing, policy, CLOCK, tenant, bad)
    with pytest.raises(AnswerRefused):
        accept_answer(here.publishing, policy, CLOCK, uuid4(), answers[2])
