"""The set-up on a fresh machine: once, whole, alone, with clear words. Nothing is downloaded."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "bootstrap.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Installs:
    """Stand where the network is: note each install, make what a real one would leave."""

    def __init__(self, module: ModuleType) -> None:
        self.made = 0
        self.installed: list[str] = []
        self._module = module

    def make(self, environment: object) -> None:
        self.made += 1
        folder: Path = environment.folder  # type: ignore[attr-defined]
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "pyvenv.cfg").write_text("")
        python: Path = environment.python  # type: ignore[attr-defined]
        if not python.exists():
            python.symlink_to(sys.executable)

    def install(self, environment: object, lock: Path, log: object) -> None:
        self.installed.append(lock.name)


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load()
    installs = Installs(module)
    monkeypatch.setattr(module, "make_environment", installs.make)
    monkeypatch.setattr(module, "install", installs.install)
    monkeypatch.setattr(module, "write_entry", lambda environment: None)
    monkeypatch.setattr(module, "say", lambda text: None)
    module.installs = installs  # type: ignore[attr-defined]
    return module


@pytest.fixture
def setup(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    monkeypatch.setenv("DAYBOOK_VENV", str(tmp_path / "venv"))
    return lambda *words: int(bootstrap.main(["setup", *words]))


def test_a_second_call_does_nothing(setup: Callable[..., int], bootstrap: ModuleType) -> None:
    assert setup() == 0
    assert setup() == 0
    assert bootstrap.installs.installed == ["requirements.lock"]


def test_developing_includes_running(setup: Callable[..., int], bootstrap: ModuleType) -> None:
    setup("--dev")
    setup()
    assert bootstrap.installs.installed == ["requirements-dev.lock"]


def test_a_changed_lock_installs_again(
    setup: Callable[..., int],
    bootstrap: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setup()
    changed = tmp_path / "requirements.lock"
    changed.write_text("other==1\n")
    monkeypatch.setitem(bootstrap.LOCKS, "requirements", changed)
    setup()
    assert len(bootstrap.installs.installed) == 2
    assert bootstrap.installs.made == 1


def test_a_call_killed_half_way_is_begun_anew(
    setup: Callable[..., int],
    bootstrap: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "install", die)
        with pytest.raises(Killed):
            setup()
    assert not (tmp_path / "venv" / ".daybook-ready.json").exists()
    assert setup() == 0
    assert bootstrap.installs.made == 2


def test_a_moved_checkout_is_begun_anew(
    setup: Callable[..., int], bootstrap: ModuleType, tmp_path: Path
) -> None:
    setup()
    mark = tmp_path / "venv" / ".daybook-ready.json"
    mark.write_text(json.dumps({**json.loads(mark.read_text()), "checkout": "/elsewhere"}))
    setup()
    assert bootstrap.installs.made == 2


def test_of_two_at_once_one_waits_and_then_has_nothing_to_do(
    setup: Callable[..., int], bootstrap: ModuleType, tmp_path: Path
) -> None:
    folder = tmp_path / "venv"
    folder.mkdir()
    with (folder / ".daybook-lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        codes: list[int] = []
        two = [threading.Thread(target=lambda: codes.append(setup())) for _ in range(2)]
        for each in two:
            each.start()
        assert bootstrap.installs.installed == []
    for each in two:
        each.join()
    assert codes == [0, 0]
    assert bootstrap.installs.installed == ["requirements.lock"]


def test_a_folder_with_something_else_in_it_is_left_alone(
    setup: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "thesis.txt").write_text("years of work")
    assert setup() == 1
    assert (tmp_path / "venv" / "thesis.txt").read_text() == "years of work"
    assert re.fullmatch(r"bootstrap: .* holds something else; .*\n", capsys.readouterr().err)


def test_an_old_python_is_told_so_in_one_line(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (99, 0))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    assert bootstrap.main(["setup"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Python 99.0 or newer is needed" in said


def test_a_python_without_pip_names_the_package_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load()
    monkeypatch.setenv("DAYBOOK_VENV", str(tmp_path / "venv"))
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert module.main(["setup"]) == 1
    wanted = "apt-get install python%d.%d-venv" % sys.version_info[:2]  # noqa: UP031
    assert wanted in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("tool_said", "people_read"),
    [
        ("Temporary failure in name resolution", "cannot be reached"),
        ("error sending request for url", "cannot be reached"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "another hash"),
        ("OSError: [Errno 28] No space left on device", "no space is left"),
        ("something nobody foresaw", "cannot be installed"),
    ],
)
def test_why_the_packages_are_missing_is_one_line(
    bootstrap: ModuleType, tmp_path: Path, tool_said: str, people_read: str
) -> None:
    log = tmp_path / "bootstrap.log"
    log.write_text(f"$ pip install\n{tool_said}\n")
    line = bootstrap.why(log)
    assert people_read in line
    assert "\n" not in line


def test_the_command_runs_the_checkout_from_a_path_with_spaces(tmp_path: Path) -> None:
    module = load()
    home = tmp_path / "a folder" / "venv"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "cli.py").write_text("def main():\n    print('hello')\n    return 7\n")
    command = home / "bin" / "daybook"
    command.write_text(module.SCRIPT.format(python=home / "bin" / "python"))
    command.chmod(0o755)
    ran = subprocess.run(
        [str(command)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (7, "hello\n")


@pytest.mark.parametrize("words", [[], ["install"], ["setup", "--all"]])
def test_wrong_use_is_told(words: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("usage:")


def test_the_make_help_names_what_a_person_types() -> None:
    said = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for what in ("setup", "run", "test", "check", "lock", "help"):
        assert re.search(rf"^  {what} +\S", said, re.MULTILINE)
