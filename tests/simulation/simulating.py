"""A seeded run: random calls with faults, repeats, jumps of the clock and a worker, and an audit after each step.

Everything follows from the seed: the same seed gives the same trace, whose digest a run returns.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from domain.access import AccessGranted
from domain.access_review import GlassBroken
from tests.simulation.audit import Audit
from tests.simulation.commands import next_call
from tests.simulation.shop import Fault, Shop, open_shops
from tests.simulation.wanting import Known, Wanted

REPEATED_WITHIN: Final = timedelta(hours=23)  # an answer is kept for a day
PENDING_MAX: Final = 8
PERSONS_EVERY: Final = 10
SETTLED_HOURS: Final = 12
SETTLED_WITHIN: Final = 40
OWN: Final = ("/v1/break-glass", "/v1/access-reviews?state=due", "/v1/legal-processes")
LEARNED: Final = {
    "booking": "id",
    "hold": "id",
    "consent": "id",
    "disclosure": "id",
    "request": "id",
    "legal_hold": "id",
    "process": "id",
}
# What is made is named by an id of this kind, and is in the log once; requests are looked at by their own tests.
NAMED: Final = ("booking", "hold", "consent", "disclosure", "legal_hold", "process")


class Broken(Exception):
    """Something that must be true was not. The message has the seed, and how to run it again."""


@dataclass
class Side:
    """One of the businesses: what its callers know, and what is looked at."""

    shop: Shop
    audit: Audit
    known: Known = field(default_factory=Known)
    calls: int = 0


@dataclass
class Call:
    """A call with its key, and what its caller knows of it."""

    side: Side
    wanted: Wanted
    key: str
    at: datetime
    answer: tuple[int, str | None, bytes] | None = None


@dataclass
class Simulation:
    """One run."""

    seed: int
    random: Random = field(init=False)
    sides: list[Side] = field(init=False)
    answered: list[Call] = field(default_factory=list)
    pending: list[Call] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    step: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.sides = [Side(shop, Audit(shop, Random(self.seed))) for shop in open_shops(self.seed)]
        self.shop = self.sides[0].shop  # the clock and the faults are of all
        self._trace = hashlib.sha256()

    def run(self, steps: int) -> str:
        """Do so many steps; the digest of the trace. Raises Broken."""
        for self.step in range(1, steps + 1):
            side = self.random.choice(self.sides)
            others = self._lengths(side)
            self.shop.faults.coming = self._faults()
            self._do(side)
            self.shop.faults.coming = []
            if self._lengths(side) != others:
                self._broken("a step of one tenant is in the log of another")
            self._look()
        self.shop.post.calm = True
        while self.pending:
            self._send(self.pending.pop(0))
        self._look()
        self._settle()
        return self._trace.hexdigest()

    # --- a step ------------------------------------------------------------------------------------------------------

    def _do(self, side: Side) -> None:
        draw = self.random.random()
        answered = [one for one in self.answered[-200:] if one.side is side]
        pending = [one for one in self.pending if one.side is side]
        if draw < 0.06:
            self._jump()
        elif draw < 0.16:
            side.shop.work(self.random)
            self._note("work")
        elif draw < 0.24 and answered:
            self._repeat(self.random.choice(answered))
        elif draw < 0.28:
            self._trespass(side)
        elif len(pending) > self.random.randint(0, PENDING_MAX):
            call = self.random.choice(pending)
            self.pending.remove(call)
            self._send(call)
        else:
            self._send(self._new(side, next_call(self.random, side.shop, side.known)))

    def _new(self, side: Side, wanted: Wanted) -> Call:
        """All tenants have the same keys for their calls."""
        side.calls += 1
        return Call(side, wanted, f"call-{side.calls}", self.shop.world.clock.now())

    def _trespass(self, side: Side) -> None:
        """A call with ids of another tenant gets nothing, and makes nothing there."""
        other = self.random.choice([one for one in self.sides if one is not side])
        wanted = next_call(self.random, other.shop, other.known)
        if wanted.key is not None or wanted.path in OWN:
            return  # their own key is good there; and what names nothing of theirs is no trespass
        answer = self._called(self._new(side, wanted))
        if wanted.kind == "request" and answer.json().get("subject_id", "") is None:
            return  # anybody may ask; it is about nobody who is known here
        if answer.status_code < 400:
            self._broken(f"{wanted} of another tenant is answered {answer.text}")

    def _lengths(self, side: Side) -> dict[UUID, int]:
        """How long the logs of everybody else are."""
        log = self.shop.world.state.log
        return {tenant: len(events) for tenant, events in log.items() if tenant != side.shop.tenant}

    def _settle(self) -> None:
        """Without faults all that was begun is ended: by day and by day, until nobody has anything to do."""
        for _ in range(SETTLED_WITHIN):
            self.shop.world.clock.advance(hours=SETTLED_HOURS)
            for side in self.sides:
                side.shop.work(self.random, whole=True)
            self._look()
            if not any(self._unfinished()):
                return
        for reason in self._unfinished():
            self._broken(reason)

    def _unfinished(self) -> Iterator[str]:
        for side in self.sides:
            yield from side.audit.story.sharing.unfinished()

    def _faults(self) -> list[Fault | None]:
        """Of most steps none; of others one of the next appends fails, before or after it is kept."""
        if self.random.random() > 0.2:
            return []
        before: list[Fault | None] = [None] * self.random.choice((0, 0, 0, 1, 2))
        return [*before, self.random.choice(("before", "after"))]

    def _jump(self) -> None:
        """The clock moves on, by much or little; now and then it is set back by some seconds."""
        seconds = self.random.choice((1, 5, 61, 600, 3_600, 14_400, -3))
        self.shop.world.clock.advance(seconds=seconds)
        self._note(f"clock {seconds}")

    # --- calls -------------------------------------------------------------------------------------------------------

    def _send(self, call: Call) -> None:
        answer = self._called(call)
        if answer.status_code >= 500:
            if answer.status_code != 503:
                self._broken(f"{call.wanted} answers {answer.status_code}: {answer.text}")
            call.at = self.shop.world.clock.now()
            if call.wanted.method == "POST":
                self.pending.append(call)
            return
        if answer.status_code == 409 and answer.json()["code"] == "idempotency_in_flight":
            self.pending.append(call)
            return
        call.answer = _said(answer)
        call.at = self.shop.world.clock.now()
        if call.wanted.method == "POST" and answer.json().get("code") not in ("stale", "behind"):
            self.answered.append(call)
        if answer.status_code < 300 and call.wanted.kind:
            self._learn(call.side, call.wanted, answer.json())

    def _repeat(self, call: Call) -> None:
        """A kept answer is given again, whatever has happened since; an opened value is never in one."""
        if self.shop.world.clock.now() - call.at > REPEATED_WITHIN:
            return
        said = _said(self._called(call))
        assert call.answer is not None
        same = said[:2] == call.answer[:2]
        if call.wanted.kind != "disclosure":
            same = said == call.answer
        if not same:
            self._broken(f"{call.wanted} was answered {call.answer}, and again {said}")

    def _called(self, call: Call) -> Any:
        wanted, log = call.wanted, self.shop.world.state.log[call.side.shop.tenant]
        known = len(log)
        headers = {"idempotency-key": call.key} if wanted.method == "POST" else {}
        answer = call.side.shop.call(
            wanted.method,
            wanted.path,
            wanted.json,
            role=wanted.role,
            key=wanted.key,
            headers=headers | dict(wanted.headers),
        )
        self._note(f"{wanted.method} {wanted.path} {answer.status_code}")
        named = wanted.kind or (
            wanted.path.rsplit("/", 1)[-1] if wanted.method == "POST" else wanted.method
        )
        self.seen[f"{named} {answer.status_code // 100}xx"] += 1
        if "?include=customer" in wanted.path and answer.status_code == 200:
            self._on_record(wanted, answer.json(), {type(one.decision) for one in log[known:]})
        return answer

    def _on_record(self, wanted: Wanted, body: Any, made: set[type]) -> None:
        """What was opened is on record, and so is the glass that was broken for it."""
        needed = {AccessGranted, GlassBroken} if wanted.key else {AccessGranted}
        if body.get("customer") and not needed <= made:
            self._broken(f"{wanted} opened a customer, and {needed - made} are not on record")

    def _learn(self, side: Side, wanted: Wanted, body: Any) -> None:
        if wanted.kind == "reviews":
            for one in body["data"]:
                side.known.learn("review", str(one["event_id"]))
        if wanted.kind not in LEARNED:
            return
        id = str(body["id"])
        if wanted.kind in NAMED:
            side.audit.accept(wanted.kind, id)
        if wanted.kind == "hold":
            side.known.learn("hold", f"{id} {wanted.json['service_id']} {wanted.json['start']}")
            return
        side.known.learn(wanted.kind, id)
        if wanted.kind == "booking":
            side.known.learn("subject", str(body["subject_id"]))

    # --- looking -----------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        for side in self.sides:
            unknown = Counter(call.wanted.kind for call in self.pending if call.side is side)
            for reason in side.audit.after_a_step(unknown):
                self._broken(reason)
            if self.step % PERSONS_EVERY == 0:
                for reason in (*side.audit.of_some_persons(), *side.audit.of_the_house()):
                    self._broken(reason)
        if self.step % PERSONS_EVERY == 0:
            self._apart()

    def _apart(self) -> None:
        """No person, event or thing is of two tenants."""
        seen = set[UUID]()
        for side in self.sides:
            story = side.audit.story
            own = story.events | story.people | story.versions.keys()
            if own & seen:
                self._broken(f"{own & seen} are of two tenants")
            seen |= own

    def _broken(self, reason: str) -> None:
        again = f"python -m tests.simulation --seed {self.seed} --steps {self.step}"
        raise Broken(f"seed {self.seed}, step {self.step}: {reason}\nrun it again: {again}")

    def _note(self, text: str) -> None:
        for side in self.sides:
            log = self.shop.world.state.log[side.shop.tenant]
            self._trace.update(f"{self.step} {text} {len(log)} {log[-1].event_id}\n".encode())


def _said(answer: Any) -> tuple[int, str | None, bytes]:
    return answer.status_code, answer.headers.get("daybook-event"), answer.content


def simulate(seed: int, steps: int) -> str:
    """A whole run; the digest of its trace. Raises Broken."""
    return Simulation(seed).run(steps)
