"""A change that would break stored events is refused, however one tries to have it written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.catalogue.changed_copy import Copy

BOOKING, STAFF = "domain/booking.py", "domain/staff.py"


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy of the source as it is."""
    return Copy.make(tmp_path_factory.mktemp("unchanged"))


@pytest.fixture
def copy(unchanged: Copy) -> Iterator[Copy]:
    """The copy to be changed; it is as it was when the test is over."""
    yield unchanged
    unchanged.restore()


def renamed_field(copy: Copy) -> None:
    copy.change(BOOKING, "reason_code: ReasonCode", "why: ReasonCode", "class BookingCancelled")


def removed_type(copy: Copy) -> None:
    copy.change(BOOKING, "    BookingMissed,\n", "", "\nDECISIONS")


def narrowed_codes(copy: Copy) -> None:
    copy.change(BOOKING, ', "weather", "duplicate"', ', "weather"', "ReasonCode = ")


def sealed_made_plain(copy: Copy) -> None:
    sealed = 'Annotated[StaffName | Envelope, Sealed("profile", "subject")] | None = None'
    copy.change(STAFF, sealed, 'Annotated[str, Plain("a name")] | None = None', "StaffEngaged")
    copy.change(STAFF, "from domain.sealing import ", "from domain.sealing import Plain, ")


def other_retention_class(copy: Copy) -> None:
    copy.change(STAFF, 'Sealed("profile"', 'Sealed("support"', "class StaffEngaged")


def withheld_made_plain(copy: Copy) -> None:
    copy.change("domain/access.py", "Annotated[UUID, WithheldUnderGag()]", "UUID")


def retyped_field(copy: Copy) -> None:
    copy.change("domain/ledger.py", "covers: int", "covers: datetime", "class MapCommitted")
    copy.change("domain/ledger.py", "\nfrom typing", "\nfrom datetime import datetime\nfrom typing")


def new_required_field(copy: Copy) -> None:
    copy.change(
        "domain/hold.py", "    hold: UUID\n", "    hold: UUID\n    at: int\n", "HoldReleased"
    )


def personal_value_gone(copy: Copy) -> None:
    copy.change("domain/booking_given.py", "    note: Personal | None\n", "")


CODES = "the field reason_code may not be duplicate any more"
CLASS = "what was stored keeps the class it was stored with"
BREAKING: dict[Callable[[Copy], None], dict[str, str]] = {
    renamed_field: {"booking.cancelled.v1": "the field reason_code is gone or has another name"},
    removed_type: {"booking.missed.v1": " is gone, and events of it are stored"},
    narrowed_codes: {"booking.cancelled.v1": CODES, "booking.declined.v1": CODES},
    sealed_made_plain: {
        "staff.engaged.v1": f"the field name was sealed (profile, of subject) and is plain: {CLASS}"
    },
    other_retention_class: {
        "staff.engaged.v1": "the field name was sealed (profile, of subject) and is sealed (support, of subject)"
    },
    withheld_made_plain: {"access.withheld.v1": "the field tags was withheld and is plain"},
    retyped_field: {
        "ledger.map_committed.v1": "the field covers was integer and is string date-time"
    },
    new_required_field: {"hold.released.v1": "the field at is new and has no default"},
    personal_value_gone: dict.fromkeys(
        ("booking.confirmed.v1", "booking.requested.v1"),
        "the field person.note is gone or has another name",
    ),
}
# Changes that do not touch the same event are made together: each has its line.
TOGETHER = (
    (
        renamed_field,
        removed_type,
        sealed_made_plain,
        withheld_made_plain,
        retyped_field,
        new_required_field,
        personal_value_gone,
    ),
    (narrowed_codes, other_retention_class),
)
FOUR = ((renamed_field, removed_type, sealed_made_plain), (narrowed_codes,))
Breaking = tuple[Callable[[Copy], None], ...]


def broken(copy: Copy, breaking: Breaking) -> dict[str, str]:
    """What is said of every event that the changes break, once they are made."""
    for change in breaking:
        change(copy)
    return {name: what for change in breaking for name, what in BREAKING[change].items()}


def test_the_catalogue_is_as_the_code_has_it(unchanged: Copy) -> None:
    assert unchanged.run_apart() == (0, [])


