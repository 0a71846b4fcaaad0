"""Connections to PostgreSQL: one pool for each role, walled by tenant.

Every connection is in autocommit: one statement is one transaction, unless a caller opens one. What a library says
about a failure never leaves this module: it becomes `Unavailable`, or an error that `sqlstate` can be read from.
"""

from __future__ import annotations

import hashlib
import hmac
import select
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from domain.errors import Unavailable
from infrastructure.sql_arrays import register
from infrastructure.wall import bound_tenant

CONNECT_SECONDS_MAX: Final = 5.0
STATEMENT_MS_MAX: Final = 30_000
# Every statement of ours is a look-up by key, and planning one costs more than running it: so a plan is made once a
# connection, and must be as good for a table that was empty then. (A sequential scan of an empty table is cheap.)
# Up to PostgreSQL 17 a scan that is needed though switched off looks dear enough to compile: hence no JIT.
OPTIONS: Final = (
    f"-c statement_timeout={STATEMENT_MS_MAX} -c idle_in_transaction_session_timeout=30000"
    " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off -c timezone=UTC"
)
CONNECTION_LOST: Final = ("08", "57P")  # connection exceptions; the server shuts down or crashed
Row = tuple[Any, ...]


class WalledConnection(psycopg.Connection[TupleRow]):
    """A connection that remembers which tenant it was last bound to."""

    walled: UUID | None = None


@dataclass(frozen=True, slots=True)
class Roles:
    """The database roles of one deployment; each part of it has its own. README D2."""

    database: str

    def name(self, part: str) -> str:
        """The role of `part`: app, sequencer, follower or keys."""
        return f"{self.database}_{part}"


def role_password(secret: bytes, role: str) -> str:
    """A role's password, derived, so that only one secret has to be kept."""
    return hmac.new(secret, role.encode(), hashlib.sha256).hexdigest()


def role_dsn(admin_dsn: str, part: str, secret: bytes) -> str:
    """The connection string of a part's role on the database that `admin_dsn` names."""
    options = conninfo_to_dict(admin_dsn)
    role = Roles(str(options["dbname"])).name(part)
    return make_conninfo(
        admin_dsn, user=role, password=role_password(secret, role), application_name=role
    )


class Database:
    """A pool of connections of one role. Opens at the first use; `close` it at the end."""

    def __init__(
        self,
        dsn: str,
        *,
        size: int = 4,
        walled: bool = True,
        patience_seconds: float = CONNECT_SECONDS_MAX,
    ) -> None:
        self._walled = walled
        self.pool: ConnectionPool[WalledConnection] = ConnectionPool(
            dsn,
            connection_class=WalledConnection,
            kwargs={
                "autocommit": True,
                "options": OPTIONS,
            },
            min_size=1,
            max_size=size,
            timeout=patience_seconds,
            configure=register,
            open=False,
        )

    def open(self) -> None:
        """Connect. Raises Unavailable."""
        with unavailable():
            self.pool.open(wait=True, timeout=CONNECT_SECONDS_MAX)

    def close(self) -> None:
        """Give all connections back."""
        self.pool.close()

    def connection(self) -> AbstractContextManager[WalledConnection]:
        """A connection, bound to the present tenant. Raises Unavailable."""
        return _Lent(self)

    def lend(self) -> WalledConnection:
        """A connection, bound to the present tenant, until it is given to `take_back`. Raises Unavailable."""
        try:
            connection = self._taken()
        except psycopg.Error as error:
            raise_unavailable(error)
            raise
        try:
            if self._walled:
                self._bind(connection)
        except BaseException as error:
            self.take_back(connection, error)
            raise
        return connection

    def take_back(self, connection: WalledConnection, error: BaseException | None) -> None:
        """End a loan that ended with `error`. Raises Unavailable for what `raise_unavailable` takes for that."""
        try:
            if isinstance(error, psycopg.OperationalError):
                self._check_after(error)
        finally:
            # It rolls back what was left open, and replaces what is broken.
            self.pool.putconn(connection)
        if isinstance(error, psycopg.Error):
            raise_unavailable(error)

    @contextmanager
    def fresh(self) -> Iterator[WalledConnection]:
        """A connection of its own, bound to the present tenant, that prepares no statements. Raises Unavailable."""
        with (
            unavailable(),
            WalledConnection.connect(
                str(self.pool.conninfo), autocommit=True, prepare_threshold=None, options=OPTIONS
            ) as connection,
        ):
            register(connection)
            self._bind(connection)
            yield connection

    def _taken(self) -> WalledConnection:
        if self.pool.closed:
            self.pool.open()
        for _ in range(self.pool.max_size):
            connection = self.pool.getconn()
            if not has_ended(connection):
                return connection
            self.pool.putconn(connection)  # which replaces it
        return self.pool.getconn()

    def _check_after(self, error: psycopg.OperationalError) -> None:
        """What ended one connection has most likely ended them all: only one call is to find out."""
        if error.sqlstate is None or error.sqlstate.startswith(CONNECTION_LOST):
            self.pool.check()

    @staticmethod
    def _bind(connection: WalledConnection) -> None:
        tenant = bound_tenant()
        if connection.walled != tenant or tenant is None:
            connection.walled = None
            connection.execute(
                "SELECT set_config('daybook.tenant', %s, false)", (str(tenant or ""),)
            )
            connection.walled = tenant

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of one statement, in a transaction of its own. Raises Unavailable."""
        with self.connection() as connection:
            cursor = connection.execute(statement.encode(), parameters, binary=True)
            answer = cursor.pgresult
            return cursor.fetchall() if answer is not None and answer.nfields else []

    def row(self, statement: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row, None when there is none. Raises Unavailable."""
        found = self.rows(statement, parameters)
        return found[0] if found else None


def has_ended(connection: WalledConnection) -> bool:
    """True for an idle connection whose other end has gone; it is closed then. Costs microseconds.

    A server that stops or dies leaves something to be read on it, where else there is nothing between two calls.
    """
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    if not waiting.poll(0):
        return False
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        connection.close()
        return True
    return False


@contextmanager
def unavailable() -> Iterator[None]:
    """Turn a lost or refused connection into Unavailable, without the library's words."""
    try:
        yield
    except psycopg.Error as error:
        raise_unavailable(error)
        raise


def raise_unavailable(error: psycopg.Error) -> None:
    """Raise Unavailable for an error that says that the database cannot answer now; nothing for what it has refused."""
    match error:
        case psycopg.errors.UndefinedTable():
            raise Unavailable(
                "A read model is being made for this release", retry_after_seconds=5
            ) from error
        case psycopg.errors.QueryCanceled():
            raise Unavailable("The database took too long", retry_after_seconds=1) from error
        case psycopg.OperationalError() | psycopg.InterfaceError():
            if error.sqlstate not in ("40P01", "40001"):
                raise Unavailable(
                    "The database cannot be reached", retry_after_seconds=1
                ) from error


class _Lent:
    """A loan as a block. A class and no generator: every statement of every call passes here."""

    __slots__ = ("_connection", "_database")

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> WalledConnection:
        self._connection = self._database.lend()
        return self._connection

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._database.take_back(self._connection, error)
