"""Airflow as four processes of ours, without `airflow standalone`, whose children may outlive it.

No log or health server is started beside them: all components share one file system and one database, and Airflow's own would
listen on every interface. The only port is the API server's.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psycopg

from local import airflow
from local.airflow import COMPONENTS
from local.config import Installation
from local.console import Console, Problem
from local.embedded.postgres import Postgres
from local.embedded.processes import Processes, tail

FIRST_DAG = "ingest_submissions"
_JOB_TYPES = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}


def command(component: str) -> list[str]:
    """The command of a component."""
    return [sys.executable, "-m", "airflow", *COMPONENTS[component]]


def migrate_metadata(installation: Installation, postgres: Postgres, environment: Mapping[str, str]) -> subprocess.Popen | None:
    """Begin to bring Airflow's database to this version, unless that was done before; `finish_migration` waits for it."""
    with postgres.connect_airflow() as conn:
        is_there = conn.execute("select to_regclass('alembic_version') is not null").fetchone()[0]
    if is_there and _migrated_to(installation).exists():
        return None
    with (installation.logs / "airflow-migrate.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def finish_migration(installation: Installation, migration: subprocess.Popen | None) -> None:
    """Wait for `migrate_metadata`.

    Raises:
        Problem: it failed.
    """
    if migration is None:
        return
    if migration.wait():
        log = installation.logs / "airflow-migrate.log"
        raise Problem(f"Airflow's database could not be made; the end of {log}:\n{tail(log)}")
    _migrated_to(installation).touch()


def forget_former_jobs(conn: psycopg.Connection, component: str) -> None:
    """Mark what a killed component left behind as ended.

    Otherwise its successor waits for the heartbeat to grow old before it takes over: half a minute for tasks, a minute for triggers.
    """
    if component in _JOB_TYPES:
        conn.execute(
            "update job set state = 'failed', end_date = now() where job_type = %s and (state = 'running' or end_date is null)",
            (_JOB_TYPES[component],),
        )


def unwell(installation: Installation, processes: Processes, console: Console, timeout: float) -> list[str]:
    """The components that run and have not become healthy within `timeout` seconds: they hang, or lost their database for good."""
    end, is_told = time.monotonic() + timeout, False
    while running := [component for component in COMPONENTS if processes.running(component)]:
        if "api-server" not in running:
            return []  # nobody can be asked
        # what does not answer cannot tell of others
        state = airflow.health(installation.api_url) or dict.fromkeys(running[1:], "healthy")
        unhealthy = [component for component in running if state.get(component) != "healthy"]
        if not unhealthy or time.monotonic() > end:
            return unhealthy
        if not is_told:
            console.say(f"not healthy: {', '.join(unhealthy)}; giving it {timeout:.0f} s to recover")
            is_told = True
        time.sleep(0.3)
    return []


def await_health(installation: Installation, processes: Processes, timeout: float) -> None:
    """Wait until all four are healthy.

    Raises:
        Problem: one ended, or the time is over.
    """
    end = time.monotonic() + timeout
    while True:
        state = airflow.health(installation.api_url)
        if all(state.get(component) == "healthy" for component in COMPONENTS):
            return
        for component in COMPONENTS:
            if not processes.running(component):
                log = processes.log_of(component)
                raise Problem(f"Airflow's {component} ended; the end of {log}:\n{tail(log)}")
        if time.monotonic() > end:
            missing = [component for component in COMPONENTS if state.get(component) != "healthy"]
            raise Problem(f"Airflow is not healthy after {timeout:.0f} s: {', '.join(missing)}; see {installation.logs}")
        time.sleep(0.3)


def await_dags(installation: Installation, postgres: Postgres, since_epoch: float, timeout: float) -> list[str]:
    """Wait until every DAG file was parsed after `since_epoch`.

    Returns:
        The ids of the DAGs.

    Raises:
        Problem: a file cannot be imported, or the time is over.
    """
    expected = {path.name for path in (installation.settings.project / "dags").glob("*.py")}
    end = time.monotonic() + timeout
    with postgres.connect_airflow() as conn:
        while True:
            broken = conn.execute(
                "select filename, stacktrace from import_error where timestamp >= to_timestamp(%s)", (since_epoch,)
            ).fetchall()
            if broken:
                raise Problem("A DAG file cannot be imported:\n" + "\n".join(f"{name}\n{trace}" for name, trace in broken))
            parsed = conn.execute(
                "select dag_id, relative_fileloc from dag where not is_stale and last_parsed_time >= to_timestamp(%s)", (since_epoch,)
            ).fetchall()
            if expected <= {Path(location).name for _, location in parsed}:
                return sorted(dag_id for dag_id, _ in parsed)
            if time.monotonic() > end:
                missing = sorted(expected - {Path(location).name for _, location in parsed})
                raise Problem(f"Not parsed after {timeout:.0f} s: {', '.join(missing)}; see {installation.logs / 'dag-processor.log'}")
            time.sleep(0.2)


def warm_up(url: str, password: str, timeout: float) -> str | None:
    """Run `ingest_submissions` once and wait for it.

    It finishes what a killed system had begun, and it loads the libraries of the worker processes, so that the first real file
    does not wait for them.

    Returns:
        As `airflow.run_dag`.
    """
    return airflow.run_dag(url, password, FIRST_DAG, {}, "make up", timeout)


def _migrated_to(installation: Installation) -> Path:
    return installation.airflow_home / f"migrated-to-{version('apache-airflow-core')}"
