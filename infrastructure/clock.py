"""The only callers of the machine's clock and of its randomness."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class SystemIds:
    """The operating system's randomness."""

    def uuid(self) -> UUID:
        """A random version 4 UUID."""
        return uuid4()

    def secret(self) -> bytes:
        """32 random bytes."""
        return os.urandom(32)
