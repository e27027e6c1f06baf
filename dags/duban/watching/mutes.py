"""Mutes: what is known and not to be told again before a day, with a reason. It stays in the report, and the mute itself ends."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg

from duban import warehouse
from duban.watching.checks import BY_CODE

MAX_DAYS = 90


class MuteRefused(ValueError):
    """Nothing was muted; the message says what is missing."""


def mute(conn: psycopg.Connection, check_code: str, subject: str | None, until: str, reason: str, by: str) -> int:
    """Mute a check, or the subjects of it that a pattern names (`%` stands for anything), through a day.

    Args:
        conn: A connection with no transaction open, as operator.
        check_code: A code of `checks.CHECKS`.
        subject: As `marts.fct_watch_items.subject` spells it, or a pattern; None: all of the check.
        until: The last day, `2026-12-31`; at most 90 days ahead.
        reason: Why nobody need be told.
        by: Who says so.

    Returns:
        The number of the mute.

    Raises:
        MuteRefused: there is no such check, the day is none or too far, or there is no reason.
    """
    if check_code not in BY_CODE:
        raise MuteRefused(f"{check_code!r} is no check; the checks are {', '.join(BY_CODE)}")
    try:
        day = date.fromisoformat(until)
    except ValueError:
        raise MuteRefused(f"{until!r} is no day: UNTIL=2026-12-31") from None
    today = conn.execute("select (now() at time zone 'Asia/Shanghai')::date").fetchone()[0]
    if not today <= day <= today + timedelta(days=MAX_DAYS):
        raise MuteRefused(f"a mute ends between today and {today + timedelta(days=MAX_DAYS)}")
    if not reason.strip():
        raise MuteRefused("a reason is needed: it is kept with the mute")
    return warehouse.watch.add_mute(conn, check_code, subject or None, day, reason.strip(), by)
