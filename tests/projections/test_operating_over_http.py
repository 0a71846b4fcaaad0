"""Engineers operate read models with a key that the operator made for it: who may, what is done, what is on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
import pytest
from starlette.testclient import TestClient

from api.http.app import create_app
from api.http.settings import ApiSettings
from api.process.loops import Stop
from api.process.operating import run_history, run_list, run_pause, run_resume
from api.process.rebuild_jobs import BUSY, carried_out, run_job
from api.process.rebuild_report import Teller
from api.process.rebuilding import RebuildRefused, opened, run_drop, run_rebuild
from application.permissions import operator
from application.setup.access_keys import IssueKey, RevokeKey
from domain.access_key import KeyTerms, Role
from domain.errors import Unavailable
from domain.values import parse_id, public_id
from infrastructure.filler import filler
from infrastructure.wall import bound_to
from projections.agenda import AgendaModel
from projections.engine import jobs
from projections.engine.desk import PostgresModelDesk
from projections.engine.rebuild import Rebuild
from projections.models import MODELS
from tests.projections.test_after_an_erasure import House, house
from tests.projections.test_proving import proved, storied
from tests.store.trading import Trade

__all__ = ["house", "storied"]
AGENDA = "/v1/read-models/agenda"
ORDERS = ("pause", "resume", "rebuild", "switch", "drop")


@dataclass
class Desk:
    """A house, and an engineer at its API."""

    house: House
    client: TestClient
    key: str

    def post(self, act: str, body: object = None, key: str | None = None, **headers: str) -> Any:
        sent = {"authorization": f"Bearer {key or self.key}", **headers}
        return self.client.post(f"{AGENDA}/{act}", json=body, headers=sent)

    def job(self) -> dict[str, Any]:
        answer = self.client.get(
            f"{AGENDA}/rebuild", headers={"authorization": f"Bearer {self.key}"}
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["job"]
        return found

    def ordered(self, act: str, body: object = None) -> UUID:
        """Order a job; its id."""
        answer = self.post(act, body)
        assert answer.status_code == 202, answer.text
        assert answer.json()["job"]["state"] == "waiting"
        id = parse_id("job", answer.json()["job"]["id"])
        assert id is not None
        return id

    def carried_out(self, act: str, body: object = None) -> dict[str, Any]:
        """Order a job and carry it out, as the worker's process does; what came of it."""
        assert run_job(self.house.deployment, self.ordered(act, body)) == 0
        return self.job()

    def key_of(self, *roles: Role, operates: bool = False, shop: Trade | None = None) -> str:
        tenant = (shop or self.house.shop).tenant
        with bound_to(tenant):
            issued = self.house.platform.access_keys.issue(
                IssueKey(KeyTerms(roles, "ops", operates=operates)), operator(tenant)
            )
        return issued.state.token

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.house.deployment.main, autocommit=True) as owner:
            cursor = owner.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def events(self) -> list[dict[str, Any]]:
        """What was ordered, as the tenant's log has it: anything but when."""
        rows = self.rows(
            "SELECT e.event_id, e.header, e.state FROM event e JOIN sequenced s USING (tenant_id, event_id)"
            " WHERE e.type = 'read_model.operated.v1' ORDER BY s.sequence"
        )
        return [
            {
                **json.loads(bytes(state).split(b"\n")[0]),
                "actor": json.loads(bytes(header).split(b"\n")[1])["actor"],
                "event_id": public_id("event", id),
            }
            for id, header, state in rows
        ]

    def acts(self) -> list[tuple[str, str | None]]:
        return [
            (act, reason)
            for act, reason in self.rows("SELECT act, reason FROM read_model_act ORDER BY number")
        ]


def fill_here(_: object, rebuild: Rebuild, told: Teller) -> None:
    """Fill in this process; `carried_out` below and a running deployment do it in processes of their own."""
    told(rebuild.progress())
    rebuild.catch_up()
    told(rebuild.progress())


