"""A disk runs full while a read model is followed or made anew: all is taken in when there is space. README D12."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recovery.filling_a_disk import EVENTS
from tests.running import ROOT

MEGABYTES = 300
SECONDS_MAX = 200
MOUNT = 'mount -t tmpfs -o size=%sm tmpfs "$1" && shift && exec "$@"'


def on_a_small_disk(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command where `folder` is a small disk, in name spaces of our own."""
    own = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNT % MEGABYTES, "sh")
    return subprocess.run(
        [*own, str(folder), *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )


def test_nothing_is_lost_nor_taken_in_twice(tmp_path: Path) -> None:
    if shutil.which("unshare") is None or on_a_small_disk(tmp_path, "true").returncode != 0:
        pytest.skip("this machine lets us mount no small disk")
    done = on_a_small_disk(
        tmp_path, sys.executable, "-m", "tests.recovery.filling_a_disk", str(tmp_path)
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    followed, made_anew = told["followed"], told["made_anew"]
    assert followed["ended"] != "nothing", "the disk did run full"
    assert followed["at"] < EVENTS
    assert followed["state"] == "following", "it is not the events' fault, so nothing stops"
    assert told["stands_at"] == [EVENTS, "following"]
    assert told["rows"] > 0
    assert made_anew["ended"] == "RebuildRefused", "what was filled is kept"
    assert made_anew["state"] == "following", "the model that is read goes on"
    assert (told["equal"], told["compared_at"]) == (True, EVENTS)
    assert told["replayed"] is True
