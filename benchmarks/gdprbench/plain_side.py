"""The same operations on plain tables: values in the clear, rows that are overwritten, a log row for each operation.

The record is GDPRbench's: key, PUR, TTL, USR, OBJ, DEC, ACL, SHR, SRC, CAT and the data. Indexed are the key, USR and
SHR, which the operations search by. What is said of a purpose or a recipient as a whole stands once, in a table of its
own. Every operation is in the log; what only reads does not wait for its log row to be durable.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg_pool import ConnectionPool

from benchmarks.gdprbench.expected import DONE, GONE
from benchmarks.gdprbench.operations import PAGE, Kind, Operation
from benchmarks.gdprbench.records import (
    AUTOMATED,
    PURPOSES,
    RECIPIENTS,
    SHARED_FOR,
    email_of,
    recipient_name,
    recipient_reference,
    record,
)
from benchmarks.gdprbench.sides import Tell, load_with
from domain.purposes import JURISDICTIONS, REGISTER

SCHEMA: Final = """
CREATE TABLE record (
    key uuid PRIMARY KEY, pur text[] NOT NULL, ttl timestamptz NOT NULL, usr text NOT NULL, obj text[] NOT NULL,
    dec text, acl text NOT NULL, shr int[] NOT NULL, src text NOT NULL, cat text NOT NULL,
    name text NOT NULL, phone text NOT NULL, address text NOT NULL
);
CREATE INDEX ON record (usr);
CREATE INDEX ON record USING gin (shr);
CREATE TABLE deleted (key uuid PRIMARY KEY, shr int[] NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX ON deleted USING gin (shr);
CREATE TABLE basis (purpose text, jurisdiction text, basis text NOT NULL, PRIMARY KEY (purpose, jurisdiction));
CREATE TABLE recipient (id int PRIMARY KEY, name text NOT NULL, contract text NOT NULL);
CREATE TABLE log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL, operation text NOT NULL, about text NOT NULL
);
"""
INSERT: Final = "INSERT INTO record VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
LOG: Final = "INSERT INTO log (actor, operation, about) VALUES ('bench', %s, %s)"
DATA: Final = "SELECT name, usr, phone, address FROM record WHERE"
GIVEN: Final = (
    "SELECT (SELECT count(*) FROM record WHERE shr @> ARRAY[%s]::int[])"
    " + (SELECT count(*) FROM deleted WHERE shr @> ARRAY[%s]::int[])"
)
# Whom the data of a deleted person was shared with is still answered for.
DELETE: Final[LiteralString] = (
    "WITH gone AS (DELETE FROM record WHERE {} RETURNING key, shr) INSERT INTO deleted SELECT key, shr FROM gone"
)
# Whoever agrees is in PUR, whoever refuses in OBJ: never in both.
AGREED: Final = (
    "UPDATE record SET pur = array_append(array_remove(pur, %(it)s), %(it)s), obj = array_remove(obj, %(it)s)"
    " WHERE usr = %(usr)s"
)
REFUSED: Final = (
    "UPDATE record SET obj = array_append(array_remove(obj, %(it)s), %(it)s), pur = array_remove(pur, %(it)s)"
    " WHERE usr = %(usr)s"
)


class PlainSide:
    """Plain tables in a database of their own, `dsn`, which is empty."""

    name = "plain tables"

    def __init__(self, dsn: str, connections: int) -> None:
        self.dsn = dsn
        self._local = threading.local()
        self._pool = ConnectionPool(
            dsn,
            min_size=connections,
            max_size=connections,
            kwargs={"autocommit": True},
            open=True,
        )
        self._pool.wait()
        self._keys: dict[int, UUID] = {}
        self._log_rows = 0
        self._performing: Mapping[Kind, Callable[[Operation], object]] = {
            "create-record": self._create,
            "read-data-by-KEY": self._data_by_key,
            "read-data-by-USR": self._data_by_usr,
            "read-data-by-PUR": self._data_by_pur,
            "read-data-by-OBJ": self._data_by_obj,
            "read-data-by-DEC": self._data_by_dec,
            "read-metadata-by-KEY": self._said,
            "read-metadata-by-USR": self._shared,
            "update-data-by-KEY": self._move,
            "update-metadata-by-KEY": self._decide,
            "update-metadata-by-USR": self._say,
            "update-metadata-by-PUR": self._rest,
            "update-metadata-by-SHR": self._contract,
            "get-system-logs": self._log,
            "read-metadata-by-SHR": self._given,
            "delete-record-by-KEY": self._delete_by_key,
            "delete-record-by-PUR": self._delete_by_pur,
            "delete-record-by-USR": self._delete_by_usr,
            "verify-deletion": self._is_gone,
            "basis-of": self._basis,
            "terms-of": self._terms,
        }

    def close(self) -> None:
        """Give all connections back."""
        self._pool.close()

    @contextmanager
    def client(self) -> Iterator[None]:
        """See the protocol: with a connection of the pool, as Daybook's calls have one."""
        with self._pool.connection() as connection:
            self._local.connection = connection
            yield

    def perform(self, it: Operation) -> object:
        """See the protocol."""
        reads = it.kind.startswith(("read-", "get-", "verify-"))
        with self._connection.transaction():
            if reads:
                self._do("SET LOCAL synchronous_commit = off")
            self._do(LOG, it.kind, str(self._keys.get(it.record, "")))
            try:
                return self._performing[it.kind](it)
            except (IndexError, ValueError):
                return GONE

    def load(self, count: int, tell: Tell) -> None:
        """See the protocol."""
        with self.client():
            self._connection.execute(SCHEMA)
            for purpose in PURPOSES:
                for where in JURISDICTIONS:
                    basis = REGISTER[purpose].default_basis(where)
                    self._do("INSERT INTO basis VALUES (%s, %s, %s)", purpose, where, basis)
            for one in range(RECIPIENTS):
                terms = one, recipient_name(one), recipient_reference(one)
                self._do("INSERT INTO recipient VALUES (%s, %s, %s)", *terms)
            load_with(self.client, self._put, count, tell)
            self._do("VACUUM ANALYZE")
            self._log_rows = count

    def _put(self, batch: range) -> None:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(INSERT, [self._row(number, loaded=True) for number in batch])
            cursor.executemany(LOG, [("create-record", str(self._keys[one])) for one in batch])

    def _row(self, number: int, *, loaded: bool) -> tuple[object, ...]:
        it, key = record(number), uuid4()
        self._keys[number] = key
        said = it.said if loaded else {it.purpose: "given"}
        agreed = [one for one, word in said.items() if word == "given" and one != AUTOMATED]
        refused = [one for one, word in said.items() if word != "given" and one != AUTOMATED]
        ttl = datetime.now(UTC) + timedelta(days=365)
        shared = [it.recipient] if loaded else []
        metadata = key, agreed, ttl, it.email, refused, said.get(AUTOMATED), "staff", shared
        return *metadata, "booking", "profile", it.name, it.phone, it.address

    # --- the operations ----------------------------------------------------------------------------------------------

    def _create(self, it: Operation) -> object:
        self._do(INSERT, *self._row(it.record, loaded=False))
        return DONE

    def _data_by_key(self, it: Operation) -> object:
        return _values(self._do(f"{DATA} key = %s", self._keys[it.record])[0])

    def _data_by_usr(self, it: Operation) -> object:
        return _values(self._do(f"{DATA} usr = %s", email_of(it.record))[0])

    def _data_by_pur(self, it: Operation) -> object:
        return self._listed(it, "%s = ANY(pur)", it.purpose)

    def _data_by_obj(self, it: Operation) -> object:
        return self._listed(it, "%s <> ALL(obj)", it.purpose)

    def _data_by_dec(self, it: Operation) -> object:
        return self._listed(it, "dec = %s", "given")

    def _listed(self, it: Operation, condition: LiteralString, value: str) -> list[str]:
        keys = [self._keys[one] for one in it.people]
        rows = self._do(f"{DATA} key = ANY(%s) AND {condition}", keys, value)
        return sorted(_values(row)["email"] for row in rows)

    def _said(self, it: Operation) -> object:
        key = self._keys[it.record]
        pur, obj, dec = self._do("SELECT pur, obj, dec FROM record WHERE key = %s", key)[0]
        found = dict.fromkeys(pur, "given") | dict.fromkeys(obj, "refused")
        return found if dec is None else found | {AUTOMATED: dec}

    def _shared(self, it: Operation) -> object:
        (row,) = self._do(
            "SELECT pur, ttl, obj, dec, acl, shr, src, cat FROM record WHERE usr = %s",
            email_of(it.record),
        )
        return [(one, SHARED_FOR) for one in row[5]]

    def _given(self, it: Operation) -> object:
        return self._do(GIVEN, it.recipient, it.recipient)[0][0]

    def _move(self, it: Operation) -> object:
        self._do("UPDATE record SET address = %s WHERE key = %s", it.address, self._keys[it.record])
        return DONE

    def _decide(self, it: Operation) -> object:
        self._do("UPDATE record SET dec = %s WHERE key = %s", it.decision, self._keys[it.record])
        return DONE

    def _say(self, it: Operation) -> object:
        statement = AGREED if it.decision == "given" else REFUSED
        self._connection.execute(statement, {"it": it.purpose, "usr": email_of(it.record)})
        return DONE

    def _rest(self, it: Operation) -> object:
        self._do(
            "UPDATE basis SET basis = %s WHERE purpose = %s AND jurisdiction = %s",
            it.basis,
            it.purpose,
            it.jurisdiction,
        )
        return DONE

    def _contract(self, it: Operation) -> object:
        self._do("UPDATE recipient SET contract = %s WHERE id = %s", it.reference, it.recipient)
        return DONE

    def _log(self, it: Operation) -> object:
        page = min(PAGE, self._log_rows)
        first = 1 + int(it.at * (self._log_rows - page))
        rows = self._do("SELECT * FROM log WHERE id >= %s ORDER BY id LIMIT %s", first, page)
        return [row[0] for row in rows] == list(range(first, first + page))

    def _delete_by_key(self, it: Operation) -> object:
        self._do(DELETE.format("key = %s"), self._keys[it.record])
        return DONE

    def _delete_by_usr(self, it: Operation) -> object:
        self._do(DELETE.format("usr = %s"), email_of(it.record))
        return DONE

    def _delete_by_pur(self, it: Operation) -> object:
        keys = [self._keys[one] for one in it.people]
        self._do(DELETE.format("key = ANY(%s) AND %s = ANY(pur)"), keys, it.purpose)
        return DONE

    def _is_gone(self, it: Operation) -> object:
        key = self._keys[it.record]
        if self._do("SELECT 1 FROM record WHERE key = %s", key):
            return False
        return bool(self._do("SELECT 1 FROM deleted WHERE key = %s", key))

    def _basis(self, it: Operation) -> object:
        found = "SELECT basis FROM basis WHERE purpose = %s AND jurisdiction = %s"
        return self._do(found, it.purpose, it.jurisdiction)[0][0]

    def _terms(self, it: Operation) -> object:
        return self._do("SELECT contract FROM recipient WHERE id = %s", it.recipient)[0][0]

    # --- the database ------------------------------------------------------------------------------------------------

    def sizes(self) -> list[tuple[str, int]]:
        """See the protocol."""
        found = self._do(
            "SELECT relname || ': ' || what, size::bigint FROM pg_class,"
            " LATERAL (VALUES ('table', pg_table_size(oid)), ('indexes', pg_indexes_size(oid))) AS v(what, size)"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname DESC, what DESC"
        )
        return [(str(name), int(size)) for name, size in found]

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] = self._local.connection
        return connection

    def _do(self, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def _values(row: tuple[Any, ...]) -> dict[str, str]:
    return dict(zip(("name", "email", "phone", "address"), row, strict=True))
