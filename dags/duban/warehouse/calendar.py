"""The working calendar as an office entered it: the table `raw.calendar_days`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

import psycopg


def replace_years(conn: psycopg.Connection, years: Collection[int], days: Mapping[date, tuple[bool, str]]) -> None:
    """Let these be the days of whole years: whether each is worked, and the name of its holiday."""
    with conn.transaction(), conn.cursor() as cur:
        cur.execute("delete from raw.calendar_days where extract(year from date_on) = any(%s)", [list(years)])
        cur.executemany(
            "insert into raw.calendar_days (date_on, is_working_day, holiday_name) values (%s, %s, %s)",
            [(day, is_working_day, name) for day, (is_working_day, name) in days.items()],
        )
