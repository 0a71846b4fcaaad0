"""Read models by the names that a person types; and that person, on record."""

from __future__ import annotations

import getpass
from collections.abc import Sequence

from application.operating_models import Act
from domain.operating import ActName
from infrastructure.clock import SystemClock
from infrastructure.server.start_faults import StartFault
from projections.engine.read_model import ReadModel
from projections.models import MODELS


class NoSuchReadModel(StartFault):
    """No read model of this release has that name."""


def named(names: Sequence[str]) -> list[ReadModel]:
    """The models of those names, or all of them for none. Raises NoSuchReadModel."""
    known = {model.name: model for model in MODELS}
    for name in names:
        if name not in known:
            raise NoSuchReadModel(f"{name} is not a read model; there are {', '.join(known)}")
    return [known[name] for name in names] or list(MODELS)


def act_of(act: ActName, name: str, by: str | None = None, reason: str | None = None) -> Act:
    """What somebody does at the machine: by default whose account it is."""
    return Act(name, act, by or getpass.getuser(), None, reason, SystemClock().now())
