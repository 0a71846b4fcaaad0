"""Asks a witness over HTTP. Whatever it answers, or does not, becomes one of few outcomes, in bounded time and memory.

Plain `http.client`: the cosigner lives for weeks and needs no more. Redirects are not followed, proxies not asked.
Source: https://c2sp.org/tlog-witness.
"""

from __future__ import annotations

import re
import ssl
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

CONNECT_SECONDS_MAX: Final = 4.0
ANSWER_SECONDS_MAX: Final = 8.0
ANSWER_BYTES_MAX: Final = 64 * 1024
PART_BYTES: Final = 16 * 1024
SIZE_TYPE: Final = "text/x.tlog.size"
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")
INCONSISTENT: Final = "inconsistent"
PROBLEMS: Final = {
    400: "request_refused",
    403: "key_not_trusted",
    404: "log_not_known",
    422: INCONSISTENT,
    429: "too_many",
    503: "unavailable",
}


@dataclass(frozen=True, slots=True)
class Lines:
    """200: signature lines, of which nothing is checked yet."""

    text: str


@dataclass(frozen=True, slots=True)
class LastSize:
    """409: the size that the witness last cosigned."""

    size: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Nothing came of it. `answered` says whether the witness was there at all."""

    code: str
    answered: bool


Outcome = Lines | LastSize | Problem


class WitnessConnection:
    """One witness, at its submission prefix; the connection is kept between calls. Belongs to one thread."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._path = f"{parts.path.rstrip('/')}/add-checkpoint"
        host, port = parts.hostname or "", parts.port
        self._connection: HTTPConnection
        if parts.scheme == "https":
            secure = ssl.create_default_context()
            self._connection = HTTPSConnection(
                host, port, timeout=CONNECT_SECONDS_MAX, context=secure
            )
        else:
            self._connection = HTTPConnection(host, port, timeout=CONNECT_SECONDS_MAX)
        self._kept = False

    def add_checkpoint(self, body: bytes) -> Outcome:
        """Ask once; once more where a kept connection turns out to be closed. Never raises."""
        kept = self._kept
        outcome = self._asked(body)
        if kept and isinstance(outcome, Problem) and outcome.code == "unreachable":
            outcome = self._asked(body)
        return outcome

    def close(self) -> None:
        """Hang up."""
        self._kept = False
        self._connection.close()

    def _asked(self, body: bytes) -> Outcome:
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        try:
            headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "daybook"}
            self._connection.request("POST", self._path, body, headers)
            response = self._connection.getresponse()
            found = _read(response, deadline)
        except TimeoutError:
            self.close()
            return Problem("timeout", answered=False)
        except (OSError, HTTPException, ValueError):
            self.close()
            return Problem("unreachable", answered=False)
        self._kept = response.isclosed() and not response.will_close
        if not self._kept:
            self.close()
        if found is None:
            self.close()
            return Problem("answer_too_long", answered=True)
        return _outcome(response.status, response.getheader("content-type", ""), found)


def _read(response: HTTPResponse, deadline: float) -> bytes | None:
    """The body; None for one that is too long. Raises OSError, TimeoutError, HTTPException."""
    parts: list[bytes] = []
    length = 0
    while part := response.read1(PART_BYTES):
        parts.append(part)
        length += len(part)
        if length > ANSWER_BYTES_MAX:
            return None
        if time.monotonic() > deadline:
            raise TimeoutError
    response.read()  # closes it, and tells of one that is shorter than it said
    return b"".join(parts)


def _outcome(status: int, kind: str, body: bytes) -> Outcome:
    if status == 200:
        try:
            return Lines(body.decode())
        except UnicodeDecodeError:
            return Problem("bad_answer", answered=True)
    if status == 409:
        size = _SIZE.fullmatch(body)
        if size is None or kind.partition(";")[0].strip().lower() != SIZE_TYPE:
            return Problem("bad_answer", answered=True)
        return LastSize(int(size[1]))
    return Problem(PROBLEMS.get(status, "bad_answer"), answered=True)
