"""A subject: the person that data is about. Whoever first books with an e-mail address becomes one.

1. A profile is sealed from its first event; nothing else says who a subject is.
2. The same e-mail (trimmed, case-folded, NFC) within a tenant is the same subject.
3. What a person gives with a later booking never overwrites the profile; a correction does, field by field.

*Not here*: consent, requests, erasure; the index that finds a subject (`application.ports.People`).
Source: README D5.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, Literal, TypeAlias
from uuid import UUID

from domain.errors import FieldError
from domain.fields import Faults, accept, fault
from domain.personal_text import flaws
from domain.sealing import Envelope, Sealed
from domain.values import Personal

ProfileField = Literal["name", "email", "phone", "address"]

NAME_LENGTH_MAX: Final = 200
EMAIL_LENGTH_MAX: Final = 254
PHONE_LENGTH_MAX: Final = 40
ADDRESS_LENGTH_MAX: Final = 500

_CONTROLS: Final = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"
_LABEL: Final = rf"[^\s@.,;:<>()\[\]\\\"{_CONTROLS}]+"
_EMAIL: Final = re.compile(rf"[^\s@{_CONTROLS}]{{1,64}}@{_LABEL}(\.{_LABEL})+")
_PHONE_PUNCTUATION: Final = re.compile(r"[\s().\-/\u2010-\u2015]")
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{5,15}")


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Profile:
    """Who a subject is: as given the first time, trimmed."""

    name: Personal
    email: Personal
    phone: Personal | None = None
    address: Personal | None = None


@dataclass(frozen=True, slots=True)
class SubjectRegistered:
    """A person became known to the business."""

    TYPE: ClassVar[str] = "subject.registered.v1"

    subject: UUID
    source: Literal["booking"]
    profile: Annotated[Profile | Envelope, Sealed("profile", "subject")]


@dataclass(frozen=True, slots=True)
class Correction:
    """The values that stand from now on; None for a field that is not corrected, or has no value any more."""

    name: Personal | None = None
    email: Personal | None = None
    phone: Personal | None = None
    address: Personal | None = None


@dataclass(frozen=True, slots=True)
class SubjectCorrected:
    """These fields of a person's profile were corrected. One without a value was taken away."""

    TYPE: ClassVar[str] = "subject.corrected.v1"

    subject: UUID
    fields: tuple[ProfileField, ...]
    correction: Annotated[Correction | Envelope, Sealed("profile", "subject")]


Decision: TypeAlias = SubjectRegistered | SubjectCorrected
DECISIONS: Final = (SubjectRegistered, SubjectCorrected)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Subject:
    """A registered person; profile and corrections (oldest first) only as they were sealed."""

    id: UUID
    profile: Profile | Envelope
    corrections: tuple[SubjectCorrected, ...] = ()

    @property
    def version(self) -> int:
        """How many decisions there were."""
        return 1 + len(self.corrections)


def evolve(state: Subject | None, decision: Decision) -> Subject:
    """The subject after `decision`."""
    if isinstance(decision, SubjectRegistered):
        assert state is None, "a subject is registered once"
        return Subject(id=decision.subject, profile=decision.profile)
    assert state is not None, "a subject is registered first"
    return replace(state, corrections=(*state.corrections, decision))


# --- deciding --------------------------------------------------------------------------------------------------------


def profile_flaws(profile: Profile, at: str = "/customer") -> Faults:
    """Say what is wrong with each value; `at` is the JSON pointer of the profile in the body."""
    return (
        *flaws(profile.name, f"{at}/name", NAME_LENGTH_MAX),
        *_email_flaws(profile.email, f"{at}/email"),
        *_phone_flaws(profile.phone, f"{at}/phone"),
        *flaws(profile.address, f"{at}/address", ADDRESS_LENGTH_MAX, lines=True),
    )


def register(subject: UUID, profile: Profile) -> SubjectRegistered:
    """Make a person with `profile` known.

    Refuses: Unacceptable (with one field error for each value that is blank, too long or not what it should be).
    """
    accept(profile_flaws(profile))
    return SubjectRegistered(subject=subject, source="booking", profile=trimmed(profile))


def correct(
    subject: UUID, fields: tuple[ProfileField, ...], correction: Correction
) -> SubjectCorrected:
    """Let the values of `fields` (each once, at least one) stand from now on.

    Refuses: Unacceptable (nothing to correct; a name or an e-mail address taken away; a value that cannot be).
    """
    found: Faults = ()
    if not fields:
        found += fault("", "nothing_given", "Name at least one field.")
    for name in ("name", "email"):
        if name in fields and getattr(correction, name) is None:
            found += fault(f"/{name}", "missing", "It cannot be taken away.")
    name_flaws = flaws(correction.name, "/name", NAME_LENGTH_MAX)
    email_flaws = () if correction.email is None else _email_flaws(correction.email, "/email")
    accept(
        found,
        name_flaws,
        email_flaws,
        _phone_flaws(correction.phone, "/phone"),
        flaws(correction.address, "/address", ADDRESS_LENGTH_MAX, lines=True),
    )
    values = {name: getattr(correction, name) for name in fields}
    kept = {name: None if value is None else _trimmed(value) for name, value in values.items()}
    return SubjectCorrected(subject, fields, Correction(**kept))


def trimmed(profile: Profile) -> Profile:
    """The profile without blanks around its values."""
    return Profile(
        name=_trimmed(profile.name),
        email=_trimmed(profile.email),
        phone=_trimmed(profile.phone) if profile.phone is not None else None,
        address=_trimmed(profile.address) if profile.address is not None else None,
    )


def normalise_email(text: str) -> str | None:
    """The form by which a person is found again; None when it is not an e-mail address.

    >>> normalise_email(" Ada@Example.TEST ")
    'ada@example.test'
    >>> normalise_email("ada") is None
    True
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).casefold())
    if len(folded) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(folded):
        return None
    return folded


def normalise_phone(text: str) -> str | None:
    """Digits with a leading `+` where the country is given (E.164); None when it is not a phone number.

    >>> normalise_phone("+1 (212) 555-0100")
    '+12125550100'
    >>> normalise_phone("0044 20 7946 0000")
    '+442079460000'
    >>> normalise_phone("call me") is None
    True
    """
    compact = _PHONE_PUNCTUATION.sub("", text)
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    return compact if compact.isascii() and _PHONE.fullmatch(compact) else None


def _trimmed(value: Personal) -> Personal:
    return Personal(value.open().strip())


def _email_flaws(email: Personal, pointer: str) -> Faults:
    if found := flaws(email, pointer, EMAIL_LENGTH_MAX):
        return found
    if normalise_email(email.open()) is None:
        return (FieldError(pointer, "not_an_email", "It is not an e-mail address."),)
    return ()


def _phone_flaws(phone: Personal | None, pointer: str) -> Faults:
    if phone is None:
        return ()
    if found := flaws(phone, pointer, PHONE_LENGTH_MAX):
        return found
    if normalise_phone(phone.open()) is None:
        return (
            FieldError(
                pointer,
                "not_a_phone",
                "It is not a phone number, like +1 212 555 0100.",
            ),
        )
    return ()
