"""What is sealed stays sealed, opens only where it belongs, and for nobody who is erased. README D5, D9, D11."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from uuid import UUID, uuid4

import psycopg
import pytest

from application.execute import Plan, carry_out
from application.ports import Append, Outcome
from domain.errors import Erased, Unreadable
from domain.sealing import Envelope, RetentionClass
from domain.staff import StaffName, StaffRevised, StaffTerms
from domain.subject import Profile, SubjectRegistered
from domain.values import Personal
from infrastructure.clock import SystemIds
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.keys.epoch_files import EpochKeyFiles
from infrastructure.keys.key_vault import PostgresKeyVault
from infrastructure.keys.people import PENDING_FOR, PostgresPeople
from infrastructure.server.processes import wait_until
from infrastructure.store.kept_answers import PostgresAnswers
from infrastructure.wall import bound_to
from tests.store.filling import EMAIL, Tenant
from tests.store.test_append import SECONDS_MAX, held_up, waiting

CLASSES: tuple[RetentionClass, ...] = ("profile", "booking")
NAME = {"name": "Ada Example", "email": EMAIL}


@pytest.fixture
def desk(engine: Engine) -> Iterator[Tenant]:
    """A tenant of its own, to which the test is bound."""
    one = Tenant(engine)
    with bound_to(one.id):
        yield one


def opened(desk: Tenant, *envelopes: Envelope) -> list[dict[str, object] | None]:
    """What the envelopes hold."""
    return desk.engine.vault.open(desk.id, envelopes)


def altered(envelope: Envelope, **parts: object) -> Envelope:
    """The envelope with some of its words changed."""
    return Envelope(json.dumps(json.loads(envelope.text) | parts))


def run(dsn: str, statement: str, *parameters: object) -> int:
    """Run a statement as the owner; how many rows it changed."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(statement.encode(), parameters).rowcount


# --- envelopes -------------------------------------------------------------------------------------------------------


def test_an_envelope_opens_where_it_was_sealed(desk: Tenant) -> None:
    (envelope,) = desk.envelopes(desk.register())
    assert opened(desk, envelope) == [NAME]
    assert "Ada " not in envelope.text
    assert EMAIL not in envelope.text


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("tenant", UUID(int=1).hex),
        ("stream", UUID(int=2).hex),
        ("version", 2),
        ("type", "booking.confirmed.v1"),
        ("subject", UUID(int=3).hex),
        ("class", "billing"),
        ("key", UUID(int=4).hex),
        ("nonce", "AAAAAAAAAAAAAAAA"),
        ("ct", "AAAA"),
        ("ct", "not base64"),
        ("version", None),
    ],
)
def test_an_envelope_cannot_be_moved(desk: Tenant, part: str, other: object) -> None:
    (envelope,) = desk.envelopes(desk.register())
    with pytest.raises(Unreadable):
        opened(desk, altered(envelope, **{part: other}))


def test_an_envelope_does_not_open_with_another_key_of_its_tenant(desk: Tenant) -> None:
    (mine,) = desk.envelopes(desk.register())
    (other,) = desk.envelopes(desk.register("someone@example.test"))
    with pytest.raises(Unreadable):
        opened(desk, altered(mine, key=json.loads(other.text)["key"]))


def test_the_same_value_never_looks_the_same(desk: Tenant) -> None:
    subject = uuid4()
    profile = Profile(Personal("Ada Example"), Personal(EMAIL))
    event = desk.event(subject, 1, SubjectRegistered(subject, "booking", profile))
    once, again = (desk.engine.mapper.to_stored_event(event) for _ in range(2))
    first, second = (json.loads(one.state.split(b"\n")[1]) for one in (once, again))
    assert {name for name in first if first[name] != second[name]} == {"nonce", "ct"}
    commitments = [
        json.loads(one.header.split(b"\n")[1])["seals"][0]["pc"] for one in (once, again)
    ]
    assert commitments[0] != commitments[1], "nor does its commitment"


