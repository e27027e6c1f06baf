"""Publish an issue: freeze, check, write, number; or hold it and say why.

A held issue has no number and leaves no row in `published`. It is published as soon as it is asked for again and its reasons are gone, or
when a person releases it for exactly the reasons that were recorded.
"""

from __future__ import annotations

import time
from datetime import date

import psycopg

from duban import warehouse
from duban.publishing import delivery
from duban.publishing.issues.checks import Held, failed_checks
from duban.publishing.issues.freezing import Issue, Refused, Release, freeze, require_working_day
from duban.publishing.issues.series import Series
from duban.publishing.issues.writing import make_documents
from duban.statements import statement

# Files that are being judged when the hour strikes have their outcome within seconds.
SETTLE_SECONDS = 60.0


def publish(
    conn: psycopg.Connection,
    series: Series,
    district_code: str,
    business_on: date,
    *,
    is_correction: bool = False,
    release: Release | None = None,
    settle_seconds: float = SETTLE_SECONDS,
) -> Issue | None:
    """Publish an issue with its documents, all in one transaction, or return the one that is there.

    Args:
        settle_seconds: How long to wait for files that are being judged; the others are those of `freeze`.

    Returns:
        The issue; None when the district has no campaign on that day, or nothing of it was accepted so far.

    Raises:
        Held: a check failed; recorded in `ops.held_issues`. With a release: for a reason that the person had not seen.
        NotAWorkingDay, NothingToCorrect: as `freeze`.
    """
    key = (district_code, series.code, business_on, is_correction)
    if not warehouse.issues.hold_reasons(conn, *key):
        release = None  # nothing is held, so there is nothing to release
    began_at = conn.execute("select clock_timestamp()").fetchone()[0]
    end = time.monotonic() + settle_seconds
    while warehouse.submissions.unjudged_files(conn, district_code, began_at) and time.monotonic() < end:
        time.sleep(0.5)
    is_new = False

    def finish(issue: Issue) -> None:
        nonlocal is_new
        found = failed_checks(conn, issue)
        if found and (release is None or not set(found) <= set(release.held_for)):
            raise Held(found)
        make_documents(conn, issue)
        delivery.enqueue_issue(conn, issue.publication_id)
        warehouse.issues.end_hold(conn, *key, issue.publication_id)
        is_new = True

    try:
        issue = freeze(conn, series, district_code, business_on, is_correction=is_correction, release=release, finish=finish)
    except Held as held:
        warehouse.issues.record_hold(conn, *key, held.reasons)
        raise
    if not is_new:
        warehouse.issues.end_hold(conn, *key, None)  # what was held differs in nothing any more
    return issue


def find_districts(conn: psycopg.Connection, series: Series, business_on: date, district_code: str | None = None) -> list[str]:
    """The districts that have something to publish about a day: a campaign that holds it, accepted data, and somebody who set them up.

    Whoever runs `make issuer` sets a district up. So does who registers it (`make district`) or names it in the request, once a file with a
    report date of its campaign was accepted. A request that names no district publishes for none that is there from the start only.

    Raises:
        Refused: the day lies ahead or is no working day, or the district that is named does not exist or has nothing to publish.
    """
    if business_on > (today := conn.execute("select (now() at time zone 'Asia/Shanghai')::date").fetchone()[0]):
        raise Refused(f"{business_on} 还没有到（今天是 {today}），不能出{series.kind}")
    require_working_day(conn, series, business_on)
    asked = {"district": district_code, "day": business_on, "accepted": list(warehouse.submissions.ACCEPTED)}
    found = conn.execute(statement(__file__, "publishing_districts").format(is_set_up=warehouse.issues.set_up("%(day)s")), asked).fetchall()
    if district_code and not found:
        raise Refused(f"没有登记过代码为 {district_code} 的区县")
    publishing = [code for code, has_campaign, has_data, is_set_up in found if has_campaign and has_data and is_set_up]
    if district_code and not publishing:
        _, has_campaign, has_data, _ = found[0]
        why = (
            f"{business_on} 不在它的任何一次行动期内"
            if not has_campaign
            else "还没有采用过它的任何数据"
            if not has_data
            else "在行动期内没有它的数据，也没有用 make issuer 设置过发文"
        )
        raise Refused(f"{district_code} 不能出{series.kind}：{why}")
    return publishing


def is_due(conn: psycopg.Connection, series: Series, day: date) -> bool:
    """Whether the calendar asks for an issue on a day: a working day, and the last one of the period of its series."""
    asked = {"day": day, "first": series.period_start(day), "last": series.period_end(day)}
    return conn.execute(_LAST_WORKING_DAY, asked).fetchone()[0] == day


_LAST_WORKING_DAY = "select max(date_on) from marts.dim_dates where is_working_day and date_on between %(first)s and %(last)s"
