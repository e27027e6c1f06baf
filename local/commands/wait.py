"""`make wait`: wait until every file in the inbox is judged and shown."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from duban.intake.inbox import Look, kept_path, look
from duban.warehouse import connect
from duban.warehouse.divisions import registered_units
from duban.warehouse.submissions import ACCEPTED
from duban.watching.folders import folders_of, silent_folders
from local import airflow
from local.console import Console, Problem, bar
from local.system import System

# Between a file's disappearance and the warehouse saying so lies at most one transaction.
WITHDRAWN_AFTER_SECONDS = 20.0
# What makes a file in the inbox this very file: path, size, time of change.
Signature = tuple[str, int, int]


@dataclass
class _Watch:
    """What is still awaited."""

    began_at: datetime
    files: dict[Signature, Look]
    # Submissions that must still be judged and returned.
    open_ids: set[str]
    total: int
    # How many of these have their outcome: of the way from the inbox to the receipt two stages of three.
    judged: int = 0
    gone_since: dict[Signature, float] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("--timeout", type=float, default=600, metavar="SECONDS", help="give up after this time (600)")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """As `wait`."""
    wait(system, console, options.timeout)


def wait(system: System, console: Console, timeout: float) -> None:
    """Wait for every file in the inbox, and everything accepted so far, to be judged, returned and shown.

    Raises:
        Problem: the time is over, or a part of the system does not run; says what is missing and where to look.
    """
    end = time.monotonic() + timeout
    system.require_running()
    folders = folders_of(system.installation.settings)
    if silent := silent_folders(folders):
        raise Problem(f"{', '.join(str(folders[name]) for name in silent)} does not answer: is its disk or share there?")
    with connect(system.installation.settings) as conn:
        watch = _begin(system, conn)
        console.say(f"{len(watch.files)} files in the inbox, {len(watch.open_ids)} more on their way")
        while watch.files or watch.open_ids:
            _advance(system, conn, watch)
            console.progress(_progress(watch))
            if watch.files or watch.open_ids:
                _pause(system, end, lambda: _unjudged(conn, watch))
        through = conn.execute("select max(received_at) from ops.submissions where outcome = any(%s)", (list(ACCEPTED),)).fetchone()[0]
        if through is not None:
            _await_shown(system, conn, console, end, through)
    console.say("everything is judged, returned and shown")


def _begin(system: System, conn: psycopg.Connection) -> _Watch:
    # The clock of the database first, then the look: what is seen is removed after this moment.
    began_at = conn.execute("select clock_timestamp()").fetchone()[0]
    files = look(system.installation.settings.inbox, registered_units(conn))
    open_ids = {identity for (identity,) in conn.execute(f"select submission_id from ops.submissions where {_IS_OPEN}")}
    return _Watch(began_at, files, open_ids, len(files) + len(open_ids))


_IS_OPEN = """(outcome is null or submission_id in (
    select subject_id from ops.deliveries where subject_kind = 'return' and channel = 'folder' and status = 'waiting'
))"""


def _advance(system: System, conn: psycopg.Connection, watch: _Watch) -> None:
    """Cross off what has come to its end since the last look."""
    here = look(system.installation.settings.inbox, {file.unit_code for file in watch.files.values()})
    for signature in sorted(watch.files.keys() - here.keys()):
        taken = conn.execute(
            f"""select submission_id, {_IS_OPEN} from ops.submissions
                where inbox_path = any(%s) and (removed_at is null or removed_at >= %s) order by claimed_at desc limit 1""",
            ([path := _inbox_path(watch.files[signature]), kept_path(path)], watch.began_at),
        ).fetchone()
        gone_since = watch.gone_since.setdefault(signature, time.monotonic())
        if taken is None and time.monotonic() - gone_since < WITHDRAWN_AFTER_SECONDS:
            continue
        # Not taken by anyone: the sender took it back. Nothing is to be awaited then.
        del watch.files[signature]
        if taken and taken[1]:
            if taken[0] in watch.open_ids:
                watch.total -= 1
            watch.open_ids.add(taken[0])
    watch.judged = 0
    if watch.open_ids:
        query = f"select submission_id, outcome is not null from ops.submissions where submission_id = any(%s) and {_IS_OPEN}"
        still = dict(conn.execute(query, (list(watch.open_ids),)).fetchall())
        watch.open_ids, watch.judged = set(still), sum(still.values())


def _progress(watch: _Watch) -> str:
    """How far the files have come: each is taken, judged, and returned."""
    done = watch.total - len(watch.files) - len(watch.open_ids)
    stages = 3 * done + 2 * watch.judged + (len(watch.open_ids) - watch.judged)
    counts = f"{done + len(watch.open_ids)} taken, {done + watch.judged} judged, {done} returned"
    return f"{bar(stages, 3 * watch.total)} of {watch.total}: {counts}"


def _await_shown(system: System, conn: psycopg.Connection, console: Console, end: float, through: datetime) -> None:
    def missing() -> str | None:
        built = conn.execute("select max(through_received_at) from ops.builds where is_success").fetchone()[0]
        if built is None or built < through:
            last = conn.execute("select is_success, finished_at from ops.builds order by build_id desc limit 1").fetchone()
            failure = f" (the last build failed at {last[1]:%H:%M:%S})" if last is not None and last[0] is False else ""
            return f"the marts do not hold them yet{failure}; DAG build_warehouse"
        shown = conn.execute("select max(through_received_at) from ops.live_pages").fetchone()[0]
        if shown is None or shown < through:
            return "the live ranking does not show them yet; DAG publish_live_ranking"
        return None

    while (what := missing()) is not None:
        console.progress(f"all judged; {what.split(';')[0]}")
        _pause(system, end, lambda what=what: what)


def _unjudged(conn: psycopg.Connection, watch: _Watch) -> str:
    parts = []
    if watch.files:
        names = sorted(_readable(_inbox_path(file)) for file in watch.files.values())
        some = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        parts.append(f"{len(names)} files still lie in the inbox ({some}); DAG ingest_submissions")
    if watch.open_ids:
        rows = conn.execute(
            "select inbox_path, outcome from ops.submissions where submission_id = any(%s) order by 1 limit 3", (list(watch.open_ids),)
        ).fetchall()
        names = ", ".join(
            f"{_readable(path)} ({'not judged' if outcome is None else 'judged, receipt not written'})" for path, outcome in rows
        )
        parts.append(f"{len(watch.open_ids)} submissions taken have not come to their end ({names}); DAG ingest_submissions")
    return "; ".join(parts)


def _inbox_path(file: Look) -> bytes:
    """The path below the inbox, as the warehouse records it."""
    return os.fsencode(f"{file.unit_code}/{file.path.name}")


def _readable(inbox_path: bytes) -> str:
    return kept_path(inbox_path).decode("utf-8", errors="replace")


def _pause(system: System, end: float, reason) -> None:
    """Wait a moment, unless waiting has become pointless."""
    system.require_running()
    if time.monotonic() > end:
        what = reason()
        more = _paused_or_failed(system, what.rpartition("DAG ")[2])
        raise Problem(f"Time is over: {what}.\n{more}See {system.airflow_url} and {system.installation.logs}.")
    time.sleep(0.25)


def _paused_or_failed(system: System, dag_id: str) -> str:
    with system.postgres.connect_airflow() as conn:
        paused = airflow.paused(conn)
        failed = conn.execute(
            "select dag_id, task_id, try_number from task_instance where state in ('failed', 'up_for_retry') "
            "and end_date > now() - interval '1 hour' order by end_date desc limit 3"
        ).fetchall()
    text = f"{airflow.remedy(dag_id, paused)} (first `. {system.installation.env_file}`).\n"
    return text + (f"Failed lately: {', '.join(f'{dag}.{task} (try {number})' for dag, task, number in failed)}.\n" if failed else "")