@pytest.fixture
def desk(storied: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for module in ("rebuilding", "rebuild_jobs"):
        monkeypatch.setattr(f"api.process.{module}.fill", fill_here)
    monkeypatch.setenv("DATABASE_URL", storied.deployment.main)
    monkeypatch.setenv("DAYBOOK_KEYS_URL", storied.deployment.keys)
    app = create_app(storied.platform, ApiSettings())
    with TestClient(app, raise_server_exceptions=True) as client:
        found = Desk(storied, client, "")
        found.key = found.key_of("engineer", operates=True)
        storied.follow()
        yield found


@pytest.mark.parametrize("act", [*ORDERS, "quarantine"])
def test_an_engineers_key_alone_operates_nothing_and_that_is_on_record(
    desk: Desk, act: str
) -> None:
    body = {"stream_id": "bkg_" + "0" * 32, "reason": "why"} if act == "quarantine" else None
    mere = desk.key_of("engineer", "owner")
    for _ in range(2):
        refused = desk.post(act, body, key=mere)
        assert (refused.status_code, refused.json()["code"]) == (403, "operator_only")
        assert "daybook key create --role engineer --operates" in refused.json()["detail"]
    denied = desk.rows("SELECT state FROM event WHERE type = 'access.denied.v1'")
    assert [b"operator_only" in bytes(row[0]) for row in denied] == [True], (
        "the first; counted since"
    )
    assert desk.rows("SELECT sum(count)::int FROM denial_count") == [(2,)]
    assert desk.acts() == []
    assert {state for (state,) in desk.rows("SELECT state FROM read_model")} == {"following"}


def test_other_roles_are_refused_as_everywhere(desk: Desk) -> None:
    refused = desk.post("pause", key=desk.key_of("owner", "auditor"))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")


def test_a_revoked_key_operates_no_more(desk: Desk) -> None:
    owner = {"authorization": f"Bearer {desk.key_of('owner')}"}
    (listed,) = [
        one for one in desk.client.get("/v1/keys", headers=owner).json()["data"] if one["operates"]
    ]
    assert listed["roles"] == ["engineer"]
    assert desk.post("pause").status_code == 200
    revoked = desk.client.post(f"/v1/keys/{listed['id']}/revoke", headers=owner)
    assert revoked.status_code == 200
    assert desk.post("resume").status_code == 401
    assert {state for (state,) in desk.rows("SELECT state FROM read_model")} >= {"paused"}


def test_a_key_that_was_revoked_elsewhere_operates_nothing(desk: Desk) -> None:
    """This process remembers it as good; the record of what it orders sees that it is not."""
    assert desk.post("pause").status_code == 200
    platform, tenant = desk.house.platform, desk.house.shop.tenant
    (id,) = (key for _, key in platform.access_keys.known)
    elsewhere = replace(platform.access_keys, known={})
    with bound_to(tenant):
        elsewhere.revoke(RevokeKey(id), operator(tenant))
    for act in ORDERS:
        assert desk.post(act).status_code == 401
    assert [act for act, _ in desk.acts()] == ["pause"]


def test_a_model_is_paused_and_resumed_for_all_and_on_record(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    paused = desk.post("pause", {"reason": "ticket 17"})
    assert (paused.status_code, paused.json()["state"]) == (200, "paused")
    again = desk.post("pause")
    assert (again.status_code, again.json()["code"]) == (409, "not_following")
    assert run_resume(desk.house.deployment, "agenda", "ada", "mended") == 0
    assert run_pause(desk.house.deployment, "agenda") == 0
    resumed = desk.post("resume")
    assert (resumed.status_code, resumed.json()["state"]) == (200, "following")
    capsys.readouterr()
    assert run_history(desk.house.deployment, 50, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)["acts"]
    assert [(one["act"], one["reason"]) for one in told] == [
        ("resume", None),
        ("pause", None),
        ("resume", "mended"),
        ("pause", "ticket 17"),
    ]
    desk.house.follow()
    ordered = desk.events()
    assert [one["act"] for one in ordered] == ["pause", "pause", "resume"], "the refused one, too"
    assert {(one["model"], one["actor"]) for one in ordered} == {("agenda", told[0]["by"])}
    assert ordered[0]["reason_sha256"] == sha256(b"ticket 17").hexdigest()
    assert ordered[0]["event_id"] == paused.headers["daybook-event"] == told[3]["event_id"]
    assert ordered[2]["event_id"] == resumed.headers["daybook-event"] == told[0]["event_id"]
    tenant = public_id("tenant", desk.house.shop.tenant)
    assert [one["tenant"] for one in told] == [tenant, None, None, tenant]
    assert told[0]["by"] == told[3]["by"]
    assert told[0]["by"].startswith("key_")
    assert told[2]["by"] == "ada"
    run_history(desk.house.deployment, 1, as_json=False)
    assert f"resume agenda by {told[0]['by']} of {tenant}" in capsys.readouterr().out


def test_a_call_that_is_repeated_is_done_once(desk: Desk) -> None:
    key = {"idempotency-key": "pause-1"}
    answers = [desk.post("pause", **key) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    first, second = (desk.post("rebuild", **{"idempotency-key": "r-1"}) for _ in range(2))
    assert first.json() == second.json()
    assert [act for act, _ in desk.acts()] == ["pause", "rebuild"]
    desk.house.follow()
    assert [one["act"] for one in desk.events()] == ["pause", "rebuild"]


def test_a_call_that_died_after_its_record_is_done_when_it_is_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise Unavailable()

    key = {"idempotency-key": "pause-1"}
    with monkeypatch.context() as patched:
        patched.setattr(PostgresModelDesk, "pause", dies)
        assert desk.post("pause", **key).status_code == 503
    assert desk.post("pause", **key).json()["state"] == "paused"
    desk.house.follow()
    first, again = desk.events()
    assert first["operation"] == again["operation"], "ordered twice, done once"
    assert [act for act, _ in desk.acts()] == ["pause"]


def test_a_stream_of_any_tenant_is_left_out_by_who_operates(desk: Desk) -> None:
    house = desk.house
    other = Trade(house.engine)
    stream = public_id("booking", other.book(1).id)
    house.follow()
    why = {"stream_id": stream, "reason": "ticket 17"}
    answer = desk.post("quarantine", why)
    assert answer.status_code == 200, answer.text
    assert answer.json()["quarantined_streams"] == [], "it is another tenant's"
    again = desk.post("quarantine", why)
    assert (again.status_code, again.json()["code"]) == (409, "leaves_nothing_out")
    for wrong in ("bkg_1", "bkg_" + "0" * 32):
        refused = desk.post("quarantine", {**why, "stream_id": wrong})
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_reference")
    for reason in ("", " "):
        assert desk.post("quarantine", {**why, "reason": reason}).status_code == 422
    ((by,),) = desk.rows("SELECT by_whom FROM read_model_quarantine")
    assert by.endswith(f" of {public_id('tenant', house.shop.tenant)}")
    assert desk.acts() == [("quarantine", "ticket 17")]
    consents = desk.client.post(
        "/v1/read-models/consents/quarantine",
        json=why,
        headers={"authorization": f"Bearer {desk.key}"},
    )
    assert (consents.status_code, consents.json()["code"]) == (409, "leaves_nothing_out")


def test_a_model_is_made_anew_compared_switched_to_and_what_it_replaced_is_dropped(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for act, code in (("switch", "nothing_to_switch"), ("drop", "nothing_to_drop")):
        refused = desk.post(act)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    id = desk.ordered("rebuild", {"reason": "ticket 17"})
    for act in ("rebuild", "switch", "drop"):
        refused = desk.post(act)
        assert (refused.status_code, refused.json()["code"]) == (409, "job_running")
        assert refused.json()["job_id"] == public_id("job", id)
    run_list(desk.house.deployment, as_json=False)
    assert f"rebuild {public_id('job', id)}: waiting" in capsys.readouterr().out
    assert run_job(desk.house.deployment, id) == 0
    filled = desk.job()
    assert (filled["state"], filled["outcome"], filled["equal"]) == ("done", "filled", True)
    assert filled["done"] == filled["total"] > 0
    assert filled["started_at"] <= filled["ended_at"]
    desk.house.shop.book(3)
    desk.house.follow()
    switched = desk.carried_out("switch")
    assert (switched["kind"], switched["outcome"], switched["equal"]) == (
        "switch",
        "switched",
        True,
    )
    assert desk.post("switch").json()["code"] == "nothing_to_switch"
    assert desk.carried_out("drop")["outcome"] == "dropped"
    assert desk.post("drop").json()["code"] == "nothing_to_drop"
    assert desk.acts() == [("rebuild", "ticket 17"), ("switch", None), ("drop", None)]
    desk.house.shop.book(9)
    desk.house.follow()
    assert proved(desk.house) == {one.name: True for one in MODELS}


def test_with_switch_a_rebuild_switches_by_itself(desk: Desk) -> None:
    done = desk.carried_out("rebuild", {"switch": True})
    assert (done["outcome"], done["equal"]) == ("switched", True)


def test_what_differs_is_switched_to_only_by_who_says_so(desk: Desk) -> None:
    desk.rows("UPDATE agenda_v1 SET status = 'noshow'")
    differs = desk.carried_out("rebuild", {"switch": True})
    assert (differs["state"], differs["outcome"]) == ("done", "differs")
    assert (differs["equal"], differs["error"]) == (False, "rebuild_not_equal")
    refused = desk.post("switch")
    assert (refused.status_code, refused.json()["code"]) == (409, "rebuild_not_equal")
    done = desk.carried_out("switch", {"anyway": True})
    assert (done["outcome"], done["equal"]) == ("switched", False)
    assert proved(desk.house)["agenda"]


def test_rows_that_were_changed_after_a_rebuild_hold_its_switch_back(desk: Desk) -> None:
    assert desk.carried_out("rebuild")["outcome"] == "filled"
    desk.rows("UPDATE agenda_v1 SET status = 'noshow'")
    late = desk.carried_out("switch")
    assert (late["outcome"], late["error"]) == ("differs", "rebuild_not_equal")
    assert desk.post("switch").json()["code"] == "rebuild_not_equal"


def test_what_the_verb_abandoned_or_switched_to_is_not_there_to_switch_to(desk: Desk) -> None:
    assert desk.carried_out("rebuild")["outcome"] == "filled"
    assert (
        run_rebuild(desk.house.deployment, "agenda", processes=1, anyway=False, as_json=True) == 0
    )
    assert desk.post("switch").json()["code"] == "nothing_to_switch"
    assert run_drop(desk.house.deployment, "agenda") == 0
    assert [act for act, _ in desk.acts()] == ["rebuild", "rebuild", "drop"]
    assert desk.carried_out("rebuild")["outcome"] == "filled"
    id = desk.ordered("switch")
    with opened(desk.house.deployment, AgendaModel()) as rebuild, rebuild.held():
        rebuild.abandon()
    assert run_job(desk.house.deployment, id) == 0
    assert (desk.job()["state"], desk.job()["error"]) == ("failed", "nothing_to_switch")


def test_a_job_waits_while_somebody_at_the_machine_makes_the_model_anew(desk: Desk) -> None:
    id = desk.ordered("rebuild")
    with opened(desk.house.deployment, AgendaModel()) as rebuild, rebuild.held():
        assert run_job(desk.house.deployment, id) == BUSY
        assert desk.job()["state"] == "waiting"
        other = desk.client.post(
            "/v1/read-models/consents/rebuild", headers={"authorization": f"Bearer {desk.key}"}
        )
        assert other.status_code == 202
        with filler(desk.house.deployment) as connection:
            waiting = jobs.next_job(connection)
        assert waiting is not None
        assert waiting.name == "consents", "what has to wait holds no other up"
    assert carried_out(Stop(), desk.house.deployment, id) == 0
    assert desk.job()["outcome"] == "filled"
    assert run_job(desk.house.deployment, id) == 0, "it has ended"


def test_a_job_that_fails_again_and_again_is_given_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("a value nobody may see")

    id = desk.ordered("rebuild")
    monkeypatch.setattr("api.process.rebuild_jobs.fill", fails)
    with filler(desk.house.deployment) as connection:
        for _ in range(jobs.FAILURES_MAX):
            assert desk.job()["ended_at"] is None
            with pytest.raises(RebuildRefused, match="ValueError") as raised:
                run_job(desk.house.deployment, id)
            assert "nobody may see" not in str(raised.value)
            jobs.failed_once(connection, id)
    assert (desk.job()["state"], desk.job()["error"]) == ("failed", "could_not_be_filled")
    monkeypatch.setattr("api.process.rebuild_jobs.fill", fill_here)
    assert desk.carried_out("rebuild")["outcome"] == "filled"


def test_a_job_that_dies_between_its_switch_and_its_end_does_not_exist(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a job is in the transaction of its switch: what fails there has not switched."""
    id = desk.ordered("rebuild", {"switch": True})

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("projections.engine.jobs.finish", dies)
        with pytest.raises(KeyboardInterrupt):
            run_job(desk.house.deployment, id)
    assert desk.job()["state"] == "switching"
    assert desk.rows("SELECT count(*)::int FROM read_model_build WHERE name = 'agenda'") == [(2,)]
    assert run_job(desk.house.deployment, id) == 0
    assert desk.job()["outcome"] == "switched"


def test_nobody_but_its_operators_sees_a_job(desk: Desk) -> None:
    desk.ordered("rebuild")
    mere = {"authorization": f"Bearer {desk.key_of('engineer', 'owner')}"}
    refused = desk.client.get(f"{AGENDA}/rebuild", headers=mere)
    assert refused.json()["code"] == "operator_only"
    unknown = desk.client.get(
        "/v1/read-models/diary/rebuild", headers={"authorization": f"Bearer {desk.key}"}
    )
    assert unknown.status_code == 404
    none = desk.client.get(
        "/v1/read-models/consents/rebuild", headers={"authorization": f"Bearer {desk.key}"}
    )
    assert none.status_code == 404
