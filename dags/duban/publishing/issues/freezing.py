"""Issues: what an office publishes about a day is frozen once, numbered without gaps, and never changed.

Everything printed comes from the rows frozen here. They are what the functions of the marts answer for the business day and the moment of
freezing, so that anybody who asks them the same question later gets the same rows, whatever arrived since.

This is the one place besides `warehouse.py` that changes state: it writes `published`, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from duban import warehouse

DAILY = "daily"


class NotAWorkingDay(ValueError):
    """The day has no bulletin: it is no working day of the Chinese calendar."""


class NothingToCorrect(ValueError):
    """A correction was asked for a day that has no issue."""


@dataclass(frozen=True)
class Issue:
    """A line of `published.publications`."""

    publication_id: str
    district_code: str
    series: str
    issue_year: int
    issue_no: int
    business_on: date
    known_at: datetime
    rule_code: str
    data_fingerprint: str
    published_at: datetime
    corrects_issue_no: int | None


def freeze_daily(conn: psycopg.Connection, district_code: str, business_on: date, *, is_correction: bool = False) -> Issue | None:
    """Freeze and number the daily bulletin of a district for a business day, with everything that has arrived by now.

    One ordinary issue per business day: asked again, the first one is returned. A correction is the next number, and names the issue
    of the day before it; where nothing has changed since, that issue is returned and no number is given. All of it is one transaction
    under the load lock: it stands with its number and rows, or nothing does.

    Args:
        conn: A connection with no transaction open.
        district_code: Six digits.
        business_on: The day the bulletin is about.
        is_correction: Whether what was published about the day is to be corrected.

    Returns:
        The issue; None when the district has no campaign on that day, or nothing of it was accepted so far.

    Raises:
        NotAWorkingDay: bulletins are for working days.
        NothingToCorrect: no issue of that day was published.
    """
    day = {"district": district_code, "series": DAILY, "day": business_on}
    issues = conn.cursor(row_factory=class_row(Issue))
    with warehouse.load_transaction(conn):
        if not _is_working_day(conn, business_on):
            raise NotAWorkingDay(f"{business_on} 不是工作日，不出日通报")
        ordinary = issues.execute(_OF_DAY + "and corrects_issue_no is null", day).fetchone()
        if is_correction and ordinary is None:
            raise NothingToCorrect(f"{district_code} {business_on} 还没有出过日通报，没有可更正的")
        if ordinary is not None and not is_correction:
            return ordinary
        newest = issues.execute(_OF_DAY + "order by issue_no desc limit 1", day).fetchone()
        known_at, has_data = conn.execute(_KNOWN, {**day, "accepted": list(warehouse.ACCEPTED)}).fetchone()
        if not has_data:
            return None
        before = {"corrects": newest and newest.issue_no, "fingerprint": newest and newest.data_fingerprint}
        # no row where nothing changed since the newest issue of the day, or where the day lies in no campaign
        return issues.execute(_FREEZE, {**day, **before, "year": business_on.year, "known_at": known_at}).fetchone() or newest


def _is_working_day(conn: psycopg.Connection, day: date) -> bool:
    found = conn.execute("select is_working_day from marts.dim_dates where date_on = %s", [day]).fetchone()
    return found is not None and found[0]


_OF_DAY = "select * from published.publications where district_code = %(district)s and series = %(series)s and business_on = %(day)s "

_KNOWN = """
select
    greatest(clock_timestamp(), max(received_at)) as known_at,
    coalesce(bool_or(district_code = %(district)s and outcome = any(%(accepted)s)), false) as has_data
from ops.submissions
"""

# One statement, so that all rows come from one snapshot. Tables and functions have the same columns in the same order.
_FREEZE = """
with ranking_rows as materialized (
    select * from marts.ranking_as_of(%(district)s, %(day)s, %(known_at)s)
),

problem_rows as materialized (
    select * from marts.problems_as_of(%(district)s, %(day)s, %(known_at)s)
),

supervision_rows as materialized (
    select * from marts.supervision_as_of(%(district)s, %(day)s, %(known_at)s)
),

lines as (
    select 'ranking' as kept_in, found::text as line from ranking_rows as found
    union all
    select 'problem' as kept_in, found::text as line from problem_rows as found
    union all
    select 'supervision' as kept_in, found::text as line from supervision_rows as found
),

frozen as (
    select encode(sha256(convert_to(string_agg(kept_in || line, e'\n' order by kept_in, line), 'UTF8')), 'hex') as data_fingerprint
    from lines
),

next as (
    select coalesce(max(issue_no), 0) + 1 as issue_no
    from published.publications
    where district_code = %(district)s and series = %(series)s and issue_year = %(year)s
),

issue as (
    insert into published.publications
        (publication_id, district_code, series, issue_year, issue_no, business_on, known_at, rule_code, data_fingerprint, corrects_issue_no)
    select
        concat_ws('-', %(district)s::text, %(series)s::text, %(year)s::integer, next.issue_no),
        %(district)s,
        %(series)s,
        %(year)s,
        next.issue_no,
        %(day)s,
        %(known_at)s,
        (select min(rule_code) from ranking_rows),
        frozen.data_fingerprint,
        %(corrects)s
    from frozen
    cross join next
    where frozen.data_fingerprint is not null and frozen.data_fingerprint is distinct from %(fingerprint)s
    returning *
),

ranking as (
    insert into published.ranking_rows
    select issue.publication_id, ranking_rows.* from issue cross join ranking_rows
),

problems as (
    insert into published.problem_rows
    select issue.publication_id, problem_rows.* from issue cross join problem_rows
),

supervision as (
    insert into published.supervision_rows
    select issue.publication_id, supervision_rows.* from issue cross join supervision_rows
)

select * from issue
"""
