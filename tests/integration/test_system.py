"""The whole chain in the real Airflow: a fresh home, the demo, a file dropped, the same files again, everything killed, up again, down.

One system serves all tests of this module; they run in order, as an operator's day would.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import date
from decimal import Decimal
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.conftest import csv_bytes, free_ports
from tests.integration.canaries import PROBLEMS, Search, Seeds, files, rows_of
from tests.integration.ledgers import problem, problems_csv

PROJECT = Path(__file__).parents[2]
ZIYANG, TOWNSHIP = "430902", "430902104"


class LocalSystem:
    """A home of its own on free ports, driven by the commands an operator uses."""

    def __init__(self, home: Path):
        self.home = home
        pg, airflow, site = free_ports(3)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DUBAN_", "AIRFLOW", "PG"))}
        self.environment = {
            **kept,
            "DUBAN_HOME": str(home),
            "DUBAN_PG_PORT": str(pg),
            "DUBAN_AIRFLOW_PORT": str(airflow),
            "DUBAN_SITE_PORT": str(site),
        }

    def run(self, *command: str, timeout: float = 420) -> str:
        """Run `python -m local …`; its output, which a failure shows."""
        done = subprocess.run(
            [sys.executable, "-m", "local", *command], cwd=PROJECT, env=self.environment, capture_output=True, text=True, timeout=timeout
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def call(self, path: str, body: dict | None = None, method: str | None = None, token: str = "") -> dict:
        """One call of Airflow's REST interface."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.environment['DUBAN_AIRFLOW_PORT']}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
            method=method,
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            return json.load(answer)

    def exported(self, name: str) -> str:
        """A variable as `env.sh` exports it, read by a shell."""
        script = f'. "{self.home}/env.sh"; printf %s "${name}"'
        return subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}).stdout

    def bi(self, query: str, *parameters) -> list[tuple]:
        """Rows as a BI tool gets them."""
        with psycopg.connect(self.exported("DUBAN_BI_URI"), autocommit=True) as conn:
            return conn.execute(query, parameters).fetchall()

    def metadata(self, query: str) -> list[tuple]:
        """Rows of Airflow's own database."""
        uri = re.sub(r"\+\w+", "", self.exported("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"), count=1)
        with psycopg.connect(uri, autocommit=True) as conn:
            return conn.execute(query).fetchall()

    def warehouse(self) -> str:
        """The warehouse as its owner reaches it, from the variables of libpq."""
        host, port, user, password, database = (self.exported(f"PG{name}") for name in ("HOST", "PORT", "USER", "PASSWORD", "DATABASE"))
        return f"postgresql://{user}:{password}@{host}:{port}/{database}"

    def password(self) -> str:
        """Airflow's administrator's."""
        return json.loads((self.home / "secrets" / "airflow_passwords.json").read_text(encoding="utf-8"))["admin"]

    def drop(self, unit: str, name: str, content: bytes) -> None:
        """Put a file into a unit's folder."""
        (self.home / "inbox" / unit / name).write_bytes(content)

    def processes(self) -> list[psutil.Process]:
        """Every living process that belongs to this home."""
        mine = []
        for process in psutil.process_iter():
            try:
                if str(self.home) in " ".join(process.cmdline()) or process.environ().get("DUBAN_HOME") == str(self.home):
                    mine.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return [process for process in mine if process.pid != os.getpid()]


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """A system in a home whose path has spaces and Chinese characters."""
    running = LocalSystem(tmp_path_factory.mktemp("home") / "督办 家")
    try:
        yield running
    finally:
        subprocess.run([sys.executable, "-m", "local", "down"], cwd=PROJECT, env=running.environment, capture_output=True, timeout=180)
        for process in running.processes():
            process.kill()


RANKING = (
    "select township_code, rank, assigned_count, rectified_count from marts.rpt_township_ranking where ranked_on = '2020-06-30' order by 1"
)


