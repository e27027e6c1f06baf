"""Issues: what an office publishes about a day is frozen once, numbered without gaps, and never changed.

Everything printed comes from the rows frozen here. They are what the functions of the marts answer for the business day and the moment of
freezing, so that anybody who asks them the same question later gets the same rows, whatever arrived since.

This is the one place besides `warehouse/` that changes state: it writes `published`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from duban import warehouse
from duban.publishing.issues.series import Series

# Finding W05; as the variable due_soon_workdays of the dbt project, which a test compares.
DUE_SOON_WORKDAYS = 3


class Refused(ValueError):
    """What was asked cannot be published, now or later; the message says why, in Chinese."""


class NotAWorkingDay(Refused):
    """The day has no issue: it is no working day of the Chinese calendar."""


class NothingToCorrect(Refused):
    """A correction was asked for a day that has no issue."""


@dataclass(frozen=True)
class Release:
    """A person's word that an issue is published although checks failed, and what they said when he gave it."""

    released_by: str
    reason: str
    held_for: tuple[str, ...]


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
    period_start_on: date
    compared_on: date
    district_name: str
    data_label: str | None
    issuer_name: str
    document_family: str
    document_word: str | None
    recipients: str | None
    copies_to: str | None
    is_provisional: bool
    due_soon_on: date
    held_for: list[str]
    released_by: str | None
    release_reason: str | None
    has_chain: bool
    previous_issue_no: int | None
    previous_open_count: int | None


def freeze(
    conn: psycopg.Connection,
    series: Series,
    district_code: str,
    business_on: date,
    *,
    is_correction: bool = False,
    release: Release | None = None,
    finish: Callable[[Issue], None] = lambda issue: None,
) -> Issue | None:
    """Freeze and number an issue of a district for a business day, with everything that has arrived by now.

    One ordinary issue per series and business day: asked again, the first one is returned. A correction is the next number, and names the
    newest issue of the day before it; where nothing has changed since, that issue is returned and no number is given. All of it is one
    transaction, under the load lock while it reads: it stands with its number, its rows and what `finish` makes of them, or nothing does.

    Args:
        conn: A connection with no transaction open.
        series: Which publication.
        district_code: Six digits.
        business_on: The day the issue is about, the last of its period.
        is_correction: Whether what was published about the day is to be corrected.
        release: A person's word, recorded with the issue.
        finish: Called with a new issue within the transaction; what it raises, undoes everything.

    Returns:
        The issue; None when the district has no campaign on that day, or nothing of it was accepted so far.

    Raises:
        NotAWorkingDay: issues are for working days.
        NothingToCorrect: no issue of that day was published.
    """
    day = {"district": district_code, "series": series.code, "day": business_on}
    issues = conn.cursor(row_factory=class_row(Issue))
    with warehouse.issues.freeze_transaction(conn, district_code, series.code) as let_loads_go_on:
        require_working_day(conn, series, business_on)
        ordinary = issues.execute(_OF_DAY + "and corrects_issue_no is null", day).fetchone()
        if is_correction and ordinary is None:
            raise NothingToCorrect(f"{district_code} {business_on} 还没有出过{series.kind}，没有可更正的")
        if ordinary is not None and not is_correction:
            return ordinary
        newest = issues.execute(_OF_DAY + "order by issue_no desc limit 1", day).fetchone()
        known_at, has_data = conn.execute(_KNOWN, {**day, "accepted": list(warehouse.submissions.ACCEPTED)}).fetchone()
        if not has_data:
            return None
        asked = {
            **day,
            "corrects": newest and newest.issue_no,
            "fingerprint": newest and newest.data_fingerprint,
            "year": business_on.year,
            "known_at": known_at,
            "period_start": series.period_start(business_on),
            "is_of_a_day": series.is_of_a_day,
            "has_projects": series.has_projects,
            "has_targets": series.has_targets,
            "due_soon_workdays": DUE_SOON_WORKDAYS,
            "held_for": list(release.held_for if release else ()),
            "released_by": release and release.released_by,
            "release_reason": release and release.reason,
        }
        # no row where nothing changed since the newest issue of the day, or where the day lies in no campaign
        issue = issues.execute(_FREEZE, asked).fetchone()
        let_loads_go_on()
        if issue is None:
            return newest
        finish(issue)
        return issue


