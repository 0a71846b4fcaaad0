"""Every refusal has one shape, and nothing of a failure of ours gets out."""

from __future__ import annotations

import logging
from dataclasses import replace
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from api.http.app import create_app
from api.http.problems import STATUS, bug, kinds, meanings, problem, status_of
from api.http.settings import ApiSettings
from application.recorded import Caller
from application.setup.register import Listing
from domain.errors import DomainError, FieldError, Refused
from tests.http.business import Business, Server
from tests.http.problem import assert_problem

CONTRACT = {400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 429, 500, 503}
SECRET = "Grace Secret"


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_and_a_page(server: Server, kind: type[DomainError]):
    assert status_of(kind) in CONTRACT
    page = server.client.get(f"/problems/{kind.code}")
    assert page.status_code == 200
    assert page.json()["status"] == status_of(kind)
    assert page.json()["meaning"]


def test_the_contracts_statuses_are_all_in_use():
    assert {meaning.status for meaning in meanings().values()} == CONTRACT


def test_classes_that_share_a_code_share_a_status():
    statuses: dict[str, set[int]] = {}
    for kind in kinds():
        statuses.setdefault(kind.code, set()).add(status_of(kind))
    assert all(len(found) == 1 for found in statuses.values())


def test_a_new_kind_of_refusal_goes_where_its_parent_goes():
    class Novel(Refused):
        """It is new."""

        code = "novel"

    assert Novel not in STATUS
    assert status_of(Novel) == 409


def test_what_is_no_refusal_has_no_status():
    with pytest.raises(TypeError):
        status_of(DomainError)


def test_context_is_told_and_cannot_hide_what_a_problem_says():
    answer = problem(Refused("No.", reason="no_consent", status=200), UUID(int=1))
    assert answer.status == 409
    assert b'"reason":"no_consent"' in answer.body
    assert b'"status":409' in answer.body


def test_field_errors_are_told_with_their_pointers():
    error = FieldError("/customer/email", "not_an_email", "It is not an e-mail address.")
    answer = problem(Refused(errors=(error,)), UUID(int=1))
    assert b'"pointer":"/customer/email"' in answer.body


def test_an_address_that_does_not_exist_is_a_problem(server: Server):
    assert_problem(server.client.get("/v2/anything"), "not_found")
    assert_problem(server.client.get("/v1/locations/"), "not_found")
    assert_problem(server.client.get("/problems/unheard_of"), "not_found")


def test_a_method_that_is_not_offered_is_a_problem_that_names_those_that_are(business: Business):
    refused = business.call("DELETE", "/v1/locations")
    assert_problem(refused, "method_not_allowed")
    assert refused.headers["allow"] == "GET, POST"
    refused = business.call("PUT", f"/v1/staff/{'x' * 9}/schedule/more")
    assert_problem(refused, "not_found")


class _Broken:
    """A use case with a bug in it."""

    def page(self, limit: int, after: object, by: Caller) -> Listing[object]:
        """Fail, with personal data in the exception."""
        raise LookupError(SECRET) from ValueError(SECRET)


def test_a_bug_says_nothing_but_its_id(caplog: pytest.LogCaptureFixture):
    server = Server.start()
    broken = replace(server.platform, locations=_Broken())  # type: ignore[arg-type]
    business = server.business()
    client = TestClient(create_app(broken, ApiSettings()))
    with caplog.at_level(logging.DEBUG):
        headers = {"authorization": f"Bearer {business.keys['owner']}"}
        body = assert_problem(client.get("/v1/locations", headers=headers), "internal")
    assert SECRET not in str(body) + caplog.text
    assert body["instance"].removeprefix("urn:uuid:") in caplog.text
    assert "LookupError <- ValueError" in caplog.text
    assert "in page" in caplog.text


def test_a_failure_in_a_circle_is_logged_once_each(caplog: pytest.LogCaptureFixture):
    first, second = KeyError(SECRET), OSError(SECRET)
    first.__context__, second.__context__ = second, first
    bug(first, UUID(int=7))
    assert caplog.text.count("KeyError <- OSError\n") == 1
