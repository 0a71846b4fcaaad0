"""The signer behind a socket of the file system: nobody else's user can connect, no network reaches it."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol

from domain.errors import Unavailable
from infrastructure.canonical import b64, unb64
from infrastructure.ledger.signing.signer import Refused, Signed, Signer, SignRequest
from infrastructure.ledger.signing.signer_seeds import SeedRefused
from infrastructure.ledger.signing.signer_wire import (
    answer_message,
    parse_answer,
    parse_request,
    receive,
    request_message,
    send,
)

ANSWER_SECONDS_MAX: Final = 30.0
CALLERS_MAX: Final = 64
ACCEPT_SECONDS: Final = 0.5
ADDRESS_BYTES_MAX: Final = 100
LOG: Final = logging.getLogger("daybook.signer")


class Desk(Protocol):
    """What else is answered in the signer's process."""

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer a message. Raises OSError, ValueError, TypeError, KeyError."""
        ...


class SignerServer:
    """Serves a signer at `path` until `stopping` says so. Callers take turns at the signer."""

    def __init__(self, signer: Signer, path: Path, witness: Desk | None = None) -> None:
        self._signer = signer
        self._path = path
        self._witness = witness
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(CALLERS_MAX)

    def serve(self, stopping: Callable[[], bool], ready: Callable[[], None]) -> None:
        """Listen and answer; `ready` is called once listening. Raises OSError."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self._path.unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            with address(self._path) as where:
                listening.bind(where)
            os.chmod(self._path, 0o600)
            listening.listen(CALLERS_MAX)
            listening.settimeout(ACCEPT_SECONDS)
            ready()
            while not stopping():
                with suppress(TimeoutError):
                    caller, _ = listening.accept()
                    self._places.acquire()
                    threading.Thread(target=self._converse, args=(caller,), daemon=True).start()

    def _converse(self, caller: socket.socket) -> None:
        try:
            with caller, suppress(OSError):
                caller.settimeout(None)
                while True:
                    send(caller, self._answer(receive(caller)))
        finally:
            self._places.release()

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            with self._turn:
                return self._done(message)
        except (ValueError, TypeError, KeyError):
            return {"error": "malformed"}
        except OSError as error:
            LOG.error("the signer's memory cannot be written: %s", error.strerror or error)
            return {"error": "memory"}
        except SeedRefused as refused:
            LOG.error("%s", refused)
            return {"error": "seeds"}

    def _done(self, message: dict[str, Any]) -> dict[str, Any]:
        match message["do"]:
            case "sign":
                requests = [parse_request(one) for one in message["requests"]]
                return {"answers": [answer_message(one) for one in self._signer.sign(requests)]}
            case "sizes":
                return {"sizes": [self._signer.size(one) for one in message["origins"]]}
            case "states":
                return {"states": [self._signer.frozen(one) for one in message["origins"]]}
            case "objection":
                refused = self._signer.objection(parse_request(message["request"]))
                return {"objection": None if refused is None else answer_message(refused)}
            case "keys":
                return {"keys": self._signer.verifier_keys(str(message["origin"]))}
            case "attest":
                manifest = unb64(message["manifest"])
                return {"note": self._signer.attest(str(message["origin"]), manifest)}
            case "freeze":
                self._signer.freeze(str(message["origin"]), str(message["reason"]))
                return {}
            case "witness" if self._witness is not None:
                return self._witness.answer(message)
        raise ValueError("nothing that a signer does")


class SignerClient:
    """A signer in another process. Threads take turns. Every call raises Unavailable when it cannot be asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._connection: socket.socket | None = None

    def sign(self, requests: Sequence[SignRequest]) -> list[Signed | Refused]:
        """See Signer."""
        answer = self._ask({"do": "sign", "requests": [request_message(one) for one in requests]})
        return [parse_answer(one) for one in answer["answers"]]

    def sizes(self, origins: Sequence[str]) -> list[int]:
        """The size of the last tree of each log that was signed; 0 for none."""
        return list(self._ask({"do": "sizes", "origins": list(origins)})["sizes"])

    def size(self, origin: str) -> int:
        """See Signer."""
        return self.sizes([origin])[0]

    def frozen(self, origin: str) -> str | None:
        """See Signer."""
        (reason,) = self._ask({"do": "states", "origins": [origin]})["states"]
        return None if reason is None else str(reason)

    def objection(self, request: SignRequest) -> Refused | None:
        """See Signer."""
        found = self._ask({"do": "objection", "request": request_message(request)})["objection"]
        return None if found is None else Refused(found[1], found[2])

    def verifier_keys(self, origin: str) -> list[str]:
        """See Signer."""
        return list(self._ask({"do": "keys", "origin": origin})["keys"])

    def attest(self, origin: str, manifest: bytes) -> str:
        """See Signer."""
        asked = {"do": "attest", "origin": origin, "manifest": b64(manifest)}
        return str(self._ask(asked)["note"])

    def freeze(self, origin: str, reason: str) -> None:
        """See Signer."""
        self._ask({"do": "freeze", "origin": origin, "reason": reason})

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Ask what else is answered there."""
        return self._ask(message)

    def close(self) -> None:
        """Hang up."""
        with self._turn:
            self._hang_up()

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        with self._turn:
            # A kept connection may be one to a signer that was restarted since.
            kept = self._connection is not None
            try:
                answer = self._exchange(message)
            except OSError as error:
                self._hang_up()
                if not kept:
                    raise unreachable() from error
                answer = self._exchange_anew(message)
        if "error" in answer:
            raise Unavailable(
                f"The signer could not answer: {answer['error']}", retry_after_seconds=1
            )
        return answer

    def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._connection is None:
            self._connection = self._connect()
        send(self._connection, message)
        return receive(self._connection)

    def _exchange_anew(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._exchange(message)
        except OSError as error:
            self._hang_up()
            raise unreachable() from error

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(ANSWER_SECONDS_MAX)
            with address(self._path) as where:
                connection.connect(where)
        except BaseException:
            connection.close()
            raise
        return connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def unreachable() -> Unavailable:
    """What is said when nobody answers."""
    return Unavailable("The signer cannot be reached", retry_after_seconds=1)


@contextmanager
def address(path: Path) -> Iterator[str]:
    """A name for the socket that the system takes: it takes no long ones, but those of an open folder.

    Raises OSError where there is no such way around (not on Linux).
    """
    if len(os.fsencode(path)) <= ADDRESS_BYTES_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