def require_working_day(conn: psycopg.Connection, series: Series, day: date) -> None:
    """Let only working days of the Chinese calendar pass.

    Raises:
        NotAWorkingDay: it is none.
    """
    found = conn.execute("select is_working_day from marts.dim_dates where date_on = %s", [day]).fetchone()
    if found is None or not found[0]:
        raise NotAWorkingDay(f"{day} 不是工作日，不出{series.kind}")


_OF_DAY = "select * from published.publications where district_code = %(district)s and series = %(series)s and business_on = %(day)s "

_KNOWN = """
select
    max(received_at) as known_at,
    coalesce(bool_or(district_code = %(district)s and outcome = any(%(accepted)s)), false) as has_data
from ops.submissions
"""

# One statement, so that all rows come from one snapshot. Tables have the columns of what they are frozen from, in the same order.
_FREEZE = """
with calendar as (
    select
        -- of the day itself, or of one until which something is due soon
        exists (
            select from marts.dim_dates as soon
            where
                soon.is_provisional and soon.date_on >= today.date_on
                and soon.working_day_number - today.working_day_number <= %(due_soon_workdays)s
        ) as is_provisional,
        previous.previous_on,
        case when %(is_of_a_day)s then today.date_on - 1 else previous.previous_on end as compared_on,
        (
            select max(date_on)
            from marts.dim_dates as soon
            where soon.working_day_number - today.working_day_number <= %(due_soon_workdays)s
        ) as due_soon_on
    from marts.dim_dates as today
    cross join (select max(date_on) as previous_on from marts.dim_dates where is_working_day and date_on < %(period_start)s) as previous
    where today.date_on = %(day)s
),

-- of earlier days only those of the same campaign are compared with: before its first day nothing was assigned
earlier as (
    select
        campaign.started_on,
        case when calendar.previous_on >= campaign.started_on then calendar.previous_on end as previous_on,
        case when calendar.compared_on >= campaign.started_on then calendar.compared_on end as compared_on
    from calendar
    join raw.campaigns as campaign
        on campaign.district_code = %(district)s and %(day)s between campaign.started_on and campaign.ended_on
),

ranking_rows as materialized (
    select ranking.*, earlier.previous_on, previous.rank as previous_rank, evening.open_count as open_before_count
    from marts.ranking_as_of(%(district)s, %(day)s, %(known_at)s) as ranking
    cross join earlier
    left join marts.ranking_as_of(%(district)s, (select previous_on from earlier), %(known_at)s) as previous using (township_code)
    left join marts.ranking_as_of(%(district)s, (select compared_on from earlier), %(known_at)s) as evening using (township_code)
),

-- what readers have in their hands: the newest issue of the campaign about an earlier day, perhaps not about the last one before
printed as (
    select issue.publication_id, issue.issue_no, issue.business_on = earlier.previous_on as is_of_previous_day
    from published.publications as issue
    join earlier on issue.business_on between earlier.started_on and earlier.previous_on
    where issue.district_code = %(district)s and issue.series = %(series)s
    order by issue.business_on desc, issue.issue_no desc
    limit 1
),

problems as materialized (select * from marts.problems_as_of(%(district)s, %(day)s, %(known_at)s)),

compared as materialized (
    select * from marts.problems_as_of(%(district)s, (select compared_on from earlier), %(known_at)s)
),

previous as materialized (
    select * from marts.problems_as_of(%(district)s, (select previous_on from earlier), %(known_at)s)
),

problem_rows as materialized (
    select
        problem.district_code, problem_no, problem.township_code, problem.village_code, problem.source, problem.category,
        problem.description, problem.department, problem.measures, problem.leader_name, problem.found_on, problem.due_on,
        problem.is_rectified, problem.is_overdue, problem.is_reopened,
        compared.problem_no is null as is_found,
        problem.is_rectified and compared.is_rectified is not true as is_closed,
        coalesce(not problem.is_rectified and compared.is_rectified, false) as is_relapsed,
        problem.open_workdays, problem.submission_id, problem.source_file, problem.source_sheet, problem.source_row,
        village.village_name,
        %(is_of_a_day)s and compared.problem_no is not null and previous.problem_no is null as is_found_on_rest_days,
        %(is_of_a_day)s and coalesce(compared.is_rectified and previous.is_rectified is not true, false) as is_closed_on_rest_days,
        %(is_of_a_day)s and coalesce(previous.is_rectified and not compared.is_rectified, false) as is_relapsed_on_rest_days,
        compared.township_code as township_before, compared.is_rectified as was_rectified,
        previous.township_code as township_on_previous, previous.is_rectified as was_rectified_on_previous,
        compared.problem_no is null and exists (
            select from raw.problem_versions as version
            where
                version.district_code = %(district)s and version.problem_no = problem.problem_no and version.is_office
                and version.status = 'void' and version.received_at <= %(known_at)s
                and version.report_on <= (select compared_on from earlier)
        ) as is_restored
    from problems as problem
    left join compared using (problem_no)
    left join previous using (problem_no)
    left join raw.villages as village on village.village_code = problem.village_code
),

-- What stood before, or came and went since, and is counted no more. A withdrawal that the issue before did not know is told in this one.
withdrawn_rows as materialized (
    select
        gone.*, compared.township_code as township_before, compared.is_rectified as was_rectified,
        previous.township_code as township_on_previous, previous.is_rectified as was_rectified_on_previous
    from (
        select
            district_code, problem_no, township_code, true as is_withdrawn, void_reason, withdrawn_on, found_on, submission_id, source_file,
            source_sheet, source_row
        from marts.withdrawals_as_of(%(district)s, %(day)s, %(known_at)s) as withdrawn
        where
            problem_no in (select problem_no from compared union all select problem_no from previous)
            or exists (
                select from published.problem_rows as row
                where row.problem_no = withdrawn.problem_no and row.publication_id = (select publication_id from printed)
            )
            or exists (
                select from raw.problem_versions as version
                where
                    version.district_code = %(district)s and version.problem_no = withdrawn.problem_no and version.status <> 'void'
                    and version.received_at <= %(known_at)s and version.report_on <= withdrawn.withdrawn_on
                    and version.report_on > (select compared_on from calendar) and version.report_on <= %(day)s
            )
        union all
        select
            stood.district_code, stood.problem_no, stood.township_code, false, null, null, version.found_on, version.submission_id,
            version.source_file, version.source_sheet, version.source_row
        from (select * from compared union select * from previous where problem_no not in (select problem_no from compared)) as stood
        cross join lateral (
            select * from raw.problem_versions as version
            where
                version.district_code = stood.district_code and version.problem_no = stood.problem_no
                and version.received_at <= %(known_at)s and version.report_on <= %(day)s
            order by version.report_on desc, version.received_at desc, version.version_id desc
            limit 1
        ) as version
        where stood.problem_no not in (select problem_no from marts.withdrawals_as_of(%(district)s, %(day)s, %(known_at)s))
    ) as gone
    left join compared using (problem_no)
    left join previous using (problem_no)
    where problem_no not in (select problem_no from problems)
),

supervision_rows as materialized (
    select * from marts.supervision_as_of(%(district)s, %(day)s, %(known_at)s) where %(is_of_a_day)s
),

visit_rows as materialized (
    select * from marts.visits_as_of(%(district)s, %(day)s, %(known_at)s) where visited_on > (select compared_on from calendar)
),

file_rows as materialized (
    select
        submission_id, unit_code, unit_name, file_name, report_on, received_at, outcome, row_count, accepted_count, rejected_count,
        ignored_count
    from ops.submissions as submission
    join raw.units using (unit_code)
    where
        submission.district_code = %(district)s
        and outcome is not null
        and received_at <= %(known_at)s
        and coalesce(report_on, (received_at at time zone 'Asia/Shanghai')::date) > (select previous_on from calendar)
        and coalesce(report_on, (received_at at time zone 'Asia/Shanghai')::date) <= %(day)s
),

project_rows as materialized (
    select * from marts.projects_as_of(%(district)s, %(day)s, %(known_at)s) where %(has_projects)s
),

movement_rows as materialized (
    select * from marts.movements_as_of(%(district)s, %(day)s, %(known_at)s) where %(has_projects)s
),

finding_rows as materialized (
    select row_number() over (order by rule_id, subject, text, submission_id, day_on)::integer as finding_no, found.*
    from (
        select district_code, rule_id, subject, text, day_on, null::text as submission_id
        from marts.fund_findings_as_of(%(district)s, %(day)s, %(known_at)s)
        where %(has_projects)s
        union
        select finding.district_code, rule_id, subject, text, day_on, submission_id
        from quarantine.findings as finding
        join file_rows using (submission_id)
        -- columns that a sender keeps for itself are told to the sender, on every receipt and slip, and are no news
        where %(is_of_a_day)s and finding.rule_id != 'W31'
    ) as found
),

target_rows as materialized (
    select display_order, level, target_name, target_count, unit
    from raw.key_targets
    where district_code = %(district)s and target_year = %(year)s and %(has_targets)s
),

lines as (
    select 'ranking' as kept_in, found::text as line from ranking_rows as found
    union all select 'problem', found::text from problem_rows as found
    union all select 'withdrawn', found::text from withdrawn_rows as found
    union all select 'supervision', found::text from supervision_rows as found
    union all select 'visit', found::text from visit_rows as found
    union all select 'file', found::text from file_rows as found
    union all select 'project', found::text from project_rows as found
    union all select 'movement', found::text from movement_rows as found
    union all select 'finding', found::text from finding_rows as found
    union all select 'target', found::text from target_rows as found
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
    insert into published.publications (
        publication_id, district_code, series, issue_year, issue_no, business_on, known_at, rule_code, data_fingerprint, corrects_issue_no,
        period_start_on, compared_on, district_name, data_label, issuer_name, document_family, document_word, recipients, copies_to,
        is_provisional, due_soon_on, held_for, released_by, release_reason, has_chain, previous_issue_no, previous_open_count
    )
    select
        concat_ws('-', %(district)s::text, %(series)s::text, %(year)s::integer, next.issue_no), %(district)s, %(series)s, %(year)s,
        next.issue_no, %(day)s, %(known_at)s, (select min(rule_code) from ranking_rows), frozen.data_fingerprint, %(corrects)s,
        %(period_start)s, calendar.compared_on, district.district_name, district.data_label,
        coalesce(district.issuer_name, office.unit_name),
        district.document_family, district.document_word, district.recipients, district.copies_to, calendar.is_provisional,
        calendar.due_soon_on, %(held_for)s, %(released_by)s, %(release_reason)s, true,
        (select issue_no from printed where is_of_previous_day),
        (
            select sum(open_count) from published.ranking_rows
            where publication_id = (select publication_id from printed where is_of_previous_day)
        )
    from frozen
    cross join next
    cross join calendar
    join raw.districts as district on district.district_code = %(district)s
    join raw.units as office on office.unit_code = %(district)s::text || '000'
    where exists (select from ranking_rows) and frozen.data_fingerprint is distinct from %(fingerprint)s
    returning *
),

kept_ranking as (insert into published.ranking_rows select issue.publication_id, rows.* from issue cross join ranking_rows as rows),

kept_problems as (insert into published.problem_rows select issue.publication_id, rows.* from issue cross join problem_rows as rows),

kept_withdrawn as (insert into published.withdrawn_rows select issue.publication_id, rows.* from issue cross join withdrawn_rows as rows),

kept_supervision as (
    insert into published.supervision_rows select issue.publication_id, rows.* from issue cross join supervision_rows as rows
),

kept_visits as (insert into published.visit_rows select issue.publication_id, rows.* from issue cross join visit_rows as rows),

kept_files as (insert into published.file_rows select issue.publication_id, rows.* from issue cross join file_rows as rows),

kept_projects as (insert into published.project_rows select issue.publication_id, rows.* from issue cross join project_rows as rows),

kept_movements as (insert into published.movement_rows select issue.publication_id, rows.* from issue cross join movement_rows as rows),

kept_findings as (insert into published.finding_rows select issue.publication_id, rows.* from issue cross join finding_rows as rows),

kept_targets as (insert into published.target_rows select issue.publication_id, rows.* from issue cross join target_rows as rows)

select * from issue
"""
