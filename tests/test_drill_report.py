"""What `daybook erase-drill` says, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.drill import drilling
from api.drill.drilling import Size, run_drill
from api.drill.house import DrillBroken
from api.drill.proofs import Proof

HELD, FAILED = Proof("nobody opens it", True, "410"), Proof("no trace is left", False, "1 hits")


@pytest.fixture
def drilled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What the drill is to give; an exception is raised."""
    planned: list[Any] = []

    def drill(folder: Path, size: Size, _told: object) -> Iterator[Proof]:
        assert size == Size(2, 3)
        (folder / "data").mkdir()
        for one in planned:
            if isinstance(one, Exception):
                raise one
            yield one

    monkeypatch.setattr(drilling, "drill", drill)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return planned


@pytest.mark.parametrize(("given", "code"), [((HELD,), 0), ((HELD, FAILED), 1)])
def test_one_that_does_not_hold_is_exit_code_one(
    drilled: list[Any],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    given: tuple[Proof, ...],
    code: int,
) -> None:
    drilled.extend(given)
    assert run_drill(Size(2, 3), as_json=True, keep=False) == code
    said = json.loads(capsys.readouterr().out)
    assert (said["held"], said["subjects"], said["bookings"]) == (code == 0, 3, 4)
    assert said["proofs"] == [one.document() for one in given]
    assert list(tmp_path.iterdir()) == [], "the folder is gone"


def test_the_table_says_what_did_not_hold_and_the_folder_is_kept_where_asked_for(
    drilled: list[Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    drilled.extend((HELD, FAILED))
    assert run_drill(Size(2, 3), as_json=False, keep=True) == 1
    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()[1:]] == ["yes", "NO"]
    (kept,) = tmp_path.iterdir()
    assert f"kept: {kept}" in said.err


def test_a_drill_that_cannot_go_on_is_one_line_and_exit_code_two(
    drilled: list[Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    drilled.extend((HELD, DrillBroken("daybook up did not come up: no space is left")))
    assert run_drill(Size(2, 3), as_json=True, keep=False) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "daybook: the drill could not go on: daybook up did not come up: no space is left"
    ]
    assert list(tmp_path.iterdir()) == []
