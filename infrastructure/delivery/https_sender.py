"""The port `Sender`: one signed POST to an address that may be connected to. README D6.

    redeem the ticket                       a forged one sends nothing
    resolve the name, once                  every address must be public (or all of them private, where that is allowed)
    connect to one of those addresses       TLS is asked for by name; no proxy, whatever the environment says
    POST                                    from here on a failure counts as shared
    read the status, then 64 KiB at most    which are dropped; a redirect is not followed

The whole of it has one deadline, which cuts the connection: an answer that comes byte by byte buys no time.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException
from time import monotonic
from typing import Final
from urllib.parse import SplitResult, urlsplit

from application.disclosing.conditions import Sent
from application.disclosing.tickets import DisclosureTicket, Parcel, TicketOffice
from application.ports import Clock
from infrastructure.delivery.addresses import Resolver, Unresolved, is_public, lookup, resolve
from infrastructure.delivery.webhooks import signed_headers

CONNECT_SECONDS_MAX: Final = 3.0
ANSWER_BYTES_MAX: Final = 65_536
ADDRESSES_TRIED_MAX: Final = 2
PORTS: Final = {"https": 443, "http": 80}
USER_AGENT: Final = "Daybook"
REFUSED: Final = Sent("address_refused")


def default_context() -> ssl.SSLContext:
    """TLS as clients do it today: certificates and names are checked; nothing is taken from the environment but
    where the machine keeps its roots (`SSL_CERT_FILE`)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


@cache
def shared_context() -> ssl.SSLContext:
    """The default context of this process."""
    return default_context()


@dataclass(frozen=True, slots=True)
class HttpsSender:
    """See the port. With `allow_private` addresses that are not public may be connected to, and by http too.

    Without a `context` it is the default one, made when it is first needed: the machine's roots take 40 ms to load.
    """

    office: TicketOffice
    clock: Clock
    context: ssl.SSLContext | None = None
    allow_private: bool = False
    resolver: Resolver = lookup

    def send(self, ticket: DisclosureTicket, seconds: float) -> Sent:
        """See the port."""
        parcel = self.office.redeem(ticket)
        deadline = monotonic() + seconds
        url = urlsplit(parcel.url)
        host, port = url.hostname, _port(url)
        if host is None or port is None:
            return REFUSED
        try:
            addresses = resolve(self.resolver, host, port, deadline - monotonic())
        except Unresolved:
            return Sent("unreachable")
        if not self._may_connect(url.scheme, addresses):
            return REFUSED
        try:
            raw = _connected(addresses, port, deadline)
        except TimeoutError:
            return Sent("timeout")
        except OSError:
            return Sent("unreachable")
        with _cut_at(deadline, raw):
            return self._posted(parcel, url, raw, deadline)

    def _may_connect(self, scheme: str, addresses: Sequence[str]) -> bool:
        public = [is_public(one) for one in addresses]
        if all(public):
            return scheme == "https"
        # A name that has addresses of both kinds is a trap: all of them must be private.
        return self.allow_private and not any(public)

    def _posted(
        self, parcel: Parcel, url: SplitResult, raw: socket.socket, deadline: float
    ) -> Sent:
        host = url.hostname or ""
        try:
            wire = raw
            if url.scheme == "https":
                secure = self.context or shared_context()
                wire = secure.wrap_socket(raw, server_hostname=host)
        except TimeoutError:
            raw.close()
            return Sent("timeout")
        except (ssl.SSLError, ssl.CertificateError):
            raw.close()
            return Sent("timeout" if monotonic() >= deadline else "tls")
        except OSError:
            raw.close()
            return Sent("timeout" if monotonic() >= deadline else "unreachable")
        connection = HTTPConnection(host, _port(url))
        connection.sock = wire
        try:
            status = _status_of(connection, parcel, url, self._headers(parcel), deadline)
        except (HTTPException, OSError):
            late = monotonic() >= deadline
            return Sent("timeout" if late else "unreachable", shared="unknown")
        finally:
            connection.close()
            wire.close()
        if 200 <= status < 300:
            return Sent(status=status)
        redirected = 300 <= status < 400
        return Sent("redirect" if redirected else "status", status, "unknown")

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "accept-encoding": "identity",
            "connection": "close",
            **signed_headers(parcel.webhook_id, self.clock.now(), parcel.body, parcel.secret),
        }


def _status_of(
    connection: HTTPConnection,
    parcel: Parcel,
    url: SplitResult,
    headers: dict[str, str],
    deadline: float,
) -> int:
    """POST, and the status of the answer; its body is read as far as it may be, and dropped.

    Raises HTTPException, OSError; TimeoutError for an answer whose head was cut at the deadline.
    """
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    connection.request("POST", target, parcel.body, headers)
    with connection.getresponse() as answer:
        if monotonic() >= deadline:
            raise TimeoutError
        with suppress(HTTPException, OSError):
            answer.read(ANSWER_BYTES_MAX)
        return answer.status


def _connected(addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
    """A connection to the first of the addresses that takes one. Raises OSError."""
    failure: OSError = OSError("no address")
    for address in addresses[:ADDRESSES_TRIED_MAX]:
        left = min(CONNECT_SECONDS_MAX, deadline - monotonic())
        if left <= 0:
            raise TimeoutError
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(left)
            made.connect((address, port))
            made.settimeout(max(deadline - monotonic(), 0.001))
        except OSError as error:
            made.close()
            failure = error
        else:
            return made
    raise failure


@contextmanager
def _cut_at(deadline: float, raw: socket.socket) -> Iterator[None]:
    """Cut the connection at the deadline, whatever it is doing then.

    It is cut through a second handle: the one that TLS writes through must never fall back to plain text.
    """
    guard = raw.dup()

    def cut() -> None:
        with suppress(OSError):
            guard.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(deadline - monotonic(), 0.0), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        guard.close()


def _port(url: SplitResult) -> int | None:
    try:
        return url.port or PORTS.get(url.scheme)
    except ValueError:
        return None
