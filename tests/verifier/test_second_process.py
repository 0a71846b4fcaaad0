"""A second process checks some tiles: what is found, and what is said, is the same; and without it nothing holds."""

from __future__ import annotations

import json
import marshal
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.verifier.bundles import SUBJECTS, Files, Ledger, hex_id, zipped
from tests.verifier.running import Outcome, run, verify
from verifier import second
from verifier.export import Export

ROOT = Path(__file__).parents[2]
# Seven tiles: the first process has the first two, the sixth and the last, which is not full; the second has the rest.
LEAVES, OWN, OTHER = 1_700, (0, 1, 5, 6), (2, 3, 4)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """Events of three subjects; one whose payload is gone, in the second tile, and the order for it in the fifth."""
    ledger = Ledger()
    for number in range(LEAVES - 2):
        if number == 1_100:
            ledger.add("erasure.ordered.v1", {"subject": SUBJECTS[0]})
        elif number % 500 == 499:
            ledger.commit_map()
        else:
            ledger.add("hold.placed.v1", {"n": number}, SUBJECTS[number % 3 :][:1])
    ledger.entries[300] = ledger.entries[300]._replace(payload=None)
    ledger.commit_map()
    ledger.add("hold.placed.v1", {"n": 1})
    return ledger


@pytest.fixture(autouse=True)
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, "PIECES_MIN", 2)
    monkeypatch.setattr(second, "CORES", 2)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The second processes that were started."""
    found: list[int] = []
    fork = os.fork

    def forked() -> int:
        found.append(fork())
        return found[-1]

    monkeypatch.setattr(os, "fork", forked)
    return found


def alone(monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> Outcome:
    """What one process finds."""
    with monkeypatch.context() as changed:
        changed.setattr(second, "CORES", 1)
        changed.setattr(os, "fork", lambda: pytest.fail("nobody asked for a second process"))
        return verify(*arguments)


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def bent(ledger: Ledger, *tiles: int, at: int = 7) -> Files:
    """An export with an entry of each of these tiles changed."""
    files = ledger.export()
    for tile in tiles:
        leaf = ledger.entries[tile * 256 + at].leaf
        (name,) = (it for it in files if it.startswith(f"tile/entries/{tile:03}"))
        files[name] = files[name].replace(leaf, leaf.replace(b"key_test", b"key_tesd"))
    return files


def test_the_tiles_are_shared() -> None:
    assert [n for n in range(7) if second.is_own(n)] == list(OWN)
    assert [n for n in range(7) if not second.is_own(n)] == list(OTHER)


# ---- What is found is the same


@pytest.mark.parametrize("known", [(), (0, 1, 256, 511, 512, 900, 1_024, LEAVES)])
@pytest.mark.parametrize("part", [(0, LEAVES), (512, 1_300), (1_500, LEAVES)])
def test_two_processes_report_what_one_does(
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: list[int],
    part: tuple[int, int],
    known: tuple[int, ...],
) -> None:
    files = ledger.export(*part)
    more: list[object] = []
    for size in known:
        (tmp_path / f"known-{size}").write_bytes(ledger.checkpoint(size))
        more += ["--known-checkpoint", tmp_path / f"known-{size}"]
    found = verify(tmp_path, files, ledger, *more)
    assert (found.code, len(started)) == (0, 1)
    assert is_gone(started[0])
    assert found == alone(monkeypatch, tmp_path, files, ledger, *more)


def test_a_folder_is_read_by_two_processes(
    ledger: Ledger, tmp_path: Path, started: list[int]
) -> None:
    for name, data in ledger.export().items():
        (tmp_path / "export" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "export" / name).write_bytes(data)
    assert run(tmp_path / "export", "--vkey", ledger.vkey).code == 0
    assert len(started) == 1


@pytest.mark.parametrize("size", [1, 256, 1_023, 1_024, 1_700])
def test_a_known_checkpoint_of_another_history_is_refused(
    ledger: Ledger, tmp_path: Path, started: list[int], size: int
) -> None:
    other = Ledger(ledger.key, entries=[*ledger.entries])
    other.entries[size - 1] = other.entries[0 if size > 1 else 1]
    (tmp_path / "known").write_bytes(other.checkpoint(size))
    more = ("--known-checkpoint", tmp_path / "known")
    found = verify(tmp_path, ledger.export(), ledger, *more)
    assert (found.code, len(started)) == (1, 1)
    assert found.reason == f"the first {size} entries are not those that are known"


# ---- Damage


@pytest.mark.parametrize(
    "tiles", [(0,), (1,), (2,), (4,), (6,), (1, 2), (2, 5), (4, 5), (3, 4), (0, 6), (2, 3, 4, 5, 6)]
)
def test_the_first_changed_entry_is_named_whoever_checks_it(
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: list[int],
    tiles: tuple[int, ...],
) -> None:
    """Also where a payload before it is gone, and the order to erase its subject is not reached."""
    files = bent(ledger, *tiles)
    found = verify(tmp_path, files, ledger)
    assert (found.code, found.index) == (1, min(tiles) * 256 + 7)
    assert found.reason == "the entry does not hash to its leaf in the tile"
    assert is_gone(started[0])
    assert found == alone(monkeypatch, tmp_path, files, ledger)


@pytest.mark.parametrize("tile", range(7))
@pytest.mark.parametrize("kind", ["tile/0", "tile/entries", "payload"])
def test_a_missing_or_shortened_file_is_named_whoever_reads_it(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, tile: int
) -> None:
    whole = ledger.tiles(0, LEAVES)
    (name,) = (it for it in whole if it.startswith(f"{kind}/{tile:03}"))
    said = {"kind": "export", "from": 0, "to": LEAVES}
    for files in (
        {it: data for it, data in whole.items() if it != name},
        whole | {name: whole[name][:-5]},
        whole | {name: b""},
    ):
        found = verify(tmp_path, ledger.signed(files, **said), ledger)
        assert found.code in (1, 2)
        assert found.index is not None
        assert found.index // 256 == tile
        assert found == alone(monkeypatch, tmp_path, ledger.signed(files, **said), ledger)


@pytest.mark.parametrize("at", [5, 600, 900, 1_300])
def test_what_contradicts_other_tiles_is_found_in_order(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """An event twice, a version that does not follow, a leaf of another tenant, withheld content."""
    good = ledger.entries
    twice = good[2]
    jump = Ledger()
    jump.add("hold.placed.v1", {"n": 1}, version=3)
    jump.add("hold.placed.v1", {"n": 1}, tenant=hex_id())
    for one, reason, index in (
        (twice, "the event stands in the log twice", at),
        (jump.entries[0], "the version in its stream does not follow", at),
        (jump.entries[1], "the leaf is of another tenant than those before it", at),
        (good[1_301]._replace(payload=None), "content withheld", at),
    ):
        other = Ledger(ledger.key, entries=[*good[:at], one, *good[at + 1 :]])
        found = verify(tmp_path, other.export(), ledger)
        assert (found.code, found.index) == (1, index)
        assert reason in found.reason
        assert found == alone(monkeypatch, tmp_path, other.export(), ledger)


# ---- A second process that cannot be, or is no more


def test_a_second_process_that_is_killed_makes_nothing_hold(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[int]
) -> None:
    tile, first = Export._tile, os.getpid()
    for last in OTHER:

        def killed(self: Export, n: int, last: int = last) -> Any:
            if n == last and os.getpid() != first:
                os.kill(os.getpid(), signal.SIGKILL)
            return tile(self, n)

        monkeypatch.setattr(Export, "_tile", killed)
        found = verify(tmp_path, ledger.export(), ledger)
        assert (found.code, found.index) == (2, None)
        assert found.reason == "the second process, which checks a part, ended early"
        assert is_gone(started[-1])


@pytest.mark.parametrize(
    "error", [MemoryError, OSError, AssertionError, KeyboardInterrupt, SystemExit]
)
def test_a_second_process_that_fails_makes_nothing_hold_and_says_nothing(
    ledger: Ledger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: type[BaseException],
) -> None:
    tile, first = Export._tile, os.getpid()

    def failing(self: Export, n: int) -> Any:
        if n == OTHER[-1] and os.getpid() != first:
            raise error
        return tile(self, n)

    monkeypatch.setattr(Export, "_tile", failing)
    found = verify(tmp_path, ledger.export(), ledger)
    assert (found.code, "ended early" in found.reason) == (2, True)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 9, 5_000])
def test_a_result_that_is_cut_short_is_none(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """A process may be killed in the middle of writing."""
    dumps = marshal.dumps

    def cut_short(value: Any) -> bytes:
        data = dumps(value)
        os.write(writing[-1], (len(data).to_bytes(8, "big") + data)[:cut])
        os._exit(0)

    writing: list[int] = []
    pipe = os.pipe

    def piped() -> tuple[int, int]:
        ends = pipe()
        writing.append(ends[1])
        return ends

    monkeypatch.setattr(os, "pipe", piped)
    monkeypatch.setattr(marshal, "dumps", cut_short)
    found = verify(tmp_path, ledger.export(), ledger)
    assert (found.code, "ended early" in found.reason) == (2, True)


def test_where_no_process_can_be_started_one_does_it_all(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> int:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(os, "fork", full)
    before = len(os.listdir("/proc/self/fd"))
    assert verify(tmp_path, ledger.export(), ledger).code == 0
    assert verify(tmp_path, bent(ledger, 3), ledger).index == 3 * 256 + 7
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(("cores", "least"), [(1, 2), (2, 8)])
def test_on_one_core_or_for_few_tiles_one_process_does_it_all(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, least: int
) -> None:
    monkeypatch.setattr(second, "CORES", cores)
    monkeypatch.setattr(second, "PIECES_MIN", least)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("nobody asked for a second process"))
    assert verify(tmp_path, ledger.export(), ledger).code == 0


# ---- As a program of its own

PROGRAM = """
import os, sys, time
sys.path.insert(0, '.')
from verifier import command, export, second
second.PIECES_MIN = second.CORES = 2
tile, first = export.Export._tile, os.getpid()
def slowly(self, n):
    if n == 3 and os.getpid() != first and 'wait' in sys.argv:
        print(os.getpid(), flush=True)
        time.sleep(120)
    return tile(self, n)
