"""The report of a day: what the checks find, since when, what is muted; and the messages to operators that follow from it.

Always about the moment it is made. Made again on the same day it replaces itself, and who was told is not told the same again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import psycopg

from duban import warehouse
from duban.settings import TIMEZONE, Settings
from duban.warehouse.watch import Item
from duban.watching import messages
from duban.watching.checks import Check, run_checks
from duban.watching.facts import Found, free_space


@dataclass(frozen=True)
class Report:
    """What was found on a day, and the messages that were written."""

    watched_on: date
    items: tuple[Item, ...]
    message_keys: tuple[str, ...]

    def __str__(self) -> str:
        counts = Counter("muted" if item.is_muted else item.severity for item in self.items)
        return ", ".join(f"{counts[name]} {name}" for name in ("error", "warning", "info", "muted"))

    @property
    def errors(self) -> tuple[Item, ...]:
        """What must be mended or decided, and is not muted."""
        return tuple(item for item in self.items if item.severity == "error" and not item.is_muted)


def watch(conn: psycopg.Connection, settings: Settings, *, now: datetime | None = None) -> Report:
    """Make the report of today and write the messages that are due, in one transaction.

    Args:
        conn: A connection with no transaction open, as publisher.
        settings: Where the folders are.
        now: The moment to go by instead of the clock of the database.

    Raises:
        psycopg.Error: the warehouse failed, and nothing was written.
    """
    with warehouse.watch.report_transaction(conn):
        if now is None:
            now = conn.execute("select clock_timestamp()").fetchone()[0]
        today = now.astimezone(TIMEZONE).date()
        reported_before, before = warehouse.watch.items_before(conn, today)
        found = run_checks(conn, settings, now, reported_before)
        items = _items(found, before, today, warehouse.watch.muted(conn, today, [(check.code, result.subject) for check, result in found]))
        is_silent = any(check.code == "folder_silent" for check, _ in found)
        warehouse.watch.replace_report(conn, today, now, None if is_silent else min(free_space(settings).values(), default=None), items)
        return Report(today, tuple(items), tuple(_tell(conn, today, items)))


def _items(found: Sequence[tuple[Check, Found]], before: Sequence[Item], today: date, muted: set[tuple[str, str]]) -> list[Item]:
    since = {item.key: item.first_seen_on for item in before}
    return [
        Item(
            check_code=check.code,
            subject=result.subject,
            district_code=result.district_code,
            severity=result.severity or check.severity,
            text=result.text,
            first_seen_on=since.get((check.code, result.subject), today),
            is_new=(check.code, result.subject) not in since,
            is_muted=(check.code, result.subject) in muted,
            runbook_anchor=result.anchor or check.code,
        )
        for check, result in found
    ]


def _tell(conn: psycopg.Connection, today: date, items: Sequence[Item]) -> list[str]:
    """Write a message for each district that has operators, where something changed, or where errors stand that were not told today."""
    keys, muted = [], {item.key for item in items if item.is_muted}
    for code, name in warehouse.watch.districts_with_operators(conn).items():
        told = [item for item in items if item.district_code in (None, code) and not item.is_muted and item.severity != "info"]
        told_on, said_before = warehouse.watch.last_said(conn, code)
        # what is muted now has neither changed nor gone
        said_before = [line for line in said_before if messages.key_of(line) not in muted]
        said = sorted(messages.said(item) for item in told)
        has_errors = any(item.severity == "error" for item in told)
        if said == said_before and (told_on == today or not has_errors):
            continue
        subject, text = messages.write(code, name, today, told, said_before)
        keys.append(warehouse.watch.record_message(conn, code, today, said, subject, text))
    return keys
