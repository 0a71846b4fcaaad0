"""Given what was decided, when this is asked, then that is decided or refused.

    Scenario(evolve).given(Opened(...)).when(close).then(Closed())

A scenario that never reaches its `then` fails its test (`unfinished`, asked by `tests/domain/conftest.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Self, TypeVar

from domain.errors import DomainError, FieldError

S = TypeVar("S")
D = TypeVar("D")

unfinished: list[object] = []


class Scenario(Generic[S, D]):
    """One thing's story, told once. `state` is what stands, after `then` with what was decided."""

    def __init__(self, evolve: Callable[[S | None, D], S]) -> None:
        self.evolve = evolve
        self.state: S | None = None
        self.decided: tuple[D, ...] = ()
        self.refused: DomainError | None = None
        unfinished.append(self)

    def given(self, *decisions: D) -> Self:
        """What was decided before, oldest first."""
        for decision in decisions:
            self.state = self.evolve(self.state, decision)
        return self

    def when(self, decide: Callable[[S], tuple[D, ...]]) -> Self:
        """What is asked of the thing as it stands."""
        standing = self.state
        assert standing is not None, "given nothing, use starting"
        return self.starting(lambda: decide(standing))

    def starting(self, decide: Callable[[], tuple[D, ...]]) -> Self:
        """What is asked where nothing stands yet."""
        try:
            self.decided = decide()
        except DomainError as refusal:
            self.refused = refusal
        return self

    def then(self, *decisions: D) -> S | None:
        """Exactly these are decided; what stands after them."""
        unfinished.remove(self)
        assert self.refused is None, f"refused: {self.refused!r}"
        assert self.decided == decisions
        return self.given(*self.decided).state

    def then_refused(self, refusal: type[DomainError], *pointers: str) -> tuple[FieldError, ...]:
        """It is refused, with faults at exactly these pointers, in this order; the faults."""
        unfinished.remove(self)
        assert type(self.refused) is refusal, f"decided {self.decided!r}, or {self.refused!r}"
        assert tuple(fault.pointer for fault in self.refused.errors) == pointers
        return self.refused.errors
