"""The DAG files: the exact set of DAGs, how they start each other, and that they are wiring and nothing else."""

from __future__ import annotations

import ast
import importlib.util
import multiprocessing.forkserver
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from duban.orchestration.dbt import Build, Model

DAGS = Path(__file__).parents[2] / "dags"
FILES = sorted(DAGS.glob("*.py"))
ISSUES = {"publish_daily_bulletin", "publish_weekly_dispatch", "publish_monthly_dispatch"}
EXPECTED = {
    "ingest_submissions",
    "judge_large_files",
    "build_warehouse",
    "publish_live_ranking",
    "deliver_messages",
    "watch_pipeline",
    *ISSUES,
}
SECTIONS = ("**What it does.**", "**Reads / writes.**", "**When it runs.**", "**When it fails.**", "**Safe to re-run.**")


@pytest.fixture(scope="module")
def dags(tmp_path_factory):
    """The DAGs as Airflow's parser sees them, with a throwaway Airflow home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(DAGS, safe_mode=True)
    assert not bag.import_errors
    return bag.dags


@pytest.fixture
def assets(dags):
    """The module of the assets, imported when Airflow has its home."""
    from duban.orchestration import assets

    return assets


def test_exactly_these_dags(dags):
    assert set(dags) == EXPECTED == {path.stem for path in FILES}


def test_one_dag_starts_the_next(dags):
    def assets_of(dag_id):
        return {asset.name for asset in dags[dag_id].timetable.asset_condition.objects}

    assert assets_of("ingest_submissions") == {"inbox"}
    assert assets_of("judge_large_files") == {"large_files"}
    assert assets_of("build_warehouse") == {"raw", "unbuilt"}
    assert assets_of("publish_live_ranking") == {"marts", "publications", "unshown"}
    assert [alias.name for alias in dags["ingest_submissions"].get_task("judge_and_load").outlets] == ["accepted_rows", "judged_files"]
    assert [asset.name for asset in dags["build_warehouse"].get_task("build").outlets] == ["marts", "built_marts"]


class Told(dict):
    """Outlet events of a task, as far as the functions that announce use them."""

    def __missing__(self, outlet):
        """One accessor per outlet."""
        self[outlet] = event = SimpleNamespace(extra={}, added=[])
        event.add = lambda asset, extra: event.added.append((asset.name, extra))
        return event


def judged(number: int, outcome: str = "accepted", unit: int = 0) -> dict:
    counts = {"rows": 3, "accepted": 2, "rejected": 1, "ignored": 0}
    return {"submission_id": str(number), "unit_code": f"43090210{unit}", "unit_name": f"{unit}镇", "outcome": outcome, **counts}


def test_files_are_announced_one_by_one_and_large_batches_by_unit(assets):
    most = assets.MOST_FILES_ONE_BY_ONE
    told = Told()
    assets.announce_files(told, 0, [])
    assert told == {}
    assets.announce_files(told, 1, [judged(number) for number in range(most)])
    assert told[assets.ACCEPTED_ROWS].added == [("raw", {"unbuilt_submissions": 1})]
    assert told[assets.JUDGED_FILES].added == [("submissions", judged(number)) for number in range(most)]
    told = Told()
    assets.announce_files(told, 0, [judged(number, "rejected" if number % 3 else "accepted", number % 2) for number in range(most + 1)])
    assert told[assets.ACCEPTED_ROWS].added == [] and len(told[assets.JUDGED_FILES].added) == 2
    name, extra = told[assets.JUDGED_FILES].added[0]
    assert name == "submissions" and extra == {
        "unit_code": "430902100",
        "unit_name": "0镇",
        "files": {"accepted": 17, "rejected": 34},
        "rows": 153,
        "accepted": 102,
        "rejected": 51,
        "ignored": 0,
    }


def test_a_build_is_announced_with_its_marts(assets):
    told = Told()
    models = (Model("stg_problems", "staging", None, 0.1), Model("fct_problems", "marts", 7, 0.256))
    assets.announce_build(told, Build(12, models, 34))
    assert told[assets.MARTS].extra == {"build_id": 12, "models": 2, "tests": 34}
    assert told[assets.BUILT_MARTS].added == [("marts.fct_problems", {"build_id": 12, "rows_written": 7, "seconds": 0.26})]


def test_the_inbox_is_watched_and_nothing_polls_it(dags):
    [inbox] = dags["ingest_submissions"].timetable.asset_condition.objects
    assert [watcher.name for watcher in inbox.watchers] == ["inbox_watcher"]


def test_every_dag_is_safe_to_run_at_any_time(dags):
    for dag in dags.values():
        # a run that publishes may wait for a person for days, and must not hold up the next day's
        assert (dag.max_active_runs > 7 if dag.dag_id in ISSUES else dag.max_active_runs == 1) and not dag.catchup
        for task in dag.tasks:
            assert task.retries >= 1, f"{task} gives up at the first lost connection"


def test_a_run_whose_configuration_is_misspelt_does_nothing_and_says_so(dags):
    """Before every task of every DAG: it is skipped, which is no failure, and the reason is there for whoever asked."""
    from airflow.sdk.exceptions import AirflowSkipException

    for dag in dags.values():
        pushed = {}
        task = SimpleNamespace(xcom_push=pushed.__setitem__)
        for each in dag.tasks:
            context = {"dag": dag, "ti": task, "dag_run": SimpleNamespace(conf=dict.fromkeys(dag.params, "x"))}
            each._pre_execute_hook(context)
            context["dag_run"].conf = None
            each._pre_execute_hook(context)
            context["dag_run"].conf = {"bussiness_on": "2020-06-24"}
            with pytest.raises(AirflowSkipException, match="不认识的参数：bussiness_on"):
                each._pre_execute_hook(context)
        assert list(pushed) == ["refused"] and ("business_on" in pushed["refused"]) == (dag.dag_id in ISSUES)


def test_the_days_of_a_backfill_are_published_in_their_order(dags):
    """A day waits for the one before it while that one is at work; not for one that is held, has failed or has not begun."""
    from airflow.sdk.exceptions import AirflowRescheduleException

    from duban.orchestration import steps

    def waits(states: dict[str, str | None], state: str = "running", run_type: str = "backfill") -> bool:
        before = SimpleNamespace(run_id="before", run_type=run_type, state=state)
        task = SimpleNamespace(
            dag_id="x", get_previous_dagrun=lambda: before, get_task_states=lambda *_, **__: {"before": states} if states else {}
        )
        try:
            steps._await_day_before(task)
        except AirflowRescheduleException:
            return True
        return False

    assert waits({}) and waits({"find_issues": "success", "publish": None}) and waits({"find_issues": "success", "publish_0": "running"})
    assert waits({"find_issues": "success", "publish_0": "success", "publish_1": "up_for_retry"})
    assert not waits({"find_issues": "success", "publish_0": "success"}) and not waits({"find_issues": "skipped", "publish": "skipped"})
    assert not waits({"find_issues": "success", "publish_0": "failed"})
    assert not waits({}, state="queued") and not waits({}, state="success") and not waits({}, run_type="scheduled")
    steps._await_day_before(SimpleNamespace(get_previous_dagrun=lambda: None))


@pytest.mark.parametrize("dag_id", sorted(ISSUES))
def test_issues_are_published_at_the_cut_off_and_held_ones_ask_a_person(dags, dag_id):
    dag = dags[dag_id]
    assert (dag.timetable.expression, str(dag.timetable.timezone)) == ("30 17 * * *", "Asia/Shanghai")
    assert set(dag.params) == {"business_on", "district_code", "correction", "release_reason"}
    tasks = {task.task_id: task for task in dag.tasks}
    assert tasks["find_issues"].downstream_task_ids == {"publish"}
    # each district by itself: what is held in one holds up no other
    groups = {type(tasks[name].task_group).__name__ for name in ("publish", "ask", "release", "publish_released")}
    assert groups == {"MappedTaskGroup"}
    assert tasks["publish"].downstream_task_ids == {"ask", "publish_released"} and tasks["ask"].downstream_task_ids == {"release"}
    for name in ("publish", "publish_released"):
        assert [asset.name for asset in tasks[name].outlets] == ["publications"]
    release = tasks["release"]
    assert type(release).__name__ == "HITLOperator" and release.downstream_task_ids == {"publish_released"}
    # a person's time is not the task's, and nobody is waited for without end: then it stays held
    assert release.execution_timeout is None and release.response_timeout.days == 10 and release.defaults == ["继续暂缓"]
    # values of another task are never evaluated as templates
    assert not isinstance(release.subject, str) and not isinstance(release.body, str)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dag_file_is_wiring(path):
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert len(source.splitlines()) <= 120
    docstring = ast.get_docstring(tree)
    assert [section for section in SECTIONS if section not in docstring] == []
    imported = {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    foreign = {
        name for name in imported if not name.startswith(("airflow.sdk", "duban.orchestration")) and name not in sys.stdlib_module_names
    }
    assert foreign == set()
    if path.stem in ISSUES:
        tree = ast.parse((DAGS / "duban" / "orchestration" / "publication.py").read_text(encoding="utf-8"))
    bodies = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.decorator_list and node.name not in EXPECTED]
    assert bodies and all(len(node.body) <= 5 for node in bodies)


def test_what_workers_fork_with_is_there():
    """The fork server passes over a module that it cannot find: tasks would begin slowly, and nobody would be told."""
    options = (DAGS.parent / "deploy" / "airflow.env").read_text(encoding="utf-8")
    [names] = re.findall(r"^AIRFLOW__CORE__MP_FORKSERVER_PRELOAD=(.+)$", options, re.MULTILINE)
    assert "duban.orchestration.preload" in names.split(",")
    assert [name for name in names.split(",") if not importlib.util.find_spec(name)] == []


def test_workers_can_fork_before_the_first_task(dags, monkeypatch):
    """The plugin, as Airflow finds it: the scheduler starts the fork server, other components and tasks do not."""
    from airflow.jobs.job import Job
    from airflow.plugins_manager import _load_plugins_from_plugin_directory as load

    [plugin], errors = load(plugins_folder=str(DAGS.parent / "deploy" / "plugins"))
    [listener] = plugin.listeners
    assert errors == {} and listener.on_starting.airflow_impl
    started = []
    monkeypatch.setattr(multiprocessing.forkserver, "ensure_running", lambda: started.append(True))
    for method, component, expected in (("fork", Job(), 0), ("forkserver", object(), 0), ("forkserver", Job(), 1)):
        monkeypatch.setattr(multiprocessing, "get_start_method", lambda method=method: method)
        listener.on_starting(component=component)
        assert len(started) == expected
