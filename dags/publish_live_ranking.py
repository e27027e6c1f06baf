"""### publish_live_ranking

**What it does.** Renders the site: live ranking, history, townships, funds, projects, quality, and the issues to read.

**Reads / writes.** `marts.*`, `published.*` → `$DUBAN_OUTBOX/site/`; the page is recorded in `ops.live_pages`.

**When it runs.** After every build of the marts (asset `marts`), when issues were published (asset `publications`), and within a minute
when no page shows the last build and nobody builds (asset `unshown`, watched in the triggerer).

**When it fails.** The page that is there stays as it is: files are replaced whole or not at all. Read the log, run again.

**Safe to re-run.** Always.
"""

from airflow.sdk import dag, task

from duban.orchestration.assets import LIVE_RANKING, MARTS, PUBLICATIONS, UNSHOWN
from duban.orchestration.defaults import DEFAULT_ARGS


@dag(
    schedule=(MARTS | PUBLICATIONS | UNSHOWN),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["publishing"],
)
def publish_live_ranking():
    @task(outlets=[LIVE_RANKING])
    def publish(*, outlet_events=None) -> list[str]:
        from duban.orchestration import steps

        shown = steps.publish_live_ranking()
        outlet_events[LIVE_RANKING].extra = {"build_id": shown.build_id, "pages_written": len(shown.pages)}
        return shown.pages

    publish()


publish_live_ranking()
