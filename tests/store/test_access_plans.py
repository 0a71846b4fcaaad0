"""Reading a part of the log of accesses costs what the part costs, however much there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.store import denial_counts
from projections import access_reads
from tests.store.access_rows import write_accesses
from tests.store.test_plans import TENANT, most_rows

EVENTS = 8_000
ADA, NOBODY = uuid4(), UUID(int=0)
BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
LATE = datetime(2100, 1, 1, tzinfo=UTC)
MIDDLE = BEGIN + timedelta(seconds=EVENTS // 2)
ROWS_MAX = 500
BETWEEN = access_reads.BETWEEN


@pytest.fixture(scope="module")
def app(module_deployment: Deployment) -> Iterator[Database]:
    write_accesses(module_deployment.main, TENANT, ADA, EVENTS, 4)
    app = Database(module_deployment.dsn_of("app"), size=1)
    yield app
    app.close()


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        (access_reads.ABOUT, (TENANT, ADA, LATE, BEGIN, NOBODY, True, LATE, 51)),
        (access_reads.ABOUT, (TENANT, ADA, LATE, MIDDLE, NOBODY, False, LATE, 51)),
        (BETWEEN + access_reads.IN_ORDER, (TENANT, BEGIN, LATE, MIDDLE, NOBODY, 51)),
        (
            BETWEEN + access_reads.OF_ACTOR + access_reads.IN_ORDER,
            (TENANT, BEGIN, LATE, BEGIN, NOBODY, "key_7", 51),
        ),
        (
            BETWEEN + access_reads.OF_PURPOSE + access_reads.IN_ORDER,
            (TENANT, MIDDLE, LATE, BEGIN, NOBODY, "support", 51),
        ),
        (
            access_reads.REVIEWS + access_reads.LATE + access_reads.IN_ORDER_OF_REVIEWS,
            (TENANT, BEGIN, NOBODY, LATE, 51),
        ),
        (access_reads.DUE, (TENANT, LATE, ["T-1"], ["T-2"], 500)),
        (access_reads.WAITING, (TENANT,)),
        (denial_counts.UNSETTLED, (TENANT, LATE, 500)),
    ],
    ids=[
        "person",
        "person, on",
        "all, on",
        "actor",
        "purpose",
        "reviews",
        "due",
        "cases",
        "denials",
    ],
)
def test_a_part_is_read_without_the_rest(
    app: Database, statement: str, parameters: Sequence[object]
) -> None:
    assert most_rows(app, statement, parameters) <= ROWS_MAX
