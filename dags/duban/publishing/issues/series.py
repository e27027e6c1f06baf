"""The series of publications: what each is called, which period it is about, and what it is made from. Source: docs/rules.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Series:
    """A numbered series of a district.

    `name` is the masthead without the district, `kind` what people call it. What is frozen besides ranking, problems, visits and files:
    supervision coverage and findings of the files (`is_of_a_day`), projects and funds (`has_projects`), key targets (`has_targets`).
    """

    code: str
    kind: str
    name: str
    period_start: Callable[[date], date]
    is_of_a_day: bool = False
    has_projects: bool = False
    has_targets: bool = False


DAILY = Series("daily", "日通报", "问题整改日通报", lambda day: day, is_of_a_day=True)
WEEKLY = Series("weekly", "周调度", "问题整改和项目资金周调度", lambda day: day - timedelta(days=day.weekday()), has_projects=True)
MONTHLY = Series("monthly", "月调度", "项目资金月调度", lambda day: day.replace(day=1), has_projects=True, has_targets=True)

SERIES = {series.code: series for series in (DAILY, WEEKLY, MONTHLY)}
