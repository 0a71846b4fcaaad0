"""How a delivery is signed, after the Standard Webhooks specification (version 1, symmetric).

Source: github.com/standard-webhooks/standard-webhooks, "Verifying webhook authenticity".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from domain.values import epoch_seconds


def signed_headers(id: str, at: datetime, body: bytes, secret: bytes) -> dict[str, str]:
    """The three headers of one attempt: the constant id, the instant (epoch seconds), the signature of both and `body`.

    >>> from datetime import UTC
    >>> at = datetime(2027, 3, 14, tzinfo=UTC)
    >>> signed_headers("dis_1", at, b"{}", b"secret")["webhook-id"]
    'dis_1'
    """
    timestamp = str(epoch_seconds(at))
    signed = hmac.new(secret, f"{id}.{timestamp}.".encode("ascii") + body, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(signed).decode("ascii"),
    }
