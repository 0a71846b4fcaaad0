"""Rules of time of the United States: California, other states, health care, children, breaches.

Days that are not business days are counted as they come and never roll: the conservative reading.

*Source*: each rule names its own.
"""

from __future__ import annotations

from typing import Final, get_args

from domain.clock_terms import Extension, FactKind, Jurisdiction, Length, RequestType, Rule

_CALIFORNIA: Final[frozenset[Jurisdiction]] = frozenset({"us_ca"})
_HEALTH: Final[frozenset[Jurisdiction]] = frozenset({"us_hipaa"})
# To cancel an account is read as to erase, which is the stricter.
_KNOW_DELETE_CORRECT: Final[frozenset[RequestType]] = frozenset(
    {"access", "portability", "correction", "erasure", "account_cancellation"}
)
_OPT_OUT: Final[frozenset[RequestType]] = frozenset({"opt_out", "objection"})
_STATE_RIGHTS: Final[frozenset[RequestType]] = frozenset(
    {*_KNOW_DELETE_CORRECT, *_OPT_OUT, "restriction"}
)
_CLOSING: Final[frozenset[FactKind]] = frozenset({"answered", "refused", "withdrawn"})


def _days(amount: int) -> Length:
    return Length(amount, "calendar_days")


def _extended(within: int, by: int) -> Extension:
    return Extension(by, told_within=_days(within))


def _state_answer(
    place: str, source: str, jurisdictions: frozenset[Jurisdiction], days: int = 45
) -> Rule:
    return Rule(
        id=f"{place}.answer",
        source=source,
        unchecked=(source,),
        start="received",
        length=_days(days),
        extension=_extended(days, 45),
        request_types=_STATE_RIGHTS,
        jurisdictions=jurisdictions,
        met_by=_CLOSING,
    )


def _state_appeal(
    jurisdiction: Jurisdiction, source: str, days: int, extension: Extension | None = None
) -> Rule:
    return Rule(
        id=f"{jurisdiction}.appeal",
        source=source,
        unchecked=(source,),
        start="appealed",
        length=_days(days),
        extension=extension,
        request_types=_STATE_RIGHTS,
        jurisdictions=frozenset({jurisdiction}),
        met_by=frozenset({"appeal_answered", "withdrawn"}),
    )


CALIFORNIA: Final = (
    Rule(
        id="ccpa.acknowledgement",
        source="11 CCR 7021(a)",
        start="received",
        length=Length(10, "business_days"),
        request_types=_KNOW_DELETE_CORRECT,
        jurisdictions=_CALIFORNIA,
        met_by=frozenset({*_CLOSING, "acknowledged"}),
        notes="It describes how the person is verified and when to expect an answer.",
    ),
    Rule(
        id="ccpa.answer",
        source="11 CCR 7021(b)",
        start="received",
        length=_days(45),
        extension=_extended(45, 45),
        request_types=_KNOW_DELETE_CORRECT,
        jurisdictions=_CALIFORNIA,
        met_by=_CLOSING,
        notes="From the receipt, however long verification takes.",
    ),
    Rule(
        id="ccpa.opt_out",
        source="11 CCR 7026(f)",
        start="received",
        length=Length(15, "business_days"),
        request_types=_OPT_OUT,
        jurisdictions=_CALIFORNIA,
        met_by=_CLOSING,
        notes="Identity is not verified.",
    ),
    Rule(
        id="ccpa.limit",
        source="11 CCR 7027(g)",
        unchecked=("(g)",),
        start="received",
        length=Length(15, "business_days"),
        request_types=frozenset({"restriction"}),
        jurisdictions=_CALIFORNIA,
        met_by=_CLOSING,
        notes="Identity is not verified.",
    ),
    Rule(
        id="shine_the_light.designated",
        source="Cal. Civ. Code 1798.83(b)",
        start="received",
        length=_days(30),
        request_types=frozenset({"shine_the_light"}),
        jurisdictions=_CALIFORNIA,
        met_by=_CLOSING,
        notes="Asked at the designated address.",
    ),
    Rule(
        id="shine_the_light.elsewhere",
        source="Cal. Civ. Code 1798.83(b)",
        start="received",
        length=_days(150),
        request_types=frozenset({"shine_the_light"}),
        jurisdictions=_CALIFORNIA,
        met_by=_CLOSING,
        notes="Asked anywhere else: a reasonable time, and never more than this.",
    ),
    Rule(
        id="ccpa.record_kept",
        source="11 CCR 7101(a), (d)",
        start="closed",
        length=Length(24, "months"),
        bound="at_least",
        request_types=_STATE_RIGHTS,
        jurisdictions=_CALIFORNIA,
        notes="The record of the request is kept at least so long, and used for nothing else.",
    ),
)

