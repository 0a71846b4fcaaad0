"""`fsck` finds nothing where nothing is wrong; and every check of it finds what one change by hand breaks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest

from infrastructure.canonical import sha256
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.fsck.checks import CHECKS, check_all
from infrastructure.fsck.finding import Finding
from infrastructure.ledger.publishing.mirror import CHECK_BYTES, LENGTH, MirroredEvent, read_segment
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signing.signer_keys import MEMORY
from infrastructure.ledger.signing.signer_memory import Remembered, line_of
from infrastructure.twin.memory import SettableClock
from tests.store.damage import changed, done_by_hand, event_at
from tests.store.ledger_house import LedgerHouse, ledger_house
from tests.store.trading import Trade, trade

SUBJECT, BOOKED, MOVED = 13, 19, 20  # in the log of every trade
REVISED = 280
BEYOND = 100_000


@dataclass
class House:
    """A house in which `one` trades, with a full tile, and `two`."""

    house: LedgerHouse
    one: Trade
    two: Trade

    @property
    def deployment(self) -> Deployment:
        """Its deployment."""
        return self.house.press.deployment

    def found(self, tenant: UUID | None = None) -> list[Finding]:
        """All that is found."""
        done = check_all(self.deployment, tenant)
        assert [each.name for each in done] == list(CHECKS)
        return [finding for each in done for finding in each.findings]

    def size(self) -> int:
        """The size of the log that is damaged."""
        found = self.house.press.rows(
            "SELECT size FROM ledger_head WHERE tenant_id = %s", self.one.tenant
        )
        return int(str(found[0][0]))

    def damaged(
        self, tables: tuple[str, ...], statements: tuple[str, ...]
    ) -> AbstractContextManager[None]:
        """The log of the first, changed by hand."""
        values: dict[str, Any] = {
            "tenant": self.one.tenant,
            "staff": self.one.sam,
            "cut": self.one.cut,
        }
        return done_by_hand(self.deployment, tables, statements, **values)


@pytest.fixture(scope="module")
def both(module_deployment: Deployment) -> Iterator[House]:
    with ledger_house(module_deployment) as house:
        made = House(house, trade(house.engine), trade(house.engine))
        made.one.revise(REVISED)
        house.settle(made.one.tenant, made.two.tenant)
        made.two.hold(30)
        made.one.book(31, "dora")
        house.settle(made.one.tenant)
        yield made


# --- nothing is found ------------------------------------------------------------------------------------------------


def test_nothing_is_found_where_nothing_is_wrong(both: House) -> None:
    seen: dict[str, int] = {}

    def told(name: str, count: int) -> None:
        seen[name] = seen.get(name, 0) + count

    done = check_all(both.deployment, told=told)
    assert [finding for each in done for finding in each.findings] == []
    assert seen["entries"] == seen["mirror"] > both.size() > 256, "every event was looked at"
    assert seen["subjects"] > seen["entries"] and seen["book"] > 30 and seen["signed"] >= 3
    assert both.found(both.two.tenant) == []


def test_events_that_wait_are_not_lost(both: House) -> None:
    """For a place, for the mirror, for a signature, for the index and the map: each is later than the one before."""
    house = both.house
    both.one.cancel(both.one.book(40, "dora"))
    assert both.found() == []
    house.sequence()
    assert both.found() == []
    with house.mapping.connection() as connection:
        house.cartographer.step(connection)
        assert both.found() == []
    house.publisher.tick()
    assert both.found() == []
    house.settle(both.one.tenant)
    assert both.found() == []


def test_a_hold_whose_time_is_over_stands_until_its_end_is_recorded(both: House) -> None:
    long_ago = SettableClock(both.house.engine.clock.now() - timedelta(days=30))
    engine = Engine.connect(both.deployment, connections=1, clock=long_ago)
    try:
        old = Trade(engine)
        old.hold(5)
        old.hold(7, old.lesson)
    finally:
        engine.close()
    standing = "SELECT count(*) FROM reservation WHERE tenant_id = %s"
    assert both.house.press.rows(standing, old.tenant) == [(2,)]
    assert both.found() == []


def test_writers_and_followers_at_work_are_no_damage(both: House) -> None:
    """Everything runs while it is checked, again and again."""
    house, stop, failed = both.house, Event(), list[BaseException]()
    hours = iter(range(100, 100_000))

    def write() -> None:
        try:
            while not stop.is_set():
                hour = next(hours) % 700 + 60
                both.two.give_up(both.two.hold(hour))
                both.two.cancel(both.two.book(hour, f"customer{hour % 7}"))
        except BaseException as error:
            failed.append(error)

    def work() -> None:
        try:
            while not stop.is_set():
                house.settle(both.two.tenant)
        except BaseException as error:
            failed.append(error)

    threads = [Thread(target=write), Thread(target=work)]
    for thread in threads:
        thread.start()
    try:
        before = both.house.press.published(both.two.tenant)
        for _ in range(6):
            assert both.found() == []
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed
    house.settle(both.two.tenant)
    assert both.found() == [] and both.house.press.published(both.two.tenant) != before


# --- what each check sees -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Damage:
    """What is done, and what is found: by which check, at which index (None: at none), in these words."""

    tables: str
    statement: str
    check: str
    index: int | None
    words: str
    more: str = ""


OF_TENANT = "tenant_id = %(tenant)s"
DAMAGES: dict[str, Damage] = {
    # entries
    "a byte of a header": Damage(
        "event",
        f"UPDATE event SET {changed('header', 40)} WHERE {event_at(MOVED)}",
        *("entries", MOVED, "its header is not the one that was hashed"),
    ),
    "a byte of a payload": Damage(
        "event",
        f"UPDATE event SET {changed('state', 12)} WHERE {event_at(MOVED)}",
        *("entries", MOVED, "its payload is not the one that was entered"),
    ),
    "a byte of a sealed value": Damage(
        "event",
        """UPDATE event SET state = overlay(state PLACING 'AAAA'::bytea FROM position('"ct":"'::bytea IN state) + 6)"""
        f" WHERE {event_at(SUBJECT)}",
        *("entries", SUBJECT, "a sealed value of it is not the one that was entered"),
    ),
    "an envelope less": Damage(
        "event",
        "UPDATE event SET state = substring(state FROM 1 FOR position('\\x0a'::bytea IN state) - 1)"
        f" WHERE {event_at(SUBJECT)}",
        *("entries", SUBJECT, "its payload is not the one that was entered"),
    ),
    "a row's type": Damage(
        "event",
        f"UPDATE event SET type = 'booking.completed.v1' WHERE {event_at(MOVED)}",
        *("entries", MOVED, "its row has another type than its header"),
    ),
    "a row's id": Damage(
        "event",
        f"UPDATE event SET event_id = gen_random_uuid() WHERE {event_at(MOVED)}",
        *("entries", MOVED, "another event stands in its stream"),
    ),
    "a leaf hash": Damage(
        "sequenced",
        f"UPDATE sequenced SET {changed('leaf_hash', 5)} WHERE {OF_TENANT} AND position = {MOVED}",
        *("entries", MOVED, "its header is not the one that was hashed"),
    ),
    "an event that is gone": Damage(
        "event",
        f"DELETE FROM event WHERE {event_at(BOOKED)}",
        *("entries", BOOKED, "its event is missing"),
    ),
    "a place that is gone": Damage(
        "sequenced",
        f"DELETE FROM sequenced WHERE {OF_TENANT} AND position = {BOOKED}",
        *("entries", BOOKED + 1, f"it stands where entry {BOOKED} should: positions have a gap"),
    ),
    "a place known too late": Damage(
        "sequenced",
        f"UPDATE sequenced SET recorded_at = recorded_at + interval '1 day' WHERE {OF_TENANT}"
        f" AND position = {BOOKED}",
        *("entries", BOOKED + 1, "it was known before the entry before it"),
    ),
    "the size of a head": Damage(
        "ledger_head",
        f"UPDATE ledger_head SET size = 30 WHERE {OF_TENANT}",
        *("entries", 30, "the log's head says 30 entries"),
    ),
    "the time of a head": Damage(
        "ledger_head",
        f"UPDATE ledger_head SET recorded_at = recorded_at + interval '1 s' WHERE {OF_TENANT}",
        *("entries", -1, "the log's head was known at another time than its last entry"),
    ),
    "a head that is gone": Damage(
        "ledger_head",
        f"DELETE FROM ledger_head WHERE {OF_TENANT}",
        *("entries", None, "the log has entries and no head"),
    ),
    # streams
    "an event without a place": Damage(
        "sequenced",
        f"DELETE FROM sequenced WHERE {OF_TENANT} AND position = {BOOKED}",
        *("streams", None, "is stored, but has no place and does not wait for one"),
    ),
    "an event that waits and is not there": Damage(
        "event_queue",
        "INSERT INTO event_queue (tenant_id, event_ids, stream_ids, stream_versions) VALUES"
        " (%(tenant)s, ARRAY[gen_random_uuid()], ARRAY[gen_random_uuid()], ARRAY[1])",
        *("streams", None, "waits for a place, but is not stored so"),
    ),
    "an event that waits and has a place": Damage(
        "event_queue",
        "INSERT INTO event_queue (tenant_id, event_ids, stream_ids, stream_versions)"
        " SELECT tenant_id, ARRAY[event_id], ARRAY[stream_id], ARRAY[stream_version] FROM sequenced"
        f" WHERE {OF_TENANT} AND position = {BOOKED}",
        *("streams", BOOKED, "waits for a place, and has one"),
    ),
    "an event that is there twice": Damage(
        "event",
        "INSERT INTO event SELECT (jsonb_populate_record(e, jsonb_build_object('stream_id', gen_random_uuid()))).*"
        f" FROM event e WHERE {event_at(BOOKED)}",
        *("streams", None, "is there twice"),
    ),
    "a stream with a gap": Damage(
        "event",
        f"DELETE FROM event WHERE {event_at(BOOKED)}",
        *("streams", None, "has a gap"),
    ),
    "a stream out of order": Damage(
        "sequenced",
        f"UPDATE sequenced SET position = {BEYOND} WHERE {OF_TENANT} AND position = {BOOKED}",
        *("streams", MOVED, "is out of order in the log"),
    ),
    # tree
    "a hash in a tile": Damage(
        "ledger_tile",
        f"UPDATE ledger_tile SET {changed('data', 5 * 32 + 1)} WHERE {OF_TENANT}",
        *("tree", 5, "tile 0 of level 0 has another hash than the tree"),
    ),
    "the root of a tile": Damage(
        "ledger_tile",
        f"UPDATE ledger_tile SET {changed('root', 1)} WHERE {OF_TENANT}",
        *("tree", 0, "tile 0 of level 0 has another root"),
    ),
    "a tile that is gone": Damage(
        "ledger_tile",
        f"DELETE FROM ledger_tile WHERE {OF_TENANT}",
        *("tree", 0, "tile 0 of level 0 is missing"),
    ),
    "a tile too many": Damage(
        "ledger_tile",
        f"INSERT INTO ledger_tile SELECT tenant_id, 0, 1, root, data FROM ledger_tile WHERE {OF_TENANT}",
        *("tree", 256, "tile 1 of level 0 is there, but the log does not fill it"),
    ),
    "a tile of a level too many": Damage(
        "ledger_tile",
        f"INSERT INTO ledger_tile SELECT tenant_id, 1, 0, root, data FROM ledger_tile WHERE {OF_TENANT}",
        *("tree", 0, "tile 0 of level 1 is there, but the log does not fill it"),
    ),
    # signed
    "the root of a checkpoint": Damage(
        "ledger_checkpoint",
        f"UPDATE ledger_checkpoint SET {changed('root', 1)} WHERE {OF_TENANT}",
        *("signed", -1, "has another root"),
    ),
    "the note of a checkpoint": Damage(
        "ledger_checkpoint",
        f"UPDATE ledger_checkpoint SET note = replace(note, size::text, (size + 1)::text) WHERE {OF_TENANT}",
        *("signed", -1, "it says something else than its row"),
    ),
    "the signature of a checkpoint": Damage(
        "ledger_checkpoint",
        f"UPDATE ledger_checkpoint SET note = overlay(note PLACING 'AAAA' FROM length(note) - 20) WHERE {OF_TENANT}",
        *("signed", -1, "the checkpoint of"),
    ),
    "a checkpoint beyond the log": Damage(
        "ledger_checkpoint",
        f"UPDATE ledger_checkpoint SET size = {BEYOND} WHERE {OF_TENANT}",
        *("signed", -2, f"a checkpoint of {BEYOND} entries, which are not there"),
    ),
    "a rewritten leaf hash": Damage(
        "sequenced",
        f"UPDATE sequenced SET {changed('leaf_hash', 5)} WHERE {OF_TENANT} AND position = {MOVED}",
        *("signed", -1, "the signer signed another tree"),
    ),
    # mirror
    "an event that the mirror has otherwise": Damage(
        "event",
        f"UPDATE event SET {changed('state', 12)} WHERE {event_at(MOVED)}",
        *("mirror", MOVED, "its payload in the database is not that in the mirror"),
    ),
    # book
    "a reservation that is gone": Damage(
        "reservation",
        f"DELETE FROM reservation WHERE kind = 'booking' AND {OF_TENANT}",
        *("book", None, "not taken"),
    ),
    "a reservation that was moved": Damage(
        "reservation",
        "UPDATE reservation SET visit_end = visit_end + 60, ends_at = ends_at + 60"
        f" WHERE kind = 'hold' AND {OF_TENANT}",
        *("book", None, "taken otherwise than its events say"),
    ),
    "a reservation of nobody": Damage(
        "reservation",
        "INSERT INTO reservation VALUES (%(tenant)s, gen_random_uuid(), 'booking', %(staff)s, %(cut)s,"
        " 1, 2, 1, 2, 1, NULL)",
        *("book", None, "no event says so"),
    ),
    "a reservation of what was called off": Damage(
        "reservation",
        "INSERT INTO reservation SELECT tenant_id, stream_id, 'booking', %(staff)s, %(cut)s, 1, 2, 1, 2, 1, NULL"
        f" FROM event WHERE type = 'booking.cancelled.v1' AND {OF_TENANT} LIMIT 1",
        *("book", None, "taken, but no event says so"),
    ),
    "a seat that is gone": Damage(
        "seat", f"DELETE FROM seat WHERE kind = 'hold' AND {OF_TENANT}", "book", None, "not taken"
    ),
    "a seat that no session has": Damage(
        "seat",
        f"UPDATE seat SET seat_no = 77 WHERE kind = 'hold' AND {OF_TENANT}",
        *("book", None, "taken otherwise than its events say"),
    ),
    "a session that is gone": Damage(
        "reservation",
        f"DELETE FROM reservation WHERE kind = 'session' AND {OF_TENANT}",
        *("book", None, "taken otherwise than its events say"),
    ),
    "a session of nobody": Damage(
        "reservation",
        "INSERT INTO reservation VALUES (%(tenant)s, gen_random_uuid(), 'session', %(staff)s, %(cut)s,"
        " 1, 2, 1, 2, 5, NULL)",
        *("book", None, "has 0 seats taken"),
    ),
    "what a service is": Damage(
        "catalog",
        f"UPDATE catalog SET state = replace(state, 'Cut', 'Dye') WHERE id = %(cut)s AND {OF_TENANT}",
        *("book", None, "not what its events say"),
    ),
    "an entry that does not read": Damage(
        "catalog",
        f"UPDATE catalog SET state = '{{}}' WHERE id = %(cut)s AND {OF_TENANT}",
        *("book", None, "it does not read"),
    ),
    "an entry that is gone": Damage(
        "catalog",
        f"DELETE FROM catalog WHERE id = %(cut)s AND {OF_TENANT}",
        *("book", None, "missing"),
    ),
    "an entry of nobody": Damage(
        "catalog",
        "INSERT INTO catalog (tenant_id, id, kind, version, created_at, state)"
        " SELECT tenant_id, gen_random_uuid(), kind, version, created_at, state FROM catalog"
        f" WHERE id = %(cut)s AND {OF_TENANT}",
        *("book", None, "no event says so"),
    ),
    "an offer that is gone": Damage(
        "offering",
        f"DELETE FROM offering WHERE service_id = %(cut)s AND {OF_TENANT}",
        *("book", None, "is not what its events say"),
    ),
    "busy time that is gone": Damage(
        "busy_block",
        f"DELETE FROM busy_block WHERE {OF_TENANT}",
        *("book", None, "the busy time of"),
    ),
    "busy time that was moved": Damage(
        "busy_block",
        f"UPDATE busy_block SET ends_at = ends_at + 1 WHERE {OF_TENANT}",
        *("book", None, "the busy time of"),
    ),
    "an event that does not read": Damage(
        "event",
        f"UPDATE event SET {changed('state', 0)} WHERE {event_at(MOVED)}",
        *("book", None, "cannot be read"),
    ),
    # subjects
    "a leaf of a subject that is gone": Damage(
        "subject_leaf",
        f"DELETE FROM subject_leaf WHERE {OF_TENANT} AND position = {MOVED - 1}",
        *("subjects", MOVED - 1, "the index says otherwise whom this event is about"),
    ),
    "a leaf of a subject too many": Damage(
        "subject_leaf",
        f"INSERT INTO subject_leaf SELECT tenant_id, subject_id, 2 FROM subject_leaf WHERE {OF_TENANT}"
        f" AND position = {BOOKED}",
        *("subjects", 2, "the index says otherwise whom this event is about"),
    ),
    "a chain's head": Damage(
        "subject_chain",
        f"UPDATE subject_chain SET {changed('head', 3)} WHERE {OF_TENANT} AND key = (SELECT sha256("
        "'subject'::bytea || '\\x00'::bytea || uuid_send(subject_id)) FROM subject_leaf"
        f" WHERE {OF_TENANT} AND position = {BOOKED})",
        *("subjects", MOVED, "is not the one that its leaves make"),
    ),
    "a chain that is gone": Damage(
        "subject_chain",
        f"DELETE FROM subject_chain WHERE {OF_TENANT}",
        *("subjects", -3, "keys, and there are 0 chains"),
    ),
    "the keys of a map": Damage(
        "subject_map",
        f"UPDATE subject_map SET keys = keys + 1 WHERE {OF_TENANT}",
        *("subjects", -3, "keys, and there are"),
    ),
    "the root of a map": Damage(
        "subject_map",
        f"UPDATE subject_map SET {changed('root', 3)} WHERE {OF_TENANT}",
        *("subjects", -3, "is not the one that its leaf commits to"),
    ),
    "the nodes of a map": Damage(
        "subject_map",
        f"UPDATE subject_map SET {changed('nodes', 40)} WHERE {OF_TENANT}",
        *("subjects", -3, "has another top than its chains make"),
    ),
    "a map that is gone": Damage(
        "subject_map",
        f"DELETE FROM subject_map WHERE {OF_TENANT}",
        *("subjects", None, "the map is missing"),
    ),
    "what a leaf of a map covers": Damage(
        "map_leaf",
        f"UPDATE map_leaf SET covers = {BEYOND} WHERE {OF_TENANT}"
        f" AND position = (SELECT max(position) FROM map_leaf WHERE {OF_TENANT})",
        *("subjects", -4, "the map is older than the one of this leaf"),
    ),
}


def indices(both: House) -> dict[int, int]:
    """What the indices that are no numbers stand for: the last signed, the size, what the map covers, its leaf."""
    rows, tenant = both.house.press.rows, both.one.tenant
    signed = both.house.press.published(tenant)[-1]
    covers = rows("SELECT covers FROM subject_map WHERE tenant_id = %s", tenant)[0][0]
    leaf = rows("SELECT max(position) FROM map_leaf WHERE tenant_id = %s", tenant)[0][0]
    return {-1: signed - 1, -2: both.size(), -3: int(str(covers)), -4: int(str(leaf))}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_change_by_sql_is_found(both: House, name: str) -> None:
    damage = DAMAGES[name]
    index = damage.index
    if index is not None:
        index = indices(both).get(index, index)
    with both.damaged(tuple(damage.tables.split()), (damage.statement,)):
        found = both.found()
    same = [one for one in found if damage.words in one.reason and one.check == damage.check]
    assert {(one.tenant, one.index) for one in same} >= {(both.one.tenant, index)}, found
    assert all(one.tenant in (both.one.tenant, None) for one in found), "the other is not accused"


def test_only_the_tenant_that_was_asked_for_is_looked_at(both: House) -> None:
    damage = DAMAGES["a byte of a payload"]
    with both.damaged((damage.tables,), (damage.statement,)):
        assert both.found(both.two.tenant) == []
        assert {one.check for one in both.found(both.one.tenant)} == {"entries", "mirror", "book"}


def test_a_read_model_beyond_the_head_is_found(both: House) -> None:
    added = "INSERT INTO read_model (name, version, sequence) VALUES ('agenda', 1, 1000000)"
    with both.damaged(("read_model",), (added,)):
        (found,) = both.found()
    assert (found.check, found.tenant, found.index) == ("models", None, None)
    assert "read model agenda stands at event 1000000" in found.reason


def test_another_head_of_the_order_is_found(both: House) -> None:
    with both.damaged(("sequencer_head",), ("UPDATE sequencer_head SET sequence = sequence + 1",)):
        (found,) = both.found()
    assert (found.check, found.tenant, found.index) == ("entries", None, None)
    assert "the order's head says" in found.reason


# --- mirror and signer -----------------------------------------------------------------------------------------------


@contextmanager
def file_as_it_was(path: Path) -> Iterator[bytes]:
    """What a file holds; at the end it holds that again."""
    kept = path.read_bytes()
    try:
        yield kept
    finally:
        path.write_bytes(kept)


def segment(both: House) -> Path:
    """The mirror's file."""
    (found,) = both.deployment.settings.mirror.glob("*.segment")
    return found


