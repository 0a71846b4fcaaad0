"""The read model `withheld`: disclosures whose tags are not all opened, and when somebody has to look at them.

Gags are few: each event is a statement of its own. README D7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from application.disclosing.conditions import Heads
from application.following import Sequenced
from application.orders.openings import process_of
from application.recorded import Recorded
from domain.disclosure import DisclosureOpened, DisclosureRecorded, DisclosureWithheld, TagOf
from domain.legal_process import GagChanged
from projections.agenda import Rows
from projections.engine.read_model import Connection

NAME: Final = "withheld"
VERSION: Final = 1
TABLES: Final = ("withheld_disclosure_v1", "withheld_tag_v1")
CONSUMED: Final[frozenset[type]] = frozenset(
    (DisclosureRecorded, DisclosureWithheld, DisclosureOpened, GagChanged)
)
BEGIN: Final[LiteralString] = (
    "INSERT INTO withheld_disclosure_v1 (tenant_id, disclosure_id, process_id, look_at) VALUES (%b, %b, %b, %b)"
    " ON CONFLICT (tenant_id, disclosure_id) DO UPDATE SET look_at = excluded.look_at"
)
ADD_TAGS: Final[LiteralString] = (
    "INSERT INTO withheld_tag_v1 (tenant_id, disclosure_id, tag, person_id)"
    " SELECT %b, %b, * FROM unnest(%b::uuid[], %b::uuid[]) ON CONFLICT DO NOTHING"
)
LOOK: Final[LiteralString] = (
    "UPDATE withheld_disclosure_v1 SET look_at = least(look_at, %b) WHERE tenant_id = %b AND process_id = %b"
)
OPEN_TAG: Final[LiteralString] = (
    "UPDATE withheld_tag_v1 SET opened = true WHERE tenant_id = %b AND disclosure_id = %b AND tag = %b"
)
FORGET: Final[LiteralString] = (
    "DELETE FROM withheld_disclosure_v1 d WHERE tenant_id = %b AND disclosure_id = %b AND NOT EXISTS (SELECT FROM"
    " withheld_tag_v1 t WHERE t.tenant_id = d.tenant_id AND t.disclosure_id = d.disclosure_id AND NOT t.opened)"
)
DUE: Final[LiteralString] = (
    "SELECT disclosure_id FROM withheld_disclosure_v1 WHERE tenant_id = %b AND look_at <= %b"
    " ORDER BY look_at, disclosure_id LIMIT %s"
)
TAGS: Final[LiteralString] = (
    "SELECT tag, person_id FROM withheld_tag_v1 WHERE tenant_id = %b AND disclosure_id = %b AND NOT opened ORDER BY tag"
    " LIMIT %s"
)

UNDER: Final[LiteralString] = (
    "SELECT disclosure_id FROM withheld_disclosure_v1 WHERE tenant_id = %b AND process_id = %b"
    " ORDER BY disclosure_id LIMIT %s"
)


@dataclass(frozen=True, slots=True)
class WithheldModel:
    """Takes in what is withheld, what is opened, and gags that are changed."""

    name: str = NAME
    version: int = VERSION
    tables: tuple[LiteralString, ...] = TABLES
    consumes: frozenset[type] = CONSUMED

    def apply(self, connection: Connection, events: Sequence[Sequenced]) -> None:
        """See ReadModel."""
        for event in (one.event for one in events):
            match event.decision:
                case DisclosureRecorded(withheld_until=datetime() as until):
                    _begin(connection, event, until)
                case DisclosureWithheld() as it:
                    _begin(connection, event, it.until)
                    tags = [one.tag for one in it.tags]
                    persons = [one.stands_for for one in it.tags]
                    connection.execute(ADD_TAGS, (event.tenant, it.disclosure, tags, persons))
                case GagChanged():
                    connection.execute(LOOK, (event.occurred_at, event.tenant, event.stream))
                case DisclosureOpened() as it:
                    connection.execute(OPEN_TAG, (event.tenant, it.disclosure, it.tag))
                    connection.execute(FORGET, (event.tenant, it.disclosure))
                case _:
                    pass


def _begin(connection: Connection, event: Recorded[object], until: datetime) -> None:
    connection.execute(BEGIN, (event.tenant, event.stream, process_of(event), until))


@dataclass(frozen=True, slots=True)
class PostgresWithheld:
    """The port `WithheldDisclosures`."""

    database: Rows
    positions: Heads

    def due(self, tenant: UUID, now: datetime, limit: int) -> list[UUID]:
        """See the port."""
        return [row[0] for row in self.database.rows(DUE, (tenant, now, limit))]

    def tags(self, tenant: UUID, disclosure: UUID, limit: int) -> list[TagOf]:
        """See the port."""
        rows = self.database.rows(TAGS, (tenant, disclosure, limit))
        return [TagOf(row[0], row[1]) for row in rows]

    def under(self, tenant: UUID, process: UUID, limit: int) -> list[UUID]:
        """See the port."""
        head = self.positions.head(tenant)
        if head >= 0:
            self.positions.wait(tenant, NAME, head)
        return [row[0] for row in self.database.rows(UNDER, (tenant, process, limit))]
