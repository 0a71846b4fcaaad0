"""A database administrator with root, one attack after the other, and what catches each: by name, and by index.

What is asked of every one: that somebody notices who does not have to trust the database. Two cannot be caught by
mathematics alone, and say so: what was never recorded, and a tail that nobody outside has seen yet (for which whoever
holds a receipt is the witness).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import LedgerDamaged
from domain.sealing import Envelope
from infrastructure.canonical import b64, canonical, hmac_sha256, parsed, unb64
from infrastructure.deployment import Deployment
from infrastructure.fsck.checks import check_all
from infrastructure.keys.sealer import Place, SubjectKey, read_envelope, seal
from infrastructure.ledger.publishing.fork_guard import Behind, compare
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signed.checkpoints import TreeHead
from infrastructure.ledger.signed.notes import VerifierKey, sign
from infrastructure.ledger.signed.tlog_proof import parse_tlog_proof
from infrastructure.ledger.signing.signer import Refused
from infrastructure.ledger.signing.signer_keys import derived
from infrastructure.ledger.tree.merkle import leaf_hash, tree_hash
from infrastructure.wall import bound_to
from tests.ledger.bundles import Unpacked
from tests.store.exporting import ExportPress, export_press
from tests.store.filling import Tenant
from tests.verifier.bundles import cosign, witness_key
from tests.verifier.running import Outcome, run

EVENTS = 300
TARGET = 41


@pytest.fixture
def house(own_deployment: Deployment) -> Iterator[ExportPress]:
    with export_press(own_deployment) as made:
        yield made


@pytest.fixture
def tenant(house: ExportPress) -> UUID:
    """A log of 300 events about one customer, signed and mirrored."""
    made = Tenant(house.engine)
    book(made, EVENTS - 1)
    house.publish()
    return made.id


def book(tenant: Tenant, count: int, first: int = 0) -> None:
    """So many visits of Ada's, an hour each, two hours apart."""
    ada = tenant.register()
    for number in range(first, first + count):
        tenant.book(ada, tenant.visit(2 * number))


def exported(house: ExportPress, tenant: UUID, folder: Path) -> Path:
    """The whole log, as an auditor gets it."""
    copy = house.copy(tenant)
    path = folder / f"{uuid4()}.zip"
    path.write_bytes(copy.read(copy.length))
    copy.close()
    return path


def audited(house: ExportPress, tenant: UUID, bundle: Path, *seen: Path) -> Outcome:
    """What the offline verifier says, with the key that the auditor got, and the checkpoints that they kept."""
    known = [word for path in seen for word in ("--known-checkpoint", path)]
    return run(bundle, "--vkey", house.key(tenant).text(), *known)


def kept_checkpoint(house: ExportPress, tenant: UUID, folder: Path) -> Path:
    """The last checkpoint, as an auditor, a witness or a receipt's holder keeps it."""
    path = folder / f"{uuid4()}.txt"
    path.write_text(note(house, tenant))
    return path


def note(house: ExportPress, tenant: UUID) -> str:
    found = house.press.rows(
        "SELECT note FROM ledger_checkpoint WHERE tenant_id = %s ORDER BY size DESC LIMIT 1", tenant
    )
    return str(found[0][0])


def rewrite(house: ExportPress, tenant: UUID, position: int) -> None:
    """Change an event, and make everything in the database fit it: header, leaf hash, tile, checkpoints gone."""
    (header, stream, version) = house.press.rows(
        "SELECT e.header, e.stream_id, e.stream_version FROM sequenced s"
        " JOIN event e USING (tenant_id, stream_id, stream_version) WHERE s.tenant_id = %s AND s.position = %s",
        tenant,
        position,
    )[0]
    assert isinstance(header, bytes)
    changed = header.replace(b'"actor":"key_', b'"actor":"key-')
    assert changed != header
    house.press.rows(
        "UPDATE event SET header = %s WHERE tenant_id = %s AND stream_id = %s AND stream_version = %s",
        *(changed, tenant, stream, version),
    )
    house.press.rows(
        "UPDATE sequenced SET leaf_hash = %s WHERE tenant_id = %s AND position = %s",
        *(leaf_hash(changed), tenant, position),
    )
    n = position // 256
    rows = house.press.rows(
        "SELECT leaf_hash FROM sequenced WHERE tenant_id = %s AND position / 256 = %s ORDER BY position",
        *(tenant, n),
    )
    hashes = [one for (one,) in rows if isinstance(one, bytes)]
    if len(hashes) == 256:
        house.press.rows(
            "UPDATE ledger_tile SET data = %s, root = %s WHERE tenant_id = %s AND level = 0 AND n = %s",
            *(b"".join(hashes), tree_hash(hashes), tenant, n),
        )