def test_the_demo_reproduces_the_printed_figures(system):
    output = system.run("demo")
    assert "273" in output and "86.8" in output and "DUBAN" not in output.splitlines()[-1]
    [figures] = system.bi(
        """select sum(assigned_count), sum(rectified_count), sum(open_count) from marts.fct_township_days
           where district_code = %s and day_on = %s""",
        ZIYANG,
        date(2020, 6, 30),
    )
    assert figures == (273, 237, 36)
    assert system.bi("select count(*), count(actual_start_on) from marts.fct_projects where district_code = %s", ZIYANG) == [(145, 140)]
    tiers = system.bi(
        """select distinct on (tier) tier, received_yuan / 10000, allocated_yuan / 10000, allocated_pct from marts.rpt_fund_tiers
           where district_code = %s order by tier, day_on desc""",
        ZIYANG,
    )
    assert {tier: tuple(map(float, rest)) for tier, *rest in tiers} == {
        "中央": (838, 662, 79.0),
        "省级": (801, 237, 29.6),
        "市级": (142, 100, 70.4),
    }
    [beita] = system.bi("select count(*), sum(amount_yuan) from marts.fct_fund_movements where district_code = '430511'")
    assert beita == (13, Decimal("3610000.00"))
    assert system.bi("select data_label is not null from marts.dim_districts where district_code = %s", ZIYANG) == [(True,)]


def test_the_demo_ends_with_its_issues(system):
    """Six working days, a week, a month: in the warehouse, in the outbox, on the page."""
    issues = system.bi("select series, array_agg(issue_no order by issue_no) from published.publications group by 1 order by 1")
    assert issues == [("daily", [1, 2, 3, 4, 5, 6]), ("monthly", [1]), ("weekly", [1])]
    days = system.bi("select business_on from published.publications where series = 'daily' order by issue_no")
    assert [day.day for (day,) in days] == [22, 23, 24, 28, 29, 30]
    for series, number in (("daily", 1), ("daily", 6), ("weekly", 1), ("monthly", 1)):
        folder = system.home / "outbox" / "publications" / ZIYANG / series / "2020" / str(number)
        assert sorted(path.suffix for path in folder.iterdir()) == [".docx", ".html", ".json", ".xlsx"]
        shown = system.home / "outbox" / "site" / ZIYANG / "issues" / series / "2020" / str(number)
        assert {path.name: path.read_bytes() for path in shown.iterdir()} == {path.name: path.read_bytes() for path in folder.iterdir()}
    listed = (system.home / "outbox" / "site" / ZIYANG / "issues.html").read_text(encoding="utf-8")
    assert all(f"daily/2020/{number}/" in listed for number in range(1, 7))


def test_every_run_was_started_by_an_event_and_succeeded(system):
    end = time.monotonic() + 60  # the page is there a moment before its run has ended
    while system.metadata("select from dag_run where state in ('queued', 'running')") and time.monotonic() < end:
        time.sleep(0.5)
    runs = system.metadata("select dag_id, run_type, state, count(*) from dag_run group by 1, 2, 3")
    assert {state for _, _, state, _ in runs} == {"success"}
    by_event = {dag for dag, run_type, _, _ in runs if run_type == "asset_triggered"}
    # what is due goes out by itself; here each issue is in its folder before anybody looks
    assert by_event - {"deliver_messages"} == {"ingest_submissions", "build_warehouse", "publish_live_ranking"}
    on_demand = {dag: count for dag, run_type, _, count in runs if run_type == "manual"}
    assert on_demand == {
        "ingest_submissions": 1,
        "publish_daily_bulletin": 6,
        "publish_weekly_dispatch": 1,
        "publish_monthly_dispatch": 1,
    }


def test_every_file_has_a_receipt_and_the_inbox_is_empty(system):
    submissions = system.bi("select submission_id, unit_code, outcome, rejected_count from marts.fct_submissions")
    assert len(submissions) == 78
    for submission, unit, outcome, rejected in submissions:
        folder = system.home / "outbox" / "returns" / unit / submission
        assert (folder / "receipt.json").exists() == (outcome != "duplicate")
        assert bool(list(folder.glob("*.xlsx"))) == (rejected > 0)
    assert [path for path in (system.home / "inbox").rglob("*") if path.is_file()] == []


