"""`daybook fsck --read-models`: replay every read model beside itself, and compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from api.process.models_named import named
from api.process.progress import progress
from domain.values import public_id
from infrastructure.database import OPTIONS
from infrastructure.deployment import Deployment
from infrastructure.sql_arrays import register
from infrastructure.store.event_mapper import EventMapper, NoKeys
from infrastructure.store.event_source import SequencedEvents
from projections.engine.proving import Proof, Told, prove
from projections.engine.proving_retained import StatesProof, prove_retained
from projections.engine.read_model import ReadModel

FOUND: Final = 1


@dataclass(frozen=True, slots=True)
class Proved:
    """A model and what a replay of it showed; None where this version of it has taken nothing in."""

    model: ReadModel
    proof: Proof | None
    states: StatesProof

    @property
    def holds(self) -> bool:
        """False when rows, or a retained state, are not those of a replay."""
        return (self.proof is None or self.proof.holds) and not self.states.faults


def run_prove(deployment: Deployment, names: Sequence[str], *, as_json: bool) -> int:
    """Prove the read models of those names, or all; 0 when each equals its replay, 1 when one does not.

    Refuses: NoSuchReadModel.
    """
    models = named(names)
    with progress("replaying", len(models), rate=True) as told:
        done = prove_all(deployment, models, told)
    print(json.dumps(as_document(done)) if as_json else "\n".join(as_lines(done)), flush=True)
    return 0 if all(one.holds for one in done) else FOUND


def prove_all(
    deployment: Deployment, models: Sequence[ReadModel], told: Callable[[str, int], None]
) -> list[Proved]:
    """One after the other, as the follower's role: it writes to nothing but tables of its own, which it drops."""
    source = SequencedEvents(EventMapper(NoKeys()))
    done = []
    with psycopg.connect(
        deployment.dsn_of("follower"), autocommit=True, prepare_threshold=None, options=OPTIONS
    ) as connection:
        register(connection)
        for model in models:
            heard = _hearing(model.name, told)
            heard(0)
            proof = prove(connection, model, source, heard)
            done.append(Proved(model, proof, prove_retained(connection, model, source)))
    return done


def _hearing(name: str, told: Callable[[str, int], None]) -> Told:
    return lambda count: told(name, count)


def as_document(done: Sequence[Proved]) -> dict[str, Any]:
    """What was shown, for a program."""
    return {
        "ok": all(one.holds for one in done),
        "read_models": [_one_document(one) for one in done],
    }


def _one_document(it: Proved) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": it.model.name,
        "version": it.model.version,
        "retained_states": it.states.count,
        "retained_states_at_fault": [
            {
                "tenant": public_id("tenant", one.tenant),
                "position": one.position,
                "reason": one.reason,
            }
            for one in it.states.faults
        ],
    }
    if (proof := it.proof) is None:
        return {**found, "sequence": None, "equal": None}
    return {
        **found,
        "sequence": proof.sequence,
        "equal": proof.holds,
        "rows": proof.followed.rows,
        "quarantined_streams": proof.left_out,
        "digest": str(proof.followed),
        "replayed_digest": str(proof.replayed),
        "differing": [
            {
                "table": one.table,
                "only": one.side,
                "tenant": public_id("tenant", one.tenant),
                "key": one.key,
            }
            for one in proof.differing
        ],
    }


def as_lines(done: Sequence[Proved]) -> Iterator[str]:
    """What was shown, for a person."""
    for it in done:
        name = f"{it.model.name} v{it.model.version}"
        if (proof := it.proof) is None:
            yield f"{name:<16} NOT FILLED"
            continue
        said = "equals its replay" if proof.holds else "DIFFERS FROM ITS REPLAY"
        where = f"{proof.sequence:,} events, {proof.followed.rows:,} rows"
        if proof.left_out:
            where += f", WITHOUT {proof.left_out} QUARANTINED STREAMS"
        if it.states.count:
            where += f", {it.states.count} retained states"
        yield f"{name:<16} {said:<24} {where}, digest {str(proof.followed)[:16]}"
        for one in proof.differing:
            tenant = public_id("tenant", one.tenant)
            yield f"  only as {one.side}: {one.table}, {tenant}, {one.key}"
        for fault in it.states.faults:
            tenant = public_id("tenant", fault.tenant)
            yield f"  retained state of {tenant} at position {fault.position}: {fault.reason}"
