"""Nothing personal reaches a table, a file, a dump, the write-ahead log or a log in the clear. README D5, D15.

The scanner is `infrastructure/drill/canary.py`. The second half of this file is what makes the first half worth
something: with sealing switched off, and with canaries in every disguise, it finds them in every place.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg
import pytest

from application.ports import Append
from application.recorded import Recorded
from domain.booking import BookingConfirmed
from domain.booking_given import PersonGiven
from domain.values import Personal
from domain.visit import Visit
from infrastructure.database import Database
from infrastructure.deployment import Deployment
from infrastructure.drill.canary import (
    Canary,
    Sighting,
    databases,
    in_dumps,
    in_files,
    in_log,
    in_tables,
    log_position,
    oldest_position,
)
from infrastructure.engine import Engine
from infrastructure.keys.sealer import SubjectKey
from infrastructure.server.local_postgres import LocalPostgres
from infrastructure.store.event_mapper import EventMapper
from infrastructure.store.event_recorder import SequencedRecorder
from infrastructure.store.event_store import PostgresEventStore
from infrastructure.wall import bound_to
from tests.api_client import Api, Business
from tests.crm import SECRET
from tests.engines import drop_deployment, make_deployment
from tests.http.disclosing import CRM
from tests.http.disclosing import wish as disclosure_wish
from tests.http.ordering import OFFICE, PAPER, what_is_asked
from tests.running import Running

pytestmark = pytest.mark.xdist_group("running_search")

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//test//EN
BEGIN:VEVENT
UID:1@example.test
DTSTAMP:20270101T000000Z
DTSTART:{start}
DTEND:{end}
SUMMARY:{word}
LOCATION:{word}
DESCRIPTION:{word}
ORGANIZER;CN={word}:mailto:{word}@example.test
ATTENDEE;CN={word}:mailto:{word}@example.test
END:VEVENT
END:VCALENDAR
"""
AT = datetime(2027, 1, 4, 10, 0, tzinfo=UTC)
UNDER_A_PURPOSE = {"daybook_purpose": "service"}


# --- nothing is found ------------------------------------------------------------------------------------------------


def everywhere(running: Running, since: str, canaries: list[Canary]) -> list[Sighting]:
    """Look in every place that a running deployment has."""
    server = LocalPostgres(running.data).dsn()
    dsns = databases(server)
    found = in_log(server, since, canaries)
    for dsn in dsns:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("ANALYZE")
            connection.execute("CHECKPOINT")
    return (
        found
        + in_tables(dsns, canaries)
        + in_dumps(dsns, canaries)
        + in_files(running.data, canaries)
    )


def test_no_personal_value_is_found_anywhere(running: Running) -> None:
    word, phone = Canary.hatch(), Canary.hatch(digits=True)
    since = oldest_position(running.deployment.main)
    business = Business.found(running)
    service = business.offer("Cut", 30)
    staff = business.engage([service], name=f"Sam {word.core}")
    person = {
        "name": f"Ada {word.core}",
        "email": f"{word.core}@example.test",
        "phone": f"+{phone.core}",
        "address": f"1 {word.core} Street",
    }
    wish = {
        **business.wish(service, 600),
        "customer": person,
        "note": f"Please ring {word.core} " * 30,
        "metadata": {word.core: word.core, "dog": word.core},
    }
    with business.api() as api:
        subject = book_and_read(api, business, wish)
        say_and_correct(api, subject, person, word)
        import_calendar(api, business, staff, word)
        fail_over_http(api, business, wish, word)
    serve_and_ask(business, wish, word)
    hand_over(business, word)
    fail_in_sql(running, business, word)
    found = everywhere(running, since, [word, phone])
    assert {(one.where, one.how) for one in found} == set()


