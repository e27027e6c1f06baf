"""### deliver_messages

**What it does.** Sends issues and return slips to the mailboxes and group robots that are to get them, each once; and puts
issues into their folder where that was not done yet.

**Reads / writes.** `ops.deliveries`, `ops.recipients`, `published.*`, `landing/` → the mail server of the connection
`duban_smtp`, the robots of connections like `duban_wecom`; `$DUBAN_OUTBOX/publications/`; what came of it →
`ops.deliveries`.

**When it runs.** By itself, seconds after something can go: when an issue or a return slip lies in its folder, or when the
wait after a failure is over (asset `outbox`, watched in the triggerer). On demand at any time. What has no connection
waits as 未配置 and is looked at again every ten minutes.

**When it fails.** A delivery is *uncertain* (it was handed over, and no receipt came: ask the addressee, then resend or
settle it) or *failed* (refused for good, or in vain for three days: mend the address or the connection, then resend or
withdraw it). The log and `make status` name them; everything else went its way. Nothing uncertain is sent again by itself.

**Safe to re-run.** Always: what may have been sent is never sent again but by a person's word.
"""

from airflow.sdk import dag, task

from duban.orchestration.assets import OUTBOX
from duban.orchestration.defaults import DEFAULT_ARGS


@dag(schedule=[OUTBOX], catchup=False, max_active_runs=1, default_args=DEFAULT_ARGS, doc_md=__doc__, tags=["publishing"])
def deliver_messages():
    @task
    def deliver() -> int:
        from duban.orchestration import steps

        return steps.deliver()

    deliver()


deliver_messages()
