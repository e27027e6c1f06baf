"""Whether the Airflow component in this container works: `python deploy/health.py api-server|scheduler|dag-processor|triggerer|worker`.

Components write a heartbeat into Airflow's database; what is asked is the one of this container. `airflow jobs check` asks the same and
takes five seconds of imports for it.
"""

import json
import os
import socket
import sys
import urllib.request

JOBS = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
OLDEST_HEARTBEAT = "60 seconds"


def main(component: str) -> int:
    """0: it works."""
    if component == "api-server":
        # what tasks speak with is made when it is first asked: not by the first task
        urllib.request.urlopen("http://127.0.0.1:8080/execution/health", timeout=10).close()
        with urllib.request.urlopen("http://127.0.0.1:8080/api/v2/monitor/health", timeout=10) as answer:
            return 0 if json.load(answer)["metadatabase"]["status"] == "healthy" else 1
    if component == "worker":
        from celery import Celery

        app = Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"])
        return 0 if app.control.inspect(destination=[f"celery@{socket.gethostname()}"], timeout=5).ping() else 1
    import psycopg

    uri = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg", "", 1)
    with psycopg.connect(uri, connect_timeout=5) as conn:
        beats = conn.execute(
            "select 1 from job where job_type = %s and hostname = %s and state = 'running' and latest_heartbeat > now() - %s::interval",
            (JOBS[component], socket.gethostname(), OLDEST_HEARTBEAT),
        ).fetchone()
    return 0 if beats else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
