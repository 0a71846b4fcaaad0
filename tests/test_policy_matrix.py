"""The privacy policy as data fits the project: its rows, its tests, the README, the bound of what waits.

Each check is shown red: a copy of the matrix with one thing wrong has exactly that fault.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from application.policy.policy_matrix import CAPABILITIES, POLICY_LINES, MatrixFlawed, PolicyMatrix
from domain.purposes import PURPOSES
from infrastructure.policy.policy_file import FILE, policy_matrix, read_matrix
from tests.policy_results import PolicyResults
from tools.policy_matrix import BOUND, always_run, find_faults, outcomes, tightened, told
from tools.steps import ROOT

SEED = Path(__file__).parents[1] / "../shared/seed/privacy-policy.txt"
README = "README.md tells of other rows: python -m tools.policy_matrix --write"
HELD, WAITING = 18, 64  # calendars; written notice of a breach
Data = dict[str, Any]


@pytest.fixture
def data() -> Data:
    """The matrix as plain values, to be bent."""
    found: Data = yaml.safe_load(FILE.read_text())
    return found


def row(data: Data, number: int) -> Data:
    """One row of it."""
    found: Data = next(each for each in data["rows"] if each["number"] == number)
    return found


def faults(data: Data) -> list[str]:
    """What is wrong with it here."""
    return list(find_faults(ROOT, yaml.safe_dump(data)))


def test_the_matrix_fits_the_project():
    assert list(find_faults(ROOT, FILE.read_text())) == []


def test_the_purposes_of_the_policy_are_those_of_the_product():
    named = [code for row in policy_matrix().rows for code in row.purposes]
    assert sorted(named) == sorted(PURPOSES)


def test_a_vendor_that_is_named_only_as_an_opt_out_is_a_contradiction():
    named = [one for one in policy_matrix().contradictions if "Mixpanel" in one.contradiction]
    assert [one.lines for one in named] == [(31, 60)]


@pytest.mark.skipif(not SEED.exists(), reason="the text of the policy is no part of this project")
def test_the_lines_are_those_of_the_text():
    lines = SEED.read_text().splitlines()
    assert len(lines) == POLICY_LINES
    told = {line for row in policy_matrix().rows for line in row.lines}
    # Headings and sentences that lead over promise nothing of their own.
    assert {number for number in range(1, POLICY_LINES + 1) if number not in told} <= SILENT
    assert ["Mixpanel" in lines[number - 1] for number in (31, 60)] == [False, True]


SILENT = {5, 24, 40, 50}


# --- each check, shown red -------------------------------------------------------------------------------------------


def test_a_row_that_is_missing_is_seen(data: Data):
    data["rows"].remove(row(data, HELD))
    assert faults(data) == [f"row {HELD} is missing"]


def test_a_row_that_is_there_twice_is_seen(data: Data):
    data["rows"].insert(HELD, dict(row(data, HELD)))
    assert faults(data) == [f"row {HELD} is there 2 times"]


def test_a_row_beyond_the_last_is_seen(data: Data):
    data["rows"].append({**row(data, 100), "number": 101})
    assert faults(data) == ["row 101 is none of 1 to 100"]


def test_rows_out_of_order_are_seen(data: Data):
    data["rows"].insert(0, data["rows"].pop(1))
    assert faults(data) == ["rows are not in order"]


def test_a_contradiction_that_is_missing_is_seen(data: Data):
    data["contradictions"].pop()
    assert faults(data) == ["contradiction 14 is missing"]


def test_a_row_with_neither_tests_nor_what_it_waits_for_is_seen(data: Data):
    del row(data, HELD)["tests"]
    lacks = "it has neither tests nor a capability that it waits for"
    assert faults(data) == [f"row {HELD}: {lacks}"]
    row(data, HELD)["tests"] = []
    assert faults(data) == [f"row {HELD}: {lacks}"]


def test_a_row_that_has_tests_and_waits_is_seen(data: Data):
    row(data, HELD)["pending"] = "breach"
    assert faults(data) == [f"row {HELD}: it has tests, so it waits for nothing"]


@pytest.mark.parametrize(
    "id",
    [
        "tests/recovery/test_canary.py::test_that_nobody_wrote",
        "tests/recovery/test_nothing_of_the_kind.py::test_no_personal_value_is_found_anywhere",
        "tests/recovery/test_canary.py::book_and_read",
        "tests/recovery/test_canary.py",
        "tests/test_policy_matrix.py::test_the_lines_are_those_of_the_text",  # it may be skipped
    ],
)
def test_a_test_that_does_not_exist_or_not_always_run_is_seen(data: Data, id: str):
    row(data, HELD)["tests"][0] = id
    (fault,) = faults(data)
    assert fault.startswith(f"row {HELD}: {id} is no test")


def test_a_test_that_is_named_twice_is_seen(data: Data):
    row(data, HELD)["tests"] *= 2
    assert faults(data) == [f"row {HELD}: a test is named twice"]


def test_a_capability_that_is_not_listed_is_seen(data: Data):
    row(data, WAITING)["pending"] = "later"
    (fault,) = faults(data)
    assert fault == f"row {WAITING}: later is none of the capabilities that a row may wait for"


def test_a_row_that_begins_to_wait_again_is_seen(data: Data):
    del row(data, HELD)["tests"]
    row(data, HELD)["pending"] = "breach"
    grown = f"row {HELD} may not wait for breach: the list of what waits only shrinks"
    assert faults(data) == [grown, README]


def test_a_row_that_waits_for_something_else_is_seen(data: Data):
    row(data, WAITING)["pending"] = "payments"
    assert faults(data) == [
        f"row {WAITING} may not wait for payments: the list of what waits only shrinks",
        f"row {WAITING} does not wait for breach any more: python -m tools.policy_matrix --write",
        README,
    ]


def test_a_readme_that_tells_of_other_rows_is_seen(data: Data, tmp_path: Path):
    assert told(policy_matrix()) in (ROOT / "README.md").read_text()
    row(data, WAITING).pop("pending")
    row(data, WAITING)["tests"] = row(data, HELD)["tests"]
    row(data, WAITING)["events"] = []
    bound = (
        f"row {WAITING} does not wait for breach any more: python -m tools.policy_matrix --write"
    )
    assert faults(data) == [bound, README]


def test_an_event_that_nothing_records_is_seen(data: Data):
    row(data, HELD)["events"] = ["calendar.imagined.v1"]
    assert faults(data) == [f"row {HELD}: calendar.imagined.v1 is not recorded by anything"]


@pytest.mark.parametrize(
    ("field", "value", "flaw"),
    [
        ("section", "Z", "there is no section Z"),
        ("lines", [], "lines are one or more of 1 to 72, in order"),
        ("lines", [73], "lines are one or more of 1 to 72, in order"),
        ("lines", [9, 8], "lines are one or more of 1 to 72, in order"),
        ("promise", " ", "it promises nothing"),
        ("invariants", [], "it needs an invariant"),
        ("invariants", [""], "it needs an invariant"),
        ("events", ["BusyImported"], "BusyImported is no event type"),
        ("purposes", ["marketing"], "marketing is no purpose"),
    ],
)
def test_a_row_that_says_what_cannot_be_is_seen(data: Data, field: str, value: object, flaw: str):
    row(data, HELD)[field] = value
    assert f"row {HELD}: {flaw}" in faults(data)


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("rows: [", "while parsing"),
        ("[]", "it has rows and contradictions"),
        ("{rows: [], contradictions: [], more: 1}", "it has rows and contradictions"),
        ("{rows: 1, contradictions: []}", "rows are a list"),
        ("{rows: [1], contradictions: []}", "row at place 1: it is no mapping"),
        ("{rows: [{number: 1}], contradictions: []}", "row at place 1: it lacks events"),
        ("{rows: [{colour: red}], contradictions: []}", "row at place 1: there is no field colour"),
        ("{rows: [], rows: [], contradictions: []}", "a key is there twice"),
        ("{rows: !!python/name:os.system '', contradictions: []}", "could not determine"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, flaw: str):
    with pytest.raises(MatrixFlawed, match=flaw):
        read_matrix(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [("number", "18"), ("number", True), ("promise", 1), ("lines", [True]), ("tests", "one")],
)
def test_a_value_of_another_type_is_refused(data: Data, field: str, value: object):
    row(data, HELD)[field] = value
    with pytest.raises(MatrixFlawed, match=f"row at place {HELD}: {field}"):
        read_matrix(yaml.safe_dump(data))


def test_tests_that_are_passed_over_hold_nothing(tmp_path: Path):
    mark = "import pytest\n"
    bodies = {
        "skipped": "@pytest.mark.skip(reason='x')\ndef test_it(): ...\n",
        "failing": "@pytest.mark.xfail\ndef test_it(): ...\n",
        "file": "pytestmark = [pytest.mark.skipif(True, reason='x')]\ndef test_it(): ...\n",
        "at run time": "def test_it():\n    pytest.skip('x')\n",
        "inner": "def outer():\n    def test_it(): ...\n",
    }
    for name, body in bodies.items():
        (tmp_path / f"{name}.py").write_text(mark + body)
        assert always_run(tmp_path / f"{name}.py") == frozenset()
    (tmp_path / "good.py").write_text(
        mark + "pytestmark = pytest.mark.xdist_group('a')\ndef test_it(): ...\n"
    )
    assert always_run(tmp_path / "good.py") == {"test_it"}


# --- what waits, and where it is told --------------------------------------------------------------------------------


LATER = {
    "cookies_and_trackers",
    "breach",
    "payments",
    "calendars_and_crm_links",
    "identity_and_fraud_checks",
    "device_data",
    "surveys_and_support",
}


def listed(text: str) -> dict[str, list[int]]:
    """The rows that wait, as the README's table says, by what they wait for."""
    table = text.partition("| waits for | how many | rows |")[2].partition("<!--")[0]
    found = {}
    for line in table.splitlines()[2:]:
        what, count, rows = (cell.strip() for cell in line.strip("|").split("|"))
        ranges = [part.split("-") for part in rows.split(", ")]
        numbers = [n for ends in ranges for n in range(int(ends[0]), int(ends[-1]) + 1)]
        assert len(numbers) == int(count)
        found[what] = numbers
    return found


