"""A restored database gets back what the mirror has: all of it, at its places, once, however often it is killed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from api.process import recovering
from api.process.recovering import carry_out, guard, run_recover
from application.ledger.records import LedgerRecords
from domain.ledger import LedgerRestored
from infrastructure.clock import SystemIds
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.fsck.checks import check_all
from infrastructure.ledger.publishing.fork_guard import Behind, compare
from infrastructure.ledger.publishing.mirror import FolderMirror
from infrastructure.recovery import bringing_back
from infrastructure.recovery import recover as module
from infrastructure.recovery.missing import named
from infrastructure.recovery.recover import RecoveryBroken, RestoredLog
from infrastructure.recovery.waiting import RecoveryRefused
from infrastructure.wall import bound_to
from tests.store.backup import TABLES, standing
from tests.store.ledger_house import ledger_house
from tests.store.restored import QUEUED, RESTORED, Story, live, put_back, size_of


@pytest.fixture(scope="module")
def told(module_deployment: Deployment) -> Story:
    """Lived once; each test puts the backup back."""
    return live(module_deployment)


@pytest.fixture
def story(told: Story, tmp_path: Path) -> Iterator[Story]:
    with put_back(told, tmp_path) as it:
        yield it


def test_everything_comes_back_to_its_place(story: Story) -> None:
    with pytest.raises(Behind):
        compare(story.deployment)
    story.rows(
        "INSERT INTO retained_state VALUES (%s, 'agenda', 1, 1, 'code', 9, '{}')", story.first
    )
    done = carry_out(story.deployment)
    assert [(log.tenant, (log.found, log.restored)) for log in done.logs] == sorted(
        story.sizes.items()
    )
    assert (done.waiting, done.checked) == (0, True)
    assert [log.keys_missing for log in done.logs] == [0, 0]
    story.require_all_back()
    assert story.rows("SELECT name, version, sequence, state, error FROM read_model") == [
        ("agenda", 1, 0, "following", None)
    ]
    assert story.rows("SELECT low_water FROM sequencer_head") == [(0,)]
    assert story.rows("SELECT FROM retained_state") == []
    compare(story.deployment)


def test_what_was_being_made_anew_is_ended_and_forgotten(story: Story) -> None:
    """It is of the events as the backup had them; whoever wants it orders it again."""
    story.rows(
        "INSERT INTO read_model_job (id, name, kind, switches, anyway, asked_at)"
        " VALUES (gen_random_uuid(), 'agenda', 'rebuild', true, false, now())"
    )
    story.rows("INSERT INTO read_model_build VALUES ('agenda', 0, 1, 1, 'code', 3)")
    carry_out(story.deployment)
    jobs = "SELECT state, error, ended_at IS NOT NULL FROM read_model_job"
    assert story.rows(jobs) == [("failed", "restored", True)]
    assert story.rows("SELECT FROM read_model_build") == []


def test_what_came_back_is_whole_and_goes_on(story: Story) -> None:
    carry_out(story.deployment)
    with ledger_house(story.deployment) as house:
        house.settle(story.first, story.second)
        assert house.publisher.refused == {}
        for tenant in (story.first, story.second):
            assert house.press.published(tenant)[-1] == size_of(story.deployment.main, tenant)
    found = [one for check in check_all(story.deployment) for one in check.findings]
    assert found == []


def test_the_check_after_it_would_see_a_reservation_that_is_missing(story: Story) -> None:
    carry_out(story.deployment)
    story.rows("DELETE FROM reservation WHERE owner_id = %s", story.late.id)
    with pytest.raises(AssertionError):
        story.require_all_back()
    found = [one for check in check_all(story.deployment) for one in check.findings]
    assert [(one.check, one.reason) for one in found] == [
        ("book", f"the time of {story.late.id}: not taken")
    ]


def test_a_second_recovery_finds_nothing_to_do(story: Story) -> None:
    carry_out(story.deployment)
    done = carry_out(story.deployment)
    assert (done.events, done.logs) == (0, ())
    story.require_all_back()


def test_what_waited_in_the_backup_has_one_place(story: Story) -> None:
    ((_, event),) = story.rows(QUEUED)
    carry_out(story.deployment)
    assert len(story.rows("SELECT 1 FROM sequenced WHERE event_id = %s", event)) == 1
    assert event not in {row[1] for row in story.rows(QUEUED)}


# --- killed at any moment --------------------------------------------------------------------------------------------


class Killed(BaseException):
    """What a kill looks like from inside."""


@contextmanager
def killed_at(moment: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Die just before or just after a transaction is committed: at the moment of that number, from 1."""
    passed = [0]
    real = psycopg.Connection.transaction

    def pass_by() -> None:
        passed[0] += 1
        if passed[0] == moment:
            raise Killed

    @contextmanager
    def transaction(connection: psycopg.Connection[Any], *values: Any) -> Iterator[Any]:
        with real(connection, *values) as one:
            yield one
            pass_by()
        pass_by()

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "transaction", transaction)
        patch.setattr(bringing_back, "BATCH_EVENTS_MAX", 80)
        yield passed


def moments() -> int:
    """Begin, four batches, and for each of two logs rebuild, keys and striking off: before and after."""
    return 2 * (1 + 4 + 2 * 3)


