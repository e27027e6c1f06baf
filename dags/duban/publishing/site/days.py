"""Every day of a campaign as data for the script that shows one of them: whole numbers, so that a script prints and never computes."""

from decimal import Decimal
from typing import Any

from duban.publishing.site.figures.ranking import Ranking, UnitDay

NOTHING = UnitDay(None, None, 0, 0, 0, 0, 0, False)


def day_data(ranking: Ranking) -> dict[str, list[Any]]:
    """The ranking of each day, compact: lists whose places have a meaning, which ``templates/days.js`` knows.

    Returns:
        ``units``: code, whether ranked, whether the departments; in the order in which equal ranks are printed. ``days``: date, whether
        worked, holiday or null, rate of the district, and for each unit rank or null, rate, assigned, rectified, overdue, reopened, age of
        the oldest open problem, whether reported. Rates are whole tenths of a percent, null without a base.
    """
    lines = sorted(ranking.lines, key=lambda line: (line.display_order, line.township_code))
    units = [ranking.units.get(line.township_code, {}) for line in lines]
    return {
        "units": [[line.township_code, int(line.is_ranked), int(line.is_office)] for line in lines],
        "days": [
            [
                day.day_on.isoformat(),
                int(day.is_working_day),
                day.holiday_name,
                _tenths(day.rectified_pct),
                [_figures(unit.get(day.day_on, NOTHING)) for unit in units],
            ]
            for day in ranking.days
        ],
    }


def _figures(of_day: UnitDay) -> tuple[int | None, ...]:
    return (
        of_day.rank,
        _tenths(of_day.rectified_pct),
        of_day.assigned_count,
        of_day.rectified_count,
        of_day.overdue_count,
        of_day.reopened_count,
        of_day.oldest_open_workdays,
        int(of_day.is_reported),
    )


def _tenths(percentage: Decimal | None) -> int | None:
    return None if percentage is None else int(percentage * 10)
