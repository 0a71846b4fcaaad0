"""Operate read models over HTTP: pause, resume, leave a stream out; make anew, switch, drop. README D12.

A model is the whole deployment's, and a key a tenant's: so it takes a key that the deployment's operator made for it.
What is ordered is an event of that tenant before it is done; what is done is on the deployment's record with who, when
and why, in the very transaction that does it. What takes long is a job, which the worker carries out.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from application.access.denials import Denials
from application.execute import Plan, Scribe, carry_out
from application.permissions import require
from application.ports import Append, Clock, EventStore, Ids
from application.read_models import ModelReads, ModelStanding
from application.recorded import Caller, Recorded
from application.setup.register import Receipt
from domain import operating
from domain.errors import FieldError, NotFound, UnknownReference
from domain.operating import ActName, Job, JobKind, ModelOperated
from domain.values import PREFIXES, parse_id, public_id

LeavingOut = Literal["left_out", "no_stream", "leaves_nothing_out"]


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does to a read model: goes on record.

    `by` is a key's public id, `tenant` the tenant whose key it is, and `event` the order in that tenant's log; at the
    machine `by` is an account, and the others are None.
    """

    name: str
    act: ActName
    by: str
    tenant: UUID | None
    reason: str | None
    at: datetime
    event: UUID | None = None


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
    store: EventStore
    clock: Clock
    ids: Ids

    def pause(self, name: str, reason: str | None, by: Caller) -> Receipt[ModelStanding]:
        """Have a model follow no more. Refuses: NotPermitted, OperatorOnly, NotFound, NotFollowing."""
        act = self._recorded("pause", name, reason, by, self._id(by))
        if not self.desk.pause(act):
            raise operating.NotFollowing("It does not follow at this moment")
        return self._standing(act, by)

    def resume(self, name: str, reason: str | None, by: Caller) -> Receipt[ModelStanding]:
        """Have it go on where it stands. Refuses: NotPermitted, OperatorOnly, NotFound, NotFollowing."""
        act = self._recorded("resume", name, reason, by, self._id(by))
        if not self.desk.resume(act):
            raise operating.NotFollowing("Another version of it is read: rebuild it")
        return self._standing(act, by)

    def leave_out(self, name: str, stream: str, reason: str, by: Caller) -> Receipt[ModelStanding]:
        """Have it leave a stream out from where it stands.

        Refuses: NotPermitted, OperatorOnly, NotFound, UnknownReference (the stream), LeavesNothingOut.
        """
        self._permit(name, by)
        if (id := stream_id(stream)) is None:
            raise _unknown_stream()
        act = self._recorded("quarantine", name, reason, by, self._id(by))
        match self.desk.leave_out(act, id):
            case "no_stream":
                raise _unknown_stream()
            case "leaves_nothing_out":
                raise operating.LeavesNothingOut()
        return self._standing(act, by)

    def rebuild(self, name: str, reason: str | None, by: Caller, *, switch: bool) -> Receipt[Job]:
        """Order that a model be made anew and compared, and with `switch` be switched to where it is equal.

        Refuses: NotPermitted, OperatorOnly, NotFound, JobRunning.
        """
        self._permit(name, by)
        return self._ordered(name, reason, by, Order(self._id(by), "rebuild", switches=switch))

    def switch(self, name: str, reason: str | None, by: Caller, *, anyway: bool) -> Receipt[Job]:
        """Order that what was made anew be read from now on; `anyway` though its rows are not those that are read.

        Refuses: NotPermitted, OperatorOnly, NotFound, JobRunning, NothingToSwitch, RebuildNotEqual.
        """
        self._permit(name, by)
        order = Order(self._id(by), "switch", switches=True, anyway=anyway)
        return self._ordered(name, reason, by, order)

    def drop(self, name: str, reason: str | None, by: Caller) -> Receipt[Job]:
        """Order that what was replaced be dropped.

        Refuses: NotPermitted, OperatorOnly, NotFound, JobRunning, NothingToDrop.
        """
        self._permit(name, by)
        return self._ordered(name, reason, by, Order(self._id(by), "drop"))

    def job(self, name: str, by: Caller) -> Job:
        """A model's last job. Refuses: NotPermitted, OperatorOnly, NotFound."""
        self._permit(name, by)
        found = self.desk.last_job(name)
        if found is None:
            raise NotFound()
        return found

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

    def _recorded(
        self, act: ActName, name: str, reason: str | None, by: Caller, operation: UUID
    ) -> Act:
        """Permit it, and record that it was ordered: before it is done.

        A call that is started again is another event of the same operation: the append sees that its key still stands.
        """
        self._permit(name, by)
        said = None if reason is None else hashlib.sha256(reason.encode()).hexdigest()

        def attempt() -> Plan[Recorded[object]]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            version = len(self.store.read(by.tenant, operation)) + 1
            event = scribe.record(operation, version, ModelOperated(operation, name, act, said))
            return Plan(Append(by.tenant, scribe.at, (event,)), event)

        event = carry_out(self.store, attempt)
        return Act(name, act, by.actor, by.tenant, reason, event.occurred_at, event.event_id)

    def _ordered(self, name: str, reason: str | None, by: Caller, order: Order) -> Receipt[Job]:
        last = self.desk.last_job(name)
        if last is None or last.id != order.id:  # else this very order was given before
            self._refuse(name, order, last)
        act = self._recorded(order.kind, name, reason, by, order.id)
        job = self.desk.order(act, order)
        if job.id != order.id:
            raise operating.JobRunning(job_id=public_id("job", job.id))
        assert act.event is not None
        return Receipt(job, act.event)

    def _refuse(self, name: str, order: Order, last: Job | None) -> None:
        if last is not None and last.open:
            raise operating.JobRunning(job_id=public_id("job", last.id))
        if order.kind == "switch":
            made = self.desk.to_switch(name)
            if made is None:
                raise operating.NothingToSwitch()
            if made.equal is False and not order.anyway:
                raise operating.RebuildNotEqual('`{"anyway": true}` switches all the same')
        if order.kind == "drop" and not self.desk.to_drop(name):
            raise operating.NothingToDrop()

    def _standing(self, act: Act, by: Caller) -> Receipt[ModelStanding]:
        found = next((one for one in self.reads.standing(by.tenant) if one.name == act.name), None)
        if found is None:
            raise NotFound()
        assert act.event is not None
        return Receipt(found, act.event)


def _unknown_stream() -> UnknownReference:
    words = "There is no such stream in this deployment."
    return UnknownReference(errors=(FieldError("/stream_id", "unknown_reference", words),))


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
