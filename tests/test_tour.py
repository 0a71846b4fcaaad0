"""The tour holds against the running demo, and says which step does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import httpx2
import pytest
from rich.console import Console

from api.tour.showing import Plain, Rich, Silent
from api.tour.step import Step, Told, Walk, insist
from api.tour.steps import STEPS
from api.tour.talking import Api, Exchange
from api.tour.walking import go
from tests.running_demo import RunningDemo, verb

NAMES = [step.name for step in STEPS]


def a_step(name: str, holds: bool) -> Step:
    def act(walk: Walk) -> Told:
        insist(holds, "it does not")
        return Told(("It does.",), (("a", "b"), ("1", "2")))

    return Step(name, f"Step {name}", "For a reason.", act)


def a_walk(url: str = "http://127.0.0.1:1", keys: dict[str, str] | None = None) -> Walk:
    client = httpx2.Client(base_url=url, trust_env=False)
    return Walk(Api(client, keys or {}), datetime.now(UTC))


def test_the_tour_holds_and_shows_no_key(running_demo: RunningDemo) -> None:
    tour = verb("tour", data=running_demo.data)
    assert tour.returncode == 0, tour.stdout + tour.stderr
    positions = [tour.stdout.index(f"{n}. {step.title}") for n, step in enumerate(STEPS, start=1)]
    assert positions == sorted(positions)
    assert all(step.why in tour.stdout for step in STEPS)
    assert "dbk_" not in tour.stdout
    assert "\x1b" not in tour.stdout


def test_a_program_gets_a_summary_and_the_tour_can_be_taken_again(
    running_demo: RunningDemo,
) -> None:
    tour = verb("tour", "--json", data=running_demo.data)
    assert tour.returncode == 0, tour.stdout + tour.stderr
    summary = json.loads(tour.stdout)
    assert summary["held"] is True
    assert summary["tenant"] == running_demo.tenant
    assert [step["name"] for step in summary["steps"]] == NAMES
    assert all(step["held"] and step["calls"] for step in summary["steps"])
    statuses = {call["status"] for step in summary["steps"] for call in step["calls"]}
    assert statuses == {200, 201, 403, 409, 412}


def test_the_tour_stops_at_the_step_that_does_not_hold(
    running_demo: RunningDemo, tmp_path: Path
) -> None:
    """With an auditor's key in place of the booking key nothing can be held."""
    for folder in ("keys", "run"):
        (tmp_path / folder).mkdir()
    wrong = {**running_demo.keys, "booking": running_demo.keys["auditor"]}
    keys = json.dumps({"tenant": running_demo.tenant, "keys": wrong})
    (tmp_path / "keys" / "demo-keys.json").write_text(keys)
    (tmp_path / "run" / "url").write_text(running_demo.url)
    tour = verb("tour", "--json", data=tmp_path)
    assert tour.returncode == 1
    assert tour.stderr == ("daybook: tour: clock-change: GET /v1/slots answered 403, not 200\n")
    summary = json.loads(tour.stdout)
    assert [step["held"] for step in summary["steps"]] == [True, False]


def test_without_a_running_instance_the_tour_says_so(tmp_path: Path) -> None:
    tour = verb("tour", data=tmp_path)
    assert tour.returncode == 2
    assert "nothing runs in" in tour.stderr
    assert tour.stderr.count("\n") == 1


def test_a_stale_address_is_one_line(tmp_path: Path) -> None:
    for folder in ("keys", "run"):
        (tmp_path / folder).mkdir()
    (tmp_path / "keys" / "demo-keys.json").write_text('{"tenant": "ten_0", "keys": {}}')
    (tmp_path / "run" / "url").write_text("http://127.0.0.1:1\n")
    tour = verb("tour", data=tmp_path)
    assert tour.returncode == 2
    assert "nothing answers at http://127.0.0.1:1" in tour.stderr
    assert tour.stderr.count("\n") == 1


def test_what_follows_a_failed_step_is_not_taken() -> None:
    steps = [a_step("one", True), a_step("two", False), a_step("three", True)]
    done, failure = go(a_walk(), steps, Silent(), "")
    assert failure == "two: it does not"
    assert [step["name"] for step in done] == ["one", "two"]


def an_exchange(status: int = 201, text: str = '{"id": "hld_1"}') -> Exchange:
    return Exchange(
        role="booking",
        method="POST",
        path="/v1/holds?a=b",
        sent_headers={"Idempotency-Key": "k"},
        sent={"service_id": "svc_" + "0" * 32},
        status=status,
        headers={"etag": '"1"'},
        text=text,
    )


@pytest.mark.parametrize("width", [40, 80, 200])
def test_on_a_terminal_it_is_drawn_at_any_width(width: int) -> None:
    page = StringIO()
    console = Console(file=page, force_terminal=True, width=width)
    show = Rich(console, pausing=False)
    step = a_step("one", True)
    show.begin("http://127.0.0.1:1", 1)
    show.step(1, step, [an_exchange()] * 9, step.act(a_walk()))
    show.failed(step, [an_exchange(409, '{"code": "slot_unavailable"}')], "it does not")
    show.end(1)
    drawn = page.getvalue()
    assert "\x1b[" in drawn
    assert "slot_unavailable" in drawn
    assert "svc_00000000…" in drawn
    assert show.wait()


@pytest.mark.parametrize(("typed", "goes_on"), [("", True), ("q", False), ("Quit ", False)])
def test_the_reader_may_have_seen_enough(
    typed: str, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda: typed)
    show = Rich(Console(file=StringIO(), force_terminal=True), pausing=True)
    assert show.wait() is goes_on


def test_plain_lines_show_what_was_sent_and_what_came_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    step = a_step("one", True)
    Plain().step(1, step, [an_exchange()], step.act(a_walk()))
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "",
        "1. Step one",
        "POST /v1/holds?a=b  (as booking)",
        "Idempotency-Key: k",
        '{"service_id": "svc_00000000…"}',
        '-> 201 ETag: "1"',
        "It does.",
        "a | b",
        "1 | 2",
        "Why: For a reason.",
    ]
