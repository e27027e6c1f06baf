"""`make status`: what is running, last runs, files waiting, newest ranking."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from duban.intake.inbox import look, strangers
from duban.publishing.delivery import standing
from duban.settings import TIMEZONE
from duban.warehouse import connect
from duban.warehouse.divisions import registered_units
from duban.warehouse.locks import SILENT_SECONDS, silent_holders
from duban.warehouse.submissions import ACCEPTED
from duban.warehouse.watch import report_counts
from duban.watching.bulletins import days_without_bulletin, districts_not_set_up
from duban.watching.folders import folders_of, silent_folders
from local import airflow
from local.console import Console, table
from local.system import SITE, System

#: A person waits for it.
ANSWER_SECONDS = 8.0
#: How the guardian of a task records that it had to end it, in words.
ENDED = {"Frozen": "stood still", "Overdue": "took too long"}


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Print the state of an installation. Works on a system that is down, too."""
    settings = system.installation.settings
    console.show(f"Duban in {settings.home}\n")
    port = system.postgres.running_port()
    health = airflow.health(system.installation.api_url) if system.processes.running("api-server") else {}
    parts = _parts(system, port, health)
    console.show(table(("part", "state", "where"), parts))
    if bad := [name for name, state, _ in parts if state not in ("running", "healthy")]:
        console.show(f"\nNot at work: {', '.join(bad)}. `{system.start_command}` starts it; docs/runbook.md#a-part-is-down says more.")
    if port is not None and system.postgres.answers():
        console.show("\n" + table(("DAG", "last run", "state", "seconds"), _runs(system)))
        console.show("\n" + "\n".join(_work(system)))
    if port is not None:
        system.show_places(console)


def _parts(system: System, port: int | None, health: dict[str, str]) -> list[tuple[str, str, str]]:
    state = "down" if port is None else "running" if system.postgres.answers() else "recovering"
    parts = [("PostgreSQL", state, system.postgres.address)]
    places = {"api-server": system.airflow_url, SITE: system.site_url}
    for name in (*airflow.COMPONENTS, SITE):
        # a server that runs and does not answer knows nothing of the others either
        silent = "running" if name == SITE else "no answer" if name == "api-server" else "unknown"
        state = "down" if not system.processes.running(name) else health.get(name, silent)
        parts.append((name, state, places.get(name, "")))
    return parts


def _behind(conn: psycopg.Connection, paused: set[str], now: datetime) -> list[str]:
    """What was accepted and is not shown, by the step that it waits for, and the command for it; locks whose holder is silent; failures."""
    lines = []
    count, since = conn.execute(
        """select count(*), min(received_at) from ops.submissions where outcome = any(%s)
           and received_at > coalesce((select max(through_received_at) from ops.builds where is_success), '-infinity')""",
        (list(ACCEPTED),),
    ).fetchone()
    if count:
        lines.append(f"Not in the marts yet: {count} accepted files, the oldest for {_ago(now - since)}")
        lines.append(f"  {airflow.remedy('build_warehouse', paused)}")
    built = conn.execute("select build_id, finished_at from ops.builds where is_success order by build_id desc limit 1").fetchone()
    shown = conn.execute("select coalesce(max(build_id), 0) from ops.live_pages").fetchone()[0]
    if built and shown < built[0]:
        lines.append(f"Not on the page yet: the build of {_ago(now - built[1])} ago")
        lines.append(f"  {airflow.remedy('publish_live_ranking', paused)}")
    for what, pid, seconds in silent_holders(conn):
        lines.append(
            f"SILENT for {seconds:.0f} s: session {pid}, {what}; the server ends it after {SILENT_SECONDS:.0f} s, others go on then"
        )
    failures = conn.execute(
        """select dag_id || '.' || task_id, exception_type, max(failed_at), bool_and(recovered_at is not null), count(*)
           from ops.task_failures where failed_at > %s - interval '1 day' group by 1, 2 order by 3 desc limit 5""",
        (now,),
    ).fetchall()
    for task, kind, failed_at, is_recovered, times in failures:
        what = f"{ENDED[kind]} and was ended" if kind in ENDED else f"failed ({kind})"
        lines.append(
            f"{task} {what} {_ago(now - failed_at)} ago"
            + (f", {times} times in a day" if times > 1 else "")
            + (", succeeded since" if is_recovered else "; docs/runbook.md says what to do")
        )
    return lines


def _runs(system: System) -> list[tuple]:
    with system.postgres.connect_airflow() as conn:
        if not conn.execute("select to_regclass('dag_run') is not null").fetchone()[0]:
            return []
        rows = conn.execute(
            """select dag.dag_id, dag.is_paused, run.start_date, run.state, run.end_date - run.start_date
               from dag left join lateral (
                   select * from dag_run where dag_run.dag_id = dag.dag_id order by dag_run.id desc limit 1
               ) run on true
               where not dag.is_stale order by 1"""
        ).fetchall()
    return [
        (
            dag + (" (paused)" if paused else ""),
            f"{start.astimezone(TIMEZONE):%Y-%m-%d %H:%M:%S}" if start else "never",
            state or "",
            f"{took.total_seconds():.1f}" if took else "",
        )
        for dag, paused, start, state, took in rows
    ]


