"""Every read model of this release."""

from __future__ import annotations

from typing import Final

from projections.accesses import AccessesModel
from projections.agenda import AgendaModel
from projections.consents import ConsentsModel
from projections.courier import CourierModel
from projections.disclosures import DisclosuresModel
from projections.engine.read_model import ReadModel
from projections.keeping import KeepingModel
from projections.withheld import WithheldModel

MODELS: Final[tuple[ReadModel, ...]] = (
    AgendaModel(),
    AccessesModel(),
    ConsentsModel(),
    KeepingModel(),
    CourierModel(),
    WithheldModel(),
    DisclosuresModel(),
)
# Those whose answers are of use without one stream. What is said of people's data is complete or not said at all.
MAY_LEAVE_OUT: Final = frozenset({AgendaModel().name})
