"""Hear every connection that a deployment's processes open, and every name they look up.

A hook (`sys.addaudithook`, PEP 578) is put into each process before anything else runs, by a `sitecustomize` on its
path. It writes a line for each `socket.connect`, `socket.getaddrinfo`, `socket.sendto` and `subprocess.Popen`, with the
files of ours that led to it. What libraries in C do by themselves is not heard: that is libpq, to PostgreSQL.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HOOK = """
import json, os, sys

HEARD = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg", "subprocess.Popen")
ROOT = os.getcwd() + os.sep
LOG = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def hear(event, arguments):
    if event not in HEARD:
        return
    frame, files = sys._getframe(1), []
    while frame is not None:
        name = frame.f_code.co_filename
        files.append(name[len(ROOT):] if name.startswith(ROOT) else "")
        frame = frame.f_back
    where = arguments[0] if event == "subprocess.Popen" else arguments[1]
    if event == "socket.getaddrinfo":
        where = arguments[0]
    heard = {{"event": event, "where": repr(where), "by": [one for one in files if one], "argv": sys.argv[1:3]}}
    os.write(LOG, json.dumps(heard).encode() + b"\\n")


sys.addaudithook(hear)
{planted}
"""

# A third door, planted: each API process phones home, without any ticket.
PLANTED = """
def phone_home():
    import socket, time
    time.sleep(1)
    if "serve" in sys.orig_argv:
        socket.create_connection(("127.0.0.1", {port})).close()

def plan():
    import threading
    threading.Thread(target=phone_home, daemon=True).start()

os.register_at_fork(after_in_child=plan)
if "serve" in sys.orig_argv:
    plan()
"""


@dataclass(frozen=True)
class Heard:
    """Something that a process did: to which address, and by which of our files, innermost first."""

    event: str
    where: str
    by: tuple[str, ...]


@dataclass(frozen=True)
class Ear:
    """A hook for processes to come: put `folder` on their PYTHONPATH."""

    folder: Path

    @classmethod
    def in_folder(cls, folder: Path, *, planted_to: int | None = None) -> Ear:
        """Make it; with `planted_to` API processes open a third door to that port."""
        folder.mkdir()
        planted = "" if planted_to is None else PLANTED.format(port=planted_to)
        text = HOOK.format(log=str(folder / "heard"), planted=planted)
        (folder / "sitecustomize.py").write_text(text)
        return cls(folder)

    def heard(self) -> list[Heard]:
        """Everything so far."""
        lines = (self.folder / "heard").read_text().splitlines()
        found = [json.loads(line) for line in lines]
        return [Heard(one["event"], one["where"], tuple(one["by"])) for one in found]


SENDER = "infrastructure/delivery/https_sender.py"
RESOLVER = "infrastructure/delivery/addresses.py"
OWN_API = "api/process/up.py"
FORKING = "api/process/forking.py"
SIGNER = "infrastructure/ledger/signing/signer_socket.py"
STARTS = (
    "api/process/parts.py",
    "api/process/up.py",
    FORKING,
    "infrastructure/server/",
    "infrastructure/deployment.py",
)


def is_delivery(heard: Heard) -> bool:
    """True for a connection of the sender's."""
    return heard.event == "socket.connect" and SENDER in heard.by


def third_doors(everything: Sequence[Heard], socket_file: str, own_port: int) -> list[Heard]:
    """What is neither a delivery, nor the signer, nor our own API asked whether it is there, nor a program of ours."""
    return [one for one in everything if not _is_known(one, socket_file, own_port)]


def _is_known(heard: Heard, socket_file: str, own_port: int) -> bool:
    match heard.event:
        case "socket.connect":
            if heard.where == repr(socket_file):
                return SIGNER in heard.by
            own = heard.where == repr(("127.0.0.1", own_port))
            return is_delivery(heard) or (own and OWN_API in heard.by)
        case "socket.getaddrinfo":
            return bool(heard.by) and heard.by[0] in (RESOLVER, OWN_API)
        case "subprocess.Popen":
            return any(one.startswith(STARTS) for one in heard.by)
        case (
            "socket.sendmsg"
        ):  # to the process that is forked: a pair of sockets, without an address
            return heard.where == "None" and heard.by[:1] == (FORKING,)
        case _:
            return False
