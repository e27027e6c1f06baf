"""Freezing an issue, issues that are held (`ops.held_issues`), and which ledgers issues and pages show (`raw.shown_ledgers`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from duban.statements import statement
from duban.warehouse import locks


def issues_lock(conn: psycopg.Connection) -> Any:
    """Only one process writes issues to the outbox at a time."""
    return locks.held(conn, locks.ISSUES)


def set_up(day: str) -> str:
    """Whether a district publishes about a day, as a condition. Parameters: `accepted`, `district` (that was named)."""
    return statement(__file__, "issues_set_up").format(day=day)


@contextmanager
def freeze_transaction(conn: psycopg.Connection, district_code: str, series: str) -> Iterator[Callable[[], None]]:
    """One transaction for an issue, under the load lock: nothing that is known in it can be preceded by a later arrival.

    Gives a function that lets loads go on, for when everything known has been read: arrivals after it are later than that. Issues of one
    district and series wait for each other until the transaction ends.
    """
    held = False

    def let_loads_go_on() -> None:
        nonlocal held
        if held:
            conn.execute("select pg_advisory_unlock(%s)", (locks.LOAD,))
            held = False

    try:
        with locks.beating(conn), conn.transaction():
            conn.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", (locks.FREEZE, f"{district_code}-{series}"))
            conn.execute("select pg_advisory_lock(%s)", (locks.LOAD,))
            held = True
            yield let_loads_go_on
    finally:
        if not conn.closed:
            let_loads_go_on()


_HOLD = "district_code = %s and series = %s and business_on = %s and is_correction = %s and ended_at is null"


def hold_reasons(conn: psycopg.Connection, district_code: str, series: str, business_on: date, is_correction: bool) -> tuple[str, ...]:
    """Why an issue is held; empty: it is not."""
    found = conn.execute(
        f"select reasons from ops.held_issues where {_HOLD}", (district_code, series, business_on, is_correction)
    ).fetchone()
    return tuple(found[0]) if found else ()


def record_hold(
    conn: psycopg.Connection, district_code: str, series: str, business_on: date, is_correction: bool, reasons: Sequence[str]
) -> None:
    """Record that an issue is held, for these reasons from now on."""
    with conn.transaction():
        conn.execute(
            """insert into ops.held_issues (district_code, series, business_on, is_correction, reasons) values (%s, %s, %s, %s, %s)
               on conflict (district_code, series, business_on, is_correction) where ended_at is null
               do update set reasons = excluded.reasons, checked_at = clock_timestamp()""",
            (district_code, series, business_on, is_correction, list(reasons)),
        )


def end_hold(
    conn: psycopg.Connection, district_code: str, series: str, business_on: date, is_correction: bool, publication_id: str | None
) -> None:
    """Record what became of a held issue: published, in the transaction that does it; or not called for any more."""
    conn.execute(
        f"update ops.held_issues set ended_at = clock_timestamp(), publication_id = %s where {_HOLD}",
        (publication_id, district_code, series, business_on, is_correction),
    )


def replace_shown_ledgers(conn: psycopg.Connection, specs: Mapping[str, Jsonb]) -> None:
    """What is shown of which ledger, on pages and in issues that are frozen from now on."""
    with conn.transaction(), conn.cursor() as cur:
        cur.execute("delete from raw.shown_ledgers")
        cur.executemany("insert into raw.shown_ledgers values (%s, %s)", list(specs.items()))
