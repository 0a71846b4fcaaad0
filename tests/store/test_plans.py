"""Reading a part of a log costs what the part costs, however long the log is, and whatever the planner has learnt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.ledger.copies import exporter
from infrastructure.ledger.publishing import ledger_reads
from infrastructure.ledger.tree import stored_tree, tile_writer
from infrastructure.wall import bound_to
from tests.store.exporting import ExportPress, export_press

EVENTS = 8_000
ROWS_MAX = 1_500
TENANT = uuid4()
JOINED = (
    "SELECT w.n, string_agg(s.leaf_hash, ''::bytea ORDER BY s.position)"
    " FROM unnest(%b::uuid[], %b::bigint[]) AS w(tenant, n)"
    " JOIN sequenced s ON s.tenant_id = w.tenant AND s.position >= w.n * 256 AND s.position < (w.n + 1) * 256"
    " GROUP BY w.n"
)


@pytest.fixture(scope="module")
def here(module_deployment: Deployment) -> Iterator[ExportPress]:
    """One long log, and statistics that say so."""
    with export_press(module_deployment) as made:
        made.fill(TENANT, EVENTS)
        made.press.rows("ANALYZE")
        yield made


def most_rows(database: Database, statement: str, parameters: Sequence[object]) -> int:
    """How many rows the busiest node of the plan went through, in all its rounds."""
    with bound_to(TENANT):
        return most_rows_of(database, statement, parameters)


def most_rows_of(database: Database, statement: str, parameters: Sequence[object]) -> int:
    """The same, for the tenant that the caller is bound to."""
    explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
    ((plan,),) = database.rows(explained, parameters)
    found: list[int] = []

    def walk(node: dict[str, Any]) -> None:
        removed = sum(it for name, it in node.items() if name.startswith("Rows Removed"))
        found.append(int((node["Actual Rows"] + removed) * node["Actual Loops"]))
        for child in node.get("Plans", []):
            walk(child)

    walk(plan[0]["Plan"])
    return max(found)


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        (tile_writer.LEAVES, ([TENANT], [9])),
        (stored_tree.LEAVES, ([0], [TENANT], [7_936], [EVENTS])),
        (ledger_reads.HEADERS, (TENANT, 512, 768)),
        (exporter.ENTRIES, (TENANT, 512, 1_024)),
        (ledger_reads.EVENTS, (TENANT, 5_000, None, None, None, 200)),
    ],
    ids=["tile to write", "tile to read", "entries", "export", "list"],
)
def test_a_part_of_a_log_is_read_without_the_rest(
    here: ExportPress, statement: str, parameters: Sequence[object]
) -> None:
    assert most_rows(here.engine.app, statement, parameters) <= ROWS_MAX


def test_a_statement_that_reads_the_whole_log_is_seen(here: ExportPress) -> None:
    assert most_rows(here.engine.app, JOINED, ([TENANT], [9])) > ROWS_MAX


def test_the_root_of_a_range_of_roots_is_read_the_same_way(here: ExportPress) -> None:
    other: UUID = uuid4()
    for statement, parameters in (
        (tile_writer.ROOTS, ([TENANT, other], [0, 0], 0)),
        (stored_tree.ROOTS, ([0, 1], [TENANT, other], [0, 0], [0, 0], [EVENTS // 256, 5])),
    ):
        assert most_rows(here.engine.app, statement, parameters) <= EVENTS // 256
