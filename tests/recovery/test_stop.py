"""A part that is told to stop does, whatever it is about."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.running import ROOT

# A signal is taken between two calls of Python. Taken at the n-th call from here on:
TOLD = """
import signal, sys
from api.process.loops import Stop
calls = 0

def told(frame, what, _):
    global calls
    calls += what == "call"
    if calls == {at} and what == "call":
        signal.raise_signal(signal.SIGTERM)

stop = Stop()
stop.listen()
sys.settrace(told)
while not stop.asked():
    stop.wait(0.01)
"""


@pytest.mark.parametrize("at", range(1, 13))
def test_a_signal_that_comes_while_a_wait_begins_or_ends_is_heard(at: int) -> None:
    """A lock that the waiting thread holds would never be given to the handler, which runs in that thread."""
    subprocess.run([sys.executable, "-c", TOLD.format(at=at)], cwd=ROOT, timeout=30, check=True)
