"""The same operations by Daybook's use cases: sealed values, appended events, recorded accesses, named disclosures.

A record is a person: made known by their first booking, with what they said to purposes and whom their data went to.
What derives from the events (places in the ledger, read models, checkpoints) is kept up by whoever runs beside this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final, cast
from uuid import UUID

from api.platform import Platform
from application.answers.disclosure_answers import Moment, Told
from application.booking.placing import BookVisit
from application.consents.choices import Say
from application.consents.history import ConsentsQuery
from application.custody.custody_log import read_custody
from application.disclosing.recipients import ReviseRecipient
from application.erasing.ordering import Wish
from application.ledger.reading import EventsQuery
from application.people.people import CorrectPerson
from application.people.profiles import PROFILE_FIELDS, profile_of, profile_sights
from application.permissions import operator
from application.policy.purposes import AssignBasis
from application.recorded import Caller
from benchmarks.gdprbench.expected import DONE, GONE
from benchmarks.gdprbench.loading import EVERY_MINUTES, SLOTS_A_DAY, Loading, Setting, set_up
from benchmarks.gdprbench.operations import PAGE, Kind, Operation
from benchmarks.gdprbench.records import AUTOMATED, email_of, record
from benchmarks.gdprbench.sides import Tell, load_with
from benchmarks.gdprbench.stored import sizes, wait_until_followed
from domain.consent import Saying
from domain.errors import Behind, Erased, NotFound, Stale
from domain.purposes import Jurisdiction, LawfulBasis, PurposeCode
from domain.subject import Correction, Profile
from domain.values import Personal
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.tree.merkle import leaf_hash, verify_inclusion
from infrastructure.wall import bound_to

TRIES_MAX: Final = 50
SHARES_MAX: Final = 50
DISCLOSURES_A_PAGE: Final = 200
METADATA_FOR: Final = "service"


class DaybookSide:
    """A tenant of its own on a deployment whose ledger and read models are kept up."""

    name = "Daybook"

    def __init__(self, platform: Platform, engine: Engine, deployment: Deployment) -> None:
        self._platform = platform
        self._engine = engine
        self._deployment = deployment
        self._tenant = engine.ids.uuid()
        self._by = replace(operator(self._tenant), purpose=METADATA_FOR)
        self._setting: Setting | None = None
        self._keys: dict[int, UUID] = {}
        self._count = 0
        self._size = 0
        self.tried_again = 0
        self._performing: Mapping[Kind, Callable[[Operation], object]] = {
            "create-record": self._create,
            "read-data-by-KEY": self._data_by_key,
            "read-data-by-USR": self._data_by_usr,
            "read-data-by-PUR": self._data_by_pur,
            "read-data-by-OBJ": self._data_by_obj,
            "read-data-by-DEC": self._data_by_dec,
            "read-metadata-by-KEY": self._said,
            "read-metadata-by-USR": self._shared,
            "update-data-by-KEY": self._move,
            "update-metadata-by-KEY": self._decide,
            "update-metadata-by-USR": self._say_by_usr,
            "update-metadata-by-PUR": self._rest,
            "update-metadata-by-SHR": self._contract,
            "get-system-logs": self._log,
            "read-metadata-by-SHR": self._given,
            "delete-record-by-KEY": self._delete_by_key,
            "delete-record-by-PUR": self._delete_by_pur,
            "delete-record-by-USR": self._delete_by_usr,
            "verify-deletion": self._is_gone,
            "basis-of": self._basis,
            "terms-of": self._terms,
        }

    @contextmanager
    def client(self) -> Iterator[None]:
        """See the protocol."""
        with bound_to(self._tenant):
            yield

    def perform(self, it: Operation) -> object:
        """See the protocol. What lost its race over and over is asked again, as its caller is told to."""
        for _ in range(TRIES_MAX):
            try:
                return self._performing[it.kind](it)
            except (Stale, Behind):
                self.tried_again += 1
            except (Erased, NotFound):
                return GONE
        return self._performing[it.kind](it)

    def load(self, count: int, tell: Tell) -> None:
        """See the protocol: real appends, sealed, some fifty people in each."""
        with self.client():
            self._platform.tenancy.found_tenant("Benchmark", self._tenant)
            self._setting = set_up(self._platform, self._by)
            loading = Loading(self._engine, self._tenant, self._setting, self._keys)
            load_with(self.client, loading.put, count, tell)
            wait_until_followed(self._deployment, self._tenant)
            self._count = count
            self._size = self._platform.ledger.checkpoint(self._tenant, self._by).size

    # --- the operations ----------------------------------------------------------------------------------------------

    def _create(self, it: Operation) -> object:
        one = record(it.record)
        profile = Profile(*map(Personal, (one.name, one.email, one.phone, one.address)))
        day, at = divmod(it.record - self._count, SLOTS_A_DAY)
        start = self._place.start + timedelta(days=day, minutes=at * EVERY_MINUTES)
        visit = BookVisit(self._place.service, start, profile)
        made = self._platform.bookings.make(visit, self._by).state
        self._keys[it.record] = made.subject
        return self._say(made.subject, one.purpose, "given")

    def _data_by_key(self, it: Operation) -> object:
        return self._one(self._keys[it.record])

    def _data_by_usr(self, it: Operation) -> object:
        return self._one(self._found(it))

    def _one(self, someone: UUID) -> object:
        opened = self._open([someone], self._by)
        return opened[0] if opened else GONE

    def _data_by_pur(self, it: Operation) -> object:
        return self._agreed(it, it.purpose, replace(self._by, purpose=it.purpose))

    def _data_by_dec(self, it: Operation) -> object:
        return self._agreed(it, AUTOMATED, self._by)

    def _data_by_obj(self, it: Operation) -> object:
        people = [self._keys[one] for one in it.people]
        return _emails(self._open(people, replace(self._by, purpose=it.purpose)))

    def _agreed(self, it: Operation, purpose: str, by: Caller) -> object:
        return _emails(self._open(self._who_agreed(it, purpose), by))

    def _who_agreed(self, it: Operation, purpose: str) -> list[UUID]:
        states = self._platform.disclosure_answers.consents
        people = [self._keys[one] for one in it.people]
        found = {one: states.at(self._tenant, one, purpose) for one in people}
        return [one for one, state in found.items() if state is not None and state.valid]

    def _said(self, it: Operation) -> object:
        found = self._platform.consent_reads.of(ConsentsQuery(self._keys[it.record]), self._by)
        return {one.purpose: one.decision for one in found.states}

    def _shared(self, it: Operation) -> object:
        answers, someone = self._platform.disclosure_answers, self._found(it)
        found = answers.about(someone, "officer", Moment(), SHARES_MAX, None, self._by)
        told = [one.entry.row for one in found.part.rows if isinstance(one, Told)]
        return sorted((self._place.recipients.index(one.recipient), one.purpose) for one in told)

    def _given(self, it: Operation) -> object:
        """Every disclosure to a recipient, page by page, and of how many people they were."""
        answers, recipient = self._platform.disclosure_answers, self._place.recipients[it.recipient]
        people, after = 0, None
        while True:
            part = answers.to_recipient(recipient, Moment(), DISCLOSURES_A_PAGE, after, self._by)
            people += sum(one.entry.row.count for one in part.rows if isinstance(one, Told))
            if (after := part.next) is None:
                return people

    def _move(self, it: Operation) -> object:
        moved = Correction(address=Personal(it.address))
        command = CorrectPerson(self._keys[it.record], ("address",), moved)
        self._platform.people.correct(command, self._by)
        return DONE

    def _decide(self, it: Operation) -> object:
        return self._say(self._keys[it.record], AUTOMATED, it.decision)

    def _say_by_usr(self, it: Operation) -> object:
        return self._say(self._found(it), it.purpose, it.decision)

    def _rest(self, it: Operation) -> object:
        purpose, where = cast(PurposeCode, it.purpose), cast(Jurisdiction, it.jurisdiction)
        command = AssignBasis(purpose, where, cast(LawfulBasis, it.basis))
        self._platform.purposes.assign(command, self._by)
        return DONE

    def _contract(self, it: Operation) -> object:
        id = self._place.recipients[it.recipient]
        self._platform.recipients.revise(ReviseRecipient(id, contract_ref=it.reference), self._by)
        return DONE

    def _log(self, it: Operation) -> object:
        """A page of the ledger, and the proof that its first event is in what is signed."""
        ledger, page = self._platform.ledger, min(PAGE, self._size)
        first = int(it.at * (self._size - page))
        rows = ledger.events(EventsQuery(after=first - 1, limit=page), self._by)
        signed = ledger.checkpoint(self._tenant, self._by)
        proof = ledger.inclusion(first, signed.size, self._by)
        leaf = leaf_hash(rows[0].header)
        proved = verify_inclusion(leaf, first, signed.size, proof.hashes, signed.root)
        return proved and [one.position for one in rows] == list(range(first, first + page))

    def _delete_by_key(self, it: Operation) -> object:
        return self._erase(self._keys[it.record])

    def _delete_by_usr(self, it: Operation) -> object:
        return self._erase(self._found(it))

    def _delete_by_pur(self, it: Operation) -> object:
        for one in self._who_agreed(it, it.purpose):
            self._erase(one)
        return DONE

    def _erase(self, someone: UUID) -> object:
        """Durable on return, and opened no more from then on; the keys are destroyed within seconds."""
        self._platform.eraser.orders.order(self._by, Wish(someone, "request"))
        return DONE

    def _is_gone(self, it: Operation) -> object:
        """Nothing of the person opens; and where that is so, an erasure says why."""
        someone = self._keys[it.record]
        try:
            if self._open([someone], self._by):
                return False
        except Erased:
            pass
        return bool(read_custody(self._engine.store, self._tenant, someone).erasures)

    def _basis(self, it: Operation) -> object:
        purpose, where = cast(PurposeCode, it.purpose), cast(Jurisdiction, it.jurisdiction)
        now = self._platform.clock.now()
        return self._platform.purposes.basis(self._tenant, purpose, where, now)

    def _terms(self, it: Operation) -> object:
        id = self._place.recipients[it.recipient]
        return self._platform.recipients.show(id, self._by).terms.contract_ref

    # --- what they share ---------------------------------------------------------------------------------------------

    @property
    def _place(self) -> Setting:
        assert self._setting is not None, "what is asked is loaded first"
        return self._setting

    def _found(self, it: Operation) -> UUID:
        """Who has the address: looked up in the blind index, which is an access of its own."""
        found = self._platform.people.search("email", email_of(it.record), self._by).subjects
        if not found:
            raise NotFound()
        return found[0]

    def _open(self, people: Sequence[UUID], by: Caller) -> list[dict[str, str]]:
        """The profiles of those who may be seen, through the first door: one access, recorded before it is opened."""
        parts = [profile_sights(self._engine.store.read(self._tenant, one)) for one in people]
        sights = [sight for some in parts for sight, _ in some]
        opened = iter(self._platform.people.reveal.open(by, sights, PROFILE_FIELDS))
        found = []
        for some in parts:
            values = [next(opened) for _ in some]
            if all(one is not None for one in values):
                whole = profile_of([says for _, says in some], values)
                found.append({name: _text(value) for name, value in whole.items()})
        return found

    def _say(self, subject: UUID, purpose: str, decision: str) -> object:
        shown = self._place.policy if decision == "given" else None
        said = Say(subject, purpose, cast(Saying, decision), "explicit_click", shown)
        self._platform.consents.record(said, self._by)
        return DONE

    def sizes(self) -> list[tuple[str, int]]:
        """See the protocol."""
        return sizes(self._deployment)


def _text(value: object) -> str:
    assert isinstance(value, Personal), "a profile of the benchmark is whole"
    return value.open()


def _emails(people: Sequence[Mapping[str, str]]) -> list[str]:
    return sorted(one["email"] for one in people)
