"""Half-open ranges of whole seconds, `[start, end)`, where arithmetic is hot."""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[int, int]


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Make those that touch or overlap one; sorted and disjoint, what is empty left out.

    >>> merged([(9, 12), (12, 14), (20, 20), (1, 5), (2, 3)])
    [(1, 5), (9, 14)]
    """
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            if end > found[-1][1]:
                found[-1] = (found[-1][0], end)
        elif start < end:
            found.append((start, end))
    return found
