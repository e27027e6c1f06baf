"""The DAG files: the exact set of DAGs, how they start each other, and that they are wiring and nothing else."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

DAGS = Path(__file__).parents[2] / "dags"
FILES = sorted(DAGS.glob("*.py"))
EXPECTED = {"ingest_submissions", "build_warehouse", "publish_live_ranking"}
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


def test_exactly_these_dags(dags):
    assert set(dags) == EXPECTED == {path.stem for path in FILES}


def test_one_dag_starts_the_next(dags):
    def assets_of(dag_id):
        return {asset.name for asset in dags[dag_id].timetable.asset_condition.objects}

    assert assets_of("ingest_submissions") == {"inbox"}
    assert assets_of("build_warehouse") == {"raw"}
    assert assets_of("publish_live_ranking") == {"marts"}
    [alias] = dags["ingest_submissions"].get_task("judge_and_load").outlets
    assert alias.name == "accepted_rows"
    assert [asset.name for asset in dags["build_warehouse"].get_task("build").outlets] == ["marts"]


def test_the_inbox_is_watched_and_nothing_polls_it(dags):
    [inbox] = dags["ingest_submissions"].timetable.asset_condition.objects
    assert [watcher.name for watcher in inbox.watchers] == ["inbox_watcher"]


def test_every_dag_is_safe_to_run_at_any_time(dags):
    for dag in dags.values():
        assert dag.max_active_runs == 1 and not dag.catchup
        for task in dag.tasks:
            assert task.retries >= 1, f"{task} gives up at the first lost connection"


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
    bodies = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name not in EXPECTED]
    assert bodies and all(len(node.body) <= 5 for node in bodies)
