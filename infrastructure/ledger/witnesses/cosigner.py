"""The cosigner: has our newest checkpoints cosigned by the witnesses of the policy. docs/ledger.md, "Witnesses".

A round is:

    hold the newest checkpoint of each log that lacks a cosignature     crash here: the next round lets it go
    ask the witnesses, each in a thread of its own, log after log       crash here: they remember more than we do
    keep what they signed as it comes                                   (they say so, and get a proof from there)
    let go of what found no quorum

The publisher knows nothing of it: a witness that is away, slow or wrong costs nothing but its cosignature.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from application.ports import Clock
from domain.errors import Unavailable
from infrastructure.database import Database
from infrastructure.ledger.signed.cosignatures import cosigned_at, parse_lines
from infrastructure.ledger.signed.notes import BadNote, Signature, parse_note
from infrastructure.ledger.tree import merkle
from infrastructure.ledger.tree.stored_tree import StoredTree
from infrastructure.ledger.tree.tile_writer import TreeDamaged
from infrastructure.ledger.witnesses.witness_client import (
    LastSize,
    Lines,
    Outcome,
    Problem,
    WitnessConnection,
)
from infrastructure.ledger.witnesses.witness_policy import PolicyWitness, WitnessPolicy
from infrastructure.ledger.witnesses.witness_store import CosignatureStore, Held

TRIES: Final = 3
ROUND_SECONDS_MAX: Final = 60.0
LOGS_AT_ONCE: Final = 500
LOG: Final = logging.getLogger("daybook.cosigner")


class Connection(Protocol):
    """A way to one witness."""

    def add_checkpoint(self, body: bytes) -> Outcome:
        """Ask once. Never raises."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


@dataclass(frozen=True, slots=True)
class Word:
    """What came of asking one witness about one log."""

    held: Held
    witness: PolicyWitness
    size: int
    signatures: tuple[Signature, ...] = ()
    problem: str | None = None
    answered: bool = True


@dataclass(slots=True)
class Cosigner:
    """`round`, in a loop. One at a time."""

    database: Database
    policy: WitnessPolicy
    clock: Clock
    connect: Callable[[str], Connection] = WitnessConnection
    round_seconds_max: float = ROUND_SECONDS_MAX
    _busy: dict[str, threading.Thread] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)

    def round(self) -> int:
        """Ask every witness about every log that is due; how many cosignatures came. Raises Unavailable."""
        store = CosignatureStore(self.database, self.policy, self.clock)
        asked = [one for one in self.policy.witnesses.values() if one.url is not None]
        due = store.hold([one.label for one in asked], LOGS_AT_ONCE) if asked else []
        if not due:
            return 0
        words: queue.Queue[Word | None] = queue.Queue()
        started = 0
        for one in asked:
            if self._start(one, due, words):
                started += 1
            else:
                for held in due:
                    self._tell(Word(held, one, held.last_sizes.get(one.label, 0), (), "timeout"))
                    store.note(
                        held.tenant, one, held.last_sizes.get(one.label, 0), "timeout", False
                    )
        count = self._gather(store, words, started)
        store.let_go()
        return count

    def _start(
        self, witness: PolicyWitness, due: Sequence[Held], to: queue.Queue[Word | None]
    ) -> bool:
        before = self._busy.get(witness.label)
        if before is not None and before.is_alive():
            return False  # it still hangs from the round before
        thread = threading.Thread(
            target=self._converse, args=(witness, due, to), name=witness.label, daemon=True
        )
        self._busy[witness.label] = thread
        thread.start()
        return True

    def _gather(
        self, store: CosignatureStore, words: queue.Queue[Word | None], talking: int
    ) -> int:
        deadline = time.monotonic() + self.round_seconds_max
        count = 0
        while talking and (left := deadline - time.monotonic()) > 0:
            try:
                word = words.get(timeout=left)
            except queue.Empty:
                break
            if word is None:
                talking -= 1
                continue
            self._tell(word)
            if word.signatures:
                store.keep(word.held.tenant, word.held.size, word.signatures)
                count += 1
            store.note(word.held.tenant, word.witness, word.size, word.problem, word.answered)
        return count

    def _converse(
        self, witness: PolicyWitness, due: Sequence[Held], to: queue.Queue[Word | None]
    ) -> None:
        assert witness.url is not None
        connection = self.connect(witness.url)
        try:
            for held in due:
                if witness.label in held.cosigned_by:
                    continue
                word = self._word(connection, witness, held)
                to.put(word)
                if not word.answered:
                    return  # nor will it answer about the others, just now
        except Unavailable:
            pass  # the next round tries again
        finally:
            connection.close()
            to.put(None)

    def _word(self, connection: Connection, witness: PolicyWitness, held: Held) -> Word:
        old = known = min(held.last_sizes.get(witness.label, 0), held.size)
        for _ in range(TRIES):
            if old > held.size:
                # It cosigned a larger tree than our newest: the database was put back.
                return Word(held, witness, known, problem="ahead")
            try:
                body = request_body(self.database, held, old)
            except TreeDamaged:
                return Word(held, witness, known, problem="tree_damaged")
            outcome = connection.add_checkpoint(body)
            if isinstance(outcome, Problem):
                return Word(held, witness, known, problem=outcome.code, answered=outcome.answered)
            if isinstance(outcome, Lines):
                return self._checked(witness, held, outcome, known)
            if outcome == LastSize(old):
                # The same size, and still a conflict: it has another root (so before v1.1.0).
                return Word(held, witness, known, problem="inconsistent")
            if outcome.size < known:
                # It forgot what it cosigned for us. It is to be retired: it could cosign a second history.
                return Word(held, witness, known, problem="forgot")
            old = outcome.size
        return Word(held, witness, known, problem="no_agreement")

    def _checked(self, witness: PolicyWitness, held: Held, lines: Lines, known: int) -> Word:
        try:
            signatures = cosignatures_in(held.text, lines.text, witness, self.clock.now())
        except BadNote:
            return Word(held, witness, known, problem="bad_cosignature")
        return Word(held, witness, held.size, signatures)

    def _tell(self, word: Word) -> None:
        code = word.problem or ""
        if self._said.get(word.witness.label, "") != code:
            said = f"does not cosign: {code}" if code else "cosigns again"
            LOG.warning("witness %s %s", word.witness.label, said)
        self._said[word.witness.label] = code


def request_body(database: Database, held: Held, old: int) -> bytes:
    """What a witness that last cosigned `old` is to be asked. Raises TreeDamaged, Unavailable."""
    read = StoredTree(database.rows).reader(held.tenant, held.size)
    proof = merkle.consistency_proof(old, held.size, read) if 0 < old < held.size else []
    return held.request(old, proof)


def cosignatures_in(
    text: str, lines: str, witness: PolicyWitness, now: datetime
) -> tuple[Signature, ...]:
    """The witness's cosignature among the lines of an answer; others are passed over. Raises BadNote."""
    answered = parse_lines(text, lines)
    if cosigned_at(answered, witness.key, int(now.timestamp())) is None:
        raise BadNote("the witness answered without a cosignature of its key")
    return (answered.by(witness.key)[-1],)


def own_checkpoint(database: Database, tenant: UUID) -> Held | None:
    """The newest checkpoint of a log, as something to ask about."""
    row = database.row(
        "SELECT size, note FROM ledger_checkpoint WHERE tenant_id = %b ORDER BY size DESC LIMIT 1",
        (tenant,),
    )
    return None if row is None else Held(tenant, row[0], parse_note(row[1]), {}, frozenset())