def book_and_read(api: Api, business: Business, wish: dict[str, Any]) -> str:
    """Everything that is done with a person's data when all goes well; the person."""
    first = api.post("/v1/bookings", wish, idempotency_key=str(uuid4()))
    assert first.status == 201, first.body
    second = {**wish, "start": business.start(690)}  # a person who is known
    booked = api.post("/v1/bookings", second, idempotency_key=str(uuid4()))
    assert booked.status == 201
    assert booked.body["subject_id"] == first.body["subject_id"]
    path = f"/v1/bookings/{booked.body['id']}"
    moved = api.post(f"{path}/reschedule", {"start": business.start(780)})
    assert moved.status == 200
    opened = api.get(path, {"include": "customer"}, **UNDER_A_PURPOSE)
    assert opened.body["customer"] == wish["customer"] | {
        "note": wish["note"],
        "metadata": wish["metadata"],
    }, "what is not found can be opened"
    at_least = moved.headers["daybook-event"]
    asked = {"location_id": business.location, "at_least": at_least, **business.span()}
    agenda = api.get("/v1/agenda", asked, **UNDER_A_PURPOSE)
    names = [one["customer"]["name"] for one in agenda.body["days"][0]["entries"]]
    assert names == [wish["customer"]["name"]] * 2
    assert api.get(f"{path}/calendar.ics", {"include": "customer"}, **UNDER_A_PURPOSE).status == 200
    assert api.post(f"{path}/cancel", {"reason_code": "other"}).status == 200
    return str(booked.body["subject_id"])


def say_and_correct(api: Api, subject: str, person: dict[str, Any], word: Canary) -> None:
    """What a person says, with its evidence; look-ups; corrections; and all of these where they are refused."""
    text = {"language": "en", "text": "Little.", "material": False, "summary": "First."}
    api.made(
        "/v1/policy-versions",
        {"version": "2027-01", "effective_from": "2026-01-01T00:00:00Z", **text},
    )
    path = f"/v1/subjects/{subject}"
    given: dict[str, Any] = {
        "purpose": "marketing_first_party",
        "decision": "given",
        "policy_version": "2027-01",
        "method": "signature",
        "evidence": {"signed": f"by {word.core}"},
    }
    said_so: list[tuple[dict[str, Any], int]] = [
        (given, 201),
        ({**given, "decision": "withdrawn"}, 201),
        ({**given, "purpose": word.core}, 409),
        ({**given, "policy_version": word.core}, 409),
        ({**given, "evidence": {word.core: "\0"}}, 422),
        ({**given, "channel": word.core}, 422),
    ]
    for body, status in said_so:
        said = api.post(
            f"{path}/consents", body, idempotency_key=str(uuid4()), sec_gpc=word.core, dnt=word.core
        )
        assert said.status == status, said.body
    assert len(api.get(f"{path}/consents").body["rejected"]) == 2
    found = api.post("/v1/subjects/search", {"email": person["email"]})
    assert found.body["data"] == [{"subject_id": subject}]
    assert api.post("/v1/subjects/search", {"email": word.core}).status == 422
    assert api.call("PATCH", path, {"address": f"2 {word.core} Street"}).status == 200
    assert api.call("PATCH", path, {"email": word.core}).status == 422
    shown = api.get(path, None, **UNDER_A_PURPOSE)
    assert shown.body["values"] == {**person, "address": f"2 {word.core} Street"}


def hand_over(business: Business, word: Canary) -> None:
    """Data of the person leaves in a response, fails to leave by https, and is refused."""
    with business.api("booking") as api:
        booked = api.get("/v1/bookings", business.span()).body["data"][0]
    every = ["name", "email", "phone", "address", "booking_times", "note", "metadata"]
    person = booked["subject_id"]
    by_https = {"kind": "https", "url": "https://127.0.0.1:9/", "secret": SECRET}
    asked = {**CRM, "contract_from": "2026-01-01"}
    with business.api("privacy_officer") as api:
        here = api.made("/v1/recipients", asked)["id"]
        there = api.made("/v1/recipients", {**asked, "delivery": by_https})["id"]
        body = disclosure_wish(here, person, fields=every)
        done = api.post("/v1/disclosures", body, idempotency_key=str(uuid4()))
        assert word.core in done.raw.decode(), "what is not found was handed over"
        for faulty in (
            disclosure_wish(there, person, fields=every),
            disclosure_wish(here, person, fields=["name", word.core]),
            disclosure_wish(here, person, purpose=word.core),
        ):
            refused = api.post("/v1/disclosures", faulty, idempotency_key=str(uuid4()))
            assert refused.code == "disclosure_refused", refused.body


