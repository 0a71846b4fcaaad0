"""The policy matrix beside the rest of the project: do its tests exist, is its list told, does it only shrink?

    python -m tools.policy_matrix            say what does not fit, one line each; 1 when anything does not
    python -m tools.policy_matrix --write    write the README's list, and take what is held now out of the bound
    python -m tools.policy_matrix --results  how the tests of each row went when they last ran here

The bound, `tests/golden/policy_pending.json`, holds the rows that may still wait, by what they wait for. `--write`
takes rows out of it and never puts one in.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from application.event_types import catalogue
from application.policy.policy_matrix import Capability, MatrixFlawed, PolicyMatrix
from infrastructure.policy.policy_file import FILE, read_matrix
from tools.steps import ROOT

BOUND: Final = Path("tests/golden/policy_pending.json")
RESULTS: Final = Path("build/policy-results.json")
BEGIN: Final = "<!-- policy matrix: written by python -m tools.policy_matrix --write -->"
END: Final = "<!-- policy matrix: end -->"
_PASSED_OVER: Final = ("skip", "skipif", "xfail")

Waiting = Mapping[Capability, Sequence[int]]


def find_faults(root: Path, text: str) -> Iterator[str]:
    """What does not fit between the matrix that `text` says and the project at `root`, one line each."""
    try:
        matrix = read_matrix(text)
    except MatrixFlawed as flawed:
        yield from str(flawed).splitlines()
        return
    yield from _missing_tests(root, matrix)
    yield from _unknown_events(matrix)
    yield from _unbounded(matrix, json.loads((root / BOUND).read_text()))
    if told(matrix) not in (root / "README.md").read_text():
        yield "README.md tells of other rows: python -m tools.policy_matrix --write"


def told(matrix: PolicyMatrix) -> str:
    """What the README says of the matrix, markers included."""
    waiting = matrix.pending
    total = sum(len(numbers) for numbers in waiting.values())
    lines = [
        BEGIN,
        f"Tests hold {len(matrix.held)} of the {len(matrix.rows)} rows: {_listed(matrix.held)}.",
        f"{total} wait for what is not built:",
        "",
        "| waits for | how many | rows |",
        "|---|---|---|",
        *(f"| {what} | {len(rows)} | {_listed(rows)} |" for what, rows in waiting.items()),
        END,
    ]
    return "\n".join(lines) + "\n"


def tightened(matrix: PolicyMatrix, bound: Waiting) -> dict[str, list[int]]:
    """The bound without the rows that do not wait any more; never one more than before."""
    left = {
        what: [row for row in rows if row in matrix.pending.get(what, ())]
        for what, rows in bound.items()
    }
    return {what: rows for what, rows in left.items() if rows}


@cache
def always_run(path: Path) -> frozenset[str]:
    """The tests of a file that run whenever it does: neither skipped nor expected to fail."""
    tree = ast.parse(path.read_text())
    marks = [each.value for each in tree.body if isinstance(each, ast.Assign) and _is_mark(each)]
    if any(_passes_over(mark) for mark in marks):
        return frozenset()
    return frozenset(
        each.name
        for each in tree.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        and each.name.startswith("test_")
        and not _passes_over(each)
    )


def _is_mark(it: ast.Assign) -> bool:
    return any(isinstance(name, ast.Name) and name.id == "pytestmark" for name in it.targets)


def _passes_over(mark: ast.AST) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr in _PASSED_OVER for node in ast.walk(mark)
    )


def _missing_tests(root: Path, matrix: PolicyMatrix) -> Iterator[str]:
    for row in matrix.rows:
        for id in row.tests:
            file, _, name = id.partition("::")
            path = root / file
            if not path.is_file() or name not in always_run(path):
                yield f"row {row.number}: {id} is no test that always runs"


def _unknown_events(matrix: PolicyMatrix) -> Iterator[str]:
    known = catalogue()
    for row in matrix.rows:
        if row.pending is None:
            yield from (
                f"row {row.number}: {name} is not recorded by anything"
                for name in row.events
                if name not in known
            )


def _unbounded(matrix: PolicyMatrix, bound: Waiting) -> Iterator[str]:
    for what, rows in matrix.pending.items():
        for row in rows:
            if row not in bound.get(what, ()):
                yield f"row {row} may not wait for {what}: the list of what waits only shrinks"
    for what, allowed in bound.items():
        for row in allowed:
            if row not in matrix.pending.get(what, ()):
                yield f"row {row} does not wait for {what} any more: python -m tools.policy_matrix --write"


def _listed(numbers: Sequence[int]) -> str:
    """Numbers in words: `1-3, 5`. Two neighbours stay two.

    >>> _listed([1, 2, 3, 5, 6])
    '1-3, 5, 6'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )


def _write(root: Path) -> None:
    matrix = read_matrix(FILE.read_text())
    bound = tightened(matrix, json.loads((root / BOUND).read_text()))
    lines = [f'  "{what}": {json.dumps(rows)}' for what, rows in bound.items()]
    (root / BOUND).write_text("{\n" + ",\n".join(lines) + "\n}\n")
    readme = root / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END + "\n")
    readme.write_text(before + told(matrix) + after)


def outcomes(matrix: PolicyMatrix, results: Mapping[str, str]) -> dict[int, str]:
    """How each held row went: `passed`, `failed`, or `not run` where a test of it did not run to its end."""
    found: dict[int, str] = {}
    for row in matrix.rows:
        if row.pending is None:
            ends = {results.get(id, "not run") for id in row.tests}
            ending = "passed" if ends == {"passed"} else "not run"
            found[row.number] = "failed" if "failed" in ends else ending
    return found


def main(arguments: Sequence[str]) -> int:
    """Run the command line."""
    text = FILE.read_text()
    if "--results" in arguments:
        kept = json.loads((ROOT / RESULTS).read_text()) if (ROOT / RESULTS).exists() else {}
        for number, outcome in outcomes(read_matrix(text), kept).items():
            print(f"{number:3} {outcome}")
        return 0
    if "--write" in arguments:
        _write(ROOT)
    faults = list(find_faults(ROOT, text))
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
