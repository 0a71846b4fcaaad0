"""docs/api-extensions.md lists the calls that are not in the contract, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
METHODS = ("get", "post", "put", "patch", "delete")


def described() -> set[str]:
    """Every call that the API describes."""
    paths = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
    return {
        f"{name.upper()} {path}" for path, one in paths.items() for name in one if name in METHODS
    }


def contract() -> set[str]:
    """Every call of the contract that is built."""
    return set((ROOT / "tests/data/contract_routes.txt").read_text().split("\n")) - {""}


def test_every_call_of_the_contract_is_there() -> None:
    assert contract() <= described()


def test_what_came_on_top_is_listed() -> None:
    text = (ROOT / "docs/api-extensions.md").read_text()
    listed = re.findall(r"^\| `([A-Z]+ /[^`]*)` \| .+ \|$", text, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == described() - contract()
