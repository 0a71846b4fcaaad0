"""What Daybook refuses, and how a caller tells one refusal from another.

    DomainError
    ├── Malformed          it could not be read                     400, 422 for fields
    ├── Unidentified       no key, or one we do not know            401
    ├── NotPermitted       known, but may not                       403
    ├── NotFound           absent, or not yours to know of          404
    ├── Refused            understood; a rule says no               409
    │   └── Stale          decided on old state; try again          409 + Retry-After
    ├── VersionMismatch    If-Match names another version           412
    ├── Erased             it was there; its keys are destroyed     410
    ├── TooLarge           over a stated limit                      413
    ├── Unacceptable       well formed, but not possible            422
    ├── TooMany            more calls than agreed                   429 + Retry-After
    └── Unavailable        a part is down or behind                 503 + Retry-After

The first line of a class's docstring is its title. `code` is stable and public. `context` holds ids
and plain values: never personal data, never the text of a library. Anything that is not one of these is a bug.
"""

from __future__ import annotations

from typing import ClassVar

from domain.field_error import FieldError as FieldError


class DomainError(Exception):
    """Daybook could not do what was asked."""

    code: ClassVar[str] = "refused"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: tuple[FieldError, ...] = (),
        retry_after_seconds: int | None = None,
        **context: str | int | None,
    ) -> None:
        self.detail = detail or self.title()
        self.errors = errors
        self.retry_after_seconds = retry_after_seconds
        self.context = {name: value for name, value in context.items() if value is not None}
        super().__init__(self.detail)

    @classmethod
    def title(cls) -> str:
        """The first line of the docstring, without its full stop."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")


class Malformed(DomainError):
    """The request could not be read."""

    code = "malformed"


class Unidentified(DomainError):
    """No valid API key was given."""

    code = "unidentified"


class NotPermitted(DomainError):
    """This key may not do that."""

    code = "not_permitted"


class NotYourHold(NotPermitted):
    """Only its custodian or an owner releases a legal hold; that it was tried is on record."""

    code = "not_your_hold"


class PurposeRequired(NotPermitted):
    """Opening personal data needs a purpose, and for this purpose perhaps a case."""

    code = "purpose_required"


class NotFound(DomainError):
    """There is no such thing here."""

    code = "not_found"


class Refused(DomainError):
    """A rule says no."""

    code = "refused"


class InvalidState(Refused):
    """It is not in a state that allows this."""

    code = "invalid_state"


class TooEarly(Refused):
    """The visit has not started yet."""

    code = "too_early"


class IdentityNotVerified(Refused):
    """It is not known yet that whoever asks is the person it is about."""

    code = "identity_not_verified"


class ExtensionTooLate(Refused):
    """The last day on which the person may be told of an extension has passed."""

    code = "extension_too_late"


class SlotUnavailable(Refused):
    """The slot has just been taken or is otherwise not free."""

    code = "slot_unavailable"


class HoldExpired(Refused):
    """The hold has expired or was released."""

    code = "hold_expired"


class HoldMismatch(Refused):
    """The hold is for another service, start or staff member."""

    code = "hold_mismatch"


class SecondPersonRequired(Refused):
    """It takes a second person: whoever did the first step may not do this one."""

    code = "second_person_required"


class NoGag(Refused):
    """No gag runs that could be extended or lifted."""

    code = "no_gag"


class GagRunning(Refused):
    """A gag runs already; extend that one."""

    code = "gag_running"


class DisclosureRefused(Refused):
    """The data was not handed over; that it was asked for is on record, and `reason` says why not."""

    code = "disclosure_refused"


class PolicyVersionExists(Refused):
    """There is a policy version with this label already, and a published text never changes."""

    code = "policy_version_exists"


class ConsentRejected(Refused):
    """The consent was not accepted; that it was offered is on record, and `reason` says why."""

    code = "consent_rejected"


class ContactTaken(Refused):
    """Another person is known by this e-mail address."""

    code = "contact_taken"


class IdempotencyInFlight(Refused):
    """A call with this Idempotency-Key is still running."""

    code = "idempotency_in_flight"


class Stale(Refused):
    """Someone else changed it at the same moment; try again."""

    code = "stale"


class VersionMismatch(DomainError):
    """It has another version than If-Match names."""

    code = "version_mismatch"


class Erased(DomainError):
    """The person has been erased."""

    code = "erased"


class TooLarge(DomainError):
    """The body is larger than allowed."""

    code = "too_large"


class Unacceptable(DomainError):
    """The request is well formed but cannot be carried out as it stands."""

    code = "invalid"


class UnknownReference(Unacceptable):
    """The body or query names something that does not exist here."""

    code = "unknown_reference"


class UnknownTimeZone(Unacceptable):
    """There is no IANA time zone of that name."""

    code = "unknown_time_zone"


class NotASlot(Unacceptable):
    """This start is not one of the service's slots."""

    code = "not_a_slot"


class LocationRequired(Unacceptable):
    """The service is offered at several locations; name one."""

    code = "location_required"


class RangeTooLong(Unacceptable):
    """The range is longer than allowed."""

    code = "range_too_long"


class CalendarInvalid(Unacceptable):
    """The calendar could not be read."""

    code = "calendar_invalid"


class CalendarTooDense(Unacceptable):
    """The calendar has more busy blocks than allowed."""

    code = "calendar_too_dense"


class IdempotencyMismatch(Unacceptable):
    """This Idempotency-Key was used with another body."""

    code = "idempotency_mismatch"


class TooMany(DomainError):
    """More calls than agreed; slow down."""

    code = "too_many"


class Unavailable(DomainError):
    """A part of Daybook cannot answer just now."""

    code = "unavailable"


class Behind(Unavailable):
    """The read model has not reached that position yet."""

    code = "behind"


class LedgerDamaged(Unavailable):
    """What is stored is not what was entered into the ledger: somebody changed it by hand."""

    code = "ledger_damaged"


class Unwitnessed(Unavailable):
    """No quorum of witnesses has seen this ledger lately, and so nothing official is said of it."""

    code = "unwitnessed"


class Unreadable(Unavailable):
    """A sealed value cannot be opened, and nothing says it was erased."""

    code = "unreadable"
