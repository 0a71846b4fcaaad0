"""What is sent of a disclosure over the network, and the ticket for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID

from application.disclosing.recipients import secret_of
from application.disclosing.story import Story
from application.disclosing.tickets import DisclosureTicket, Parcel, TicketOffice
from application.disclosing.values import Handed, plain
from application.ports import EventStore, Opener
from domain.delivery_terms import secret_bytes
from domain.errors import Unreadable
from domain.recipient import Recipient
from domain.values import public_id


@dataclass(frozen=True, slots=True)
class Parcels:
    """Packs."""

    store: EventStore
    opener: Opener
    office: TicketOffice

    def pack(
        self, tenant: UUID, story: Story, recipient: Recipient, handed: tuple[Handed, ...]
    ) -> DisclosureTicket:
        """A ticket to send `handed` to the recipient's address, under the disclosure's constant id.

        Refuses: Unreadable (the recipient's secret cannot be opened).
        """
        it = story.state.recorded
        body: dict[str, object] = {
            "type": "disclosure",
            "disclosure_id": public_id("disclosure", it.disclosure),
            "recipient_id": public_id("recipient", it.recipient),
            "purpose": it.purpose,
            "fields": list(it.scope.fields),
            "records": records_json(handed),
        }
        return self.ticket(tenant, str(body["disclosure_id"]), recipient, body)

    def ticket(
        self, tenant: UUID, id: str, recipient: Recipient, body: dict[str, object]
    ) -> DisclosureTicket:
        """A ticket to send `body` to the recipient's address, under the id `id` in each attempt.

        Refuses: Unreadable (the recipient's secret cannot be opened).
        """
        url = recipient.terms.delivery.url
        assert url is not None, "what is delivered by https has an address"
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        secret = self._secret(tenant, recipient)
        return self.office.issue(
            Parcel(tenant, id, recipient.id, url, secret, text.encode("utf-8"))
        )

    def _secret(self, tenant: UUID, recipient: Recipient) -> bytes:
        sealed = secret_of(self.store, tenant, recipient.id)
        if sealed is None:
            raise Unreadable("The recipient has no secret")
        (opened,) = self.opener.open(tenant, [sealed])
        found = None if opened is None else secret_bytes(str(opened["secret"]))
        if found is None:
            raise Unreadable("The recipient's secret cannot be opened")
        return found


def records_json(handed: tuple[Handed, ...]) -> list[dict[str, object]]:
    """What is handed over, as JSON for whoever is handed it."""
    return [
        {
            "subject_id": public_id("subject", one.subject),
            "values": {name: plain(value) for name, value in one.values.items()},
        }
        for one in handed
    ]
