"""PostgreSQL ends while dbt builds, while a build is shown, and while an issue is made."""

from __future__ import annotations

import time
from datetime import date

import psycopg
import pytest

from duban import warehouse
from duban.orchestration import dbt
from duban.publishing.issues import publishing, writing
from duban.publishing.issues.series import DAILY
from duban.publishing.site.pages import render_site
from tests.conftest import Office
from tests.faults.flows import DISTRICT, check_issues
from tests.faults.moments import forked
from tests.faults.servers import stop_at_once
from tests.integration.ledgers import OTHER, TOWNSHIP, problem, problems_csv
from tests.integration.test_incremental_builds import marts

DAY, TODAY = date(2020, 6, 24), date(2020, 6, 29)
# What a build meets a lock on, held by the test until the server ends.
MOMENTS = {"a candidate is made": "raw.problem_versions in access exclusive mode", "it is shown": "marts.fct_problems in share mode"}


def build(office: Office, selector: str) -> int | None:
    """A build in a process of its own; its exit code."""
    process = forked(lambda: dbt.build(office.settings, selector, full_refresh=selector == "install", today=TODAY))
    process.join(300)
    return process.exitcode


@pytest.fixture
def built_office(fragile_office: Office) -> Office:
    """Two townships with problems, built; and a third file that is accepted and not built."""
    for unit, key in ((TOWNSHIP, "甲"), (OTHER, "乙")):
        assert (
            fragile_office.send(unit, f"{key}20200622.csv", problems_csv(*(problem(f"{key}-{n}") for n in range(5))))["outcome"]
            == "accepted"
        )
    assert build(fragile_office, "install") == 0
    fragile_office.send(TOWNSHIP, "丙20200623.csv", problems_csv(problem("丙-1"), problem("甲-1", 整改时限="2020-07-01")))
    return fragile_office


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_server_ends_while_dbt_builds(own_server, built_office, moment):
    before, locked = marts(built_office), MOMENTS[moment]
    with own_server.superuser(built_office.settings.warehouse_uri.rsplit("/", 1)[1]) as conn, pytest.raises(psycopg.OperationalError):
        conn.execute("begin")
        conn.execute(f"lock table {locked}")
        process = forked(lambda: dbt.build(built_office.settings, "live", today=TODAY))
        waits = "select count(*) from pg_locks where not granted and relation = %s::regclass"
        while not conn.execute(waits, [locked.split()[0]]).fetchone()[0]:
            assert process.is_alive()
            time.sleep(0.05)
        stop_at_once(own_server)
        conn.execute("select 1")
    process.join(300)
    assert process.exitcode not in (0, None)
    own_server.postgres.start()
    assert marts(built_office) == before, "readers see what they saw"
    assert build(built_office, "live") == 0
    after = marts(built_office)
    assert len(after["fct_problems"]) == 11 and after["fct_problems"] != before["fct_problems"]
    assert built_office.query("select 1 from ops.builds where finished_at is null") == []
    assert build(built_office, "install") == 0
    assert marts(built_office) == after


@pytest.mark.parametrize(
    "where, name, is_after",
    [
        (publishing, "make_documents", False),
        (publishing, "make_documents", True),
        (warehouse.issues, "end_hold", True),
        (warehouse.deliveries, "record_in_folder", False),
    ],
)
def test_the_server_ends_while_an_issue_is_made(own_server, built_office, monkeypatch, where, name, is_after):
    function = getattr(where, name)

    def ending(*args):
        if not is_after:
            stop_at_once(own_server)
        function(*args)
        if is_after:
            stop_at_once(own_server)

    def evening() -> None:
        with warehouse.connect(built_office.settings, "publisher") as conn:
            for day in (DAY, TODAY):
                issue = publishing.publish(conn, DAILY, DISTRICT, day, settle_seconds=0)
                writing.keep_in_folder(conn, built_office.settings, issue.publication_id)
            render_site(conn, built_office.settings.outbox)

    with monkeypatch.context() as patch:
        patch.setattr(where, name, ending)
        with pytest.raises(psycopg.OperationalError):
            evening()
    own_server.postgres.start()
    evening()
    check_issues(built_office)
    assert [row["issue_no"] for row in built_office.query("select issue_no from published.publications order by 1")] == [1, 2]
    assert built_office.query("select 1 from ops.deliveries where channel = 'folder' and subject_kind = 'issue' and status <> 'sent'") == []
