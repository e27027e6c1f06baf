"""How well ledgers are filled in (操作失误): what became of files and rows. Nothing here is a problem of the field, and nothing ranks."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import psycopg
from psycopg.rows import class_row

from duban.text.display import half_up_pct

# The newest report dates whose files are counted: on the page of its own, and on the district's page.
QUALITY_DAYS = 30
SUMMARY_DAYS = 6
# Files of one unit that its page lists.
UNIT_FILES = 8


@dataclass(frozen=True)
class Outcomes:
    """What became of some files and of their rows."""

    accepted_files: int
    partly_files: int
    rejected_files: int
    duplicate_files: int
    judged_rows: int  # accepted or sent back: totals, notes and what a slip leaves aside are no base of a rate
    rejected_rows: int

    @property
    def file_count(self) -> int:
        """All files."""
        return self.accepted_files + self.partly_files + self.rejected_files + self.duplicate_files

    @property
    def rejected_pct(self) -> Decimal | None:
        """Rows sent back of all rows judged."""
        return half_up_pct(self.rejected_rows, self.judged_rows)


@dataclass(frozen=True)
class QualityDay(Outcomes):
    """The files of one report date; None: files whose report date could not be told."""

    report_on: date | None


@dataclass(frozen=True)
class QualityUnit(Outcomes):
    """The files of one sender."""

    unit_code: str
    unit_name: str
    has_page: bool  # a township; groups and the office as a sender have no page


@dataclass(frozen=True)
class BrokenRule:
    """A rule and how much of the files was sent back by it."""

    rule_id: str
    ledger: str  # empty for a rule over the whole file
    reason: str  # as the clerks read it; the most frequent wording, where a rule has several
    file_count: int
    row_count: int  # 0 for a rule over the whole file
    received_at: datetime  # of the newest such file


@dataclass(frozen=True)
class Clash:
    """A number that two units use (W33), and which they are."""

    day_on: date
    text: str
    unit_codes: tuple[str, ...]


@dataclass(frozen=True)
class Quality:
    """Outcomes of the files of the newest report dates."""

    days: tuple[QualityDay, ...]  # newest first; those without a date last
    units: tuple[QualityUnit, ...]
    rules: tuple[BrokenRule, ...]

    @property
    def summary(self) -> tuple[QualityDay, ...]:
        """The newest days alone."""
        dated = [day for day in self.days if day.report_on is not None]
        return (*dated[:SUMMARY_DAYS], *(day for day in self.days if day.report_on is None))

    @property
    def total(self) -> Outcomes:
        """All files together."""
        names = ("accepted_files", "partly_files", "rejected_files", "duplicate_files", "judged_rows", "rejected_rows")
        return Outcomes(*(sum(getattr(day, name) for day in self.days) for name in names))


@dataclass(frozen=True)
class SentFile:
    """A file that a unit sent."""

    unit_code: str
    file_name: str
    received_at: datetime
    report_on: date | None
    outcome: str
    judged_count: int
    rejected_count: int


def read_quality(conn: psycopg.Connection, district_code: str) -> Quality:
    """Outcomes by day, unit and rule."""
    where = {"district_code": district_code, "quality_days": QUALITY_DAYS}
    return Quality(
        days=tuple(conn.cursor(row_factory=class_row(QualityDay)).execute(_BY_DAY, where).fetchall()),
        units=tuple(conn.cursor(row_factory=class_row(QualityUnit)).execute(_BY_UNIT, where).fetchall()),
        rules=tuple(conn.cursor(row_factory=class_row(BrokenRule)).execute(_BY_RULE, where).fetchall()),
    )


def read_clashes(conn: psycopg.Connection, district_code: str) -> tuple[Clash, ...]:
    """Numbers that two units use, newest first: for both of them to see, whoever else gets their page."""
    found = conn.execute(_CLASHES, {"district_code": district_code, "quality_days": QUALITY_DAYS})
    return tuple(Clash(day_on, text, tuple(unit_codes)) for day_on, text, unit_codes in found)


def read_sent_files(conn: psycopg.Connection, district_code: str) -> dict[str, tuple[SentFile, ...]]:
    """The newest files of each township and of the office, by unit."""
    files: dict[str, list[SentFile]] = {}
    where = {"district_code": district_code, "unit_files": UNIT_FILES}
    for file in conn.cursor(row_factory=class_row(SentFile)).execute(_SENT_FILES, where):
        files.setdefault(file.unit_code, []).append(file)
    return {unit_code: tuple(sent) for unit_code, sent in files.items()}


# Files without a report date (unreadable, or two dates in one) are counted with the newest ones.
_FILES = """
with newest as (
    select distinct report_on
    from marts.fct_submissions
    where district_code = %(district_code)s and report_on is not null
    order by report_on desc
    limit %(quality_days)s
),

