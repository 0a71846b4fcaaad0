"""Every read model equals a replay of its events, and a row that was changed by hand shows. README D12."""

from __future__ import annotations

import json
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from api.process.models_named import NoSuchReadModel
from api.process.proving import prove_all, run_prove
from application.erasing.ordering import NothingKept, Wish
from domain.values import public_id
from infrastructure.twin.memory_disclosing import MemoryMirrored
from infrastructure.wall import bound_to
from projections.engine.digest import digest
from projections.models import MODELS
from tests.projections.test_after_an_erasure import House, house, lives

__all__ = ["house"]

# One row changed, one added, one gone: none of it stays unseen. What is changed is named by model.
CHANGES = {
    "a row changed": (
        "agenda",
        "UPDATE agenda_v1 SET status = 'noshow' WHERE booking_id = (SELECT min(booking_id::text)::uuid FROM agenda_v1)",
    ),
    "a row gone": ("accesses", "DELETE FROM access_subject_v1"),
    "a row added": (
        "courier",
        "INSERT INTO courier_handed_v1 SELECT tenant_id, gen_random_uuid(), disclosure_id FROM courier_handed_v1",
    ),
    "an instant moved": (
        "disclosures",
        "UPDATE disclosure_v1 SET at = at + interval '1 microsecond'",
    ),
    "a text longer": ("keeping", "UPDATE keeping_v1 SET retention_class = retention_class || '.'"),
}


@pytest.fixture
def storied(house: House) -> House:
    """A house in which somebody was booked, looked at, handed over and erased, and another was not."""
    shop = house.shop
    ada, bob = shop.book(1, "ada"), shop.book(2, "bob")
    house.follow()
    with bound_to(shop.tenant):
        lives(house, ada.id, ada.subject)
        house.follow()
        eraser = replace(house.platform.eraser, mirrored=MemoryMirrored())
        orders = replace(eraser.orders, keeping=NothingKept())  # nobody follows beside us
        orders.order(shop.by, Wish(ada.subject, "request"))
        assert eraser.round([shop.tenant]) == 2
    shop.cancel(ada)
    shop.move(bob, 5)
    house.follow()
    return house


def proved(house: House) -> dict[str, bool]:
    done = prove_all(house.deployment, MODELS, lambda _name, _count: None)
    return {one.model.name: one.proof.holds for one in done if one.proof is not None}


def test_what_was_followed_equals_its_replay_and_what_was_changed_does_not(
    storied: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert proved(storied) == {model.name: True for model in MODELS}
    assert run_prove(storied.deployment, (), as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    with psycopg.connect(storied.deployment.main) as owner:
        for what, (name, statement) in CHANGES.items():
            assert owner.execute(statement.encode()).rowcount > 0, what
            owner.commit()
            assert run_prove(storied.deployment, [name], as_json=True) == 1, what
            (told,) = json.loads(capsys.readouterr().out)["read_models"]
            assert told["digest"] != told["replayed_digest"]
            assert told["differing"], what
            tenants = {one["tenant"] for one in told["differing"]}
            assert tenants == {public_id("tenant", storied.shop.tenant)}
    assert run_prove(storied.deployment, (), as_json=False) == 1
    said = capsys.readouterr().out
    assert "withheld v1" in said
    assert said.count("DIFFERS FROM ITS REPLAY") == len({name for name, _ in CHANGES.values()})


def test_a_proof_leaves_nothing_behind_and_holds_nobody_up(storied: House) -> None:
    before = storied.rows()
    assert all(proved(storied).values())
    assert storied.rows() == before
    storied.shop.book(7)
    storied.follow()
    assert all(proved(storied).values())


def test_a_digest_is_of_the_rows_and_not_of_their_order(storied: House) -> None:
    with psycopg.connect(storied.deployment.main) as owner:
        for name, order in (("one", "ASC"), ("two", "DESC")):
            owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
            owner.execute(
                sql.SQL("CREATE TABLE {}.agenda_v1 AS TABLE public.agenda_v1 WITH NO DATA").format(
                    sql.Identifier(name)
                )
            )
            owner.execute(
                sql.SQL(
                    "INSERT INTO {}.agenda_v1 SELECT * FROM public.agenda_v1 ORDER BY booking_id {}"
                ).format(sql.Identifier(name), sql.SQL(order))
            )
        tables = ("agenda_v1",)
        one, two = digest(owner, tables, "one"), digest(owner, tables, "two")
        assert one == two == digest(owner, tables, "public")
        assert one.rows == 2
        tenant = storied.shop.tenant
        assert digest(owner, tables, "one", tenant) == one, "there is one tenant"
        owner.execute("INSERT INTO two.agenda_v1 SELECT * FROM one.agenda_v1 LIMIT 1")
        assert digest(owner, tables, "two") != one, "a row that stands twice counts twice"


def test_an_unknown_name_is_refused(storied: House) -> None:
    with pytest.raises(NoSuchReadModel, match="agendas is not a read model; there are agenda,"):
        run_prove(storied.deployment, ["agendas"], as_json=False)
