"""Bodies and answers of policy versions and purposes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.http.fields import Instant
from api.http.schemas_common import Input, Output
from domain import policy_version
from domain.policy_version import AcceptanceMode, NoticeChannel
from domain.purposes import Jurisdiction, LawfulBasis, ProcessingRole, PurposeCode
from domain.sealing import RetentionClass

Label = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["2027-01"])]
Named = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        examples=["2027-01"],
        description="The label of a policy version, or its id.",
    ),
]
Line = Annotated[str, Field(min_length=1, max_length=policy_version.LINE_CHARACTERS_MAX)]


# --- policy versions -------------------------------------------------------------------------------------------------


class PolicyController(Input):
    """Who answers for the processing, as the policy names them."""

    name: Line
    address: Line | None = None
    contact: Annotated[Line | None, Field(examples=["mailto:privacy@example.org"])] = None
    country: Annotated[str | None, Field(pattern="^[A-Z]{2}$", examples=["PT"])] = None


class NewPolicyVersion(Input):
    """A text to publish. It never changes: another text takes another label."""

    version: Label
    effective_from: Instant
    language: Annotated[str, Field(min_length=2, max_length=35, examples=["en"])]
    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=policy_version.TEXT_CHARACTERS_MAX,
            examples=["What we collect, why, and with whom we share it."],
        ),
    ]
    material: Annotated[
        bool, Field(description="A material change waits for its notice before it is in force.")
    ]
    summary: Annotated[
        str,
        Field(
            min_length=1,
            max_length=policy_version.SUMMARY_CHARACTERS_MAX,
            examples=["Who processes payments."],
        ),
    ]
    controller: PolicyController | None = None


class PolicyNotice(Output):
    """One way in which people were told, and when."""

    channel: NoticeChannel
    notified_at: str


class PolicyNamed(Output):
    """Who answers for the processing."""

    name: str
    address: str | None
    contact: str | None
    country: str | None


class PolicyVersion(Output):
    """A version without its text. `in_force_from` is null while a material change waits for its notice."""

    id: str
    version: str
    effective_from: str
    in_force_from: str | None
    language: str
    sha256: str
    material: bool
    summary: str
    controller: PolicyNamed | None
    notices: list[PolicyNotice]


class PolicyText(PolicyVersion):
    """A version with its text."""

    text: str


class PolicyVersionList(Output):
    """Part of the list of policy versions, in order of publication."""

    data: list[PolicyVersion]
    next_cursor: str | None


class NewNotice(Input):
    """How and when people were told of a version."""

    channel: NoticeChannel
    notified_at: Instant


class NewAcceptance(Input):
    """A person accepted a text; by continued use that proves little, and it is never consent."""

    policy_version: Named
    mode: AcceptanceMode
    accepted_at: Instant | None = None


class Acceptance(Output):
    """What a person accepted."""

    event_id: str
    policy_id: str
    policy_version: str
    mode: AcceptanceMode
    accepted_at: str


class AsOf(Input):
    """As of which instant (event time); now where it is left out."""

    as_of: Instant | None = None


class Acceptances(Output):
    """The text that was in force at `as_of`, and what the person had accepted by then, oldest first."""

    as_of: str
    in_force: PolicyVersion | None
    data: list[Acceptance]


# --- purposes --------------------------------------------------------------------------------------------------------


class Purpose(Output):
    """A purpose. Where `exact` is false the vocabulary has no such term, and `term` is the next wider one."""

    code: PurposeCode
    says: str
    policy_line: int
    term: str
    exact: bool
    role: ProcessingRole
    retention_class: RetentionClass
    demands_case: bool
    fields: list[str]
    lawful_bases: dict[str, LawfulBasis]


class PersonalField(Output):
    """A kind of personal data."""

    code: str
    says: str
    category: str
    term: str
    exact: bool
    retention_class: RetentionClass


class PurposeList(Output):
    """The closed list of purposes, and of kinds of personal data."""

    data: list[Purpose]
    fields: list[PersonalField]


class NewBasis(Input):
    """A lawful basis that a purpose rests on from an instant on; now where it is left out."""

    purpose: PurposeCode
    jurisdiction: Jurisdiction
    lawful_basis: LawfulBasis
    effective_from: Instant | None = None
