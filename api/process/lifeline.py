"""What a part does for its supervisor: say that it is ready, and end when the supervisor has.

The supervisor passes two pipes by number. Into one a part writes a line when it can work. The other
is never written: it comes to its end when the supervisor is gone, killed or not, and then the part
has no business left. (On Linux the system also kills it; this is for the rest.)

    watch_supervisor()   first thing in a part
    say_ready()          when it can work
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Final

READY: Final = "DAYBOOK_READY_FD"
LIFELINE: Final = "DAYBOOK_LIFELINE_FD"
GRACE_SECONDS: Final = 10.0


def say_ready() -> None:
    """Tell the supervisor that this part can work now; nothing where nobody supervises."""
    number = os.environ.pop(READY, None)
    if number is not None:
        os.write(int(number), b"ready\n")
        os.close(int(number))


def watch_supervisor() -> None:
    """End this process when its supervisor is gone: SIGTERM first, and by force after the grace."""
    number = os.environ.pop(LIFELINE, None)
    if number is not None:
        os.set_inheritable(int(number), False)
        threading.Thread(target=_watch, args=(int(number),), name="lifeline", daemon=True).start()


def _watch(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_SECONDS)
    os._exit(1)
