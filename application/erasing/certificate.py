"""What a certificate of erasure says: what was destroyed and how, what is kept and why, who was told, what remains.

It is a document of plain JSON values, made from events alone: the same events make the same bytes. It is written for
the person: what they may not know of (a gag) is not in it, and it does not say that nothing else is there.
Source: GDPR Art. 17, 19; 11 CCR 7022; NIST SP 800-88r2, 4.6; README D9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from application.disclosing.follow_up_story import FollowUpStory
from application.recorded import Recorded
from domain.erasure import (
    Erasure,
    ErasureCompleted,
    ErasureDeferred,
    ErasureEffected,
    ErasureJoined,
    ErasureOrdered,
    ErasureRepeated,
    ErasureResumed,
)
from domain.recipient import Recipient
from domain.sealing import RetentionClass
from domain.values import instant_text, public_id

KIND: Final = "daybook/erasure-certificate/v1"
Document = dict[str, Any]

METHOD: Final = {
    "technique": "cryptographic erase (NIST SP 800-88r2): the keys are destroyed, what they sealed stays unreadable",
    "sealed_with": "AES-256-GCM, one key for each person and retention class",
    "keys": "each key of the class is struck from the key database; the bucket it stood in gets a fresh key, and so do"
    " the look-ups of the person's e-mail address and telephone number",
    "copies": "every bucket key is wrapped under a new epoch key; a new backup of the key database is opened by a test"
    " value; then the old epoch key is destroyed in every place that held it, and with it every older copy of the key"
    " database, in whatever backup it lies",
    "caches": "every process forgets cached keys within two seconds, and none opens anything without asking first"
    " whether the person is erased",
    "not_covered": "epoch keys that somebody copied by hand to a place that Daybook was not told of",
}
REMAINS: Final = (
    "the person's pseudonym: a random number that leads to nobody any more",
    "that events of a kind happened, with their instants, codes and numbers, and the ids of what they were about",
    "ciphertext that no key opens, and digests that are noise without it",
    "who outside was given which kinds of data, and when: without the data",
    "that an appointment took its time: without the person",
)
VERIFY: Final = (
    "Give this file and the public key of the ledger to the offline verifier: it checks the signature, that every event"
    " named here is in the ledger, that the history shown is the whole of it, and that every value which the history"
    " holds in a destroyed class was sealed under a key that is listed here as destroyed. A destroyed key can be asked"
    " of nobody: that no copy is left is what the operator attests."
)


@dataclass(frozen=True, slots=True)
class Told:
    """A recipient that was told of the erasure, and what became of that."""

    recipient: Recipient
    story: FollowUpStory


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate is made from: the erasure's events in order, and who was told."""

    state: Erasure
    events: Sequence[Recorded[Any]]
    told: Sequence[Told]
    request: Document | None


def document(id: UUID, code_sha256: str, facts: Facts) -> Document:
    """The certificate with this id."""
    ordered = facts.state.ordered
    return {
        "kind": KIND,
        "certificate_id": public_id("certificate", id),
        "subject": {
            "pseudonym": public_id("subject", ordered.subject),
            "code_sha256": code_sha256,
            "code_note": "Whoever holds the code can show that this certificate is theirs: its SHA-256 is above.",
        },
        "erasure": {
            "erasure_id": public_id("erasure", ordered.erasure),
            "status": facts.state.status,
            "cause": ordered.cause,
            "ordered_at": instant_text(facts.events[0].occurred_at),
            "stands_as_of": instant_text(_as_of(facts)),
        },
        "request": facts.request,
        "destroyed": destroyed(facts.events),
        "under_way": sorted(one for one in (*facts.state.to_destroy, *facts.state.to_seal_off)),
        "deferred": _deferred(facts),
        "kept": [
            {
                "retention_class": one.retention_class,
                "exception": one.exception,
                "statute": one.statute,
                "usable_for": list(one.purposes),
                "until": None if one.until is None else one.until.isoformat(),
            }
            for one in ordered.kept
            if one.retention_class not in facts.state.complete
        ],
        "events_rewritten": 0,
        "method": METHOD,
        "recipients_told": [_told(one) for one in facts.told],
        "events": [
            {
                "event_id": public_id("event", one.event_id),
                "type": one.decision.TYPE,
                "at": instant_text(one.occurred_at),
            }
            for one in facts.events
            if _shown(one)
        ],
        "remains": list(REMAINS),
        "how_to_verify": VERIFY,
    }


def destroyed(events: Sequence[Recorded[Any]]) -> list[Document]:
    """Each class whose keys are destroyed and whose older copies are dead, with its keys and instants; by class."""
    effected: dict[RetentionClass, datetime] = {}
    keys: dict[RetentionClass, set[str]] = {}
    found: dict[RetentionClass, Document] = {}
    for event in events:
        match event.decision:
            case ErasureEffected() as decision:
                effected |= dict.fromkeys(decision.classes, event.occurred_at)
                for one in decision.keys:
                    keys.setdefault(one.retention_class, set()).add(one.key.hex)
            case ErasureRepeated() as decision:
                for name in decision.classes:
                    found.pop(name, None)
            case ErasureCompleted() as decision:
                for name in decision.classes:
                    found[name] = {
                        "retention_class": name,
                        "keys": sorted(keys.get(name, ())),
                        "nobody_can_open_since": instant_text(effected[name]),
                        "older_copies_dead_since": instant_text(event.occurred_at),
                        "epoch_destroyed": decision.epoch_destroyed,
                        "epoch": decision.epoch,
                        "key_backup_sha256": decision.backup_sha256,
                    }
            case _:
                pass
    return [found[name] for name in sorted(found)]


def _deferred(facts: Facts) -> list[Document]:
    """What waits for legal holds, as far as the person may know."""
    known = {
        one
        for event in facts.events
        if isinstance(event.decision, ErasureDeferred) and event.decision.subject is not None
        for one in event.decision.deferred
    }
    return [
        {
            "retention_class": one.retention_class,
            "legal_hold_id": public_id("legal_hold", one.legal_hold),
        }
        for one in facts.state.deferred
        if one in known
    ]


def _shown(event: Recorded[Any]) -> bool:
    """True for what stands in the person's own history."""
    decision = event.decision
    kinds = (
        ErasureOrdered,
        ErasureResumed,
        ErasureEffected,
        ErasureCompleted,
        ErasureRepeated,
        ErasureJoined,
        ErasureDeferred,
    )
    return isinstance(decision, kinds) and decision.subject is not None


def _told(one: Told) -> Document:
    state, replies = one.story.state, one.story.replies
    answer = replies[-1] if replies else None
    return {
        "recipient_id": public_id("recipient", one.recipient.id),
        "legal_name": one.recipient.terms.legal_name,
        "country": one.recipient.terms.country,
        "fields": list(state.ordered.fields),
        "told_by": state.ordered.channel,
        "ordered_at": instant_text(one.story.first.occurred_at),
        "outcome": state.outcome,
        "answer": None if answer is None else answer.decision.outcome,
        "answered_at": None if answer is None else instant_text(answer.occurred_at),
        "answer_signed": answer is not None and answer.decision.verified,
    }


def _as_of(facts: Facts) -> datetime:
    """The instant of the newest event that it is made from."""
    of_recipients = [event.occurred_at for one in facts.told for event in one.story.events]
    return max([*(event.occurred_at for event in facts.events), *of_recipients])
