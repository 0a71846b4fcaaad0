"""Reports: official answers as JSON, CSV, PDF and JSON-LD, signed by the ledger's key."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from api.http import schemas_answers as schemas
from api.http.call import Call
from api.http.contract import Routes
from api.http.fields import ReportPath
from application.recorded import Answer
from application.reports.report import Asked
from domain import errors

routes = Routes("Answers")

OTHERS: Final = ("text/csv", "application/pdf", "application/ld+json")


@routes.add(
    "GET",
    "/v1/reports/{name}",
    schemas.Report,
    errors.Unwitnessed,
    errors.UnknownReference,
    errors.Behind,
    errors.RangeTooLong,
    headers=("Daybook-Position", "Daybook-Signature"),
    also=OTHERS,
    long=True,
)
def take_report(call: Call, name: ReportPath, query: schemas.ReportAsked) -> Answer:
    """Give an official answer, signed, complete up to a checkpoint; the same bytes for the same position.

    `article-15` and `accounting-of-disclosures` are about one person (`subject_id`); `ccpa-disclosures`,
    `specific-third-parties` and `shine-the-light` about one or about all; `ropa` and `request-metrics` are of the
    business. All but the last take `recipient_id`; all take `from` and `to`, except `shine-the-light`, which takes
    `year`. A list without rows is an
    answer, and signed. What is withheld is left out until its date. That it was taken is recorded first.
    Roles: privacy_officer, owner, auditor.
    """
    asked = Asked(
        subject=query.subject_id,
        recipient=query.recipient_id,
        from_=query.from_,
        to=query.to,
        year=query.year,
        as_of=query.as_of,
        position=query.position,
    )
    issued = call.platform.reports.issue(name, asked, query.format, call.by)
    made = issued.rendered
    headers = [
        ("content-type", made.media_type),
        ("daybook-position", str(issued.report.position)),
        ("daybook-signature", b64encode(made.signature.encode()).decode("ascii")),
        ("cache-control", "private, no-store"),
    ]
    if query.format != "json":
        headers.append(("content-disposition", f'attachment; filename="{name}.{query.format}"'))
    return Answer(200, tuple(headers), made.body)
