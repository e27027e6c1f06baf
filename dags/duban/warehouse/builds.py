"""Builds of the marts and the live pages that show them: `ops.builds`, which dbt's macros write as well, and `ops.live_pages`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from duban.statements import statement
from duban.warehouse import locks
from duban.warehouse.submissions import ACCEPTED

#: What the sessions of a build call themselves; those of a person's own `dbt` are `dbt`.
BUILDING = "duban build"


@contextmanager
def build_lock(conn: psycopg.Connection, on_loss: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Only one dbt run at a time: two would replace each other's tables. What a run that was killed has left behind is ended.

    `on_loss`: as `locks.held`. dbt works on connections of its own, which hold no lock.
    """
    with locks.held(conn, locks.BUILD, on_loss):
        conn.execute(
            """select pg_terminate_backend(pid, 5000) from pg_stat_activity
               where usename = current_user and datname = current_database() and application_name = %s""",
            (BUILDING,),
        )
        close_builds(conn)
        yield


def last_build(conn: psycopg.Connection) -> tuple[int, bool]:
    """Id of the build that began last, and whether it was shown to readers. Builds record themselves: `dbt_project/macros/builds.sql`."""
    return conn.execute("select build_id, is_success is true from ops.builds order by build_id desc limit 1").fetchone()


def close_builds(conn: psycopg.Connection) -> None:
    """Record that builds have failed that could not say so themselves. Call under `build_lock`: nobody else builds."""
    with conn.transaction():
        conn.execute("update ops.builds set finished_at = clock_timestamp(), is_success = false where finished_at is null")


def unbuilt_submissions(conn: psycopg.Connection) -> int:
    """How many accepted submissions no good build of the marts holds yet."""
    return conn.execute(
        """select count(*) from ops.submissions where outcome = any(%s)
           and received_at > coalesce((select max(through_received_at) from ops.builds where is_success), '-infinity')""",
        (list(ACCEPTED),),
    ).fetchone()[0]


#: What failed is not tried again at once; a new event, or a person, may do so.
RETRY_MINUTES = 10
_HAS_JUST_FAILED = """exists (
    select from ops.task_failures
    where dag_id = %(dag)s and recovered_at is null and failed_at > clock_timestamp() - make_interval(mins => %(minutes)s)
)"""


def build_is_due(conn: psycopg.Connection) -> bool:
    """Whether accepted rows are not in the marts although nobody judges or builds, and no build has just failed."""
    return conn.execute(
        statement(__file__, "builds_due").format(is_held=locks.IS_HELD, has_just_failed=_HAS_JUST_FAILED),
        {"accepted": list(ACCEPTED), "locks": [locks.JUDGE, locks.BUILD], "dag": "build_warehouse", "minutes": RETRY_MINUTES},
    ).fetchone()[0]


def page_is_due(conn: psycopg.Connection) -> bool:
    """Whether no page shows the last good build although nobody builds, and no page has just failed."""
    return conn.execute(
        f"""select coalesce((select max(build_id) from ops.builds where is_success), 0)
                   > coalesce((select max(build_id) from ops.live_pages), 0)
               and not {locks.IS_HELD} and not {_HAS_JUST_FAILED}""",
        {"locks": [locks.BUILD], "dag": "publish_live_ranking", "minutes": RETRY_MINUTES},
    ).fetchone()[0]


def latest_build(conn: psycopg.Connection) -> int | None:
    """Id of the last build that succeeded."""
    row = conn.execute("select build_id from ops.builds where is_success order by build_id desc limit 1").fetchone()
    return row[0] if row else None


def record_page(conn: psycopg.Connection, build_id: int) -> None:
    """Record that the live page shows a build."""
    with conn.transaction():
        conn.execute(
            """insert into ops.live_pages (build_id, through_received_at)
               select build_id, through_received_at from ops.builds where build_id = %s""",
            (build_id,),
        )
