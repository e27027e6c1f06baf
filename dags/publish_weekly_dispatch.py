"""### publish_weekly_dispatch

**What it does.** Publishes the weekly dispatch 周调度 of every district: problems over the week, projects, funds, what
is to be decided.

**Reads / writes.** `marts.*_as_of`, `raw`, `ops.submissions` → `published.*` (number, rows and documents in one
transaction) → `$DUBAN_OUTBOX/publications/<district>/weekly/<year>/<no>/`; `deliver_messages` sends it on.

**When it runs.** On the last working day of a week (Monday to Sunday) at the cut-off, 17:30 Asia/Shanghai. On demand
for any working day: `{"business_on": "2020-06-24", "district_code": "430902"}`; with `"correction": true` for a
numbered correction. By `airflow backfill` for days gone by. Districts without a campaign on that day,
without accepted data or that nobody set up (`make issuer`) have nothing to publish; what is refused (a day that is no
working day) is skipped, and says why.

**When it fails.** *An issue is held*: the task `release` waits under Required Actions, for ten days, and says which
check failed. Mend the data and run again for that day, or write down why it is to be published all the same and
choose 发布; the days after it are published meanwhile. Anything else: nothing was published and no number was given;
read the log, run again.

**Safe to re-run.** Always: a day that has its issue keeps it, byte for byte, and nothing is sent twice.
"""

from airflow.sdk import dag

from duban.orchestration.publication import CUT_OFF, OF_ISSUES, publication_tasks


@dag(schedule=CUT_OFF, doc_md=__doc__, **OF_ISSUES)
def publish_weekly_dispatch():
    publication_tasks("weekly")


publish_weekly_dispatch()
