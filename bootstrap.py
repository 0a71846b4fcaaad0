#!/usr/bin/env python3
"""Set Daybook up on a fresh machine, with the standard library alone.

    python3 bootstrap.py setup        what running needs (requirements.lock)
    python3 bootstrap.py setup --dev  what developing needs too (requirements-dev.lock)
    python3 bootstrap.py python       the interpreter of the environment, as a path

It makes `.venv` (or the folder that DAYBOOK_VENV names), installs exactly what the lock files say,
every byte checked against its hash, makes the packages of this checkout importable, and writes
`.venv/bin/daybook`. A second call finds its mark and does nothing. Killed half way, the next call
begins anew; of two at once, one waits for the other.

Packages come by uv (itself pinned by hash in bootstrap.lock), or by plain pip where uv does not
work or DAYBOOK_NO_UV=1 asks for it.

This file must be readable for old Pythons as well: it tells them that they are old.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

OLDEST = (3, 11)
KNOWN = ("python3.11", "python3.12", "python3.13", "python3.14")  # the locks resolve for these
ROOT = Path(__file__).resolve().parent
LOCKS = {"requirements": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
UV_LOCK = ROOT / "bootstrap.lock"
RECIPE = 1  # raise it when this file makes environments differently
EXACT = ("--require-hashes", "--only-binary", ":all:")

SCRIPT = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys

from api.cli import main

if __name__ == "__main__":
    sys.exit(main())
"""

NO_NETWORK = re.compile(
    r"name resolution|nodename nor servname|Name or service not known|dns error|NewConnectionError"
    r"|Connection refused|Network is unreachable|ConnectTimeout|timed out|Failed to fetch"
    r"|error sending request|No matching distribution|not found in the package registry"
)
BAD_HASH = re.compile(r"HASHES|[Hh]ash mismatch")
DISK_FULL = re.compile(r"No space left on device|os error 28")


class Trouble(Exception):
    """What went wrong, in one line."""


class Environment:
    """The folder with the virtual environment, and what we noted in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.python = folder / "bin" / "python"
        self.mark = folder / ".daybook-ready.json"
        self.unfinished = folder / ".daybook-unfinished"
        self.lock = folder / ".daybook-lock"
        self.log = folder / "bootstrap.log"

    def is_ready(self, wanted: "dict[str, str]") -> bool:
        """True when exactly that was installed here, to the end."""
        if self.unfinished.exists() or not self.python.exists():
            return False
        try:
            noted = json.loads(self.mark.read_text())
        except (OSError, ValueError):
            return False
        locks = noted.pop("locks", {})
        return noted == self.here() and all(locks.get(name) == wanted[name] for name in wanted)

    def here(self) -> "dict[str, object]":
        """What ties an environment to its place: it cannot be moved, nor can the checkout."""
        return {"recipe": RECIPE, "checkout": str(ROOT), "folder": str(self.folder)}


def main(arguments: "list[str]") -> int:
    """Do what the command line says; give the exit code."""
    if sys.version_info[:2] < OLDEST:
        return in_newer_python(arguments)
    environment = Environment(Path(os.environ.get("DAYBOOK_VENV") or ROOT / ".venv").absolute())
    if arguments == ["python"]:
        print(environment.python)
        return 0
    if arguments not in (["setup"], ["setup", "--dev"]):
        print("usage: bootstrap.py setup [--dev] | python", file=sys.stderr)
        return 2
    try:
        ensure(environment, dev="--dev" in arguments)
    except Trouble as trouble:
        print("bootstrap: %s" % trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bootstrap: stopped; the next call begins anew", file=sys.stderr)
        return 130
    return 0


def in_newer_python(arguments: "list[str]") -> int:
    """Go on in a newer Python, if the machine has one."""
    for name in KNOWN:
        path = shutil.which(name)
        if path and subprocess.call([path, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(path, [path, str(Path(__file__).resolve())] + arguments)
    print(
        "bootstrap: Python %d.%d or newer is needed, this is %s; install one, or name it: "
        "make PYTHON=/path/to/python3.11 ..." % (OLDEST + (sys.version.split()[0],)),
        file=sys.stderr,
    )
    return 1


def ensure(environment: Environment, dev: bool) -> None:
    """Bring the environment to what the locks say; return at once when it is there already."""
    names = ("requirements", "dev") if dev else ("requirements",)
    wanted = {name: digest(LOCKS[name]) for name in names}
    if environment.is_ready(wanted):
        return
    make_folder(environment)
    with exclusively(environment.lock):
        if environment.is_ready(wanted):  # somebody else did it while we waited
            return
        begin = time.monotonic()
        if needs_new_start(environment):
            make_environment(environment)
        environment.unfinished.touch()
        environment.mark.unlink(missing_ok=True)
        with environment.log.open("w") as log:
            install(environment, LOCKS["dev" if dev else "requirements"], log)
        write_entry(environment)
        note = dict(environment.here(), locks=wanted)
        environment.mark.write_text(json.dumps(note, indent=1) + "\n")
        environment.unfinished.unlink()
        say("ready in %.1f s: %s" % (time.monotonic() - begin, environment.folder))


def digest(lock: Path) -> str:
    """The SHA-256 of a lock file."""
    try:
        return hashlib.sha256(lock.read_bytes()).hexdigest()
    except OSError:
        raise Trouble("%s is missing from this checkout" % lock.name) from None


def make_folder(environment: Environment) -> None:
    """Make the folder, or see that it is one that we may fill."""
    folder = environment.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ours = any((folder / name).exists() for name in ("pyvenv.cfg", environment.lock.name))
        if not ours and any(folder.iterdir()):
            raise Trouble("%s holds something else; let DAYBOOK_VENV name another" % folder)
        environment.lock.touch()
    except OSError as problem:
        raise Trouble("%s cannot be made: %s" % (folder, problem.strerror)) from None


class exclusively:
    """Hold a file lock; it is given back even when we are killed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        try:
            import fcntl
        except ImportError:
            raise Trouble("Daybook runs on Linux and macOS; on Windows use WSL") from None
        self.file = self.path.open("a")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another set-up is at work here; waiting for it")
            fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self.file.close()