def mirrored(both: House) -> list[MirroredEvent]:
    """The mirror's records."""
    return [event for event, _ in read_segment(segment(both), torn_end=False)]


def test_a_changed_byte_of_the_mirror_is_found(both: House) -> None:
    with file_as_it_was(segment(both)) as kept:
        middle = len(kept) // 2
        segment(both).write_bytes(kept[:middle] + bytes([kept[middle] ^ 1]) + kept[middle + 1 :])
        (found,) = both.found()
    assert found.check == "mirror" and "does not read at byte" in found.reason
    assert both.found() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"payload": b"{}"}, "its payload in the database is not that in the mirror"),
        ({"header": b"{}"}, "its header in the database is not that in the mirror"),
        ({"event_id": UUID(int=1)}, "its event_id in the database is not that in the mirror"),
        ({"position": MOVED + 1}, "its position in the database is not that in the mirror"),
    ],
)
def test_a_rewritten_record_of_the_mirror_is_found(
    both: House, change: dict[str, object], words: str
) -> None:
    events = mirrored(both)
    at = next(
        number
        for number, event in enumerate(events)
        if (event.tenant, event.position) == (both.one.tenant, MOVED)
    )
    with file_as_it_was(segment(both)):
        events[at] = replace(events[at], **change)  # type: ignore[arg-type]
        segment(both).write_bytes(b"".join(event.record() for event in events))
        (found,) = both.found()
    assert (found.check, found.tenant, found.index) == (
        "mirror",
        both.one.tenant,
        events[at].position,
    )
    assert found.reason == words


