"""Find the operation that a request asks for, before the framework looks: by method and by how the path begins.

The framework asks every route in turn, inside five layers of its own that operations do not need: they read, refuse
and answer by themselves. What is not found here is the framework's: pages, unknown paths, methods that a path lacks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from starlette.routing import Match
from starlette.types import Scope

from api.http.operation import Operation

Shape = tuple[str, int, str]


class Finder:
    """Operations by the shape of what asks for them."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._by_shape: dict[Shape, list[Operation]] = defaultdict(list)
        for operation in operations:
            if operation.spec.route == operation.spec.path:  # no parameter of it holds slashes
                self._by_shape[_shape(operation.spec.method, operation.spec.path)].append(operation)

    def find(self, scope: Scope) -> Operation | None:
        """The operation, and the scope told of it as a router does; None where there is none."""
        if scope.get("root_path"):
            return None
        for operation in self._by_shape.get(_shape(scope["method"], scope["path"]), ()):
            match, found = operation.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                return operation
        return None


def _shape(method: str, path: str) -> Shape:
    """The method, how many parts the path has, and its first part after the version.

    >>> _shape("GET", "/v1/bookings/{booking_id}")
    ('GET', 3, 'bookings')
    """
    parts = path.split("/", 3)
    return method, path.count("/"), parts[2] if len(parts) > 2 else ""
