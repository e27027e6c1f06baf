"""### build_warehouse

**What it does.** One dbt build: staging → intermediate → marts, with their tests.

**Reads / writes.** `raw.*`, `quarantine.*`, `ops.submissions` → `staging`, `intermediate`, `candidates`, then
`marts` at once; the run is recorded in `ops.builds`, and every mart it made has an event of an asset of its name, with rows and seconds.

**When it runs.** After rows were accepted (asset `raw`), and within a minute when accepted rows are not in the marts and nobody works
on it (asset `unbuilt`, watched in the triggerer; ten minutes after a build that failed): what rows can change. At 00:05 and on demand:
everything, calendar and divisions included, so that a day without a file has its row as well.

**When it fails.** The message names the model or test. Readers keep the last good build whole, and after the last
attempt the page says how old it is. Mend the model or the row, run again: the next build does the work of both.

**Safe to re-run.** Always; only one run works at a time (a lock in PostgreSQL).
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from duban.orchestration.assets import BUILT_MARTS, MARTS, RAW, UNBUILT, announce_build
from duban.orchestration.defaults import DEFAULT_ARGS, TIMEZONE
from duban.orchestration.failures import record_failure
from duban.orchestration.guardian import guard_any_thread


def say_how_old(context) -> None:
    """The page is rendered again without a new build: it says that the update failed, and how old its figures are."""
    from duban.orchestration import steps

    steps.publish_live_ranking()


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("5 0 * * *", timezone=TIMEZONE), assets=(RAW | UNBUILT)),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["warehouse"],
)
def build_warehouse():
    @task(outlets=[MARTS, BUILT_MARTS], on_execute_callback=guard_any_thread, on_failure_callback=[record_failure, say_how_old])
    def build(*, triggering_asset_events=None, outlet_events=None) -> None:
        from duban.orchestration import steps

        announce_build(outlet_events, steps.build_warehouse("live" if triggering_asset_events else "nightly"))

    build()


build_warehouse()
