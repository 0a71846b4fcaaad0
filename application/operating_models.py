"""Operate read models over HTTP: pause, resume, leave a stream out; make anew, switch, drop. README D12.

A model is the whole deployment's, and a key a tenant's: so it takes a key that the deployment's operator made for it.
What is done is on record with who, when and why, in the very transaction that does it; what takes long is a job, which
the worker carries out.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol, get_args
from uuid import UUID

from application.access.denials import Denials
from application.permissions import require
from application.ports import Clock, Ids
from application.read_models import ModelReads, ModelStanding
from application.recorded import Caller
from domain import operating
from domain.errors import FieldError, NotFound, UnknownReference
from domain.operating import Job, JobKind
from domain.values import PREFIXES, parse_id, public_id

ActName = Literal["pause", "resume", "quarantine", "rebuild", "switch", "drop", "abandon"]
ACT_NAMES: Final[tuple[ActName, ...]] = get_args(ActName)
LeavingOut = Literal["left_out", "no_stream", "leaves_nothing_out"]


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does to a read model: goes on record.

    `by` is a key's public id, `tenant` the tenant whose key it is; at the machine an account, and None.
    """

    name: str
    act: ActName
    by: str
    tenant: UUID | None
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """A job that is wanted; another order of the same `id` is the same order."""

    id: UUID
    kind: JobKind
    switches: bool = False
    anyway: bool = False


class ModelDesk(Protocol):
    """Does it. What is done, and who did it, is durable on return. Raises Unavailable."""

    def knows(self, name: str) -> bool:
        """True when there is such a model."""
        ...

    def pause(self, act: Act) -> bool:
        """Have it follow no more; False where it did not."""
        ...

    def resume(self, act: Act) -> bool:
        """Have it go on where it stands, with the code that is here; False where another version is read."""
        ...

    def leave_out(self, act: Act, stream: UUID) -> LeavingOut:
        """Have it leave a stream out from where it stands, for every tenant that has one of that id."""
        ...

    def order(self, act: Act, order: Order) -> Job:
        """Note a job for the worker; the one that is open instead, where there is one."""
        ...

    def last_job(self, name: str) -> Job | None:
        """The one that was ordered last."""
        ...

    def to_switch(self, name: str) -> Job | None:
        """The job that last compared what stands ready to be switched to; None where nothing does."""
        ...

    def to_drop(self, name: str) -> bool:
        """True where something that was replaced is still there."""
        ...


