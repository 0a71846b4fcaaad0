"""A process that has imported what the parts import, and is forked for each of them: importing is most of a start.

Each part is forked twice, so that it becomes the supervisor's own child, which adopts it (`forking.py`): it is awaited,
signalled and buried like any other, and dies with the supervisor. It shares with the others the memory of what was
imported. This process holds no secret, no connection and no thread, and does nothing but wait.

    python -m api.process.fork_server SOCKET     one message for one process, until the end of the stream
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from api.process.lifeline import LIFELINE, READY
from infrastructure.server.processes import die_with_parent

IMPORTED: Final = (
    "api.cli",
    "api.composition",
    "api.http.app",
    "api.process.mapping",
    "api.process.publishing",
    "api.process.recovering",
    "api.process.sequencing",
    "api.process.serving",
    "api.process.signing",
    "api.process.workers",
    "infrastructure.ledger.witnesses.witness_guard",
    "infrastructure.migrate",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
MESSAGE_BYTES_MAX: Final = 200_000
FILES_MAX: Final = 8
NAME_BYTES_MAX: Final = 15
NUMBERED: Final = (READY, LIFELINE)  # in the environment, a number of a file
ADOPTION_SECONDS_MAX: Final = 10.0


def main() -> None:
    """Import, and be forked until the supervisor hangs up."""
    gc.disable()  # nothing of what is imported could go
    wishes = socket.socket(fileno=int(sys.argv[1]))
    for name in IMPORTED:
        importlib.import_module(name)
    importlib.import_module("api.http.app").describe_all()
    if threading.active_count() > 1:
        sys.exit("what was imported has begun threads: this cannot be forked")
    gc.collect()
    gc.freeze()  # a collection would write to all of it, and share none of it any more
    gc.enable()
    while True:
        said, files, _, _ = socket.recv_fds(wishes, MESSAGE_BYTES_MAX, FILES_MAX)
        if not said:
            return
        wish = json.loads(said)
        reader, writer = os.pipe()
        between = os.fork()
        if between == 0:
            forked = os.fork()
            if forked == 0:
                for mine in (wishes.detach(), reader, writer):
                    os.close(mine)
                become(wish, files)
                break
            os.write(writer, str(forked).encode())
            os._exit(0)
        os.close(writer)
        for number in files:
            os.close(number)
        # The supervisor has adopted it as soon as this one is gone.
        os.waitpid(between, 0)
        with suppress(BrokenPipeError):
            wishes.send(os.read(reader, 20))
        os.close(reader)
    importlib.import_module("api.cli").main()


def become(wish: Mapping[str, Any], files: list[int]) -> None:
    """Become the process that was wished for, but for running it."""
    take(wish, files)
    os.setsid()
    belong_to(wish["supervisor"])
    with suppress(OSError):
        Path("/proc/self/comm").write_text(wish["name"][:NAME_BYTES_MAX])
    os.environ.clear()
    os.environ.update(wish["environment"])
    sys.argv = ["daybook", *wish["arguments"]]
    sys.orig_argv = [*sys.orig_argv[:1], "-m", "api.cli", *wish["arguments"]]


def take(wish: Mapping[str, Any], files: list[int]) -> None:
    """Take the files that were sent: output where it belongs, and the others told by the numbers they have here.

    What else is open stays so: it may be some instrument's that came with the environment.
    """
    here: dict[str, str] = {}
    for wanted, number in zip(wish["numbers"], files, strict=True):
        if wanted <= 2:
            os.dup2(number, wanted)
            os.close(number)
        else:
            here[str(wanted)] = str(number)
    environment, arguments = wish["environment"], wish["arguments"]
    environment.update({it: here[environment[it]] for it in NUMBERED if it in environment})
    for place, word in enumerate(arguments[:-1]):
        if word == "--fd":
            arguments[place + 1] = here[arguments[place + 1]]


def belong_to(supervisor: int) -> None:
    """Wait until we are the supervisor's child, and die when it does."""
    deadline = monotonic() + ADOPTION_SECONDS_MAX
    while os.getppid() != supervisor:
        if monotonic() > deadline:
            sys.exit("the supervisor is gone")
        sleep(0.001)
    arm = die_with_parent(signal.SIGKILL, supervisor)
    if arm is not None:
        arm()


if __name__ == "__main__":
    main()