def test_a_mirror_that_ends_before_what_was_signed_is_found(both: House) -> None:
    events = mirrored(both)
    last = events[-1]
    with file_as_it_was(segment(both)):
        segment(both).write_bytes(b"".join(event.record() for event in events[:-1]))
        (found,) = both.found()
    assert (found.check, found.tenant, found.index) == ("mirror", last.tenant, last.position)
    assert found.reason == "it was signed for, and the mirror ends before it"


def test_a_mirror_that_has_more_than_the_database_is_found(both: House) -> None:
    last = mirrored(both)[-1]
    removed = "DELETE FROM sequenced WHERE sequence = (SELECT max(sequence) FROM sequenced)"
    with both.damaged(("sequenced",), (removed,)):
        found = [one for one in both.found() if one.check == "mirror"]
    assert [(one.tenant, one.index) for one in found] == [(last.tenant, last.position)]
    assert found[0].reason == "the mirror has it, and the database does not"


@pytest.mark.parametrize(
    ("more", "words"),
    [(0, "the signer signed another tree of"), (5, "and the signer signed")],
)
def test_a_signer_that_remembers_another_tree_is_found(both: House, more: int, words: str) -> None:
    size = both.size()
    signed = both.house.press.published(both.one.tenant)[-1]
    assert signed == size
    with file_as_it_was(both.deployment.settings.signer / MEMORY) as kept:
        other = line_of((default(both.one.tenant), Remembered(size + more, b"r" * 32)))
        (both.deployment.settings.signer / MEMORY).write_bytes(kept + other)
        (found,) = both.found()
    index = size if more else size - 1
    assert (found.check, found.tenant, found.index) == ("signed", both.one.tenant, index)
    assert words in found.reason


