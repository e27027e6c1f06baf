"""The database of the real Airflow is lost while it is down: its history is gone, and everything that is due gets done all the same."""

from __future__ import annotations

import json
import time

import pytest
from psycopg import sql

from local.config import load_installation
from local.embedded.postgres import Postgres
from local.secrets import load_secrets
from tests.conftest import Office
from tests.integration.ledgers import OTHER, TOWNSHIP, problem, problems_csv
from tests.integration.test_system import LocalSystem


@pytest.fixture
def system(tmp_path):
    """A system in a home of its own, stopped in the end."""
    running = LocalSystem(tmp_path / "home")
    try:
        yield running
    finally:
        running.run("down", timeout=240)


def test_airflows_metadata_is_lost(system, monkeypatch):
    for name, value in system.environment.items():
        if name.startswith("DUBAN_"):
            monkeypatch.setenv(name, value)
    print("make up", flush=True)
    system.run("up")
    system.drop(TOWNSHIP, "一20200624.csv", problems_csv(problem("A-1")))
    system.run("wait", "--timeout", "300")
    print("make down", flush=True)
    system.run("down", timeout=240)
    installation = load_installation(must_exist=True)
    secrets = load_secrets(installation.secrets)
    server, office = Postgres(installation, secrets), Office(installation.settings)
    server.start()
    # accepted and never announced, taken and never judged, and still in the inbox
    office.send(OTHER, "二20200624.csv", problems_csv(problem("B-1"), problem("B-2")))
    system.drop(TOWNSHIP, "三20200624.csv", problems_csv(problem("C-1", 发现日期="六月"), problem("C-2")))
    with server.connect("postgres", "postgres", secrets.postgres_password) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier("airflow")))
    server.stop()
    print("make up, without Airflow's database", flush=True)
    system.run("up")
    system.run("wait", "--timeout", "300")
    outcomes = dict(system.bi("select file_name, outcome from marts.fct_submissions"))
    assert outcomes == {"一20200624.csv": "accepted", "二20200624.csv": "accepted", "三20200624.csv": "accepted_with_rejections"}
    assert [key for (key,) in system.bi("select problem_no from marts.fct_problems order by 1")] == ["A-1", "B-1", "B-2", "C-2"]
    receipts = [json.loads(path.read_text(encoding="utf-8")) for path in (system.home / "outbox" / "returns").rglob("receipt.json")]
    assert sorted(receipt["counts"]["rejected"] for receipt in receipts) == [0, 0, 1]
    shown = "select max(build_id) = (select max(build_id) from ops.builds where is_success) from ops.live_pages"
    end = time.monotonic() + 120
    while not (found := office.query(shown)[0]["?column?"]) and time.monotonic() < end:
        time.sleep(1)
    assert found
    assert "Not at work" not in system.run("status")
