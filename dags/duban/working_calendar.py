"""The working calendar of years that this version does not know, as an office enters it from the State Council's notice.

Whole years are entered, and replace what was entered for them; `marts.dim_dates` is made of them, and whoever asks
for working days asks there. A file has the columns of `dbt_project/seeds/ref_calendar_exceptions.csv`: a line for every day that is off
(`false`), weekends of the holiday included, and for every weekend day that is worked (`true`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

import psycopg

from duban import warehouse

COLUMNS = ("date_on", "is_working_day", "holiday_name")
#: A notice names every one of them, so a file without one is not the whole of it.
HOLIDAYS = ("元旦", "春节", "清明", "劳动节", "端午", "中秋", "国庆")
_WORDS = {"true": True, "上班": True, "false": False, "放假": False}


class CalendarInvalid(ValueError):
    """The file cannot be a year's notice; the message names line or year."""


def enter(conn: psycopg.Connection, rows: Iterable[Mapping[str, str]], *, this_year: int | None = None) -> Counter[int]:
    """Enter the holidays and make-up days of whole years, in one transaction.

    Args:
        conn: A connection with no transaction open.
        rows: By the names in COLUMNS; days as 2027-01-01, `true` (上班) for a make-up day, `false` (放假) for a holiday.
        this_year: The year to go by instead of the clock of the database.

    Returns:
        How many days of each year were entered.

    Raises:
        CalendarInvalid: a line cannot be read, a make-up day is no weekend, a holiday is missing, or the year is past; nothing is entered.
    """
    days = _read(rows)
    years = Counter(day.year for day in days)
    if this_year is None:
        this_year = conn.execute("select extract(year from now() at time zone 'Asia/Shanghai')::integer").fetchone()[0]
    if not years:
        raise CalendarInvalid("no day is in it")
    for year in sorted(years):
        if year < this_year:
            raise CalendarInvalid(f"{year} is past: what was published counted by its calendar")
        said = " ".join(name for day, (is_working_day, name) in days.items() if day.year == year and not is_working_day)
        if missing := [name for name in HOLIDAYS if name not in said]:
            raise CalendarInvalid(f"{year} has no {'、'.join(missing)}: enter the whole notice of the year")
    warehouse.calendar.replace_years(conn, years, days)
    return years


def _read(rows: Iterable[Mapping[str, str]]) -> dict[date, tuple[bool, str]]:
    days: dict[date, tuple[bool, str]] = {}
    for line, row in enumerate(rows, start=2):
        cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
        if missing := [name for name, cell in cells.items() if not cell]:
            raise CalendarInvalid(f"line {line}: {', '.join(missing)} is missing")
        try:
            day = date.fromisoformat(cells["date_on"])
        except ValueError:
            raise CalendarInvalid(f"line {line}: {cells['date_on']!r} is no day; write it as 2027-01-01") from None
        is_working_day = _WORDS.get(cells["is_working_day"].lower())
        if is_working_day is None:
            raise CalendarInvalid(f"line {line}: is_working_day is true (上班) or false (放假), not {cells['is_working_day']!r}")
        if is_working_day and day.weekday() < 5:
            raise CalendarInvalid(
                f"line {line}: {day} is no weekend, so nobody makes up on it; only days off and worked weekends are listed"
            )
        if day in days:
            raise CalendarInvalid(f"line {line}: {day} stands there twice")
        days[day] = (is_working_day, cells["holiday_name"])
    return days
