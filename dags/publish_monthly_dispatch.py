"""### publish_monthly_dispatch

**What it does.** Publishes the monthly dispatch 月调度 of every district: projects, funds by tier and stage, problems
over the month, key targets.

**Reads / writes.** `marts.*_as_of`, `raw`, `ops.submissions` → `published.*` (number, rows and documents in one
transaction) → `$DUBAN_OUTBOX/publications/<district>/monthly/<year>/<no>/`; `deliver_messages` sends it on.

**When it runs.** On the last working day of a month at the cut-off, 17:30 Asia/Shanghai. On demand for any working
day: `{"business_on": "2020-06-24", "district_code": "430902"}`; with `"correction": true` for a numbered correction.
By `airflow backfill` for days gone by. Districts without a campaign on that day or without accepted data have nothing
to publish; a day that is no working day is refused.

**When it fails.** *An issue is held*: the task `release` waits under Required Actions, for ten days, and says which
check failed. Mend the data and run again for that day, or write down why it is to be published all the same and
choose 发布; the days after it are published meanwhile. Anything else: nothing was published and no number was given;
read the log, run again.

**Safe to re-run.** Always: a day that has its issue keeps it, byte for byte, and nothing is sent twice.
"""

from airflow.sdk import dag

from duban.orchestration.publication import CUT_OFF, OF_ISSUES, publication_tasks


@dag(schedule=CUT_OFF, doc_md=__doc__, **OF_ISSUES)
def publish_monthly_dispatch():
    publication_tasks("monthly")


publish_monthly_dispatch()