def waiting(data: Data) -> dict[str, list[int]]:
    """The rows that wait, as the file itself says, by what they wait for."""
    found: dict[str, list[int]] = {}
    for each in data["rows"]:
        if "pending" in each:
            found.setdefault(each["pending"], []).append(each["number"])
    return found


def test_what_may_wait_is_only_what_is_built_later():
    assert set(CAPABILITIES) == LATER


def test_the_readme_lists_each_row_that_waits_and_only_what_may(data: Data):
    told_rows = listed((ROOT / "README.md").read_text())
    assert told_rows == waiting(data)
    assert set(told_rows) <= LATER
    assert told_rows, "the table was found"


# --- the bound, and what is kept of a run ----------------------------------------------------------------------------


def test_the_bound_shrinks_and_never_grows():
    matrix = policy_matrix()
    bound = json.loads((ROOT / BOUND).read_text())
    assert tightened(matrix, bound) == bound
    assert set(bound) <= set(CAPABILITIES)
    wider = {**bound, "breach": [*bound["breach"], HELD]}
    assert tightened(matrix, wider) == bound
    narrower = {**bound, "breach": bound["breach"][1:]}
    assert tightened(matrix, narrower) == narrower


def report(id: str, when: Any, outcome: Any) -> pytest.TestReport:
    """How a part of a test went."""
    return pytest.TestReport(id, (id, 0, id), {}, outcome, None, when)


