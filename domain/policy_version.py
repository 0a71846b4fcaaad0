"""A version of the business's privacy policy: its text as published, who was told, and who accepted it.

1. A text is published once under its label, and never changes; its SHA-256 names it.
2. A version is in force from `effective_from` on, and never before two seconds have passed since it was published.
3. A material change is not in force before its notice, and never before two seconds have passed since that was told.
4. A first text changes nothing that was said before, so it needs no notice.
5. Continued use may be recorded as acceptance of a text. It is never consent.

Two seconds, so that whoever looks at the versions once a second always knows the one in force.

*Not here*: consent (`consent`); which events carry the version in force (`application.policy.policies`).
Source: privacy policy, "changes to this policy"; rows 1 and 100 of the policy's matrix.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal, TypeAlias
from uuid import UUID

from domain import fields
from domain.countries import COUNTRIES
from domain.errors import Refused
from domain.fields import FINE, Faults
from domain.sealing import Plain

NoticeChannel = Literal["post", "email", "website"]
AcceptanceMode = Literal["explicit_click", "signature", "continued_use"]

SETTLING: Final = timedelta(seconds=2)
TEXT_CHARACTERS_MAX: Final = 200_000
SUMMARY_CHARACTERS_MAX: Final = 2_000
LINE_CHARACTERS_MAX: Final = 500
NOTICES_MAX: Final = 200
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

Label: TypeAlias = Annotated[str, Plain("a label by pattern: it names the text to everyone")]


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedController:
    """Who answers for the processing, as the text names them. A business, not a person."""

    name: Annotated[str, Plain("the business as its policy names it to everyone")]
    address: Annotated[str, Plain("the business's own postal address, published")] | None = None
    contact: Annotated[str, Plain("where the policy tells everyone to write to")] | None = None
    country: Annotated[str, Plain("a country's code")] | None = None


@dataclass(frozen=True, slots=True)
class PolicyPublished:
    """A text was published. `in_force_from` is None where it waits for its notice."""

    TYPE: ClassVar[str] = "policy.published.v1"

    policy: UUID
    version: Label
    effective_from: datetime
    language: Annotated[str, Plain("a language tag")]
    text: Annotated[str, Plain("the business's policy, published to everyone")]
    sha256: Annotated[str, Plain("the digest of the text, in hexadecimal")]
    material: bool
    summary: Annotated[str, Plain("what changed, told to everyone")]
    controller: NamedController | None
    in_force_from: datetime | None


@dataclass(frozen=True, slots=True)
class PolicyNotified:
    """The people concerned were told of a version, through `channel`, at `notified_at`."""

    TYPE: ClassVar[str] = "policy.notified.v1"

    policy: UUID
    channel: NoticeChannel
    notified_at: datetime
    in_force_from: datetime


@dataclass(frozen=True, slots=True)
class PolicyAccepted:
    """A person accepted a text. What that proves depends on `mode`; it is no consent."""

    TYPE: ClassVar[str] = "policy.accepted.v1"

    subject: UUID
    policy: UUID
    version: Label
    mode: AcceptanceMode
    accepted_at: datetime


Decision: TypeAlias = PolicyPublished | PolicyNotified
DECISIONS: Final = (PolicyPublished, PolicyNotified)
ACCEPTANCES: Final = (PolicyAccepted,)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Notice:
    """One way in which people were told, and when."""

    channel: NoticeChannel
    notified_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A version as it stands, without its text. `version` is its stream's; `label` what people call it."""

    id: UUID
    label: str
    effective_from: datetime
    language: str
    sha256: str
    material: bool
    summary: str
    controller: NamedController | None
    in_force_from: datetime | None
    notices: tuple[Notice, ...]
    version: int


def evolve(standing: PolicyVersion | None, decision: Decision) -> PolicyVersion:
    """The version after `decision`."""
    if isinstance(decision, PolicyPublished):
        assert standing is None, "a version is published once"
        return PolicyVersion(
            id=decision.policy,
            label=decision.version,
            effective_from=decision.effective_from,
            language=decision.language,
            sha256=decision.sha256,
            material=decision.material,
            summary=decision.summary,
            controller=decision.controller,
            in_force_from=decision.in_force_from,
            notices=(),
            version=1,
        )
    assert standing is not None, "a version is published first"
    told = Notice(decision.channel, decision.notified_at)
    return replace(
        standing,
        notices=(*standing.notices, told),
        in_force_from=decision.in_force_from,
        version=standing.version + 1,
    )