STATES: Final = (
    _state_answer("us_va", "Va. Code 59.1-577(B)", frozenset({"us_va"})),
    _state_answer("us_co", "C.R.S. 6-1-1306(2)", frozenset({"us_co"})),
    _state_answer("us_ct", "Conn. Gen. Stat. 42-518(c)", frozenset({"us_ct"})),
    _state_answer("us_tx", "Tex. Bus. & Com. Code 541.052(b), (c)", frozenset({"us_tx"})),
    _state_answer("us_or", "ORS 646A.576", frozenset({"us_or"})),
    # No jurisdiction of the contract leads to Iowa yet.
    _state_answer("us_ia", "Iowa Code 715D.3(2)", frozenset(), days=90),
    _state_appeal("us_va", "Va. Code 59.1-577(C)", 60),
    _state_appeal("us_co", "C.R.S. 6-1-1306(3)", 45, _extended(45, 60)),
    _state_appeal("us_ct", "Conn. Gen. Stat. 42-518(d)", 60),
    _state_appeal("us_tx", "Tex. Bus. & Com. Code 541.053", 60),
    _state_appeal("us_or", "ORS 646A.576", 45),
)

HEALTH: Final = (
    Rule(
        id="hipaa.access",
        source="45 CFR 164.524(b)(2)",
        unchecked=("45 CFR 164.524(b)(2)",),
        start="received",
        length=_days(30),
        extension=_extended(30, 30),
        request_types=frozenset({"access", "portability"}),
        jurisdictions=_HEALTH,
        met_by=_CLOSING,
    ),
    Rule(
        id="hipaa.amendment",
        source="45 CFR 164.526(b)(2)",
        unchecked=("45 CFR 164.526(b)(2)",),
        start="received",
        length=_days(60),
        extension=_extended(60, 30),
        request_types=frozenset({"correction"}),
        jurisdictions=_HEALTH,
        met_by=_CLOSING,
    ),
    Rule(
        id="hipaa.accounting",
        source="45 CFR 164.528(c)(1)",
        unchecked=("45 CFR 164.528(c)(1)",),
        start="received",
        length=_days(60),
        extension=_extended(60, 30),
        request_types=frozenset({"accounting"}),
        jurisdictions=_HEALTH,
        met_by=_CLOSING,
    ),
)

CHILDREN_AND_BREACHES: Final = (
    Rule(
        id="child_deletion",
        source="the policy, line 16 (promptly: 72 hours); COPPA, 16 CFR 312.6",
        unchecked=("16 CFR 312.6",),
        start="child_confirmed",
        length=Length(72, "hours"),
        request_types=frozenset({"erasure", "account_cancellation"}),
        jurisdictions=frozenset(get_args(Jurisdiction)),
        met_by=frozenset({"answered", "withdrawn"}),
        notes="A refusal does not meet it.",
    ),
    Rule(
        id="breach.us_ca_residents",
        source="Cal. Civ. Code 1798.82(a)",
        unchecked=("(a)",),
        start="breach_known",
        length=_days(30),
    ),
    Rule(
        id="breach.us_ca_attorney_general",
        source="Cal. Civ. Code 1798.82(f)",
        unchecked=("(f)",),
        start="residents_told",
        length=_days(15),
        notes="Where more than 500 residents were told.",
    ),
)

RULES: Final = CALIFORNIA + STATES + HEALTH + CHILDREN_AND_BREACHES
