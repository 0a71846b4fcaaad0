"""Every read model keeps to what the engine demands of it; a change of its code shows. README D12."""

from __future__ import annotations

import ast
import json
import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from application.event_types import DECISIONS
from infrastructure.recovery.bringing_back import READ_MODELS
from projections.engine import fingerprint as made
from projections.engine.fingerprint import fingerprint
from projections.engine.read_model import ReadModel
from projections.models import MODELS

GOLDEN = Path(__file__).parents[1] / "golden" / "read_models.json"


def test_names_and_tables_are_each_models_own() -> None:
    assert max(Counter(model.name for model in MODELS).values()) == 1
    tables = Counter(table for model in MODELS for table in model.tables)
    assert max(tables.values()) == 1
    assert all(table.endswith(f"_v{model.version}") for model in MODELS for table in model.tables)
    assert set(tables) == set(READ_MODELS), "what a recovery begins anew is what there is"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_it_consumes_decisions_of_the_catalogue(model: ReadModel) -> None:
    assert model.consumes
    assert model.consumes <= set(DECISIONS)


def test_another_code_is_another_version() -> None:
    """A change that may change rows needs a new version; one that cannot is confirmed with DAYBOOK_WRITE_GOLDEN=1."""
    found = {f"{model.name} {model.version}": fingerprint(model) for model in MODELS}
    if os.environ.get("DAYBOOK_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=2) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def test_words_for_readers_do_not_count_and_code_does() -> None:
    code = 'def f(x: int) -> int:\n    """Says."""\n    return x + 1\n'
    said_otherwise = 'def f(x: int) -> int:\n    """Says more."""\n    # why\n    return (x + 1)\n'
    changed = code.replace("+ 1", "+ 0")
    one, two, three = (made._code(ast.parse(it).body[0]) for it in (code, said_otherwise, changed))
    assert one == two != three


def test_what_a_model_leans_on_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    (disclosures,) = (one for one in MODELS if one.name == "disclosures")
    before = fingerprint(disclosures)
    rows = dict(made._definitions("application.answers.disclosure_rows"))
    rows["MARKETING"] = ast.parse("MARKETING = 'else'").body[0]
    real = made._definitions
    monkeypatch.setattr(
        made, "_definitions", lambda name: rows if name.endswith("disclosure_rows") else real(name)
    )
    assert fingerprint(disclosures) != before


def test_a_model_that_nobody_can_read_the_code_of_is_told_by_its_names() -> None:
    shape = SimpleNamespace(name="n", version=1, tables=("t_v1",), consumes=frozenset({int}))
    other = SimpleNamespace(name="n", version=1, tables=("t_v1",), consumes=frozenset({str}))
    assert fingerprint(shape) != fingerprint(other)
