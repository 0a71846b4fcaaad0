"""Copies of the ledger to carry away: a zip that is verified without us."""

from __future__ import annotations

from typing import Final

from api.http import schemas_ledger as schemas
from api.http.call import Call
from api.http.contract import Routes
from api.http.file_answers import FileAnswer, file_answer
from domain import errors
from domain.values import public_id

routes = Routes("Ledger")

ZIP: Final = "application/zip"


@routes.add("GET", "/v1/ledger/export", ZIP, errors.NotFound, errors.LedgerDamaged, long=True)
def export_ledger(call: Call, query: schemas.ExportAsked) -> FileAnswer:
    """Give a copy of the ledger as a zip: the whole tree, and entries and sealed payloads of a range of positions.

    It is a C2SP tlog-tiles directory with payloads, listed and signed by its manifest; every 256 events that the range
    touches are whole. What is read is checked: bytes that are not those that were entered end it, and the position is
    named. That a copy was taken is recorded first. 503 with Retry-After while others are being made.
    Roles: auditor, owner, privacy_officer.
    """
    copy = call.platform.exports.take(query.from_, query.to, call.by)
    return file_answer(copy, ZIP, f"{public_id('tenant', call.by.tenant)}.ledger.zip")
