"""Read models as they were known at an instant: their questions, asked of what a replay makes. README D12."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.errors import FieldError, Unacceptable
from projections.agenda import PostgresAgenda, Rows
from projections.engine.looking_back import LookingBack, PastRows
from projections.engine.read_model import ReadModel
from projections.models import LOOKING_BACK, MODELS


@dataclass(frozen=True, slots=True)
class PostgresPast:
    """The port `Past`."""

    database: Rows
    looking_back: LookingBack
    models: Sequence[ReadModel] = MODELS

    def known_position(self, tenant: UUID, known_at: datetime) -> int:
        """See the port."""
        return int(self.database.rows("SELECT known_position(%b, %b)", (tenant, known_at))[0][0])

    @contextmanager
    def agenda(self, tenant: UUID, position: int) -> Iterator[PostgresAgenda]:
        """See the port."""
        with self.rows(tenant, "agenda", position) as rows:
            yield PostgresAgenda(rows)

    @contextmanager
    def rows(self, tenant: UUID, name: str, position: int) -> Iterator[PastRows]:
        """What answers the questions of a model as at `position`.

        Refuses as `LookingBack.at` does, and Unacceptable: the model does not look back.
        """
        model = next(one for one in self.models if one.name == name)
        if name not in LOOKING_BACK:
            error = FieldError("/known_at", "out_of_range", f"What {name} was is not told.")
            raise Unacceptable(errors=(error,))
        with self.looking_back.at(tenant, model, position) as rows:
            yield rows
