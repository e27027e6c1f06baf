"""Whether a deadline was missed, or is met again, that the newest report does not know of. Asked all the time; facts decide, no memory."""

from __future__ import annotations

from datetime import datetime

import psycopg

from duban import warehouse
from duban.settings import Settings
from duban.watching.checks import CHECK_FAILED, DEADLINES, run_checks


def report_is_due(conn: psycopg.Connection, settings: Settings, *, now: datetime | None = None) -> bool:
    """Whether today's report should be made (again) for a deadline.

    Args:
        conn: A connection with no transaction open, as publisher.
        settings: Where the folders are.
        now: The moment to go by instead of the clock of the database.
    """
    if now is None:
        now = conn.execute("select clock_timestamp()").fetchone()[0]
    found = run_checks(conn, settings, now, None, DEADLINES)
    missed = {(check.code, result.subject) for check, result in found if check is not CHECK_FAILED}
    codes = {check.code for check in DEADLINES} - {result.subject for check, result in found if check is CHECK_FAILED}
    _, reported = warehouse.watch.newest_items(conn)
    return missed != {item.key for item in reported if item.check_code in codes}
