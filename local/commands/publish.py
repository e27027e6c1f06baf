"""`make publish`: publish an issue on demand, through its DAG."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg

from duban.orchestration.refusals import REFUSED
from duban.publishing.issues.series import SERIES
from duban.statements import statement
from local import airflow
from local.console import Console, Problem
from local.system import System, open_warehouse

TIMEOUT_SECONDS = 180.0
DAGS = {"daily": "publish_daily_bulletin", "weekly": "publish_weekly_dispatch", "monthly": "publish_monthly_dispatch"}


@dataclass(frozen=True)
class Published:
    """An issue in the outbox."""

    publication_id: str
    summary: str
    folder: Path


def publish(system: System, series: str, day: str, district_code: str = "", is_correction: bool = False) -> list[Published]:
    """Run the DAG of a series for a day (default: today) and return the newest issue of each district for it.

    Raises:
        Problem: it was refused, is held, or did not come to its end.
    """
    if series not in SERIES:
        raise Problem(f"SERIES is one of {', '.join(SERIES)}, not {series!r}")
    try:
        on = date.fromisoformat(day) if day else None
    except ValueError:
        raise Problem(f"DAY={day!r} is no day; write it as 2020-06-24") from None
    asked = {"day": on, "series": series, "district": district_code or None, "is_correction": is_correction}
    conf: dict[str, Any] = {"correction": is_correction}
    conf |= {"business_on": day} if day else {}
    conf |= {"district_code": district_code} if district_code else {}
    with open_warehouse(system) as conn:
        system.require_running()
        began_at = conn.execute("select clock_timestamp()").fetchone()[0]

        def held() -> list[tuple]:
            return held_since(conn, began_at, asked)

        def is_over(run_id: str) -> bool:
            return bool(held()) or has_published(system, DAGS[series], run_id)

        state = airflow.run_dag(
            system.installation.api_url,
            system.airflow_password,
            DAGS[series],
            conf,
            "make publish",
            TIMEOUT_SECONDS,
            is_over,
        )
        where = f"{system.airflow_url}/dags/{DAGS[series]}"
        if reasons := held():
            said = "\n".join(f"  {district} {on}: {'；'.join(why)}" for district, on, why in reasons)
            raise Problem(f"Held, because a check failed:\n{said}\nMend the data and publish again, or release it in Airflow: {where}")
        if refused := refused_since(system, DAGS[series], began_at):
            raise Problem("Refused: " + "; ".join(refused))
        if state == "failed":
            raise Problem(f"The run failed; its log says why: {where}")
        if state not in ("success", "over"):
            raise Problem(f"Airflow has not finished it after {TIMEOUT_SECONDS:.0f} s ({state or 'not taken'}); see {where}")
        return [
            Published(publication_id, json.loads(bytes(manifest))["summary"], _folder(system, publication_id))
            for publication_id, manifest in conn.execute(_NEWEST, asked)
        ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("--series", default="", help="daily, weekly or monthly (daily)")
    parser.add_argument("--day", default="", help="the working day it is about (today)")
    parser.add_argument("--district", default="", metavar="CODE", help="only this district (all)")
    parser.add_argument("--correction", action="store_true", help="a numbered correction of what was published about the day")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Publish, and say what came of it."""
    issues = publish(system, options.series or "daily", options.day, options.district, options.correction)
    if not issues:
        console.say("nothing to publish: no district that is set up (make issuer) has a campaign on that day and accepted data")
    for issue in issues:
        console.show(f"{issue.publication_id}  {issue.summary}\n  {issue.folder}")


def held_since(conn: psycopg.Connection, since: datetime, asked: dict[str, Any]) -> list[tuple[str, date, list[str]]]:
    """(district, day, reasons) of what was asked for and is held since a moment; of other districts only when none was named."""
    return conn.execute(_HELD, {**asked, "since": since}).fetchall()


def has_published(system: System, dag_id: str, run_id: str) -> bool:
    """Whether a run has done what it does without a person; what remains is to skip the questions that need not be asked."""
    with system.postgres.connect_airflow() as conn:
        [is_done] = conn.execute(
            """select coalesce(bool_and(coalesce(state in ('success', 'skipped'), false)), false) from task_instance
               where dag_id = %s and run_id = %s and task_id in ('find_issues', 'publish')""",
            [dag_id, run_id],
        ).fetchone()
    return is_done


def refused_since(system: System, dag_id: str, since: datetime) -> list[str]:
    """Why requests of a DAG were refused since a moment, in Chinese; a task that refuses is skipped."""
    with system.postgres.connect_airflow() as conn:
        rows = conn.execute(
            "select distinct value from xcom where dag_id = %s and key = %s and timestamp >= %s", [dag_id, REFUSED, since]
        ).fetchall()
    return [reason if isinstance(reason, str) else str(reason) for (reason,) in rows]


def _folder(system: System, publication_id: str) -> Path:
    return system.installation.settings.outbox.joinpath("publications", *publication_id.split("-"))


_TODAY = "coalesce(%(day)s, (now() at time zone 'Asia/Shanghai')::date)"
_OF_DISTRICT = "(%(district)s::text is null or district_code = %(district)s)"
_HELD = statement(__file__, "publish_held").format(today=_TODAY, of_district=_OF_DISTRICT)
_NEWEST = statement(__file__, "publish_newest").format(today=_TODAY, of_district=_OF_DISTRICT)