def _work(system: System) -> list[str]:
    folders = folders_of(system.installation.settings)
    silent = silent_folders(folders, ANSWER_SECONDS)
    lines = []
    with system.postgres.connect_airflow() as conn:
        is_there = conn.execute("select to_regclass('dag') is not null").fetchone()[0]
        paused = airflow.paused(conn) if is_there else set()
    with connect(system.installation.settings) as conn:
        units = registered_units(conn)
        lines += _folders(folders, silent, units)
        total, unjudged = conn.execute("select count(*), count(*) filter (where outcome is null) from ops.submissions").fetchone()
        lines.append(f"Submissions: {total}, of which {unjudged} are being judged")
        ranking, now = _newest_ranking(conn)
        lines += _behind(conn, paused, now)
        if ranking is None:
            lines.append("No ranking yet: nothing was accepted, or the marts are not built")
        else:
            day, built_at = ranking
            lines.append(f"Newest ranking: {day}, built {_ago(now - built_at)} ago")
        page = system.installation.site / "index.html"
        if not silent:
            lines.append(f"Live page: {page} ({_age(page, now)})")
        issues, newest = conn.execute("select count(*), max(published_at) from published.publications").fetchone()
        lines.append(f"Issues: {issues}" + (f", the newest published {_ago(now - newest)} ago" if newest else ""))
        held = conn.execute(
            """select district_code, series || case when is_correction then ' correction' else '' end, business_on, held_at, reasons
               from ops.held_issues where ended_at is null order by held_at"""
        ).fetchall()
        for district, series, day, held_at, reasons in held:
            since = f"{held_at.astimezone(TIMEZONE):%Y-%m-%d %H:%M}"
            lines.append(f"  HELD {district} {series} {day} since {since}: {'；'.join(reasons)}")
        if held:
            lines.append("  mend the data and publish again, or release it in Airflow under Required Actions")
        if missing := days_without_bulletin(conn, now.astimezone(TIMEZONE).date()):
            lines.append("Working days without a bulletin:")
            lines += [f"  {day} {', '.join(districts)}: make publish DAY={day}" for day, districts in missing]
        for code in districts_not_set_up(conn):
            lines.append(f"District {code} has data and is not set up to publish: make issuer DISTRICT={code} ISSUER_NAME=…")
        lines += standing(conn)
        lines += _watched(conn, now)
    return lines


def _folders(folders: Mapping[str, Path], silent: Sequence[str], units: Collection[str]) -> list[str]:
    """What lies in the inbox; or which folders do not answer, and then nothing is asked of any."""
    if silent:
        return [f"NO ANSWER from the folder {name}, {folders[name]}: is its disk or share there? What needs it waits" for name in silent]
    place = folders["inbox"]
    lines = [f"Files waiting in {place}: {len(look(place, units))}"]
    if nobody := strangers(place, units):
        some = ", ".join(nobody[:10]) + (", …" if len(nobody) > 10 else "")
        lines.append(f"  {len(nobody)} not taken, in no unit's folder or no plain file: {some}")
    return lines


def _watched(conn: psycopg.Connection, now: datetime) -> list[str]:
    """The newest watch report: how old, its counts, a line per error."""
    report = report_counts(conn)
    if report is None:
        return ["Watch: no report yet; `watch_pipeline` writes one at 08:30"]
    counts = ", ".join(f"{report[name]} {name}" for name in ("error", "warning", "info", "muted"))
    lines = [f"Watch: {counts}; reported {_ago(now - report['watched_at'])} ago"]
    if now - report["watched_at"] > timedelta(hours=26):
        lines.append("  it should be made every day: see that watch_pipeline runs and is not paused")
    return [*lines, *(f"  ERROR docs/runbook.md#{error}" for error in report["errors"])]


def _newest_ranking(conn) -> tuple[tuple | None, object]:
    now = conn.execute("select clock_timestamp()").fetchone()[0]
    if not conn.execute("select to_regclass('marts.rpt_township_ranking') is not null").fetchone()[0]:
        return None, now
    day = conn.execute("select max(ranked_on) from marts.rpt_township_ranking where is_ranked").fetchone()[0]
    built_at = conn.execute("select max(finished_at) from ops.builds where is_success").fetchone()[0]
    return ((day, built_at) if day and built_at else None), now


def _age(page: Path, now) -> str:
    if not page.exists():
        return "not written yet"
    return f"written {_ago(timedelta(seconds=now.timestamp() - page.stat().st_mtime))} ago"


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
