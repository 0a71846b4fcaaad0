"""Everything the HTTP layer may call: one object per use case, and the few ports that are about calls themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

from application.access.access_log import AccessLog
from application.access.access_reviews import Reviews
from application.access.break_glass import BreakGlass
from application.access.denials import Denials
from application.answers.disclosure_answers import DisclosureAnswers
from application.booking.agenda import AgendaReads
from application.booking.booking_course import BookingCourse
from application.booking.booking_reads import BookingReads, CalendarEntry
from application.booking.holds import Holds
from application.booking.placing import Bookings
from application.booking.slots import Slots
from application.consents.choices import Consents
from application.consents.history import ConsentReads
from application.disclosing.courier import Courier
from application.disclosing.disclose import Disclose
from application.disclosing.follow_up_replies import FollowUpReplies
from application.disclosing.recipients import Recipients
from application.disclosing.replies import Replies
from application.erasing.certificates import Certificates
from application.erasing.eraser import Eraser
from application.erasing.reading import ErasureReads
from application.figures.figures import Figures
from application.gauges import Gauges
from application.holding.expiry import Expiry
from application.holding.legal_holds import HoldOpenings, LegalHolds
from application.holding.retention_rules import RetentionRules
from application.kept_answers import Answers
from application.ledger.evidence import EvidenceReads
from application.ledger.exports import LedgerExports
from application.ledger.reading import LedgerReads
from application.ledger.replaying import Replays
from application.ledger.witnessing import Witness, Witnessing
from application.operating_models import OperatedModels
from application.orders.franchise_requests import FranchiseRequests
from application.orders.legal_processes import LegalProcesses
from application.people.people import People
from application.policy.policies import Policies
from application.policy.policy_matrix import PolicyReads
from application.policy.purposes import Purposes
from application.portability.packaging import Package, Packaging
from application.portability.pages import PersonPages
from application.ports import Clock, Ids, Positions
from application.read_models import ReadModels, ReplicaState
from application.reports.issuing import Reports
from application.requests.desk import RequestDesk
from application.requests.duties import DutyTotals
from application.setup.access_keys import AccessKeys
from application.setup.locations import Locations
from application.setup.services import Services
from application.setup.staffing import Staffing
from application.setup.tenancy import Tenancy
from domain.package import PackageFormat


@dataclass(frozen=True, slots=True)
class Platform:
    """The use cases, wired.

    `booking_calendar` writes one booking as iCalendar, UTF-8 with CRLF. `readiness` answers quickly, for each part that
    a request needs, whether it is there; `replica` how the replica is that lists are read from, None without one.
    `bound` binds what runs inside it, in one thread, to one tenant.
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
    figures: Figures
    disclosure_answers: DisclosureAnswers
    reports: Reports
    recipients: Recipients
    replies: Replies
    follow_ups: FollowUpReplies
    courier: Courier
    eraser: Eraser
    packaging: Packaging
    person_pages: PersonPages
    certificates: Certificates
    people: People
    policies: Policies
    purposes: Purposes
    erasures: ErasureReads
    consents: Consents
    consent_reads: ConsentReads
    denials: Denials
    break_glass: BreakGlass
    access_log: AccessLog
    access_reviews: Reviews
    policy: PolicyReads
    ledger: LedgerReads
    read_models: ReadModels
    operated_models: OperatedModels
    evidence: EvidenceReads
    legal_processes: LegalProcesses
    legal_holds: LegalHolds
    hold_openings: HoldOpenings
    retention_rules: RetentionRules
    expiry: Expiry
    franchise_requests: FranchiseRequests
    request_desk: RequestDesk
    duty_totals: DutyTotals
    gauges: Gauges
    exports: LedgerExports
    replays: Replays
    witnessing: Witnessing
    witness: Witness
    booking_calendar: Callable[[CalendarEntry], bytes]
    package_bytes: Callable[[Package, PackageFormat], bytes]
    readiness: Callable[[], Mapping[str, bool]]
    replica: Callable[[], ReplicaState | None]
    bound: Callable[[UUID], AbstractContextManager[None]]

    @property
    def disclose(self) -> Disclose:
        """The second door."""
        return self.courier.disclose
