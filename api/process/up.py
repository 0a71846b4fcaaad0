"""`daybook up`: what its process tree is made of, and what it says when all is ready."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from socket import create_connection
from typing import Any, Final, TextIO

from api.process.data_folder import DataFolder
from api.process.forking import Child, ForkServer
from api.process.listening import listen
from api.process.parts import Part
from api.process.supervisor import supervise
from infrastructure.server.local_postgres import HOST, free_port, last_port
from infrastructure.server.start_faults import ServerFailed
from infrastructure.settings import DEFAULT_DATA, Settings

DEMO_KEYS: Final = "demo-keys.json"
DEMO_VKEY: Final = "demo-log.vkey"
URL_FILE: Final = Path("run", "url")  # where a verb finds the API of the `up` that runs
LOOK_SECONDS: Final = 10.0
OURS: Final = "daybook: "  # how a line for people begins
BEHIND_THE_API: Final = ("signer", "sequencer", "publisher", "cartographer", "worker")


def run_up(
    settings: Settings, *, port: int, demo: bool, ready_json: bool, with_replica: bool = False
) -> int:
    """Run everything in the data folder until told to stop; the exit code.

    The port is bound first, so that it is known, and ours, before anything is started.
    """
    with (
        DataFolder(settings.data) as folder,
        ForkServer().running(folder.log("fork-server")) as fork_server,
    ):
        socket = listen(settings.host, port)
        url = f"http://{settings.host}:{socket.getsockname()[1]}"
        url_file = settings.data / URL_FILE

        def parts(_dsn: str) -> Sequence[Part]:
            return all_parts(settings, socket.fileno(), with_replica=with_replica)

        def prepare(_dsn: str) -> None:
            run_verb(settings, "migrate", fork_server=fork_server)
            run_verb(settings, "guard", fork_server=fork_server)

        def announce() -> None:
            if demo:
                have_demo(settings, url)
            url_file.write_text(f"{url}\n")
            say_ready(url, settings, demo=demo, ready_json=ready_json)

        try:
            with socket:
                return supervise(
                    parts,
                    folder,
                    database_url=settings.database_url,
                    prepare=prepare,
                    announce=announce,
                    fork_server=fork_server,
                )
        finally:
            url_file.unlink(missing_ok=True)


def all_parts(settings: Settings, listening: int, *, with_replica: bool = False) -> list[Part]:
    """The parts, in the order in which they start."""
    data = ("--data", str(settings.data))
    behind = [*BEHIND_THE_API, *(["cosigner"] if settings.witness_policy else [])]
    found = [part(name, "work", "--part", name, *data) for name in behind]
    reading: dict[str, str] = {}
    if with_replica:
        replica_port = last_port(settings.replica) or free_port()
        found.append(part("replica", "replica", "--part", "--port", str(replica_port), *data))
        reading = {"DAYBOOK_READ_URL": f"postgresql://{HOST}:{replica_port}"}
    for number in range(1, settings.api_processes + 1):
        serve = ("serve", "--fd", str(listening), *data)
        found.append(part(f"api-{number}", *serve, passes=(listening,), environment=reading))
    return found


def part(
    name: str,
    *arguments: str,
    passes: tuple[int, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> Part:
    """A part that is a verb of this program."""
    return Part(name, verb(*arguments), environment or {}, passes, arguments=arguments)


def verb(*arguments: str) -> tuple[str, ...]:
    """A verb of this program, as a command."""
    return (sys.executable, "-m", "api.cli", *arguments)


def run_verb(settings: Settings, name: str, *, fork_server: ForkServer | None = None) -> None:
    """Run a verb to its end, in a process of its own: what it imports goes with it.

    What it says of its progress is passed on. Refuses: ServerFailed, with the verb's last line.
    """
    running, said = begin_verb((name, "--data", str(settings.data)), fork_server)
    last = ""
    with said:
        try:
            for line in filter(str.strip, said):
                if last.startswith(OURS):
                    print(last, end="", file=sys.stderr, flush=True)
                last = line
        except BaseException:
            running.kill()  # whatever a verb does can be killed at any moment
            raise
        finally:
            code = running.wait()
    if code:
        raise ServerFailed(f"{name}: {last.strip().removeprefix(OURS) or 'no reason given'}")
    if last.startswith(OURS):
        print(last, end="", file=sys.stderr, flush=True)


def begin_verb(arguments: tuple[str, ...], fork_server: ForkServer | None) -> tuple[Child, TextIO]:
    """Begin a verb; the child, and what it says on standard error."""
    reader, writer = os.pipe()
    said = os.fdopen(reader, encoding="utf-8", errors="replace")
    try:
        running: Child | None = None
        with open(os.devnull, "wb") as nowhere:
            if fork_server is not None:
                files = {1: nowhere.fileno(), 2: writer}
                running = fork_server.fork(arguments[0], arguments, {}, files)
            if running is None:
                running = subprocess.Popen(
                    verb(*arguments), stdin=subprocess.DEVNULL, stdout=nowhere, stderr=writer
                )
    except BaseException:
        said.close()
        raise
    finally:
        os.close(writer)
    return running, said


def have_demo(settings: Settings, url: str) -> None:
    """Have the demo franchise loaded, and its keys good here.

    Refuses: ServerFailed (it cannot be loaded, or was loaded into another database).
    """
    path = settings.keys / DEMO_KEYS
    if path.exists() and not is_known(url, read_demo(settings.keys)):
        raise ServerFailed(f"{path} belongs to another database; move it away to load the demo")
    if not path.exists():
        print("daybook: loading the demo franchise, this once", file=sys.stderr, flush=True)
    if not path.exists() or not (settings.keys / DEMO_VKEY).exists():
        run_verb(settings, "demo")


def is_known(url: str, demo: Mapping[str, Any]) -> bool:
    """True unless the API does not know the demo's key."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    lines = (
        "GET /v1/locations?limit=1 HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {demo['keys']['owner']}",
        "Connection: close",
    )
    # Asked in plain words: this process lives for weeks, and a client library would stay in it.
    with create_connection((host, int(port)), timeout=LOOK_SECONDS) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        with connection.makefile("rb") as answer:
            return b" 401 " not in answer.readline()


def say_ready(url: str, settings: Settings, *, demo: bool, ready_json: bool) -> None:
    """Tell a program in one line of JSON, or a person where to go."""
    shown = read_demo(settings.keys) if demo else {}
    if ready_json:
        print(json.dumps({"url": url, **shown}), flush=True)
        return
    lines = [
        "",
        f"  Daybook is ready at {url}",
        "",
        f"  Reference    {url}/docs",
        f"  Health       {url}/readyz",
    ]
    if demo:
        lines += [
            f"  Demo keys    {settings.keys / DEMO_KEYS}",
            f"  Tour         {tour_words(settings.data)}",
        ]
    print("\n".join([*lines, "", "  Ctrl-C stops everything.", ""]), flush=True)


def tour_words(data: Path) -> str:
    """What to type for the tour, by the name that we were called by."""
    called = sys.argv[0] if Path(sys.argv[0]).name == "daybook" else "daybook"
    return f"{called} tour" + ("" if data == DEFAULT_DATA.resolve() else f" --data {data}")


def read_demo(keys: Path) -> dict[str, Any]:
    """The demo's tenant, the key of its log, and its API keys."""
    found = json.loads((keys / DEMO_KEYS).read_text(encoding="utf-8"))
    log = keys / DEMO_VKEY
    vkey = {"log_vkey": log.read_text(encoding="utf-8").strip()} if log.exists() else {}
    return {"tenant": found["tenant"], **vkey, "keys": found["keys"]}
