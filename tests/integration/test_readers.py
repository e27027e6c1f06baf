"""What a reader of the marts can rely on: one build at a time, the last good one, nothing personal, no other door."""

from __future__ import annotations

import re
import shutil
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg
import pytest

from duban import warehouse
from duban.orchestration import dbt
from duban.publishing.site.figures import read_figures
from local.embedded.postgres import SESSION_BYTES
from tests.conftest import Office, Server
from tests.integration.ledgers import OTHER, TOWNSHIP, problem, problems_csv

# The same figure from three marts: open problems of the newest day, and the closed ones.
TOTALS = """
    select (select sum(open_count) from marts.fct_township_days where day_on = %(day)s),
           (select sum(open_count) from marts.rpt_township_ranking where ranked_on = %(day)s),
           (select count(*) from marts.fct_problems where not is_closed and status != 'void'),
           (select sum(numerator) from marts.fct_township_scores where day_on = %(day)s and indicator_code = 'open_count')"""
DAY = date(2020, 6, 24)


@pytest.fixture
def office(installed_office: Office) -> Office:
    """An office with marts."""
    return installed_office


@pytest.fixture
def reader(server: Server, office: Office):
    """A BI tool's connection to the office's warehouse."""
    with psycopg.connect(office.settings.warehouse_uri, user="bi_reader", password=server.secrets.bi_reader_password) as conn:
        yield conn


def send(office: Office, number: int) -> None:
    """Ten more open problems."""
    rows = [problem(f"{number}-{key}") for key in range(10)]
    assert office.send(TOWNSHIP, f"{number}台账20200624.csv", problems_csv(*rows))["outcome"] == "accepted"


def test_a_reader_never_meets_two_builds_at_once(office, reader, server):
    send(office, 1)
    dbt.build(office.settings, "nightly", today=DAY)
    seen, done = [], threading.Event()

    def look() -> None:
        """Look all the time, each query and each transaction by itself."""
        uri, password = office.settings.warehouse_uri, server.secrets.bi_reader_password
        with psycopg.connect(uri, user="bi_reader", password=password, autocommit=True) as conn:
            while not done.is_set():
                seen.append(conn.execute(TOTALS, {"day": DAY}).fetchone())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        first = reader.execute("select sum(open_count) from marts.fct_township_days").fetchone()
        send(office, 2)
        dbt.build(office.settings, "live", today=DAY)
        # in the transaction that began before: the same build in every table, asked for before or not
        assert reader.execute("select sum(open_count) from marts.fct_township_days").fetchone() == first
        assert reader.execute(TOTALS, {"day": DAY}).fetchone() == (10, 10, 10, 10)
        reader.rollback()
        assert reader.execute(TOTALS, {"day": DAY}).fetchone() == (20, 20, 20, 20)
        reader.rollback()
        send(office, 3)
        dbt.build(office.settings, "install", full_refresh=True, today=DAY)
    finally:
        done.set()
        watcher.join()
    assert set(seen) == {(10,) * 4, (20,) * 4, (30,) * 4}