def test_a_version_conflict_seals_again(desk: Tenant) -> None:
    staff, subject, terms = uuid4(), uuid4(), StaffTerms((uuid4(),), "Sam")
    desk.engine.people.prepare(desk.id, subject, ("profile",))
    tried: list[int] = []

    def revised(version: int, name: str) -> Append:
        decision = StaffRevised(subject, terms, StaffName(Personal(name)))
        event = desk.event(staff, version, decision)
        return Append(desk.id, event.occurred_at, (event,))

    assert desk.engine.store.append(revised(1, "Sam")) is Outcome.APPENDED

    def attempt() -> Plan[None]:
        version = len(desk.engine.store.read(desk.id, staff)) + 1
        tried.append(version)
        if version == 2:  # someone is faster
            assert desk.engine.store.append(revised(2, "Kim")) is Outcome.APPENDED
        return Plan(revised(version, "Lee"), None)

    carry_out(desk.engine.store, attempt)
    assert tried == [2, 3]
    envelopes = desk.envelopes(staff)
    assert [json.loads(one.text)["version"] for one in envelopes] == [1, 2, 3]
    assert opened(desk, *envelopes) == [{"name": name} for name in ("Sam", "Kim", "Lee")]


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_missing_key_with_its_tombstone_is_an_erasure(
    desk: Tenant, deployment: Deployment
) -> None:
    envelopes = [*desk.envelopes(desk.register()), *desk.envelopes(desk.register("b@example.test"))]
    key = json.loads(envelopes[0].text)["key"]
    tombstone = "UPDATE subject_key SET wrapped = NULL, destroyed_at = now() WHERE key_id = %s"
    assert run(deployment.keys, tombstone, UUID(key)) == 1
    assert opened(desk, *envelopes) == [None, NAME | {"email": "b@example.test"}]


def test_a_missing_key_without_a_tombstone_is_an_alarm(
    desk: Tenant, deployment: Deployment
) -> None:
    (envelope,) = desk.envelopes(desk.register())
    assert run(deployment.keys, "DELETE FROM subject_key WHERE tenant_id = %s", desk.id) == 2
    with pytest.raises(Unreadable):
        opened(desk, envelope)


def test_a_key_is_destroyed_with_its_tombstone_or_not_at_all(
    desk: Tenant, deployment: Deployment
) -> None:
    desk.register()
    for change in ("wrapped = NULL", "destroyed_at = now()"):
        with pytest.raises(psycopg.errors.CheckViolation):
            run(deployment.keys, f"UPDATE subject_key SET {change} WHERE tenant_id = %s", desk.id)


def epochs(deployment: Deployment) -> list[tuple[int]]:
    """The epochs there are."""
    with psycopg.connect(deployment.keys) as connection:
        return connection.execute("SELECT epoch FROM epoch").fetchall()


def test_only_the_owner_reads_the_epoch_key(deployment: Deployment) -> None:
    settings, held = deployment.settings, set()
    for place, names in ((settings.keys, ["roles.secret"]), (settings.keys_copy, [])):
        files = sorted(place.iterdir())
        ((epoch,),) = epochs(deployment)
        assert [path.name for path in files] == [f"epoch-{epoch}.key", *names]
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        held.add(files[0].read_bytes())
    assert [len(key) for key in held] == [32], "both places hold the same"


def vault_with(desk: Tenant, keys: Path) -> PostgresKeyVault:
    """A vault over the same database with the epoch keys of another folder."""
    return PostgresKeyVault(desk.engine.keys, EpochKeyFiles(keys), SystemIds())


def test_without_its_epoch_key_nothing_opens(desk: Tenant, tmp_path: Path) -> None:
    envelopes = desk.envelopes(desk.register())
    with pytest.raises(Unreadable):
        vault_with(desk, tmp_path).open(desk.id, envelopes)
    epoch = desk.engine.vault.tree().epoch
    EpochKeyFiles(tmp_path).create(epoch)
    with pytest.raises(Unreadable):
        vault_with(desk, tmp_path).open(desk.id, envelopes)
    (tmp_path / f"epoch-{epoch}.key").write_bytes(b"too short")
    with pytest.raises(Unreadable):
        vault_with(desk, tmp_path).open(desk.id, envelopes)


# --- the fence -------------------------------------------------------------------------------------------------------

