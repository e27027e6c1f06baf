"""Stopped or stuck, and not dead: who holds a lock and says nothing loses it, and can commit nothing when it goes on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from duban import warehouse
from duban.orchestration import dbt, guardian
from duban.quality import judging
from tests.integration.ledgers import TOWNSHIP, by_name, problem, problems_csv

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def impatient(monkeypatch):
    """Silence is noticed at once."""
    monkeypatch.setattr(warehouse.locks, "SILENT_SECONDS", 1.0)
    monkeypatch.setattr(warehouse.locks, "BEAT_SECONDS", 0.2)


@contextmanager
def stopped_at(where: object, name: str, run):
    """A process that runs and stops itself before it calls a function; ended on leaving."""
    reached = FORK.Event()

    def target() -> None:
        function = getattr(where, name)

        def stopping(*args, **kwargs):
            setattr(where, name, function)
            reached.set()
            os.kill(os.getpid(), signal.SIGSTOP)
            return function(*args, **kwargs)

        setattr(where, name, stopping)
        run()

    process = FORK.Process(target=target)
    process.start()
    try:
        assert reached.wait(60)
        yield process
    finally:
        process.kill()
        process.join()


@pytest.mark.parametrize("where, name", [(judging, "load"), (judging, "_judge_round"), (warehouse.submissions, "record_outcomes")])
def test_a_judge_that_was_stopped_loses_its_lock_and_commits_nothing(office, impatient, where, name):
    office.drop(TOWNSHIP, "甲20200624.csv", problems_csv(problem("K-1")))
    with stopped_at(where, name, office.ingest) as process:
        office.ingest()
        assert by_name(office)["甲20200624.csv"]["outcome"] == "accepted"
        os.kill(process.pid, signal.SIGCONT)
        process.join(60)
        assert process.exitcode == 1
    assert len(office.query("select 1 from raw.problem_versions")) == 1


def test_who_works_for_long_between_two_statements_keeps_its_lock(office, impatient):
    with warehouse.connect(office.settings, "loader") as conn, warehouse.submissions.judge_lock(conn):
        time.sleep(2.5)
        with conn.transaction():
            conn.execute("select 1")
            time.sleep(2.5)
        [holder] = office.query("select 1 from pg_locks where locktype = 'advisory' and granted")
    assert holder


def test_a_build_that_has_lost_its_lock_ends_at_once(office, impatient):
    def build() -> None:
        with warehouse.connect(office.settings, "transformer") as conn, warehouse.builds.build_lock(conn, dbt.end_at_once):
            begun.set()
            threading.Event().wait(60)

    begun = FORK.Event()
    process = FORK.Process(target=build)
    process.start()
    assert begun.wait(60)
    os.kill(process.pid, signal.SIGSTOP)
    with warehouse.connect(office.settings, "transformer") as conn, warehouse.builds.build_lock(conn):
        os.kill(process.pid, signal.SIGCONT)
        process.join(60)
    assert process.exitcode == -signal.SIGKILL


def test_a_build_closes_what_a_killed_one_left(office):
    with warehouse.connect(office.settings, "transformer") as conn:
        conn.execute("select ops.begin_build()")
        leftover = psycopg.connect(office.settings.uri("transformer"), application_name=warehouse.builds.BUILDING)
        leftover.execute("select 1")
        with warehouse.builds.build_lock(conn):
            assert office.query("select is_success, finished_at is not null as closed from ops.builds") == [
                {"is_success": False, "closed": True}
            ]
        with pytest.raises(psycopg.OperationalError):
            leftover.execute("select 1")


def test_who_is_silent_is_seen(office, monkeypatch):
    monkeypatch.setattr(warehouse.locks, "BEAT_SECONDS", 0.1)
    with warehouse.connect(office.settings, "loader") as holder, warehouse.connect(office.settings) as conn:
        holder.execute("select pg_advisory_lock(820003)")
        time.sleep(0.5)
        [(what, pid, seconds)] = warehouse.locks.silent_holders(conn)
        assert (what, pid) == ("judging", holder.info.backend_pid) and seconds > 0.3


# ── the guardian ─────────────────────────────────────────────────────────────────────────────────────────────────────


def stop_oneself(_: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def wait_in_one_call(fifo: str) -> None:
    os.open(fifo, os.O_RDONLY)  # nobody will ever write


def stop_with_working_threads(_: str) -> None:
    threading.Thread(target=lambda: [time.sleep(0.01) for _ in range(10_000)], daemon=True).start()
    stop_oneself(_)


def ask_postgresql(uri: str) -> None:
    with psycopg.connect(uri) as conn:
        conn.execute("select pg_sleep(3)")


def sleep_while_threads_work(_: str) -> None:
    thread = threading.Thread(target=lambda: [time.sleep(0.01) for _ in range(300)])
    thread.start()
    thread.join()


def never_end(_: str) -> None:
    while True:
        time.sleep(0.01)


CASES = [
    (stop_oneself, "main", 3600, "Frozen"),
    (stop_with_working_threads, "any", 3600, "Frozen"),
    (wait_in_one_call, "main", 3600, "Frozen"),
    (never_end, "main", 1, "Overdue"),
    (ask_postgresql, "main", 3600, None),
    (sleep_while_threads_work, "any", 3600, None),
]


@pytest.mark.parametrize("work, threads, seconds, kind", CASES, ids=lambda case: getattr(case, "__name__", None))
def test_a_task_that_does_not_go_on_is_ended_and_told(office, tmp_path, monkeypatch, work, threads, seconds, kind):
    os.mkfifo(tmp_path / "fifo")
    argument = office.settings.uri("loader") if work is ask_postgresql else str(tmp_path / "fifo")
    for name, value in (("STUCK_SECONDS", 1.0), ("LOOK_SECONDS", 0.2)):
        monkeypatch.setattr(guardian, name, value)
    # the guardian tells it from a process of its own
    monkeypatch.setenv("PYTHONPATH", str(Path(guardian.__file__).parents[2]))
    monkeypatch.setenv("DUBAN_HOME", str(office.settings.home))
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", office.settings.warehouse_uri)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE_PUBLISHER", office.settings.uri("publisher"))

    def run() -> None:
        guardian.start(os.getpid(), threads, seconds, "ingest_submissions", "judge_and_load", "run", "-1", "1")
        work(argument)

    process = FORK.Process(target=run)
    process.start()
    process.join(60)
    assert process.exitcode == (-signal.SIGKILL if kind else 0)
    told = "select dag_id, task_id, exception_type from ops.task_failures"
    expected = [{"dag_id": "ingest_submissions", "task_id": "judge_and_load", "exception_type": kind}] if kind else []
    end = time.monotonic() + 30
    while (rows := office.query(told)) != expected and time.monotonic() < end:
        time.sleep(0.1)
    assert rows == expected