def sign_with_a_stolen_key(house: ExportPress, tenant: UUID) -> None:
    """Who has the signer's seed signs whatever the database holds now, past the signer and its memory."""
    seed = next(house.press.deployment.settings.signer.glob("seed-*.key")).read_bytes()
    origin = default(tenant)
    key = Ed25519PrivateKey.from_private_bytes(derived(seed, "log-key", origin))
    size = int(
        str(house.press.rows("SELECT size FROM ledger_head WHERE tenant_id = %s", tenant)[0][0])
    )
    head = TreeHead(default(tenant), size, house.press.root(tenant, size))
    house.press.rows("DELETE FROM ledger_checkpoint WHERE tenant_id = %s", tenant)
    house.press.rows(
        "INSERT INTO ledger_checkpoint (tenant_id, size, root, note, signed_at) VALUES (%s, %s, %s, %s, now())",
        *(tenant, size, head.root, sign(head.text(), head.origin, key).whole()),
    )


def found(house: ExportPress) -> dict[str, Any]:
    """What fsck finds: the first index of each check that finds something."""
    return {
        one.name: one.findings[0].index for one in check_all(house.press.deployment) if one.findings
    }


# --- the attacks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["header", "state"])
def test_changing_one_event_is_caught_at_any_export_by_fsck_and_at_its_next_load(
    house: ExportPress, tenant: UUID, change: str, tmp_path: Path
) -> None:
    stream, version = house.press.rows(
        "SELECT stream_id, stream_version FROM sequenced WHERE tenant_id = %s AND position = %s",
        *(tenant, TARGET),
    )[0]
    house.press.rows(
        f"UPDATE event SET {change} = overlay({change} placing 'X'::bytea from 60) WHERE tenant_id = %s"
        " AND stream_id = %s AND stream_version = %s",
        *(tenant, stream, version),
    )
    with pytest.raises(LedgerDamaged, match=f"[Ee]vent {TARGET}"):
        exported(house, tenant, tmp_path)
    assert found(house)["entries"] == TARGET
    assert isinstance(stream, UUID)
    with bound_to(tenant), pytest.raises(LedgerDamaged):
        house.engine.store.read(tenant, stream)


def test_deleting_an_event_is_caught_the_same_way(
    house: ExportPress, tenant: UUID, tmp_path: Path
) -> None:
    house.press.rows(
        "DELETE FROM event e USING sequenced s WHERE s.tenant_id = %s AND s.position = %s"
        " AND (e.tenant_id, e.stream_id, e.stream_version) = (s.tenant_id, s.stream_id, s.stream_version)",
        *(tenant, TARGET),
    )
    with pytest.raises(LedgerDamaged, match=str(TARGET)):
        exported(house, tenant, tmp_path)
    assert found(house)["entries"] == TARGET


def test_a_whole_tree_that_was_rewritten_gets_no_signature_at_the_next_tick(
    house: ExportPress, tenant: UUID
) -> None:
    rewrite(house, tenant, TARGET)
    house.press.append(tenant, 1)
    house.publisher.tick()
    assert "inconsistent" in house.publisher.refused[tenant]
    assert found(house)["mirror"] == TARGET


def test_a_thief_of_the_log_s_key_is_contradicted_by_every_checkpoint_that_left_the_house(
    house: ExportPress, tenant: UUID, tmp_path: Path
) -> None:
    seen = kept_checkpoint(house, tenant, tmp_path)
    rewrite(house, tenant, TARGET)
    sign_with_a_stolen_key(house, tenant)
    forged = exported(house, tenant, tmp_path)
    assert audited(house, tenant, forged).code == 0, "alone it looks whole: that is the attack"
    refused = audited(house, tenant, forged, seen)
    assert refused.code == 1
    assert "known" in refused.reason


def test_a_tail_that_no_witness_saw_is_held_by_who_has_a_receipt(
    house: ExportPress, tenant: UUID, tmp_path: Path
) -> None:
    with bound_to(tenant):
        event = house.press.rows(
            "SELECT event_id FROM sequenced WHERE tenant_id = %s AND position = %s",
            tenant,
            EVENTS - 1,
        )[0][0]
        assert isinstance(event, UUID)
        ledger = house.exports.ledger
        shown = ledger.event(tenant, event)
        assert shown is not None and shown != "queued"
        receipt = ledger.receipt(tenant, shown)
    assert receipt is not None
    rewrite(house, tenant, EVENTS - 1)
    sign_with_a_stolen_key(house, tenant)
    held = tmp_path / "receipt-checkpoint"
    held.write_text(parse_tlog_proof(receipt.text).note)
    assert audited(house, tenant, exported(house, tenant, tmp_path), held).code == 1


def test_an_event_that_is_removed_while_it_waits_is_missed(
    house: ExportPress, tenant: UUID
) -> None:
    """With its row in the queue: whoever was told its id gets no receipt, and the slot that it took is nobody's."""
    it = Tenant(house.engine, id=tenant)
    booked = it.book(it.register(), it.visit(2 * EVENTS))
    event = house.press.rows("DELETE FROM event WHERE stream_id = %s RETURNING event_id", booked)
    house.press.rows("DELETE FROM event_queue WHERE tenant_id = %s", tenant)
    house.publish()
    told = event[0][0]
    assert isinstance(told, UUID)
    with bound_to(tenant):
        assert house.exports.ledger.event(tenant, told) is None
    assert "book" in found(house)


