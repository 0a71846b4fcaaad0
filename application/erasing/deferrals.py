"""What is told of erasures that waited for a hold under a gag, once the gag is over. README D7, D9."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid5

from application.custody.custody_log import read_custody
from application.execute import Scribe
from application.ports import EventStore
from application.recorded import Recorded
from domain.erasure import ErasureDeferred
from domain.erasure_deferral import ErasureDeferralOpened


def opening_stream(deferred: UUID, legal_hold: UUID) -> UUID:
    """The stream of the one telling of what the event `deferred` says of a hold."""
    return uuid5(deferred, f"daybook/erasure/deferral_opened/{legal_hold.hex}")


def deferrals_opened(
    scribe: Scribe, store: EventStore, person: UUID, legal_hold: UUID
) -> Iterator[Recorded[object]]:
    """What is appended beside the opening of a hold: each deferral of an erasure that the person was not told of."""
    tenant = scribe.caller.tenant
    for erasure in read_custody(store, tenant, person).erasures:
        for event in store.read(tenant, erasure):
            it = event.decision
            if not isinstance(it, ErasureDeferred) or it.subject is not None:
                continue
            waited = [one for one in it.deferred if one.legal_hold == legal_hold]
            if waited:
                classes = tuple(one.retention_class for one in waited)
                told = ErasureDeferralOpened(person, erasure, legal_hold, event.event_id, classes)
                stream = opening_stream(event.event_id, legal_hold)
                yield scribe.record(stream, 1, told, cause=event.event_id)
