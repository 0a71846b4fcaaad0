"""The workers of a run share it as `tests/spreading.py` promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.spreading import LONGEST, ROOT, place, unit_of

USES_THE_RUNNING_ONE = re.compile(
    r"^def \w+\(\s*(?:\w+: [^()]*, )*running: Running\b", re.MULTILINE
)
CASES = "@pytest.mark.parametrize('n', range(4))\ndef test_it(n):\n    time.sleep(0.05)\n"


def test_a_group_is_one_unit_and_any_other_file_is_one_of_its_own() -> None:
    assert unit_of("tests/recovery/test_canary.py") == "running_search"
    assert unit_of("tests/recovery/test_witness_between_two.py") == "witnesses"
    assert unit_of("tests/test_demo.py") == "tests/test_demo.py"
    assert unit_of("gone.py") == "gone.py"


def test_whoever_uses_the_running_deployment_is_of_its_group() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("test_*.py")
        if USES_THE_RUNNING_ONE.search(path.read_text())
        and "def running(" not in path.read_text()  # one of its own
    }
    assert len(users) >= 5
    apart = {file for file in users if unit_of(file) == file}
    assert apart == set()


def test_what_takes_longest_is_there_and_comes_first() -> None:
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")]
    assert set(LONGEST) <= {unit_of(file) for file in files}
    assert place("tests/recovery/test_canary.py::test_x") < place("tests/test_demo.py::test_x")
    assert place("tests/test_demo.py::test_x") < place("domain/values.py::domain.values")


def test_workers_keep_a_file_and_a_group_together(tmp_path: Path) -> None:
    """Asked of pytest itself: the promise was once broken by a new version, without a word."""
    for name in "abcd":
        named = 'pytestmark = pytest.mark.xdist_group("one")' if name in "ac" else ""
        (tmp_path / f"test_{name}.py").write_text(f"import time\nimport pytest\n{named}\n" + CASES)
    (tmp_path / "conftest.py").write_text(
        "from pathlib import Path\nfrom tests import spreading\nspreading.ROOT = Path(__file__).parent\n"
        "from tests.spreading import pytest_xdist_make_scheduler\n"
    )
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup"]
    command += [
        "--rootdir",
        str(tmp_path),
        "-c",
        "/dev/null",
        "-o",
        f"pythonpath={ROOT}",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    seen: dict[str, set[str]] = {}
    for worker, file in re.findall(
        r"^\[(gw\d)\].* PASSED (test_\w)\.py", done.stdout, re.MULTILINE
    ):
        seen.setdefault(file, set()).add(worker)
    assert len(seen) == 4 and all(len(workers) == 1 for workers in seen.values()), seen
    assert seen["test_a"] == seen["test_c"]
    assert len(set.union(*seen.values())) == 2
