"""What is asked: the paper's operations and the mix of each role, and how a workload is drawn from it."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Literal

from benchmarks.gdprbench.records import OBJECTABLES, PURPOSES, RECIPIENTS, address_of
from domain.purposes import JURISDICTIONS, LAWFUL_BASES

Kind = Literal[
    "create-record",
    "read-data-by-KEY",
    "read-data-by-USR",
    "read-data-by-PUR",
    "read-data-by-OBJ",
    "read-data-by-DEC",
    "read-metadata-by-KEY",
    "read-metadata-by-USR",
    "update-data-by-KEY",
    "update-metadata-by-KEY",
    "update-metadata-by-PUR",
    "update-metadata-by-USR",
    "update-metadata-by-SHR",
    "get-system-logs",
    "delete-record-by-KEY",
    "delete-record-by-PUR",
    "delete-record-by-TTL",
    "delete-record-by-USR",
    "verify-deletion",
    "read-metadata-by-SHR",  # these three read an update back, and are in no mix of the paper
    "basis-of",
    "terms-of",
]
Spread = Literal["uniform", "zipf"]
# What neither side does yet. To add one: a function in each side's `performing`, its right answer in `expected`, and
# its line here taken out; the mixes have their shares of it already.
LEFT_OUT: Final = frozenset[Kind]({"delete-record-by-TTL"})
DELETES: Final = frozenset[Kind](
    {"delete-record-by-KEY", "delete-record-by-PUR", "delete-record-by-USR"}
)
PAGE: Final = 50
LISTED_PEOPLE: Final = 20
DELETED_AMONG: Final = 5  # people who are listed where a purpose is over
ZIPF_EXPONENT: Final = 0.99


@dataclass(frozen=True, slots=True)
class Role:
    """One role of the paper: its whole mix in percent, and how records are drawn for each part of it."""

    name: str
    mix: Mapping[Kind, float]
    spread: Spread
    uniform: frozenset[Kind] = frozenset()

    def shares(self) -> dict[Kind, float]:
        """The mix without what is left out, in shares of one."""
        kept = {kind: percent for kind, percent in self.mix.items() if kind not in LEFT_OUT}
        whole = sum(kept.values())
        return {kind: percent / whole for kind, percent in kept.items()}

    def spread_of(self, kind: Kind) -> Spread:
        """How the records of one kind of operation are drawn."""
        return "uniform" if kind in self.uniform else self.spread

    def left_out(self) -> dict[Kind, float]:
        """What of the mix is left out, in percent of the whole."""
        return {kind: percent for kind, percent in self.mix.items() if kind in LEFT_OUT}


_BY_METADATA: Final = frozenset[Kind]({"read-data-by-PUR", "read-data-by-OBJ", "read-data-by-DEC"})
ROLES: Final = (
    Role(
        "controller",
        {
            "create-record": 25,
            "delete-record-by-PUR": 25 / 3,
            "delete-record-by-TTL": 25 / 3,
            "delete-record-by-USR": 25 / 3,
            "update-metadata-by-PUR": 50 / 3,
            "update-metadata-by-USR": 50 / 3,
            "update-metadata-by-SHR": 50 / 3,
        },
        "uniform",
    ),
    Role(
        "customer",
        {
            "read-data-by-USR": 20,
            "read-metadata-by-KEY": 20,
            "update-data-by-KEY": 20,
            "update-metadata-by-KEY": 20,
            "delete-record-by-KEY": 20,
        },
        "zipf",
    ),
    Role(
        "processor",
        {
            "read-data-by-KEY": 80,
            "read-data-by-PUR": 20 / 3,
            "read-data-by-OBJ": 20 / 3,
            "read-data-by-DEC": 20 / 3,
        },
        "zipf",
        _BY_METADATA,
    ),
    Role(
        "regulator",
        {"read-metadata-by-USR": 46, "get-system-logs": 31, "verify-deletion": 23},
        "zipf",
    ),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One call, with all that it needs; which of it a kind uses is its own affair.

    `record` is the person, `people` a list of them, `at` a place in the log as a share of it.
    """

    kind: Kind
    record: int
    purpose: str = ""
    decision: str = ""
    address: str = ""
    recipient: int = 0
    reference: str = ""
    jurisdiction: str = ""
    basis: str = ""
    people: tuple[int, ...] = ()
    at: float = 0.0


