"""Every check of `fsck` is shown red alone: one row is changed by hand, that check names it, and no other accuses.

What is here is taken from the list of checks: a new check without a case fails. `test_fsck` has every way in which the
older checks can turn red; there several may turn red at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

import psycopg
import pytest

from application.access.denials import Denials
from application.booking.placing import BookVisit
from application.erasing.eraser import Eraser
from application.erasing.ordering import ErasureOrders, NoGaggedHolds, NothingKept, Wish
from application.recorded import Answer, Ticket
from application.setup.register import Receipt
from domain.booking import Booking
from domain.subject import Profile
from domain.values import Personal, public_id
from infrastructure.deployment import Deployment
from infrastructure.fsck.checks import ADVICE, CHECKS, check_all
from infrastructure.store.denial_counts import PostgresDenialCounts
from infrastructure.store.open_erasures import PostgresOpenErasures
from infrastructure.twin.memory import SettableClock
from infrastructure.twin.memory_disclosing import MemoryMirrored
from infrastructure.wall import bound_to
from tests.store.damage import changed, done_by_hand
from tests.store.ledger_house import LedgerHouse, ledger_house
from tests.store.trading import Trade, trade


class NoGags:
    """See the port `Gags`."""

    def until(self, tenant: UUID, case: str) -> None:
        return None


@dataclass
class House:
    """A business with a row for every check: Ada is erased, Bob is not, a call was answered, somebody was refused."""

    house: LedgerHouse
    shop: Trade
    ada: UUID
    bob: UUID
    row: UUID
    denial: UUID

    @property
    def deployment(self) -> Deployment:
        """Its deployment."""
        return self.house.press.deployment

    def names(self) -> dict[str, object]:
        """What statements and the words of findings may name."""
        return {
            "tenant": self.shop.tenant,
            "staff": self.shop.sam,
            "cut": self.shop.cut,
            "ada": self.ada,
            "bob": self.bob,
            "row": self.row,
            "denial": self.denial,
        }

    def found(self) -> list[tuple[str, UUID | None, str]]:
        """All that is found."""
        done = check_all(self.deployment)
        return [(one.check, one.tenant, one.reason) for each in done for one in each.findings]


def answered(shop: Trade) -> UUID:
    """A booking whose answer is kept; the answer's row."""
    engine = shop.engine
    row = engine.answers.begin(shop.tenant, "key_1 POST /v1/bookings", "call-1", b"{}")
    assert isinstance(row, UUID)

    def render(result: object) -> Answer:
        assert isinstance(result, Receipt)
        return Answer(201, (("daybook-event", public_id("event", result.event)),), b"{}")

    command = BookVisit(shop.cut, shop.at(15), Profile(Personal("Bob"), Personal("b@example.test")))
    made: Receipt[Booking] = shop.bookings.make(
        command, replace(shop.by, ticket=Ticket(shop.tenant, row, render))
    )
    assert made.state.id
    return row


def refused(shop: Trade) -> UUID:
    """Somebody was refused twice in a minute, and both are recorded and settled; the denial's id."""
    engine, clock = shop.engine, SettableClock(shop.engine.clock.now())
    counts = PostgresDenialCounts(engine.app)
    denials = Denials(engine.store, counts, clock, engine.ids, NoGags())
    for _ in range(2):
        denials.record(shop.by, "role", ("name",))
    (one,) = counts.unsettled(shop.tenant, clock.now(), 10)
    clock.advance(minutes=2)
    assert denials.sweep(shop.tenant) == 1
    return one.id


def erased(shop: Trade) -> UUID:
    """A customer whose erasure took effect."""
    engine = shop.engine
    ports = (engine.store, engine.book)
    tools = (engine.clock, engine.ids)
    orders = ErasureOrders(*ports, NothingKept(), NoGaggedHolds(), *tools)
    open_ones = PostgresOpenErasures(engine.app)
    eraser = Eraser(*ports, open_ones, orders, MemoryMirrored(), engine.shredder, bound_to, *tools)
    subject = shop.book(14, "erased").subject
    with bound_to(shop.tenant):
        orders.order(shop.by, Wish(subject, "request"))
    eraser.round([shop.tenant])
    return subject


@pytest.fixture(scope="module")
def red(module_deployment: Deployment) -> Iterator[House]:
    with ledger_house(module_deployment) as house:
        shop = trade(house.engine)
        shop.revise(280)  # a full tile
        bob, ada = shop.book(13, "bob").subject, erased(shop)
        with bound_to(shop.tenant):
            row, denial = answered(shop), refused(shop)
        house.settle(shop.tenant)
        yield House(house, shop, ada, bob, row, denial)


