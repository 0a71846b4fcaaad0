"""What mirror, signer and database do not agree on is refused, before anything is changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from api.process.recovering import carry_out
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.mirror import FolderMirror, MirrorDamaged, MirroredEvent
from infrastructure.recovery import recover as module
from infrastructure.recovery.missing import named
from infrastructure.recovery.rebuilding import rebuild
from infrastructure.recovery.waiting import RecoveryRefused
from infrastructure.server.start_faults import StartFault
from tests.store.backup import standing
from tests.store.restored import QUEUED, Story, live, put_back


@pytest.fixture(scope="module")
def told(module_deployment: Deployment) -> Story:
    """Lived once; each test puts the backup back."""
    return live(module_deployment)


@pytest.fixture
def story(told: Story, tmp_path: Path) -> Iterator[Story]:
    with put_back(told, tmp_path) as it:
        yield it


# --- what is refused, before anything is changed ---------------------------------------------------------------------


def queue_another(story: Story) -> None:
    """The event that waits is another one than the mirror has at that place."""
    ((_, event),) = story.rows(QUEUED)
    other = uuid4()
    story.rows("UPDATE event SET event_id = %s WHERE event_id = %s", other, event)
    story.rows("UPDATE event_queue SET event_ids = ARRAY[%s]", other)


def change_waiting(story: Story) -> None:
    story.rows("UPDATE event SET state = state || 'x' WHERE stream_id = %s", story.queued.id)


def queue_behind(story: Story) -> None:
    """The event that waits has a version that the mirror's stream went past without it."""
    statement = "UPDATE event_queue SET stream_ids = ARRAY[%s], stream_versions = ARRAY[0]"
    story.rows(statement, story.lesson)


def change_last(story: Story) -> None:
    last = "(SELECT max(sequence) FROM sequenced)"
    story.rows(f"UPDATE sequenced SET event_id = %s WHERE sequence = {last}", uuid4())


def change_an_old_hash(story: Story) -> None:
    story.rows("UPDATE sequenced SET leaf_hash = sha256('x') WHERE position = 4")


def lose_a_place(story: Story) -> None:
    story.rows("UPDATE ledger_head SET size = size - 1")


def rewrite_mirror(change: Callable[[list[MirroredEvent]], None]) -> Callable[[Story], None]:
    """The mirror says something else, in records that read."""

    def rewrite(story: Story) -> None:
        folder = story.deployment.settings.mirror
        events = list(FolderMirror(folder).read())
        change(events)
        shutil.rmtree(folder)
        with FolderMirror(folder) as mirror:
            mirror.append(events)

    return rewrite


def lose_the_last(events: list[MirroredEvent]) -> None:
    del events[-1]


def change_payload(events: list[MirroredEvent]) -> None:
    events[-5] = replace(events[-5], payload=events[-5].payload + b" ")


def change_header(events: list[MirroredEvent]) -> None:
    old = b'"actor":"'
    events[-5] = replace(events[-5], header=events[-5].header.replace(old, old + b"x"))


def name_unknown_type(events: list[MirroredEvent]) -> None:
    events[-5] = replace(events[-5], type="test.written.v1")


def tear_a_record(story: Story) -> None:
    (path,) = story.deployment.settings.mirror.glob("*.segment")
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    path.write_bytes(data)


REFUSALS: list[tuple[Callable[[Story], None], type[StartFault], str]] = [
    (queue_another, RecoveryRefused, "version 1: the database has another event there, not seq"),
    (change_waiting, RecoveryRefused, "version 1: the database has other bytes there"),
    (queue_behind, RecoveryRefused, "the database has an earlier one that the mirror lacks"),
    (change_last, RecoveryRefused, "the database's last, is another one in the mirror"),
    (change_an_old_hash, RecoveryRefused, "does not come out as it was signed at size"),
    (lose_a_place, RecoveryRefused, "and the mirror goes on with number"),
    (rewrite_mirror(lose_the_last), RecoveryRefused, "what is beyond is not there"),
    (rewrite_mirror(change_payload), RecoveryRefused, "its payload is not the one"),
    (rewrite_mirror(change_header), RecoveryRefused, "does not come out as it was signed"),
    (rewrite_mirror(name_unknown_type), RecoveryRefused, "does not know: test.written.v1"),
    (tear_a_record, MirrorDamaged, "does not read at byte"),
]


@pytest.mark.parametrize(("change", "fault", "words"), REFUSALS)
def test_what_does_not_fit_is_refused_and_nothing_is_changed(
    story: Story, change: Callable[[Story], None], fault: type[StartFault], words: str
) -> None:
    change(story)
    before = standing(story.deployment.main)
    with pytest.raises(fault, match=words):
        carry_out(story.deployment)
    assert standing(story.deployment.main) == before


def test_a_contradiction_names_tenant_stream_and_version(story: Story) -> None:
    queue_another(story)
    with pytest.raises(RecoveryRefused) as refused:
        carry_out(story.deployment)
    for part in (named(story.first), str(story.queued.id), "version 1"):
        assert part in str(refused.value)


def test_nothing_is_brought_back_beside_others(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALONE_SECONDS_MAX", 0.3)
    other = Database(story.deployment.dsn_of("follower"), size=1, walled=False)
    other.open()
    with pytest.raises(RecoveryRefused, match="others work on this database"):
        carry_out(story.deployment)
    other.close()
    carry_out(story.deployment)
    story.require_all_back()


def test_events_that_sell_the_same_time_twice_are_refused(story: Story) -> None:
    carry_out(story.deployment)
    before = standing(story.deployment.main)
    # The same booking in a stream of its own, with a header that fits it.
    stream, late = uuid4(), story.late.id
    story.rows(
        "INSERT INTO event SELECT tenant_id, %s, 1, event_id, type,"
        " convert_to(replace(convert_from(header, 'UTF8'), %s, %s), 'UTF8'), state FROM event WHERE stream_id = %s",
        *(stream, f'"stream":"{late.hex}"', f'"stream":"{stream.hex}"', late),
    )
    story.rows("DELETE FROM sequenced WHERE stream_id = %s", late)
    with psycopg.connect(story.deployment.dsn_of("restorer"), autocommit=True) as connection:
        words = f"booking {story.late.id}: by its events it takes time that another has"
        with pytest.raises(RecoveryRefused, match=words), connection.transaction():
            rebuild(connection, story.first)
    assert standing(story.deployment.main)["reservation"] == before["reservation"]
