"""Bodies and answers of legal holds and rules of retention. What a value may be is for the domain to say."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.http.fields import Instant, SubjectRef
from api.http.schemas_common import Input, Output
from api.http.schemas_disclosing import LocalDate
from domain import legal_hold, legal_paper, retention
from domain.custody import ExceptionCode
from domain.purposes import Jurisdiction, PurposeCode
from domain.sealing import RETENTION_CLASSES, RetentionClass

Persons = Annotated[list[SubjectRef], Field(min_length=1, max_length=legal_hold.PERSONS_MAX)]


class NewLegalHold(Input):
    """What is to be kept, of whom, and for which matter. `review_on` is the day on which it is looked at again."""

    matter: Annotated[
        str,
        Field(
            pattern="^[A-Za-z0-9][A-Za-z0-9.:_/-]{0,63}$",
            examples=["M-2027/3"],
            description="As the file has it: an id, never a name.",
        ),
    ]
    authority: Annotated[
        str,
        Field(
            min_length=1,
            max_length=legal_paper.AUTHORITY_CHARACTERS_MAX,
            examples=["Example County Court"],
            description="Who ordered it: the name of an organisation; it is not sealed.",
        ),
    ]
    subject_ids: Persons
    retention_classes: Annotated[
        list[RetentionClass], Field(min_length=1, max_length=len(RETENTION_CLASSES))
    ]
    review_on: LocalDate
    gag_until: Instant | None = None


class LegalHoldReview(Input):
    """When it is looked at again."""

    review_on: LocalDate


class LegalHoldExtension(Input):
    """Who else comes under it."""

    subject_ids: Persons


class LegalHold(Output):
    """A legal hold. `subjects` says on how many persons it is; `custodian` is the key that placed it."""

    id: str
    matter: str
    authority: str
    retention_classes: list[RetentionClass]
    review_on: str
    review_overdue: bool
    gag_until: str | None
    gag_running: bool
    custodian: str
    status: legal_hold.Status
    subjects: int


class GoneClasses(Output):
    """Classes of a person that an erasure had taken before the hold was placed."""

    subject_id: str
    retention_classes: list[RetentionClass]


class ShownLegalHold(LegalHold):
    """A legal hold, whom it is about, and what of theirs was gone before."""

    subject_ids: list[str]
    gone: list[GoneClasses]


class LegalHoldList(Output):
    """Part of the list of legal holds."""

    data: list[LegalHold]
    next_cursor: str | None


# --- retention -------------------------------------------------------------------------------------------------------


class RetentionRule(Input):
    """One basis on which a class is kept: `months` from `start` on, without an end where it is null.

    `exception` is that under which it stands against an erasure; a rule without one does not.
    """

    code: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$", examples=["tax"])]
    start: retention.Start
    months: Annotated[int, Field(ge=0, le=retention.MONTHS_MAX)] | None
    exception: ExceptionCode | None = None
    statute: Annotated[
        str, Field(min_length=1, max_length=retention.STATUTE_CHARACTERS_MAX, examples=["AO 147"])
    ]
    purposes: Annotated[list[PurposeCode], Field(min_length=1, max_length=14)]
    jurisdiction: Jurisdiction


class NewRetentionRules(Input):
    """What is to hold for the class, in place of what holds; none lets the shipped rules hold again."""

    rules: Annotated[list[RetentionRule], Field(max_length=retention.RULES_MAX)]


class HeldRetentionRule(Output):
    """A rule that holds."""

    code: str
    start: retention.Start
    months: int | None
    exception: ExceptionCode | None
    statute: str
    purposes: list[str]
    jurisdiction: Jurisdiction


class RetentionRules(Output):
    """What holds for a class. `source` says whether the business has bound it, or it is shipped."""

    retention_class: RetentionClass
    source: Annotated[str, Field(examples=["bound", "shipped"])]
    rules: list[HeldRetentionRule]


class RetentionRulesList(Output):
    """What holds for each class. `shipped_version` is that of the shipped rules."""

    data: list[RetentionRules]
    shipped_version: str
