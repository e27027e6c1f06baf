"""Builds that touch only what arrivals affect end up where a full refresh does, row for row, whatever arrived in which order."""

from __future__ import annotations

from datetime import date

import pytest

from duban import warehouse
from duban.orchestration import dbt, parsed_project
from tests.conftest import open_office
from tests.integration.test_ranking_random import in_order_of_arrival, in_own_districts, load, register
from tests.oracle import ranking
from tests.oracle.strategies import random_history

LAST_DAY = date(2020, 6, 30)
# days of the builds between which parts of the history arrive: the campaign grows, stands still, and is over
DAYS = (date(2020, 4, 20), date(2020, 5, 15), date(2020, 5, 15), date(2020, 6, 20), date(2020, 6, 21), date(2020, 7, 2))


def marts(office) -> dict[str, list[tuple]]:
    """Every table of the marts, in an order of its own."""
    tables = office.query("select tablename from pg_tables where schemaname = 'marts' order by 1")
    found = {}
    for table in (row["tablename"] for row in tables):
        # as text, and without the system's columns: what a reader sees
        found[table] = sorted(str(row["row"]) for row in office.query(f"select t::text as row from marts.{table} as t"))
    return found


@pytest.mark.parametrize("seed", range(2))
def test_random_histories_in_parts(installed_office, seed):
    office = installed_office
    histories = [in_own_districts(random_history(100 * seed + number, event_count=150), number) for number in range(6)]
    with warehouse.connect(office.settings) as conn:
        for history, townships in histories:
            register(conn, history, townships)
    versions = in_order_of_arrival([history for history, _ in histories])
    size = -(-len(versions) // len(DAYS))
    for number, day in enumerate(DAYS):
        with warehouse.connect(office.settings) as conn:
            load(conn, versions[number * size : (number + 1) * size])
        dbt.build(office.settings, "live" if number else "nightly", today=day)
    grown = marts(office)
    assert len(grown["fct_township_days"]) > 5000 and len(grown["fct_problems"]) > 100 and grown["fct_visits"]
    dbt.build(office.settings, "install", full_refresh=True, today=DAYS[-1])
    anew = marts(office)
    assert {name: [row for row in rows if row not in set(anew[name])] for name, rows in grown.items() if rows != anew[name]} == {}
    # pytest would compare thousands of lines for minutes
    assert all(rows == anew[name] for name, rows in grown.items()) and set(grown) == set(anew)
    for history, townships in histories[:2]:
        expected = ranking.township_days(history.problems, history.visits, history.campaigns, townships, today=LAST_DAY)
        rows = office.query(
            """select day_on, township_code, assigned_count, rectified_count, open_count from marts.fct_township_days
               where district_code = any(%s)""",
            [[campaign.district_code for campaign in history.campaigns]],
        )
        assert {tuple(row.values()) for row in rows} == {
            (day, code, figures.assigned, figures.rectified, figures.open) for (day, code), figures in expected.items()
        }


def test_what_an_older_version_left_is_replaced_as_a_whole(sample_office, server, tmp_path):
    """Of a function other arguments, columns, description or body; of a table its comments: a build of this version ends with its own."""
    template = sample_office.settings.warehouse_uri.rsplit("/", 1)[1]
    functions = """
        select proname, pg_get_function_arguments(oid) as arguments, pg_get_function_result(oid) as columns, prosrc, proacl::text,
            obj_description(oid, 'pg_proc') as description
        from pg_proc where pronamespace = 'marts'::regnamespace order by 1, 2"""
    comments = """
        select relname, objsubid, description from pg_description join pg_class on pg_class.oid = objoid
        where relnamespace = 'marts'::regnamespace and relkind = 'r' order by 1, 2"""
    with open_office(server, tmp_path / "home", template=template) as office:
        before = office.query(functions), office.query(comments)
        with warehouse.connect(office.settings) as conn:
            conn.execute("set role duban_transformer")
            conn.execute("create function marts.visits_as_of(text, text) returns integer language sql as 'select 1'")
            conn.execute("grant execute on function marts.visits_as_of(text, text) to bi_reader")
            for name, change in (("movements_as_of", ("day date", "until_on date")), ("projects_as_of", ("place text", "site text"))):
                [(made,)] = conn.execute("select pg_get_functiondef(oid) from pg_proc where proname = %s", [name]).fetchall()
                assert change[0] in made
                head, body = made.split("AS $function$", 1)
                conn.execute(f"drop function marts.{name}")
                conn.execute(head.replace(*change) + "AS $function$" + body)
            conn.execute("comment on function marts.supervision_as_of is 'of an older version'")
            conn.execute("comment on table marts.fct_projects is 'of an older version'")
            conn.execute("comment on column marts.fct_projects.place is 'of an older version'")
        assert (office.query(functions), office.query(comments)) != before
        dbt.build(office.settings, "install", full_refresh=True)
        assert (office.query(functions), office.query(comments)) == before


def test_work_tables_have_the_columns_that_are_described(sample_office):
    """They are filled by the names of the description: a column that is missing there would stay empty, and nobody would be told."""
    nodes = parsed_project.manifest(sample_office.settings).nodes.values()
    described = {(node.name, column) for node in nodes if node.config.materialized == "work_table" for column in node.columns}
    made = sample_office.query("select table_name, column_name from information_schema.columns where table_schema = 'intermediate'")
    assert {tuple(row.values()) for row in made} == described and len(described) > 20
