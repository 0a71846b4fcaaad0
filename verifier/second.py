"""Let a second process do a part of the work; its results are taken in order, as if there were one process."""

import marshal
import os
import signal
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import IO, Any, Final

from verifier.findings import Unreadable

CORES: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
PIECES_MIN: Final = 64  # for fewer, a second process is not worth its start
PIPE_BYTES: Final = 2**20  # so far may the second process be ahead


def is_own(n: int) -> bool:
    """Tell whether the first process does a piece itself: two in five, as it also adds everything up."""
    return n % 5 < 2


def in_order(
    count: int, work: Callable[[int], Any], prepare: Callable[[], None]
) -> Generator[Any, None, None]:
    """Give work(0), work(1) and so on to work(count - 1), which are values that `marshal` can write.

    With enough cores and pieces a second process does those that are not its own; it calls `prepare` first.
    Unreadable when that process ends early, for whatever reason. To be closed, which ends it."""
    second = _start(count, work, prepare) if CORES > 1 and count >= PIECES_MIN else None
    if second is None:
        yield from map(work, range(count))
        return
    child, pipe = second
    try:
        for n in range(count):
            yield work(n) if is_own(n) else _receive(pipe)
    finally:
        # Either it has said everything, or nobody wants to hear the rest.
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pipe.close()


def _start(
    count: int, work: Callable[[int], Any], prepare: Callable[[], None]
) -> tuple[int, IO[bytes]] | None:
    """Start the second process; gives its number and what it writes, or None if the system has no room for it."""
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return None
    if child:
        os.close(writing)
        return child, open(reading, "rb")
    try:
        # An interrupt is heard by the first process, which ends this one.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.close(reading)  # now writing fails once the first process is gone
        prepare()
        with open(writing, "wb") as pipe:
            _widen(pipe)
            for n in range(count):
                if not is_own(n):
                    data = marshal.dumps(work(n))
                    pipe.write(len(data).to_bytes(8, "big") + data)
        os._exit(0)
    finally:
        os._exit(1)  # whatever happened: the program's end is not for this process


def _widen(pipe: IO[bytes]) -> None:
    # A narrower one only makes it wait more often.
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _receive(pipe: IO[bytes]) -> Any:
    try:
        return marshal.loads(pipe.read(int.from_bytes(pipe.read(8), "big")))
    except EOFError:
        raise Unreadable("the second process, which checks a part, ended early") from None
