"""To whom a person may complain, by jurisdiction: the authority, and the way to a court or an appeal.

*Not here*: what is denied and why (`privacy_request`).
*Source*: GDPR Art. 12(4), 13(2)(d), 77, 79; each state's consumer privacy act; 45 CFR 160.306.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from domain.purposes import Jurisdiction


@dataclass(frozen=True, slots=True)
class Recourse:
    """Whom to complain to, and what else is open."""

    authority: str
    others: tuple[str, ...]


_COURT: Final = "You may also go to court (GDPR Art. 79)."
_EUROPE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AT": "Österreichische Datenschutzbehörde",
        "BE": "Autorité de protection des données / Gegevensbeschermingsautoriteit",
        "BG": "Commission for Personal Data Protection of Bulgaria",
        "CY": "Commissioner for Personal Data Protection of Cyprus",
        "CZ": "Office for Personal Data Protection of the Czech Republic",
        "DE": "the data protection authority of your Land, or the Bundesbeauftragte für den Datenschutz",
        "DK": "Datatilsynet (Denmark)",
        "EE": "Andmekaitse Inspektsioon",
        "ES": "Agencia Española de Protección de Datos",
        "FI": "Office of the Data Protection Ombudsman of Finland",
        "FR": "Commission nationale de l'informatique et des libertés",
        "GR": "Hellenic Data Protection Authority",
        "HR": "Agencija za zaštitu osobnih podataka",
        "HU": "Nemzeti Adatvédelmi és Információszabadság Hatóság",
        "IE": "Data Protection Commission (Ireland)",
        "IS": "Persónuvernd",
        "IT": "Garante per la protezione dei dati personali",
        "LI": "Datenschutzstelle Fürstentum Liechtenstein",
        "LT": "State Data Protection Inspectorate of Lithuania",
        "LU": "Commission nationale pour la protection des données (Luxembourg)",
        "LV": "Data State Inspectorate of Latvia",
        "MT": "Information and Data Protection Commissioner of Malta",
        "NL": "Autoriteit Persoonsgegevens",
        "NO": "Datatilsynet (Norway)",
        "PL": "Urząd Ochrony Danych Osobowych",
        "PT": "Comissão Nacional de Proteção de Dados",
        "RO": "National Supervisory Authority for Personal Data Processing of Romania",
        "SE": "Integritetsskyddsmyndigheten",
        "SI": "Information Commissioner of Slovenia",
        "SK": "Office for Personal Data Protection of the Slovak Republic",
    }
)
_ELSEWHERE: Final[Mapping[Jurisdiction, Recourse]] = MappingProxyType(
    {
        "uk_gdpr": Recourse(
            "Information Commissioner's Office (United Kingdom)",
            ("You may also go to court (UK GDPR Art. 79).",),
        ),
        "us_ca": Recourse(
            "California Privacy Protection Agency",
            ("You may also complain to the Attorney General of California.",),
        ),
        "us_va": Recourse("Attorney General of Virginia", ()),
        "us_co": Recourse("Attorney General of Colorado", ()),
        "us_ct": Recourse("Attorney General of Connecticut", ()),
        "us_tx": Recourse("Attorney General of Texas", ()),
        "us_or": Recourse("Attorney General of Oregon", ()),
        "us_hipaa": Recourse(
            "Office for Civil Rights, U.S. Department of Health and Human Services", ()
        ),
        "other": Recourse("the data protection authority of the place where you live", ()),
    }
)


def recourse_of(jurisdiction: Jurisdiction, country: str) -> Recourse:
    """To whom a person may complain of a business in `country` (ISO 3166-1).

    >>> recourse_of("gdpr", "PT").authority, recourse_of("us_va", "US").authority
    ('Comissão Nacional de Proteção de Dados', 'Attorney General of Virginia')
    """
    if jurisdiction != "gdpr":
        return _ELSEWHERE[jurisdiction]
    named = _EUROPE.get(country, "the data protection authority of the member state where you live")
    return Recourse(named, (_COURT,))
