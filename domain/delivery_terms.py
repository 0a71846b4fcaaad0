"""How a recipient gets what it is given: in the answer to the call, or by a signed POST to an address of its own.

*Not here*: which addresses may be connected to (that is known only when a name is resolved).
*Source*: the Standard Webhooks specification (secrets, signatures); RFC 8032 for what a recipient signs.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from domain import fields
from domain.fields import Faults
from domain.sealing import Plain
from domain.values import Personal

URL_CHARACTERS_MAX: Final = 500
SECRET_PREFIX: Final = "whsec_"
SECRET_BYTES: Final = range(24, 65)
PUBLIC_KEY_BYTES: Final = 32
_URL: Final = re.compile(
    r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?(?:/[\x21-\x7e]*)?"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How it gets what it is given: in the answer to the call (`response`), or by a signed POST to `url` (`https`).

    `public_key` is the recipient's Ed25519 key (base64), with which it signs what it acknowledges, where it can.
    """

    kind: Literal["response", "https"] = "response"
    url: Annotated[str, Plain("an address of the recipient's machine")] | None = None
    public_key: Annotated[str, Plain("the recipient's public key, base64")] | None = None


RESPONSE: Final = Delivery()


@dataclass(frozen=True, slots=True)
class DeliverySecret:
    """The shared secret that signs deliveries (Standard Webhooks), as its holder writes it."""

    secret: Personal


def secret_bytes(secret: str) -> bytes | None:
    """The key behind a secret as Standard Webhooks writes it; None when it is none.

    >>> secret_bytes("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz")
    b'012345678901234567890123'
    >>> secret_bytes("whsec_c2hvcnQ=") is None
    True
    """
    found = _decoded(secret.removeprefix(SECRET_PREFIX))
    return found if found is not None and len(found) in SECRET_BYTES else None


def public_key_bytes(text: str) -> bytes | None:
    """The Ed25519 public key behind its base64; None when it is none."""
    found = _decoded(text)
    return found if found is not None and len(found) == PUBLIC_KEY_BYTES else None


def delivery_faults(delivery: Delivery) -> Faults:
    """What is wrong with a delivery."""
    found = fields.FINE
    if delivery.public_key is not None and public_key_bytes(delivery.public_key) is None:
        words = "It is no Ed25519 public key: 32 bytes in base64."
        found += fields.fault("/delivery/public_key", "malformed", words)
    if delivery.kind == "response":
        if delivery.url is not None:
            words = "A response goes to no address."
            found += fields.fault("/delivery/url", "not_wanted", words)
        return found
    if delivery.url is None:
        return found + fields.fault("/delivery/url", "missing", "Say where to deliver.")
    if len(delivery.url) > URL_CHARACTERS_MAX or not _URL.fullmatch(delivery.url):
        words = "It is an http(s) address without a user, of at most 500 characters."
        found += fields.fault("/delivery/url", "malformed", words)
    return found


def secret_faults(delivery: Delivery, secret: DeliverySecret | None) -> Faults:
    """What is wrong with a secret: a delivery over https has one, a response none."""
    if secret is None:
        if delivery.kind == "response":
            return fields.FINE
        words = "Deliveries are signed with a secret."
        return fields.fault("/delivery/secret", "missing", words)
    if delivery.kind == "response":
        return fields.fault("/delivery/secret", "not_wanted", "A response is not signed.")
    if secret_bytes(secret.secret.open()) is None:
        words = "It is 24 to 64 bytes in base64, after whsec_."
        return fields.fault("/delivery/secret", "malformed", words)
    return fields.FINE


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return None
