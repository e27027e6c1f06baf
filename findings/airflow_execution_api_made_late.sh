#!/usr/bin/env bash
# apache-airflow-core 3.3.2 with cadwyn 7.0.0: when Airflow's API server has started and its health is asked for and found good, the API
# that tasks speak with has no routes yet. They are made, for each of its versions, within the first request to it, whatever that asks:
# seconds in which the server answers nobody. So the first task after each start of the server waits, not the server itself.
#
# Seen: "routes of all versions: 0 when the application is made, hundreds after it was asked for its health".
# Who wants the first task to begin at once: ask /execution/health as soon as the server answers, and count it well only then.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check apache-airflow-core==3.3.2 apache-airflow-task-sdk==1.3.2 cadwyn==7.0.0 \
    fastapi==0.136.3 starlette==1.10.0 pydantic==2.14.3 sqlalchemy==2.1.9
cat > "$folder/try.py" <<'PY'
import asyncio

from airflow.api_fastapi.execution_api.app import create_task_execution_api_app


def routes() -> int:
    return sum(len(router.routes) for router in app.router.versioned_routers.values())


async def ask(path: str) -> int:
    statuses = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b""}

    async def send(message: dict) -> None:
        statuses.append(message.get("status"))

    request = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path, "raw_path": path.encode()}
    place = {"root_path": "", "query_string": b"", "headers": [], "server": ("localhost", 80), "client": ("localhost", 1)}
    await app(request | place, receive, send)
    return statuses[0]


app = create_task_execution_api_app()
before = routes()
assert asyncio.run(ask("/health")) == 200
after = "hundreds" if routes() > 200 else routes()
print(f"routes of all versions: {before} when the application is made, {after} after it was asked for its health")
PY
seen="$(AIRFLOW_HOME="$folder/home" AIRFLOW__CORE__LOAD_EXAMPLES=False "$folder/venv/bin/python" "$folder/try.py" 2>/dev/null | tail -n 1)"
printf '%s\n' "$seen"
expected="routes of all versions: 0 when the application is made, hundreds after it was asked for its health"
[ "$seen" = "$expected" ] || { echo "the behaviour has changed" >&2; exit 1; }
