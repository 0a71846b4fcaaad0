"""Key rotation: a new seed beside the old one, then the new one alone. Every log says so of itself.

    rotate   make the seed | tell every log | activate it: both sign | tell the newest logs | sign idle ones again
    retire   tell whoever was not told | stop the old seed | tell every log up to where it signed | destroy it

Killed between any two of these, the verb is run again and goes on from there: what is done is seen by the names of the
seeds and by the logs themselves. The old seed is stopped before the logs are told of it, so that what they say is true:
nothing beyond that size bears its signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from api.ledger_office import LedgerRefused, Log, Office
from domain.ledger import LogKeyAdded, LogKeyRetired
from domain.values import public_id
from infrastructure.canonical import canonical, parsed
from infrastructure.ledger.signed.mldsa import MLDSA44
from infrastructure.ledger.signed.notes import Note, VerifierKey, parse_note
from infrastructure.ledger.signing.signer import Signed, SignRequest
from infrastructure.ledger.signing.signer_keys import keys_of
from infrastructure.ledger.signing.signer_memory import write_whole
from infrastructure.ledger.signing.signer_seeds import Seed
from infrastructure.server.processes import wait_until
from infrastructure.wall import bound_to

OVERLAP_DAYS: Final = 90
IN_FLIGHT_SECONDS_MAX: Final = 10.0
LOGS_AT_ONCE: Final = 500
KEPT: Final = "retired.json"
NEWEST: Final = (
    "SELECT DISTINCT ON (tenant_id) tenant_id, size, root, note FROM ledger_checkpoint"
    " WHERE tenant_id = ANY(%b::uuid[]) ORDER BY tenant_id, size DESC"
)
SIGNED_AGAIN: Final = (
    "UPDATE ledger_checkpoint SET note = %s"
    " WHERE tenant_id = %b AND size = %s AND note = %s RETURNING true"
)


def rotate(office: Office) -> dict[str, Any]:
    """Bring a new seed in, or finish bringing it in. Refuses: RotationInUse, LedgerRefused (two sign already)."""
    seeds = office.seeds
    with seeds.alone():
        number = seeds.rotating()
        if number is None:
            active = seeds.active()
            if len(active) > 1 or seeds.seeds("retiring"):
                raise LedgerRefused(
                    "a key is on its way out: `daybook ledger retire-key` comes before another rotation"
                )
            number = active[-1].number + 1
            seeds.begin(number)
        seeds.make(number)
        (seed,) = (one for one in seeds.seeds("pending", "key") if one.number == number)
        told = tell(office, seed)
        seeds.activate(number, office.clock.now())
        told += tell(office, seed)
        waiting = sign_again(office, seed)
        seeds.finish()
    return {"seed": number, "logs_told": told, "waiting_for_publisher": waiting}


def retire(office: Office, *, after_days: int, at_once: bool) -> dict[str, Any]:
    """Take every seed but the newest out, or finish that. Refuses: RotationInUse, LedgerRefused."""
    seeds = office.seeds
    with seeds.alone():
        stopped = seeds.seeds("retiring")
        if not stopped:
            newest, old = due_for_retirement(office, after_days=after_days, at_once=at_once)
            tell(office, newest)
            for seed in old:
                seeds.stop(seed.number)
            stopped = seeds.seeds("retiring")
        told = 0
        for log in office.open_logs():
            for key in keys_for(office, log, stopped):
                told += office.retire_key(log, key.text())
        keep_public(office, stopped)
        for seed in stopped:
            seeds.destroy(seed.number)
    return {"seeds": [seed.number for seed in stopped], "logs_told": told}


def due_for_retirement(
    office: Office, *, after_days: int, at_once: bool
) -> tuple[Seed, Sequence[Seed]]:
    """The seed that stays, and those that go. Refuses: LedgerRefused."""
    if office.seeds.rotating() is not None:
        raise LedgerRefused("a rotation is not finished: `daybook ledger rotate-key` finishes it")
    *old, newest = office.seeds.active()
    if not old:
        raise LedgerRefused("there is one key only: `daybook ledger rotate-key` makes another")
    if at_once:
        return newest, old
    if newest.since is None:
        raise LedgerRefused(f"it is not known since when seed {newest.number} signs")
    due = newest.since + timedelta(days=after_days)
    if office.clock.now() < due:
        raise LedgerRefused(
            f"both keys sign until {due.isoformat(timespec='seconds')}, so that auditors can follow"
            " (a key that is lost goes with --now --reason lost)"
        )
    return newest, old


def tell(office: Office, seed: Seed, *, only_kind: int | None = None) -> int:
    """Tell every log of a seed's keys, once; how many keys were told."""
    told = 0
    for log in office.open_logs():
        for key in keys_for(office, log, [seed]):
            if only_kind in (None, key.kind):
                told += office.add_key(log, key.text())
    return told


