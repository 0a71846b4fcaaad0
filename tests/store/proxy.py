"""A wire to PostgreSQL that can be cut at the worst moment."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Literal

IDLE = b"Z\x00\x00\x00\x05I"  # the end of every answer outside a transaction: ReadyForQuery
Fate = Literal["pass", "lose the request", "lose the answer", "hang up and let it run"]


class Wire:
    """Passes everything on, until something with `marker` in it is sent: then `fate` strikes, once."""

    def __init__(self, host: str, port: int) -> None:
        self.fate: Fate = "pass"
        self.marker = b"append_events"
        self.struck = Event()
        self._server = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listening]
        self._threads: list[Thread] = []
        self._run(self._accept)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def _run(self, what: object, *arguments: object) -> None:
        thread = Thread(target=what, args=arguments, daemon=True)  # type: ignore[arg-type]
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                swallow = Event()
                self._run(self._to_server, client, server, swallow)
                self._run(self._to_client, client, server, swallow)

    def _to_server(self, client: socket.socket, server: socket.socket, swallow: Event) -> None:
        with suppress(OSError):
            while data := client.recv(65_536):
                if self.fate != "pass" and self.marker in data:
                    fate, self.fate = self.fate, "pass"
                    if fate == "lose the answer":
                        swallow.set()
                    if fate != "lose the request":
                        server.sendall(data)
                    if fate != "lose the answer":
                        hang_up(client)
                        self.struck.set()
                    if fate == "lose the request":
                        hang_up(server)
                    if fate == "hang up and let it run":
                        return  # the server hears nothing of it
                    continue
                server.sendall(data)
        hang_up(server)

    def _to_client(self, client: socket.socket, server: socket.socket, swallow: Event) -> None:
        answer = b""
        with suppress(OSError):
            while data := server.recv(65_536):
                if swallow.is_set():
                    answer += data
                    if answer.endswith(IDLE):  # it is done, and nobody will ever hear of it
                        self.struck.set()
                        break
                else:
                    client.sendall(data)
        hang_up(client)

    def close(self) -> None:
        """Cut everything."""
        for one in self._open:
            hang_up(one)
        for thread in self._threads:
            thread.join(5)
        for one in self._open:
            one.close()


def hang_up(one: socket.socket) -> None:
    """End a connection in both directions."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(host: str, port: int) -> Iterator[Wire]:
    """A wire to the server there."""
    made = Wire(host, port)
    try:
        yield made
    finally:
        made.close()
