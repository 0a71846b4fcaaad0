"""Both sides in turn: loaded, checked by one client against what is expected, then timed with several."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.gdprbench.expected import Expected
from benchmarks.gdprbench.operations import Drawing, Kind, Operation, Role, reading_back
from benchmarks.gdprbench.records import record
from benchmarks.gdprbench.sides import Side, in_threads

Say = Callable[[str], None]
STEPS: Final = 10


@dataclass(frozen=True, slots=True)
class Scale:
    """How much: records loaded, operations timed and operations checked of each role, clients, and the seed."""

    records: int
    operations: int
    checked: int
    clients: int
    seed: int


@dataclass(frozen=True, slots=True)
class Workload:
    """One role's operations, the same for both sides: those that are checked, and those that are timed."""

    role: Role
    checked: tuple[Operation, ...]
    timed: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Spent:
    """What the calls of one kind of operation took, one client: seconds by the clock, and of this process's processor.

    The processor time of the database's server and of other processes is not in it.
    """

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


Costs = defaultdict[Kind, Spent]


@dataclass(frozen=True, slots=True)
class Checked:
    """How many answers were right of how many; `wrong` counts the others by operation."""

    right: int
    asked: int
    wrong: Counter[str]

    @property
    def percent(self) -> float:
        """The share of right answers."""
        return 100 * self.right / max(1, self.asked)


@dataclass(frozen=True, slots=True)
class Measured:
    """One side: seconds it took to load and for each role, what was right, and the bytes after loading.

    `costs` are those of the calls that were checked.
    """

    loaded_seconds: float
    sizes: list[tuple[str, int]]
    checked: dict[str, Checked]
    seconds: dict[str, float]
    costs: Costs


def draw(scale: Scale, roles: Sequence[Role]) -> list[Workload]:
    """What is asked. All that is checked comes before anything that is timed."""
    drawing = Drawing(scale.records, scale.seed)
    checked = {role.name: tuple(drawing.workload(role, scale.checked)) for role in roles}
    return [
        Workload(role, checked[role.name], tuple(drawing.workload(role, scale.operations)))
        for role in roles
    ]


def personal_bytes(records: int) -> int:
    """The size of the personal data itself."""
    return sum(
        len(value.encode()) for number in range(records) for value in record(number).values.values()
    )


def measure(side: Side, scale: Scale, workloads: Sequence[Workload], say: Say) -> Measured:
    """Everything of one side."""
    began = time.perf_counter()
    side.load(scale.records, _progress(f"{side.name}: loaded", scale.records, say))
    loaded = time.perf_counter() - began
    say(f"{side.name}: all there after {loaded:.1f} s")
    with side.client():
        stored = side.sizes()
    costs: Costs = defaultdict(Spent)
    checked = check(side, scale.records, workloads, say, costs)
    seconds = {one.role.name: timed(side, one, scale.clients, say) for one in workloads}
    return Measured(loaded, stored, checked, seconds, costs)


def check(
    side: Side, records: int, workloads: Sequence[Workload], say: Say, costs: Costs | None = None
) -> dict[str, Checked]:
    """Ask one after the other, and compare; what was written is read back at once, and that is compared, too.

    What each call took goes into `costs`.
    """
    costs = defaultdict(Spent) if costs is None else costs
    book = Expected(record(number) for number in range(records))
    found = {}
    with side.client():
        for work in workloads:
            asked, wrong = 0, Counter[str]()
            for one in work.checked:
                for it in (one, *reading_back(one)):
                    asked += 1
                    if _performed(side, it, costs[it.kind]) != book.answer(it):
                        wrong[it.kind] += 1
            found[work.role.name] = Checked(asked - wrong.total(), asked, wrong)
            say(f"{side.name}: {work.role.name} checked, {found[work.role.name].percent:.1f} %")
    return found


def _performed(side: Side, it: Operation, spent: Spent) -> object:
    wall, processor = time.perf_counter(), time.process_time()
    answer = side.perform(it)
    spent.processor.append(time.process_time() - processor)
    spent.wall.append(time.perf_counter() - wall)
    return answer


def timed(side: Side, work: Workload, clients: int, say: Say) -> float:
    """The seconds until all of a role's operations are done."""
    tell = _progress(f"{side.name}: {work.role.name}", len(work.timed), say)
    done = Counter[str]()

    def one(it: Operation) -> None:
        with side.client():
            side.perform(it)
        done["operations"] += 1
        tell(done["operations"])

    began = time.perf_counter()
    in_threads(clients, work.timed, one)
    return time.perf_counter() - began


def _progress(what: str, whole: int, say: Say) -> Callable[[int], None]:
    """Says how far it is, how fast, and how long it still takes, a few times on the way."""
    next_at = [max(1, whole // STEPS)]
    began = time.perf_counter()

    def tell(done: int) -> None:
        if done >= next_at[0]:
            next_at[0] = done + max(1, whole // STEPS)
            say(progress_line(what, done, whole, time.perf_counter() - began))

    return tell


def progress_line(what: str, done: int, whole: int, seconds: float) -> str:
    """How far it is after so many seconds: the rate since the beginning, and the seconds left at that rate.

    >>> progress_line("loaded", 500, 2000, 2.0)
    'loaded 500 of 2,000, 250 a second, 6 s left'
    """
    rate = done / max(seconds, 1e-9)
    return f"{what} {done:,} of {whole:,}, {rate:,.0f} a second, {(whole - done) / rate:.0f} s left"
