"""Who did we share with, over HTTP: the row of the contract, three views, pages, links, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.disclosure import Ground
from domain.values import instant_text, parse_id, public_id
from tests.disclosing import BEGINNING, DAY, Disclosing
from tests.http import disclosing
from tests.http.business import Business, Server
from tests.http.problem import assert_problem
from tests.http.requests import bodies


@pytest.fixture
def told(own_server: Server) -> tuple[Business, Disclosing]:
    """A business, its person, and what is told of them."""
    shop = own_server.business().opened()
    shop.made["subject"] = shop.book()["subject_id"]
    own_server.clock.set(BEGINNING + 90 * DAY)
    return shop, Disclosing(own_server.platform.tenancy.store, shop.tenant)


def person(shop: Business) -> UUID:
    found = parse_id("subject", shop.made["subject"])
    assert found is not None
    return found


def asked(shop: Business, view: str = "auditor", **query: Any) -> dict[str, Any]:
    path = f"/v1/subjects/{shop.made['subject']}/disclosures"
    answer = shop.get(path, role="auditor", params={"view": view, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["daybook-position"].isdecimal()
    return found


def test_the_row_is_the_contract_s(told: tuple[Business, Disclosing]) -> None:
    shop, story = told
    crm = story.recipient("Example CRM Inc", "US")
    id = story.sent(crm, person(shop), ground=Ground("contract"), case="case-7")
    story.acknowledge(id)
    event = next(one for one in story.events if one.stream == id)
    whole = asked(shop)
    (row,) = whole["data"]
    assert row["id"] == public_id("disclosure", id)
    assert row["event_id"] == public_id("event", event.event_id)
    assert row["at"] == instant_text(event.occurred_at)
    assert row["recipient"] == {
        "id": public_id("recipient", crm),
        "legal_name": "Example CRM Inc",
        "address": "1 Main Street, US",
        "country": "US",
        "role": "processor",
        "kind": "crm",
    }
    expected = {
        "fields": ["name", "email"],
        "purpose": "service",
        "lawful_basis": "contract",
        "legal_trigger": None,
        "consent": {"at_send": "given", "now": "none"},
        "outcome": "delivered",
        "shared": True,
        "count": 1,
        "actor": "key_1",
        "case": "case-7",
        "reason": None,
        "attempts": 1,
    }
    assert {name: row[name] for name in expected} == expected
    assert "withheld_until" not in row
    assert [one["outcome"] for one in row["acknowledgements"]] == ["received"]
    counts = {"recipients": 1, "disclosures": 1, "marketing": 0, "withheld": 0}
    answer = whole["answer"]
    assert {name: answer[name] for name in counts} == counts
    assert answer["complete_to"]["position"] == row["position"] + 3
    assert answer["complete_to"]["checkpoint"]["size"] == row["position"] + 4
    receipt = shop.get(row["links"]["receipt"], role="auditor")
    assert receipt.text.startswith("c2sp.org/tlog-proof@v1")
    assert shop.get(row["links"]["event"], role="auditor").json()["position"] == row["position"]


def test_each_view_shows_what_it_may(told: tuple[Business, Disclosing]) -> None:
    shop, story = told
    crm, police = story.recipient(), story.recipient("Police", kind="authority", role="authority")
    story.sent(crm, person(shop))
    until = story.at + 300 * DAY
    ground = Ground(legal_trigger="compelled", legal_process=uuid4())
    gagged = story.withheld(police, until, person(shop), ground=ground)
    hers, officers, auditors = (asked(shop, view) for view in ("person", "officer", "auditor"))
    assert [len(one["data"]) for one in (hers, officers, auditors)] == [1, 2, 2]
    assert [one["answer"]["withheld"] for one in (hers, officers, auditors)] == [0, 1, 1]
    assert [one["answer"]["disclosures"] for one in (hers, officers, auditors)] == [1, 1, 2]
    (seen,) = hers["data"]
    assert "actor" not in seen and "case" not in seen
    hidden, whole = officers["data"][1], auditors["data"][1]
    assert hidden.keys() == {"id", "event_id", "position", "withheld_until", "links"}
    assert hidden["withheld_until"] == whole["withheld_until"] == instant_text(until)
    assert hidden["id"] == whole["id"] == public_id("disclosure", gagged)
    assert whole["recipient"]["legal_name"] == "Police"
    assert "Police" not in str(officers) and "Police" not in str(hers)
    shop.server.clock.set(until)
    assert len(asked(shop, "person")["data"]) == 2, "it opens by itself"
    then = asked(shop, "person", as_of=instant_text(until - DAY))
    assert len(then["data"]) == 1


def test_without_a_view_the_officer_is_told_the_officer_s(
    told: tuple[Business, Disclosing],
) -> None:
    shop, story = told
    story.withheld(story.recipient(), story.at + 300 * DAY, person(shop))
    path = f"/v1/subjects/{shop.made['subject']}/disclosures"
    for role, view in (
        ("privacy_officer", "officer"),
        ("owner", "officer"),
        ("auditor", "auditor"),
    ):
        assert shop.get(path, role=role).json()["view"] == view
    assert_problem(shop.get(f"{path}?view=auditor", role="privacy_officer"), "not_permitted")
    for role in ("staff", "booking", "engineer", "corporate"):
        refused = shop.get(f"{path}?view=person", key=shop.key(role))  # type: ignore[arg-type]
        assert_problem(refused, "not_permitted")


def test_pages_follow_each_other(told: tuple[Business, Disclosing]) -> None:
    shop, story = told
    crm = story.recipient()
    ids = [public_id("disclosure", story.sent(crm, person(shop))) for _ in range(5)]
    for path in (
        f"/v1/subjects/{shop.made['subject']}/disclosures",
        f"/v1/recipients/{public_id('recipient', crm)}/disclosures",
        "/v1/disclosures",
    ):
        found: list[str] = []
        query: dict[str, Any] = {"limit": 2}
        while True:
            page = shop.get(path, params=query).json()
            found += [row["id"] for row in page["data"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert found == ids
    refused = shop.get("/v1/disclosures", params={"cursor": "nonsense"})
    assert_problem(refused, "invalid", "/cursor")


def test_the_list_is_narrowed(told: tuple[Business, Disclosing]) -> None:
    shop, story = told
    us, fr = story.recipient(), story.recipient("Deux", "FR")
    process = uuid4()
    first = story.sent(us, person(shop), purpose="support")
    between = story.at
    ground = Ground(legal_trigger="compelled", legal_process=process)
    second = story.sent(fr, person(shop), ground=ground)
    refused = story.refuse(us, person(shop))

    def listed(**query: str) -> list[UUID | None]:
        if "from_" in query:
            query["from"] = query.pop("from_")
        page = shop.get("/v1/disclosures", params=query)
        assert page.status_code == 200, page.text
        return [parse_id("disclosure", row["id"]) for row in page.json()["data"]]

    assert listed() == [first, second, refused]
    assert listed(to=instant_text(between)) == [first]
    assert listed(from_=instant_text(between)) == [second, refused]
    assert listed(purpose="support") == [first]
    assert listed(country="FR") == listed(legal_process=public_id("process", process)) == [second]
    assert listed(recipient_id=public_id("recipient", us)) == [first, refused]
    assert listed(country="US", purpose="service") == [refused]
    assert_problem(shop.get("/v1/disclosures?country=usa"), "invalid", "/country")
    unknown = f"/v1/recipients/{public_id('recipient', uuid4())}/disclosures"
    assert_problem(shop.get(unknown), "not_found")


def test_it_waits_for_an_event(told: tuple[Business, Disclosing]) -> None:
    shop, story = told
    story.sent(story.recipient(), person(shop))
    event = public_id("event", story.events[-1].event_id)
    answer = asked(shop, at_least=event)
    assert answer["answer"]["complete_to"]["position"] >= answer["data"][0]["position"]
    path = f"/v1/subjects/{shop.made['subject']}/disclosures"
    unknown = {"at_least": public_id("event", uuid4())}
    assert_problem(shop.get(path, params=unknown), "unknown_reference", "/at_least")


def test_three_dates_have_three_answers(told: tuple[Business, Disclosing]) -> None:
    shop, story = told
    crm = story.recipient("Before Ltd")
    story.sent(crm, person(shop))
    first = story.at
    story.revise(crm, "After Ltd", "FR")
    story.sent(crm, person(shop))
    second = story.at
    lost = story.recorded(story.recipient("Bank"), person(shop))
    story.attempt(lost)
    story.fail(lost, unknown=True)
    answers = [
        asked(shop, as_of=instant_text(at))
        for at in (first - timedelta(seconds=1), second - timedelta(seconds=1), story.at)
    ]
    assert [one["answer"]["disclosures"] for one in answers] == [1, 2, 3]
    assert [one["answer"]["recipients"] for one in answers] == [1, 1, 2]
    names = [row["recipient"]["legal_name"] for row in answers[2]["data"]]
    assert names == ["Before Ltd", "After Ltd", "Bank"]
    known = asked(shop, known_at=instant_text(second - timedelta(seconds=1)))
    assert known["data"] == answers[1]["data"]


def test_consent_is_what_it_was_then_and_what_it_is_now(told: tuple[Business, Disclosing]) -> None:
    shop, story = told
    story.sent(story.recipient(), person(shop), purpose="measure")
    known = bodies(shop.made)
    shop.make("/v1/policy-versions", {**known["publish_policy"], "version": "2026-01"})
    for decision, now in (("given", "given"), ("withdrawn", "withdrawn")):
        said = {**known["record_consent"], "decision": decision}
        shop.make(f"/v1/subjects/{shop.made['subject']}/consents", said)
        (row,) = asked(shop)["data"]
        assert row["consent"] == {"at_send": "given", "now": now}


def test_what_was_disclosed_by_a_call_is_in_the_answer(shop: Business) -> None:
    subject = shop.book()["subject_id"]
    crm = disclosing.a_recipient(shop)
    told = disclosing.wish(crm["id"], subject)
    open_ = shop.make("/v1/disclosures", told, role="privacy_officer")
    held = {**told, "withhold_until": "2027-06-01T00:00:00Z"}
    gagged = shop.make("/v1/disclosures", held, role="privacy_officer")
    path = f"/v1/subjects/{subject}/disclosures"
    whole = shop.get(path, role="auditor", params={"view": "auditor"}).json()
    # Recorded at one instant: their ids order them.
    assert [row["id"] for row in whole["data"]] == sorted([open_["id"], gagged["id"]])
    assert [row["outcome"] for row in whole["data"]] == ["delivered", "delivered"]
    assert whole["data"][0]["recipient"]["legal_name"] == crm["legal_name"]
    assert (whole["answer"]["disclosures"], whole["answer"]["withheld"]) == (2, 1)
    person = shop.get(path, role="auditor", params={"view": "person"}).json()
    assert [row["id"] for row in person["data"]] == [open_["id"]]
    listed = shop.get(f"/v1/recipients/{crm['id']}/disclosures", role="privacy_officer").json()
    assert [row["id"] for row in listed["data"]] == [open_["id"]]
