"""The server from which workers fork starts with the scheduler, not with the first task: that would wait for its libraries."""

import multiprocessing.forkserver
from typing import Any

from airflow.configuration import conf
from airflow.jobs.job import Job
from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin


class EarlyWorkers:
    """Told by Airflow when one of its components starts, and when a task does: that one has forked already."""

    @hookimpl
    def on_starting(self, component: Any) -> None:
        """Start it in the component that is to fork from it."""
        is_forking = multiprocessing.get_start_method() == "forkserver" and conf.get("core", "executor") == "LocalExecutor"
        if isinstance(component, Job) and is_forking:
            multiprocessing.forkserver.ensure_running()


class Plugin(AirflowPlugin):
    """What Airflow looks for in this folder."""

    name = "duban"
    listeners = [EarlyWorkers()]
