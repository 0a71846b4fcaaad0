"""No third door, as the code is written: who makes tickets, and who may reach the network. README D6.

Who opens is in `tests/test_doors.py`; what really leaves is heard in `tests/recovery/test_no_third_door.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("domain", "application", "infrastructure", "projections", "api", "verifier")

# Whatever can open a connection, or start a program that could.
NETWORK = (
    "socket",
    "ssl",
    "socketserver",
    "http.client",
    "urllib.request",
    "httpx2",
    "httpx",
    "requests",
    "aiohttp",
    "urllib3",
    "smtplib",
    "ftplib",
    "imaplib",
    "poplib",
    "xmlrpc",
    "multiprocessing",
    "subprocess",
)
REACHES = {
    # Deliveries: with a ticket, and nothing else makes one.
    "infrastructure/delivery/https_sender.py": "sends what a ticket was made for",
    "infrastructure/delivery/addresses.py": "resolves the recipient's name, once",
    # On this machine.
    "infrastructure/ledger/signing/signer_socket.py": "a socket file: roots to be signed, signatures",
    "infrastructure/ledger/signing/signer_wire.py": "the frames on that socket",
    "infrastructure/server/local_postgres.py": "a free port for the embedded server",
    "infrastructure/server/processes.py": "starts and ends the embedded server",
    "infrastructure/server/postgres_account.py": "runs it under an account without rights",
    "infrastructure/server/postgres_binaries.py": "finds the embedded server's programs",
    "infrastructure/reports/as_pdf.py": "sets pages in a child process, which has their rows alone",
    "api/process/accepting.py": "takes calls off the socket that they come in by",
    "api/process/serving.py": "takes over the socket that calls come in by",
    "api/process/listening.py": "opens the socket that calls come in by",
    "api/process/up.py": "asks our own API whether it is there",
    "api/process/parts.py": "starts the parts of the process tree",
    "api/process/forking.py": "starts the process that parts are forked from, and asks it, over a pair of sockets",
    "api/process/fork_server.py": "is asked, over its end of that pair",
    # Heads of ledgers, which are made to be shown; no event, no payload.
    "infrastructure/ledger/witnesses/witness_client.py": "asks witnesses to cosign a checkpoint",
    "api/process/rebuilding.py": "starts its own parts, each a process of ours",
    "projections/engine/fingerprint.py": "reads the source of modules of ours, by name",
    # A client of our own API, run by whoever types the command.
    "api/tour/walking.py": "the tour calls the API as a customer does",
    "api/tour/talking.py": "the tour calls the API as a customer does",
    "api/drill/house.py": "the drill calls the API of the deployment that it has started for itself",
    "api/drill/proofs.py": "knows the statuses of its answers by their names",
    "infrastructure/drill/canary.py": "runs pg_dump, whose output it looks through",
}
TICKETS = {
    "application/disclosing/tickets.py": "says what a ticket is",
    "application/disclosing/conditions.py": "senders take tickets",
    "application/disclosing/parcels.py": "asks the office for one, for the second door",
    "application/disclosing/forged_tickets.py": "records forged ones",
    "infrastructure/delivery/https_sender.py": "redeems them",
    "api/assembly.py": "makes the one office",
    "api/adapters.py": "says that what sends is made for an office",
    "api/composition.py": "makes a sender for it",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every file of ours, by its path."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def imported(tree: ast.Module) -> Iterator[str]:
    """What a file imports, wherever in it: modules, and names of modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reaches_network(tree: ast.Module) -> bool:
    """True when a file imports something that can open a connection; `__import__` and the like count as well."""
    called = {
        node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    if called & {"__import__", "import_module", "open_connection", "create_connection"}:
        return True
    return any(
        name == one or name.startswith(f"{one}.") for name in imported(tree) for one in NETWORK
    )


def names(tree: ast.Module, *wanted: str) -> bool:
    """True when one of the names is imported or defined there."""
    found = {name.rpartition(".")[2] for name in imported(tree)}
    found |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    return bool(found & set(wanted))


def test_only_these_can_reach_the_network():
    assert {path for path, tree in modules() if reaches_network(tree)} == set(REACHES)


def test_only_these_know_tickets():
    known = {
        path
        for path, tree in modules()
        if names(tree, "DisclosureTicket", "TicketOffice", "Parcel")
    }
    assert known == set(TICKETS)


def test_tickets_are_issued_in_one_place():
    issuing = {
        path
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "issue" and "office" in ast.dump(node)
    }
    assert issuing == {"application/disclosing/parcels.py"}


@pytest.mark.parametrize(
    "planted",
    [
        "import socket",
        "from http import client\nimport http.client",
        "def f():\n    import urllib.request as u",
        "from httpx2 import Client",
        "import asyncio\nasync def f():\n    await asyncio.open_connection('a', 1)",
        "__import__('socket')",
        "from importlib import import_module\nimport_module('ssl')",
        "import subprocess",
    ],
)
def test_a_third_door_would_be_seen(planted: str):
    assert reaches_network(ast.parse(planted))


def test_another_hand_on_tickets_would_be_seen():
    planted = "from application.disclosing.tickets import Parcel, TicketOffice"
    assert names(ast.parse(planted), "TicketOffice")
    assert not names(
        ast.parse("from application.disclosing.conditions import Sent"), "TicketOffice"
    )
