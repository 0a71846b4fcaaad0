"""What recipients still have to be told, and what they answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.disclosing.follow_up_story import FollowUpStory, add, read_follow_up
from application.disclosing.recipients import RECIPIENTS
from application.disclosing.replies import READERS, WRITERS, Signatures
from application.permissions import require
from application.ports import Book, Clock, EventStore, Ids
from application.recorded import Caller
from application.setup.register import CreationKey, Listing, Receipt
from domain import fields
from domain.follow_up import Decision, FollowUpAcknowledged, FollowUpReply
from domain.values import public_id

REPLIES_MAX = 1_000


class FollowUpList(Protocol):
    """The follow-ups there are. It may be behind."""

    def page(
        self, tenant: UUID, limit: int, after: CreationKey | None, *, is_open: bool | None
    ) -> Sequence[tuple[datetime, UUID]]:
        """At most `limit` follow-ups by (ordered at, id), after the given one; with `is_open` only such."""
        ...


def signed_words(follow_up: UUID, outcome: FollowUpReply) -> bytes:
    """What a recipient signs when it acknowledges a follow-up.

    >>> signed_words(UUID(int=1), "done")
    b'daybook/acknowledgement/v1\\nfup_00000000000000000000000000000001\\ndone\\n'
    """
    lines = ("daybook/acknowledgement/v1", public_id("follow_up", follow_up), outcome, "")
    return "\n".join(lines).encode("ascii")


@dataclass(frozen=True, slots=True)
class FollowUpReplies:
    """Lists follow-ups, and takes the answers to them."""

    store: EventStore
    book: Book
    list: FollowUpList
    signatures: Signatures
    clock: Clock
    ids: Ids

    def page(
        self, limit: int, after: CreationKey | None, is_open: bool | None, by: Caller
    ) -> Listing[FollowUpStory]:
        """Follow-ups by when they were ordered; with `is_open` those that wait for something, or do not.

        Refuses: NotPermitted.
        """
        require(by, *READERS)
        rows = self.list.page(by.tenant, limit + 1, after, is_open=is_open)
        shown = tuple(read_follow_up(self.store, by.tenant, id) for _, id in rows[:limit])
        return Listing(shown, rows[limit - 1] if len(rows) > limit else None)

    def acknowledge(
        self, id: UUID, outcome: FollowUpReply, signature: str | None, by: Caller
    ) -> Receipt[FollowUpStory]:
        """Record what the recipient answered; a signature is checked against the key in its terms.

        Refuses: NotPermitted, NotFound, Unacceptable (too many answers), Stale.
        """
        require(by, *WRITERS)
        story = read_follow_up(self.store, by.tenant, id)
        terms = RECIPIENTS.find(self.book, by.tenant, story.state.ordered.recipient)[1].terms
        key = terms.delivery.public_key
        verified = False
        if key is not None and signature is not None:
            verified = self.signatures.holds(key, signed_words(id, outcome), signature)

        def decide(standing: FollowUpStory, _: datetime) -> Decision:
            if len(standing.events) > REPLIES_MAX:
                words = f"More than {REPLIES_MAX} things are recorded of it."
                fields.accept(fields.fault("", "too_many", words))
            return FollowUpAcknowledged(outcome, signature, verified)

        add(self.store, self.clock, self.ids, by, id, decide)
        after = read_follow_up(self.store, by.tenant, id)
        return Receipt(after, after.events[-1].event_id)
