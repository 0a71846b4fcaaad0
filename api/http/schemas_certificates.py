"""The certificate of an erasure, as it is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.http.schemas_common import Input, Output


class CertificateAsked(Input):
    """In which form."""

    format: Annotated[
        Literal["json", "pdf", "zip"],
        Field(
            description="`json`: to read, with its proof; `zip`: the proof alone; `pdf`: to print."
        ),
    ] = "json"


class Certificate(Output):
    """What was destroyed, how, what is kept and why, who was told, what remains; and the proof of it.

    The offline verifier takes this answer as it is.
    """

    certificate: Annotated[
        dict[str, Any], Field(description='docs/ledger.md, "Certificates", says what is in it.')
    ]
    code: Annotated[
        str | None,
        Field(
            description="Give it to the person alone: its SHA-256 is in the certificate. Told once, null afterwards."
        ),
    ]
    proof: Annotated[str, Field(description="The bundle that proves it: a zip, in base64.")]
