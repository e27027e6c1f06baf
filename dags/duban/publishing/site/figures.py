"""The figures of the live ranking page, read from the marts.

The only place of the page that speaks SQL. Every query reads ``marts``, but for the one that asks ``ops.builds`` how old they are;
nothing is computed here that the warehouse already holds. What the warehouse does not print (totals over lines, rates of totals) is
computed from the very lines shown, so that a total always equals the sum above it. Amounts are in yuan, percentages carry one decimal
and are rounded half up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import psycopg
from psycopg.rows import class_row, dict_row, scalar_row

from duban.publishing.display import half_up_pct

# How far back the history of ranks looks: two working weeks fit a phone.
HISTORY_DAYS = 10
# The newest report dates whose files are counted under data quality.
QUALITY_DAYS = 6


@dataclass(frozen=True)
class District:
    """A registered district and how recent its accepted data is."""

    district_code: str
    district_name: str
    data_label: str | None  # set when the figures are made up; printed wherever they are shown
    file_count: int
    received_at: datetime | None  # newest accepted file; None: nothing accepted so far
    report_on: date | None


@dataclass(frozen=True)
class RankingLine:
    """One unit on the newest ranking day, beside its rank of the working day before."""

    township_code: str
    township_name: str
    is_ranked: bool
    is_office: bool  # the line of the departments: problems that belong to no township
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
class RankHistory:
    """The ranks of one township on ``Ranking.history_days``, None where it had none."""

    township_name: str
    ranks: tuple[int | None, ...]


@dataclass(frozen=True)
class Ranking:
    """The newest ranking day of the newest campaign of a district."""

    ranked_on: date
    first_data_on: date | None  # first day of the campaign on which any problem was assigned; None: no problems yet
    previous_on: date | None  # the working day before, with which ranks are compared
    is_working_day: bool
    rule_code: str | None  # None: no rule is in force on that day
    lines: tuple[RankingLine, ...]
    total: RankingTotal
    history_days: tuple[date, ...]
    histories: tuple[RankHistory, ...]

    @property
    def has_movement(self) -> bool:
        """Whether the working day before had ranks at all: on the first day everybody would be new, which says nothing."""
        return any(line.previous_rank is not None for line in self.lines)


@dataclass(frozen=True)
class TrendDay:
    """The whole district on one day of the campaign."""

    day_on: date
    is_working_day: bool
    holiday_name: str | None
    open_count: int
    found_count: int
    closed_count: int


@dataclass(frozen=True)
class FundTier:
    """Funds of one tier (or of all) up to a day. Rates are of the amount received."""

    tier: str
    received_yuan: Decimal
    allocated_yuan: Decimal
    disbursed_yuan: Decimal
    spent_yuan: Decimal
    allocated_pct: Decimal | None
    spent_pct: Decimal | None

    @property
    def disbursed_pct(self) -> Decimal | None:
        """Disbursed as a share of received; the warehouse does not keep this one."""
        return half_up_pct(self.disbursed_yuan, self.received_yuan)

    @property
    def unallocated_yuan(self) -> Decimal:
        """What has been received and not been allocated; negative when more was allocated than received."""
        return self.received_yuan - self.allocated_yuan


@dataclass(frozen=True)
class FundYear:
    """The funds of one fund year, by tier."""

    fund_year: int
    day_on: date
    tiers: tuple[FundTier, ...]

    @property
    def total(self) -> FundTier:
        """All tiers together."""
        received, allocated, disbursed, spent = (
            sum((getattr(tier, column) for tier in self.tiers), Decimal(0))
            for column in ("received_yuan", "allocated_yuan", "disbursed_yuan", "spent_yuan")
        )
        return FundTier("合计", received, allocated, disbursed, spent, half_up_pct(allocated, received), half_up_pct(spent, received))

    @property
    def worst(self) -> FundTier | None:
        """The tier with the lowest allocation rate, by exact ratio (shared: the larger unallocated amount); None when all is allocated."""
        behind = [tier for tier in self.tiers if tier.received_yuan > 0 and tier.unallocated_yuan > 0]
        return min(behind, key=lambda tier: (tier.allocated_yuan / tier.received_yuan, -tier.unallocated_yuan), default=None)


@dataclass(frozen=True)
class WaitingProject:
    """A project that has not been started."""

    project_no: str
    project_name: str
    category: str
    township_name: str
    place: str | None
    planned_yuan: Decimal
    planned_start_on: date | None


@dataclass(frozen=True)
class Projects:
    """The projects of a district by stage, as known now."""

    not_started_count: int
    started_count: int
    finished_count: int
    accepted_count: int
    waiting: tuple[WaitingProject, ...]

    @property
    def total_count(self) -> int:
        """All projects."""
        return self.not_started_count + self.begun_count

    @property
    def begun_count(self) -> int:
        """Projects that were started, whatever became of them since."""
        return self.started_count + self.finished_count + self.accepted_count

    @property
    def begun_pct(self) -> Decimal | None:
        """The rate of projects started."""
        return half_up_pct(self.begun_count, self.total_count)


@dataclass(frozen=True)
class QualityDay:
    """What became of the files of one report date; None: files whose report date could not be told."""

    report_on: date | None
    accepted_files: int
    partly_files: int
    rejected_files: int
    duplicate_files: int
    row_count: int
    rejected_rows: int


@dataclass(frozen=True)
class BrokenRule:
    """A rule and how much of the files of the shown report dates was sent back by it."""

    rule_id: str
    ledger: str  # empty for a rule over the whole file
    reason: str  # as the clerks read it; the most frequent wording, where a rule has several
    file_count: int
    row_count: int  # 0 for a rule over the whole file


@dataclass(frozen=True)
class Quality:
    """Outcomes of the files of the newest report dates."""

    days: tuple[QualityDay, ...]
    rules: tuple[BrokenRule, ...]


@dataclass(frozen=True)
class DistrictFigures:
    """Everything the page of a district shows."""

    district: District
    ranking: Ranking | None  # None: no campaign has begun
    trend: tuple[TrendDay, ...]
    fund_years: tuple[FundYear, ...]  # newest first
    projects: Projects
    quality: Quality

    @property
    def has_problems(self) -> bool:
        """Whether there is anything to rank."""
        return self.ranking is not None and self.ranking.first_data_on is not None


@dataclass(frozen=True)
class Build:
    """The build of the marts that the figures come from, and the newest one since that failed."""

    built_at: datetime | None
    failed_at: datetime | None


@dataclass(frozen=True)
class Figures:
    """All districts at one moment."""

    read_at: datetime
    build: Build
    file_count: int  # files taken of any district, whatever became of them
    districts: tuple[DistrictFigures, ...]  # those with accepted data, by code


def read_figures(conn: psycopg.Connection) -> Figures:
    """Read everything the pages show from one snapshot of the marts.

    Args:
        conn: A connection with no transaction open; the session only needs to be allowed to read ``marts`` and ``ops.builds``.

    Returns:
        The figures of all districts that have accepted data.

    Raises:
        psycopg.Error: The marts have not been built, or a transaction is already open.
    """
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        read_at = conn.cursor(row_factory=scalar_row).execute("select transaction_timestamp()").fetchone()
        districts = conn.cursor(row_factory=class_row(District)).execute(DISTRICTS).fetchall()
        return Figures(
            read_at=read_at,
            build=conn.cursor(row_factory=class_row(Build)).execute(BUILD).fetchone(),
            file_count=sum(district.file_count for district in districts),
            districts=tuple(_district_figures(conn, district) for district in districts if district.received_at is not None),
        )


def _district_figures(conn: psycopg.Connection, district: District) -> DistrictFigures:
    ranking = _ranking(conn, district.district_code)
    return DistrictFigures(
        district=district,
        ranking=ranking,
        trend=_trend(conn, district.district_code, ranking) if ranking else (),
        fund_years=_fund_years(conn, district.district_code),
        projects=_projects(conn, district.district_code),
        quality=_quality(conn, district.district_code),
    )


def _ranking(conn: psycopg.Connection, district_code: str) -> Ranking | None:
    days = conn.cursor(row_factory=dict_row).execute(RANKING_DAYS, {"district_code": district_code}).fetchone()
    if days["ranked_on"] is None:
        return None
    where = {"district_code": district_code, **days}
    lines = tuple(conn.cursor(row_factory=class_row(RankingLine)).execute(RANKING_LINES, where).fetchall())
    history_days, histories = _rank_history(conn, where, lines)
    return Ranking(**days, lines=lines, total=_total(lines), history_days=history_days, histories=histories)


def _total(lines: Sequence[RankingLine]) -> RankingTotal:
    assigned = sum(line.assigned_count for line in lines)
    rectified = sum(line.rectified_count for line in lines)
    return RankingTotal(
        assigned_count=assigned,
        rectified_count=rectified,
        open_count=sum(line.open_count for line in lines),
        overdue_count=sum(line.overdue_count for line in lines),
        reopened_count=sum(line.reopened_count for line in lines),
        oldest_open_workdays=max((line.oldest_open_workdays for line in lines), default=0),
        rectified_pct=half_up_pct(rectified, assigned),
    )


def _rank_history(
    conn: psycopg.Connection, where: dict[str, object], lines: Sequence[RankingLine]
) -> tuple[tuple[date, ...], tuple[RankHistory, ...]]:
    ranks = conn.execute(RANK_HISTORY, {**where, "history_days": HISTORY_DAYS}).fetchall()
    rank_of = {(ranked_on, township_code): rank for ranked_on, township_code, rank in ranks}
    days = tuple(sorted({ranked_on for ranked_on, _, _ in ranks}))
    histories = tuple(
        RankHistory(line.township_name, tuple(rank_of.get((day, line.township_code)) for day in days)) for line in lines if line.is_ranked
    )
    return days, histories


def _trend(conn: psycopg.Connection, district_code: str, ranking: Ranking) -> tuple[TrendDay, ...]:
    if ranking.first_data_on is None:
        return ()
    where = {"district_code": district_code, "first_on": ranking.first_data_on, "last_on": ranking.ranked_on}
    return tuple(conn.cursor(row_factory=class_row(TrendDay)).execute(TREND, where).fetchall())


def _fund_years(conn: psycopg.Connection, district_code: str) -> tuple[FundYear, ...]:
    tiers: dict[tuple[int, date], list[FundTier]] = {}
    for fund_year, day_on, *tier in conn.execute(FUND_TIERS, {"district_code": district_code}):
        tiers.setdefault((fund_year, day_on), []).append(FundTier(*tier))
    return tuple(FundYear(fund_year, day_on, tuple(found)) for (fund_year, day_on), found in tiers.items())


def _projects(conn: psycopg.Connection, district_code: str) -> Projects:
    where = {"district_code": district_code}
    counts = conn.cursor(row_factory=dict_row).execute(PROJECT_STAGES, where).fetchone()
    waiting = conn.cursor(row_factory=class_row(WaitingProject)).execute(WAITING_PROJECTS, where).fetchall()
    return Projects(**counts, waiting=tuple(waiting))


def _quality(conn: psycopg.Connection, district_code: str) -> Quality:
    where = {"district_code": district_code, "quality_days": QUALITY_DAYS}
    return Quality(
        days=tuple(conn.cursor(row_factory=class_row(QualityDay)).execute(QUALITY_BY_DAY, where).fetchall()),
        rules=tuple(conn.cursor(row_factory=class_row(BrokenRule)).execute(BROKEN_RULES, where).fetchall()),
    )


BUILD = """
with good as (
    select * from ops.builds where is_success order by build_id desc limit 1
)

