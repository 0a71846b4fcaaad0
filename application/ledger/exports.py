"""Taking a copy of the ledger: the whole tree, and entries and sealed payloads of a range. README D6.

A copy is recorded as one event before its first byte is written; its checkpoint and its range are fixed by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final, Protocol
from uuid import UUID

from application.ledger.reading import AUDITORS, Checkpoint, Ledger, beyond
from application.ledger.records import LedgerRecords
from application.permissions import require
from application.ports import Clock
from application.recorded import Caller
from domain.errors import NotFound
from domain.ledger import LedgerExported

BUNDLE_EVENTS: Final = 256

Told = Callable[[int], None]
"""Hears how many events are written so far."""


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What one export holds: the tree of `checkpoint`, and the events in [`first`, `past`), as of `at`."""

    tenant: UUID
    checkpoint: Checkpoint
    first: int
    past: int
    at: datetime

    def bundles(self) -> Iterator[tuple[int, int]]:
        """Start and width of every 256 events that the range touches; the last of the tree is as wide as it is."""
        start = self.first - self.first % BUNDLE_EVENTS
        while start < self.past:
            yield start, min(BUNDLE_EVENTS, self.checkpoint.size - start)
            start += BUNDLE_EVENTS

    @property
    def events(self) -> int:
        """How many events are written: whole bundles."""
        return sum(width for _, width in self.bundles())


class Copy(Protocol):
    """A copy that is made and waits to be handed out. `close` removes it."""

    @property
    def length(self) -> int:
        """Bytes."""
        ...

    def read(self, count: int) -> bytes:
        """The next bytes, at most `count`; none at its end."""
        ...

    def close(self) -> None:
        """Remove it; a second time does nothing."""
        ...


class CopyRoom(Protocol):
    """A place for copies that are being made and handed out; there is room for few at a time."""

    def make(self, write: Callable[[IO[bytes]], None]) -> Copy:
        """A copy, as `write` writes it. Raises Unavailable: no place or no room is left, and `write` was not run
        or is undone.
        """
        ...


class Exporter(Protocol):
    """Reads the stored ledger of the bound tenant out into bundles, which the log's key signs."""

    def keep_last(self, tenant: UUID) -> Checkpoint | None:
        """The last checkpoint, which is kept from now on; None while nothing is signed.

        Raises Unavailable, also when the signer is away: then nothing could be finished.
        """
        ...

    def write(self, plan: ExportPlan, file: IO[bytes], told: Told) -> None:
        """Write an export. Raises LedgerDamaged (names the position), Unavailable, OSError; what is written is then
        no bundle.
        """
        ...


@dataclass(frozen=True, slots=True)
class LedgerExports:
    """What is done for whoever takes a copy."""

    ledger: Ledger
    exporter: Exporter
    records: LedgerRecords
    room: CopyRoom
    clock: Clock

    def take(self, first: int, past: int | None, by: Caller) -> Copy:
        """A copy of the events in [`first`, `past`), None being the signed size. It is recorded first.

        Refuses: NotPermitted, NotFound (nothing is signed yet), Malformed (an empty range, or beyond what is
        signed), Unavailable.
        """
        require(by, *AUDITORS)

        def write(file: IO[bytes]) -> None:
            self.exporter.write(self.begin(first, past, by), file, _nobody)

        return self.room.make(write)

    def begin(self, first: int, past: int | None, by: Caller) -> ExportPlan:
        """Fix what an export holds, and record that `by` takes it. Refuses as `take` does."""
        require(by, *AUDITORS)
        signed = self.ledger.checkpoint(by.tenant)
        _require_range(first, past, signed)
        kept = self.exporter.keep_last(by.tenant)
        if kept is None:
            raise NotFound("Nothing is signed yet")
        upto = kept.size if past is None else past
        self.records.record_copy(by, LedgerExported(first, upto))
        return ExportPlan(by.tenant, kept, first, upto, self.clock.now())


def _require_range(first: int, past: int | None, signed: Checkpoint | None) -> None:
    if signed is None:
        raise NotFound("Nothing is signed yet")
    if past is not None and not 0 < past <= signed.size:
        raise beyond("/to", "No checkpoint covers that size.")
    if not 0 <= first < (signed.size if past is None else past):
        raise beyond("/from", "It is below the end of the range.")


def _nobody(_: int) -> None:
    pass
