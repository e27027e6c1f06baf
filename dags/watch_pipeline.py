"""### watch_pipeline

**What it does.** Asks the checks of `duban/watching/checks.yml` and writes one short report of the day: what is wrong, since
when, what is new and what is muted; shows it on the page 运行监测 and tells the operators.

**Reads / writes.** `ops.*`, `raw`, `quarantine`, `marts.dim_dates`, the folders → `ops.watch_reports`, `ops.watch_items`
(`marts.fct_watch_items`), `ops.watch_messages` with their deliveries, which `deliver_messages` sends; the site.

**When it runs.** Every day at 08:30 Asia/Shanghai; on demand; and by itself within a minute when a deadline is missed, or met
again (asset `deadlines`, watched in the triggerer): a file that no live ranking shows after 15 minutes, no daily bulletin by
18:00 on a working day, an issue that has been held for half an hour.

**When it fails.** Nothing was written and nobody was told; a check that cannot be asked is an error of the report and fails
nothing. Read the log, run again. docs/runbook.md has a chapter for every check and every task.

**Safe to re-run.** Always: the report of a day is replaced, and nobody is told the same twice on one day.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from duban.orchestration.defaults import DEFAULT_ARGS, TIMEZONE
from duban.orchestration.watch_trigger import DEADLINES


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("30 8 * * *", timezone=TIMEZONE), assets=[DEADLINES]),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["watching"],
)
def watch_pipeline():
    @task
    def watch() -> str:
        from duban.orchestration import steps

        return steps.watch()

    @task
    def show() -> list[str]:
        from duban.orchestration import steps

        return steps.publish_live_ranking().pages

    watch() >> show()


watch_pipeline()
