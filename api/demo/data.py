"""The demo franchise: Quillfeather, five hair studios round the world. Every name in it is invented.

Plain data, and nothing of it depends on the day: schedules speak of weekdays, exceptions of days after the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.location import LocationTerms
from domain.service import Price

BRAND: Final = "Quillfeather Hair Studios"

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri")


@dataclass(frozen=True, slots=True)
class DemoService:
    """A service, and the places that offer it."""

    slug: str
    places: tuple[str, ...]
    name: str
    minutes: int
    interval_minutes: int
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    notice_minutes: int = 60
    window_days: int = 60
    capacity: int = 1
    requires_confirmation: bool = False
    price: Price | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Off:
    """An exception to the weekly hours, `after` days after the first: other hours that day, or none."""

    after: int
    hours: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DemoStaff:
    """Someone who works at a place: weekly hours as (days, from, to), wall time there."""

    place: str
    display_name: str
    name: str
    services: tuple[str, ...]
    weekly: tuple[tuple[tuple[str, ...], str, str], ...]
    exceptions: tuple[Off, ...] = ()


PLACES: Final[dict[str, LocationTerms]] = {
    "portland": LocationTerms(
        name="Quillfeather Portland",
        time_zone="America/New_York",
        country="US",
        subdivision="ME",
        address="12 Invented Wharf, Portland",
        postal_code="00000",
        closed_on_holidays=True,
    ),
    "leeds": LocationTerms(
        name="Quillfeather Leeds",
        time_zone="Europe/London",
        country="GB",
        subdivision="ENG",
        address="3 Nowhere Arcade, Leeds",
        postal_code="LS0 0XX",
    ),
    "pune": LocationTerms(
        name="Quillfeather Pune",
        time_zone="Asia/Kolkata",
        country="IN",
        subdivision="MH",
        address="Plot 0, Imaginary Road, Pune",
        postal_code="000000",
    ),
    "adelaide": LocationTerms(
        name="Quillfeather Adelaide",
        time_zone="Australia/Adelaide",
        country="AU",
        subdivision="SA",
        address="44 Madeup Lane, Adelaide",
        postal_code="0000",
        controller="location",
    ),
    "valparaiso": LocationTerms(
        name="Quillfeather Valparaíso",
        time_zone="America/Santiago",
        country="CL",
        address="Pasaje Inventado 7, Valparaíso",
    ),
}

EVERYWHERE: Final = tuple(PLACES)

SERVICES: Final = (
    DemoService(
        "cut",
        EVERYWHERE,
        "Cut and finish",
        45,
        15,
        buffer_after_minutes=10,
        window_days=370,
        weight=6,
    ),
    DemoService(
        "trim",
        EVERYWHERE,
        "Fringe or beard trim",
        20,
        10,
        buffer_after_minutes=5,
        notice_minutes=30,
        weight=3,
    ),
    DemoService(
        "colour",
        EVERYWHERE,
        "Colour",
        120,
        30,
        buffer_before_minutes=5,
        buffer_after_minutes=15,
        notice_minutes=240,
        window_days=120,
        weight=2,
    ),
    DemoService(
        "wedding",
        ("portland", "leeds", "adelaide"),
        "Wedding consultation",
        60,
        30,
        notice_minutes=1_440,
        window_days=370,
        requires_confirmation=True,
    ),
    DemoService(
        "braiding",
        ("leeds",),
        "Braiding class",
        90,
        90,
        notice_minutes=120,
        capacity=8,
        price=Price(2_800, "GBP"),
        weight=3,
    ),
    DemoService(
        "massage",
        ("pune",),
        "Head massage",
        30,
        15,
        buffer_after_minutes=10,
        price=Price(90_000, "INR"),
        weight=2,
    ),
)

STAFF: Final = (
    DemoStaff(
        "portland",
        "Ines",
        "Ines Nightgarden",
        ("cut", "trim", "colour", "wedding"),
        (
            (("tue", "wed", "thu", "fri"), "09:00", "12:30"),
            (("tue", "wed", "thu", "fri"), "13:30", "18:00"),
        ),
        (Off(9), Off(10)),
    ),
    DemoStaff(
        "portland",
        "Tove",
        "Tove Quickwater",
        ("cut", "colour"),
        ((("mon", "wed", "fri", "sat"), "10:00", "19:00"),),
        (Off(6, (("10:00", "14:00"),)),),
    ),
    DemoStaff(
        "portland",
        "Marl",
        "Marl Saltbottle",
        ("cut", "trim"),
        ((("fri", "sat", "sun", "mon"), "08:30", "16:30"),),
    ),
    DemoStaff(
        "leeds",
        "Odile",
        "Odile Brackenshoe",
        ("cut", "trim", "colour"),
        (((*WEEKDAYS,), "09:00", "13:00"), ((*WEEKDAYS,), "13:45", "17:30")),
        (Off(5), Off(12, (("12:00", "20:00"),))),
    ),
    DemoStaff(
        "leeds",
        "Kit",
        "Kit Lanternfish",
        ("cut", "trim", "wedding"),
        ((("thu", "fri"), "12:00", "21:00"), (("sat", "sun"), "10:00", "18:00")),
    ),
    DemoStaff(
        "leeds",
        "Bryn",
        "Bryn Teakettle",
        ("cut", "colour", "wedding"),
        ((("mon", "tue", "sat"), "09:30", "17:30"),),
        (Off(15, (("09:30", "12:00"), ("14:00", "17:30"))),),
    ),
    DemoStaff(
        "leeds",
        "Wanda",
        "Wanda Ropewalk",
        ("braiding",),
        ((("wed",), "18:00", "19:30"), (("sat",), "10:00", "13:00")),
    ),
    DemoStaff(
        "pune",
        "Asha",
        "Asha Paperkite",
        ("cut", "trim", "colour"),
        ((("mon", "tue", "wed", "thu", "fri", "sat"), "10:00", "18:30"),),
        (Off(8),),
    ),
    DemoStaff(
        "pune",
        "Devan",
        "Devan Mangoleaf",
        ("cut", "trim", "massage"),
        ((("tue", "wed", "thu", "fri", "sat", "sun"), "11:00", "20:00"),),
    ),
    DemoStaff(
        "pune",
        "Mirza",
        "Mirza Copperbell",
        ("massage", "colour"),
        ((("mon", "wed", "fri", "sun"), "09:30", "17:00"),),
        (Off(11, (("13:00", "17:00"),)),),
    ),
    DemoStaff(
        "adelaide",
        "Juno",
        "Juno Saddlebird",
        ("cut", "trim", "colour"),
        ((("mon", "tue", "thu", "fri"), "08:45", "17:15"),),
        (Off(7),),
    ),
    DemoStaff(
        "adelaide",
        "Piet",
        "Piet Windowbox",
        ("cut", "trim"),
        ((("wed", "thu"), "12:00", "21:00"), (("sat", "sun"), "09:00", "16:00")),
    ),
    DemoStaff(
        "adelaide",
        "Sorrel",
        "Sorrel Dunebuggy",
        ("cut", "colour", "wedding"),
        ((("tue", "wed", "fri", "sat", "sun"), "09:15", "17:45"),),
        (Off(4, (("09:15", "13:15"),)), Off(18)),
    ),
    DemoStaff(
        "adelaide",
        "Nell",
        "Nell Harbourlight",
        ("trim", "wedding"),
        ((("thu", "fri", "sat"), "10:00", "18:00"),),
    ),
    DemoStaff(
        "valparaiso",
        "Lautaro",
        "Lautaro Marinegull",
        ("cut", "trim"),
        ((("mon", "tue", "wed", "thu", "fri"), "10:00", "19:00"),),
        (Off(13),),
    ),
    DemoStaff(
        "valparaiso",
        "Emilia",
        "Emilia Funicular",
        ("cut", "colour"),
        ((("tue", "thu", "sat", "sun"), "10:30", "18:30"),),
    ),
    DemoStaff(
        "valparaiso",
        "Rocco",
        "Rocco Stairwell",
        ("cut", "trim", "colour"),
        ((("fri", "sat"), "16:00", "24:00"), (("sun", "mon"), "11:00", "17:00")),
        (Off(16, (("16:00", "01:00"),)),),
    ),
)

GIVEN_NAMES: Final = (
    "Ada Basil Clover Dorrit Emrys Fenna Goran Hesper Ivo Jessamy Kasimir Linnet Mattis "
    "Noor Orla Pascoe Quentin Rohini Sunniva Tamsin"
)
FAMILY_NAMES: Final = (
    "Applecart Brambleton Candlewick Dovetail Eiderdown Foxglove Gingham Hollyhock "
    "Inkwell Jigsaw Kettledrum Lampshade Marzipan Nutmeg Oilcloth Pennywhistle Quiltbox"
)
NOTES: Final = (
    "A quiet chair, please.",
    "Comes with a folding pushchair.",
    "First visit.",
)
