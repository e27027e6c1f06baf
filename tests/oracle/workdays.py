"""The Chinese working calendar, counted day by day."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar


def is_working_day(day: date) -> bool:
    """Says whether a day is worked in China; Monday to Friday in years the calendar does not know."""
    try:
        return chinese_calendar.is_workday(day)
    except NotImplementedError:
        return day.weekday() < 5


def working_days_between(after: date, through: date) -> int:
    """Counts the working days after ``after`` up to and including ``through``."""
    count = 0
    day = after + timedelta(days=1)
    while day <= through:
        if is_working_day(day):
            count += 1
        day += timedelta(days=1)
    return count
