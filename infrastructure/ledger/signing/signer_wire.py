"""What goes over the signer's socket: messages of JSON, each after its length (u32, big-endian)."""

from __future__ import annotations

import socket
import struct
from typing import Any, Final

from infrastructure.canonical import b64, canonical, parsed, unb64
from infrastructure.ledger.signing.signer import Refused, Signed, SignRequest

MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
LENGTH: Final = struct.Struct(">I")


class WireBroken(OSError):
    """The other side hung up, or sent what is no message."""


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send one message. Raises OSError."""
    data = canonical(message)
    connection.sendall(LENGTH.pack(len(data)) + data)


def receive(connection: socket.socket) -> dict[str, Any]:
    """Receive one message. Raises OSError."""
    (length,) = LENGTH.unpack(_exactly(connection, LENGTH.size))
    if length > MESSAGE_BYTES_MAX:
        raise WireBroken("a message is too long")
    try:
        message = parsed(_exactly(connection, length))
    except ValueError:
        raise WireBroken("a message is not JSON") from None
    if not isinstance(message, dict):
        raise WireBroken("a message is an object")
    return message


def _exactly(connection: socket.socket, length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = connection.recv(min(length, 1 << 20))
        if not part:
            raise WireBroken("the other side hung up")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def request_message(request: SignRequest) -> list[object]:
    """A request as JSON."""
    proof = [b64(each) for each in request.proof]
    return [request.origin, request.old_size, request.size, b64(request.root), proof]


def parse_request(message: Any) -> SignRequest:
    """What `request_message` wrote. Raises ValueError, TypeError."""
    origin, old_size, size, root, proof = message
    if not isinstance(origin, str) or type(old_size) is not int or type(size) is not int:
        raise ValueError("not a request")
    return SignRequest(origin, old_size, size, unb64(root), tuple(unb64(each) for each in proof))


def answer_message(answer: Signed | Refused) -> list[object]:
    """An answer as JSON."""
    if isinstance(answer, Refused):
        return ["refused", answer.reason, answer.size]
    return ["signed", answer.size, b64(answer.root), answer.note]


def parse_answer(message: Any) -> Signed | Refused:
    """What `answer_message` wrote. Raises ValueError, TypeError."""
    if message[0] == "refused":
        _, reason, size = message
        return Refused(reason, size)
    _, size, root, note = message
    return Signed(size, unb64(root), note)
