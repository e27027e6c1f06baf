"""The Chinese working calendar as a dbt seed.

Owns `dbt_project/seeds/ref_calendar_exceptions.csv`: every day that does not follow the week (a holiday on a weekday, a
make-up day on a weekend) or that bears the name of a holiday. All other days: Monday to Friday are worked.

The days come from the package `chinesecalendar`, which follows the State Council's yearly notices. Once a new release knows
a further year, run `python -m duban.calendar_seed` and commit the file; a test fails as long as the two differ.
"""

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar

SEED_FILE = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "ref_calendar_exceptions.csv"
FIRST_DAY = date(2004, 1, 1)
COLUMNS = ("date_on", "is_working_day", "holiday_name")


def known_days() -> list[date]:
    """Returns every day the library knows, from its first year to its last."""
    days = []
    day = FIRST_DAY
    while True:
        try:
            chinese_calendar.is_workday(day)
        except NotImplementedError:  # the library raises beyond its last year
            return days
        days.append(day)
        day += timedelta(days=1)


def exception_rows() -> list[tuple[str, str, str]]:
    """Returns the rows of the seed, in order of date.

    The name of a make-up day is that of the holiday it makes up for.
    """
    chinese_names = {holiday.value: holiday.chinese for holiday in chinese_calendar.Holiday}
    rows = []
    for day in known_days():
        is_working_day = chinese_calendar.is_workday(day)
        follows_week = is_working_day == (day.weekday() < 5)
        _, english_name = chinese_calendar.get_holiday_detail(day)
        if follows_week and english_name is None:
            continue
        rows.append((day.isoformat(), str(is_working_day).lower(), chinese_names.get(english_name, "")))
    return rows


def seed_text() -> str:
    """Returns the whole seed file."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(exception_rows())
    return buffer.getvalue()


if __name__ == "__main__":
    SEED_FILE.write_text(seed_text(), encoding="utf-8")
