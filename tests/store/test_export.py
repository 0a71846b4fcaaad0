"""A full export is the log, whole, checked and signed; or nothing at all."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from benchmarks.filling import fill
from domain.errors import LedgerDamaged, Malformed, NotFound, Unavailable
from infrastructure.canonical import parsed
from infrastructure.deployment import Deployment
from infrastructure.ledger.copies.payload_bundles import parse_payload_bundle, payload_bundle
from infrastructure.ledger.publishing.unsigned import UnsignedEvents
from infrastructure.ledger.signed.notes import BadNote, VerifierKey
from infrastructure.ledger.tree.intact import header_of
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.wall import bound_to
from tests.ledger.bundles import Unpacked
from tests.store.exporting import ExportPress, export_press, whole

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def here(module_deployment: Deployment) -> Iterator[ExportPress]:
    with export_press(module_deployment) as made:
        yield made


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700])
def test_an_export_is_the_whole_log_and_its_manifest_is_signed(here: ExportPress, size: int):
    tenant = uuid4()
    here.fill(tenant, size)
    found = here.taken(tenant)
    found.require_signed(here.key(tenant))
    assert len(found.require_tree()) == found.head.size == size
    assert found.head.root == here.press.root(tenant, size)
    manifest = found.manifest
    assert {name: manifest[name] for name in ("v", "kind", "from", "to")} == {
        "v": 1,
        "kind": "export",
        "from": 0,
        "to": size,
    }
    assert datetime.fromisoformat(manifest["made_at"]) <= datetime.now(UTC)
    stored = here.press.rows(
        "SELECT e.header, e.state FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
        " WHERE s.tenant_id = %s ORDER BY s.position LIMIT %s",
        tenant,
        size,
    )
    pairs = [
        pair for start in range(0, size, 256) for pair in zip(*found.entries(start), strict=True)
    ]
    assert pairs == stored


FULL_SIZE = {"tile/0/255", "tile/0/256.p/1", "tile/1/000", "tile/2/000.p/1"}
TWIN = {"tile/0/031", "tile/0/032.p/1", "tile/1/000.p/32"}


@pytest.mark.parametrize(
    ("size", "tiles", "mib", "peak_mib"),
    [(8_193, TWIN, 3, 2.5), pytest.param(65_537, FULL_SIZE, 25, 10, marks=pytest.mark.soak)],
)
def test_a_large_export_has_tiles_of_every_level_and_is_made_in_little_memory(
    here: ExportPress, size: int, tiles: set[str], mib: int, peak_mib: float
):
    tenant = uuid4()
    here.fill(tenant, size)
    tracemalloc.start()
    copy = here.copy(tenant)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    found = Unpacked.read(whole(copy))
    found.require_signed(here.key(tenant))
    assert len(found.require_tree()) == size
    assert tiles <= set(found.files)
    assert copy.length > mib * MIB, "else its memory would say nothing"
    assert peak < peak_mib * MIB


def test_a_partial_export_has_all_hashes_and_every_256_events_it_touches(here: ExportPress):
    tenant = uuid4()
    here.fill(tenant, 700)
    for first, past, bundles in (
        (0, 1, ["000"]),
        (255, 256, ["000"]),
        (255, 257, ["000", "001"]),
        (256, 257, ["001"]),
        (512, 700, ["002.p/188"]),
        (699, 700, ["002.p/188"]),
        (1, 700, ["000", "001", "002.p/188"]),
    ):
        found = here.taken(tenant, first, past)
        found.require_signed(here.key(tenant))
        assert (found.manifest["from"], found.manifest["to"]) == (first, past)
        hashes = {name for name in found.files if name.startswith(("tile/0", "tile/1"))}
        # What earlier exports recorded of themselves is in the log, though not signed for yet.
        assert hashes == {"tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"}
        for folder in ("tile/entries/", "payload/"):
            kept = [name.removeprefix(folder) for name in found.files if name.startswith(folder)]
            assert kept == bundles


@pytest.mark.parametrize(
    ("first", "past"), [(0, 0), (5, 5), (6, 5), (10, None), (0, 11), (-1, 3), (2**60, 2**61)]
)
def test_a_range_that_is_not_signed_for_is_refused_and_not_recorded(
    here: ExportPress, first: int, past: int | None
):
    tenant = uuid4()
    here.fill(tenant, 10)
    with pytest.raises(Malformed) as refused:
        here.copy(tenant, first, past)
    assert [error.pointer for error in refused.value.errors] in (["/from"], ["/to"])
    assert exported(here, tenant) == []


def test_nothing_is_exported_while_nothing_is_signed(here: ExportPress):
    with pytest.raises(NotFound):
        here.copy(uuid4())


def test_an_export_is_recorded_once_before_its_first_byte_and_ends_where_it_began(
    here: ExportPress,
):
    tenant = uuid4()
    here.fill(tenant, 5)
    plan = here.begun(tenant)
    assert exported(here, tenant) == [{"first": 0, "past": 5, "actor": "system:operator"}]
    here.fill(tenant, 300)
    file = io.BytesIO()
    here.write(plan, file)
    found = Unpacked.read(file.getvalue())
    found.require_signed(here.key(tenant))
    assert len(found.require_tree()) == 5
    kept = here.press.rows(
        "SELECT size, kept FROM ledger_checkpoint WHERE tenant_id = %s ORDER BY size", tenant
    )
    assert kept == [(5, "export"), (306, None)]
    assert len(exported(here, tenant)) == 1


def test_the_same_export_is_the_same_bytes(here: ExportPress):
    tenant = uuid4()
    here.fill(tenant, 300)
    plan = here.begun(tenant)
    files = io.BytesIO(), io.BytesIO()
    for file in files:
        here.write(plan, file)
    assert files[0].getvalue() == files[1].getvalue()


DAMAGE = {
    "header": "UPDATE event SET header = header || ' ' WHERE tenant_id = %s AND event_id = %s",
    "header of another": "UPDATE event SET header = (SELECT header FROM event o WHERE o.tenant_id = event.tenant_id"
    " AND o.event_id <> event.event_id LIMIT 1) WHERE tenant_id = %s AND event_id = %s",
    "plain payload": "UPDATE event SET state = set_byte(state, 3, 65) WHERE tenant_id = %s AND event_id = %s",
    "envelope": "UPDATE event"
    " SET state = overlay(state placing '\\x41414141' from position('nonce'::bytea in state) + 9)"
    " WHERE tenant_id = %s AND event_id = %s",
    "missing": "DELETE FROM event WHERE tenant_id = %s AND event_id = %s",
    "hash and header": "WITH changed AS (UPDATE event SET header = header || ' ' WHERE tenant_id = %s"
    " AND event_id = %s RETURNING tenant_id, event_id, header) UPDATE sequenced s"
    " SET leaf_hash = sha256('\\x00'::bytea || c.header) FROM changed c"
    " WHERE s.tenant_id = c.tenant_id AND s.event_id = c.event_id",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_ends_the_export_names_the_position_and_leaves_nothing(
    here: ExportPress, damage: str
):
    tenant = uuid4()
    here.fill(tenant, 520)
    ((event,),) = here.press.rows(
        "SELECT event_id FROM sequenced WHERE tenant_id = %s AND position = 301", tenant
    )
    here.taken(tenant)  # it holds before
    here.press.rows(DAMAGE[damage], tenant, event)
    with pytest.raises(LedgerDamaged, match=r"\b301\b"):
        here.copy(tenant)
    assert nothing_is_left(here)
    here.taken(tenant, 0, 256)


def test_a_tree_that_was_rewritten_is_not_exported(here: ExportPress):
    tenant = uuid4()
    here.fill(tenant, 600)
    rewrite = (
        "UPDATE ledger_tile SET data = set_byte(data, 40, get_byte(data, 40) # 1)"
        " WHERE tenant_id = %s AND level = 0 AND n = 1"
    )
    here.press.rows(rewrite, tenant)
    with pytest.raises(LedgerDamaged, match="not the one signed for"):
        here.copy(tenant, 0, 1)
    here.press.rows(rewrite, tenant)
    here.taken(tenant)
    here.press.rows(
        "UPDATE ledger_tile SET root = sha256('x') WHERE tenant_id = %s AND n = 1",
        tenant,
    )
    with pytest.raises(LedgerDamaged, match="tile/1/000"):
        here.copy(tenant)


def test_a_signer_that_is_away_is_noticed_before_anything_is_recorded(here: ExportPress):
    tenant = uuid4()
    here.fill(tenant, 3)
    here.press.signer.away = Unavailable("The signer cannot be reached")
    try:
        with pytest.raises(Unavailable):
            here.copy(tenant)
    finally:
        here.press.signer.away = None
    assert exported(here, tenant) == [] and nothing_is_left(here)


def test_few_copies_are_made_or_handed_out_at_a_time(here: ExportPress):
    tenant = uuid4()
    here.fill(tenant, 3)
    first, second = here.copy(tenant), here.copy(tenant)
    with pytest.raises(Unavailable) as refused:
        here.copy(tenant)
    assert refused.value.retry_after_seconds
    first.close()
    first.close()
    third = here.copy(tenant)
    with pytest.raises(Unavailable):
        here.copy(tenant)
    second.close()
    third.close()
    assert nothing_is_left(here)


def test_a_copy_never_takes_the_last_room_of_the_disk(here: ExportPress, tmp_path: Path):
    tenant = uuid4()
    here.fill(tenant, 3)
    narrow = type(here.room)(tmp_path, spare=2**62)
    with bound_to(tenant), pytest.raises(Unavailable, match="room"):
        narrow.make(lambda file: here.exporter.write(here.begun(tenant), file, print))
    assert not list(tmp_path.iterdir()) and exported(here, tenant) == []


def test_what_is_not_signed_for_yet_is_waited_for_and_counted(here: ExportPress):
    tenant = uuid4()
    unsigned = UnsignedEvents(here.engine.app)

    def left(seconds: float = 0) -> int:
        with bound_to(tenant):
            return unsigned.wait(tenant, seconds)

    assert left() == 0
    here.fill(tenant, 5)
    assert left() == 0
    fill(SequencedRecorder(here.press.app, home=tenant), tenant, 7)
    assert left() == 7, "queued"
    here.press.sequencer.sequence_now()
    assert left() == 7, "sequenced, and not signed"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(left, 30)
        here.publish()
        assert waiting.result() == 0


def test_what_is_changed_in_an_export_is_seen(here: ExportPress):
    tenant = uuid4()
    here.fill(tenant, 260)
    found = here.taken(tenant)
    with pytest.raises((BadNote, AssertionError)):
        found.require_signed(VerifierKey(here.key(tenant).name, 1, bytes(32)))
    for name in ("payload/000", "tile/entries/001.p/4", "tile/0/000", "checkpoint"):
        changed = dict(found.files)
        changed[name] = bytes([changed[name][0] ^ 1, *changed[name][1:]])
        with pytest.raises(AssertionError):
            Unpacked(changed).require_signed(here.key(tenant))


def test_a_payload_that_is_gone_is_told_from_an_empty_one():
    bundle = payload_bundle([b"", None, b"x"])
    assert bundle == bytes(4) + b"\xff" * 4 + b"\x00\x00\x00\x01x"
    assert parse_payload_bundle(bundle, 3) == [b"", None, b"x"]
    for wrong in (bundle[:-1], bundle + b"\x00"):
        with pytest.raises(ValueError, match="bundle"):
            parse_payload_bundle(wrong, 3)


def exported(here: ExportPress, tenant: UUID) -> list[dict[str, Any]]:
    """What is recorded of exports."""
    rows = here.press.rows(
        "SELECT header, state FROM event WHERE tenant_id = %s AND type = 'ledger.exported.v1'",
        tenant,
    )
    return [
        parsed(bytes(state)) | {"actor": header_of(bytes(header))["actor"]}  # type: ignore[call-overload]
        for header, state in rows
    ]


def nothing_is_left(here: ExportPress) -> bool:
    """True when no copy is held, and the folder is empty."""
    folder = here.room.folder
    return here.room.places._value == 2 and not list(folder.iterdir())