def tell_lattice_keys(office: Office) -> dict[str, Any]:
    """Tell every log of the ML-DSA-44 keys that sign for it. Refuses: RotationInUse, LedgerRefused (switched off)."""
    if not office.lattice:
        raise LedgerRefused(
            "the signer does not sign with ML-DSA-44: DAYBOOK_MLDSA=1 switches it on"
        )
    with office.seeds.alone():
        told = sum(tell(office, seed, only_kind=MLDSA44) for seed in office.seeds.active())
    return {"logs_told": told}


def sign_again(office: Office, seed: Seed) -> int:
    """Have the last checkpoint of every log signed by a seed too; how many are left to the publisher.

    One that was signed just before, and is not published yet, is waited for a short while.
    """
    left: list[Log] = office.open_logs()

    def none_left() -> bool:
        batches = [left[at : at + LOGS_AT_ONCE] for at in range(0, len(left), LOGS_AT_ONCE)]
        left[:] = [log for some in batches for log in unsigned(office, seed, some)]
        return not left

    wait_until(none_left, IN_FLIGHT_SECONDS_MAX if office.running else 0.0)
    return len(left)


def unsigned(office: Office, seed: Seed, logs: Sequence[Log]) -> list[Log]:
    """Have some logs signed by a seed too; those that could not be."""
    rows = office.publishing.rows(NEWEST, ([log.tenant for log in logs],))
    found: Mapping[UUID, Any] = {row[0]: row[1:] for row in rows}
    due: list[tuple[Log, SignRequest, Note]] = []
    for log in logs:
        if log.tenant in found:
            size, root, text = found[log.tenant]
            note, (key, *_) = parse_note(text), keys_for(office, log, [seed])
            if not note.by(key):
                due.append((log, SignRequest(log.origin, size, size, root, ()), note))
    left: list[Log] = []
    answers = office.signer.sign([request for _, request, _ in due])
    for (log, request, note), answer in zip(due, answers, strict=True):
        if not isinstance(answer, Signed):
            left.append(log)
            continue
        whole = with_signatures(note, parse_note(answer.note))
        values = whole.whole(), log.tenant, request.size, note.whole()
        if not office.publishing.rows(SIGNED_AGAIN, values):
            left.append(log)  # a witness cosigned it meanwhile
    return left


def with_signatures(note: Note, more: Note) -> Note:
    """A note with those signatures of another one of the same text that it has not; cosignatures stay."""
    assert note.text == more.text
    known = {(each.name, each.key_id) for each in note.signatures}
    added = tuple(each for each in more.signatures if (each.name, each.key_id) not in known)
    return Note(note.text, (*note.signatures, *added))


def keys_for(office: Office, log: Log, seeds: Sequence[Seed]) -> list[VerifierKey]:
    """The keys of some seeds for one log."""
    return [
        key
        for seed in seeds
        for key in keys_of(seed.secret, log.origin, office.lattice).verifier_keys()
    ]


def keep_public(office: Office, seeds: Sequence[Seed]) -> None:
    """Keep the public keys of frozen logs: their last checkpoints bear no newer signature."""
    kept = kept_public(office)
    for log in office.logs():
        if office.signer.frozen(log.origin) is not None:
            keys = [key.text() for key in keys_for(office, log, seeds)]
            kept[log.origin] = sorted({*kept.get(log.origin, ()), *keys})
    if kept:
        write_whole(office.settings.signer / KEPT, canonical(kept))


def kept_public(office: Office) -> dict[str, list[str]]:
    """The public keys of frozen logs that sign nothing any more, by origin."""
    try:
        return dict(parsed((office.settings.signer / KEPT).read_bytes()))
    except FileNotFoundError:
        return {}


def shown(office: Office, log: Log) -> dict[str, Any]:
    """A log's keys, for a person or a program: what is, what is to come, what was."""
    states = {"key": "active", "pending": "pending", "retiring": "retiring"}
    with bound_to(log.tenant):
        said = office.history.of(log.tenant)
    added = {it.decision.vkey: it.decision for it in said if isinstance(it.decision, LogKeyAdded)}
    retired = {
        it.decision.vkey: it.decision for it in said if isinstance(it.decision, LogKeyRetired)
    }
    keys: dict[str, dict[str, Any]] = {}
    for vkey in (*kept_public(office).get(log.origin, ()), *retired):
        keys[vkey] = {"state": "retired", "seed": None, "since": None}
    for seed in office.seeds.seeds("key", "pending", "retiring"):
        since = seed.since.isoformat() if seed.since else None
        for key in keys_for(office, log, [seed]):
            keys[key.text()] = {"state": states[seed.state], "seed": seed.number, "since": since}
    for vkey, key_shown in keys.items():
        lattice = VerifierKey.parse(vkey).kind == MLDSA44
        key_shown["vkey"] = vkey
        key_shown["kind"] = "ML-DSA-44" if lattice else "Ed25519"
        key_shown["from_size"] = added[vkey].from_size if vkey in added else None
        key_shown["last_size"] = retired[vkey].last_size if vkey in retired else None
    return {
        "tenant": public_id("tenant", log.tenant),
        "origin": log.origin,
        "frozen": office.signer.frozen(log.origin),
        "keys": list(keys.values()),
    }
