"""Leaf hashes and tiles: written by the sequencer as events get their places."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from infrastructure.clock import SystemClock
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.tree import merkle
from infrastructure.ledger.tree.stored_tree import StoredTree
from infrastructure.ledger.tree.tile_writer import TreeDamaged, catch_up
from infrastructure.ledger.tree.tiles import TileId, tiles_of
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.sequencer import EventsMissing, Sequencer


@pytest.fixture
def sequencer(module_deployment: Deployment) -> Iterator[Sequencer]:
    database = Database(module_deployment.dsn_of("sequencer"), size=1, walled=False)
    yield Sequencer(database, SystemClock())
    database.close()


@pytest.fixture
def app(module_deployment: Deployment) -> Iterator[Database]:
    database = Database(module_deployment.dsn_of("app"), size=1)
    yield database
    database.close()


@pytest.fixture
def owner(module_deployment: Deployment) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(module_deployment.main, autocommit=True) as connection:
        yield connection


def append(app: Database, tenant: UUID, count: int) -> None:
    recorder = SequencedRecorder(app, home=tenant)
    stream = uuid4()
    for first in range(1, count + 1, 200):
        upto = min(first + 200, count + 1)
        recorder.insert_events(
            [StoredEvent(stream, at, "test.written.v1", b"{}") for at in range(first, upto)]
        )


def sequence_all(sequencer: Sequencer) -> None:
    while sequencer.sequence_now():
        pass


def leaves_of(owner: psycopg.Connection[tuple[object, ...]], tenant: UUID) -> list[bytes]:
    rows = owner.execute(
        "SELECT e.header FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
        " WHERE s.tenant_id = %s ORDER BY s.position",
        (tenant,),
    ).fetchall()
    return [hashlib.sha256(b"\x00" + row[0]).digest() for row in rows]  # type: ignore[operator]


def naive_root(hashes: list[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    left, right = naive_root(hashes[:split]), naive_root(hashes[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def rows(owner: psycopg.Connection[tuple[object, ...]]) -> StoredTree:
    return StoredTree(
        lambda statement, values: owner.execute(statement.encode(), values, binary=True).fetchall()
    )


@pytest.mark.parametrize("sizes", [(1, 255), (256,), (255, 1, 1), (600, 424, 3)])
def test_the_stored_tree_is_the_tree_of_the_stored_headers(
    sequencer: Sequencer,
    app: Database,
    owner: psycopg.Connection[tuple[object, ...]],
    sizes: tuple[int, ...],
) -> None:
    tenant = uuid4()
    size = 0
    for more in sizes:
        append(app, tenant, more)
        sequence_all(sequencer)
        size += more
        leaves = leaves_of(owner, tenant)
        assert len(leaves) == size
        tree = rows(owner)
        tiles = list(tiles_of(size))
        fetched = dict(zip(tiles, tree.fetch([(tenant, tile) for tile in tiles]), strict=True))
        below = [fetched[tile] for tile in tiles if tile.level == 0]
        assert b"".join(below) == b"".join(leaves)
        assert merkle.root(size, tree.reader(tenant, size)) == naive_root(leaves)


def test_readers_of_many_logs_are_made_from_one_reading(
    sequencer: Sequencer, app: Database, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    tenants = {uuid4(): (3, 700), uuid4(): (256, 257), uuid4(): (0, 1), uuid4(): (300, 300)}
    for tenant, (old, size) in tenants.items():
        append(app, tenant, size)
        assert old <= size
    sequence_all(sequencer)
    statements: list[str] = []

    def counted(statement: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        statements.append(statement)
        return owner.execute(statement.encode(), values, binary=True).fetchall()

    readers = StoredTree(counted).prefetched([(one, *sizes) for one, sizes in tenants.items()])
    for tenant, (old, size) in tenants.items():
        leaves = leaves_of(owner, tenant)
        root = merkle.root(size, readers[tenant])
        assert root == naive_root(leaves)
        if 0 < old < size:
            proof = merkle.consistency_proof(old, size, readers[tenant])
            assert merkle.verify_consistency(old, naive_root(leaves[:old]), size, root, proof)
    assert len(statements) <= 3


def test_tiles_of_a_log_that_had_none_are_caught_up(
    sequencer: Sequencer, app: Database, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    tenant = uuid4()
    append(app, tenant, 520)
    sequence_all(sequencer)
    before = owner.execute(
        "DELETE FROM ledger_tile WHERE tenant_id = %s RETURNING level, n, data", (tenant,)
    ).fetchall()
    assert len(before) == 2
    assert catch_up(owner) == 2
    after = owner.execute(
        "SELECT level, n, data FROM ledger_tile WHERE tenant_id = %s", (tenant,)
    ).fetchall()
    assert sorted(after, key=str) == sorted(before, key=str)
    assert catch_up(owner) == 0


def test_a_tile_with_a_hole_is_named(
    sequencer: Sequencer, app: Database, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    tenant = uuid4()
    append(app, tenant, 5)
    sequence_all(sequencer)
    owner.execute("DELETE FROM sequenced WHERE tenant_id = %s AND position = 2", (tenant,))
    with pytest.raises(TreeDamaged, match=r"tile/0/000.p/5"):
        rows(owner).fetch([(tenant, TileId(0, 0, 5))])


def test_a_queued_event_that_was_removed_by_hand_is_not_passed_over(
    sequencer: Sequencer, app: Database, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    tenant = uuid4()
    append(app, tenant, 3)
    gone = owner.execute(
        "DELETE FROM event WHERE tenant_id = %s AND stream_version = 2 RETURNING *", (tenant,)
    ).fetchall()
    with pytest.raises(EventsMissing):
        sequencer.sequence_now()
    columns = ", ".join(["%s"] * len(gone[0]))
    owner.execute(f"INSERT INTO event VALUES ({columns})".encode(), gone[0])
    assert sequencer.sequence_now() >= 3