def test_a_dropped_file_refreshes_ranking_and_page_by_itself(system):
    before = {row[0]: row[1:] for row in system.bi(RANKING)}
    system.drop(TOWNSHIP, "新问题20200630.csv", problems_csv(problem("新-001", 问题描述="村道护栏松动未修")))
    system.run("wait", "--timeout", "120")
    after = {row[0]: row[1:] for row in system.bi(RANKING)}
    assert before[TOWNSHIP] == (1, 28, 28) and after[TOWNSHIP][1:] == (29, 28)
    page = (system.home / "outbox" / "site" / f"{ZIYANG}.html").read_text(encoding="utf-8")
    assert "274" in page and "合成样例数据" in page


def test_a_late_file_changes_no_issue_and_a_correction_says_so(system):
    """The file above was about 30 June, after its bulletin: asked again, the bulletin is the same; a correction is the seventh issue."""
    folder = system.home / "outbox" / "publications" / ZIYANG / "daily" / "2020"
    before = {path.name: path.read_bytes() for path in (folder / "6").iterdir()}
    assert f"{ZIYANG}-daily-2020-6" in system.run("publish", "--day", "2020-06-30", "--district", ZIYANG)
    assert f"{ZIYANG}-daily-2020-7" in system.run("publish", "--day", "2020-06-30", "--district", ZIYANG, "--correction")
    assert {path.name: path.read_bytes() for path in (folder / "6").iterdir()} == before
    [page] = (folder / "7").glob("*.html")
    assert "更正说明" in page.read_text(encoding="utf-8")
    traced = system.run("trace", f"{ZIYANG}-daily-2020-7", f"township.{TOWNSHIP}.open_count")
    assert "问题新-001" in traced and "新问题20200630.csv" in traced


def test_a_check_holds_an_issue_and_a_person_releases_it(system):
    """A township is registered that nothing knows of yet: the issue waits for a person, in Airflow and with its reason."""
    with psycopg.connect(system.warehouse(), autocommit=True) as conn:
        conn.execute(
            """insert into raw.townships (township_code, district_code, township_name, township_kind, is_ranked, display_order)
               values ('430902999', %s, '新设镇', '镇', true, 99)""",
            [ZIYANG],
        )
        with pytest.raises(AssertionError, match="Held, because a check failed:\n *430902 2020-06-30: 乡镇齐全：缺新设镇"):
            system.run("publish", "--series", "weekly", "--day", "2020-06-30", "--district", ZIYANG)
        assert re.search(r"HELD 430902 weekly 2020-06-30 since [-\d: ]+: 乡镇齐全：缺新设镇", system.run("status"))
        token = system.call("/auth/token", {"username": "admin", "password": system.password()})["access_token"]
        end = time.monotonic() + 60
        while not (waiting := system.call("/api/v2/dags/~/dagRuns/~/hitlDetails", token=token)["hitl_details"]):
            assert time.monotonic() < end
            time.sleep(0.5)
        [question] = waiting
        assert "缺新设镇" in question["body"]
        task = question["task_instance"]
        place = f"/api/v2/dags/{task['dag_id']}/dagRuns/{urllib.parse.quote(task['dag_run_id'])}/taskInstances/release/0/hitlDetails"
        answer = {"chosen_options": ["发布"], "params_input": {"reason": "新设镇下月才报送"}}
        system.call(place, answer, "PATCH", token)
        while not (
            found := conn.execute(
                "select released_by, release_reason, held_for from published.publications where held_for <> '{}'"
            ).fetchall()
        ):
            assert time.monotonic() < end + 60
            time.sleep(0.5)
        assert found == [("admin", "新设镇下月才报送", ["乡镇齐全：缺新设镇"])]
        conn.execute("delete from raw.townships where township_code = '430902999'")
    assert "HELD" not in system.run("status")


