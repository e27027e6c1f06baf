"""The calendar seed says what the library says, day by day."""

import csv
from datetime import date

import chinese_calendar

from duban import calendar_seed


def test_seed_file_is_the_one_the_library_gives() -> None:
    assert calendar_seed.SEED_FILE.read_text(encoding="utf-8") == calendar_seed.seed_text()


def test_week_and_exceptions_together_are_the_working_calendar() -> None:
    with calendar_seed.SEED_FILE.open(encoding="utf-8", newline="") as file:
        exceptions = {date.fromisoformat(row["date_on"]): row["is_working_day"] == "true" for row in csv.DictReader(file)}
    days = calendar_seed.known_days()

    assert (days[0], days[-1].month, days[-1].day) == (date(2004, 1, 1), 12, 31)
    assert days[-1].year >= 2026
    assert [day for day in days if exceptions.get(day, day.weekday() < 5) != chinese_calendar.is_workday(day)] == []


def test_dragon_boat_2020_has_its_make_up_sunday() -> None:
    rows = {row[0]: row[1:] for row in calendar_seed.exception_rows()}

    assert {day: rows.get(f"2020-06-{day}") for day in range(24, 30)} == {
        24: None,
        25: ("false", "端午"),
        26: ("false", "端午"),
        27: ("false", "端午"),
        28: ("true", "端午"),
        29: None,
    }