def import_calendar(api: Api, business: Business, staff: str, word: Canary) -> None:
    """Busy time out of a calendar that says a good deal more, and out of a broken one."""
    start, end = business.day + timedelta(hours=20), business.day + timedelta(hours=21)
    text = CALENDAR.format(
        start=start.strftime("%Y%m%dT%H%M%SZ"), end=end.strftime("%Y%m%dT%H%M%SZ"), word=word.core
    )
    path = f"/v1/staff/{staff}/busy-imports"
    as_calendar: dict[str, Any] = {"content_type": "text/calendar"}
    done = api.call("POST", path, text.encode(), business.span(), **as_calendar)
    assert (done.status, done.body["blocks"]) == (201, 1), done.body
    for broken in (text.replace("DTEND", word.core), word.core, text[:200]):
        refused = api.call("POST", path, broken.encode(), business.span(), **as_calendar)
        assert refused.status in (201, 422), refused.body


def fail_over_http(api: Api, business: Business, wish: dict[str, Any], word: Canary) -> None:
    """Calls that are refused, each with a key, so that the refusal is kept; and what is no call at all."""
    person = wish["customer"]
    long = word.core * 90
    faulty: list[dict[str, Any]] = [
        {**wish, "start": word.core},
        {**wish, "service_id": word.core},
        {**wish, "external_ref": f"not an id {word.core}"},
        {**wish, "customer": word.core},
        {**wish, "customer": {**person, "name": long}},
        {**wish, "customer": {**person, "name": [word.core]}},
        {**wish, "customer": {**person, "name": f"{word.core}\0"}},
        {**wish, "customer": {**person, "email": word.core}},
        {**wish, "customer": {**person, "phone": word.core}},
        {**wish, "customer": {**person, f"{word.core}@example.test": 1}},
        {**wish, "metadata": {f"{word.core} {word.core}": "1"}},
        {**wish, "start": business.start(0)},
        {**wish, "hold_id": f"hld_{uuid4().hex}"},
    ]
    for body in faulty:
        refused = api.post("/v1/bookings", body, idempotency_key=str(uuid4()))
        assert refused.status in (201, 409, 422), refused.body
    for body in made_up_names(wish, word):  # without a key
        assert api.post("/v1/bookings", body).status == 422
    key = word.core  # a caller may choose anything for a key
    assert (
        api.post("/v1/bookings", {**wish, "start": business.start(900)}, idempotency_key=key).status
        == 201
    )
    assert api.post("/v1/bookings", wish, idempotency_key=key).status == 422
    torn = f'{{"customer": "{word.core}'.encode()
    as_json: dict[str, Any] = {"content_type": "application/json"}
    assert api.call("POST", "/v1/bookings", torn, idempotency_key="torn", **as_json).status == 400
    assert api.call("POST", "/v1/bookings", torn * 5_000, **as_json).status == 413
    assert api.get(f"/v1/bookings/{word.core}").status == 404
    assert api.get(f"/{word.core}", {word.core: word.core}).status == 404
    assert api.get("/v1/bookings", {"email": word.core}).status == 422
    assert api.get("/v1/services", daybook_purpose=word.core).status in (200, 403)
    with Api(business.running.url, f"dbk_{word.core}") as stranger:
        assert stranger.get("/v1/services").status == 401


def serve_and_ask(business: Business, wish: dict[str, Any], word: Canary) -> None:
    """A legal process that names the person, opened and refused; a franchise's request, and what it hands over."""
    faulty: list[dict[str, Any]] = [
        {**PAPER, "scope": word.core * 200},
        {**PAPER, "number": f"of {word.core}"},
        {**PAPER, "type": word.core},
        {**PAPER, word.core: word.core},
    ]
    asked = {
        **what_is_asked(business.location, fields=["name", "note", "metadata", "booking_times"]),
        **business.span(),
    }
    with business.api("privacy_officer") as officer, business.api("corporate") as office:
        served = {**PAPER, "scope": f"All visits of {word.core}"}
        served["served_at"], served["gag_until"] = "2026-01-01T00:00:00Z", "2199-01-01T00:00:00Z"
        made = officer.post("/v1/legal-processes", served, idempotency_key=str(uuid4()))
        assert made.status == 201, made.body
        path, why = f"/v1/legal-processes/{made.body['id']}", {"daybook_purpose": "service"}
        shown = officer.get(path, {"include": "scope"}, **why)
        assert shown.body["scope"] == served["scope"], "what is not found can be opened"
        for body in faulty:
            refused = officer.post("/v1/legal-processes", body, idempotency_key=str(uuid4()))
            assert refused.status == 422, refused.body
        officer.made("/v1/recipients", {**OFFICE, "location_ids": [business.location]})
        request = office.made("/v1/franchise-requests", asked)["id"]
        approve, key = f"/v1/franchise-requests/{request}/approve", str(uuid4())
        done = officer.post(approve, {}, idempotency_key=key)
        assert done.status == 200, done.body
        (record,) = done.body["disclosures"][0]["records"]
        assert record["values"]["name"] == wish["customer"]["name"]
        again = officer.post(approve, {}, idempotency_key=key)
        assert again.body["disclosures"][0]["replayed"] is True


