"""### judge_large_files

**What it does.** Judges files of more than 1 MB, one after the other, beside `ingest_submissions`, which takes them and judges all
others: nobody waits half a minute for another sender's workbook. What must wait for a large file is judged after it.

**Reads / writes.** As `ingest_submissions`, from `landing/` on.

**When it runs.** Within seconds after a large file was taken (asset `large_files`, watched in the triggerer), and again while
one has no outcome or no answer in the outbox.

**When it fails.** "The gate is closed": a rule could not be evaluated; mend it in `expectations/`. Anything else: the file waits and
nothing of it is half loaded; read the log of the task. It is tried again within a minute.

**Safe to re-run.** Always: a file without an outcome is judged anew, one with an outcome never.
"""

from airflow.sdk import dag, task

from duban.orchestration.assets import ACCEPTED_ROWS, JUDGED_FILES, LARGE_FILES, announce_files
from duban.orchestration.defaults import DEFAULT_ARGS


@dag(schedule=[LARGE_FILES], catchup=False, max_active_runs=1, default_args=DEFAULT_ARGS, doc_md=__doc__, tags=["intake"])
def judge_large_files():
    @task(outlets=[ACCEPTED_ROWS, JUDGED_FILES])
    def judge_and_load(*, outlet_events=None) -> int:
        from duban.orchestration import steps

        unbuilt, files = steps.judge_large_files()
        announce_files(outlet_events, unbuilt, files)
        return unbuilt

    @task
    def write_returns() -> int:
        from duban.orchestration import steps

        return steps.write_returns(apart=True)

    judge_and_load() >> write_returns()


judge_large_files()