FENCE = "INSERT INTO subject_fence VALUES (%s, %s, 'booking', now())"
LOCK = "SELECT pg_advisory_xact_lock(subject_lock(%s, %s))"
TRY = "SELECT pg_try_advisory_xact_lock(subject_lock(%s, %s))"


def append_booking(desk: Tenant, subject: UUID, hours: int) -> Outcome:
    """A booking of the subject, its time not claimed."""
    decision = desk.confirmed(subject, desk.visit(hours))
    return desk.append(desk.event(decision.booking, 1, decision))


def test_nothing_is_sealed_for_a_fenced_subject_and_class(
    desk: Tenant, deployment: Deployment
) -> None:
    subject, other = desk.register(), desk.register("b@example.test")
    assert append_booking(desk, subject, 0) is Outcome.APPENDED
    run(deployment.main, FENCE, desk.id, subject)
    assert append_booking(desk, subject, 1) is Outcome.ERASED
    assert append_booking(desk, other, 1) is Outcome.APPENDED, "others go on"
    revised = StaffRevised(subject, StaffTerms((uuid4(),), "Sam"), StaffName(Personal("Sam")))
    of_another_class = desk.event(uuid4(), 1, revised)
    assert desk.append(of_another_class) is Outcome.APPENDED, "so do other classes"
    with pytest.raises(Erased):
        decision = desk.confirmed(subject, desk.visit(2))
        event = desk.event(decision.booking, 1, decision)
        carry_out(
            desk.engine.store, lambda: Plan(Append(desk.id, event.occurred_at, (event,)), None)
        )


def test_an_append_that_is_under_way_is_waited_for_by_the_order_to_erase(
    desk: Tenant, deployment: Deployment
) -> None:
    subject = desk.register()

    def is_free() -> bool:
        with psycopg.connect(deployment.main) as connection:
            row = connection.execute(TRY.encode(), (desk.id, subject)).fetchone()
        return row == (True,)

    assert is_free()
    with (
        held_up(deployment, "LOCK TABLE event_queue IN SHARE MODE") as let_go,
        ThreadPoolExecutor(1) as pool,
    ):
        job = pool.submit(append_booking, desk, subject, 0)
        assert wait_until(lambda: waiting(deployment, 1), SECONDS_MAX)
        assert not is_free(), "whoever orders the erasure waits here"
        let_go()
        assert job.result(SECONDS_MAX) is Outcome.APPENDED
    assert is_free()


def test_an_append_waits_for_an_order_to_erase_and_is_refused(
    desk: Tenant, deployment: Deployment
) -> None:
    subject = desk.register()
    with psycopg.connect(deployment.main) as ordering, ThreadPoolExecutor(1) as pool:
        ordering.execute(LOCK.encode(), (desk.id, subject))
        ordering.execute(FENCE.encode(), (desk.id, subject))
        job = pool.submit(append_booking, desk, subject, 0)
        assert wait_until(lambda: waiting(deployment, 1), SECONDS_MAX)
        ordering.commit()
        assert job.result(SECONDS_MAX) is Outcome.ERASED


# --- people ----------------------------------------------------------------------------------------------------------


def test_two_processes_that_meet_a_new_address_agree_on_its_subject(
    desk: Tenant, deployment: Deployment
) -> None:
    engines = [Engine.connect(deployment, connections=4) for _ in range(2)]
    barrier = Barrier(8)

    def register(number: int) -> UUID:
        barrier.wait()
        one = replace(desk, engine=engines[number % 2])
        with bound_to(desk.id):
            found = one.engine.people.find_or_prepare(desk.id, EMAIL, uuid4(), CLASSES)
            if not found.registered:
                profile = Profile(Personal("Ada Example"), Personal(EMAIL))
                registered = SubjectRegistered(found.subject, "booking", profile)
                outcome = one.append(one.event(found.subject, 1, registered))
                assert outcome in (Outcome.APPENDED, Outcome.CONFLICT)
        return found.subject

    with ThreadPoolExecutor(8) as pool:
        subjects = set(pool.map(register, range(8)))
    for engine in engines:
        engine.close()
    assert len(subjects) == 1
    (envelope,) = desk.envelopes(subjects.pop())
    assert opened(desk, envelope) == [NAME]
    keys = "SELECT FROM subject_key WHERE tenant_id = %s"
    assert run(deployment.keys, keys, desk.id) == len(CLASSES), "nobody's keys are left over"