def test_every_breaking_change_is_made() -> None:
    assert {change for changes in TOGETHER for change in changes} == BREAKING.keys()


@pytest.mark.parametrize("breaking", TOGETHER, ids=("most", "codes_and_class"))
def test_a_breaking_change_is_refused_in_words(copy: Copy, breaking: Breaking) -> None:
    wanted = broken(copy, breaking)
    before = copy.schemas()
    code, lines = copy.run("--write")
    said = {line.split()[0].rstrip(":"): line for line in lines}
    assert code == 1
    assert said.keys() == wanted.keys(), lines
    for name, what in wanted.items():
        assert what in said[name]
        assert f"upcast from {name} to " in said[name], "it says what to do"
        assert "infrastructure/store/upcasts.py" in said[name]
    assert copy.schemas() == before, "nothing is written"


def test_one_breaking_change_alone_is_refused_as_anyone_runs_it(copy: Copy) -> None:
    narrowed_codes(copy)
    code, lines = copy.run_apart("--write")
    assert (code, len(lines)) == (1, 2)


@pytest.mark.parametrize("breaking", FOUR, ids=("three", "codes"))
def test_a_deleted_schema_is_none_the_less_there(copy: Copy, breaking: Breaking) -> None:
    wanted = broken(copy, breaking)
    shutil.rmtree(copy.root / "docs/events")
    shutil.rmtree(copy.root / "tests/golden/events")
    code, lines = copy.run()
    assert code == 1
    assert copy.run("--write") == (code, lines)
    names = {line.split()[0].rstrip(":") for line in lines}
    assert names == wanted.keys()
    assert not (copy.root / "docs/events").exists()


@pytest.mark.parametrize("breaking", FOUR, ids=("three", "codes"))
def test_the_golden_events_tell_where_every_schema_is_lost(copy: Copy, breaking: Breaking) -> None:
    """Not what is narrowed to codes that the golden event has: that is why the schemas are compared too."""
    if narrowed_codes in breaking:
        copy.change(BOOKING, '"customer_request", ', "", "ReasonCode = ")
    wanted = broken(copy, breaking)
    shutil.rmtree(copy.root / "docs/events")
    copy.hide_git()
    code, lines = copy.run("--write")
    assert code == 1
    told = {line.split()[0].rstrip(":"): line for line in lines}
    assert told.keys() == wanted.keys()
    for name, line in told.items():
        assert "its golden event does not fit: " in line or f"{name} is gone" in line
        assert f"upcast from {name} to " in line


def test_a_schema_that_was_committed_anew_is_seen_against_an_older_commit(copy: Copy) -> None:
    narrowed_codes(copy)
    for name in ("booking.cancelled.v1", "booking.declined.v1"):
        path = copy.root / f"docs/events/{name}.json"
        schema = json.loads(path.read_text())
        schema["properties"]["reason_code"]["enum"].remove("duplicate")
        path.write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n")
    copy.change("docs/events.md", "`weather`, `duplicate`", "`weather`", "### booking.cancelled.v1")
    copy.change("docs/events.md", "`weather`, `duplicate`", "`weather`", "### booking.declined.v1")
    code, lines = copy.run()
    assert code == 1
    assert len(lines) == 2, "the last commit has them as they were"
    copy.commit()
    assert copy.run() == (0, [])
    code, again = copy.run("--against", "HEAD~1")
    assert (code, again) == (1, lines)
    assert copy.run("--against", "nowhere")[0] == 2


def test_an_optional_field_and_one_code_more_may_come(copy: Copy) -> None:
    copy.change(BOOKING, '"other"', '"other", "illness"', "ReasonCode = ")
    field = "    subject: UUID\n\n\n"
    copy.change(
        BOOKING,
        field,
        f"{field.rstrip()}\n    minutes_late: int | None = None\n\n\n",
        "BookingMissed",
    )
    code, lines = copy.run()
    names = ("cancelled", "declined", "missed")
    files = [f"docs/events/booking.{name}.v1.json" for name in names]
    command = "python -m tools.event_catalogue --write"
    assert code == 1
    assert lines == [
        f"{file} is stale: {command}" for file in ("docs/events.md", *files)
    ] or lines == [f"{file} is stale: {command}" for file in (*files, "docs/events.md")]
    assert copy.run("--write") == (0, [])
    assert copy.run() == (0, [])
    assert copy.run("--write", tool="tools.golden_events") == (0, []), "the old event still reads"


