"""Where docs/runbook.md says what to do: an anchor for each check, which is its code, and one for each task of a DAG."""

from __future__ import annotations

RUNBOOK = "docs/runbook.md"
#: These DAGs differ in the series only, and so does what is to be done.
ONE_CHAPTER = dict.fromkeys(("publish_daily_bulletin", "publish_weekly_dispatch", "publish_monthly_dispatch"), "publish_issues")


def anchor_of_task(dag_id: str, task_id: str) -> str:
    """The anchor of a task that failed: `build_warehouse-build`, `publish_issues-publish`."""
    return f"{ONE_CHAPTER.get(dag_id, dag_id)}-{task_id}"


def link(anchor: str) -> str:
    """The place in the runbook as operators read it."""
    return f"{RUNBOOK}#{anchor}"
