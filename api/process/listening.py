"""Bind the port that the API listens on, before any part runs.

The supervisor binds, the API's processes inherit the socket by its number. So the port is known
before anybody says ready, stays ours while a part restarts, and is shared by several processes.
"""

from __future__ import annotations

import errno
import socket

from infrastructure.server.start_faults import PortInUse, StartFault

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. `sock.getsockname()[1]` is the port.

    Refuses: PortInUse; StartFault when the address is not ours or the port is a privileged one.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as problem:
        sock.close()
        if problem.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"port {port} is in use; choose another with --port, or a free one with --port 0"
            ) from None
        if problem.errno in {errno.EACCES, errno.EPERM}:
            raise StartFault(f"port {port} needs privileges we do not have") from None
        raise StartFault(f"cannot listen on {host}, port {port}") from None
    return sock
