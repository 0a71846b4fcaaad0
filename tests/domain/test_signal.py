"""Do Not Track: recorded once for each change, without effect."""

from __future__ import annotations

from uuid import UUID

from domain.signal import SignalSeen, see

ADA = UUID(int=7)


def test_a_signal_is_recorded_once_for_each_change():
    (first,) = see(None, ADA, "1")
    assert first == SignalSeen(ADA, "dnt", "1", "none")
    assert see(first, ADA, "1") == ()
    assert see(first, ADA, "0") == (SignalSeen(ADA, "dnt", "0", "none"),)
