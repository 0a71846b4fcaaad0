"""Habits that neither types nor imports can see, checked in the source itself.

A line that has a reason to be different says so: `# tidy: allow <rule> - <reason>`, at its end or
on the line above. For a function it stands at its `def`, for a file in its first ten lines.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("domain", "application", "infrastructure", "projections", "api", "verifier", "tools")
QUIET = ("domain", "application", "infrastructure", "projections")

FILE_LINES_MAX = 400
DOMAIN_FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50

BANNED_CALLS = {
    "datetime.now": "the Clock port (only infrastructure/clock.py reads the clock)",
    "datetime.utcnow": "the Clock port (only infrastructure/clock.py reads the clock)",
    "datetime.today": "the Clock port (only infrastructure/clock.py reads the clock)",
    "date.today": "the Clock port (only infrastructure/clock.py reads the clock)",
    "time.time": "the Clock port, or time.monotonic for a duration",
    "time.time_ns": "the Clock port, or time.monotonic_ns for a duration",
    "uuid.uuid1": "the Ids port",
    "uuid.uuid4": "the Ids port",
    "uuid4": "the Ids port",
    "random": "the Ids port for ids, os.urandom for secrets",
    "os.environ": "settings, parsed once (api/http/settings.py)",
    "os.getenv": "settings, parsed once (api/http/settings.py)",
}
# Who is allowed to, because it is what the file is for.
OUTSIDE = {
    "clock": {
        "infrastructure/clock.py",
        "infrastructure/twin/memory.py",  # its ids come from a seeded generator
    },
    "environment": {
        "api/drill/house.py",  # strips it for a deployment of its own
        "api/process/fork_server.py",
        "api/process/forking.py",
        "api/process/lifeline.py",
        "api/process/parts.py",
        "api/http/settings.py",
        "infrastructure/server/postgres_account.py",
        "infrastructure/server/postgres_binaries.py",
        "infrastructure/server/processes.py",
        "infrastructure/settings.py",
        "tools/test.py",
    },
}
# The edges where an error of any kind becomes an answer, a state or an exit code.
CATCH_ALL = {"api/http/boundary.py", "api/http/operation.py"}

ALLOW = re.compile(r"# tidy: allow (?P<rule>[a-z-]+) [-—] \S")


@dataclass
class Source:
    """One file, read once."""

    name: str
    text: str
    lines: list[str] = field(init=False)
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.text.splitlines()
        self.tree = ast.parse(self.text)

    def allows(self, rule: str, first: int, last: int = 0) -> bool:
        """True when one of those lines, or the one above, says that it may."""
        near = self.lines[max(0, first - 2) : max(first, last)]
        return any(found["rule"] == rule for each in near for found in ALLOW.finditer(each))

    def allows_in_head(self, rule: str) -> bool:
        return any(self.allows(rule, line) for line in range(1, 11))


Rule = Callable[[Source], Iterator[str]]


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an expression that is nothing but names; else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def banned_name(name: str) -> str | None:
    """The banned thing that a dotted name is a use of."""
    for banned in BANNED_CALLS:
        if name == banned or name.endswith(f".{banned}") or name.startswith(f"{banned}."):
            return banned
    return None


def no_banned_calls(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute | ast.Name):
            banned = banned_name(dotted(node))
            if banned is None:
                continue
            rule = "environment" if banned.startswith("os.") else "clock"
            if source.name in OUTSIDE[rule] or source.allows(rule, node.lineno):
                continue
            yield (
                f"{source.name}:{node.lineno}: {banned} is banned, use {BANNED_CALLS[banned]} "
                f"[{rule}]"
            )


def no_print(source: Source) -> Iterator[str]:
    if not source.name.startswith(QUIET):
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call) or dotted(node.func) != "print":
            continue
        if not source.allows("print", node.lineno):
            yield f"{source.name}:{node.lineno}: print is banned, return it or log it [print]"


def no_swallowed_exceptions(source: Source) -> Iterator[str]:
    if source.name in CATCH_ALL:
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = {"everything"} if node.type is None else {dotted(it) for it in parts(node.type)}
        if caught.isdisjoint({"everything", "Exception", "BaseException"}):
            continue
        raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
        if not raises and not source.allows("broad-except", node.lineno, node.body[0].lineno):
            yield (
                f"{source.name}:{node.lineno}: an except for everything is banned, "
                "name what can go wrong or raise again [broad-except]"
            )


def parts(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def small_files(source: Source) -> Iterator[str]:
    limit = DOMAIN_FILE_LINES_MAX if source.name.startswith("domain/") else FILE_LINES_MAX
    if len(source.lines) > limit and not source.allows_in_head("file-length"):
        yield f"{source.name}: {len(source.lines)} lines, at most {limit}: split it [file-length]"


def small_functions(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES_MAX and not source.allows("function-length", node.lineno):
            yield (
                f"{source.name}:{node.lineno}: {node.name} has {length} lines, "
                f"at most {FUNCTION_LINES_MAX}: split it [function-length]"
            )


def no_relative_imports(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield (
                f"{source.name}:{node.lineno}: relative imports are banned, "
                "use the full name [relative-import]"
            )


RULES: dict[str, Rule] = {
    "clock and environment": no_banned_calls,
    "print": no_print,
    "broad-except": no_swallowed_exceptions,
    "file length": small_files,
    "function length": small_functions,
    "relative import": no_relative_imports,
}


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    assert len(files) > len(PACKAGES)
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text()) for path in files]


@pytest.mark.parametrize("rule", RULES)
def test_the_house_is_tidy(rule: str, sources: list[Source]) -> None:
    found = [message for source in sources for message in RULES[rule](source)]
    assert found == [], "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("clock and environment", "from datetime import datetime\nx = datetime.now()"),
        ("clock and environment", "import datetime\nx = datetime.datetime.utcnow()"),
        ("clock and environment", "from datetime import date\nx = date.today()"),
        ("clock and environment", "import time\nx = time.time()"),
        ("clock and environment", "from uuid import uuid4\nx = uuid4()"),
        ("clock and environment", "import uuid\nx = uuid.uuid4"),
        ("clock and environment", "import random\nx = random.choice([1])"),
        ("clock and environment", "import os\nx = os.environ['A']"),
        ("print", "print(1)"),
        ("broad-except", "try:\n    pass\nexcept Exception:\n    pass"),
        ("broad-except", "try:\n    pass\nexcept:\n    pass"),
        ("broad-except", "try:\n    pass\nexcept (ValueError, BaseException):\n    pass"),
        ("file length", "x = 1\n" * (DOMAIN_FILE_LINES_MAX + 1)),
        ("function length", "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX),
        ("relative import", "from . import errors"),
    ],
)
def test_each_rule_sees_what_it_is_for(rule: str, code: str) -> None:
    assert list(RULES[rule](Source("domain/example.py", code)))


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("clock and environment", "import time\nx = time.time()  # tidy: allow clock - a reason"),
        ("clock and environment", "import time\nx = time.monotonic()"),
        ("clock and environment", "import os\n# tidy: allow environment - why\nx = os.environ"),
        ("broad-except", "try:\n    pass\nexcept Exception:\n    raise"),
        ("broad-except", "try:\n    pass\nexcept ValueError:\n    pass"),
        ("function length", "def f():\n" + "    x = 1\n" * (FUNCTION_LINES_MAX - 1)),
    ],
)
def test_each_rule_lets_the_rest_be(rule: str, code: str) -> None:
    assert not list(RULES[rule](Source("domain/example.py", code)))


def test_an_excuse_without_a_reason_is_none() -> None:
    code = "import time\nx = time.time()  # tidy: allow clock"
    assert list(no_banned_calls(Source("domain/example.py", code)))