select
    (select finished_at from good) as built_at,
    (
        select max(finished_at) from ops.builds
        where not is_success and build_id > (select build_id from good)
    ) as failed_at
"""

DISTRICTS = """
select
    district.district_code,
    district.district_name,
    district.data_label,
    count(file.submission_id) as file_count,
    max(file.received_at) filter (where file.outcome in ('accepted', 'accepted_with_rejections')) as received_at,
    max(file.report_on) filter (where file.outcome in ('accepted', 'accepted_with_rejections')) as report_on
from marts.dim_districts as district
left join marts.fct_submissions as file
    on file.district_code = district.district_code and file.outcome <> 'duplicate'
group by district.district_code, district.district_name, district.data_label
order by district.district_code
"""

# Days without a gap are one campaign: the marts hold every day of a campaign and none between two.
RANKING_DAYS = """
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
    (select rule_code from newest_campaign where newest_campaign.ranked_on = spanned.ranked_on) as rule_code
from spanned
"""

# Ranked units by rank, then those with no task, then units outside the ranking, the departments last.
RANKING_LINES = """
select
    line.township_code,
    line.township_name,
    line.is_ranked,
    line.township_code = line.district_code || '000' as is_office,
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
inner join marts.dim_townships as township
    on township.township_code = line.township_code
