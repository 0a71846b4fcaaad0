"""What a page of disclosures costs does not grow with what else there is, whatever the planner has learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from application.answers.disclosure_reads import AsOf, Wanted
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.wall import bound_to
from projections.disclosure_questions import PostgresDisclosures

ROWS = 20_000
PAGE = 51
ROWS_MAX = 600
TENANT, ONE, BANK, PROCESS = uuid4(), uuid4(), uuid4(), uuid4()
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
LATE = BEGINNING + timedelta(minutes=ROWS - 100)
NOW = AsOf(datetime(2030, 1, 1, tzinfo=UTC))
# One row in forty is about one person, one in a hundred went to one recipient abroad, for one purpose.
FILL = f"""
    INSERT INTO recipient_v1 SELECT %(t)s, %(bank)s, 1, gen_random_uuid(), 0, %(from)s, true, 'Bank', '', 'FR', 'other',
        'processor', '{{"business_nature":null,"permitted_purposes":[],"contract_ref":"","contract_from":"2026-01-01",
        "contract_to":null,"transfer_mechanism":null,"own_use":false}}';
    CREATE TEMPORARY TABLE made AS SELECT n, gen_random_uuid() AS id,
        %(from)s::timestamptz + n * interval '1 minute' AS at,
        CASE WHEN n %% 100 = 0 THEN %(bank)s::uuid ELSE gen_random_uuid() END AS recipient,
        CASE WHEN n %% 40 = 0 THEN %(one)s::uuid ELSE gen_random_uuid() END AS person FROM generate_series(1, {ROWS}) n;
    INSERT INTO disclosure_v1 SELECT %(t)s, id, gen_random_uuid(), n * 2, at, recipient, 1,
        CASE WHEN n %% 100 = 0 THEN 'FR' ELSE 'US' END, CASE WHEN n %% 100 = 0 THEN 'billing' ELSE 'service' END,
        CASE WHEN n %% 100 = 0 THEN %(process)s::uuid END, NULL,
        '{{"actor":"key_1","fields":["name"],"count":1,"locations":[]}}' FROM made;
    INSERT INTO disclosure_step_v1 SELECT %(t)s, id, n * 2 + k, gen_random_uuid(), at + k * interval '1 second',
        'recorded', 'delivered', true, NULL, '{{}}' FROM made CROSS JOIN generate_series(0, 1) k;
    INSERT INTO shared_v1 SELECT %(t)s, id, person, person, NULL, 'none', at, n * 2, recipient, false, true, NULL,
        at, n * 2 FROM made;
    ANALYZE
"""


@dataclass
class Explaining:
    """Runs statements, and notes how many rows the busiest node of each plan went through."""

    database: Database
    busiest: list[int] = field(default_factory=list)

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
        ((plan,),) = self.database.rows(explained, parameters)
        self.busiest.append(most_rows(plan[0]["Plan"]))
        return self.database.rows(statement, parameters)


def most_rows(node: dict[str, Any]) -> int:
    removed = sum(it for name, it in node.items() if name.startswith("Rows Removed"))
    own = int((node["Actual Rows"] + removed) * node["Actual Loops"])
    return max([own, *(most_rows(child) for child in node.get("Plans", []))])


@pytest.fixture(scope="module")
def engine(module_deployment: Deployment) -> Iterator[Engine]:
    with psycopg.connect(module_deployment.main, autocommit=True) as owner:
        given = {"t": TENANT, "bank": BANK, "one": ONE, "process": PROCESS, "from": BEGINNING}
        cursor = psycopg.ClientCursor(owner)
        for statement in FILL.split(";\n"):
            cursor.execute(statement.encode(), given)
    engine = Engine.connect(module_deployment, connections=1)
    yield engine
    engine.close()


Question = Callable[[PostgresDisclosures], object]
QUESTIONS: dict[str, Question] = {
    "of a person": lambda it: it.of_subject(TENANT, ONE, "officer", NOW, PAGE, None),
    "of a person, their own view": lambda it: it.of_subject(TENANT, ONE, "person", NOW, PAGE, None),
    "of a person, later": lambda it: it.of_subject(
        TENANT, ONE, "auditor", NOW, PAGE, (LATE, UUID(int=0))
    ),
    "of a person, as of then": lambda it: it.of_subject(
        TENANT, ONE, "person", AsOf(NOW.now, LATE, ROWS), PAGE, None
    ),
    "to a recipient": lambda it: page(it, Wanted(recipient=BANK)),
    "for a purpose": lambda it: page(it, Wanted(purpose="billing")),
    "to a country": lambda it: page(it, Wanted(country="FR")),
    "by a legal process": lambda it: page(it, Wanted(legal_process=PROCESS)),
    "to a recipient, late": lambda it: page(it, Wanted(recipient=BANK, from_=LATE)),
    "all of it": lambda it: page(it, Wanted()),
    "all of it, late": lambda it: page(it, Wanted(from_=LATE)),
    "of nobody": lambda it: it.of_subject(TENANT, uuid4(), "auditor", NOW, PAGE, None),
}


def page(it: PostgresDisclosures, wanted: Wanted) -> object:
    return it.page(TENANT, wanted, NOW, PAGE, None, with_withheld=False)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_page_is_read_without_the_rest(engine: Engine, question: str) -> None:
    explaining = Explaining(engine.app)
    with bound_to(TENANT):
        QUESTIONS[question](PostgresDisclosures(explaining))
    assert max(explaining.busiest) <= ROWS_MAX, explaining.busiest


def test_totals_go_through_what_is_the_person_s_and_no_more(engine: Engine) -> None:
    explaining = Explaining(engine.app)
    with bound_to(TENANT):
        for as_of in (NOW, AsOf(NOW.now, LATE), AsOf(NOW.now, None, ROWS)):
            PostgresDisclosures(explaining).totals(TENANT, ONE, "officer", as_of)
    assert max(explaining.busiest) == ROWS // 40


def test_a_question_that_reads_the_rest_is_seen(engine: Engine) -> None:
    explaining = Explaining(engine.app)
    with bound_to(TENANT):
        explaining.rows("SELECT count(*) FROM disclosure_v1 WHERE tenant_id = %b", (TENANT,))
    assert max(explaining.busiest) >= ROWS
