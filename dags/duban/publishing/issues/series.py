"""The series of publications: what each is called, and which period it is about. Source: docs/publications.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Series:
    """A numbered series of a district.

    `name` is the masthead without the district, `kind` what people call it, `word` what follows the word of the office in a 发文字号;
    `period_start` and `period_end` give the first and last day of the period that holds a day; `is_of_a_day` says that changes are
    compared with the day before. Which parts it has, the parts say (`parts/`).
    """

    code: str
    kind: str
    name: str
    word: str
    period_start: Callable[[date], date]
    period_end: Callable[[date], date]
    is_of_a_day: bool = False


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _end_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


DAILY = Series("daily", "日通报", "问题整改日通报", "通报", lambda day: day, lambda day: day, is_of_a_day=True)
WEEKLY = Series("weekly", "周调度", "问题整改和项目资金周调度", "周调", _monday, lambda day: _monday(day) + timedelta(days=6))
MONTHLY = Series("monthly", "月调度", "项目资金月调度", "月调", lambda day: day.replace(day=1), _end_of_month)

SERIES = {series.code: series for series in (DAILY, WEEKLY, MONTHLY)}