@dataclass(frozen=True, slots=True)
class OperatedModels:
    """Does it for a caller whose key operates."""

    desk: ModelDesk
    reads: ModelReads
    denials: Denials
    clock: Clock
    ids: Ids

    def pause(self, name: str, reason: str | None, by: Caller) -> ModelStanding:
        """Have a model follow no more. Refuses: NotPermitted, OperatorOnly, NotFound, NotFollowing."""
        if not self.desk.pause(self._act("pause", name, reason, by)):
            raise operating.NotFollowing("It does not follow at this moment")
        return self._standing(name, by)

    def resume(self, name: str, reason: str | None, by: Caller) -> ModelStanding:
        """Have it go on where it stands. Refuses: NotPermitted, OperatorOnly, NotFound, NotFollowing."""
        if not self.desk.resume(self._act("resume", name, reason, by)):
            raise operating.NotFollowing("Another version of it is read: rebuild it")
        return self._standing(name, by)

    def leave_out(self, name: str, stream: str, reason: str, by: Caller) -> ModelStanding:
        """Have it leave a stream out from where it stands.

        Refuses: NotPermitted, OperatorOnly, NotFound, UnknownReference (the stream), LeavesNothingOut.
        """
        act, id = self._act("quarantine", name, reason, by), stream_id(stream)
        done = "no_stream" if id is None else self.desk.leave_out(act, id)
        if done == "no_stream":
            words = "There is no such stream in this deployment."
            raise UnknownReference(errors=(FieldError("/stream_id", "unknown_reference", words),))
        if done == "leaves_nothing_out":
            raise operating.LeavesNothingOut()
        return self._standing(name, by)

    def rebuild(self, name: str, reason: str | None, by: Caller, *, switch: bool) -> Job:
        """Order that a model be made anew and compared, and with `switch` be switched to where it is equal.

        Refuses: NotPermitted, OperatorOnly, NotFound, JobRunning.
        """
        act = self._act("rebuild", name, reason, by)
        return self._ordered(act, Order(self._id(by), "rebuild", switches=switch))

    def switch(self, name: str, reason: str | None, by: Caller, *, anyway: bool) -> Job:
        """Order that what was made anew be read from now on; `anyway` though its rows are not those that are read.

        Refuses: NotPermitted, OperatorOnly, NotFound, JobRunning, NothingToSwitch, RebuildNotEqual.
        """
        act = self._act("switch", name, reason, by)
        order = Order(self._id(by), "switch", switches=True, anyway=anyway)
        if not self._in_the_way(name, order):
            made = self.desk.to_switch(name)
            if made is None:
                raise operating.NothingToSwitch()
            if made.equal is False and not anyway:
                raise operating.RebuildNotEqual('`{"anyway": true}` switches all the same')
        return self._ordered(act, order)

    def drop(self, name: str, reason: str | None, by: Caller) -> Job:
        """Order that what was replaced be dropped.

        Refuses: NotPermitted, OperatorOnly, NotFound, JobRunning, NothingToDrop.
        """
        act = self._act("drop", name, reason, by)
        order = Order(self._id(by), "drop")
        if not self._in_the_way(name, order) and not self.desk.to_drop(name):
            raise operating.NothingToDrop()
        return self._ordered(act, order)

    def job(self, name: str, by: Caller) -> Job:
        """A model's last job. Refuses: NotPermitted, OperatorOnly, NotFound."""
        self._permit(name, by)
        found = self.desk.last_job(name)
        if found is None:
            raise NotFound()
        return found

    def _act(self, act: ActName, name: str, reason: str | None, by: Caller) -> Act:
        self._permit(name, by)
        return Act(name, act, by.actor, by.tenant, reason, self.clock.now())

    def _permit(self, name: str, by: Caller) -> None:
        require(by, "engineer")
        if not by.operates:
            self.denials.record(by, "operator_only")
            raise operating.OperatorOnly(
                "A model is the whole deployment's: its operator makes a key for this, with"
                " `daybook key create --role engineer --operates`"
            )
        if not self.desk.knows(name):
            raise NotFound()

    def _id(self, by: Caller) -> UUID:
        """An id for a job: the same when a call is started again that died before it was answered."""
        occasion = by.ticket.occasion if by.ticket else None
        return occasion() if occasion else self.ids.uuid()

    def _in_the_way(self, name: str, order: Order) -> bool:
        """True while another job is open; and where this very order was given before."""
        last = self.desk.last_job(name)
        return last is not None and (last.open or last.id == order.id)

    def _ordered(self, act: Act, order: Order) -> Job:
        job = self.desk.order(act, order)
        if job.id != order.id:
            raise operating.JobRunning(job_id=public_id("job", job.id))
        return job

    def _standing(self, name: str, by: Caller) -> ModelStanding:
        found = next((one for one in self.reads.standing(by.tenant) if one.name == name), None)
        if found is None:
            raise NotFound()
        return found


def stream_id(text: str) -> UUID | None:
    """The stream behind an id of ours or a bare UUID; None when it is neither.

    >>> stream_id("bkg_00000000000000000000000000000001") == stream_id(str(UUID(int=1)))
    True
    """
    for kind in PREFIXES:
        if (found := parse_id(kind, text)) is not None:
            return found
    with suppress(ValueError):
        return UUID(text)
    return None
