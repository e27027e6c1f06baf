"""`make up` while PostgreSQL comes back from a crash, and what `make wait` and `make status` say of what is due."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from duban import warehouse
from local import airflow
from local.commands.status import _behind
from local.commands.wait import _progress, _Watch
from local.console import Problem
from local.embedded import postgres
from local.embedded.system import ATTEMPTS, Embedded
from local.system import SITE
from tests.conftest import BEITA

RECOVERS = 'connection to server at "127.0.0.1", port 1 failed: FATAL:  the database system is in recovery mode'


class Told(list):
    """A console that keeps what it is told."""

    say = progress = list.append


@pytest.fixture
def waiting(monkeypatch):
    """Waits for a server that gives these answers, one a second, the last for ever; returns what the console was told."""

    def wait(*answers: str | None, is_running: bool = True) -> Told:
        clock, told = iter(range(10_000)), Told()
        server = postgres.Postgres.__new__(postgres.Postgres)
        server._port, server._log, server._secrets = 1, SimpleNamespace(exists=lambda: False), SimpleNamespace(postgres_password="")
        left = list(answers)

        def connect(*_) -> SimpleNamespace:
            answer = left.pop(0) if len(left) > 1 else left[0]
            if answer is not None:
                raise psycopg.OperationalError(answer)
            return SimpleNamespace(close=lambda: None)

        server.connect, server.running_port = connect, lambda: 1 if is_running else None
        monkeypatch.setattr(postgres.time, "monotonic", lambda: float(next(clock)))
        monkeypatch.setattr(postgres.time, "sleep", lambda _: None)
        server._await_answer(None, told)
        return told

    return wait


def test_a_server_that_recovers_is_waited_for_and_said(waiting):
    told = waiting(*[RECOVERS] * 300, None)
    assert told[0].startswith("PostgreSQL comes back after a crash: the database system is in recovery mode") and len(set(told)) > 10
    assert waiting(None) == []


@pytest.mark.parametrize("answer, is_running", [("connection refused", True), (RECOVERS, False), (RECOVERS, True)])
def test_one_that_does_not_come_back_is_a_problem_not_a_traceback(waiting, answer, is_running):
    with pytest.raises(Problem, match="does not answer|did not start"):
        waiting(answer, is_running=is_running)


def test_a_crash_while_it_starts_begins_it_anew(monkeypatch):
    system, told, crashes = Embedded.__new__(Embedded), Told(), [psycopg.OperationalError("server closed the connection")] * ATTEMPTS
    system.alone = lambda _: contextlib.nullcontext()
    system.installation = SimpleNamespace(logs=Path("logs"))

    def up(_) -> None:
        if crashes:
            raise crashes.pop()

    monkeypatch.setattr(system, "_up", up, raising=False)
    with pytest.raises(Problem, match="went away"):
        system.up(told)
    assert len(told) == ATTEMPTS - 1
    crashes.append(psycopg.OperationalError("server closed the connection"))
    system.up(told)


@pytest.mark.parametrize(
    ("changed", "anew"),
    [
        ("requirements.txt", {*airflow.COMPONENTS, SITE}),
        ("deploy/plugins/new.py", {*airflow.COMPONENTS}),
        ("dags/duban/quality/rounds.py", {"scheduler", "triggerer"}),
        ("dags/duban/warehouse/new.sql", {"scheduler", "triggerer"}),
        ("local/embedded/site.py", {SITE}),
        ("expectations/problems/rules.yml", set()),
    ],
)
def test_an_update_starts_anew_what_has_loaded_it(tmp_path, changed, anew):
    """Triggers live long, and workers fork with the modules of their tasks; rules and DAG files are read when they are needed."""
    system = Embedded.__new__(Embedded)
    system.installation = SimpleNamespace(settings=SimpleNamespace(project=tmp_path))
    for name in ("requirements.txt", "dags/duban/quality/rounds.py", "local/embedded/site.py", changed):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = (*airflow.COMPONENTS, SITE)
    before = {name: system._sources(name) for name in names}
    (tmp_path / changed).write_text("# of another version\n", encoding="utf-8")
    assert {name for name in names if system._sources(name) != before[name]} == anew


def test_the_bar_moves_with_every_stage():
    def shown(in_inbox: int, judging: int, judged: int) -> str:
        files, ids = dict.fromkeys(range(in_inbox)), {str(number) for number in range(judging + judged)}
        return _progress(_Watch(datetime.now(UTC), files, ids, 24, judged=judged))

    assert shown(24, 0, 0) == "░" * 24 + " of 24: 0 taken, 0 judged, 0 returned"
    assert shown(0, 24, 0) == "█" * 8 + "░" * 16 + " of 24: 24 taken, 0 judged, 0 returned"
    assert shown(0, 12, 12) == "█" * 12 + "░" * 12 + " of 24: 24 taken, 12 judged, 0 returned"
    assert shown(0, 0, 0) == "█" * 24 + " of 24: 24 taken, 24 judged, 24 returned"


def test_what_is_not_shown_is_named_with_its_command(office):
    with warehouse.connect(office.settings) as conn:

        def lines(*paused: str) -> str:
            return "\n".join(_behind(conn, set(paused), conn.execute("select clock_timestamp()").fetchone()[0]))

        assert lines() == ""
        office.send("430511000", BEITA.name, BEITA.read_bytes())
        assert "Not in the marts yet: 1 accepted files" in lines() and "airflow dags trigger build_warehouse" in lines()
        assert "airflow dags unpause build_warehouse" in lines("build_warehouse")
        conn.execute("select ops.begin_build()")
        conn.execute("update ops.builds set is_success = true, finished_at = clock_timestamp()")
        assert "Not on the page yet" in lines() and "airflow dags unpause publish_live_ranking" in lines("publish_live_ranking")
        warehouse.builds.record_page(conn, warehouse.builds.latest_build(conn))
        assert lines() == ""
        conn.execute(
            """insert into ops.task_failures (dag_id, task_id, run_id, map_index, try_number, exception_type)
               values ('ingest_submissions', 'judge_and_load', 'x', -1, 1, 'Frozen')"""
        )
        assert lines().startswith("ingest_submissions.judge_and_load stood still and was ended 0 s ago; docs/runbook.md")
        conn.execute("update ops.task_failures set recovered_at = clock_timestamp()")
        assert lines().endswith("succeeded since")
