"""A small simulation of several seeds; that a seed gives the same run again; and that rules that are broken are caught.

`make soak` has longer runs, and `python -m tests.simulation --soak` the longest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from application.access.access_reviews import Reviews
from application.disclosing.courier import Courier
from application.disclosing.story import Story
from application.orders.legal_processes import StandingOrders
from domain import consent_rules
from domain.disclosure import Decision, DisclosureFailed
from infrastructure.twin.memory_accesses import MemoryAccesses
from infrastructure.twin.memory_reads import MemoryAnswers
from infrastructure.twin.memory_reservations import Reservations
from infrastructure.twin.memory_state import KeptAnswer
from infrastructure.twin.memory_store import MemoryStore
from infrastructure.twin.memory_vault import MemoryVault
from tests.simulation.simulating import Broken, Simulation, simulate

STEPS, STEPS_OF_SOAK = 250, 2_500


@pytest.mark.parametrize(
    ("seed", "steps"),
    [
        *((1, STEPS), (2, STEPS)),
        *(pytest.param(seed, STEPS_OF_SOAK, marks=pytest.mark.soak) for seed in (11, 12, 13)),
    ],
)
def test_nothing_is_broken(seed: int, steps: int) -> None:
    run = Simulation(seed)
    run.run(steps)
    done = {what for what, count in run.seen.items() if count and what.endswith("2xx")}
    assert {f"{one} 2xx" for one in ("booking", "hold", "consent", "disclosure", "process")} <= done
    assert run.seen["booking 5xx"] > 0, "faults were met"


def test_a_seed_gives_the_same_run_again() -> None:
    assert simulate(7, 60) == simulate(7, 60) != simulate(8, 60)


# --- rules that are broken are caught --------------------------------------------------------------------------------


def no_overlap_is_seen(patch: pytest.MonkeyPatch) -> None:
    """Time that is taken looks free."""
    patch.setattr(Reservations, "between", lambda *_: [])


def keys_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A call that is sent again is a new one."""

    def begin(self: MemoryAnswers, tenant: UUID, scope: str, key: str, body: bytes) -> UUID:
        row = self.ids.uuid()
        self.state.answers[tenant, row.bytes] = KeptAnswer(row, body, 0.0)
        return row

    patch.setattr(MemoryAnswers, "begin", begin)


def events_are_kept_twice(patch: pytest.MonkeyPatch) -> None:
    """The log has each event twice."""
    keep = MemoryStore._keep

    def twice(self: MemoryStore, event: object) -> None:
        keep(self, event)  # type: ignore[arg-type]
        self.state.log[event.tenant].append(event)  # type: ignore[attr-defined,arg-type]

    patch.setattr(MemoryStore, "_keep", twice)


def keys_survive_erasures(patch: pytest.MonkeyPatch) -> None:
    """An erasure is recorded, and destroys nothing."""
    patch.setattr(MemoryVault, "destroy_keys", lambda *_: 1)


def clocks_decide_who_spoke_last(patch: pytest.MonkeyPatch) -> None:
    """A withdrawal that is recorded by a clock that is behind does not count."""
    patch.setattr(consent_rules, "by_now", lambda _records, now: now)


def gags_are_not_asked(patch: pytest.MonkeyPatch) -> None:
    """What is done for a legal process is recorded as if there were no gag on it."""
    patch.setattr(StandingOrders, "until", lambda *_: None)


def what_was_lost_was_not_shared(patch: pytest.MonkeyPatch) -> None:
    """A sender that died is told to have sent nothing."""
    lost = Courier._lost

    def unshared(self: Courier, story: Story, at: datetime) -> Decision | None:
        decision = lost(self, story, at)
        return replace(decision, shared="no") if isinstance(decision, DisclosureFailed) else None

    patch.setattr(Courier, "_lost", unshared)


def breakers_review_themselves(patch: pytest.MonkeyPatch) -> None:
    """Nobody asks whether the reviewer is whoever broke the glass."""
    patch.setattr(Reviews, "_is_own", lambda *_: False)


def walls_are_down(patch: pytest.MonkeyPatch) -> None:
    """Who looked at data is told of all tenants together."""

    def everybody(self: MemoryAccesses, tenant: UUID) -> list[object]:
        return [event for log in self.state.log.values() for event in log]

    patch.setattr(MemoryAccesses, "_log", everybody)


MUTATIONS: dict[
    Callable[[pytest.MonkeyPatch], None], tuple[str, int]
] = {  # what is said, and from which seed on
    no_overlap_is_seen: (r"take the same time of", 2),
    keys_are_forgotten: (r"and again \(|nobody was told", 1),
    events_are_kept_twice: (r"is in the log twice", 1),
    keys_survive_erasures: (r"is erased, and something of it opens", 1),
    clocks_decide_who_spoke_last: (r"consents of .* shown", 3),
    gags_are_not_asked: (r"is under a gag, and was recorded openly", 3),
    what_was_lost_was_not_shared: (r"arrived, and is told not to be shared", 2),
    breakers_review_themselves: (r"was reviewed by whoever broke the glass", 5),
    walls_are_down: (r"reviews: .* are shown|of another tenant or of nobody", 3),
}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.__name__)
def test_a_rule_that_is_broken_is_caught(
    mutation: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation(monkeypatch)
    said, first = MUTATIONS[mutation]
    with pytest.raises(Broken, match=said) as broken:
        for seed in range(first, first + 4):
            simulate(seed, STEPS)
    told = re.search(r"python -m tests.simulation --seed (\d+) --steps (\d+)", str(broken.value))
    assert told is not None
    with pytest.raises(Broken) as again:
        simulate(int(told[1]), int(told[2]))
    assert str(again.value) == str(broken.value), "the seed gives it again"
