"""What the watch writes: its reports, messages and mutes, and failed tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from duban.statements import statement
from duban.text.storable import storable_text
from duban.warehouse import locks
from duban.warehouse.deliveries import enqueue_deliveries


@dataclass(frozen=True)
class Item:
    """A line of `ops.watch_items`, without the day of its report."""

    check_code: str
    subject: str
    district_code: str | None
    severity: str
    text: str
    first_seen_on: date
    is_new: bool
    is_muted: bool
    runbook_anchor: str

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same item in two reports."""
        return self.check_code, self.subject


@dataclass(frozen=True)
class Failure:
    """A task that failed for good in its run. `first_line` holds nothing that a sender wrote."""

    dag_id: str
    task_id: str
    run_id: str
    map_index: int
    try_number: int
    exception_type: str
    first_line: str | None


@contextmanager
def report_transaction(conn: psycopg.Connection) -> Iterator[None]:
    """One transaction for a report with its messages; only one at a time."""
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(%s)", (locks.WATCH,))
        yield


def items_before(conn: psycopg.Connection, day: date) -> tuple[date | None, list[Item]]:
    """Day and items of the newest report before a day."""
    return _items(conn, "watched_on < %s", day)


def newest_items(conn: psycopg.Connection) -> tuple[date | None, list[Item]]:
    """Day and items of the newest report."""
    return _items(conn, "watched_on <= %s", date.max)


def _items(conn: psycopg.Connection, which: str, day: date) -> tuple[date | None, list[Item]]:
    found = conn.execute(f"select max(watched_on) from ops.watch_reports where {which}", (day,)).fetchone()[0]
    names = ", ".join(column.name for column in fields(Item))
    with conn.cursor(row_factory=class_row(Item)) as cur:
        query = f"select {names} from ops.watch_items where watched_on = %s order by check_code, subject"
        return found, cur.execute(query, (found,)).fetchall()


def replace_report(conn: psycopg.Connection, day: date, at: datetime, free_bytes: int | None, items: Sequence[Item]) -> None:
    """Let these be the report of a day, whatever it was. Call inside `report_transaction`."""
    conn.execute("delete from ops.watch_reports where watched_on = %s", (day,))
    conn.execute(
        """insert into ops.watch_reports (watched_on, watched_at, database_bytes, free_bytes)
           values (%s, %s, pg_database_size(current_database()), %s)""",
        (day, at, free_bytes),
    )
    names = ", ".join(column.name for column in fields(Item))
    with conn.cursor() as cur:
        cur.executemany(
            f"insert into ops.watch_items (watched_on, {names}) values (%s, {', '.join(['%s'] * len(fields(Item)))})",
            [(day, *map(_storable, astuple(item))) for item in items],
        )


def muted(conn: psycopg.Connection, day: date, keys: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (check, subject) a mute holds back on a day."""
    return set(
        conn.execute(statement(__file__, "watch_muted"), ([code for code, _ in keys], [subject for _, subject in keys], day)).fetchall()
    )


def add_mute(conn: psycopg.Connection, check_code: str, subject: str | None, until: date, reason: str, by: str) -> int:
    """Hold a check back, or some of its subjects, through a day; replaces what was said of the same before. Returns its number."""
    with conn.transaction():
        conn.execute(
            """update ops.watch_mutes set ended_at = clock_timestamp()
               where ended_at is null and check_code = %s and subject is not distinct from %s""",
            (check_code, subject),
        )
        return conn.execute(
            """insert into ops.watch_mutes (check_code, subject, muted_until, reason, muted_by)
               values (%s, %s, %s, %s, %s) returning mute_id""",
            (check_code, subject, until, storable_text(reason), storable_text(by)),
        ).fetchone()[0]


def districts_with_operators(conn: psycopg.Connection) -> dict[str, str]:
    """Names of the districts in which somebody is told what the watch finds, by code."""
    return dict(conn.execute(statement(__file__, "watch_districts")).fetchall())


def last_said(conn: psycopg.Connection, district_code: str) -> tuple[date | None, list[str]]:
    """Day of the newest message to a district's operators, and what it was written from."""
    row = conn.execute(
        "select watched_on, said from ops.watch_messages where district_code = %s order by message_no desc limit 1", (district_code,)
    ).fetchone()
    return row or (None, [])


def record_message(conn: psycopg.Connection, district_code: str, day: date, said: Sequence[str], subject: str, text: str) -> str:
    """Keep a message and write its deliveries. Call inside `report_transaction`. Returns its key."""
    key = conn.execute(
        statement(__file__, "watch_message"),
        {"district": district_code, "day": day, "said": list(said), "subject": storable_text(subject), "text": storable_text(text)},
    ).fetchone()[0]
    enqueue_deliveries(conn, "watch", [key])
    return key


def record_failure(conn: psycopg.Connection, failure: Failure) -> None:
    """Record that a task failed for good; the same attempt once."""
    names = [column.name for column in fields(Failure)]
    with conn.transaction():
        conn.execute(
            f"insert into ops.task_failures ({', '.join(names)}) values ({', '.join(['%s'] * len(names))}) on conflict do nothing",
            [_storable(value) for value in astuple(failure)],
        )


def record_recovery(conn: psycopg.Connection, dag_id: str, task_id: str, map_index: int) -> None:
    """Record that a task succeeded that had failed before."""
    with conn.transaction():
        conn.execute(
            """update ops.task_failures set recovered_at = clock_timestamp()
               where dag_id = %s and task_id = %s and map_index = %s and recovered_at is null""",
            (dag_id, task_id, map_index),
        )


def report_counts(conn: psycopg.Connection) -> Mapping[str, Any] | None:
    """The newest report in numbers, and its unmuted errors, for `make status`; None: there is none."""
    row = conn.execute(statement(__file__, "watch_counts")).fetchone()
    return row and dict(zip(("watched_at", "error", "warning", "info", "muted", "errors"), row, strict=True))


def _storable(value: Any) -> Any:
    return storable_text(value) if isinstance(value, str) else value