def test_the_same_files_again_change_nothing(system, sample_files):
    before = system.bi(RANKING)
    facts = (
        system.bi("select count(*), max(last_reported_on) from marts.fct_problems"),
        system.bi("select count(*) from marts.fct_fund_movements"),
    )
    accepted = [file for file in sample_files if file.day == date(2020, 6, 30)]
    for number, file in enumerate(reversed(accepted)):
        system.drop(file.unit_code, f"again{number}{file.path.suffix}", file.path.read_bytes())
    system.run("wait", "--timeout", "120")
    outcomes = system.bi("select outcome, count(*) from marts.fct_submissions where file_name like 'again%%' group by 1")
    assert outcomes == [("duplicate", len(accepted))]
    assert system.bi(RANKING) == before
    assert (
        system.bi("select count(*), max(last_reported_on) from marts.fct_problems"),
        system.bi("select count(*) from marts.fct_fund_movements"),
    ) == facts


def test_up_after_everything_was_killed(system):
    before = system.bi(RANKING)
    system.drop(TOWNSHIP, "杀之前20200630.csv", problems_csv(problem("新-002", 问题描述="水渠淤塞没有清理")))
    time.sleep(2.5)  # somewhere between taking and judging
    killed = system.processes()
    assert len(killed) > 5
    for process in killed:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(killed, timeout=20)
    system.run("up")
    system.run("wait", "--timeout", "180")
    after = {row[0]: row[1:] for row in system.bi(RANKING)}
    assert after[TOWNSHIP][1] == {row[0]: row[1:] for row in before}[TOWNSHIP][1] + 1
    assert system.bi("select outcome from marts.fct_submissions where file_name = '杀之前20200630.csv'") == [("accepted",)]


