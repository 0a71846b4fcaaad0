"""What becomes of a disclosure afterwards: how it stands, what the recipient says of it, whom it handed it on to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol
from uuid import UUID

from application.disclosing.recipients import RECIPIENTS
from application.disclosing.story import Story, go_on, read_story
from application.permissions import require
from application.ports import Book, Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from application.setup.register import Receipt
from domain import fields
from domain.access_key import Role
from domain.countries import COUNTRIES
from domain.disclosure import About, DisclosureAcknowledged, DisclosureSharedOnward
from domain.purposes import PURPOSES
from domain.values import public_id

WRITERS: Final[tuple[Role, ...]] = ("privacy_officer",)
READERS: Final[tuple[Role, ...]] = ("privacy_officer", "auditor")
NAME_CHARACTERS_MAX: Final = 200
REPLIES_MAX: Final = 1_000
Reply = Literal["received", "done", "rejected", "impossible"]


class Signatures(Protocol):
    """Checks what recipients sign."""

    def holds(self, public_key: str, message: bytes, signature: str) -> bool:
        """True when `signature` (base64, Ed25519) of `message` was made with the key (base64)."""
        ...


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The recipient answered: to what, and what; with its own signature where it can sign."""

    disclosure: UUID
    about: About
    outcome: Reply
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class SharedOnward:
    """The recipient handed it on, to whom and what for."""

    disclosure: UUID
    legal_name: str
    country: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A disclosure with everything the recipient said of it; each with the event that holds it."""

    story: Story
    acknowledgements: Sequence[Recorded[DisclosureAcknowledged]]
    onward: Sequence[Recorded[DisclosureSharedOnward]]


def signed_words(disclosure: UUID, about: About, outcome: Reply) -> bytes:
    """What a recipient signs when it acknowledges.

    >>> signed_words(UUID(int=1), "withdrawal", "done")
    b'daybook/acknowledgement/v1\\ndis_00000000000000000000000000000001\\nwithdrawal\\ndone\\n'
    """
    lines = ("daybook/acknowledgement/v1", public_id("disclosure", disclosure), about, outcome, "")
    return "\n".join(lines).encode("ascii")


@dataclass(frozen=True, slots=True)
class Replies:
    """Looks at disclosures, and records what recipients say of them."""

    store: EventStore
    book: Book
    signatures: Signatures
    clock: Clock
    ids: Ids

    def show(self, id: UUID, by: Caller) -> Shown:
        """A disclosure as it stands. Refuses: NotPermitted, NotFound."""
        require(by, *READERS)
        return _shown(read_story(self.store, by.tenant, id))

    def acknowledge(self, command: Acknowledge, by: Caller) -> Receipt[Shown]:
        """Record what the recipient answered; a signature is checked against the key in its terms.

        A signature that does not hold, or that there is no key for, is recorded as not verified.
        Refuses: NotPermitted, NotFound, Stale.
        """
        require(by, *WRITERS)
        story = read_story(self.store, by.tenant, command.disclosure)
        verified = self._verified(story, command)
        decision = DisclosureAcknowledged(
            command.about, command.outcome, command.signature, verified
        )
        return self._add(by, command.disclosure, decision)

    def share_onward(self, command: SharedOnward, by: Caller) -> Receipt[Shown]:
        """Record that the recipient handed it on.

        Refuses: NotPermitted, NotFound, Unacceptable (fields), Stale.
        """
        require(by, *WRITERS)
        found = fields.line("/legal_name", command.legal_name, NAME_CHARACTERS_MAX)
        if command.country not in COUNTRIES:
            words = "It is no ISO 3166-1 code of two capitals."
            found += fields.fault("/country", "unknown_country", words)
        if command.purpose not in PURPOSES:
            words = "It is not in the list of purposes."
            found += fields.fault("/purpose", "unknown_purpose", words)
        fields.accept(found)
        decision = DisclosureSharedOnward(command.legal_name, command.country, command.purpose)
        return self._add(by, command.disclosure, decision)

    def _add(
        self, by: Caller, id: UUID, decision: DisclosureAcknowledged | DisclosureSharedOnward
    ) -> Receipt[Shown]:
        def decide(story: Story, _: object) -> DisclosureAcknowledged | DisclosureSharedOnward:
            if story.state.version > REPLIES_MAX:
                words = f"More than {REPLIES_MAX} things are recorded of it."
                fields.accept(fields.fault("", "too_many", words))
            return decision

        story = go_on(self.store, self.clock, self.ids, by, id, decide)
        return Receipt(_shown(story), story.last)

    def _verified(self, story: Story, command: Acknowledge) -> bool:
        recipient = RECIPIENTS.find(self.book, story.first.tenant, story.state.recorded.recipient)[
            1
        ]
        key = recipient.terms.delivery.public_key
        if key is None or command.signature is None:
            return False
        words = signed_words(command.disclosure, command.about, command.outcome)
        return self.signatures.holds(key, words, command.signature)


def _shown(story: Story) -> Shown:
    return Shown(
        story,
        [one for one in story.events if isinstance(one.decision, DisclosureAcknowledged)],
        [one for one in story.events if isinstance(one.decision, DisclosureSharedOnward)],
    )
