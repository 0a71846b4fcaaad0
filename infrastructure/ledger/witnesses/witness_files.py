"""Being cosigned by file: a request that somebody carries to a witness, and the answer that they bring back."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from application.ports import Clock
from infrastructure.database import Database
from infrastructure.ledger.signed.cosignatures import cosigned_at, parse_lines
from infrastructure.ledger.signed.notes import BadNote, Note, Signature
from infrastructure.ledger.tree.tile_writer import TreeDamaged
from infrastructure.ledger.witnesses.cosigner import request_body
from infrastructure.ledger.witnesses.witness_policy import PolicyWitness, WitnessPolicy
from infrastructure.ledger.witnesses.witness_store import CosignatureStore, Held
from infrastructure.server.start_faults import StartFault

NOBODY: Final = WitnessPolicy(None)


class RequestRefused(StartFault):
    """There is nothing to be cosigned, or not from that size on."""

    exit_code = 1


class AnswerRefused(StartFault):
    """An answer holds no cosignature, by a witness of the policy, of a checkpoint that was asked about."""

    exit_code = 1


def make_request(database: Database, clock: Clock, tenant: UUID, old: int) -> bytes:
    """The request about a tenant's newest checkpoint, which stays from now on. Raises RequestRefused, Unavailable."""
    held = CosignatureStore(database, NOBODY, clock).requested(tenant)
    if held is None:
        raise RequestRefused("nothing is signed for that tenant")
    if old > held.size:
        raise RequestRefused(
            f"the newest checkpoint is of size {held.size}:"
            f" a witness that is at {old} saw another history, or a later one"
        )
    try:
        return request_body(database, held, old)
    except TreeDamaged as damage:
        raise RequestRefused(str(damage)) from None


def accept_answer(
    database: Database, policy: WitnessPolicy, clock: Clock, tenant: UUID, answer: bytes
) -> str:
    """Check an answer, and keep what holds; what came of it, in words. Raises AnswerRefused, Unavailable."""
    store = CosignatureStore(database, policy, clock)
    now = int(clock.now().timestamp())
    try:
        lines = answer.decode()
        for held in store.kept(tenant):
            found = _cosignatures(parse_lines(held.text, lines), policy, now)
            if found:
                return _keep(store, held, found)
    except UnicodeDecodeError:
        raise AnswerRefused("the answer is not UTF-8") from None
    except BadNote as fault:
        raise AnswerRefused(f"the answer cannot be read: {fault}") from None
    raise AnswerRefused(
        "no witness of the policy cosigned, in this answer, a checkpoint that is kept here"
    )


def _cosignatures(note: Note, policy: WitnessPolicy, now: int) -> dict[PolicyWitness, Signature]:
    found: dict[PolicyWitness, Signature] = {}
    for witness in policy.witnesses.values():
        try:
            if cosigned_at(note, witness.key, now) is not None:
                found[witness] = note.by(witness.key)[-1]
        except BadNote:
            continue  # it is of another checkpoint, or of none
    return found


def _keep(store: CosignatureStore, held: Held, found: dict[PolicyWitness, Signature]) -> str:
    met = store.keep(held.tenant, held.size, list(found.values()))
    for witness in found:
        store.note(held.tenant, witness, held.size, None, True)
    names = ", ".join(sorted(witness.label for witness in found))
    quorum = "a quorum has cosigned it" if met else "a quorum needs more"
    return f"size {held.size}: kept the cosignatures of {names}; {quorum}"