def test_up_after_postgresql_was_killed_beneath_a_running_airflow(system):
    system.drop(TOWNSHIP, "库停之前20200630.csv", problems_csv(problem("新-003", 问题描述="路灯不亮")))
    time.sleep(2.5)
    server = psutil.Process(int((system.home / "postgres" / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
    server.send_signal(signal.SIGKILL)
    psutil.wait_procs([server], timeout=20)
    said = system.run("status", timeout=60)
    assert re.search(r"Not at work: PostgreSQL.*`make up`.*docs/runbook\.md#a-part-is-down", said)
    system.run("up")  # the first time, whatever the components that lost their database are about to do
    system.run("wait", "--timeout", "180")
    assert system.bi("select outcome from marts.fct_submissions where file_name = '库停之前20200630.csv'") == [("accepted",)]


def test_up_twice_and_status(system):
    assert "running" in system.run("up", timeout=60)
    output = system.run("status", timeout=60)
    assert all(dag in output for dag in ("ingest_submissions", "build_warehouse", "publish_live_ranking"))


def answered(system: LocalSystem, method: str, path: str, token: str = "") -> int:
    """Status of one request, redirections not followed."""
    connection = http.client.HTTPConnection("127.0.0.1", int(system.environment["DUBAN_AIRFLOW_PORT"]), timeout=20)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    connection.request(method, path, b"{}" if method in {"POST", "PUT", "PATCH"} else None, headers)
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def in_airflow(system: LocalSystem, *command: str) -> str:
    """Output of a Python program in the environment that `env.sh` exports."""
    script = f'. "{system.home}/env.sh"; exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-W", "ignore", *command],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


# What answers without a token: that it is there, how to log in, the pages of the application without any data, the description of the API.
PUBLIC = {
    ("GET", "/api/v2/monitor/health"): 200,
    ("GET", "/api/v2/version"): 200,
    ("GET", "/api/v2/auth/login"): 307,
    ("GET", "/api/v2/auth/logout"): 307,
    ("GET", "/health"): 404,
    ("GET", "/api/{_:path}"): 404,
    ("GET", "/api/v1/{_:path}"): 404,
    ("POST", "/auth/token"): 422,
    ("POST", "/auth/token/cli"): 422,
    ("GET", "/{rest_of_path:path}"): 200,
    ("GET", "/auth/{rest_of_path:path}"): 200,
    ("GET", "/execution/health"): 200,
    ("GET", "/execution/health/ping"): 200,
}
DESCRIPTION = re.compile(r"(/execution|/auth)?/(docs(/oauth2-redirect)?|redoc|openapi\.json|changelog)")


def test_nothing_of_airflow_answers_without_a_login(system):
    """Every route that the program has, with every method: those for people, those of the pages, those for the tasks."""
    routes = {tuple(route) for route in json.loads(in_airflow(system, "tests/integration/airflow_routes.py"))}
    assert len(routes) > 200 and {"api", "ui", "auth", "execution"} <= {path.split("/")[1] for _, path in routes}
    opened = {}
    for method, path in sorted(routes):
        if method == "HEAD" or DESCRIPTION.fullmatch(path):
            continue
        status = answered(system, method, re.sub(r"\{[^}]*\}", "1", path))
        if status not in (401, 403):
            opened[method, path] = status
    assert opened == {route: status for route, status in PUBLIC.items() if route in routes}
    # with a token that is none, or somebody else's
    for token in ("x", "eyJhbGciOiJIUzUxMiJ9.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJhZG1pbiJ9.AAAA"):
        assert {answered(system, "GET", path, token) for path in ("/api/v2/dags", "/api/v2/connections", "/ui/config")} <= {401, 403}


def test_only_those_who_are_registered_log_in(system):
    for user, password in (("admin", "admin"), ("admin", ""), ("airflow", "airflow"), ("admin", system.password() + "x")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            system.call("/auth/token", {"username": user, "password": password})
        assert refused.value.code in (400, 401, 403, 422)
    passwords = system.home / "secrets" / "airflow_passwords.json"
    assert passwords.stat().st_mode & 0o777 == 0o600 and (system.home / "secrets").stat().st_mode & 0o777 == 0o700
    assert set(json.loads(passwords.read_text(encoding="utf-8"))) == {"admin"}
    assert system.exported("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS") == "False"


def test_airflow_shows_no_secret(system):
    token = system.call("/auth/token", {"username": "admin", "password": system.password()})["access_token"]
    assert answered(system, "GET", "/api/v2/config", token) == 403
    secrets = {
        path.name: path.read_text(encoding="ascii").strip() for path in (system.home / "secrets").iterdir() if path.suffix != ".json"
    }
    assert len(secrets) >= 10
    shown = [
        json.dumps(system.call(f"/api/v2/{what}", token=token))
        for what in ("connections", "variables", "pools", "plugins", "providers", "importErrors", "dags", "assets/events", "eventLogs")
    ]
    for dag, run in system.metadata("select dag_id, run_id from dag_run"):
        place = f"/api/v2/dags/{dag}/dagRuns/{urllib.parse.quote(run)}/taskInstances"
        shown.append(json.dumps(system.call(place, token=token)))
    shown += [str(row) for row in system.metadata("select * from rendered_task_instance_fields")]
    assert [name for name, secret in secrets.items() if any(secret in text for text in shown)] == []
    assert system.metadata("select count(*) from connection") == [(0,)] and system.metadata("select count(*) from variable") == [(0,)]


def test_everything_listens_on_the_loopback_interface_only(system):
    listening = {}
    started = [psutil.Process(json.loads(path.read_text())["pid"]) for path in (system.home / "run").glob("*.pid")]
    # those that have overwritten their environment too
    for process in {*system.processes(), *started, *(child for parent in started for child in parent.children(recursive=True))}:
        try:
            listening |= {c.laddr.port: c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}
        except psutil.Error:
            continue
    assert {int(system.environment[f"DUBAN_{name}_PORT"]) for name in ("PG", "AIRFLOW", "SITE")} <= set(listening)
    assert set(listening.values()) == {"127.0.0.1"}


def test_what_came_in_and_what_was_built_is_seen_in_airflow(system):
    """Events with numbers for every file and mart; and none of them started anything."""
    query = "select asset_event.extra from asset_event join asset on asset.id = asset_id where asset.name = '{}' order by asset_event.id"
    events = {
        name: [json.loads(extra) if isinstance(extra, str) else extra for (extra,) in system.metadata(query.format(name))]
        for name in ("submissions", "marts", "marts.fct_problems", "live_ranking")
    }
    outcomes = dict(system.bi("select submission_id, outcome from marts.fct_submissions"))
    seen = {extra["submission_id"]: extra["outcome"] for extra in events["submissions"] if "submission_id" in extra}
    # a run that was killed has announced nothing
    assert set(seen.items()) <= set(outcomes.items()) and len(seen) >= len(outcomes) - 2
    for extra in events["submissions"]:
        assert extra["rows"] == extra["accepted"] + extra["rejected"] + extra["ignored"] and extra["unit_name"] and "file_name" in extra
    assert all(extra["build_id"] and extra["models"] > 10 and extra["tests"] > 0 for extra in events["marts"])
    assert all(extra["rows_written"] >= 0 and extra["seconds"] > 0 for extra in events["marts.fct_problems"])
    # a page that would be the same is not written again
    assert max(extra["pages_written"] for extra in events["live_ranking"]) > 10
    started = system.metadata(
        """select distinct dag_id, asset.name from dagrun_asset_event join asset_event on asset_event.id = event_id
           join asset on asset.id = asset_id join dag_run on dag_run.id = dag_run_id"""
    )
    assert set(started) <= {
        ("ingest_submissions", "inbox"),
        ("build_warehouse", "raw"),
        ("publish_live_ranking", "marts"),
        ("publish_live_ranking", "publications"),
        ("deliver_messages", "outbox"),
        ("watch_pipeline", "watch"),
    }
    runs = dict(system.metadata("select dag_id, count(*) from dag_run where run_type = 'asset_triggered' group by 1"))
    raw = system.metadata("select count(*) from asset_event join asset on asset.id = asset_id where asset.name = 'raw'")
    assert runs["build_warehouse"] <= raw[0][0]


def test_no_canary_gets_into_airflow_nor_into_any_file(system):
    """Identities wherever a sender can write, through the real Airflow; then its database, all logs, all files, all command lines."""
    seeds = Seeds()
    with psycopg.connect(system.warehouse(), autocommit=True) as conn:
        # a table that refuses a row says which one it was
        conn.execute("alter table personal.original_rows add constraint never check (cells->>'备注' not like '%拒收%')")
    strange = system.home / "inbox" / seeds.id_number("folder name")
    strange.mkdir()
    (strange / f"{seeds.mobile('strange file')}.csv").write_bytes(b"x")
    sent = list(files(seeds))
    header, [first, *_] = rows_of(PROBLEMS, seeds, "拒")
    first[header.index("备注")] = f"拒收{seeds.id_number('row that a table refuses')}"
    for unit, name, content in [*sent, ("430902104", "表拒收20200624.csv", csv_bytes([header, first]))]:
        system.drop(unit, name, content)
    printed = system.run("wait", "--timeout", "240")
    with psycopg.connect(system.warehouse(), autocommit=True) as conn:
        conn.execute("alter table personal.original_rows drop constraint never")
        judged = conn.execute("select count(*) from ops.submissions where file_name like '%*%' and outcome is not null").fetchone()[0]
        assert judged > 15
        search = Search(seeds.all)
    printed += system.run("status")
    search.text("console", printed)
    with psycopg.connect(system.warehouse(), autocommit=True) as conn:
        search.database("warehouse", conn, "personal")
    uri = re.sub(r"\+\w+", "", system.exported("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"), count=1)
    with psycopg.connect(uri, autocommit=True) as conn:
        search.database("airflow", conn)
    own = system.home / "outbox" / "returns", system.home / "outbox" / "templates"
    search.tree("home", system.home, system.home / "postgres", system.home / "landing", system.home / "inbox", *own)
    for slip in own[0].glob("*/*/*.xlsx"):
        search.slip("slip", slip.read_bytes(), slip.parent.parent.name)
    for receipt in own[0].glob("*/*/receipt.json"):
        search.content("receipt", receipt.read_bytes())
    for process in system.processes():
        search.text("processes", " ".join(process.cmdline()))
    assert search.report() == []
    assert {"warehouse", "airflow", "home", "slip", "receipt", "processes", "console"} <= set(search.looked)
    logs = [path for path in system.home.rglob("*.log") if "judge_and_load" in str(path)]
    assert logs and any("CheckViolation" in path.read_text(encoding="utf-8") for path in logs)


def test_down_stops_everything(system):
    system.run("down", timeout=180)
    assert system.processes() == []
    shutil.rmtree(system.home / "sample", ignore_errors=True)
