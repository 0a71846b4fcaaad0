"""How an event that was stored long ago reads today: pure steps over its plain payload, one per retired type.

A step turns the payload of `X.vN` into that of `X.vN+1`. Envelopes are never touched: they are bound to the type they
were sealed for. A retired type stays here for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Step = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Upcast:
    """The type that replaced a retired one, and how its payload is read."""

    to: str
    step: Step


UPCASTS: Final[Mapping[str, Upcast]] = {}


def upcast(
    type_: str, plain: dict[str, Any], upcasts: Mapping[str, Upcast] = UPCASTS
) -> tuple[str, dict[str, Any]]:
    """The newest type and payload of what was stored as `type_`."""
    while (found := upcasts.get(type_)) is not None:
        type_, plain = found.to, found.step(plain)
    return type_, plain
