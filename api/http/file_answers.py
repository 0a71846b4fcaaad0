"""Answers that are too long to be held: sent in parts from a copy that waits for it, and removed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.types import Send

from api.http.threads import Threads
from application.ledger.exports import Copy
from application.recorded import Answer

PART_BYTES: Final = 256 * 1024
# Whoever takes nothing for so long is gone; the place of a copy is for the next one.
STALLED_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswer(Answer):
    """An answer whose body is `copy`; `body` is empty. It is never kept for a repeated call."""

    copy: Copy


def file_answer(copy: Copy, kind: str, name: str) -> FileAnswer:
    """200 with a file to keep, of media type `kind`."""
    headers = (("content-type", kind), ("content-disposition", f'attachment; filename="{name}"'))
    return FileAnswer(200, headers, b"", copy=copy)


async def send_file(send: Send, answer: FileAnswer, threads: Threads) -> None:
    """Send it part by part, as fast as it is taken, and remove it whatever happens."""
    try:
        await _send_parts(send, answer, threads)
    except TimeoutError:
        return  # half an answer: the server hangs up
    finally:
        answer.copy.close()


async def _send_parts(send: Send, answer: FileAnswer, threads: Threads) -> None:
    copy = answer.copy
    length = (b"content-length", str(copy.length).encode("ascii"))
    headers = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in answer.headers]
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": [*headers, length]}
    )
    while part := await threads.run(partial(copy.read, PART_BYTES)):
        async with asyncio.timeout(STALLED_SECONDS_MAX):
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
