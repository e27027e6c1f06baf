"""### ingest_submissions

**What it does.** Takes the files that have come to rest in the inbox, reads them in a sandbox, passes every row through the Great
Expectations gate, loads what is right, quarantines what is wrong, and puts receipts and return slips into the outbox.

**Reads / writes.** `$DUBAN_INBOX/<unit>/…` → `landing/` (bytes by hash) → `raw.*`, `quarantine.*`, `personal.*`,
`ops.submissions` → `$DUBAN_OUTBOX/returns/<unit>/<submission>/`.

**When it runs.** By itself, as soon as a file is seen in the inbox (asset `inbox`, watched in the triggerer); it takes those that
have not changed for a second and that nobody writes. On demand at any time. When there are accepted rows that the marts do not
hold it announces the asset `raw`, and `build_warehouse` starts. The asset `submissions` has an event for every file (above 100
files of a run: for every unit) with outcome and counts.

**When it fails.** In `write_returns`, "the gate is closed": a rule could not be evaluated, nothing of that round was loaded and its files
wait; the log of `judge_and_load` names the rule. Mend it in `expectations/`; within a minute the files are tried again by themselves.
Anything else: the files keep waiting and nothing is half loaded; read the log of the task, run again.

**Safe to re-run.** Always: a file without an outcome is judged anew, one with an outcome never; a file that is already claimed is
not taken twice.
"""

from airflow.sdk import dag, task

from duban.orchestration.assets import ACCEPTED_ROWS, INBOX, JUDGED_FILES, announce_files
from duban.orchestration.defaults import DEFAULT_ARGS


@dag(schedule=[INBOX], catchup=False, max_active_runs=1, default_args=DEFAULT_ARGS, doc_md=__doc__, tags=["intake"])
def ingest_submissions():
    @task(outlets=[ACCEPTED_ROWS, JUDGED_FILES])
    def judge_and_load(*, outlet_events=None) -> int:
        from duban.orchestration import steps

        unbuilt, files = steps.judge_and_load()
        announce_files(outlet_events, unbuilt, files)
        return unbuilt

    @task
    def write_returns() -> int:
        from duban.orchestration import steps

        return steps.write_returns()

    judge_and_load() >> write_returns()


ingest_submissions()
