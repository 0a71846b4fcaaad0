"""A verb of the command line, its calls profiled: `python -m benchmarks.profiled OUT VERB ...` writes a profile to OUT.

Every call that the API process answers runs under `cProfile` by the processor time of its thread, in one worker thread,
so that waiting counts for nothing. (A sampler inside the interpreter gets its turn where a thread begins to wait, and
takes what was computed before for a part of the waiting.) The profiler's own cost is in it: code of many small calls
looks dearer than it is. SIGUSR1 begins anew. OUT is for `pstats`, and for what draws flame graphs of such files.
"""

from __future__ import annotations

import cProfile
import signal
import sys
import time
from functools import partial

import api.process.serving
from api.cli import app
from api.http.operation import Operation, _Request
from api.http.settings import ApiSettings
from application.recorded import Answer


class Profiled:
    """The profile of what the one worker thread does."""

    def __init__(self) -> None:
        self._serve = Operation._serve
        self._begin_anew = False
        self.profile = cProfile.Profile(time.thread_time)

    def serve(self, operation: Operation, request: _Request) -> Answer:
        """Answer as ever, under the profile."""
        if self._begin_anew:
            self._begin_anew = False
            self.profile = cProfile.Profile(time.thread_time)
        return self.profile.runcall(self._serve, operation, request)

    def begin_anew(self, *_: object) -> None:
        """Forget what was profiled, with the next call."""
        self._begin_anew = True


def main() -> None:
    """Run the verb."""
    out = sys.argv.pop(1)
    # The server hands the signal that ended it on, once it has finished what it did.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    profiled = Profiled()
    signal.signal(signal.SIGUSR1, profiled.begin_anew)
    Operation._serve = lambda self, request: profiled.serve(self, request)  # type: ignore[method-assign]
    api.process.serving.ApiSettings = partial(ApiSettings, threads=1)  # type: ignore[misc,assignment]
    try:
        app(sys.argv[1:], standalone_mode=False)
    finally:
        profiled.profile.dump_stats(out)


if __name__ == "__main__":
    main()
