"""Preference signals that came with a call made for a person: recorded once for each change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid5

from application.consent_log import consent_stream
from application.execute import Scribe
from application.ports import EventStore
from application.recorded import Recorded
from domain import consent_rules, signal
from domain.consent import ConsentRecord, standing_now
from domain.consent_rules import Said
from domain.signal import SignalSeen

SALE_AND_SHARING: Final = "sale_share"


def signal_stream(subject: UUID) -> UUID:
    """The stream of signals without effect."""
    return uuid5(subject, "daybook/signals")


def signal_events(
    store: EventStore,
    scribe: Scribe,
    subject: UUID,
    records: Sequence[ConsentRecord],
    next_version: int,
) -> tuple[Recorded[object], ...]:
    """What the signals of the caller change for a person: events for the same append.

    `records` are the person's consents so far; the next one is version `next_version` of the stream of consents.
    """
    found: list[Recorded[object]] = []
    by = scribe.caller
    if by.global_privacy_control and not _is_refused(records, scribe):
        said = Said(scribe.ids.uuid(), subject, SALE_AND_SHARING, "refused", "signal", "web")
        decision = consent_rules.decide(records, said, scribe.at)
        found.append(scribe.record(consent_stream(subject), next_version, decision))
    if by.do_not_track is not None:
        stream = signal_stream(subject)
        seen = store.read(by.tenant, stream)
        last = seen[-1].decision if seen else None
        assert last is None or isinstance(last, SignalSeen), "a stream of signals"
        decided = signal.see(last, subject, by.do_not_track)
        found += [scribe.record(stream, len(seen) + 1, one) for one in decided]
    return tuple(found)


def _is_refused(records: Sequence[ConsentRecord], scribe: Scribe) -> bool:
    standing = standing_now(records, SALE_AND_SHARING, scribe.at)
    return standing is not None and standing.decision in ("refused", "withdrawn")
