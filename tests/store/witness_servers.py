"""Witnesses behind real sockets: a proper one, and one that says what a test has it say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from infrastructure.clock import SystemClock
from infrastructure.ledger.signed.notes import VerifierKey
from infrastructure.ledger.signing.signer_memory import SignerMemory
from infrastructure.ledger.witnesses.witness import Witness
from infrastructure.ledger.witnesses.witness_keys import WitnessKeys

Says = Callable[[bytes], tuple[int, str, bytes]]


@dataclass
class Asked:
    """A witness that listens at `url`. `says` may be changed at any time."""

    url: str
    says: Says
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def listening(says: Says) -> Iterator[Asked]:
    """Serve answers at a URL of their own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked.bodies.append(body)
            assert self.path == "/below/add-checkpoint"
            status, kind, answer = asked.says(body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # a client that hung up

    server = Server(("127.0.0.1", 0), Handler)
    asked = Asked(f"http://127.0.0.1:{server.server_port}/below", says)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Proper:
    """A real witness, and where it listens. It is another one once its `folder` is."""

    asked: Asked
    key: VerifierKey
    witness: Witness
    logs: dict[str, list[VerifierKey]]

    def line(self, name: str) -> str:
        """Its line in a policy."""
        return f"witness {name} {self.key.text()} {self.asked.url}\n"


@contextmanager
def proper_witness(folder: Path, logs: Mapping[str, list[VerifierKey]]) -> Iterator[Proper]:
    """A witness of these logs, with a key and a memory of its own."""
    keys = WitnessKeys.in_folder(folder, None)
    keys.prepare()
    turn = threading.Lock()
    with SignerMemory(keys.memory) as memory:
        witness = Witness(keys.cosigner(), memory, SystemClock())
        known = dict(logs)

        def says(body: bytes) -> tuple[int, str, bytes]:
            with turn:
                found = witness.add_checkpoint(body, known)
            kind = "text/x.tlog.size" if found.status == 409 else "text/plain"
            return found.status, kind, found.text.encode()

        with listening(says) as asked:
            yield Proper(asked, keys.cosigner().keys[0], witness, known)


@contextmanager
def silent() -> Iterator[str]:
    """A URL where somebody takes calls and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(8)
        yield f"http://127.0.0.1:{server.getsockname()[1]}/below"
