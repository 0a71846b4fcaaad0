"""From sequenced events to signed checkpoints: in order, once, through crashes; and never over a rewritten history."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from api.process import publishing
from api.process.lifeline import READY
from api.process.loops import Stop
from api.process.parts import Part, RunningPart
from api.process.publishing import publish_while_connected
from domain.errors import Unavailable
from infrastructure.clock import SystemClock
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing import publisher as module
from infrastructure.ledger.publishing.fork_guard import Behind, Rewritten, compare
from infrastructure.ledger.publishing.mirror import FolderMirror, MirroredEvent
from infrastructure.ledger.publishing.origins import Origins, default
from infrastructure.ledger.publishing.publisher import DatabaseBehind
from infrastructure.ledger.signed.checkpoints import parse_tree_head
from infrastructure.ledger.signed.notes import VerifierKey, parse_note, verify
from infrastructure.ledger.signing.signer_keys import MEMORY
from tests.store.publishing import Press, press


class Living:
    """A process that runs."""

    def poll(self) -> None:
        return None


@pytest.fixture
def here(own_deployment: Deployment) -> Iterator[Press]:
    with press(own_deployment) as made:
        yield made


def test_each_tick_publishes_what_came_and_keeps_one_checkpoint(here: Press) -> None:
    publisher, tenant = here.publisher(), uuid4()
    for more, size in ((3, 3), (1, 4), (400, 404)):
        here.append(tenant, more)
        assert publisher.tick() == more
        assert here.published(tenant) == [size]
    assert publisher.tick() == 0
    ((note,),) = here.rows("SELECT note FROM ledger_checkpoint WHERE tenant_id = %s", tenant)
    read = parse_note(str(note))
    key = VerifierKey.parse(here.signer.signer.verifier_keys(default(tenant))[0])
    assert verify(read, [key])
    head = parse_tree_head(read.text)
    assert (head.size, head.root) == (404, here.root(tenant, 404))
    assert [one.sequence for one in here.mirror.read()] == list(range(1, 405))


def test_many_logs_are_signed_in_one_batch(here: Press) -> None:
    publisher, tenants = here.publisher(), [uuid4() for _ in range(30)]
    for number, tenant in enumerate(tenants, 1):
        here.append(tenant, number)
    publisher.tick()
    assert [here.published(tenant) for tenant in tenants] == [[size] for size in range(1, 31)]
    assert len(here.signer.asked) == 30


def test_a_checkpoint_that_left_the_house_is_kept(here: Press) -> None:
    publisher, tenant = here.publisher(), uuid4()
    here.append(tenant, 2)
    publisher.tick()
    here.rows("UPDATE ledger_checkpoint SET kept = 'receipt' WHERE tenant_id = %s", tenant)
    for _ in range(3):
        here.append(tenant, 2)
        publisher.tick()
    assert here.published(tenant) == [2, 8]


SEAMS = ["_mirror_some", "_requests", "_keep"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("seam", SEAMS)
def test_a_publisher_that_dies_anywhere_is_taken_over(
    here: Press, monkeypatch: pytest.MonkeyPatch, seam: str, when: str
) -> None:
    tenant, other = uuid4(), uuid4()
    first = here.publisher()
    here.append(tenant, 5)
    first.tick()
    here.append(tenant, 5)
    here.append(other, 1)
    real = getattr(module.Publisher, seam)

    def dying(self: object, *arguments: object) -> object:
        if when == "after":
            real(self, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(module.Publisher, seam, dying)
    with pytest.raises(KeyboardInterrupt):
        first.tick()
    monkeypatch.undo()
    second = here.publisher()
    second.tick()
    assert (here.published(tenant), here.published(other)) == ([10], [1])
    assert [one.sequence for one in here.mirror.read()] == list(range(1, 12))
    assert not second.refused


def test_a_signer_that_is_away_holds_up_checkpoints_and_nothing_else(here: Press) -> None:
    publisher, tenant = here.publisher(), uuid4()
    here.signer.away = Unavailable("away")
    here.append(tenant, 3)
    with pytest.raises(Unavailable):
        publisher.tick()
    assert here.mirror.end() == 3
    here.signer.away = None
    publisher.open()
    publisher.tick()
    assert here.published(tenant) == [3]


def test_it_is_ready_before_it_mirrors_and_its_supervisor_keeps_it(
    here: Press, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tenant, seen = uuid4(), list[tuple[bool, str | None]]()
    here.append(tenant, module.MIRROR_AT_ONCE + 5)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    part = RunningPart(Part("ledger", ()), tmp_path / "log", lifeline=-1)
    part.ready_pipe = reader
    monkeypatch.setenv(READY, str(writer))
    stop, append = Stop(), here.mirror.append

    def slow(events: Sequence[MirroredEvent]) -> None:
        part.hear()
        monkeypatch.setattr(part, "_deadline", 0.0)  # all the time that it had is over
        seen.append((part.ready, part.ended()))
        append(events)
        if len(events) < module.MIRROR_AT_ONCE:
            stop.ask()

    monkeypatch.setattr(here.mirror, "append", slow)
    monkeypatch.setattr(part, "_process", Living())
    publisher = module.Publisher(
        here.publishing, here.mirror, here.signer, Origins(here.publishing), SystemClock()
    )
    publish_while_connected(stop, publisher)
    assert seen == [(True, None), (True, None)]
    assert here.published(tenant)[-1] == module.MIRROR_AT_ONCE + 5


def test_a_full_disk_of_the_mirror_is_waited_for(
    here: Press, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tenant, stop = uuid4(), Stop()
    here.append(tenant, 3)
    monkeypatch.setattr(publishing, "RETRY_SECONDS", 0.01)
    append, full = here.mirror.append, iter([True, True, False])

    def taking(events: Sequence[MirroredEvent]) -> None:
        if next(full):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        stop.ask()
        append(events)

    monkeypatch.setattr(here.mirror, "append", taking)
    publisher = module.Publisher(
        here.publishing, here.mirror, here.signer, Origins(here.publishing), SystemClock()
    )
    publish_while_connected(stop, publisher)
    assert here.published(tenant) == [3]
    assert [one.message for one in caplog.records] == [
        "the mirror takes nothing, so nothing is signed: No space left on device"
    ]


# --- a database administrator with a plan ----------------------------------------------------------------------------


def rewrite(here: Press, tenant: UUID, position: int) -> None:
    """Change an event, its leaf hash and every tile over it, consistently, as only an owner can."""
    here.rows("ALTER TABLE event DISABLE TRIGGER ALL")
    here.rows(
        "UPDATE event e SET header = e.header || ' '::bytea FROM sequenced s WHERE s.tenant_id = %s"
        " AND s.position = %s AND (e.tenant_id, e.stream_id, e.stream_version)"
        " = (s.tenant_id, s.stream_id, s.stream_version)",
        tenant,
        position,
    )
    here.rows(
        "UPDATE sequenced s SET leaf_hash = sha256('\\x00'::bytea || e.header) FROM event e WHERE s.tenant_id = %s"
        " AND s.position = %s AND (e.tenant_id, e.stream_id, e.stream_version)"
        " = (s.tenant_id, s.stream_id, s.stream_version)",
        tenant,
        position,
    )


def test_a_rewritten_history_is_refused_at_the_next_tick(here: Press) -> None:
    publisher, tenant, other = here.publisher(), uuid4(), uuid4()
    here.append(tenant, 20)
    publisher.tick()
    rewrite(here, tenant, 7)
    here.append(tenant, 1)
    here.append(other, 1)
    publisher.tick()
    assert "inconsistent" in publisher.refused[tenant]
    assert (here.published(tenant), here.published(other)) == ([20], [1])


def test_an_event_that_was_changed_before_it_was_mirrored_is_not_signed_for(here: Press) -> None:
    publisher, tenant = here.publisher(), uuid4()
    here.append(tenant, 3)
    here.rows("UPDATE event SET header = header || ' '::bytea WHERE stream_version = 2")
    publisher.tick()
    assert publisher.refused[tenant] == "event 1 was changed after it was sequenced"
    here.append(tenant, 3)
    publisher.tick()
    assert here.published(tenant) == []


def test_an_event_that_was_removed_before_it_was_mirrored_is_not_signed_for(here: Press) -> None:
    publisher, tenant, other = here.publisher(), uuid4(), uuid4()
    here.append(tenant, 3)
    here.append(other, 3)
    here.rows("DELETE FROM event WHERE tenant_id = %s AND stream_version = 3", tenant)
    publisher.tick()
    assert publisher.refused == {tenant: "event 2 was changed after it was sequenced"}
    assert here.published(other) == [3]


def test_a_tree_with_a_hole_is_not_signed_for(here: Press) -> None:
    publisher, tenant = here.publisher(), uuid4()
    here.append(tenant, 300)
    publisher.tick()
    here.rows("DELETE FROM ledger_tile WHERE tenant_id = %s", tenant)
    here.append(tenant, 1)
    publisher.tick()
    assert "not whole" in publisher.refused[tenant]
    assert here.published(tenant) == [300]


# --- the fork guard --------------------------------------------------------------------------------------------------


def cut_back(here: Press, sequence: int) -> None:
    """Make the database what it was at a sequence, as a restored backup would."""
    here.rows("DELETE FROM sequenced WHERE sequence > %s", sequence)
    here.rows("UPDATE sequencer_head SET sequence = %s", sequence)
    here.rows(
        "UPDATE ledger_head h SET size = (SELECT count(*) FROM sequenced s WHERE s.tenant_id = h.tenant_id)"
    )
    here.rows("DELETE FROM ledger_tile")


def guarded(own_deployment: Deployment, *changes: str) -> None:
    tenant = uuid4()
    with press(own_deployment) as here:
        publisher = here.publisher()
        here.append(tenant, 10)
        publisher.tick()
        for change in changes:
            here.rows(change)
    compare(own_deployment)


def test_the_guard_lets_pass_what_is_as_it_was(own_deployment: Deployment) -> None:
    guarded(own_deployment)


def test_the_guard_lets_pass_a_deployment_before_its_first_event(
    own_deployment: Deployment,
) -> None:
    compare(own_deployment)


def test_the_guard_holds_a_database_that_was_restored(own_deployment: Deployment) -> None:
    with press(own_deployment) as here:
        publisher, tenant = here.publisher(), uuid4()
        here.append(tenant, 10)
        publisher.tick()
        cut_back(here, 6)
        with pytest.raises(DatabaseBehind, match="lacks event 10"):
            here.publisher()
    with pytest.raises(Behind, match="ends at event 6 and the mirror at 10"):
        compare(own_deployment)


def test_the_guard_holds_a_restored_database_whose_mirror_was_lost(
    own_deployment: Deployment,
) -> None:
    with press(own_deployment) as here:
        publisher, tenant = here.publisher(), uuid4()
        here.append(tenant, 10)
        publisher.tick()
        cut_back(here, 6)
    for segment in own_deployment.settings.mirror.glob("*.segment"):
        segment.unlink()
    with pytest.raises(Behind, match="has 6 events, and the signer signed 10"):
        compare(own_deployment)


def test_the_guard_holds_a_database_without_a_log_that_was_signed_for(
    own_deployment: Deployment,
) -> None:
    with pytest.raises(Behind, match="has no log daybook"):
        guarded(own_deployment, "DELETE FROM ledger_head")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sequenced SET leaf_hash = sha256('x') WHERE position = 4",
        "DELETE FROM sequenced WHERE position = 4",
        "UPDATE sequenced SET event_id = gen_random_uuid() WHERE position = 9",
    ],
)
def test_the_guard_holds_a_database_that_was_rewritten(
    own_deployment: Deployment, change: str
) -> None:
    with pytest.raises(Rewritten):
        guarded(own_deployment, change)


def test_the_guard_holds_a_restored_database_that_went_on(own_deployment: Deployment) -> None:
    with press(own_deployment) as here:
        publisher, tenant = here.publisher(), uuid4()
        here.append(tenant, 10)
        publisher.tick()
        cut_back(here, 6)
        here.append(tenant, 10)
    with pytest.raises(Rewritten, match="event 10 is not the one"):
        compare(own_deployment)


def test_the_mirror_has_what_the_database_lost(own_deployment: Deployment) -> None:
    with press(own_deployment) as here:
        publisher, tenant = here.publisher(), uuid4()
        here.append(tenant, 10)
        publisher.tick()
        stored = here.rows(
            "SELECT s.position, e.header, e.state FROM sequenced s"
            " JOIN event e USING (tenant_id, stream_id, stream_version) ORDER BY s.position"
        )
    mirrored = FolderMirror(own_deployment.settings.mirror).read()
    assert [(one.position, one.header, one.payload) for one in mirrored] == stored
    assert (own_deployment.settings.signer / MEMORY).exists()