def test_a_new_version_with_an_upcast_takes_the_place_of_the_old(copy: Copy) -> None:
    copy.change(BOOKING, "booking.missed.v1", "booking.missed.v2")
    assert copy.run("--write")[0] == 1
    upcast = 'UPCASTS: Final[Mapping[str, Upcast]] = {"booking.missed.v1": Upcast("booking.missed.v2", dict)}'
    path = "infrastructure/store/upcasts.py"
    copy.change(path, "UPCASTS: Final[Mapping[str, Upcast]] = {}", upcast)
    old = copy.schemas()["booking.missed.v1.json"]
    assert copy.run("--write") == (0, [])
    assert copy.schemas()["booking.missed.v1.json"] == old
    assert "booking.missed.v2.json" in copy.schemas()
    assert "Retired: it reads as `booking.missed.v2`." in (copy.root / "docs/events.md").read_text()
    (copy.root / "docs/events/booking.missed.v1.json").unlink()
    assert copy.run() == (
        1,
        ["docs/events/booking.missed.v1.json is stale: python -m tools.event_catalogue --write"],
    )
    assert copy.run("--write") == (0, [])
    assert copy.schemas()["booking.missed.v1.json"] == old
    copy.change(path, 'Upcast("booking.missed.v2"', 'Upcast("booking.never.v1"')
    assert copy.run()[1][0].startswith("booking.missed.v1 is gone")


NEW = '''
@dataclass(frozen=True, slots=True)
class BookingPraised:
    """The customer was content."""

    TYPE: ClassVar[str] = "booking.praised.v1"

    stars: int


DECISIONS: Final = (
    BookingPraised,
'''


def test_a_type_that_nobody_emits_fails(copy: Copy) -> None:
    copy.change(BOOKING, "\nDECISIONS: Final = (\n", NEW)
    code, lines = copy.run("--write")
    assert code == 1
    assert lines[0].startswith("booking.praised.v1: no use case makes it.")
    assert "booking.praised.v1.json" not in copy.schemas()


def test_only_a_type_without_a_golden_event_may_be_remade(copy: Copy) -> None:
    copy.change(BOOKING, "\nDECISIONS: Final = (\n", NEW)
    course = copy.root / "application/booking/booking_course.py"
    course.write_text(
        f"{course.read_text()}\n\ndef praise(stars: int) -> object:\n"
        "    from domain.booking import BookingPraised\n\n    return BookingPraised(stars)\n"
    )
    assert copy.run("--write") == (0, [])
    copy.commit()
    copy.change(BOOKING, "stars: int", "points: int")
    remake = ("--write", "--allow-unreleased", "booking.praised.v1")
    assert copy.run("--write")[0] == 1, "not by itself"
    assert copy.run(*remake) == (0, [])
    assert copy.run("--write", tool="tools.golden_events") == (0, [])
    copy.change(BOOKING, "points: int", "stars: int")
    code, lines = copy.run(*remake)
    assert code == 1
    assert lines[0].startswith("booking.praised.v1 may not be remade: it has a golden event")
    renamed_field(copy)
    (copy.root / "tests/golden/events/booking.cancelled.v1.json").unlink()
    code, lines = copy.run("--write", "--allow-unreleased", "booking.cancelled.v1")
    assert code == 1
    assert lines[0].startswith("booking.cancelled.v1 may not be remade"), "the last commit has it"


def test_a_file_that_is_edited_by_hand_is_stale(copy: Copy) -> None:
    copy.change("docs/events.md", "| `booking` | id | plain |", "| `booking` | id | sealed |")
    copy.change("docs/events/hold.placed.v1.json", '"date-time"', '"date"')
    (copy.root / "docs/events/notes.txt").write_text("mine")
    code, lines = copy.run()
    assert code == 1
    stale = {line.split()[0] for line in lines if " is stale: " in line}
    assert stale == {
        f"docs/{it}" for it in ("events.md", "events/hold.placed.v1.json", "events/notes.txt")
    }


def test_wrong_use_is_told_apart(unchanged: Copy) -> None:
    assert unchanged.run("--allow-unreleased", "booking.missed.v1")[0] == 2
    assert unchanged.run("--write", "--check")[0] == 2
