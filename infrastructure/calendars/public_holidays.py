"""Public holidays of a country, and of a part of it.

Whole public holidays only, observed days included: no half days, no school or bank holidays.
*Source*: the `holidays` package, which cites each country's law.
"""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.resources import as_file, files
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Final, cast

from domain.working_days import WorkingCalendar, place_name

if TYPE_CHECKING:
    from holidays.holiday_base import HolidayBase

_YEARS_KEPT: Final = 512
_COUNTRIES_KEPT: Final = 300
# Outside these the package has no rules, and dates are near the ends of the calendar.
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2200
_NONE: Final[frozenset[date]] = frozenset()


class PublicHolidays:
    """Answers from the package; loads a country's module when it is first asked for.

    A place is an ISO 3166-1 alpha-2 code and, where given, an ISO 3166-2 part without the country.
    """

    def closed_dates(
        self, country: str, subdivision: str | None, first: date, last: date
    ) -> frozenset[date]:
        """Public holidays in [first, last]; none for a place that is not known."""
        years = range(max(first.year, _FIRST_YEAR), min(last.year, _LAST_YEAR) + 1)
        return frozenset(
            day
            for year in years
            for day in _in_year(country, subdivision, year)
            if first <= day <= last
        )

    def is_known(self, country: str, subdivision: str | None) -> bool:
        """True when holidays of the place are known. An empty part is none."""
        kind = _country(country)
        return kind is not None and (not subdivision or subdivision in kind.subdivisions)

    def working_calendar(
        self, country: str, subdivision: str | None, first_year: int, last_year: int
    ) -> WorkingCalendar:
        """See the port `WorkingCalendars`; the edition is the package's own version."""
        closed = self.closed_dates(
            country, subdivision, date(first_year, 1, 1), date(last_year, 12, 31)
        )
        return WorkingCalendar(
            place_name(country, subdivision), _edition(), first_year, last_year, closed
        )


@cache
def _edition() -> str:
    return f"holidays {version('holidays')}"


@lru_cache(maxsize=_YEARS_KEPT)
def _in_year(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    kind = _country(country)
    if kind is None or (subdivision and subdivision not in kind.subdivisions):
        return _NONE
    if "public" not in kind.supported_categories:
        return _NONE
    found = kind(subdiv=subdivision or None, years=year, expand=False, categories=("public",))
    # A year may hold the observed day of a holiday of the next one; that year will say it as well.
    return frozenset(found)


@cache
def _modules() -> dict[str, tuple[str, str]]:
    """Module and class per country code."""
    # Imported late: 8 MB that a process which never asks need not carry.
    from holidays.registry import COUNTRIES

    return {names[1]: (module, names[0]) for module, names in COUNTRIES.items()}


@lru_cache(maxsize=_COUNTRIES_KEPT)
def _country(code: str) -> type[HolidayBase] | None:
    """The package's class for a country.

    Its file is loaded by itself: importing it by name loads all 250 countries, 20 MB in a second.
    """
    if code not in _modules():
        return None
    module_name, class_name = _modules()[code]
    file = files("holidays") / "countries" / f"{module_name}.py"
    with as_file(file) as path:
        spec = spec_from_file_location(f"{__name__}_{module_name}", path)
        assert spec is not None, "a path to a .py file has a specification"
        assert spec.loader is not None, "and a loader"
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    return cast("type[HolidayBase]", getattr(module, class_name))