@dataclass(frozen=True)
class Change:
    """What is done to which table, and the words in which the check names it; `{bob}` and the like are filled in.

    `everyone` is True where what is found is not one tenant's.
    """

    check: str
    table: str
    statement: str
    words: str
    database: Literal["main", "keys"] = "main"
    everyone: bool = False


OF_TENANT = "tenant_id = %(tenant)s"
CHANGES: dict[str, Change] = {
    "the time of a log's head": Change(
        *("entries", "ledger_head"),
        f"UPDATE ledger_head SET recorded_at = recorded_at + interval '1 s' WHERE {OF_TENANT}",
        "the log's head was known at another time",
    ),
    "an event that waits and is not there": Change(
        *("streams", "event_queue"),
        "INSERT INTO event_queue (tenant_id, event_ids, stream_ids, stream_versions)"
        " VALUES (%(tenant)s, ARRAY[%(row)s::uuid], ARRAY[%(bob)s::uuid], ARRAY[77])",
        "event {row} waits for a place, but is not stored so",
    ),
    "the root of a tile": Change(
        *("tree", "ledger_tile"),
        f"UPDATE ledger_tile SET {changed('root', 1)} WHERE {OF_TENANT}",
        "tile 0 of level 0 has another root",
    ),
    "the note of a checkpoint": Change(
        *("signed", "ledger_checkpoint"),
        f"UPDATE ledger_checkpoint SET note = replace(note, size::text, (size + 1)::text) WHERE {OF_TENANT}",
        "it says something else than its row",
    ),
    "an earlier time of a place": Change(
        *("mirror", "sequenced"),
        "UPDATE sequenced SET recorded_at = recorded_at - interval '1 s'"
        f" WHERE {OF_TENANT} AND position = 0",
        "its recorded_at in the database is not that in the mirror",
    ),
    "a reservation that is gone": Change(
        *("book", "reservation"),
        f"DELETE FROM reservation WHERE kind = 'booking' AND {OF_TENANT}"
        " AND owner_id = (SELECT min(owner_id::text)::uuid FROM reservation WHERE kind = 'booking')",
        "not taken",
    ),
    "a key that was made to operate": Change(
        *("book", "catalog"),
        """UPDATE catalog SET state = replace(state::text, '"operates":false', '"operates":true')"""
        f" WHERE {OF_TENANT} AND id = (SELECT min(id::text)::uuid FROM catalog WHERE kind = 'key'"
        f" AND {OF_TENANT})",
        "not what its events say",
    ),
    "a fence that is gone": Change(
        *("fences", "subject_fence"),
        "DELETE FROM subject_fence WHERE subject_id = %(ada)s AND retention_class = 'booking'",
        "class booking of subject {ada} is ordered erased, and not fenced",
    ),
    "a fence that nobody ordered": Change(
        *("fences", "subject_fence"),
        "INSERT INTO subject_fence VALUES (%(tenant)s, %(bob)s, 'booking', '2027-01-01')",
        "class booking of subject {bob} is fenced, and no event orders it",
    ),
    "the instant of a fence": Change(
        *("fences", "subject_fence"),
        "UPDATE subject_fence SET erased_through = erased_through + interval '1 s'"
        " WHERE subject_id = %(ada)s AND retention_class = 'booking'",
        "class booking of subject {ada} is fenced from another instant than its order says",
    ),
    "an answer of another event": Change(
        *("answers", "kept_answer"),
        "UPDATE kept_answer SET headers = regexp_replace(headers, 'evt_[0-9a-f]{6}', 'evt_000000')"
        " WHERE row_id = %(row)s",
        "kept answer {row}: it names event",
    ),
    "half of an answer": Change(
        *("answers", "kept_answer"),
        "UPDATE kept_answer SET status = NULL WHERE row_id = %(row)s",
        "kept answer {row}: it is kept by half",
    ),
    "the headers of an answer": Change(
        *("answers", "kept_answer"),
        "UPDATE kept_answer SET headers = '5' WHERE row_id = %(row)s",
        "kept answer {row}: it does not read",
    ),
    "a digest of a call": Change(
        *("answers", "kept_answer"),
        "UPDATE kept_answer SET call_digest = '\\x00' WHERE row_id = %(row)s",
        "kept answer {row}: its digests are no digests",
    ),
    "the key of a day": Change(
        *("answers", "sealed_secret"),
        f"DELETE FROM sealed_secret WHERE name LIKE 'answers:%%' AND {OF_TENANT}",
        "kept answer {row}: the key of its day is gone",
        "keys",
    ),
    "more denials settled than recorded": Change(
        *("denials", "denial_count"),
        "UPDATE denial_count SET count = 3, settled = 3 WHERE denial_id = %(denial)s",
        "denial {denial}: 3 are counted, 2 recorded and 3 settled",
    ),
    "more denials recorded than counted": Change(
        *("denials", "denial_count"),
        "UPDATE denial_count SET count = 1, settled = 1 WHERE denial_id = %(denial)s",
        "denial {denial}: 1 are counted, 2 recorded and 1 settled",
    ),
    "a read model ahead": Change(
        *("models", "read_model"),
        "INSERT INTO read_model (name, version, sequence) VALUES ('agenda', 1, 1000000)",
        "read model agenda stands at event 1000000",
        everyone=True,
    ),
    "a scrub ahead": Change(
        *("models", "scrub"),
        "INSERT INTO scrub (sequence, begun_at) VALUES (1000000, '2027-01-01')",
        "the scrub stands at event 1000000",
        everyone=True,
    ),
    "a courier ahead": Change(
        *("models", "courier_mark"),
        "INSERT INTO courier_mark VALUES (%(tenant)s, 1000000)",
        "the courier has followed up to 1000000",
    ),
    "the keys of a map": Change(
        *("subjects", "subject_map"),
        f"UPDATE subject_map SET keys = keys + 1 WHERE {OF_TENANT}",
        "keys, and there are",
    ),
    "a key that is gone": Change(
        *("keys", "subject_key"),
        "DELETE FROM subject_key WHERE subject_id = %(bob)s AND retention_class = 'profile'",
        "the key of class profile of subject {bob} is missing, and nothing says why",
        "keys",
    ),
    "an address that leads nowhere": Change(
        *("contacts", "blind_index"),
        "DELETE FROM blind_index WHERE subject_id = %(bob)s",
        "no e-mail address leads to subject {bob}, who is registered",
        "keys",
    ),
    "an address of a stranger": Change(
        *("contacts", "blind_index"),
        "INSERT INTO blind_index SELECT (jsonb_populate_record(b, jsonb_build_object('subject_id', %(row)s::uuid,"
        " 'digest', '\\x00'))).* FROM blind_index b WHERE subject_id = %(bob)s AND kind = 'email'",
        "the look-up by email leads to {row}, whom no event registers",
        "keys",
    ),
    "an address of somebody erased": Change(
        *("contacts", "blind_index"),
        "INSERT INTO blind_index SELECT (jsonb_populate_record(b, jsonb_build_object('subject_id', %(ada)s::uuid,"
        " 'digest', '\\x00'))).* FROM blind_index b WHERE subject_id = %(bob)s AND kind = 'email'",
        "the look-up by email leads to {ada}, who is erased",
        "keys",
    ),
}


