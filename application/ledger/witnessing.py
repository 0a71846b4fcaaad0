"""Witnesses: others who saw our ledger only grow; and what we say, as a witness, of the ledgers of others.

A witness that is away stops nothing. What it costs is that, after a set age, nothing official is said of a ledger of
which no quorum has seen the newest part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from application.ledger.reading import AUDITORS, Checkpoint
from application.permissions import require
from application.ports import Clock
from application.recorded import Caller
from domain.errors import NotFound, Unwitnessed

RETRY_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class WitnessSeen:
    """What is known of a witness: its name in the policy, its key's name and id, the size that it last cosigned or 0.

    `seen_at` is when it last answered. `problem` is a code of what went wrong when it was last asked, None for nothing.
    """

    name: str
    key: str
    size: int
    seen_at: datetime | None
    problem: str | None
    problem_at: datetime | None


@dataclass(frozen=True, slots=True)
class WitnessedCheckpoint:
    """A checkpoint with the cosignatures of a quorum, and when it had them."""

    checkpoint: Checkpoint
    cosigned_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a ledger stands with its witnesses. `configured` is False where there is no policy.

    `quorum_met` says that a quorum has seen the newest checkpoint, `overdue` that nothing official is said.
    """

    configured: bool
    witnesses: tuple[WitnessSeen, ...]
    newest_size: int
    last: WitnessedCheckpoint | None
    overdue: bool

    @property
    def quorum_met(self) -> bool:
        """See above."""
        return self.last is not None and self.last.checkpoint.size == self.newest_size


class WitnessRecords(Protocol):
    """What witnesses said of the ledger of the bound tenant. Cosignatures are checked, not believed."""

    def configured(self) -> bool:
        """True where there is a policy."""
        ...

    def seen(self, tenant: UUID) -> Sequence[WitnessSeen]:
        """Every witness of the policy, in its order."""
        ...

    def last(self, tenant: UUID) -> WitnessedCheckpoint | None:
        """The newest checkpoint that a quorum cosigned; None for none."""
        ...

    def newest_size(self, tenant: UUID) -> int:
        """The size of the newest checkpoint; 0 for none."""
        ...

    def begun_at(self, tenant: UUID) -> datetime | None:
        """When the ledger's first event was recorded; None while it has none."""
        ...

    def end(self, tenant: UUID) -> int:
        """How many events the ledger has, signed for or not."""
        ...


@dataclass(frozen=True, slots=True)
class Witnessing:
    """What is asked about the witnesses of a ledger."""

    records: WitnessRecords
    clock: Clock
    unwitnessed_seconds_max: int

    def standing(self, tenant: UUID, by: Caller) -> Standing:
        """How the ledger stands with its witnesses. Refuses: NotPermitted, NotFound (another tenant's)."""
        self._require(tenant, by)
        last = self.records.last(tenant)
        return Standing(
            configured=self.records.configured(),
            witnesses=tuple(self.records.seen(tenant)),
            newest_size=self.records.newest_size(tenant),
            last=last,
            overdue=self._overdue(tenant, last),
        )

    def checkpoint(self, tenant: UUID, by: Caller) -> Checkpoint:
        """The newest checkpoint that a quorum cosigned. Refuses: NotPermitted, NotFound (there is none)."""
        self._require(tenant, by)
        found = self.records.last(tenant)
        if found is None:
            raise NotFound("No quorum of witnesses has cosigned a checkpoint")
        return found.checkpoint

    def require_witnessed(self, tenant: UUID) -> None:
        """Refuse to say something official of a ledger whose newest part no quorum has seen for too long.

        Refuses nothing where no policy is configured. Call it bound to the tenant. Refuses: Unwitnessed.
        """
        if self.is_overdue(tenant):
            raise Unwitnessed(retry_after_seconds=RETRY_SECONDS)

    def is_overdue(self, tenant: UUID) -> bool:
        """True when no quorum has seen the newest part of the ledger for too long. Call it bound to the tenant."""
        return self._overdue(tenant, self.records.last(tenant))

    def unseen_for(self, tenant: UUID) -> timedelta:
        """How long ago a quorum last saw the ledger, while part of it is unseen; else nothing. Bound to the tenant."""
        return self._unseen_for(tenant, self.records.last(tenant))

    def _overdue(self, tenant: UUID, last: WitnessedCheckpoint | None) -> bool:
        return self._unseen_for(tenant, last) > timedelta(seconds=self.unwitnessed_seconds_max)

    def _unseen_for(self, tenant: UUID, last: WitnessedCheckpoint | None) -> timedelta:
        if not self.records.configured():
            return timedelta()
        if last is not None and self.records.end(tenant) <= last.checkpoint.size:
            return timedelta()
        since = last.cosigned_at if last else self.records.begun_at(tenant)
        return timedelta() if since is None else self.clock.now() - since

    def _require(self, tenant: UUID, by: Caller) -> None:
        require(by, *AUDITORS)
        if tenant != by.tenant:
            raise NotFound()


@dataclass(frozen=True, slots=True)
class Cosigned:
    """Cosigned by us: signature lines, each with its newline."""

    lines: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """The log did not say the size that we last cosigned for it, which is `size`."""

    size: int


class Witness(Protocol):
    """Our own witness, for the logs that the operator names. C2SP tlog-witness."""

    def add_checkpoint(self, body: bytes) -> Cosigned | Conflict:
        """Cosign a checkpoint; what is cosigned is durable first.

        Refuses: Malformed, NotFound (the log is not witnessed here), NotPermitted (none of its keys signed),
        Unacceptable (the proof does not hold), Unavailable.
        """
        ...

    def checkpoint(self, origin_sha256: bytes) -> str:
        """The last checkpoint that was cosigned for a log. Refuses: NotFound, Unavailable."""
        ...

    def verifier_keys(self) -> list[str]:
        """Our public keys. Refuses: NotFound (nothing is witnessed here), Unavailable."""
        ...