def made_up_names(wish: dict[str, Any], word: Canary) -> list[dict[str, Any]]:
    """Bodies in which the name of a field is what it should not be."""
    person = {**wish["customer"], word.core: 1}
    return [
        {**wish, "customer": person},
        {**wish, "metadata": {word.core: "1" * 501}},
        {**wish, "metadata": {word.core: "\0"}},
        {**wish, "metadata": {word.core: 1}},
        {**wish, word.core: word.core},
    ]


def test_a_kept_refusal_repeats_no_name_that_a_caller_made_up(running: Running) -> None:
    word, business = Canary.hatch(), Business.found(running)
    service = business.offer("Cut", 30)
    with business.api() as api:
        for body in made_up_names(business.wish(service, 600), word):
            refused = api.post("/v1/bookings", body, idempotency_key=str(uuid4()))
            assert refused.status == 422, refused.body
    kept = running.rows("SELECT convert_from(body, 'UTF8') FROM kept_answer WHERE status = 422")
    assert [body for (body,) in kept if word.core in body] == []


def fail_in_sql(running: Running, business: Business, word: Canary) -> None:
    """A constraint that does not hold, and a statement that fails with the word in it and beside it."""
    engine, tenant = Engine.connect(running.deployment, connections=1), uuid4()
    try:
        with bound_to(tenant):
            event = confirmed(tenant, word.core, version=-1)
            with pytest.raises(psycopg.errors.CheckViolation):
                engine.store.append(Append(tenant, event.occurred_at, (event,)))
            with pytest.raises(psycopg.errors.DivisionByZero):
                engine.app.rows("SELECT length(%s::text) / 0", (word.core,))
            with pytest.raises(psycopg.errors.DivisionByZero):
                engine.app.rows(f"SELECT 1 / 0 /* {word.core} */ AS {word.core}")
    finally:
        engine.close()


def confirmed(
    tenant: UUID, word: str, *, version: int = 1, note: str | None = None
) -> Recorded[object]:
    """A booking of a person who says `word` wherever something can be said."""
    said = Personal(word)
    person = PersonGiven(said, said, said, Personal(note or word), {word: said})
    start, end = AT, AT + timedelta(hours=1)
    visit = Visit(uuid4(), uuid4(), uuid4(), start, end, start, end)
    decision = BookingConfirmed(uuid4(), uuid4(), visit, None, None, person)
    return Recorded(tenant, decision.booking, version, uuid4(), start, "key_1", decision)


# --- and the search is a good one ------------------------------------------------------------------------------------


@pytest.fixture
def deployment_beside(running: Running) -> Iterator[Deployment]:
    """A deployment of its own on the running one's server: what it leaves lies in the same folder."""
    server, name = LocalPostgres(running.data).dsn(), f"beside_{uuid4().hex[:12]}"
    yield make_deployment(server, running.data / name, name)
    drop_deployment(server, name)