def test_a_build_that_fails_leaves_the_last_good_one(office, tmp_path):
    send(office, 1)
    dbt.build(office.settings, "nightly", today=DAY)
    broken = replace(office.settings, project=tmp_path)
    project = broken.dbt_project
    shutil.copytree(office.settings.dbt_project, project, ignore=shutil.ignore_patterns("target", "logs"))

    def totals() -> set[int]:
        with warehouse.connect(office.settings) as conn:
            return set(conn.execute(TOTALS, {"day": DAY}).fetchone())

    # a test that fails when everything is built; a model that fails half way
    (project / "tests" / "never_more_than_ten.sql").write_text("select * from {{ ref('fct_problems') }} offset 10", encoding="utf-8")
    send(office, 2)
    with pytest.raises(dbt.BuildFailed, match="never_more_than_ten"):
        dbt.build(broken, "nightly", today=DAY)
    assert totals() == {10}
    (project / "tests" / "never_more_than_ten.sql").unlink()
    ranking = project / "models" / "marts" / "ranking" / "rpt_township_ranking.sql"
    broken_off = "{% if execute %}{{ exceptions.raise_compiler_error('broken off') }}{% endif %}"
    ranking.write_text(broken_off + ranking.read_text(encoding="utf-8"), encoding="utf-8")
    send(office, 3)
    with pytest.raises(dbt.BuildFailed, match="broken off"):
        dbt.build(broken, "live", today=DAY)
    assert totals() == {10}
    builds = office.query("select is_success, finished_at from ops.builds order by build_id")
    assert [build["is_success"] for build in builds] == [True, True, False, False]
    with warehouse.connect(office.settings) as conn:
        build = read_figures(conn).build
    assert (build.built_at, build.failed_at) == (builds[1]["finished_at"], builds[3]["finished_at"])
    with warehouse.connect(office.settings) as conn:  # as if an update had changed a column since
        conn.execute("alter table marts.fct_township_days alter column open_count type numeric(12, 1)")
    dbt.build(office.settings, "live", today=DAY)
    assert totals() == {30}
    types = """select distinct format_type(atttypid, atttypmod) from pg_attribute
               where attname = 'open_count' and attrelid in (%s::regclass, %s::regclass)"""
    assert len(office.query(types, ["marts.fct_township_days", "candidates.fct_township_days"])) == 1
    with warehouse.connect(office.settings) as conn:
        build = read_figures(conn).build
    assert build.failed_at is None and build.built_at > builds[3]["finished_at"]


def test_a_late_report_changes_its_days_and_townships_and_nothing_else(office):
    days = [date(2020, 6, day) for day in range(15, 25)]
    for day in days:
        for unit, key in ((TOWNSHIP, "甲"), (OTHER, "乙")):
            office.drop(unit, f"{key}{day:%Y%m%d}.csv", problems_csv(problem(f"{key}-1", 发现日期="2020-06-04")))
    office.ingest()
    dbt.build(office.settings, "nightly", today=days[-1])
    place = "select day_on, township_code, ctid::text, xmin::text from marts.fct_township_days"
    before = {(row["day_on"], row["township_code"]): row for row in office.query(place)}
    # it matters on the 18th alone: for the 19th there is a report that says otherwise
    late = problem("甲-1", 发现日期="2020-06-04", 整改时限="2020-06-10")
    assert office.send(TOWNSHIP, "迟20200618.csv", problems_csv(late))["outcome"] == "accepted"
    dbt.build(office.settings, "live", today=days[-1])
    after = {(row["day_on"], row["township_code"]): row for row in office.query(place)}
    assert {key for key in after if after[key] != before[key]} == {(date(2020, 6, 18), TOWNSHIP)}
    assert office.query(
        "select overdue_count from marts.fct_township_days where township_code = %s and day_on = '2020-06-18'", [TOWNSHIP]
    ) == [{"overdue_count": 1}]