files as (
    select *
    from marts.fct_submissions
    where district_code = %(district_code)s and (report_on is null or report_on in (select report_on from newest))
)
"""

_OUTCOMES = """
    count(*) filter (where outcome = 'accepted') as accepted_files,
    count(*) filter (where outcome = 'accepted_with_rejections') as partly_files,
    count(*) filter (where outcome = 'rejected') as rejected_files,
    count(*) filter (where outcome = 'duplicate') as duplicate_files,
    coalesce(sum(accepted_count + rejected_count), 0)::integer as judged_rows,
    coalesce(sum(rejected_count), 0)::integer as rejected_rows
"""

_BY_DAY = f"""
{_FILES}

select report_on, {_OUTCOMES}
from files
group by report_on
order by report_on desc nulls last
"""

# Townships in their order, then the office, then the groups.
_BY_UNIT = f"""
{_FILES}

select
    files.unit_code,
    unit.unit_name,
    township.township_code is not null and unit.unit_kind = 'township' as has_page,
    {_OUTCOMES}
from files
inner join raw.units as unit on unit.unit_code = files.unit_code
left join marts.dim_townships as township on township.township_code = files.unit_code
group by files.unit_code, unit.unit_name, unit.unit_kind, township.township_code, township.display_order
order by township.display_order nulls last, files.unit_code
"""

# A row is counted once for a rule, however many of its columns the rule names.
_BY_RULE = f"""
{_FILES}

select
    rejected.rule_id,
    rejected.ledger,
    mode() within group (order by rejected.reason) as reason,
    count(distinct rejected.submission_id) as file_count,
    count(distinct (rejected.submission_id, rejected.sheet, rejected.row_no)) filter (where rejected.row_no is not null) as row_count,
    max(files.received_at) as received_at
from marts.fct_rejected_rows as rejected
inner join files on files.submission_id = rejected.submission_id
group by rejected.rule_id, rejected.ledger
order by row_count desc, file_count desc, rejected.rule_id, rejected.ledger
"""

# One line for both units, however often it was sent; none once the office handed the number over.
_CLASHES = f"""
{_FILES}

select max(finding.day_on) as day_on, finding.text, array_agg(distinct finding.township_code) as unit_codes
from marts.fct_findings as finding
inner join files on files.submission_id = finding.submission_id
where
    finding.rule_id = 'W33'
    and not exists (
        select from marts.fct_problems as problem
        where
            problem.district_code = finding.district_code
            and problem.problem_no = finding.subject
            and problem.township_code = files.unit_code
    )
    and not exists (
        select from marts.fct_projects as project
        where
            project.district_code = finding.district_code
            and project.project_no = finding.subject
            and project.township_code = files.unit_code
    )
group by finding.text
order by day_on desc, finding.text
"""

_SENT_FILES = """
select file.*
from marts.dim_townships as township
cross join lateral (
    select unit_code, file_name, received_at, report_on, outcome, accepted_count + rejected_count as judged_count, rejected_count
    from marts.fct_submissions
    where unit_code = township.township_code
    order by received_at desc
    limit %(unit_files)s
) as file
where township.district_code = %(district_code)s
"""