def test_how_the_tests_of_a_row_went_is_kept(tmp_path: Path):
    matrix: PolicyMatrix = policy_matrix()
    named = frozenset(id for row in matrix.rows for id in row.tests)
    file = tmp_path / "build" / "results.json"
    for id in named:
        kept = PolicyResults(named, file)
        kept.pytest_runtest_logreport(report(f"{id}[first]@running", "call", "passed"))
        kept.pytest_runtest_logreport(report(f"{id}[second]", "call", "passed"))
        kept.pytest_sessionfinish()
    assert set(outcomes(matrix, json.loads(file.read_text())).values()) == {"passed"}
    kept = PolicyResults(named, file)
    calendar, busy = (next(r for r in matrix.rows if r.number == n).tests for n in (18, 19))
    kept.pytest_runtest_logreport(report(f"{calendar[0]}[first]", "setup", "failed"))
    kept.pytest_runtest_logreport(report(f"{calendar[0]}[second]", "call", "passed"))
    kept.pytest_runtest_logreport(report(busy[0], "setup", "skipped"))
    kept.pytest_runtest_logreport(report("tests/test_tidy.py::test_of_no_row", "call", "failed"))
    kept.pytest_sessionfinish()
    found = outcomes(matrix, json.loads(file.read_text()))
    assert (found[18], found[19], found[60]) == ("failed", "not run", "passed")
    assert outcomes(matrix, {})[18] == "not run"
    shutil.rmtree(file.parent)
    PolicyResults(named, file).pytest_sessionfinish()
    assert not file.exists(), "a run without such a test keeps nothing"