class Drawing:
    """Draws workloads from one seed. New records are numbered on from those that were loaded.

    Whoever may have been deleted is drawn no more, except to verify that.
    """

    def __init__(self, records: int, seed: int) -> None:
        self.records = records
        self.next_record = records
        self._random = random.Random(seed)
        self._drawn = 0
        weights = list(accumulate(1 / rank**ZIPF_EXPONENT for rank in range(1, records + 1)))
        self._zipf = weights
        # Who is asked for often is scattered over the records.
        self._order = list(range(records))
        self._random.shuffle(self._order)
        self._spent: dict[int, None] = {}

    def workload(self, role: Role, count: int) -> list[Operation]:
        """So many operations of a role, in random order."""
        shares = role.shares()
        kinds = self._random.choices(list(shares), weights=list(shares.values()), k=count)
        return [self.one(kind, role.spread_of(kind)) for kind in kinds]

    def one(self, kind: Kind, spread: Spread) -> Operation:
        """One operation."""
        draw = self._random
        self._drawn += 1
        record = self._verified() if kind == "verify-deletion" else self._record(kind, spread)
        purpose: str = draw.choice(PURPOSES)
        decision = draw.choice(("given", "withdrawn"))
        if kind in ("update-metadata-by-USR", "read-data-by-OBJ"):
            purpose, decision = draw.choice(OBJECTABLES), draw.choice(("given", "refused"))
        listed = DELETED_AMONG if kind == "delete-record-by-PUR" else LISTED_PEOPLE
        people = self._living(listed)
        if kind in DELETES:
            gone = people if kind == "delete-record-by-PUR" else (record,)
            self._spent.update(dict.fromkeys(gone))
        return Operation(
            kind,
            record,
            purpose,
            decision,
            address_of(record, self._drawn),
            draw.randrange(RECIPIENTS),
            f"C-{self._drawn}",
            draw.choice(JURISDICTIONS),
            draw.choice(LAWFUL_BASES),
            people,
            draw.random(),
        )

    def _record(self, kind: Kind, spread: Spread) -> int:
        if kind == "create-record":
            self.next_record += 1
            return self.next_record - 1
        while True:
            if spread == "uniform":
                found = self._random.randrange(self.records)
            else:
                place = bisect(self._zipf, self._random.random() * self._zipf[-1])
                found = self._order[min(place, self.records - 1)]
            if found not in self._spent:
                return found

    def _living(self, count: int) -> tuple[int, ...]:
        """So many people who have not been deleted, each once."""
        assert len(self._spent) + count <= self.records, (
            "more records are needed for so many deletions"
        )
        found: dict[int, None] = {}
        while len(found) < count:
            one = self._random.randrange(self.records)
            if one not in self._spent:
                found[one] = None
        return tuple(found)

    def _verified(self) -> int:
        """Somebody who may have been deleted, every second time; else anybody."""
        if self._spent and self._random.random() < 0.5:
            return self._random.choice(list(self._spent))
        return self._random.randrange(self.records)


def reading_back(operation: Operation) -> list[Operation]:
    """The reads that show whether a write is there; none for what reads."""
    kinds: Mapping[Kind, tuple[Kind, ...]] = {
        "create-record": ("read-data-by-KEY", "read-metadata-by-KEY"),
        "update-data-by-KEY": ("read-data-by-KEY",),
        "update-metadata-by-KEY": ("read-metadata-by-KEY",),
        "update-metadata-by-USR": ("read-metadata-by-KEY",),
        "update-metadata-by-PUR": ("basis-of",),
        "update-metadata-by-SHR": ("terms-of", "read-metadata-by-SHR"),
    }
    it = operation
    if it.kind in DELETES:
        people = it.people if it.kind == "delete-record-by-PUR" else (it.record,)
        return [Operation("verify-deletion", one) for one in people]
    return [
        Operation(
            kind,
            it.record,
            it.purpose,
            recipient=it.recipient,
            jurisdiction=it.jurisdiction,
        )
        for kind in kinds.get(it.kind, ())
    ]
