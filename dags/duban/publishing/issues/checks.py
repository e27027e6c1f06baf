"""What must be true of the frozen rows before they are issued. A check that fails holds the issue until the reason is gone or a person
releases it; docs/publications.md says what each protects from.

A check is a query that returns one sentence per fault, for the office to read, and last, what SQL cannot tell: whether a text holds a name.
They look at the rows of an issue that is not yet committed.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from duban import warehouse
from duban.ledgers import read_name_words
from duban.publishing.issues.issue import Issue
from duban.publishing.issues.parts import PARTS
from duban.settings import PROJECT
from duban.text.names import Masks, openings


class Held(Exception):
    """A check failed: the issue is not published. `reasons` are sentences in Chinese, each beginning with what was checked."""

    def __init__(self, reasons: tuple[str, ...]):
        super().__init__("；".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class Check:
    """A promise of every issue, and the query that returns a sentence for each breach of it."""

    name: str
    query: str


def failed_checks(conn: psycopg.Connection, issue: Issue) -> tuple[str, ...]:
    """What the checks find about an issue within its own transaction: sentences that begin with the name of the check."""
    asked = {
        "issue": issue.publication_id,
        "district": issue.district_code,
        "series": issue.series,
        "day": issue.business_on,
        "period_start": issue.period_start_on,
        "known_at": issue.known_at,
    }
    found = [f"{check.name}：{fault}" for check in CHECKS for (fault,) in conn.execute(check.query, asked)]
    return (*found, *suspected_names(conn, issue))


def suspected_names(conn: psycopg.Connection, issue: Issue) -> tuple[str, ...]:
    """At most one sentence: where an issue would print the name of a household head, or what looks like one before 户; never the name.

    Texts are masked when they are loaded. What is left: keys, names of files and sheets, which are not masked, rows that were loaded when
    less was masked. In those that are no text a name of two characters is more often a word.
    """
    printed = conn.execute(_PRINTED, {"issue": issue.publication_id}).fetchall()
    known = warehouse.personal.names_that_open(conn, issue.district_code, openings({text for *_, text in printed}))
    words = read_name_words(PROJECT / "expectations")
    masks = {True: Masks(known, words), False: Masks([name for name in known if len(name) > 2], words)}
    places = dict.fromkeys(
        f"{masks[False].mask(subject)}的{title}" for subject, title, is_text, text in printed if masks[is_text].mask(text) != text
    )
    if not places:
        return ()
    listed = "、".join(list(places)[:5]) + ("等" if len(places) > 5 else "")
    return (f"疑似姓名：有{len(places)}处像是户主姓名，请核对并更正原台账：{listed}",)


_TOWNSHIPS = Check(
    "乡镇齐全",
    """
    select '缺' || townships.township_name
    from raw.townships
    left join published.ranking_rows as line
        on line.township_code = townships.township_code and line.publication_id = %(issue)s
    where townships.district_code = %(district)s and line.township_code is null
    union all
    select '缺不属于任何乡镇的问题一行'
    where not exists (select from published.ranking_rows where publication_id = %(issue)s and township_code = %(district)s || '000')
    """,
)

# Every count of the ranking equals the number of problems by name; the total of the townships is that of all problems.
_TOTALS = Check(
    "数字相符",
    """
    with named as (
        select
            township_code,
            count(*) as assigned,
            count(*) filter (where is_rectified) as rectified,
            count(*) filter (where is_overdue) as overdue,
            count(*) filter (where is_reopened and not is_rectified) as reopened
        from published.problem_rows
        where publication_id = %(issue)s
        group by township_code
    )

    select concat(
        coalesce(line.township_name, named.township_code), '排名表为',
        line.assigned_count, '/', line.rectified_count, '/', line.overdue_count,
        '/', line.reopened_count, '（问题/到位/超期/退回反弹），明细为',
        coalesce(named.assigned, 0), '/', coalesce(named.rectified, 0), '/', coalesce(named.overdue, 0),
        '/', coalesce(named.reopened, 0)
    )
    from (select * from published.ranking_rows where publication_id = %(issue)s) as line
    full join named using (township_code)
    where (line.assigned_count, line.rectified_count, line.open_count, line.overdue_count, line.reopened_count)
        is distinct from (
            coalesce(named.assigned, 0), coalesce(named.rectified, 0), coalesce(named.assigned - named.rectified, 0),
            coalesce(named.overdue, 0), coalesce(named.reopened, 0)
        )
    """,
)

_RATES = Check(
    "比率范围",
    """
    select concat(township_name, '整改率', rectified_pct, '%%，整改到位', rectified_count, '个，问题', assigned_count, '个')
    from published.ranking_rows
    where
        publication_id = %(issue)s
        and (
            rectified_count not between 0 and assigned_count
            or overdue_count not between 0 and open_count
            or reopened_count not between 0 and open_count
            or (rectified_pct is null) <> (assigned_count = 0)
            or rectified_pct not between 0 and 100
        )
    union all
    select concat('督导覆盖率', coverage_pct, '%%，应督导', due_count, '个，已督导', visited_count, '个')
    from published.supervision_rows
    where publication_id = %(issue)s and (visited_count not between 0 and due_count or coverage_pct not between 0 and 100)
    """,
)

# Against the newest earlier issue of the same campaign: a problem that stood in it and stands no longer must have been withdrawn, or its
# day of finding corrected, since; else something was lost. One that was handed to another township still stands.
_NOTHING_LOST = Check(
    "问题不减",
    """
    with earlier as (
        select publication.*, campaign.started_on
        from published.publications as publication
        join raw.campaigns as campaign
            on campaign.district_code = publication.district_code
            and publication.business_on between campaign.started_on and campaign.ended_on
            and %(day)s between campaign.started_on and campaign.ended_on
        where
            publication.district_code = %(district)s
            and publication.business_on <= %(day)s
            and publication.publication_id <> %(issue)s
        order by publication.business_on desc, publication.known_at desc
        limit 1
    ),

    lost as (
        select row.problem_no, row.township_code
        from earlier
        join published.problem_rows as row on row.publication_id = earlier.publication_id
        where
            not exists (select from published.problem_rows as now where now.publication_id = %(issue)s and now.problem_no = row.problem_no)
            and not exists (
                select
                from raw.problem_versions as version
                where
                    version.district_code = %(district)s
                    and version.problem_no = row.problem_no
                    and version.received_at <= %(known_at)s
                    and version.report_on <= %(day)s
                    and (version.status = 'void' or version.found_on not between earlier.started_on and %(day)s)
            )
    )

    select concat(
        '问题总数比', earlier.business_on, '的第', earlier.issue_no, '期少，有', count(*), '个问题既没有撤销，也没有更正发现日期：',
        (array_to_string((array_agg(lost.problem_no order by lost.problem_no))[:5], '、')), case when count(*) > 5 then '等' end
    )
    from lost
    cross join earlier
    group by earlier.business_on, earlier.issue_no
    """,
)

# Whoever adds up finds the same: of each unit the open problems before, and what is printed of their change, are the open problems now.
_CHAIN = Check(
    "增减相符",
    """
    with deltas as (
        select township_code, open_count - coalesce(open_before_count, 0) as delta
        from published.ranking_rows
        where publication_id = %(issue)s
        union all
        select township_code, is_closed::integer - is_found::integer - is_relapsed::integer
        from published.problem_rows
        where publication_id = %(issue)s
        union all
        select township_before, 1
        from published.withdrawn_rows
        where publication_id = %(issue)s and not was_rectified
        union all
        select place.township_code, place.delta
        from published.problem_rows as row
        cross join lateral (values (row.township_before, 1), (row.township_code, -1)) as place (township_code, delta)
        where publication_id = %(issue)s and not row.was_rectified and row.township_before <> row.township_code
    )

    select concat(
        coalesce(min(line.township_name), deltas.township_code), '现有未整改', min(line.open_count), '个，比期初',
        coalesce(min(line.open_before_count), 0), '个加减新发现、重新打开、销号、撤销和调动多', sum(deltas.delta), '个'
    )
    from deltas
    left join published.ranking_rows as line on line.township_code = deltas.township_code and line.publication_id = %(issue)s
    group by deltas.township_code
    having sum(deltas.delta) <> 0
    """,
)

# A unit that sends nothing has nothing new to say. But what was sent and lies there unjudged for a minute must not be missing.
_JUDGED = Check(
    "数据及时",
    """
    select concat(count(*), '份已收到的文件还没有核对完：', string_agg(distinct unit_name, '、'))
    from ops.submissions
    join raw.units using (unit_code)
    where submissions.district_code = %(district)s and outcome is null and claimed_at < clock_timestamp() - interval '1 minute'
    having count(*) > 0
    """,
)

CHECKS = (_TOWNSHIPS, _TOTALS, _RATES, _CHAIN, _NOTHING_LOST, _JUDGED)

_PRINTED = f"""
select subject, title, is_text, text
from ({" union all ".join(query for part in PARTS for query in part.printed())}) as printed (subject, title, is_text, text)
where text is not null
order by 1, 2
"""
