"""What a person takes along and what their page shows: all of it, only what they may see, and on record."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

from tests.http.business import ADA, Business, Json
from tests.http.problem import assert_problem
from tests.http.test_policies import headers_of

UNDER = {"daybook-purpose": "legal_duty", "daybook-case": "REQ-1"}
FULL = {**ADA, "phone": "+1 212 555 0100"}


@pytest.fixture
def own(own_shop: Business) -> Business:
    """A shop with two customers; of one, `made["subject"]`, more is known."""
    booked = own_shop.book(customer=FULL, note="=1+1", metadata={"colour": "red"})
    ben = {"name": "Ben Example", "email": "ben@example.test"}
    own_shop.book("2027-01-11T12:00:00Z", customer=ben)
    subject = booked["subject_id"]
    corrected = own_shop.call("PATCH", f"/v1/subjects/{subject}", json={"phone": "+12125550199"})
    assert corrected.status_code == 200
    said = {"purpose": "marketing_first_party", "decision": "refused", "method": "spoken"}
    given = own_shop.post(
        f"/v1/subjects/{subject}/consents",
        {**said, "evidence": {"call": "2027-01-04 09:00"}},
        role="privacy_officer",
    )
    assert given.status_code == 201, given.text
    own_shop.made.update(subject=subject, booking=booked["id"])
    return own_shop


def path(shop: Business, what: str = "package") -> str:
    return f"/v1/subjects/{shop.made['subject']}/{what}"


def tables(shop: Business) -> Json:
    answer = shop.get(path(shop), headers=UNDER)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()["tables"]
    return found


def test_everything_is_in_it_with_where_it_comes_from(own: Business):
    found = tables(own)
    told = [
        (row["source"], row["field"], row["key"], row["value"]) for row in found["values"]["rows"]
    ]
    assert told == [
        ("profile", "name", None, "Ada Example"),
        ("profile", "email", None, "ada@example.test"),
        ("profile", "phone", None, "+1 212 555 0100"),
        ("profile", "phone", None, "+12125550199"),
        ("booking", "name", None, "Ada Example"),
        ("booking", "phone", None, "+1 212 555 0100"),
        ("booking", "note", None, "=1+1"),
        ("booking", "metadata", "colour", "red"),
        ("consent", "evidence", "call", "2027-01-04 09:00"),
    ]
    assert all(row["event_id"].startswith("evt_") for row in found["values"]["rows"])
    assert [row["booking_id"] for row in found["bookings"]["rows"]] == [own.made["booking"]]
    (said,) = found["consents"]["rows"]
    assert (said["purpose"], said["decision"]) == ("marketing_first_party", "refused")
    assert found["recipients"]["rows"] == []


def test_it_is_one_access_and_that_it_was_made_is_on_record_without_a_digest(own: Business):
    before = len(headers_of(own, "access.granted.v1"))
    tables(own)
    assert len(headers_of(own, "access.granted.v1")) == before + 1
    assert len(headers_of(own, "package.made.v1")) == 1


def test_as_csv_a_spreadsheet_calculates_nothing(own: Business):
    answer = own.get(f"{path(own)}?format=csv", headers=UNDER)
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    rows = list(csv.reader(io.StringIO(archive.read("values.csv").decode(), newline="")))
    assert "'=1+1" in [row[rows[0].index("value")] for row in rows]
    dictionary = list(csv.reader(io.StringIO(archive.read("columns.csv").decode(), newline="")))
    names = {(row[0], row[1]) for row in dictionary[1:]}
    for file in archive.namelist():
        header = next(csv.reader(io.StringIO(archive.read(file).decode(), newline="")))
        table = file.removesuffix(".csv")
        assert table == "columns" or {(table, name) for name in header} <= names


def test_who_asks_without_a_purpose_or_the_role_gets_nothing(own: Business):
    assert_problem(own.get(path(own)), "purpose_required")
    assert_problem(own.get(path(own), role="auditor", headers=UNDER), "not_permitted")
    nobodys = own.get(f"{path(own)}?request_id=req_{'0' * 32}", headers=UNDER)
    assert_problem(nobodys, "unknown_reference", "/request_id")
    missing = own.get(f"/v1/subjects/sub_{'0' * 32}/package", headers=UNDER)
    assert_problem(missing, "not_found")


def test_access_is_given_once_its_own_package_was_made_and_names_it(own: Business):
    made = ask(own, "access")
    early = own.get(f"{path(own)}?request_id={made}", headers=UNDER)
    assert_problem(early, "identity_not_verified")
    verify(own, made)
    other = ask(own, "portability")
    verify(own, other)
    for request in (None, other):
        query = "" if request is None else f"?request_id={request}"
        assert own.get(f"{path(own)}{query}", headers=UNDER).status_code == 200
        without = own.post(f"/v1/privacy-requests/{made}/fulfil", {}, role="privacy_officer")
        assert_problem(without, "invalid_state")
    stranger = own.book("2027-01-11T15:00:00Z", customer={"name": "Cy", "email": "cy@example.test"})
    not_theirs = f"/v1/subjects/{stranger['subject_id']}/package?request_id={made}"
    assert_problem(own.get(not_theirs, headers=UNDER), "unknown_reference", "/request_id")
    assert own.get(f"{path(own)}?request_id={made}", headers=UNDER).status_code == 200
    last = headers_of(own, "package.made.v1")[-1]
    for request in (made, other):
        answer = own.post(f"/v1/privacy-requests/{request}/fulfil", {}, role="privacy_officer")
        assert answer.status_code == 200, answer.text
        (given,) = answer.json()["rights"]
        assert given["outcome"] == "fulfilled"
        assert (f"evt_{last['id']}" in given["evidence"]) == (request == made)
        assert len(given["evidence"]) == 1


def test_of_an_erased_person_there_is_no_package_and_a_page_that_says_so(own: Business):
    erase(own)
    assert_problem(own.get(path(own), headers=UNDER), "erased")
    page = own.get(path(own, "page")).json()
    assert page["held"]["erased_at"] is not None
    assert (page["may_ask"], page["held"].get("values")) == ([], None)
    assert len(page["bookings"]) == 1, "the appointment took its time"


def test_a_page_shows_the_person_what_they_may_see(own: Business):
    plain = own.get(path(own, "page")).json()
    assert "values" not in plain["held"]
    assert plain["consents"][0]["decision"] == "refused"
    assert (plain["shared"]["disclosures"], plain["restricted"], plain["kept"]) == (0, False, [])
    assert "erasure" in plain["may_ask"]
    shown = own.get(path(own, "page"), headers=UNDER).json()
    assert shown["held"]["values"]["name"] == "Ada Example"
    looked = own.get(path(own, "page")).json()["looked"]
    assert all("actor" not in one for one in looked)


def ask(shop: Business, type: str) -> str:
    """A request of the person; its id."""
    body = {
        "type": type,
        "jurisdiction": "gdpr",
        "subject_id": shop.made["subject"],
        "received_at": "2027-01-04T07:00:00Z",
        "channel": "email",
    }
    made = shop.post("/v1/privacy-requests", body, role="privacy_officer")
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def verify(shop: Business, request: str) -> None:
    """It is known that they ask."""
    said = {"method": "email_loop", "compared": ["email"], "outcome": "verified"}
    path = f"/v1/privacy-requests/{request}/verify-identity"
    assert shop.post(path, said, role="privacy_officer").status_code == 200


def erase(shop: Business) -> None:
    """Have the person erased at their own request."""
    made = ask(shop, "erasure")
    verify(shop, made)
    answer = shop.post(f"/v1/privacy-requests/{made}/fulfil", {}, role="privacy_officer")
    assert answer.status_code == 200, answer.text
