"""The ranking of a district: its newest day, every day of the campaign before it, and why each township has its rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row, tuple_row

from duban.statements import statement
from duban.text.display import half_up_pct

# How far back the history of ranks looks on the district's page: two working weeks fit a phone.
HISTORY_DAYS = 10


@dataclass(frozen=True, kw_only=True)
class RankingCounts:
    """What is counted of a unit, or of several together."""

    assigned_count: int
    rectified_count: int
    open_count: int
    overdue_count: int
    reopened_count: int
    oldest_open_workdays: int
    rectified_pct: Decimal | None


@dataclass(frozen=True)
class RankingLine(RankingCounts):
    """One unit on the newest ranking day, beside its rank of the working day before."""

    township_code: str
    township_name: str
    is_ranked: bool
    is_office: bool  # the line of the departments: problems that belong to no township
    display_order: int
    rank: int | None
    previous_rank: int | None
    is_reported: bool

    @property
    def climbed(self) -> int | None:
        """Places gained since the working day before (negative: lost); None when one of the two days has no rank."""
        return None if self.rank is None or self.previous_rank is None else self.previous_rank - self.rank


@dataclass(frozen=True)
class RankReason:
    """Who stands directly ahead of a township, which indicator of the rule decided between the two, and what would end that.

    Scores are fractions; a count has the denominator 1, and a unit without a score has none.
    """

    township_code: str
    ahead_township_code: str | None  # None: nobody is ahead
    deciding_place: int | None  # 1: the first ordering key
    deciding_indicator: str | None
    own_numerator: Decimal | None
    own_denominator: Decimal | None
    ahead_numerator: Decimal | None
    ahead_denominator: Decimal | None
    closures_needed_count: int | None  # None: nobody is ahead, or closing alone does not help


@dataclass(frozen=True)
class UnitDay:
    """One unit on one day of the campaign."""

    rank: int | None
    rectified_pct: Decimal | None
    assigned_count: int
    rectified_count: int
    overdue_count: int
    reopened_count: int
    oldest_open_workdays: int
    is_reported: bool


@dataclass(frozen=True)
class CampaignDay:
    """The whole district on one day of the campaign."""

    day_on: date
    is_working_day: bool
    holiday_name: str | None
    assigned_count: int
    open_count: int
    found_count: int
    closed_count: int
    reopened_count: int = 0  # closed the day before and open on this one
    removed_count: int = 0  # open the day before and withdrawn, or not of this campaign any more

    @property
    def rectified_pct(self) -> Decimal | None:
        """Rectified of assigned; the warehouse keeps this rate for townships only."""
        return half_up_pct(self.assigned_count - self.open_count, self.assigned_count)


@dataclass(frozen=True)
class Ranking:
    """The newest ranking day of the newest campaign of a district, and the days of that campaign up to it."""

    ranked_on: date
    first_data_on: date | None  # first day of the campaign on which any problem was assigned; None: no problems yet
    previous_on: date | None  # the working day before, with which ranks are compared
    is_working_day: bool
    rule_code: str | None  # None: no rule is in force on that day
    lines: tuple[RankingLine, ...]
    reasons: dict[str, RankReason]  # by township, of those with a rank
    days: tuple[CampaignDay, ...]  # without a gap from the first day with data to the newest; empty: no problems yet
    units: dict[str, dict[date, UnitDay]]  # by township, on the same days
    rule_wording: str | None = None  # the rule as it is printed
    is_provisional: bool = False  # the holidays of the year are not known: the working calendar of the day is a guess

    @cached_property
    def total(self) -> RankingCounts:
        """The district: all lines together, unranked units and the departments included."""
        names = ("assigned_count", "rectified_count", "open_count", "overdue_count", "reopened_count")
        sums = {name: sum(getattr(line, name) for line in self.lines) for name in names}
        return RankingCounts(
            **sums,
            oldest_open_workdays=max((line.oldest_open_workdays for line in self.lines), default=0),
            rectified_pct=half_up_pct(sums["rectified_count"], sums["assigned_count"]),
        )

    @cached_property
    def ranked_lines(self) -> tuple[RankingLine, ...]:
        """The lines that have a rank."""
        return tuple(line for line in self.lines if line.rank is not None)

    @property
    def has_movement(self) -> bool:
        """Whether the working day before had ranks at all: on the first day everybody would be new, which says nothing."""
        return any(line.previous_rank is not None for line in self.lines)

    @cached_property
    def history_days(self) -> tuple[date, ...]:
        """The newest working days, and the newest day whatever it is."""
        worked = [day.day_on for day in self.days if day.is_working_day or day.day_on == self.ranked_on]
        return tuple(worked[-HISTORY_DAYS:])

    def ranks(self, township_code: str, days: Sequence[date]) -> tuple[int | None, ...]:
        """The ranks of a township on days, None where it had none."""
        of_day = self.units.get(township_code, {})
        return tuple(of_day[day].rank if day in of_day else None for day in days)


def read_ranking(conn: psycopg.Connection, district_code: str) -> Ranking | None:
    """The ranking of a district; None when no campaign has begun."""

    def rows(name: str, row_factory: Any, **more: Any) -> list[Any]:
        asked = {"district_code": district_code, **more}
        return conn.cursor(row_factory=row_factory).execute(statement(__file__, f"ranking_{name}"), asked).fetchall()

    [where] = rows("days", dict_row)
    if where["ranked_on"] is None:
        return None
    units: dict[str, dict[date, UnitDay]] = {}
    for township_code, day_on, *figures in rows("unit_days", tuple_row, **where):
        units.setdefault(township_code, {})[day_on] = UnitDay(*figures)
    return Ranking(
        **where,
        lines=tuple(rows("lines", class_row(RankingLine), **where)),
        reasons={reason.township_code: reason for reason in rows("reasons", class_row(RankReason), **where)},
        days=tuple(rows("campaign_days", class_row(CampaignDay), **where)),
        units=units,
    )
