"""Issuing a report: choose the moment, make the rows, render and sign them, record that it was taken; then hand it out.

A report rests on a checkpoint and says which: everything below it is in, nothing above it. Asked for again with the
same parameters, as of the same instant and position, it is the same bytes. What is withheld is not in it until its
date, whoever asks: a report is made to be handed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from application.answers.disclosure_answers import AUDITOR, OFFICERS, exists
from application.answers.disclosure_reads import MODEL, AsOf, Disclosures
from application.ledger.records import LedgerRecords
from application.ledger.witnessing import Witnessing
from application.permissions import require
from application.ports import Clock, EventStore, Positions
from application.recorded import Caller
from application.reports import (
    accounting_of_disclosures,
    article_15,
    ccpa_disclosures,
    request_metrics,
    ropa,
    shine_the_light,
    specific_third_parties,
)
from application.reports.report import (
    Asked,
    Cell,
    Kind,
    Parameter,
    Rendered,
    Report,
    ReportPress,
    Sources,
)
from application.requests.history import RequestHistory
from domain.errors import FieldError, NotFound, Unacceptable, UnknownReference
from domain.report import ReportFormat, ReportIssued, ReportName
from domain.values import instant_text, public_id

KINDS: Final[Mapping[ReportName, Kind]] = {
    one.name: one
    for one in (
        article_15.KIND,
        ccpa_disclosures.KIND,
        shine_the_light.KIND,
        accounting_of_disclosures.KIND,
        ropa.KIND,
        specific_third_parties.KIND,
        request_metrics.KIND,
    )
}


@dataclass(frozen=True, slots=True)
class Issued:
    """A report as it is handed out."""

    report: Report
    rendered: Rendered
    event: UUID


@dataclass(frozen=True, slots=True)
class Reports:
    """Official answers to whoever may ask for them."""

    disclosures: Disclosures
    positions: Positions
    store: EventStore
    press: ReportPress
    records: LedgerRecords
    witnessing: Witnessing
    clock: Clock
    history: RequestHistory

    def issue(self, name: ReportName, asked: Asked, format: ReportFormat, by: Caller) -> Issued:
        """A report. That it was taken is recorded, with its digest, before it is handed out.

        Refuses: NotPermitted, Unacceptable (a parameter it does not take, or needs; out of order; a date to come),
        Unwitnessed, NotFound (nothing is signed yet, no report was taken at that position, nobody of that id),
        UnknownReference (recipient), Behind, RangeTooLong, Unavailable.
        """
        require(by, *OFFICERS, AUDITOR)
        kind = KINDS[name]
        self._require_parameters(kind, asked)
        self.witnessing.require_witnessed(by.tenant)
        report = self._made(kind, asked, by.tenant)
        rendered = self.press.render(by.tenant, report, format)
        event = self.records.record_copy(by, _recorded(report, asked, rendered))
        return Issued(report, rendered, event.event_id)

    def _made(self, kind: Kind, asked: Asked, tenant: UUID) -> Report:
        checkpoint = self.press.checkpoint(tenant, asked.position)
        if checkpoint is None:
            raise NotFound("Nothing is signed yet, or no report was taken at that position")
        position = checkpoint.size - 1
        self.positions.wait(tenant, MODEL, position)
        now = self.clock.now()
        # A whole second, so that it can be asked for again. What was withheld until today is not any more today.
        at = asked.as_of or (now if asked.position is None else checkpoint.signed_at)
        at = at.replace(microsecond=0) if asked.as_of is None else at
        as_of = AsOf(now, at, position)
        self._require_known(tenant, asked, as_of)
        requests = partial(self.history.up_to, tenant, position, at)
        sources = Sources(self.disclosures, tenant, as_of, asked.subject, asked.recipient, requests)
        parameters = _parameters(asked)
        return Report(kind, parameters, at, position, checkpoint, kind.makes(asked, sources))

    def _require_known(self, tenant: UUID, asked: Asked, as_of: AsOf) -> None:
        if asked.subject is not None:
            told = self.disclosures.totals(tenant, asked.subject, "person", as_of)
            if not told.rows and not exists(self.store, tenant, asked.subject):
                raise NotFound("There is no such person here")
        if asked.recipient is None:
            return
        if self.disclosures.recipient(tenant, asked.recipient) is None:
            wrong = FieldError(
                "/recipient_id", UnknownReference.code, "There is no such recipient."
            )
            raise UnknownReference(errors=(wrong,))

    def _require_parameters(self, kind: Kind, asked: Asked) -> None:
        given: dict[Parameter, object] = {
            "subject_id": asked.subject,
            "recipient_id": asked.recipient,
            "from": asked.from_,
            "to": asked.to,
            "year": asked.year,
        }
        faults = [
            FieldError(f"/{name}", "not_wanted", "This report does not take it.")
            for name, value in given.items()
            if value is not None and name not in kind.takes
        ]
        faults += [
            FieldError(f"/{name}", "missing", "This report is about one person.")
            for name in sorted(kind.needs)
            if given[name] is None
        ]
        if asked.from_ is not None and asked.to is not None and asked.to <= asked.from_:
            faults.append(FieldError("/to", "out_of_order", "It is not after from."))
        if asked.as_of is not None and asked.as_of > self.clock.now():
            faults.append(FieldError("/as_of", "out_of_range", "That is still to come."))
        if faults:
            raise Unacceptable(errors=tuple(faults))


def _parameters(asked: Asked) -> dict[str, Cell]:
    """What was asked for, as texts; what was left open is left out."""
    given: dict[str, Cell] = {
        "subject_id": public_id("subject", asked.subject) if asked.subject else None,
        "recipient_id": public_id("recipient", asked.recipient) if asked.recipient else None,
        "from": _text(asked.from_),
        "to": _text(asked.to),
        "year": asked.year,
    }
    return {name: value for name, value in given.items() if value is not None}


def _text(at: datetime | None) -> str | None:
    return instant_text(at) if at else None


def _recorded(report: Report, asked: Asked, rendered: Rendered) -> ReportIssued:
    return ReportIssued(
        name=report.kind.name,
        subject=asked.subject,
        recipient=asked.recipient,
        from_=asked.from_,
        to=asked.to,
        year=asked.year,
        as_of=report.as_of,
        position=report.position,
        format=rendered.format,
        rows=len(report.rows),
        body_sha256=rendered.body_sha256,
    )
