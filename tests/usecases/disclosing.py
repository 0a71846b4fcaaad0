"""The second door over a world in memory: consents, orders and a sender that can be set, and short words to use it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from application.consents.choices import ConsentState
from application.custody.custodies import Custodies
from application.disclosing.conditions import Sent
from application.disclosing.courier import Courier
from application.disclosing.disclose import Disclose, Disclosed, HandOver
from application.disclosing.facts import FactsOfSending, Wish
from application.disclosing.follow_up_replies import FollowUpReplies
from application.disclosing.follow_ups import FollowUps
from application.disclosing.forged_tickets import ForgedTickets
from application.disclosing.parcels import Parcels
from application.disclosing.recipients import Recipients, RegisterRecipient
from application.disclosing.replies import Replies
from application.disclosing.tickets import DisclosureTicket, Parcel, TicketOffice
from application.recorded import Caller
from domain.delivery_terms import Delivery
from domain.disclosure import Ground, Scope
from domain.disclosure_rules import ProcessStanding
from domain.recipient import Recipient
from domain.recipient_terms import RecipientTerms
from domain.values import Personal
from infrastructure.delivery.signatures import Ed25519Signatures
from tests.usecases.salon import TENANT, Salon

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
OFFICER = Caller(TENANT, "key_officer", frozenset({"privacy_officer"}))
TERMS = RecipientTerms(
    legal_name="Example CRM Ltd",
    address="1 High Street, Dublin",
    country="IE",
    kind="crm",
    role="processor",
    permitted_purposes=("service", "support"),
    contract_ref="C-1",
    contract_from=date(2027, 1, 1),
)
INBOX = Delivery("https", "https://crm.example.org/inbox")


@dataclass
class SettableConsents:
    """See the port `ConsentStates`: what a test says of (subject, purpose)."""

    states: dict[tuple[UUID, str], ConsentState] = field(default_factory=dict)

    def at(self, tenant: UUID, subject: UUID, purpose: str) -> ConsentState | None:
        return self.states.get((subject, purpose))


@dataclass
class SettableRestrictions:
    """See the port `Restrictions`."""

    restricted: set[UUID] = field(default_factory=set)
    out: set[tuple[UUID, str]] = field(default_factory=set)

    def holds(self, tenant: UUID, subject: UUID, purpose: str) -> bool:
        return subject in self.restricted

    def opted_out(self, tenant: UUID, subject: UUID, vendor: str) -> bool:
        return (subject, vendor) in self.out


@dataclass
class SettableOrders:
    """See the port `Orders`."""

    processes: dict[UUID, ProcessStanding] = field(default_factory=dict)

    def process(self, tenant: UUID, id: UUID) -> ProcessStanding | None:
        return self.processes.get(id)

    def until(self, tenant: UUID, case: str) -> datetime | None:
        return None


@dataclass
class KeptParcels:
    """See the port `Sender`: keeps what would have left, and answers as it is told, at last with success."""

    office: TicketOffice
    answers: list[Sent] = field(default_factory=list)
    sent: list[Parcel] = field(default_factory=list)

    def send(self, ticket: DisclosureTicket, seconds: float) -> Sent:
        self.sent.append(self.office.redeem(ticket))
        return self.answers.pop(0) if self.answers else Sent(status=200)


@dataclass
class Doors:
    """A salon with its second door."""

    salon: Salon = field(default_factory=Salon)
    consents: SettableConsents = field(default_factory=SettableConsents)
    restrictions: SettableRestrictions = field(default_factory=SettableRestrictions)
    orders: SettableOrders = field(default_factory=SettableOrders)

    def __post_init__(self) -> None:
        world = self.salon.world
        self.recipients = Recipients(world.store, world.book, world.people, world.clock, world.ids)
        self.office = TicketOffice(ForgedTickets(world.store, world.clock, world.ids).record)
        self.sender = KeptParcels(self.office)
        facts = FactsOfSending(
            world.store,
            world.book,
            world.visits,
            self.consents,
            self.restrictions,
            Custodies(world.store, world.store),
            self.orders,
            world.clock,
        )
        self.out = Disclose(
            world.store,
            world.opener,
            facts,
            world.mirrored,
            Parcels(world.store, world.opener, self.office),
            self.sender,
            world.clock,
            world.ids,
        )
        parcels, courier = self.out.parcels, world.courier
        self.follow_ups = FollowUps(
            world.store, world.book, courier, parcels, self.sender, world.clock, world.ids
        )
        self.courier = Courier(
            world.store, self.out, self.follow_ups, courier, world.clock, world.ids
        )
        self.told = FollowUpReplies(
            world.store, world.book, courier, Ed25519Signatures(), world.clock, world.ids
        )
        self.replies = Replies(world.store, world.book, Ed25519Signatures(), world.clock, world.ids)

    def recipient(self, **terms: Any) -> Recipient:
        """A new recipient: a CRM in Ireland unless said otherwise."""
        said = replace(TERMS, **terms)
        secret = Personal(SECRET) if said.delivery.kind == "https" else None
        return self.recipients.register(RegisterRecipient(said, secret), OFFICER).state.recipient

    def wish(self, recipient: UUID, *subjects: UUID, **more: Any) -> Wish:
        """Name and e-mail of `subjects`, for the service, by contract, unless said otherwise."""
        fields = more.pop("fields", ("name", "email"))
        scope = Scope(tuple(fields), **more.pop("scope", {}))
        given = Wish(recipient, subjects, "service", None, Ground("contract"), scope)
        return replace(given, **more)

    def hand_over(
        self,
        recipient: UUID,
        *subjects: UUID,
        by: Caller = OFFICER,
        withhold_until: datetime | None = None,
        **more: Any,
    ) -> Disclosed:
        """Hand it over."""
        command = HandOver(self.wish(recipient, *subjects, **more), withhold_until)
        return self.out.disclose(command, by)

    def consents_to(self, subject: UUID, purpose: str, *, valid: bool = True) -> UUID:
        """What someone's consent to a purpose says from now on."""
        ids, now = self.salon.world.ids, self.salon.world.clock.now()
        decision = "given" if valid else "withdrawn"
        state = ConsentState(ids.uuid(), decision, valid, now, ids.uuid())  # type: ignore[arg-type]
        self.consents.states[(subject, purpose)] = state
        return state.id

    def carries(self, **later: float) -> int:
        """So much later the courier goes round once; how many things it went on with."""
        self.salon.world.clock.advance(**later)
        return sum(self.courier.carry(TENANT, one) for one in self.courier.due(TENANT))

    def recorded(self, kind: type[Any]) -> list[Any]:
        """The decisions of a kind on record."""
        log = self.salon.world.state.log.get(TENANT, [])
        return [event.decision for event in log if isinstance(event.decision, kind)]
