"""A seeded run: random calls with faults, repeats, jumps of the clock and a worker, and an audit after each step.

Everything follows from the seed: the same seed gives the same trace, whose digest a run returns.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from tests.simulation.audit import Audit
from tests.simulation.commands import Known, Wanted, next_call
from tests.simulation.shop import Fault, Shop, open_shop

REPEATED_WITHIN: Final = timedelta(hours=23)  # an answer is kept for a day
PENDING_MAX: Final = 8
PERSONS_EVERY: Final = 10
LEARNED: Final = {
    "booking": "id",
    "hold": "id",
    "consent": "id",
    "disclosure": "id",
    "request": "id",
    "legal_hold": "id",
}
# What is made is named by an id of this kind, and is in the log once; requests are looked at by their own tests.
NAMED: Final = ("booking", "hold", "consent", "disclosure", "legal_hold")


class Broken(Exception):
    """Something that must be true was not. The message has the seed, and how to run it again."""


@dataclass
class Call:
    """A call with its key, and what its caller knows of it."""

    wanted: Wanted
    key: str
    at: datetime
    answer: tuple[int, str | None, bytes] | None = None


@dataclass
class Simulation:
    """One run."""

    seed: int
    random: Random = field(init=False)
    shop: Shop = field(init=False)
    audit: Audit = field(init=False)
    known: Known = field(default_factory=Known)
    answered: list[Call] = field(default_factory=list)
    pending: list[Call] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    step: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.shop = open_shop(self.seed)
        self.audit = Audit(self.shop, Random(self.seed))
        self._trace = hashlib.sha256()

    def run(self, steps: int) -> str:
        """Do so many steps; the digest of the trace. Raises Broken."""
        for self.step in range(1, steps + 1):
            self.shop.faults.coming = self._faults()
            self._do()
            self.shop.faults.coming = []
            self._look()
        while self.pending:
            self._send(self.pending.pop(0))
        self._look()
        return self._trace.hexdigest()

    # --- a step ------------------------------------------------------------------------------------------------------

    def _do(self) -> None:
        draw = self.random.random()
        if draw < 0.06:
            self._jump()
        elif draw < 0.16:
            self.shop.work(self.random)
            self._note("work")
        elif draw < 0.26 and self.answered:
            self._repeat(self.random.choice(self.answered[-200:]))
        elif len(self.pending) > self.random.randint(0, PENDING_MAX):
            self._send(self.pending.pop(self.random.randrange(len(self.pending))))
        else:
            wanted = next_call(self.random, self.shop, self.known)
            key = f"call-{self.step}"
            self._send(Call(wanted, key, self.shop.world.clock.now()))

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
            self._learn(call.wanted, answer.json())

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
        wanted = call.wanted
        headers = {"idempotency-key": call.key} if wanted.method == "POST" else {}
        answer = self.shop.call(
            wanted.method, wanted.path, wanted.json, role=wanted.role, headers=headers
        )
        self._note(f"{wanted.method} {wanted.path} {answer.status_code}")
        named = wanted.kind or (
            wanted.path.rsplit("/", 1)[-1] if wanted.method == "POST" else wanted.method
        )
        self.seen[f"{named} {answer.status_code // 100}xx"] += 1
        return answer

    def _learn(self, wanted: Wanted, body: Any) -> None:
        id = str(body["id"])
        if wanted.kind in NAMED:
            self.audit.accept(wanted.kind, id)
        if wanted.kind == "hold":
            self.known.learn("hold", f"{id} {wanted.json['service_id']} {wanted.json['start']}")
            return
        self.known.learn(wanted.kind, id)
        if wanted.kind == "booking":
            self.known.learn("subject", str(body["subject_id"]))

    # --- looking -----------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        unknown = Counter(call.wanted.kind for call in self.pending)
        for reason in self.audit.after_a_step(unknown):
            self._broken(reason)
        if self.step % PERSONS_EVERY == 0:
            for reason in self.audit.of_some_persons():
                self._broken(reason)

    def _broken(self, reason: str) -> None:
        again = f"python -m tests.simulation --seed {self.seed} --steps {self.step}"
        raise Broken(f"seed {self.seed}, step {self.step}: {reason}\nrun it again: {again}")

    def _note(self, text: str) -> None:
        log = self.shop.world.state.log[self.shop.tenant]
        self._trace.update(f"{self.step} {text} {len(log)} {log[-1].event_id}\n".encode())


def _said(answer: Any) -> tuple[int, str | None, bytes]:
    return answer.status_code, answer.headers.get("daybook-event"), answer.content


def simulate(seed: int, steps: int) -> str:
    """A whole run; the digest of its trace. Raises Broken."""
    return Simulation(seed).run(steps)