def test_no_other_door(server, sample_office, bi_reader):
    """Everything in the catalogue that the role may touch."""
    with warehouse.connect(sample_office.settings) as conn:
        schemas = conn.execute("select nspname from pg_namespace where has_schema_privilege('bi_reader', oid, 'usage')").fetchall()
        assert {name for (name,) in schemas} == {"marts", "published", "public", "pg_catalog", "information_schema"}
        tables = conn.execute(
            """select nspname || '.' || relname, privilege from pg_class c join pg_namespace n on n.oid = relnamespace
               cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
               where relkind in ('r', 'v', 'm', 'p', 'f') and nspname not in ('pg_catalog', 'information_schema')
               and nspname !~ '^pg_(toast|temp)' and has_table_privilege('bi_reader', c.oid, privilege)"""
        ).fetchall()
        assert {name.split(".")[0] for name, _ in tables} <= {"marts", "published"} and {privilege for _, privilege in tables} == {"select"}
        there = {
            name
            for (name,) in conn.execute(
                "select 'marts.' || relname from pg_class where relnamespace = 'marts'::regnamespace and relkind in ('r', 'v')"
            )
        }
        assert {name for name, _ in tables if name.startswith("marts.")} == there and len(there) > 15
        functions = conn.execute(
            """select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = pronamespace
               where nspname not in ('pg_catalog', 'information_schema') and has_function_privilege('bi_reader', p.oid, 'execute')
               and has_schema_privilege('bi_reader', n.oid, 'usage')"""
        ).fetchall()
        assert {name for (name,) in functions} == {
            "marts.ranking_as_of(text,date,timestamp with time zone)",
            "marts.problems_as_of(text,date,timestamp with time zone)",
            "marts.withdrawals_as_of(text,date,timestamp with time zone)",
            "marts.simulated_ranking(text,text,date,date)",
            "marts.supervision_as_of(text,date,timestamp with time zone)",
            "marts.visits_as_of(text,date,timestamp with time zone)",
            "marts.projects_as_of(text,date,timestamp with time zone)",
            "marts.movements_as_of(text,date,timestamp with time zone)",
            "marts.fund_findings_as_of(text,date,timestamp with time zone)",
        }
        uncommented = conn.execute(
            """select c.oid::regclass::text, a.attname from pg_class c
               join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
               where relnamespace in ('marts'::regnamespace, 'published'::regnamespace) and relkind in ('r', 'v')
               and (col_description(c.oid, attnum) is null or obj_description(c.oid) is null)"""
        ).fetchall()
        assert uncommented == []
    with warehouse.connect(server.settings) as conn:
        [(may,)] = conn.execute(
            "select has_database_privilege('bi_reader', 'duban', 'temp') or has_database_privilege('bi_reader', 'duban', 'create')"
        )
        assert not may
        [(limit, config)] = conn.execute("select rolconnlimit, array_to_string(rolconfig, ',') from pg_roles where rolname = 'bi_reader'")
        assert 0 < limit <= 50 and "statement_timeout" in config and "repeatable read" in config and "temp_file_limit=256MB" in config
        # work_mem is every role's own affair: what a session may take is bounded by the system
        limits = Path(f"/proc/{conn.info.backend_pid}/limits").read_text(encoding="ascii")
        assert re.search(rf"Max data size +{SESSION_BYTES} +{SESSION_BYTES} ", limits)
    for statement in (
        "create table marts.x ()",
        "select * from raw.problem_versions",
        "select * from personal.households",
        "select ops.begin_build()",
    ):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
            bi_reader.execute(statement)


def test_nothing_personal_is_in_sight(sample_office, bi_reader):
    persons = sample_office.query("select id_number, holder_name from personal.households")
    assert len(persons) > 50
    numbers = {row["id_number"] for row in persons}
    looked_at = 0
    for (table,) in bi_reader.execute("select table_name from information_schema.tables where table_schema = 'marts'").fetchall():
        for (text,) in bi_reader.execute(f"select t::text from marts.{table} as t").fetchall():
            looked_at += 1
            assert not any(word in numbers for word in text.replace('"', ",").split(",")), table
    assert looked_at > 1000
    seen = "\n".join(text for (text,) in bi_reader.execute("select p::text from marts.fct_problems as p"))
    assert not any(number in seen for number in numbers)
    keys = {key for (key,) in bi_reader.execute("select household_key from marts.fct_problems where household_key is not null")}
    assert keys and all(len(key) == 64 for key in keys)


def test_any_day_as_known_now_is_the_ranking(sample_office, bi_reader):
    days = [day for (day,) in bi_reader.execute("select distinct ranked_on from marts.rpt_township_ranking where district_code = '430902'")]
    assert len(days) == 91
    for day in days[::7] + [max(days)]:
        as_of = bi_reader.execute("select * from marts.ranking_as_of('430902', %s, now())", [day]).fetchall()
        shown = bi_reader.execute(
            "select * from marts.rpt_township_ranking where district_code = '430902' and ranked_on = %s", [day]
        ).fetchall()
        assert sorted(map(str, as_of)) == sorted(map(str, shown)) and as_of
    assert bi_reader.execute("select * from marts.ranking_as_of('430902', '2020-03-31', now())").fetchall() == []
    assert all(
        row[7] == 0 for row in bi_reader.execute("select * from marts.ranking_as_of('430902', '2020-06-30', '2020-01-01')").fetchall()
    )
