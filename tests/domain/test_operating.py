"""Jobs at read models: when one is over, and how long one still takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import pytest

from domain.operating import Job, JobState

NOW = datetime(2027, 3, 1, tzinfo=UTC)
JOB = Job(
    id=UUID(int=1),
    name="agenda",
    kind="rebuild",
    state="filling",
    outcome=None,
    switches=False,
    anyway=False,
    done=400,
    total=1_000,
    rate=200.0,
    equal=None,
    error=None,
    asked_at=NOW,
    started_at=NOW,
    ended_at=None,
)


def test_a_job_is_open_until_it_is_done_or_has_failed() -> None:
    closed = {state for state in get_args(JobState) if not replace(JOB, state=state).open}
    assert closed == {"done", "failed"}


@pytest.mark.parametrize(
    ("changed", "seconds"),
    [
        ({}, 3.0),
        ({"done": 1_001}, 0.0),
        ({"rate": 0.0}, None),
        ({"state": "done"}, None),
    ],
)
def test_a_job_says_how_long_it_still_fills(
    changed: dict[str, object], seconds: float | None
) -> None:
    assert replace(JOB, **changed).seconds_left == seconds  # type: ignore[arg-type]
