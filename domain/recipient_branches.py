"""Which locations belong to a franchise's tree, and since when: intervals that are added and ended, never rewritten.

*Not here*: what follows from it for a disclosure (`disclosure_rules`).
*Source*: API "recipient kind"; row 84 of the policy's matrix.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain import fields
from domain.errors import InvalidState
from domain.recipient_terms import Branch, RecipientTerms


def with_branch(terms: RecipientTerms, branch: Branch) -> RecipientTerms:
    """The terms with one more interval; the same interval again changes nothing.

    Refuses: InvalidState (it overlaps an interval of the same location), Unacceptable (it ends before it begins).
    """
    if branch in terms.branches:
        return terms
    if branch.to is not None and branch.to <= branch.from_:
        words = "Its interval ends before it begins."
        fields.accept(fields.fault("/to", "out_of_order", words))
    if any(one.location == branch.location and _overlap(one, branch) for one in terms.branches):
        raise InvalidState("The location belongs to it during a part of that interval already")
    return replace(terms, branches=(*terms.branches, branch))


def without_branch(terms: RecipientTerms, location: UUID, to: datetime) -> RecipientTerms:
    """The terms with the interval of `location` that is open at `to` ended there; ended again, nothing changes.

    Refuses: InvalidState (no interval of the location is open then), Unacceptable (it has not begun by `to`).
    """
    for index, one in enumerate(terms.branches):
        if one.location != location or (one.to is not None and one.to < to):
            continue
        if to <= one.from_:
            words = "The interval has not begun by then."
            fields.accept(fields.fault("/to", "out_of_order", words))
        branches = (*terms.branches[:index], replace(one, to=to), *terms.branches[index + 1 :])
        return replace(terms, branches=branches)
    raise InvalidState("The location does not belong to it then")


def _overlap(one: Branch, other: Branch) -> bool:
    return (other.to is None or one.from_ < other.to) and (one.to is None or other.from_ < one.to)
