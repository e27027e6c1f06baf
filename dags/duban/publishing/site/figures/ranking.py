"""The ranking of a district: its newest day, every day of the campaign before it, and why each township has its rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

import psycopg
from psycopg.rows import class_row, dict_row

from duban.text.display import half_up_pct

# How far back the history of ranks looks on the district's page: two working weeks fit a phone.
HISTORY_DAYS = 10


@dataclass(frozen=True)
class RankingLine:
    """One unit on the newest ranking day, beside its rank of the working day before."""

    township_code: str
    township_name: str
    is_ranked: bool
    is_office: bool  # the line of the departments: problems that belong to no township
    display_order: int
    rank: int | None
    previous_rank: int | None
    assigned_count: int
    rectified_count: int
    open_count: int
    overdue_count: int
    reopened_count: int
    oldest_open_workdays: int
    rectified_pct: Decimal | None
    is_reported: bool

    @property
    def climbed(self) -> int | None:
        """Places gained since the working day before (negative: lost); None when one of the two days has no rank."""
        return None if self.rank is None or self.previous_rank is None else self.previous_rank - self.rank


@dataclass(frozen=True)
class RankingTotal:
    """The district: the sum of all lines, unranked units and the departments included."""

    assigned_count: int
    rectified_count: int
    open_count: int
    overdue_count: int
    reopened_count: int
    oldest_open_workdays: int
    rectified_pct: Decimal | None


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
    def total(self) -> RankingTotal:
        """All lines together."""
        assigned = sum(line.assigned_count for line in self.lines)
        rectified = sum(line.rectified_count for line in self.lines)
        return RankingTotal(
            assigned_count=assigned,
            rectified_count=rectified,
            open_count=sum(line.open_count for line in self.lines),
            overdue_count=sum(line.overdue_count for line in self.lines),
            reopened_count=sum(line.reopened_count for line in self.lines),
            oldest_open_workdays=max((line.oldest_open_workdays for line in self.lines), default=0),
            rectified_pct=half_up_pct(rectified, assigned),
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
    where = conn.cursor(row_factory=dict_row).execute(_DAYS, {"district_code": district_code}).fetchone()
    if where["ranked_on"] is None:
        return None
    where["district_code"] = district_code
    reasons = conn.cursor(row_factory=class_row(RankReason)).execute(_REASONS, where).fetchall()
    units: dict[str, dict[date, UnitDay]] = {}
    for township_code, day_on, *figures in conn.execute(_UNIT_DAYS, where):
        units.setdefault(township_code, {})[day_on] = UnitDay(*figures)
    return Ranking(
        ranked_on=where["ranked_on"],
        first_data_on=where["first_data_on"],
        previous_on=where["previous_on"],
        is_working_day=where["is_working_day"],
        is_provisional=where["is_provisional"],
        rule_code=where["rule_code"],
        rule_wording=where["rule_wording"],
        lines=tuple(conn.cursor(row_factory=class_row(RankingLine)).execute(_LINES, where).fetchall()),
        reasons={reason.township_code: reason for reason in reasons},
        days=tuple(conn.cursor(row_factory=class_row(CampaignDay)).execute(_CAMPAIGN_DAYS, where).fetchall()),
        units=units,
    )


# Days without a gap are one campaign: the marts hold every day of a campaign and none between two.
_DAYS = """
with days as (
    select
        ranked_on,
        min(rule_code) as rule_code,
        sum(assigned_count) as assigned_count,
        ranked_on - (row_number() over (order by ranked_on))::integer as gap_free_from
    from marts.rpt_township_ranking
    where district_code = %(district_code)s
    group by ranked_on
),

newest_campaign as (
    select * from days where gap_free_from = (select max(gap_free_from) from days)
),

spanned as (
    select
        max(ranked_on) as ranked_on,
        min(ranked_on) filter (where assigned_count > 0) as first_data_on
    from newest_campaign
)

select
    spanned.*,
    (select max(date_on) from marts.dim_dates where is_working_day and date_on < spanned.ranked_on) as previous_on,
    (select is_working_day from marts.dim_dates where date_on = spanned.ranked_on) as is_working_day,
    (select is_provisional from marts.dim_dates where date_on = spanned.ranked_on) as is_provisional,
    newest.rule_code,
    (
        select rule.wording
        from marts.dim_ranking_rules as rule
        where
            rule.rule_code = newest.rule_code
            and rule.district_code in (%(district_code)s, '*')
            and newest.ranked_on between rule.effective_from and coalesce(rule.effective_to, 'infinity')
        order by rule.district_code = '*', rule.effective_from desc
        limit 1
    ) as rule_wording
from spanned
left join newest_campaign as newest using (ranked_on)
"""

# Ranked units by rank, then those with no task, then units outside the ranking, the departments last.
_LINES = """
select
    line.township_code,
    line.township_name,
    line.is_ranked,
    line.township_code = line.district_code || '000' as is_office,
    line.display_order,
    line.rank,
    before.rank as previous_rank,
    line.assigned_count,
    line.rectified_count,
    line.open_count,
    line.overdue_count,
    line.reopened_count,
    line.oldest_open_workdays,
    line.rectified_pct,
    line.is_reported
from marts.rpt_township_ranking as line
left join marts.rpt_township_ranking as before
    on before.district_code = line.district_code and before.township_code = line.township_code and before.ranked_on = %(previous_on)s
where line.district_code = %(district_code)s and line.ranked_on = %(ranked_on)s
order by is_office, line.is_ranked desc, line.rank nulls last, line.display_order, line.township_code
"""

_REASONS = """
select
    township_code,
    ahead_township_code,
    deciding_place,
    deciding_indicator,
    own_numerator,
    own_denominator,
    ahead_numerator,
    ahead_denominator,
    closures_needed_count
from marts.rpt_rank_reasons
where district_code = %(district_code)s and ranked_on = %(ranked_on)s
"""

_UNIT_DAYS = """
select
    township_code,
    ranked_on,
    rank,
    rectified_pct,
    assigned_count,
    rectified_count,
    overdue_count,
    reopened_count,
    oldest_open_workdays,
    is_reported
from marts.rpt_township_ranking
where district_code = %(district_code)s and ranked_on between %(first_data_on)s and %(ranked_on)s
"""

# Whoever adds up finds the same: what was open the evening before, with every change, is what is open.
_CAMPAIGN_DAYS = """
with days as (
    select
        day_on,
        sum(assigned_count)::integer as assigned_count,
        sum(open_count)::integer as open_count,
        sum(found_count)::integer as found_count,
        sum(closed_count)::integer as closed_count
    from marts.fct_township_days
    where district_code = %(district_code)s and day_on between %(first_data_on)s and %(ranked_on)s
    group by day_on
),

reopened as (
    select day_on, count(*)::integer as reopened_count
    from marts.fct_problem_changes
    where district_code = %(district_code)s and change = 'reopened'
    group by day_on
)

select
    days.*,
    calendar.is_working_day,
    calendar.holiday_name,
    coalesce(reopened_count, 0) as reopened_count,
    coalesce(
        lag(open_count) over (order by day_on) + found_count + coalesce(reopened_count, 0) - closed_count - open_count, 0
    ) as removed_count
from days
left join reopened using (day_on)
inner join marts.dim_dates as calendar on calendar.date_on = days.day_on
order by day_on
"""
