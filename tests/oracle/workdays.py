"""The Chinese working calendar, counted day by day."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar

# 全国年节及纪念日放假办法 (2024): days of the Gregorian calendar on which everybody is off
OFF_BY_LAW = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}


def is_working_day(day: date) -> bool:
    """Says whether a day is worked in China; in years the calendar does not know Monday to Friday, but for what the law fixes."""
    try:
        return chinese_calendar.is_workday(day)
    except NotImplementedError:
        return day.weekday() < 5 and (day.month, day.day) not in OFF_BY_LAW


def working_days_between(after: date, through: date) -> int:
    """Counts the working days after ``after`` up to and including ``through``."""
    count = 0
    day = after + timedelta(days=1)
    while day <= through:
        if is_working_day(day):
            count += 1
        day += timedelta(days=1)
    return count