export.Export._tile = slowly
raise SystemExit(command.main(['bundle.zip', '--vkey', sys.argv[1]]))
"""


@pytest.fixture
def program(ledger: Ledger, tmp_path: Path) -> list[str]:
    shutil.copytree(ROOT / "verifier", tmp_path / "verifier")
    (tmp_path / "bundle.zip").write_bytes(zipped(ledger.export()))
    return [sys.executable, "-c", PROGRAM, ledger.vkey]


@pytest.mark.parametrize("everybody", [True, False])
def test_an_interrupted_check_ends_with_a_line_and_leaves_nobody(
    tmp_path: Path, program: list[str], everybody: bool
) -> None:
    """A terminal interrupts both processes, `kill` one."""
    run = subprocess.Popen(
        [*program, "wait"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    child = int(run.stdout.readline())
    assert not is_gone(child)
    (os.killpg if everybody else os.kill)(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (2, "")
    assert out.splitlines()[0] == "CANNOT BE CHECKED: interrupted"
    assert is_gone(child)


def test_two_processes_need_no_environment_and_no_network(
    tmp_path: Path, program: list[str]
) -> None:
    command = ["env", "-i", *program]
    probe = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    if probe.returncode == 0:
        command = ["env", "-i", shutil.which("unshare") or "", "-rn", *program]
    found = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("HOLDS\n")
    assert json.loads(found.stdout.split("entries: ")[1].splitlines()[0]) == [0, LEAVES]
