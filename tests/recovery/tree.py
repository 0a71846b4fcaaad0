"""A small `up` for tests: run the parts that a JSON file names, under the real supervisor.

    python tests/recovery/tree.py FOLDER '{"api": "print(1)"}' [--postgres] [--fail-to-prepare]

prints `ready` when all parts are, and ends with the supervisor's exit code. A part is Python code.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from api.process import parts as parts_module  # noqa: E402
from api.process.data_folder import DataFolder  # noqa: E402
from api.process.listening import listen  # noqa: E402
from api.process.parts import Part  # noqa: E402
from api.process.supervisor import supervise  # noqa: E402
from infrastructure.server.start_faults import StartFault  # noqa: E402

PRELUDE = (
    "import os, signal, socket, sys, threading\n"
    "from api.process.lifeline import say_ready, watch_supervisor\n"
)
parts_module._DELAYS_SECONDS = (0.0,) * 5  # type: ignore[misc]


def main(folder: Path, parts: dict[str, str], flags: list[str]) -> int:
    """Run the tree; give the exit code."""
    sock = listen("127.0.0.1", 0)

    def prepare(dsn: str) -> None:
        if "--fail-to-prepare" in flags:
            raise StartFault("the schema is not ours")
        (folder / "dsn").write_text(dsn)

    def wanted(dsn: str) -> list[Part]:
        number = sock.fileno()
        return [
            Part(
                name,
                (sys.executable, "-c", PRELUDE + code),
                {"PYTHONPATH": str(ROOT), "SOCKET": str(number), "DSN": dsn},
                passes=(number,),
                ready_seconds=0.05 if name == "late" else 30,
            )
            for name, code in parts.items()
        ]

    def announce() -> None:
        print(f"ready {sock.getsockname()[1]}", flush=True)

    try:
        with DataFolder(folder) as owned:
            url = None if "--postgres" in flags else "postgresql://somewhere.invalid/else"
            return supervise(wanted, owned, database_url=url, prepare=prepare, announce=announce)
    except StartFault as fault:
        print(fault, file=sys.stderr)
        return fault.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]))
