"""A verb of the command line, sampled: `python -m benchmarks.sampled OUT VERB ...` writes folded stacks to OUT.

Each sample gives every thread's stack the processor time that the thread has used since the last one (Linux: the
thread's own clock), so that waiting counts for nothing. Lines are `frame;frame;... microseconds`, as flame graph
tools take them. Sampling itself is a thread like others, and is left out.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from api.cli import app

PAUSE_SECONDS = 0.004


class Sampler(threading.Thread):
    """Samples until it is stopped."""

    def __init__(self) -> None:
        super().__init__(name="sampler", daemon=True)
        self.used: Counter[str] = Counter()  # microseconds by stack
        self._clocks: dict[int, float] = {}
        self._ended = threading.Event()

    def run(self) -> None:
        """See Thread."""
        while not self._ended.wait(PAUSE_SECONDS):
            frames = sys._current_frames()
            for thread in threading.enumerate():
                if thread is not self and thread.ident in frames:
                    self._look(thread.ident, frames[thread.ident])

    def _look(self, ident: int, frame: FrameType) -> None:
        try:
            now = time.clock_gettime(time.pthread_getcpuclockid(ident))
        except OSError:
            return  # it has ended
        spent = now - self._clocks.get(ident, now)
        self._clocks[ident] = now
        if spent > 0:
            self.used[folded(frame)] += round(spent * 1e6)

    def stop(self) -> None:
        """Take no more samples."""
        self._ended.set()
        self.join()


def folded(frame: FrameType | None) -> str:
    """A stack, outermost first."""
    names: list[str] = []
    while frame is not None:
        module = frame.f_globals.get("__name__", "?")
        names.append(f"{module}:{frame.f_code.co_qualname}")
        frame = frame.f_back
    return ";".join(reversed(names))


def main() -> None:
    """Run the verb."""
    out = Path(sys.argv.pop(1))
    # The server hands the signal that ended it on, once it has finished what it did.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sampler = Sampler()
    sampler.start()
    try:
        app(sys.argv[1:], standalone_mode=False)
    finally:
        sampler.stop()
        out.write_text("".join(f"{stack} {used}\n" for stack, used in sampler.used.items()))


if __name__ == "__main__":
    main()
