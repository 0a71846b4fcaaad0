"""The end of a log, and where a log stands.

Freezing a log says so in the log itself, waits until that leaf is mirrored and signed for, and then has the signer sign
nothing more for it, ever. Where nobody runs, the verb does the parts' work itself; where the leaf cannot be signed (the
history is in doubt, the database is away), `at_once` freezes without it.
"""

from __future__ import annotations

from typing import Any, Final

from api.ledger_office import LedgerRefused, LedgerUnfinished, Log, Office
from domain.ledger import FreezeReason
from domain.values import public_id
from infrastructure.database import Database
from infrastructure.ledger.publishing.mirror import FolderMirror
from infrastructure.ledger.publishing.origins import Origins
from infrastructure.ledger.publishing.publisher import Publisher
from infrastructure.ledger.signing.signer import Refused, SignRequest
from infrastructure.ledger.signing.signer_access import signer_of
from infrastructure.ledger.tree import merkle
from infrastructure.ledger.tree.stored_tree import StoredTree
from infrastructure.ledger.tree.tile_writer import TreeDamaged
from infrastructure.server.processes import wait_until
from infrastructure.settings import Settings
from infrastructure.store.sequencer import Sequencer
from infrastructure.wall import bound_to

COVERED: Final = (
    "SELECT c.note FROM sequenced s JOIN ledger_checkpoint c ON c.tenant_id = s.tenant_id AND c.size > s.position"
    " WHERE s.tenant_id = %b AND s.event_id = %b ORDER BY c.size DESC LIMIT 1"
)
STANDING: Final = (
    "SELECT coalesce(max(size), 0), coalesce(max(size) FILTER (WHERE cosigned_at IS NOT NULL), 0)"
    " FROM ledger_checkpoint WHERE tenant_id = %b"
)
OLDEST: Final = "SELECT recorded_at FROM sequenced WHERE tenant_id = %b AND position >= %s ORDER BY position LIMIT 1"


def freeze(office: Office, log: Log, reason: FreezeReason, seconds_max: float) -> dict[str, Any]:
    """End a log; does nothing to one that has ended. Raises LedgerUnfinished: its last leaf was not signed in time."""
    if office.signer.frozen(log.origin) is None:
        with bound_to(log.tenant):
            event = office.history.end(log.tenant, reason, log.size)
        if not office.running:
            publish_here(office)
        wanted = (log.tenant, event.event_id)
        if not wait_until(lambda: bool(office.publishing.rows(COVERED, wanted)), seconds_max):
            raise LedgerUnfinished(
                "the leaf that ends the log is stored, but not signed for: not frozen yet. Run this again,"
                " or with --at-once, which waits for nothing (`daybook ledger status` says what hinders)"
            )
        office.signer.freeze(log.origin, reason)
    return frozen(office.signer.frozen(log.origin), log.origin, office.signer.size(log.origin))


def freeze_at_once(settings: Settings, origin: str, reason: FreezeReason) -> dict[str, Any]:
    """End a log in the signer alone: no leaf says so. Needs no database. Refuses: LedgerRefused (not known)."""
    with signer_of(settings) as (signer, _):
        if signer.size(origin) == 0 and signer.frozen(origin) is None:
            raise LedgerRefused(f"the signer never signed for {origin}: name it with --origin")
        signer.freeze(origin, reason)
        return frozen(signer.frozen(origin), origin, signer.size(origin))


def frozen(reason: str | None, origin: str, size: int) -> dict[str, Any]:
    """What is told of a frozen log."""
    return {"origin": origin, "frozen": reason, "size": size}


def publish_here(office: Office) -> None:
    """Sequence, mirror and publish what there is, in place of the parts, none of which runs. Raises MirrorInUse."""
    order = Database(office.deployment.dsn_of("sequencer"), size=1, walled=False)
    try:
        sequencer = Sequencer(order, office.clock)
        while sequencer.sequence_now():
            pass
    finally:
        order.close()
    with FolderMirror(office.settings.mirror) as mirror:
        publisher = Publisher(
            office.publishing, mirror, office.signer, Origins(office.publishing), office.clock
        )
        publisher.open()
        while publisher.tick() or publisher.unfinished():
            pass


def standing(office: Office, log: Log) -> dict[str, Any]:
    """How far a log is signed for, and why no further."""
    (published, cosigned), *_ = office.publishing.rows(STANDING, (log.tenant,))
    oldest = office.publishing.row(OLDEST, (log.tenant, published))
    age = (office.clock.now() - oldest[0]).total_seconds() if oldest else None
    return {
        "tenant": public_id("tenant", log.tenant),
        "origin": log.origin,
        "size": log.size,
        "signed_size": office.signer.size(log.origin),
        "published_size": published,
        "cosigned_size": cosigned or None,
        "oldest_unsigned_seconds": None if age is None else round(max(age, 0.0), 3),
        "signer": "running" if office.running else "not running",
        "frozen": office.signer.frozen(log.origin),
        "refused": refusal(office, log),
    }


def refusal(office: Office, log: Log) -> str | None:
    """Why the signer would not sign the log as the database has it now; None where it would."""
    known = office.signer.size(log.origin)
    tree = StoredTree(office.publishing.rows).reader(log.tenant, log.size)
    try:
        proof = merkle.consistency_proof(known, log.size, tree) if 0 < known < log.size else []
        root = merkle.root(log.size, tree)
    except TreeDamaged as damage:
        return str(damage)
    found: Refused | None = office.signer.objection(
        SignRequest(log.origin, min(known, log.size), log.size, root, tuple(proof))
    )
    # The running publisher may have been faster than we were; that is no refusal.
    return None if found is None or found.reason == "behind" else found.reason
