"""The working days whose daily bulletin is due and missing."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg

from duban.statements import statement
from duban.warehouse.issues import set_up
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
    return conn.execute(statement(__file__, "bulletins_due").format(is_set_up=set_up("date_on")), asked).fetchall()


def districts_not_set_up(conn: psycopg.Connection) -> list[str]:
    """Districts with accepted files of a campaign for which nobody said that they publish: nothing of theirs appears by itself."""
    return [code for (code,) in conn.execute(statement(__file__, "bulletins_not_set_up"), {"accepted": list(ACCEPTED)})]
