"""The witness within the signer's process, and how the API asks for it.

It is opened at the first request, so that an operator may name logs at any time; a witness that cannot be opened says
so to whoever asks, and the logs go on being signed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from application.ledger.witnessing import Conflict, Cosigned
from application.ports import Clock
from domain.errors import DomainError, Malformed, NotFound, NotPermitted, Unacceptable, Unavailable
from infrastructure.canonical import b64, unb64
from infrastructure.ledger.signed.notes import BadNote, VerifierKey
from infrastructure.ledger.signing.signer_memory import SignerMemory
from infrastructure.ledger.signing.signer_socket import SignerClient
from infrastructure.ledger.witnesses.witness import CONFLICT, OK, Witness, WitnessAnswer
from infrastructure.ledger.witnesses.witness_keys import WitnessKeys
from infrastructure.ledger.witnesses.witness_request import (
    NotSigned,
    UnknownLog,
    examine,
    parse_logs,
)
from infrastructure.server.start_faults import StartFault
from infrastructure.settings import Settings

LOGS_BYTES_MAX: Final = 1024 * 1024
LOG: Final = logging.getLogger("daybook.witness")
REFUSALS: Final[Mapping[int, type[DomainError]]] = {
    400: Malformed,
    403: NotPermitted,
    404: NotFound,
    422: Unacceptable,
}


class LogsUnreadable(Unavailable):
    """The list of logs that are witnessed here cannot be read."""


class WitnessedLogs:
    """The logs in a file, read again whenever it has changed. No file: none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._logs: dict[str, list[VerifierKey]] = {}

    def now(self) -> Mapping[str, list[VerifierKey]]:
        """Keys by origin. Raises LogsUnreadable."""
        try:
            found = self._path.stat()
            seen = found.st_mtime_ns, found.st_size
            if seen != self._seen:
                if found.st_size > LOGS_BYTES_MAX:
                    raise LogsUnreadable
                self._logs = parse_logs(self._path.read_text(encoding="utf-8"))
                self._seen = seen
        except FileNotFoundError:
            self._logs, self._seen = {}, None
        except (OSError, UnicodeDecodeError, BadNote) as fault:
            self._seen = None
            LOG.error("%s cannot be read: %s", self._path, fault)
            raise LogsUnreadable from None
        return self._logs


class WitnessDesk:
    """Answers messages about the witness. Callers take turns (the server sees to it)."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._logs = WitnessedLogs(settings.witnessed_logs)
        self._open = ExitStack()
        self._witness: Witness | None = None

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer one. Raises OSError, ValueError, TypeError, KeyError."""
        try:
            witness = self._opened()
        except StartFault as fault:
            LOG.error("nothing is witnessed: %s", fault)
            return {"error": "witness_retired"}
        match message["ask"]:
            case "add-checkpoint":
                try:
                    logs = self._logs.now()
                except LogsUnreadable:
                    return {"error": "witnessed_logs"}
                found = witness.add_checkpoint(unb64(message["body"]), logs)
                return {"status": found.status, "text": found.text}
            case "checkpoint":
                return {"note": witness.checkpoint(unb64(message["origin_sha256"]))}
            case "keys":
                return {"keys": witness.verifier_keys()}
        raise ValueError("nothing that a witness does")

    def close(self) -> None:
        """Let go of the memory."""
        self._witness = None
        self._open.close()

    def _opened(self) -> Witness:
        if self._witness is None:
            folder = self._settings.witness
            keys = WitnessKeys.in_folder(folder, self._settings.witness_name)
            keys.prepare()
            cosigner = keys.cosigner()
            memory = self._open.enter_context(SignerMemory(keys.memory))
            self._witness = Witness(cosigner, memory, self._clock, folder / "notes")
        return self._witness


class SignerWitness:
    """The witness of this deployment, for the API: the port `Witness`.

    What no known log signed does not reach the signer: it is refused here, by the same rules.
    """

    def __init__(self, settings: Settings) -> None:
        self._logs = WitnessedLogs(settings.witnessed_logs)
        self._signer = SignerClient(settings.signer_socket)

    def add_checkpoint(self, body: bytes) -> Cosigned | Conflict:
        """See the port."""
        try:
            examine(body, self._logs.now())
        except UnknownLog:
            raise NotFound("This log is not witnessed here.") from None
        except NotSigned:
            raise NotPermitted("No key that is known for this log signed that.") from None
        except BadNote as fault:
            raise Malformed(f"{fault}.") from None
        found = self._ask({"ask": "add-checkpoint", "body": b64(body)})
        answer = WitnessAnswer(int(found["status"]), str(found["text"]))
        if answer.status == OK:
            return Cosigned(answer.text)
        if answer.status == CONFLICT:
            return Conflict(int(answer.text))
        raise REFUSALS[answer.status](f"{answer.text}.")

    def checkpoint(self, origin_sha256: bytes) -> str:
        """See the port."""
        if not self._logs.now():
            raise NotFound()
        note = self._ask({"ask": "checkpoint", "origin_sha256": b64(origin_sha256)})["note"]
        if note is None:
            raise NotFound("Nothing is cosigned for that log.")
        return str(note)

    def verifier_keys(self) -> list[str]:
        """See the port."""
        if not self._logs.now():
            raise NotFound("No log is witnessed here.")
        return list(self._ask({"ask": "keys"})["keys"])

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        return self._signer.ask({"do": "witness", **message})
