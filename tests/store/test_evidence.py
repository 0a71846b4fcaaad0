"""Evidence about one subject is all there is, shows nobody else, and is checked by a program that shares no code."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from application.ledger.evidence import EvidenceBundle
from application.ledger.log_history import LogHistory
from application.recorded import Recorded
from domain.access import AccessGranted, SubjectSeen
from domain.errors import Behind, LedgerDamaged
from domain.subject import Profile, SubjectRegistered
from domain.values import Personal
from infrastructure.deployment import Deployment
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.subjects import evidence as module
from infrastructure.wall import bound_to
from tests.store.filling import Tenant
from tests.store.ledger_house import LedgerHouse, content, ledger_house

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def house(own_deployment: Deployment) -> Iterator[LedgerHouse]:
    with ledger_house(own_deployment) as made:
        yield made


def verdict(house: LedgerHouse, tenant: UUID, data: bytes, folder: Path) -> tuple[int, str]:
    """What the offline verifier says of a bundle: its exit code and its words."""
    file = folder / f"{uuid4()}.zip"
    file.write_bytes(data)
    command = [sys.executable, str(ROOT / "verifier"), str(file), "--vkey", house.vkey(tenant)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    return done.returncode, done.stdout + done.stderr


def looked_at(tenant: Tenant, *subjects: UUID) -> AccessGranted:
    """Somebody looked at a page of people."""
    seen = tuple(SubjectSeen(one, tenant.engine.ids.uuid().hex) for one in subjects)
    return AccessGranted(uuid4(), "service", None, ("name",), len(seen), seen)


def test_evidence_holds_every_event_and_verifies(house: LedgerHouse, tmp_path: Path) -> None:
    tenant = Tenant(house.engine)
    ada, ben = tenant.register("ada@example.test"), tenant.register("ben@example.test")
    for number in range(7):
        tenant.book(ada if number % 2 else ben, tenant.visit(2 * number))
    house.settle(tenant.id)
    found = house.evidence(tenant.id, ada)
    shown = content(found)
    assert (found.covers, found.count, shown["count"]) == (9, 4, 4)
    assert [one["index"] for one in shown["events"]] == [0, 3, 5, 7]
    code, words = verdict(house, tenant.id, found.data, tmp_path)
    assert code == 0, words


def test_it_shows_nobody_else(house: LedgerHouse, tmp_path: Path) -> None:
    tenant = Tenant(house.engine)
    people = [tenant.register(f"p{at}@example.test") for at in range(5)]
    looked = looked_at(tenant, *people)
    tenant.append(tenant.event(looked.access, 1, looked))
    house.settle(tenant.id)
    for person in people:
        found = house.evidence(tenant.id, person)
        shown = content(found)
        assert shown["count"] == 2
        page = shown["events"][1]
        assert page["payload"] is None and page["branch"]["position"] == people.index(person)
        code, words = verdict(house, tenant.id, found.data, tmp_path)
        assert code == 0, words
        text = str(shown) + "".join(str(b64decode(one["leaf"])) for one in shown["events"])
        assert all(other.hex not in text for other in people if other != person)


def test_of_nobody_it_proves_just_that(house: LedgerHouse, tmp_path: Path) -> None:
    tenant = Tenant(house.engine)
    for at in range(3):
        tenant.register(f"p{at}@example.test")
    house.settle(tenant.id)
    for _ in range(8):
        found = house.evidence(tenant.id, uuid4())
        assert (found.count, content(found)["events"]) == (0, [])
        code, words = verdict(house, tenant.id, found.data, tmp_path)
        assert code == 0, words


def test_a_withheld_tag_tells_nothing_to_the_person_and_opens_by_a_link(
    house: LedgerHouse, tmp_path: Path
) -> None:
    """What is under a gag is recorded under a tag drawn for it; when the gag ends, an event under both links them."""
    tenant = Tenant(house.engine)
    ada, withheld = tenant.register("ada@example.test"), house.engine.ids.uuid()
    looked = looked_at(tenant, withheld)
    tenant.append(tenant.event(looked.access, 1, looked))
    house.settle(tenant.id)
    before = house.evidence(tenant.id, ada)
    shown = content(before)
    assert shown["count"] == 1
    assert withheld.hex not in str(shown)
    officers = content(house.evidence(tenant.id, withheld))
    assert officers["count"] == 1, "the officer and the auditor, who know the tag, find it"
    link = looked_at(tenant, ada, withheld)
    tenant.append(tenant.event(link.access, 1, link))
    house.settle(tenant.id)
    assert content(house.evidence(tenant.id, ada))["count"] == 2
    after = house.evidence(tenant.id, withheld)
    assert content(after)["count"] == 2
    assert verdict(house, tenant.id, after.data, tmp_path)[0] == 0


def test_without_a_map_in_time_it_says_so(
    house: LedgerHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS_MAX", 0.1)
    tenant = Tenant(house.engine)
    ada = tenant.register()
    house.sequence()
    with pytest.raises(Behind):
        house.evidence(tenant.id, ada)
    assert house.press.rows("SELECT tenant_id FROM map_wish") == [(tenant.id,)]


def test_what_was_appended_a_moment_ago_is_in_it_or_it_says_that_it_is_not_there_yet(
    house: LedgerHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS_MAX", 0.1)
    tenant = Tenant(house.engine)
    ada = tenant.register()
    house.settle(tenant.id)
    assert house.evidence(tenant.id, ada).count == 1
    tenant.book(ada, tenant.visit(1))
    with pytest.raises(Behind):
        house.evidence(tenant.id, ada)
    house.settle(tenant.id)
    assert house.evidence(tenant.id, ada).count == 2


def test_a_log_that_has_ended_still_gives_evidence_up_to_its_last_map(
    house: LedgerHouse, tmp_path: Path
) -> None:
    tenant, ada = filled(house)
    with bound_to(tenant.id):
        LogHistory(house.engine.store, house.engine.clock, house.engine.ids).end(
            tenant.id, "moved", 5
        )
    house.settle()
    house.press.signer.signer.freeze(default(tenant.id), "moved")
    tenant.book(ada, tenant.visit(20))
    house.settle(tenant.id)
    found = house.evidence(tenant.id, ada)
    assert found.count == 4
    assert verdict(house, tenant.id, found.data, tmp_path)[0] == 0
    assert house.press.rows("SELECT tenant_id FROM map_wish") == []


def filled(house: LedgerHouse) -> tuple[Tenant, UUID]:
    tenant = Tenant(house.engine)
    ada = tenant.register()
    for number in range(3):
        tenant.book(ada, tenant.visit(2 * number))
    house.settle(tenant.id)
    return tenant, ada


def test_changed_rows_are_told_and_never_given_out(house: LedgerHouse) -> None:
    tenant, ada = filled(house)
    changes = {
        "UPDATE event SET header = set_byte(header, 40, get_byte(header, 40) # 1) WHERE stream_version = 1": "entered",
        "UPDATE event SET state = set_byte(state, 5, get_byte(state, 5) # 1) WHERE stream_version = 1": "payload",
        "DELETE FROM subject_leaf WHERE position = 2": "index",
        "UPDATE subject_chain SET leaves = leaves + 1": "agree",
        "UPDATE subject_chain SET head = set_byte(head, 0, get_byte(head, 0) # 1)": "map",
        "UPDATE subject_map SET nodes = decode(repeat('02', octet_length(nodes)), 'hex')": "map",
    }
    for change, word in changes.items():
        tables = ("event", "subject_leaf", "subject_chain", "subject_map")
        for table in tables:
            house.press.rows(f"CREATE TABLE before_{table} AS SELECT * FROM {table}")
        house.press.rows(change)
        with pytest.raises(LedgerDamaged, match=word):
            house.evidence(tenant.id, ada)
        for table in tables:
            house.press.rows(f"DELETE FROM {table}")
            house.press.rows(f"INSERT INTO {table} SELECT * FROM before_{table}")
            house.press.rows(f"DROP TABLE before_{table}")
        assert house.evidence(tenant.id, ada).count == 4


def test_a_bundle_from_which_an_event_was_taken_is_refused(
    house: LedgerHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody with the log's key leaves an event out and signs a new manifest: the map says that it is missing."""
    tenant, ada = filled(house)
    honest = module.Snapshot

    def without(place: int) -> EvidenceBundle:
        def cut(*values: object) -> object:
            found = list(values)
            leaves = list(found[6])  # type: ignore[call-overload]
            del leaves[place]
            found[6], found[3] = leaves, len(leaves)
            return honest(*found)  # type: ignore[arg-type]

        with monkeypatch.context() as patched:
            patched.setattr(module, "Snapshot", cut)
            return house.evidence(tenant.id, ada)

    for place in (0, 1, -1):
        code, words = verdict(house, tenant.id, without(place).data, tmp_path)
        assert code == 1, words


def test_what_is_sealed_for_others_in_the_same_event_is_left_out(house: LedgerHouse) -> None:
    tenant = Tenant(house.engine)
    ada = tenant.register()
    with bound_to(tenant.id):
        other = house.engine.people.find_or_prepare(
            tenant.id, "o@example.test", uuid4(), ("profile",)
        )
    registered = SubjectRegistered(
        other.subject, "booking", Profile(Personal("Olga"), Personal("o@example.test"))
    )
    event: Recorded[object] = tenant.event(other.subject, 1, registered)
    tenant.append(event)
    house.settle(tenant.id)
    own = content(house.evidence(tenant.id, ada))["events"]
    assert other.subject.hex not in str([b64decode(one["payload"]) for one in own])
