"""A recipient's machine: takes signed deliveries over real HTTP or TLS, keeps them, and answers as it is told."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infrastructure.delivery.webhooks import signed_headers

KEY = b"012345678901234567890123"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
Answering = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Taken:
    """One request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What it says."""
        return json.loads(self.body)

    def is_signed(self, secret: bytes = KEY) -> bool:
        """True when its signature holds."""
        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        right = signed_headers(self.headers["webhook-id"], at, self.body, secret)
        return right["webhook-signature"] == self.headers["webhook-signature"]


@dataclass
class Crm:
    """A recipient that listens at `url`. `answers` are used up one by one; then it says 200."""

    url: str = ""
    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    answers: list[Answering] = field(default_factory=list)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length", "0"))
        names = {name.lower(): text for name, text in handler.headers.items()}
        self.taken.append(Taken(handler.path, names, handler.rfile.read(length)))
        (self.answers.pop(0) if self.answers else says(200))(handler)


def says(status: int, body: bytes = b"{}", **headers: str) -> Answering:
    """Answers so."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, text in headers.items():
            handler.send_header(name.replace("_", "-"), text)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def keeps_silent(handler: BaseHTTPRequestHandler) -> None:
    """Never answers, for as long as anyone waits."""
    handler.rfile.read(1)


def drips(handler: BaseHTTPRequestHandler) -> None:
    """Answers byte by byte, and never comes to an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while True:
        handler.wfile.write(b"a")
        handler.wfile.flush()
        time.sleep(0.05)


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    """Hangs up without an answer."""
    handler.close_connection = True


@contextmanager
def listening(
    context: ssl.SSLContext | None = None, name: str = "127.0.0.1", port: int = 0
) -> Iterator[Crm]:
    """A recipient on this machine, over TLS where there is a `context`; known as `name`."""
    crm = Crm()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            try:
                crm.answer(self)
            except OSError:
                self.close_connection = True

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """Say nothing: clients that hang up are what is tested."""

    server = Server(("127.0.0.1", port), Handler)
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    crm.port = server.server_address[1]
    crm.url = f"{'http' if context is None else 'https'}://{name}:{crm.port}/inbox"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield crm
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test's own, in a folder; `roots` is its certificate."""

    folder: Path
    roots: Path

    def serving(self, *names: str) -> ssl.SSLContext:
        """What a server needs that is called so."""
        key, roots = _key(), x509.load_pem_x509_certificate(self.roots.read_bytes())
        issuer = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
        found: list[x509.GeneralName] = [
            x509.IPAddress(IPv4Address(name)) if name[0].isdigit() else x509.DNSName(name)
            for name in names
        ]
        made = (
            _certificate(names[0], roots.subject, key)
            .add_extension(x509.SubjectAlternativeName(found), critical=False)
            .sign(issuer, hashes.SHA256())  # type: ignore[arg-type]
        )
        file = self.folder / f"{names[0]}.pem"
        file.write_bytes(_pem(key) + made.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def authority(folder: Path) -> Authority:
    """A new authority."""
    key = _key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    made = (
        _certificate("test authority", name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.key").write_bytes(_pem(key))
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return Authority(folder, folder / "ca.pem")


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _certificate(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