left join marts.rpt_township_ranking as before
    on before.township_code = line.township_code and before.ranked_on = %(previous_on)s
where line.district_code = %(district_code)s and line.ranked_on = %(ranked_on)s
order by is_office, line.is_ranked desc, line.rank nulls last, township.display_order, line.township_code
"""

RANK_HISTORY = """
with shown as (
    select date_on
    from marts.dim_dates
    where date_on between %(first_data_on)s and %(ranked_on)s and (is_working_day or date_on = %(ranked_on)s)
    order by date_on desc
    limit %(history_days)s
)

select line.ranked_on, line.township_code, line.rank
from marts.rpt_township_ranking as line
inner join shown on shown.date_on = line.ranked_on
where line.district_code = %(district_code)s
"""

TREND = """
select
    township_day.day_on,
    calendar.is_working_day,
    calendar.holiday_name,
    sum(township_day.open_count)::integer as open_count,
    sum(township_day.found_count)::integer as found_count,
    sum(township_day.closed_count)::integer as closed_count
from marts.fct_township_days as township_day
inner join marts.dim_dates as calendar on calendar.date_on = township_day.day_on
where township_day.district_code = %(district_code)s and township_day.day_on between %(first_on)s and %(last_on)s
group by township_day.day_on, calendar.is_working_day, calendar.holiday_name
order by township_day.day_on
"""

# The lines of a year's newest day hold every tier that ever moved.
FUND_TIERS = """
with newest as (
    select fund_year, max(day_on) as day_on
    from marts.rpt_fund_tiers
    where district_code = %(district_code)s
    group by fund_year
)

