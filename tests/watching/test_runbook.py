"""docs/runbook.md has a chapter for every check and every task that can fail, and no chapter for anything else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from duban.watching.checks import BY_CODE
from duban.watching.runbook import RUNBOOK, anchor_of_task

ROOT = Path(__file__).parents[2]
HEADING = re.compile(r"^### (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def dags(tmp_path_factory):
    """The DAGs as Airflow's parser sees them, with a throwaway Airflow home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(ROOT / "dags", safe_mode=True)
    assert not bag.import_errors
    return bag.dags


def test_every_alarm_has_its_chapter_and_every_chapter_its_alarm(dags):
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8")
    tasks = {anchor_of_task(dag.dag_id, task.task_id) for dag in dags.values() for task in dag.tasks}
    assert len(tasks) > 10 and set(HEADING.findall(text)) == set(BY_CODE) | tasks
    assert len(HEADING.findall(text)) == len(set(HEADING.findall(text)))


def test_every_chapter_says_what_it_means_and_what_to_do():
    chapters = re.split(r"^### ", (ROOT / RUNBOOK).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    for chapter in chapters:
        name, _, text = chapter.partition("\n")
        refers = re.search(r"As \[[\w-]+\]\(#[\w-]+\)", text)
        assert refers or ("**Meaning.**" in text and re.search(r"\*\*(Fix|Run again|Fix / run again)", text)), name


def test_what_the_commands_name_is_there():
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8")
    named = {anchor for path in (ROOT / "local").rglob("*.py") for anchor in re.findall(rf"{RUNBOOK}#([a-z-]+)", path.read_text("utf-8"))}
    assert named == {"a-part-is-down"} and "\n# A part is down\n" in text


def test_the_watch_runs_in_the_morning_and_when_a_deadline_is_missed(dags):
    dag = dags["watch_pipeline"]
    [asset] = dag.timetable.asset_condition.objects
    assert asset.name == "deadlines" and [watcher.name for watcher in asset.watchers] == ["deadline_watcher"]
    clock = dag.timetable.timetable
    assert (clock.expression, str(clock.timezone)) == ("30 8 * * *", "Asia/Shanghai")
    assert dag.get_task("watch").downstream_task_ids == {"show"}


def test_every_task_is_recorded_when_it_fails_and_when_it_recovers(dags):
    from duban.orchestration.failures import record_failure, record_recovery

    for dag in dags.values():
        for task in dag.tasks:
            assert record_failure in task.on_failure_callback, task.task_id
            assert record_recovery in task.on_success_callback, task.task_id
    # the page says how old it is besides
    assert [callback.__name__ for callback in dags["build_warehouse"].get_task("build").on_failure_callback] == [
        "record_failure",
        "say_how_old",
    ]