def test_going_on_from_an_old_backup_is_refused_at_start(house: ExportPress, tenant: UUID) -> None:
    for table in ("sequenced", "ledger_head", "ledger_tile", "sequencer_head", "event"):
        house.press.rows(f"CREATE TABLE backup_{table} AS SELECT * FROM {table}")
    house.press.append(tenant, 10)
    house.publish()
    for table in ("sequenced", "ledger_head", "ledger_tile", "sequencer_head", "event"):
        house.press.rows(f"DELETE FROM {table}")
        house.press.rows(f"INSERT INTO {table} SELECT * FROM backup_{table}")
    house.press.mirror.__exit__(None, None, None)
    with pytest.raises(Behind, match=str(EVENTS)):
        compare(house.press.deployment)


def test_two_histories_for_two_auditors_do_not_go_together(
    house: ExportPress, tenant: UUID, tmp_path: Path
) -> None:
    shown_to_one = exported(house, tenant, tmp_path)
    seen_by_one = kept_checkpoint(house, tenant, tmp_path)
    assert audited(house, tenant, shown_to_one).code == 0
    rewrite(house, tenant, TARGET)
    sign_with_a_stolen_key(house, tenant)
    shown_to_other = exported(house, tenant, tmp_path)
    assert audited(house, tenant, shown_to_other, seen_by_one).code == 1


def test_a_clock_that_was_set_back_is_contradicted_by_a_witness_s_time(
    house: ExportPress, tenant: UUID, tmp_path: Path
) -> None:
    """Events that the log got after a witness had cosigned it cannot be of an hour before."""
    witness, kept = Ed25519PrivateKey.generate(), tmp_path / "cosigned"
    vkey = witness_key("w.example", witness).text()
    policy = tmp_path / "policy"
    policy.write_text(f"log {house.key(tenant).text()}\nwitness W {vkey}\nquorum none\n")
    seen, now = note(house, tenant).encode(), int(time.time())
    book(Tenant(house.engine, id=tenant), 2, EVENTS)
    house.publish()
    bundle = exported(house, tenant, tmp_path)

    def audited_at(seconds: int) -> Outcome:
        kept.write_bytes(cosign(seen, "w.example", witness, seconds))
        return run(bundle, "--policy", policy, "--known-checkpoint", kept)

    assert audited_at(now).code == 0
    # The witness's clock an hour ahead of the house's is the house's an hour behind.
    refused = audited_at(now + 3_600)
    assert (refused.code, refused.index) == (1, EVENTS)
    assert "w.example saw the log without it" in refused.reason


def test_the_signer_refuses_a_second_history_of_the_same_size(
    house: ExportPress, tenant: UUID
) -> None:
    request = house.press.signer.asked[-1]
    other = type(request)(request.origin, request.size, request.size, bytes(32), ())
    answer = house.press.signer.signer.sign([other])[0]
    assert isinstance(answer, Refused) and answer.reason == "inconsistent"


def test_a_row_taken_out_of_a_copy_is_named(
    house: ExportPress, tenant: UUID, tmp_path: Path
) -> None:
    """At the tail, too: whoever makes the copy smaller has to have a checkpoint for it."""
    whole = Unpacked.read(exported(house, tenant, tmp_path).read_bytes())
    folder = tmp_path / "unpacked"
    for name, data in whole.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "manifest.json").unlink()
    (folder / "manifest.sig").unlink()
    assert audited(house, tenant, folder).code == 0, "a bare tlog-tiles folder is as good"
    entries = folder / "tile" / "entries" / f"001.p/{EVENTS - 256}"
    data = entries.read_bytes()
    last = parsed_lengths(data)[-1]
    entries.write_bytes(data[: -last - 2])
    refused = audited(house, tenant, folder)
    assert refused.code in (1, 2)
    assert refused.index is not None and refused.index >= 256


def parsed_lengths(data: bytes) -> list[int]:
    """The lengths of the entries of a bundle."""
    found, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        found.append(length)
        at += 2 + length
    return found


def test_another_plaintext_does_not_fit_the_commitment(tenant: UUID) -> None:
    """One ciphertext may open to two plaintexts under two keys; the commitment in the header fits one of them."""
    place = Place(tenant, uuid4(), 1, "subject.registered.v1", uuid4(), "profile")
    key = SubjectKey(uuid4(), AESGCM(bytes(32)))
    sealed = seal(place, key, {"name": "Ada Example"})
    parts = read_envelope(Envelope(sealed.line.decode()))
    opened = parsed(
        key.cipher.decrypt(parts.nonce, parts.ciphertext, parts.place.associated_data())
    )
    salt = unb64(opened["salt"])
    assert b64(hmac_sha256(salt, canonical(opened["fields"]))) == sealed.header["pc"]
    assert b64(hmac_sha256(salt, canonical({"name": "Ben Example"}))) != sealed.header["pc"]


def test_the_log_s_key_is_the_auditor_s_own(
    house: ExportPress, tenant: UUID, tmp_path: Path
) -> None:
    """A copy that comes with a key of its own proves nothing: the auditor brings the key."""
    bundle = exported(house, tenant, tmp_path)
    stranger = VerifierKey(
        default(tenant), 1, Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    )
    assert run(bundle, "--vkey", stranger.text()).code == 1
