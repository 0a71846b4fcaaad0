"""Reports over HTTP: media types, headers, a signature that holds for every byte, and the same bytes again."""

from __future__ import annotations

import csv
import io
import json
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Response

from domain.report import REPORT_NAMES
from domain.values import parse_id, public_id
from infrastructure.canonical import canonical
from infrastructure.ledger.publishing.origins import default
from infrastructure.ledger.signed.notes import parse_note, verifier_key, verify
from infrastructure.twin.memory_ledger import KEY
from tests.disclosing import BEGINNING, DAY, Disclosing
from tests.http.business import Business, Server
from tests.http.problem import assert_problem

FORMATS = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
    "jsonld": "application/ld+json",
}


@pytest.fixture
def told(own_server: Server) -> tuple[Business, Disclosing]:
    shop = own_server.business().opened()
    shop.made["subject"] = shop.book()["subject_id"]
    own_server.clock.set(BEGINNING + 90 * DAY)
    story = Disclosing(own_server.platform.tenancy.store, shop.tenant)
    return shop, story


def taken(shop: Business, name: str, **query: Any) -> Response:
    answer = shop.get(f"/v1/reports/{name}", role="privacy_officer", params=query)
    assert answer.status_code == 200, answer.text
    return answer


def assert_signed(shop: Business, name: str, format: str, answer: Response) -> None:
    """The header's signature is the log's, over these very bytes."""
    note = b64decode(answer.headers["daybook-signature"]).decode()
    body, origin = answer.content, default(shop.tenant)
    if format == "json":
        whole = json.loads(body)
        assert whole.pop("signature") == note
        body = canonical(whole)
    files = {f"{name}.{format}": b64encode(sha256(body).digest()).decode()}
    manifest = canonical({"v": 1, "kind": "report", "origin": origin, "files": files})
    digest = b64encode(sha256(manifest).digest()).decode()
    parsed = parse_note(note)
    assert parsed.text == f"daybook/manifest/v1\n{origin}\n{digest}\n"
    assert verify(parsed, [verifier_key(origin, KEY)])


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", REPORT_NAMES)
def test_each_report_in_each_format_is_signed_and_empty_ones_too(
    told: tuple[Business, Disclosing], name: str, format: str
) -> None:
    shop, _ = told
    about = (
        {"subject_id": shop.made["subject"]}
        if name in ("article-15", "accounting-of-disclosures")
        else {}
    )
    answer = taken(shop, name, format=format, **about)
    assert answer.headers["content-type"] == FORMATS[format]
    assert_signed(shop, name, format, answer)
    assert answer.headers["daybook-position"].isdecimal()
    named = f'attachment; filename="{name}.{format}"'
    assert answer.headers.get("content-disposition") == (None if format == "json" else named)


def test_the_same_rows_are_in_every_format_and_come_again(
    told: tuple[Business, Disclosing],
) -> None:
    shop, story = told
    subject = shop.made["subject"]
    crm = story.recipient("=Formula Inc", "DE")
    for _ in range(3):
        story.sent(crm, _uuid(subject))
    first = taken(shop, "article-15", subject_id=subject).json()
    place = {"as_of": first["as_of"], "position": first["complete_to"]["position"]}
    for format in FORMATS:
        once, again = (
            taken(shop, "article-15", subject_id=subject, format=format, **place) for _ in range(2)
        )
        assert once.content == again.content, format
        assert once.headers["daybook-signature"] == again.headers["daybook-signature"]
    asked = {"subject_id": subject, **place}
    lines = csv.reader(
        io.StringIO(taken(shop, "article-15", format="csv", **asked).text, newline="")
    )
    rows = [line[1:] for line in lines if line[0] == "row"]
    assert len(rows) == first["row_count"] == len(first["rows"]) == 3
    assert rows[0][1] == "'=Formula Inc" and first["rows"][0]["recipient"] == "=Formula Inc"
    linked = taken(shop, "article-15", format="jsonld", **asked).json()
    assert [one["daybook:event_id"] for one in linked["dpv:hasProcess"]] == [
        one["event_id"] for one in first["rows"]
    ]


def _uuid(subject: str) -> UUID:
    found = parse_id("subject", subject)
    assert found is not None
    return found


def test_a_report_that_was_taken_is_an_event(told: tuple[Business, Disclosing]) -> None:
    shop, _ = told
    answer = taken(shop, "ropa", format="csv")
    events = shop.get("/v1/events?type=report", role="auditor").json()["data"]
    assert [one["type"] for one in events] == ["report.issued.v1"]
    assert events[0]["position"] == int(answer.headers["daybook-position"]) + 1
    assert events[0]["header"]["actor"].startswith("key_")


def test_what_is_asked_wrongly_is_told_by_its_field(told: tuple[Business, Disclosing]) -> None:
    shop, _ = told
    path = "/v1/reports/article-15"
    assert_problem(shop.get(path), "invalid", "/subject_id")
    assert_problem(
        shop.get(f"{path}?subject_id={shop.made['subject']}&year=2026"), "invalid", "/year"
    )
    assert_problem(shop.get(f"{path}?format=docx"), "invalid", "/format")
    assert_problem(shop.get("/v1/reports/everything"), "not_found")
    unknown = public_id("recipient", uuid4())
    assert_problem(
        shop.get(f"/v1/reports/ropa?recipient_id={unknown}"), "unknown_reference", "/recipient_id"
    )
    nobody = public_id("subject", uuid4())
    assert_problem(shop.get(f"{path}?subject_id={nobody}"), "not_found")
    assert_problem(shop.get("/v1/reports/ropa", key=shop.key("staff")), "not_permitted")