def test_every_check_has_a_case_and_says_what_to_do() -> None:
    assert {one.check for one in CHANGES.values()} == set(CHECKS) == set(ADVICE)


@pytest.mark.parametrize("name", CHANGES)
def test_one_row_changed_turns_that_check_red_and_no_other(red: House, name: str) -> None:
    change = CHANGES[name]
    values = red.names()
    with done_by_hand(
        red.deployment, (change.table,), (change.statement,), change.database, **values
    ):
        found = red.found()
    assert {check for check, _, _ in found} == {change.check}, found
    assert {tenant for _, tenant, _ in found} == {None if change.everyone else red.shop.tenant}
    words = change.words.format(**values)
    assert any(words in reason for _, _, reason in found), found
    assert red.found() == [], "it was put back"


def test_an_event_below_the_mark_of_the_sequencer_is_found(red: House) -> None:
    """Whatever waits there waits for ever: the sequencer looks above its mark only."""
    red.shop.hold(40)
    assert red.found() == [], "it waits"
    raised = "UPDATE sequencer_head SET low_water = low_water + 1000000"
    with done_by_hand(red.deployment, ("sequencer_head",), (raised,)):
        found = red.found()
    with psycopg.connect(red.deployment.main) as owner:
        (waiting,) = owner.execute("SELECT event_ids[1] FROM event_queue").fetchone() or (None,)
    assert found == [
        (
            "streams",
            red.shop.tenant,
            f"event {waiting} waits for a place where the sequencer does not look",
        )
    ]
    red.house.settle(red.shop.tenant)
    assert red.found() == []