def test_a_signer_that_has_forgotten_what_it_signed_is_found(both: House) -> None:
    size = both.size()
    with file_as_it_was(both.deployment.settings.signer / MEMORY):
        older = line_of((default(both.one.tenant), Remembered(0, b"r" * 32)))
        (both.deployment.settings.signer / MEMORY).write_bytes(older)
        found = both.found(both.one.tenant)
    assert [(one.check, one.tenant, one.index) for one in found] == [
        ("signed", both.one.tenant, size - 1)
    ]
    assert (
        found[0].reason == f"the signer does not remember the tree of {size} entries that it signed"
    )


def test_a_record_of_the_mirror_that_holds_something_else_is_found(both: House) -> None:
    body = b"no event"
    record = LENGTH.pack(len(body)) + body + sha256(body)[:CHECK_BYTES]
    with file_as_it_was(segment(both)):
        segment(both).write_bytes(record)
        found = both.found()
    assert [(one.check, one.reason) for one in found] == [
        ("mirror", "a record of the mirror does not read")
    ]


@pytest.mark.parametrize(
    "header",
    ["5", "[]", '{"seals":5}', "", "\xff", '"id"', "SEALS", "SEAL"],
)
def test_a_header_of_any_other_kind_is_a_finding_and_no_crash(both: House, header: str) -> None:
    other = {
        "SEALS": """replace(convert_from(header, 'UTF8'), '"seals":', '"seals":7,"x":')""",
        "SEAL": """replace(convert_from(header, 'UTF8'), '"seals":[', '"seals":[[],')""",
    }
    text = other.get(header, f"'daybook/leaf/v1' || chr(10) || '{header}'")
    statement = f"UPDATE event SET header = convert_to({text}, 'UTF8') WHERE {event_at(SUBJECT)}"
    with both.damaged(("event",), (statement,)):
        found = both.found()
    reasons = {one.reason for one in found if (one.check, one.index) == ("entries", SUBJECT)}
    assert "its header does not read" in reasons


def test_a_log_that_was_signed_and_is_gone_is_found(both: House) -> None:
    with file_as_it_was(both.deployment.settings.signer / MEMORY) as kept:
        other = line_of(("daybook.local/ledger/gone", Remembered(7, b"r" * 32)))
        (both.deployment.settings.signer / MEMORY).write_bytes(kept + other)
        (found,) = both.found()
    assert (found.check, found.tenant, found.index) == ("signed", None, None)
    assert "daybook.local/ledger/gone, which is not there" in found.reason


def test_all_of_it_was_put_back(both: House) -> None:
    """Or what was found above were the traces of another test."""
    assert both.found() == []
