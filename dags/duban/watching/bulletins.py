"""The working days whose daily bulletin is due and missing."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg

from duban.statements import statement
from duban.warehouse.issues import IS_SET_UP
from duban.warehouse.submissions import ACCEPTED

LOOK_BACK = timedelta(days=14)


def days_without_bulletin(conn: psycopg.Connection, before: date) -> list[tuple[date, list[str]]]:
    """Days with the districts whose daily bulletin is due and neither published nor held, oldest first: nobody else makes them up.

    Looks at the two weeks before a day. After an outage Airflow makes up the newest run only, so a person must publish the other days.
    A bulletin is due on a working day of a district's campaign when something of it was accepted by the end of that day, and somebody set
    the district up to publish.
    """
    if not conn.execute("select to_regclass('marts.dim_dates') is not null").fetchone()[0]:
        return []
    asked = {"before": before, "first": before - LOOK_BACK, "accepted": list(ACCEPTED), "district": None}
    return conn.execute(_WITHOUT_BULLETIN, asked).fetchall()


_WITHOUT_BULLETIN = f"""
select date_on, array_agg(district_code order by district_code)
from marts.dim_dates
join raw.campaigns on date_on between started_on and ended_on
join raw.districts using (district_code)
where
    is_working_day
    and {IS_SET_UP.format(day="date_on")}
    and date_on >= %(first)s
    and date_on < %(before)s
    and exists (
        select from ops.submissions
        where
            submissions.district_code = campaigns.district_code
            and outcome = any(%(accepted)s)
            and (received_at at time zone 'Asia/Shanghai')::date <= date_on
    )
    and not exists (
        select from published.publications
        where
            publications.district_code = campaigns.district_code
            and series = 'daily'
            and business_on = date_on
    )
    and not exists (
        select from ops.held_issues
        where
            held_issues.district_code = campaigns.district_code
            and series = 'daily'
            and business_on = date_on
            and not is_correction
            and ended_at is null
    )
group by date_on
order by date_on
"""


def districts_not_set_up(conn: psycopg.Connection) -> list[str]:
    """Districts with accepted files of a campaign for which nobody said that they publish: nothing of theirs appears by itself."""
    return [code for (code,) in conn.execute(statement(__file__, "bulletins_not_set_up"), {"accepted": list(ACCEPTED)})]
