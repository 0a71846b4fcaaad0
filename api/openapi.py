"""The description as a file: checked in as `docs/openapi.json`, and compared with what the routes say.

python -m api.openapi --write    write it
python -m api.openapi --check    exit 1 when the file is not what the routes say
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from api.composition import in_memory
from api.http.app import create_app
from api.http.description import text
from api.http.settings import ApiSettings

FILE: Final = Path(__file__).parent.parent / "docs" / "openapi.json"


def current() -> bytes:
    """What the routes of this source tree say."""
    app = create_app(in_memory(), ApiSettings())
    return text(app.openapi())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m api.openapi", description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true", help="write docs/openapi.json")
    choice.add_argument("--check", action="store_true", help="exit 1 when it is out of date")
    asked = parser.parse_args(arguments)
    described = current()
    if asked.write:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_bytes(described)
        return 0
    if not FILE.exists() or FILE.read_bytes() != described:
        print("docs/openapi.json is out of date: python -m api.openapi --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
