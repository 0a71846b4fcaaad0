"""Read models are not ahead of the events. What they hold is checked by rebuilding them, not here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from infrastructure.fsck.finding import Finding, Scope

AHEAD: Final = "SELECT m.name, m.sequence, h.sequence FROM read_model m, sequencer_head h WHERE m.sequence > h.sequence"


def models(scope: Scope) -> Iterator[Finding]:
    """Each stands at an event that there is."""
    for name, reached, last in scope.rows("models", AHEAD):
        reason = f"read model {name} stands at event {reached}, and the last one is {last}"
        yield Finding("models", None, None, reason)
