"""Certificates of erasure."""

from __future__ import annotations

from typing import Final

from api.http import schemas_certificates as schemas
from api.http.call import Call
from api.http.contract import Routes
from api.http.fields import ErasureId
from application.recorded import Answer
from domain import errors
from domain.values import public_id

routes = Routes("Rights, retention, erasure")

OTHERS: Final = ("application/pdf", "application/zip")


@routes.add(
    "GET",
    "/v1/erasures/{id}/certificate",
    schemas.Certificate,
    errors.NotFound,
    errors.InvalidState,
    errors.Unwitnessed,
    errors.Stale,
    errors.Behind,
    errors.LedgerDamaged,
    errors.TooMany,
    headers=("Daybook-Certificate-Code",),
    also=OTHERS,
    long=True,
)
def take_certificate(call: Call, id: ErasureId, query: schemas.CertificateAsked) -> Answer:
    """Give the certificate of an erasure as it stands, signed, with its proof from the ledger.

    It names what was destroyed and how, what is kept under which exception until when, who was told and what they
    answered, and what remains. It is checked offline, by `daybook verify` or the verifier alone. One that says
    something new is a new certificate, and logged. The code that only the person is given comes once: in the JSON, or
    in the header `Daybook-Certificate-Code`. 409 `invalid_state` until older copies of the keys are dead.
    Roles: privacy_officer, owner, auditor.
    """
    made = call.platform.certificates.certificate(id, query.format, call.by)
    name = f"{public_id('certificate', made.id)}.{query.format}"
    headers = [
        ("content-type", made.media_type),
        ("cache-control", "private, no-store"),
        ("content-disposition", f'attachment; filename="{name}"'),
    ]
    if made.code is not None and query.format != "json":
        headers.append(("daybook-certificate-code", made.code))
    return Answer(200, tuple(headers), made.data)
