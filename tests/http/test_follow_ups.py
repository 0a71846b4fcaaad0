"""What recipients have to be told, over HTTP."""

from __future__ import annotations

from tests.http.business import Business
from tests.http.disclosing import a_recipient, wish
from tests.http.problem import assert_problem

OFFICER = "privacy_officer"


def test_nobody_has_to_be_told_of_nothing(shop: Business):
    shop.make(
        "/v1/disclosures", wish(a_recipient(shop)["id"], shop.book()["subject_id"]), role=OFFICER
    )
    answer = shop.get("/v1/follow-ups?state=open", role="auditor")
    assert answer.json() == {"data": [], "next_cursor": None}
    assert int(answer.headers["daybook-position"]) >= 0
    nothing = f"/v1/follow-ups/fup_{'0' * 32}/acknowledgements"
    assert_problem(shop.post(nothing, {"outcome": "done"}, role=OFFICER), "not_found")
    assert_problem(shop.get("/v1/follow-ups?state=some", role="auditor"), "invalid", "/state")
