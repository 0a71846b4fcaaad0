"""Operating read models, which are the whole deployment's: what may be refused, and how its jobs are told.

1. Whoever does it has a key that the deployment's operator made for it, or sits at the machine.
   What a key orders is in the log of the tenant whose key it is, before it is done.
2. A job is one order to make a model anew, to switch to what was made, or to drop what was replaced.
3. A model has one job at a time.

*Source*: README D12; docs/read-models.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, get_args
from uuid import UUID

from domain.errors import NotPermitted, Refused
from domain.sealing import Plain

ActName = Literal["pause", "resume", "quarantine", "rebuild", "switch", "drop", "abandon"]
JobKind = Literal["rebuild", "switch", "drop"]
JobState = Literal["waiting", "filling", "comparing", "switching", "dropping", "done", "failed"]
JobOutcome = Literal["filled", "differs", "switched", "dropped"]
JobError = Literal[
    "rebuild_not_equal",
    "nothing_to_switch",
    "nothing_to_drop",
    "tables_missing",
    "tables_in_use",
    "could_not_be_filled",
    "restored",
]
JOB_KINDS: Final[tuple[JobKind, ...]] = get_args(JobKind)
JOB_STATES: Final[tuple[JobState, ...]] = get_args(JobState)
JOB_OUTCOMES: Final[tuple[JobOutcome, ...]] = get_args(JobOutcome)
JOB_ERRORS: Final[tuple[JobError, ...]] = get_args(JobError)
REASON_CHARACTERS_MAX: Final = 500


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelOperated:
    """Somebody with a key that operates ordered this of a read model; a rule may still have refused it.

    `reason_sha256` is of what they said, which the deployment's own record has (`read_model_act`).
    """

    TYPE: ClassVar[str] = "read_model.operated.v1"

    operation: UUID
    model: Annotated[str, Plain("the permanent name of a read model")]
    act: ActName
    reason_sha256: Annotated[str, Plain("digest of a text about a read model, hexadecimal")] | None


DECISIONS: Final = (ModelOperated,)


# --- jobs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """One order for a model, and how it stands.

    `switches` is True where a rebuild is to switch by itself, `anyway` where it switches though rows differ. `done` of
    `total` events, at `rate` of them a second. `equal` says how what was made compared with what is read; None where it
    was not compared, or the two may differ.
    """

    id: UUID
    name: str
    kind: JobKind
    state: JobState
    outcome: JobOutcome | None
    switches: bool
    anyway: bool
    done: int
    total: int
    rate: float
    equal: bool | None
    error: JobError | None
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def open(self) -> bool:
        """True until it is done, or has failed."""
        return self.state not in ("done", "failed")

    @property
    def seconds_left(self) -> float | None:
        """How long it still fills, at its rate; None while it does not fill, or nobody knows."""
        if self.state != "filling" or self.rate <= 0:
            return None
        return max(0, self.total - self.done) / self.rate


# --- refusals --------------------------------------------------------------------------------------------------------


class OperatorOnly(NotPermitted):
    """Only a key that the deployment's operator made for it may operate read models; that it was tried is on record."""

    code = "operator_only"


class NotFollowing(Refused):
    """The read model does not follow, so that there is nothing to pause, or nothing it could go on with."""

    code = "not_following"


class LeavesNothingOut(Refused):
    """This read model leaves nothing out, or leaves that stream out already."""

    code = "leaves_nothing_out"


class JobRunning(Refused):
    """The read model has a job already; `job_id` names it."""

    code = "job_running"


class NothingToSwitch(Refused):
    """Nothing was made anew that the read model could be switched to."""

    code = "nothing_to_switch"


class RebuildNotEqual(Refused):
    """What was made anew has not the rows that are read."""

    code = "rebuild_not_equal"


class NothingToDrop(Refused):
    """Nothing was replaced that could be dropped."""

    code = "nothing_to_drop"