def in_force(versions: Sequence[PolicyVersion], at: datetime) -> PolicyVersion | None:
    """The one of `versions` (in order of publication) that is in force at an instant; None where none is."""
    found: PolicyVersion | None = None
    begun: datetime | None = None
    for one in versions:
        since = one.in_force_from
        if since is not None and since <= at and (begun is None or since >= begun):
            found, begun = one, since
    return found


# --- deciding --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Publication:
    """A text that a business wants to publish under a label."""

    label: str
    effective_from: datetime
    language: str
    text: str
    material: bool
    summary: str
    controller: NamedController | None = None


def publish(
    policy: UUID, wanted: Publication, at: datetime, *, first: bool
) -> tuple[PolicyPublished, ...]:
    """Publish a text at `at`; `first` says that the business has published none before.

    Refuses: Unacceptable (version, language, text, summary, controller).
    """
    fields.accept(
        fields.shaped("/version", wanted.label, _LABEL, "It is not 1 to 64 of A-Z a-z 0-9 . _ -"),
        fields.shaped("/language", wanted.language, _LANGUAGE, "It is a language tag, like en-GB."),
        _text_flaws("/text", wanted.text, TEXT_CHARACTERS_MAX),
        _text_flaws("/summary", wanted.summary, SUMMARY_CHARACTERS_MAX),
        _controller_flaws(wanted.controller),
    )
    waits = wanted.material and not first
    return (
        PolicyPublished(
            policy=policy,
            version=wanted.label,
            effective_from=wanted.effective_from,
            language=wanted.language,
            text=wanted.text,
            sha256=hashlib.sha256(wanted.text.encode()).hexdigest(),
            material=wanted.material,
            summary=wanted.summary,
            controller=wanted.controller,
            in_force_from=None if waits else max(wanted.effective_from, at + SETTLING),
        ),
    )


def notify(
    standing: PolicyVersion, channel: NoticeChannel, notified_at: datetime, at: datetime
) -> tuple[PolicyNotified, ...]:
    """Record at `at` that people were told of a version at `notified_at`. The first notice lets it come into force.

    Refuses: Unacceptable (it lies ahead), Refused (200 notices are there).
    """
    if notified_at > at:
        ahead = fields.fault("/notified_at", "in_the_future", "A notice is recorded once given.")
        fields.accept(ahead)
    if len(standing.notices) >= NOTICES_MAX:
        raise Refused(f"A version has at most {NOTICES_MAX} notices")
    since = standing.in_force_from
    begins = max(standing.effective_from, at + SETTLING) if since is None else since
    return (PolicyNotified(standing.id, channel, notified_at, begins),)


def accept(
    subject: UUID,
    standing: PolicyVersion,
    mode: AcceptanceMode,
    accepted_at: datetime,
    at: datetime,
) -> PolicyAccepted:
    """Record at `at` that a person accepted a text at `accepted_at`.

    Refuses: Unacceptable (it lies ahead, or before the text is effective).
    """
    if accepted_at > at:
        fields.accept(fields.fault("/accepted_at", "in_the_future", "It lies ahead."))
    if accepted_at < standing.effective_from:
        early = "The text is not effective yet then."
        fields.accept(fields.fault("/accepted_at", "backdated", early))
    return PolicyAccepted(subject, standing.id, standing.label, mode, accepted_at)


def _text_flaws(pointer: str, text: str, longest: int) -> Faults:
    if not text.strip():
        return fields.fault(pointer, "blank", "It must not be blank.")
    if len(text) > longest:
        return fields.fault(pointer, "too_long", f"It has more than {longest} characters.")
    if _CONTROLS.search(text):
        return fields.fault(pointer, "control_character", "It holds a control character.")
    return FINE


def _controller_flaws(named: NamedController | None) -> Faults:
    if named is None:
        return FINE
    found = fields.line("/controller/name", named.name, LINE_CHARACTERS_MAX)
    for name, value in (("address", named.address), ("contact", named.contact)):
        if value is not None:
            found += fields.line(f"/controller/{name}", value, LINE_CHARACTERS_MAX)
    if named.country is not None and named.country not in COUNTRIES:
        found += fields.fault("/controller/country", "unknown_country", "There is no such country.")
    return found
