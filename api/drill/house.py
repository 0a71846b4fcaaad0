"""A deployment of the drill's own: `daybook up` in a temporary folder, and what is done to it from outside."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from infrastructure.deployment import Deployment
from infrastructure.server.local_postgres import LocalPostgres
from infrastructure.server.processes import die_with_parent, wait_until
from infrastructure.settings import Settings

READY_SECONDS_MAX: Final = 120.0
STOP_SECONDS_MAX: Final = 60.0
ASK_SECONDS_MAX: Final = 60.0
UP: Final = (sys.executable, "-m", "api.cli", "up", "--port", "0", "--ready-json")
Json = dict[str, Any]


class DrillBroken(Exception):
    """The drill itself could not go on; the message says where."""


@dataclass
class House:
    """One deployment in `data`. Its `up` hears nothing of the settings around us: it is nobody's but the drill's."""

    data: Path
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    process: subprocess.Popen[str] | None = None
    client: httpx2.Client | None = None

    @property
    def settings(self) -> Settings:
        """As `up` reads them."""
        return Settings(self.data)

    @property
    def deployment(self) -> Deployment:
        """Its databases and roles, while it runs."""
        return Deployment.locate(self.settings)

    @property
    def server(self) -> str:
        """The superuser's connection string."""
        return LocalPostgres(self.data).dsn()

    @property
    def errors(self) -> Path:
        """Where `up` says what is wrong."""
        return self.data.with_suffix(".stderr")

    def start(self) -> None:
        """Start, and wait until it is ready. Raises DrillBroken."""
        if (line := self._up()) is None:
            raise DrillBroken(f"daybook up did not come up: {self.fault()}")
        url = json.loads(line)["url"]
        self.client = httpx2.Client(base_url=url, timeout=ASK_SECONDS_MAX, trust_env=False)

    def is_refused(self) -> bool:
        """Start where a start is to be refused; True when it was, and nothing runs then."""
        if self._up() is None:
            return True
        self.stop()
        return False

    def fault(self) -> str:
        """The last line that `up` said."""
        lines = self.errors.read_text(encoding="utf-8").splitlines() or [""]
        return lines[-1].removeprefix("daybook: ")

    def stop(self) -> None:
        """Stop it as a user does."""
        if self.client is not None:
            self.client.close()
            self.client = None
        if self.process is not None:
            process, self.process = self.process, None
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS_MAX)
            if process.stdout is not None:
                process.stdout.close()

    def verb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a verb of the command line; how it ended."""
        command = [sys.executable, "-m", "api.cli", *arguments]
        if arguments[0] != "verify":
            command += ["--data", str(self.data)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment()
        )

    def ask(
        self,
        role: str,
        method: str,
        path: str,
        body: object = None,
        query: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """One call with the key of a role; asked again for a while where the answer is that it is too early."""
        assert self.client is not None
        named = {**(headers or {}), "Authorization": f"Bearer {self.keys[role]}"}
        client, found = self.client, list[httpx2.Response]()

        def answered() -> bool:
            found.append(client.request(method, path, json=body, params=query, headers=named))
            return found[-1].status_code != httpx2.codes.SERVICE_UNAVAILABLE

        wait_until(answered, ASK_SECONDS_MAX)
        return found[-1]

    def made(
        self, role: str, method: str, path: str, body: object = None, query: Json | None = None
    ) -> Json:
        """What a call gives that must succeed. Raises DrillBroken."""
        answer = self.ask(role, method, path, body, query)
        if not answer.is_success:
            raise DrillBroken(f"{method} {path} answered {answer.status_code}: {answer.text[:200]}")
        found: Json = answer.json()
        return found

    def _up(self) -> str | None:
        """Start `up`; its ready line, None when it ended instead."""
        with self.errors.open("a", encoding="utf-8") as said:
            process = subprocess.Popen(
                [*UP, "--data", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env=environment() | {"DAYBOOK_API_PROCESSES": "1"},
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        assert process.stdout is not None
        heard, _, _ = select.select([process.stdout], [], [], READY_SECONDS_MAX)
        line = process.stdout.readline() if heard else ""
        if line:
            self.process = process
            return line
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS_MAX)
        process.stdout.close()
        return None


def environment() -> dict[str, str]:
    """Ours, without what would have it use another database, or other folders."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("DAYBOOK_")}
    kept.pop("DATABASE_URL", None)
    return kept