def needs_new_start(environment: Environment) -> bool:
    """True when there is no environment here, or one that was left half-made or moved."""
    if environment.unfinished.exists() or not environment.python.exists():
        return True
    has_pip = [str(environment.python), "-I", "-c", "import pip"]
    if subprocess.call(has_pip, stderr=subprocess.DEVNULL) != 0:
        return True
    try:
        noted = json.loads(environment.mark.read_text())
    except (OSError, ValueError):
        return False  # made by hand: fill it
    return any(noted.get(key) != value for key, value in environment.here().items())


def make_environment(environment: Environment) -> None:
    """Make an empty virtual environment with pip in it."""
    import venv

    say("making %s with Python %s" % (environment.folder, sys.version.split()[0]))
    for path in environment.folder.iterdir():
        if path != environment.lock:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    environment.unfinished.touch()
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise Trouble(no_ensurepip()) from None
    try:
        venv.EnvBuilder(with_pip=True, symlinks=True).create(environment.folder)
    except subprocess.CalledProcessError:
        raise Trouble(no_ensurepip()) from None
    except OSError as problem:
        raise Trouble("%s cannot be made: %s" % (environment.folder, problem.strerror)) from None


def no_ensurepip() -> str:
    """What to do where Python comes without pip."""
    return (
        "this Python cannot make environments (no ensurepip); on Debian or Ubuntu: "
        "apt-get install python%d.%d-venv" % sys.version_info[:2]
    )


def install(environment: Environment, lock: Path, log: "IO[str]") -> None:
    """Install the locked packages, by uv if it works here, else by pip; both check every hash."""
    count = len(re.findall(r"^\S+==", lock.read_text(), re.MULTILINE))
    pip = [str(environment.python), "-I", "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-input", "--retries", "2"]
    if os.environ.get("DAYBOOK_NO_UV") != "1" and has_uv(pip, log):
        say("installing %d packages with uv" % count)
        uv = [str(environment.bin / "uv"), "pip", "install", "--quiet", "--system-certs"]
        uv += ["--python", str(environment.python)]
        if run([*uv, *EXACT, "-r", str(lock)], log) == 0:
            return
        say("uv does not get the packages here; trying pip")
    say("installing %d packages with pip" % count)
    if run([*pip, *EXACT, "-r", str(lock)], log) != 0:
        raise Trouble(why(environment.log))


def has_uv(pip: "list[str]", log: "IO[str]") -> bool:
    """True when uv is there, in the pinned version."""
    return run([*pip, *EXACT, "-r", str(UV_LOCK)], log) == 0


def run(command: "list[str]", log: "IO[str]") -> int:
    """Run a tool; what it says goes to the log."""
    log.write("$ %s\n" % " ".join(command))
    log.flush()
    clean = dict(os.environ, PIP_USER="0")
    for name in ("PYTHONHOME", "PYTHONPATH"):
        clean.pop(name, None)
    return subprocess.call(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean)


def why(log: Path) -> str:
    """One line on why the packages could not be installed."""
    text = log.read_text(errors="replace")
    if BAD_HASH.search(text):
        return "a package is not the one that the lock names (another hash); see %s" % log
    if DISK_FULL.search(text):
        return "no space is left for the packages; see %s" % log
    if NO_NETWORK.search(text):
        return "the Python package index cannot be reached, or lacks a locked package; see %s" % log
    return "the locked packages cannot be installed; see %s" % log


def write_entry(environment: Environment) -> None:
    """Make this checkout importable, and write the `daybook` command."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    answer = subprocess.check_output([str(environment.python), "-I", "-c", ask])
    (Path(answer.decode().strip()) / "daybook.pth").write_text("%s\n" % ROOT)
    command = environment.bin / "daybook"
    command.write_text(SCRIPT.format(python=environment.python))
    command.chmod(0o755)


def say(text: str) -> None:
    """Tell the person who waits."""
    print("bootstrap: %s" % text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