select
    fund_year,
    day_on,
    fund.tier,
    fund.received_yuan,
    fund.allocated_yuan,
    fund.disbursed_yuan,
    fund.spent_yuan,
    fund.allocated_pct,
    fund.spent_pct
from marts.rpt_fund_tiers as fund
inner join newest using (fund_year, day_on)
where fund.district_code = %(district_code)s
order by fund_year desc, array_position(array['中央', '省级', '市级', '区级', '其他'], fund.tier::text), fund.tier
"""

PROJECT_STAGES = """
select
    count(*) filter (where stage = 'not_started') as not_started_count,
    count(*) filter (where stage = 'started') as started_count,
    count(*) filter (where stage = 'finished') as finished_count,
    count(*) filter (where stage = 'accepted') as accepted_count
from marts.fct_projects
where district_code = %(district_code)s
"""

# The one that should have begun first comes first.
WAITING_PROJECTS = """
select
    project.project_no,
    project.project_name,
    project.category,
    township.township_name,
    project.place,
    project.planned_yuan,
    project.planned_start_on
from marts.fct_projects as project
inner join marts.dim_townships as township on township.township_code = project.township_code
where project.district_code = %(district_code)s and project.stage = 'not_started'
order by project.planned_start_on nulls last, township.display_order, project.project_no
"""

# Files without a report date (unreadable, or two dates in one) have a line of their own below the dated ones.
QUALITY_BY_DAY = """
with newest as (
    select distinct report_on
    from marts.fct_submissions
    where district_code = %(district_code)s and report_on is not null
    order by report_on desc
    limit %(quality_days)s
)

select
    report_on,
    count(*) filter (where outcome = 'accepted') as accepted_files,
    count(*) filter (where outcome = 'accepted_with_rejections') as partly_files,
    count(*) filter (where outcome = 'rejected') as rejected_files,
    count(*) filter (where outcome = 'duplicate') as duplicate_files,
    coalesce(sum(row_count), 0)::integer as row_count,
    coalesce(sum(rejected_count), 0)::integer as rejected_rows
from marts.fct_submissions
where district_code = %(district_code)s and (report_on is null or report_on in (select report_on from newest))
group by report_on
order by report_on desc nulls last
"""

# A row is counted once for a rule, however many of its columns the rule names.
BROKEN_RULES = """
with newest as (
    select distinct report_on
    from marts.fct_submissions
    where district_code = %(district_code)s and report_on is not null
    order by report_on desc
    limit %(quality_days)s
)

select
    rejected.rule_id,
    rejected.ledger,
    mode() within group (order by rejected.reason) as reason,
    count(distinct rejected.submission_id) as file_count,
    count(distinct (rejected.submission_id, rejected.sheet, rejected.row_no)) filter (where rejected.row_no is not null) as row_count
from marts.fct_rejected_rows as rejected
inner join marts.fct_submissions as file on file.submission_id = rejected.submission_id
where
    file.district_code = %(district_code)s
    and (file.report_on is null or file.report_on in (select report_on from newest))
group by rejected.rule_id, rejected.ledger
order by row_count desc, file_count desc, rejected.rule_id, rejected.ledger
"""
