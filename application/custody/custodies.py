"""What binds the keys of several persons at once, as it stands in this instant.

Almost nobody is bound: one look tells for whom anything is, and only their streams are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from application.custody.custody_log import custody_stream, read_custody
from application.ports import EventStore
from domain.custody import Custody


class Streams(Protocol):
    """Which streams have been begun."""

    def begun(self, tenant: UUID, streams: Sequence[UUID]) -> frozenset[UUID]:
        """Those of `streams` that have an event. Sees every append that has returned."""
        ...


@dataclass(frozen=True, slots=True)
class Custodies:
    """Asks the streams."""

    store: EventStore
    streams: Streams

    def of(self, tenant: UUID, subjects: Sequence[UUID]) -> Mapping[UUID, Custody]:
        """What binds the keys of those of `subjects` for whom anything does. Sees every append that has returned."""
        by_stream = {custody_stream(one): one for one in subjects}
        begun = self.streams.begun(tenant, tuple(by_stream)) if by_stream else frozenset()
        bound = (by_stream[one] for one in begun)
        return {one: read_custody(self.store, tenant, one) for one in bound}
