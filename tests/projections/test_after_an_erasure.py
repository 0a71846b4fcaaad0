"""Every read model, made anew after an erasure, is the one that followed it. No row is rewritten. README D9, D12."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from api.composition import production
from api.platform import Platform
from application.disclosing.disclose import HandOver
from application.disclosing.facts import Wish as Handing
from application.disclosing.recipients import RegisterRecipient
from application.erasing.ordering import NothingKept, Wish
from application.ports import AgendaRow
from domain.disclosure import Ground, Scope
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.store.event_source import SequencedEvents
from infrastructure.store.sequencer import Sequencer
from infrastructure.twin.memory_disclosing import MemoryMirrored
from infrastructure.wall import bound_to
from projections.engine.follower import Follower
from projections.models import MODELS
from tests.store.trading import Trade
from tests.usecases.disclosing import TERMS

TABLES = r"SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '_v[0-9]+$' ORDER BY 1"


@dataclass
class House:
    """A business on a deployment, with every read model."""

    deployment: Deployment
    engine: Engine
    platform: Platform
    shop: Trade
    sequencer: Sequencer
    role: Database

    def follow(self) -> None:
        while self.sequencer.sequence_now():
            pass
        for model in MODELS:
            follower = Follower(model, SequencedEvents(self.engine.mapper))
            with self.role.connection() as connection:
                follower.begin(connection)
                while follower.step(connection):
                    pass

    def rows(self) -> dict[str, list[str]]:
        """Everything in the tables of read models."""
        found: dict[str, list[str]] = {}
        with psycopg.connect(self.deployment.main) as owner:
            for (name,) in owner.execute(TABLES.encode()).fetchall():
                rows = owner.execute(
                    sql.SQL("SELECT to_jsonb(t)::text FROM {} t ORDER BY 1").format(
                        sql.Identifier(name)
                    )
                )
                found[name] = [row[0] for row in rows]
        return found

    def forget(self) -> None:
        """Empty all of them."""
        with psycopg.connect(self.deployment.main) as owner:
            for (name,) in owner.execute(TABLES.encode()).fetchall():
                owner.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(name)))
            owner.execute("DELETE FROM read_model")


@pytest.fixture
def house(own_deployment: Deployment) -> Iterator[House]:
    platform, engine = production(own_deployment, connections=2)
    order = Database(own_deployment.dsn_of("sequencer"), size=1, walled=False)
    role = Database(own_deployment.dsn_of("follower"), size=1, walled=False)
    shop = Trade(engine)
    yield House(own_deployment, engine, platform, shop, Sequencer(order, engine.clock), role)
    for database in (order, role):
        database.close()
    engine.close()


class NoVisits:
    """See the port `Visits`: no field of a visit is handed over here, and nobody follows meanwhile."""

    def of(self, tenant: UUID, subjects: Sequence[UUID]) -> list[AgendaRow]:
        return []


def lives(house: House, booking: UUID, subject: UUID) -> None:
    """Somebody is looked at, and their data is handed over."""
    officer = replace(house.shop.by, roles=frozenset({"privacy_officer", "owner"}))
    house.platform.booking_reads.with_customer(booking, replace(officer, purpose="service"))
    command = RegisterRecipient(replace(TERMS, contract_from=date(2020, 1, 1)), None)
    recipient = house.platform.recipients.register(command, officer).state.recipient
    handing = Handing(
        recipient.id, (subject,), "service", None, Ground("contract"), Scope(("name", "email"))
    )
    whole = house.platform.courier.disclose
    facts = replace(whole.facts, visits=NoVisits())
    out = replace(whole, facts=facts, mirrored=MemoryMirrored())
    assert out.disclose(HandOver(handing, None), officer).state.outcome == "delivered"


def test_read_models_made_anew_after_an_erasure_are_those_that_followed_it(house: House):
    shop = house.shop
    ada, bob = shop.book(1, "ada"), shop.book(2, "bob")
    house.follow()
    with bound_to(shop.tenant):
        lives(house, ada.id, ada.subject)
        house.follow()
        before = house.rows()
        eraser = replace(house.platform.eraser, mirrored=MemoryMirrored())
        orders = replace(eraser.orders, keeping=NothingKept())  # nobody follows beside us
        orders.order(shop.by, Wish(ada.subject, "request"))
        assert eraser.round([shop.tenant]) == 2
    shop.cancel(ada)
    shop.move(bob, 5)
    house.follow()
    followed = house.rows()
    assert before["access_subject_v1"] == followed["access_subject_v1"], "nothing is rewritten"
    assert len(followed["courier_change_v1"]) == 1, "whoever has the data is to be told"
    house.forget()
    assert not any(house.rows().values())
    house.follow()
    assert house.rows() == followed
    assert {"agenda_v1", "access_event_v1", "courier_handed_v1"} <= {
        name for name, rows in followed.items() if rows
    }