@dataclass
class MovedClock:
    """A clock that can be moved."""

    at: datetime = datetime(2027, 1, 4, 10, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def people_at(desk: Tenant, clock: MovedClock, asks: Callable[[], object] = bool) -> PostgresPeople:
    """The port with a clock of its own; `asks` is done whenever it asks whether a subject is registered."""

    def is_begun(tenant: UUID, subject: UUID) -> bool:
        asks()
        return desk.engine.store.is_begun(tenant, subject)

    return PostgresPeople(desk.engine.vault, clock, is_begun)


PENDING = "SELECT FROM blind_index WHERE tenant_id = %s AND pending"
INDEXED = "SELECT FROM blind_index WHERE tenant_id = %s"
KEYS = "SELECT FROM subject_key WHERE tenant_id = %s"


def test_an_address_is_pending_until_its_subject_is_registered(
    desk: Tenant, deployment: Deployment
) -> None:
    subject = desk.register()
    assert run(deployment.keys, PENDING, desk.id) == 1
    found = desk.engine.people.find_or_prepare(desk.id, EMAIL, uuid4(), CLASSES)
    assert (found.subject, found.registered) == (subject, True)
    assert run(deployment.keys, PENDING, desk.id) == 0


def test_a_pending_address_that_led_nowhere_is_swept_with_its_keys(
    desk: Tenant, deployment: Deployment
) -> None:
    clock = MovedClock()
    people = people_at(desk, clock)
    people.find_or_prepare(desk.id, EMAIL, uuid4(), CLASSES)
    clock.at += PENDING_FOR
    assert people.sweep(desk.id) == 0, "it may be on its way still"
    clock.at += timedelta(seconds=1)
    assert people.sweep(desk.id) == 1
    assert run(deployment.keys, INDEXED, desk.id) + run(deployment.keys, KEYS, desk.id) == 0


def test_a_pending_address_that_is_asked_for_again_keeps_its_keys(
    desk: Tenant, deployment: Deployment
) -> None:
    clock = MovedClock()
    found = people_at(desk, clock).find_or_prepare(desk.id, EMAIL, uuid4(), CLASSES)
    clock.at += 2 * PENDING_FOR
    again = people_at(desk, clock)

    def someone_books() -> None:  # just when the sweep has seen that nobody has
        same = again.find_or_prepare(desk.id, EMAIL, uuid4(), CLASSES)
        assert same.subject == found.subject

    people_at(desk, clock, someone_books).sweep(desk.id)
    assert run(deployment.keys, KEYS, desk.id) == len(CLASSES)
    subject = desk.register()
    assert subject == found.subject
    assert opened(desk, *desk.envelopes(subject)) == [NAME]


def test_the_key_of_a_day_s_answers_is_destroyed_when_they_are_forgotten(
    desk: Tenant, deployment: Deployment
) -> None:
    clock = MovedClock()
    answers = PostgresAnswers(desk.engine.app, desk.engine.vault, clock, SystemIds())
    days = (
        "SELECT name FROM sealed_secret WHERE tenant_id = %s AND name LIKE 'answers:%%' ORDER BY 1"
    )

    def kept() -> list[str]:
        with psycopg.connect(deployment.keys, autocommit=True) as connection:
            rows = connection.execute(days.encode(), (desk.id,)).fetchall()
        return [str(name).removeprefix("answers:") for (name,) in rows]

    answers.begin(desk.id, "scope", "key", b"{}")
    assert kept() == ["2027-01-03", "2027-01-04"]
    clock.at += timedelta(hours=24)
    assert answers.sweep(desk.id) == 0
    assert kept() == ["2027-01-04"], "what is a day old may still be asked for"
    clock.at += timedelta(hours=24)
    assert answers.sweep(desk.id) == 1
    assert kept() == []
    calls = "SELECT FROM kept_answer WHERE tenant_id = %s"
    assert run(deployment.main, calls, desk.id) == 0