def test_a_recovery_that_is_killed_at_any_moment_goes_on(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_at(0, monkeypatch) as passed:
        carry_out(story.deployment)
    assert passed[0] == moments()
    for moment in range(1, moments() + 1):
        story.backup.put_back()
        with killed_at(moment, monkeypatch), pytest.raises(Killed):
            carry_out(story.deployment)
        if moment < moments():
            with pytest.raises(Behind):
                compare(story.deployment)
        carry_out(story.deployment)
        story.require_all_back()


def test_a_connection_that_is_lost_is_one_line_and_the_next_run_goes_on(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(line: str) -> None:
        if line.startswith("brought back"):
            story.rows(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename LIKE '%%_restorer'"
                " AND datname = current_database() AND pid <> %s",
                0,
            )

    with monkeypatch.context() as patch:
        patch.setattr(recovering, "say", cut_off)
        with pytest.raises(RecoveryBroken, match="run it again, it goes on from there"):
            carry_out(story.deployment)
    carry_out(story.deployment)
    story.require_all_back()


def test_an_event_that_has_a_place_already_is_refused_in_one_line(story: Story) -> None:
    """Somebody moved an event by hand to where the mirror has another one."""
    late = next(
        one
        for one in FolderMirror(story.deployment.settings.mirror).read()
        if one.stream == story.late.id
    )
    story.rows("UPDATE sequenced SET event_id = %s WHERE position = 2", late.event_id)
    with pytest.raises(RecoveryRefused, match="sequenced leaves no room"):
        carry_out(story.deployment)


def test_the_guard_brings_back_what_is_missing_and_says_so(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    guard(story.deployment)
    story.require_all_back()
    said = capsys.readouterr().err.splitlines()
    found, restored = story.sizes[story.first]
    assert "it was restored from a backup" in said[0]
    assert f"daybook: {named(story.first)} had {found} events, and has {restored}" in said


def test_a_restoration_is_recorded_once(story: Story) -> None:
    engine = Engine.connect(story.deployment)
    records = LedgerRecords(engine.store, engine.clock, SystemIds())
    for restored in (9, 9, 10):
        module.record_once(records, story.first, LedgerRestored(3, restored))
    engine.close()
    assert len(story.rows(RESTORED)) == 2


# --- at the edges ----------------------------------------------------------------------------------------------------


def test_what_the_mirror_lacks_goes_on_waiting(story: Story) -> None:
    tenant = uuid4()
    engine = Engine.connect(story.deployment)
    with bound_to(tenant):
        records = LedgerRecords(engine.store, engine.clock, SystemIds())
        records.record(tenant, LedgerRestored(0, 1))
    engine.close()
    done = carry_out(story.deployment)
    assert done.waiting == 1
    with ledger_house(story.deployment) as house:
        house.settle()
    assert size_of(story.deployment.main, tenant) == 1
    assert [one for check in check_all(story.deployment) for one in check.findings] == []


def test_an_empty_database_gets_all_of_it(story: Story) -> None:
    for (table,) in story.rows(TABLES):
        if table not in ("sequencer_head", "subject_index", "event_type"):
            story.rows(f"TRUNCATE {table}")
    story.rows("UPDATE sequencer_head SET sequence = 0, low_water = 0")
    story.rows("UPDATE subject_index SET sequence = 0")
    done = carry_out(story.deployment)
    logs = [(log.tenant, log.found, log.restored) for log in done.logs]
    assert logs == [(tenant, 0, size) for tenant, (_, size) in sorted(story.sizes.items())]
    assert standing(story.deployment.main) == story.lost
    with ledger_house(story.deployment) as house:
        house.settle(story.first, story.second)
        assert house.publisher.refused == {}
    assert [one for check in check_all(story.deployment) for one in check.findings] == []


def test_without_the_signers_memory_it_is_said_that_nothing_was_checked(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(story.deployment.settings.signer)
    run_recover(story.deployment, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said == {
        "events": len(story.lost["sequenced"]) - story.sizes_found(),
        "waiting": 0,
        "checked_against_signer": False,
        "logs": [
            {
                "tenant": named(tenant),
                "found": found,
                "restored": restored,
                "keys_missing": 0,
                "fences": 0,
            }
            for tenant, (found, restored) in sorted(story.sizes.items())
        ],
    }
    run_recover(story.deployment, as_json=False)
    assert capsys.readouterr().out == "the database lacks nothing that the mirror has\n"
    story.require_all_back()


def test_keys_that_the_key_database_lacks_are_counted(story: Story) -> None:
    gone = "CREATE TABLE gone AS SELECT * FROM subject_key WHERE subject_id = %s"
    with psycopg.connect(story.deployment.keys, autocommit=True) as keys:
        keys.execute(gone.encode(), (story.late.subject,))
        keys.execute("DELETE FROM subject_key WHERE subject_id = %s", (story.late.subject,))
        try:
            done = carry_out(story.deployment)
        finally:
            keys.execute("INSERT INTO subject_key SELECT * FROM gone")
            keys.execute("DROP TABLE gone")
    logs = {log.tenant: log for log in done.logs}
    assert logs[story.first] == RestoredLog(story.first, *story.sizes[story.first], 2)
    assert logs[story.second].keys_missing == 0


def test_a_mirror_that_is_gone_is_made_anew_from_the_database(story: Story) -> None:
    carry_out(story.deployment)
    shutil.rmtree(story.deployment.settings.mirror)
    guard(story.deployment)
    with ledger_house(story.deployment) as house:
        house.settle()
        assert house.publisher.refused == {}
    assert [one for check in check_all(story.deployment) for one in check.findings] == []
