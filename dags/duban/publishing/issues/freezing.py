"""Issues: what an office publishes about a day is frozen once, numbered without gaps, and never changed.

Everything printed comes from the rows frozen here. They are what the functions of the marts answer for the business day and the moment of
freezing, so that anybody who asks them the same question later gets the same rows, whatever arrived since. What the rows are, each part
of an issue says itself (`parts/`).

This is the one place besides `warehouse/` that changes state: it writes `published`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import psycopg
from psycopg.rows import class_row

from duban import warehouse
from duban.publishing.issues.issue import Issue
from duban.publishing.issues.parts import PARTS
from duban.publishing.issues.parts.part import Part
from duban.publishing.issues.series import Series
from duban.statements import statement

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
        known_at, has_data = conn.execute(
            statement(__file__, "known"), {**day, "accepted": list(warehouse.submissions.ACCEPTED)}
        ).fetchone()
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
            "due_soon_workdays": DUE_SOON_WORKDAYS,
            "held_for": list(release.held_for if release else ()),
            "released_by": release and release.released_by,
            "release_reason": release and release.reason,
        }
        # no row where nothing changed since the newest issue of the day, or where the day lies in no campaign
        issue = issues.execute(_statement([part for part in PARTS if series.code in part.series]), asked).fetchone()
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


def _statement(parts: Sequence[Part]) -> str:
    """Everything in one statement, so that all rows come from one snapshot: the rows of the parts, their fingerprint, the line of the issue
    where it is to be given one, and the rows in their tables, which have the same columns in the same order.
    """
    rows = (f"{part.table} as materialized (\n{part.query})" for part in parts)
    lines = " union all ".join(f"select '{part.row}' as kept_in, found::text as line from {part.table} as found" for part in parts)
    keep = "insert into published.{0} select issue.publication_id, rows.* from issue cross join {0} as rows"
    kept = (f"kept_{part.table} as ({keep.format(part.table)})" for part in parts)
    context, issue = statement(__file__, "context"), statement(__file__, "issue")
    return f"with {', '.join((context, *rows, f'lines as ({lines})', issue, *kept))} select * from issue"
