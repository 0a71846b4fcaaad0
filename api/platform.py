"""Everything the HTTP layer may call: one object per use case, and the few ports that are about calls themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from application.access_keys import AccessKeys
from application.access_log import AccessLog
from application.access_reviews import Reviews
from application.agenda import AgendaReads
from application.booking import Bookings
from application.booking_course import BookingCourse
from application.booking_reads import BookingReads, CalendarEntry
from application.break_glass import BreakGlass
from application.consent_history import ConsentReads
from application.consents import Consents
from application.courier import Courier
from application.denials import Denials
from application.disclose import Disclose
from application.disclosure_answers import DisclosureAnswers
from application.disclosure_replies import Replies
from application.evidence import EvidenceReads
from application.follow_up_replies import FollowUpReplies
from application.franchise_requests import FranchiseRequests
from application.holds import Holds
from application.ledger import LedgerReads
from application.ledger_exports import LedgerExports
from application.legal_processes import LegalProcesses
from application.locations import Locations
from application.people import People
from application.policies import Policies
from application.policy_matrix import PolicyReads
from application.ports import Answers, Clock, Ids, Positions
from application.purposes import Purposes
from application.recipients import Recipients
from application.reports.issuing import Reports
from application.services import Services
from application.slots import Slots
from application.staffing import Staffing
from application.tenancy import Tenancy
from application.witnessing import Witness, Witnessing


@dataclass(frozen=True, slots=True)
class Platform:
    """The use cases, wired.

    `booking_calendar` writes one booking as iCalendar, UTF-8 with CRLF. `readiness` answers quickly, for each part that
    a request needs, whether it is there. `bound` binds what runs inside it, in one thread, to one tenant.
    """

    clock: Clock
    ids: Ids
    answers: Answers
    positions: Positions
    tenancy: Tenancy
    access_keys: AccessKeys
    locations: Locations
    services: Services
    staffing: Staffing
    slots: Slots
    holds: Holds
    bookings: Bookings
    booking_course: BookingCourse
    booking_reads: BookingReads
    agenda: AgendaReads
    disclosure_answers: DisclosureAnswers
    reports: Reports
    recipients: Recipients
    replies: Replies
    follow_ups: FollowUpReplies
    courier: Courier
    people: People
    policies: Policies
    purposes: Purposes
    consents: Consents
    consent_reads: ConsentReads
    denials: Denials
    break_glass: BreakGlass
    access_log: AccessLog
    access_reviews: Reviews
    policy: PolicyReads
    ledger: LedgerReads
    evidence: EvidenceReads
    legal_processes: LegalProcesses
    franchise_requests: FranchiseRequests
    exports: LedgerExports
    witnessing: Witnessing
    witness: Witness
    booking_calendar: Callable[[CalendarEntry], bytes]
    readiness: Callable[[], Mapping[str, bool]]
    bound: Callable[[UUID], AbstractContextManager[None]]

    @property
    def disclose(self) -> Disclose:
        """The second door."""
        return self.courier.disclose
