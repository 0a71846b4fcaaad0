"""The two doors are the only ones: nothing else opens a key. README D6.

Who may is a list with reasons. A call that is not in it fails here, wherever in the house it is planted.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("domain", "application", "infrastructure", "projections", "api", "tools")

# What may be handed an `Opener`: the first door; the second, with what it opens of a person and the secret it signs by.
DOORS = {
    "application/access/reveal.py": {"Reveal"},
    "application/disclosing/disclose.py": {"Disclose"},
    "application/disclosing/values.py": {"open_values", "_profile", "_of_bookings"},
    "application/disclosing/parcels.py": {"Parcels"},
}
# Who opens, or hands over what opens, and why.
OPENING = {
    "infrastructure/keys/key_vault.py": "the vault: it finds the key and opens with it",
    "application/access/reveal.py": "the first door",
    "application/disclosing/disclose.py": "the second door",
    "application/disclosing/values.py": "what the second door opens of a person, for one sending",
    "application/disclosing/parcels.py": "opens the recipient's secret, which signs what the second door sends",
    "api/adapters.py": "names it among what the platform needs",
    "api/assembly.py": "hands it to the doors",
    "api/composition.py": "hands the vault to the assembly",
    "infrastructure/twin/memory.py": "names the vault of the twin for the composition",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every file of the house, parsed."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def takers(tree: ast.Module) -> set[str]:
    """What takes an `Opener`: classes with such a field, functions with such an argument."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = (one.annotation for one in node.body if isinstance(one, ast.AnnAssign))
            if any(_names_opener(annotation) for annotation in fields):
                found.add(node.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            if any(one.annotation and _names_opener(one.annotation) for one in given):
                found.add(node.name)
    return found


def _names_opener(annotation: ast.expr) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in ("Opener", "PostgresKeyVault", "MemoryVault"))
        or (isinstance(node, ast.Constant) and node.value == "Opener")
        for node in ast.walk(annotation)
    )


def openings(tree: ast.Module) -> list[int]:
    """The lines where an envelope is opened: `open_envelope(...)`, `<...>.opener`, `<vault>.open(...)`."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in ("open_envelope", "opener"):
                found.append(node.lineno)
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            if names & {"open_envelope", "Opener"}:
                found.append(node.lineno)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = ast.unparse(node.func.value).lower()
            if node.func.attr == "open" and ("vault" in of or "opener" in of):
                found.append(node.lineno)
    return found


def test_only_the_doors_are_handed_an_opener() -> None:
    found = {
        name: taking
        for name, tree in sources()
        if name.startswith("application/") and (taking := takers(tree))
    }
    assert found == DOORS


def test_the_composition_hands_it_to_the_doors_and_to_nothing_else() -> None:
    """`ports.opener` is used inside the calls that make the doors."""
    wiring = [ROOT / "api" / name for name in ("composition.py", "assembly.py")]
    handed = {
        ast.unparse(call.func)
        for path in wiring
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        for given in (*call.args, *(keyword.value for keyword in call.keywords))
        if ast.unparse(given) in ("ports.opener", "engine.vault", "world.opener", "world.vault")
    }
    assert handed == {"Reveal", "Disclose", "Parcels", "_everywhere()", "_read_models(engine)"}


def test_nothing_else_opens_an_envelope() -> None:
    found = {name for name, tree in sources() if openings(tree)}
    assert found == set(OPENING)


PLANTED = {
    "a call": "from infrastructure.keys.sealer import open_envelope\nopen_envelope(a, b)\n",
    "by its module": "from infrastructure.keys import sealer\nsealer.open_envelope(a, b)\n",
    "by the vault": "engine.vault.open(tenant, [envelope])\n",
    "by a port": "def f(ports):\n    return ports.opener\n",
}


@pytest.mark.parametrize("text", PLANTED.values(), ids=PLANTED)
def test_a_planted_opening_would_be_seen(text: str) -> None:
    assert openings(ast.parse(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "class Curious:\n    opener: Opener\n",
        "def peep(opener: Opener | None) -> None: ...\n",
        "class Curious:\n    vault: 'Opener'\n",
    ],
)
def test_a_planted_taker_would_be_seen(text: str) -> None:
    assert len(takers(ast.parse(text))) == 1