class Unsealed:
    """A cipher that does nothing."""

    def encrypt(self, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
        """What it was given."""
        return plaintext


class UnsealedKeys:
    """Keys that seal nothing."""

    def sealing_key(self, tenant: UUID, subject: UUID, retention_class: str) -> SubjectKey:
        """One that seals nothing."""
        return SubjectKey(uuid4(), cast(Any, Unsealed()))


def append_unsealed(app: Database, *events: Recorded[object]) -> None:
    """Append with sealing switched off, each on its own."""
    store = PostgresEventStore(app, EventMapper(UnsealedKeys()), SequencedRecorder(app))
    for event in events:
        with bound_to(event.tenant):
            store.append(Append(event.tenant, AT, (event,)))


def noise(length: int) -> str:
    """Text that does not compress, so that a value of it lies out of line."""
    return "".join(uuid4().hex for _ in range(length // 32))


def columns_of(dsn: str, statement: str) -> tuple[Any, ...]:
    """The one row of a statement."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return tuple(row)


def hows(found: list[Sighting], canary: Canary, where: str) -> set[str]:
    """In which disguises a canary was seen in places whose name has `where` in it."""
    return {one.how for one in found if one.core == canary.core and where in one.where}


def test_the_scanner_finds_the_canary_when_sealing_is_off(
    running: Running, deployment_beside: Deployment
) -> None:
    small, large = Canary.hatch(), Canary.hatch()
    main, role = (
        deployment_beside.main,
        f"{columns_of(deployment_beside.main, 'SELECT current_database()')[0]}_app",
    )
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute(f'ALTER ROLE "{role}" SET wal_compression = pglz'.encode())
    since = log_position(main)
    app, tenant = Database(deployment_beside.dsn_of("app"), size=1), uuid4()
    note = "The same again. " * 200 + large.core + noise(9_000)
    append_unsealed(app, confirmed(tenant, small.core), confirmed(tenant, large.core, note=note))
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute("CHECKPOINT")  # the next change of the page puts all of it into the log
    append_unsealed(app, confirmed(tenant, "someone else"))
    app.close()
    assert columns_of(
        main, "SELECT count(pg_column_compression(state)), max(length(state)) > 9000 FROM event"
    ) == (1, True)
    canaries = [small, large]
    found = in_log(main, since, canaries) + in_tables([main], canaries) + in_dumps([main], canaries)
    found += in_files(running.data, canaries)
    coded = {f"base64 {shift}" for shift in range(3)}
    for canary in canaries:
        assert hows(found, canary, "table ") & coded, "put together again by the server"
        assert hows(found, canary, "dump of ") & {f"{name} in hex" for name in coded}
        assert hows(found, canary, "pg_wal"), "in the log as it lies on the disk"
        assert hows(found, canary, "log: Heap INSERT"), "in the log as the server reads it"
        assert hows(found, canary, "postgres/data/base"), "in heap and TOAST"
    assert hows(found, small, "log: full page") & coded, "in a page that the log holds compressed"
    assert hows(found, large, "postgres/data/base") & {f"{name}, compressed" for name in coded}


def test_the_scanner_sees_through_every_disguise(
    running: Running, deployment_beside: Deployment
) -> None:
    canary, main = Canary.hatch(), deployment_beside.main
    since = log_position(main)
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute("CREATE TABLE leak (words text, bytes bytea)")
        connection.execute("ALTER TABLE leak ALTER words SET STATISTICS 100")
        for text in canary.disguises.values():
            words = text.decode("latin-1").replace("\0", "")
            connection.execute("INSERT INTO leak VALUES (%s, %b)", (words, text))
        connection.execute("ANALYZE leak")
        connection.execute("CHECKPOINT")
    every = set(canary.disguises)
    assert hows(in_tables([main], [canary]), canary, ".leak") >= every
    assert hows(in_tables([main], [canary]), canary, "pg_statistic") >= {
        "plain",
        "base64 1",
        "json in hex",
    }
    assert hows(in_log(main, since, [canary]), canary, "log: Heap INSERT") >= every
    in_the_folder = in_files(running.data, [canary])
    assert hows(in_the_folder, canary, "postgres/data/base") >= every
    assert hows(in_the_folder, canary, "pg_wal") >= every
    dumped = hows(in_dumps([main], [canary]), canary, "dump of ")
    assert dumped >= {"plain", "capitals", "hex", "json in hex", "base64 0 in hex", "base64 2"}


def test_the_scanner_sees_what_a_log_says(running: Running) -> None:
    canary = Canary.hatch()
    with (
        psycopg.connect(running.deployment.main, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InvalidTextRepresentation),
    ):
        connection.execute(f"SELECT '{canary.core}'::uuid".encode())
    assert hows(in_files(running.data / "logs", [canary]), canary, "postgres.log") == {
        "plain",
        "plain, compressed",
    }
