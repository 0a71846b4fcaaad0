"""A call that somebody wants to make, and what callers know that they may want something of."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any


@dataclass(frozen=True)
class Wanted:
    """A call that somebody wants to make. `kind` says what would be made by it, where something would."""

    kind: str
    method: str
    path: str
    json: Any = None
    role: str = "owner"
    key: str | None = None  # goes before the role
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Known:
    """What the callers have been told: ids that were given out, oldest first."""

    made: dict[str, list[str]] = field(default_factory=dict)

    def learn(self, kind: str, id: str) -> None:
        """There is one more of a kind."""
        if id not in self.made.setdefault(kind, []):
            self.made[kind].append(id)

    def one(self, kind: str, random: Random, of_last: int = 30) -> str | None:
        """Any of the last of a kind; None where there is none."""
        found = self.made.get(kind, [])[-of_last:]
        return random.choice(found) if found else None
