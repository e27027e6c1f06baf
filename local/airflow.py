"""Airflow as it is asked from outside: its components' health, its runs, which DAGs are paused."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import psycopg

from local.secrets import ADMIN

# In the order of starting; stopped in reverse, because a task that ends reports to the API server.
COMPONENTS: dict[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "dag-processor": ("dag-processor",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def health(url: str) -> dict[str, str]:
    """The state of each component as the API server at `url` sees it; empty when the server does not answer."""
    try:
        # what tasks speak with is made when it is first asked, in seconds
        _DIRECT.open(f"{url}/execution/health", timeout=5).close()
        with _DIRECT.open(f"{url}/api/v2/monitor/health", timeout=5) as answer:
            report = json.load(answer)
    except (OSError, urllib.error.URLError, ValueError):
        return {}
    names = {"scheduler": "scheduler", "dag_processor": "dag-processor", "triggerer": "triggerer"}
    return {"api-server": "healthy", **{ours: (report.get(theirs) or {}).get("status") or "down" for theirs, ours in names.items()}}


def paused(conn: psycopg.Connection) -> set[str]:
    """The DAGs that somebody has paused. `conn`: to Airflow's metadata."""
    return {dag for (dag,) in conn.execute("select dag_id from dag where is_paused and not is_stale")}


def remedy(dag_id: str, paused_dags: set[str]) -> str:
    """The command that has a DAG do what is due, for people."""
    if dag_id in paused_dags:
        return f"{dag_id} is paused: `airflow dags unpause {dag_id}`, within a minute it does what is due"
    return f"`airflow dags trigger {dag_id}` does it now"


def run_dag(
    url: str,
    password: str,
    dag_id: str,
    conf: dict[str, Any],
    note: str,
    timeout: float,
    is_over: Callable[[str], bool] = lambda run_id: False,
) -> str | None:
    """Run a DAG on demand and wait for it.

    Args:
        url: Where Airflow's API server listens.
        password: Of the user admin, who asks.
        dag_id: The DAG.
        conf: Its configuration.
        note: Who wanted it, shown beside the run.
        timeout: Seconds to wait.
        is_over: Asked with its id while the run goes on, for whoever need not see its end.

    Returns:
        The state the run ended in, or has now; "over": it goes on, and need not be waited for; None: Airflow did not take it in time.
    """
    end = time.monotonic() + timeout
    runs = f"{url}/api/v2/dags/{dag_id}/dagRuns"
    token, run = None, None
    while time.monotonic() < end:
        try:
            token = token or _call(f"{url}/auth/token", {"username": ADMIN, "password": password})["access_token"]
            if run is None:
                run = _call(runs, {"logical_date": None, "conf": conf, "note": note}, token)
            run = _call(f"{runs}/{urllib.parse.quote(run['dag_run_id'])}", None, token)
        except (OSError, ValueError, KeyError):
            pass  # on a busy machine the server may let a call wait too long; the next one asks again
        if run and run["state"] in ("success", "failed"):
            return run["state"]
        if run and is_over(run["dag_run_id"]):
            return "over"
        time.sleep(0.3)
    return run and run["state"]


def _call(url: str, body: dict | None, token: str | None = None) -> dict:
    """One call of Airflow's REST interface: POST with a body, GET without."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    with _DIRECT.open(request, timeout=10) as answer:
        return json.load(answer)
