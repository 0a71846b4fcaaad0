"""The port `Contacts`: what leads to whom, beyond the first booking."""

from __future__ import annotations

from uuid import uuid4

from application.people.contacts import Claimed
from tests.contracts.test_people_contract import register
from tests.contracts.world import Desk

ADA, NEW, PHONE = "ada@example.test", "ada@new.test", "+12125550100"


def test_a_claimed_address_leads_to_its_one_person(desk: Desk):
    people, ada = desk.world.people, register(desk)
    assert people.claim(desk.tenant, ada, "email", NEW) == Claimed(ada, fresh=True)
    assert people.claim(desk.tenant, ada, "email", NEW) == Claimed(ada, fresh=False)
    assert people.claim(desk.tenant, uuid4(), "email", NEW) == Claimed(ada, fresh=False)
    assert people.find_all(desk.tenant, "email", NEW) == [ada]
    assert people.find(desk.tenant, "email", NEW) == ada


def test_a_settled_address_is_the_only_one_of_its_kind(desk: Desk):
    people, ada = desk.world.people, register(desk)
    people.claim(desk.tenant, ada, "phone", PHONE)
    people.claim(desk.tenant, ada, "email", NEW)
    for _ in range(2):
        people.settle(desk.tenant, ada, "email", NEW)
    assert people.find_all(desk.tenant, "email", NEW) == [ada]
    assert people.find_all(desk.tenant, "email", ADA) == []
    assert people.find_all(desk.tenant, "phone", PHONE) == [ada], "another kind stays"
    found = people.find_or_prepare(desk.tenant, NEW, uuid4(), ["profile"])
    assert (found.subject, found.registered) == (ada, True)
    fresh = uuid4()
    assert people.find_or_prepare(desk.tenant, ADA, fresh, ["profile"]).subject == fresh


def test_a_claim_is_taken_back(desk: Desk):
    people, ada = desk.world.people, register(desk)
    people.claim(desk.tenant, ada, "email", NEW)
    for _ in range(2):
        people.unclaim(desk.tenant, ada, "email", NEW)
    assert people.find_all(desk.tenant, "email", NEW) == []
    assert people.find_all(desk.tenant, "email", ADA) == [ada]
    people.unclaim(desk.tenant, uuid4(), "email", ADA)
    assert people.find_all(desk.tenant, "email", ADA) == [ada], "another's is not"


def test_a_phone_number_may_be_shared_and_be_taken_away(desk: Desk):
    people, ada, ben = desk.world.people, register(desk), uuid4()
    assert people.claim(desk.tenant, ada, "phone", PHONE) == Claimed(ada, fresh=True)
    assert people.claim(desk.tenant, ben, "phone", PHONE) == Claimed(ben, fresh=True)
    assert set(people.find_all(desk.tenant, "phone", PHONE)) == {ada, ben}
    people.settle(desk.tenant, ada, "phone", None)
    assert people.find_all(desk.tenant, "phone", PHONE) == [ben]


def test_tenants_do_not_see_each_other_s_contacts(desk: Desk):
    ada = register(desk)
    desk.world.people.claim(desk.tenant, ada, "phone", PHONE)
    other = Desk(desk.world)
    with desk.world.inside(other.tenant):
        assert desk.world.people.find_all(other.tenant, "phone", PHONE) == []
        claimed = desk.world.people.claim(other.tenant, ada, "email", NEW)
        assert claimed.fresh
    assert desk.world.people.find_all(desk.tenant, "email", NEW) == []
