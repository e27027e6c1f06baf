"""Ordinary BI clients as `bi_reader`: they find the marts by reflection and read them by cursor and frame.

They can neither leave anything behind nor look elsewhere, even after they have switched off what their role sets by default.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from psycopg import errors, sql

from duban import access
from tests.conftest import Office, Server

ZIYANG = "430902"
LAST_DAY = date(2020, 6, 30)
MARTS = {path.stem for path in (Path(__file__).parents[2] / "dbt_project" / "models" / "marts").rglob("*.sql")}
TOTALS = "select sum(assigned_count)::int, sum(rectified_count)::int, sum(open_count)::int from "


def connect(server: Server, office: Office, **parameters) -> psycopg.Connection:
    """One more connection of a BI tool, with autocommit."""
    return psycopg.connect(
        office.settings.warehouse_uri,
        **{"user": "bi_reader", "password": server.secrets.bi_reader_password, "autocommit": True} | parameters,
    )


@pytest.fixture(params=["psycopg", "psycopg2"])
def engine(request, server: Server, sample_office: Office) -> Iterator[sa.Engine]:
    """The sample warehouse in SQLAlchemy, with either driver."""
    url = sa.make_url(sample_office.settings.warehouse_uri).set(
        drivername=f"postgresql+{request.param}", username="bi_reader", password=server.secrets.bi_reader_password
    )
    engine = sa.create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def unbound(bi_reader: psycopg.Connection) -> psycopg.Connection:
    """A reader who switched off every default of the role that can be switched off: what refuses now is a privilege."""
    bi_reader.execute("set default_transaction_read_only = off; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0")
    return bi_reader


# ── what clients find ────────────────────────────────────────────────────────────────────────────────────────────────


def test_reflection_finds_every_mart_with_its_key_and_comments(engine):
    """What a tool shows before the first query: names, keys, types that it knows, sums with their scale, comments."""
    metadata = sa.MetaData()
    metadata.reflect(engine, schema="marts", views=True)
    tables = {table.name: table for table in metadata.tables.values()}
    assert set(tables) == MARTS
    keys = {name: [column.name for column in table.primary_key] for name, table in tables.items()}
    assert {name for name, key in keys.items() if not key} == set(sa.inspect(engine).get_view_names("marts"))
    assert keys["fct_problems"] == ["district_code", "problem_no"]
    assert keys["rpt_township_ranking"] == ["district_code", "ranked_on", "township_code"]
    assert not [name for name, table in tables.items() if not table.comment]
    columns = [column for table in tables.values() for column in table.columns]
    assert len(columns) > 200 and not [str(column) for column in columns if not column.comment]
    assert not [str(column) for column in columns if isinstance(column.type, sa.types.NullType)]
    assert not [str(column) for column in columns if isinstance(column.type, sa.Numeric) and column.type.scale is None]
    assert {column.type.scale for column in columns if column.name.endswith("_yuan")} == {2}
    assert all(column.type.timezone for column in columns if isinstance(column.type, sa.TIMESTAMP))


def test_pandas_reads_the_figures(engine):
    """The district's printed figures by a query, by a function with bound parameters, and out of a whole mart in a frame."""
    for source, parameters in (
        ("marts.rpt_township_ranking where district_code = :district and ranked_on = :day", {}),
        ("marts.ranking_as_of(:district, :day, :known_at)", {"known_at": datetime.now(UTC)}),
    ):
        frame = pd.read_sql(sa.text(TOTALS + source), engine, params={"district": ZIYANG, "day": LAST_DAY} | parameters)
        assert frame.iloc[0].tolist() == [273, 237, 36]
    problems = pd.read_sql_table("fct_problems", engine, schema="marts", parse_dates=["found_on"])
    mine = problems[(problems.district_code == ZIYANG) & (problems.status != "void")]
    assert (len(mine), int(mine.is_closed.sum()), int((~mine.is_closed).sum())) == (273, 237, 36)
    assert mine.found_on.dtype.kind == "M" and mine.found_on.dt.year.eq(2020).all()
    ranking = pd.read_sql(
        sa.text("select township_name, rectified_pct, is_ranked from marts.rpt_township_ranking where ranked_on = :day and rank = 1"),
        engine,
        params={"day": LAST_DAY},
    )
    assert ranking.values.tolist() == [["沙头镇", Decimal("100.0"), True]]


def test_tables_are_found_without_their_schema(server, sample_office):
    """`\\d` in psql lists the marts, and queries out of other tools need no prefix."""
    with connect(server, sample_office) as conn:
        assert {
            name for (name,) in conn.execute("select relname from pg_class where pg_table_is_visible(oid) and relkind in ('r', 'v')")
        } >= MARTS
        assert conn.execute("select count(*) from dim_districts").fetchone() == (2,)
        assert conn.execute("select count(*) from ranking_as_of(%s, %s, now())", [ZIYANG, LAST_DAY]).fetchone() == (10,)


# ── how clients read ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_cursors_of_the_server_give_every_row_once(server, sample_office, bi_reader, engine):
    """Large results come in portions: a driver's cursor, a holdable one over several transactions, a frame in chunks."""
    [expected] = bi_reader.execute("select array_agg(version_id order by version_id) from marts.fct_problem_versions").fetchone()
    assert len(expected) > 500
    statement = "select version_id from marts.fct_problem_versions order by version_id"
    with connect(server, sample_office, autocommit=False) as conn, conn.cursor("portions") as cursor:
        cursor.itersize = 100
        assert [number for (number,) in cursor.execute(statement)] == expected
    bi_reader.execute(f"declare kept scroll cursor with hold for {statement}")
    portions = [bi_reader.execute("fetch forward 300 from kept").fetchall() for _ in range(len(expected) // 300 + 1)]
    assert [number for portion in portions for (number,) in portion] == expected
    assert bi_reader.execute("fetch first from kept").fetchone() == (expected[0],)
    with engine.connect().execution_options(stream_results=True) as streamed:
        chunks = [chunk.version_id.tolist() for chunk in pd.read_sql(sa.text(statement), streamed, chunksize=100)]
    assert len(chunks) > 5 and [number for chunk in chunks for number in chunk] == expected


@pytest.mark.parametrize(
    "opening",
    [
        # JDBC: setReadOnly, setTransactionIsolation; ODBC: BEGIN and a savepoint before each statement
        ["set extra_float_digits = 3", "set application_name = 'BI'", "begin"],
        ["set session characteristics as transaction read only", "begin read only"],
        ["set session characteristics as transaction isolation level read committed", "begin"],
        [
            "set session characteristics as transaction isolation level serializable",
            "begin isolation level serializable read only deferrable",
        ],
        ["set datestyle to iso", "set client_encoding to 'UTF8'", "begin", "savepoint _exec_svp_1", "release _exec_svp_1"],
        ["set search_path to marts", "begin isolation level repeatable read read only"],
    ],
)
def test_drivers_open_a_transaction_in_their_own_words(bi_reader, opening):
    """What drivers say before a query is taken, a mistake inside ends at the savepoint, and afterwards the role's defaults hold again."""
    defaults = "select current_setting('default_transaction_isolation'), current_setting('default_transaction_read_only')"
    for statement in opening:
        bi_reader.execute(statement)
    bi_reader.execute("savepoint before_query")
    with pytest.raises(errors.UndefinedColumn):
        bi_reader.execute("select nothing_of_this_name from marts.dim_dates")
    bi_reader.execute("rollback to savepoint before_query")
    totals = TOTALS + "marts.rpt_township_ranking where ranked_on = %s and district_code = %s"
    assert bi_reader.execute(totals, [LAST_DAY, ZIYANG]).fetchone() == (273, 237, 36)
    bi_reader.execute("commit")
    bi_reader.execute("discard all")
    assert bi_reader.execute(defaults).fetchone() == ("repeatable read", "on")


def test_a_statement_prepared_on_the_server_is_used_again(bi_reader):
    """From the fifth time on JDBC, and psycopg likewise, send only the parameters."""
    found = [
        bi_reader.execute(TOTALS + "marts.ranking_as_of(%s, %s, now())", [ZIYANG, date(2020, 6, day)], prepare=True).fetchone()
        for day in (30, 29, 28, 27, 26, 25, 30)
    ]
    assert found[0] == found[-1] == (273, 237, 36) and len(set(found)) > 1
    assert bi_reader.execute("select count(*) from pg_prepared_statements where generic_plans + custom_plans > 5").fetchone() == (1,)


def test_a_query_can_be_given_up(bi_reader):
    """A tool's time limit ends the query; the connection goes on."""
    bi_reader.execute("set statement_timeout = '100ms'")
    with pytest.raises(errors.QueryCanceled):
        bi_reader.execute("select pg_sleep(10)")
    assert bi_reader.execute("select count(*) from marts.dim_districts").fetchone() == (2,)


# ── what clients cannot do ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "statement",
    [
        # other schemas
        "select * from candidates.fct_problems",
        "select * from staging.stg_submissions",
        "select * from intermediate.int_problems__placed",
        "select * from ref.ref_ranking_rules",
        "select * from quarantine.rejected_rows",
        "select 'personal.households'::regclass",
        "select query_to_xml('select * from personal.original_rows', true, true, '')",
        # files and programs of the server
        "copy marts.dim_districts to program 'cat'",
        "copy marts.dim_districts to '/tmp/districts'",
        "select pg_read_file('postgresql.conf')",
        "select pg_ls_dir('.')",
        "select lo_import('/etc/hostname')",
        "show data_directory",
        "load 'auto_explain'",
        # things that need no table
        "select lo_create(0)",
        "select lo_from_bytea(0, 'kept')",
        "select pg_advisory_lock(820001)",
        "select pg_try_advisory_xact_lock(820005)",
        "select pg_logical_emit_message(false, 'a', 'b')",
        # other roles
        "set role duban",
        "set role pg_read_all_data",
        "set session authorization duban",
        "alter role duban password 'mine'",
        "alter role bi_reader connection limit -1",
        "alter role bi_reader createdb",
        "alter system set log_statement = 'all'",
        "set temp_file_limit = -1",
        "set session_replication_role = 'replica'",
        "select rolpassword from pg_authid",
        "select * from pg_statistic",
        "select * from pg_largeobject",
        # making, changing, holding
        "create schema mine",
        "create table public.mine (a int)",
        "create function marts.mine() returns int language sql return 1",
        "create type published.mine as (a int)",
        "create role mine",
        "create database mine",
        "create publication mine for table marts.dim_dates",
        "create statistics marts.mine on date_on, is_working_day from marts.dim_dates",
        "comment on table marts.dim_dates is 'mine'",
        "update marts.fct_problems set status = 'rectified'",
        "delete from marts.rpt_township_ranking",
        "truncate marts.dim_dates",
        "begin; lock table marts.dim_dates in row exclusive mode",
        "select * from marts.dim_districts for update",
        "select * from marts.dim_districts for key share",
        "checkpoint",
    ],
)
def test_refused_by_privilege(unbound, statement):
    """Not by the read-only default, which anybody can switch off."""
    with pytest.raises(errors.InsufficientPrivilege):
        unbound.execute(statement)


def test_no_temporary_table_and_no_other_database(server):
    """The database of an installation gives readers the right to connect and nothing else; the others not even that."""
    reader = {"user": "bi_reader", "password": server.secrets.bi_reader_password}
    with psycopg.connect(server.settings.warehouse_uri, **reader, autocommit=True) as conn:
        conn.execute("set default_transaction_read_only = off")
        for statement in (
            "create temporary table mine (a int)",
            "select 1 as a into temporary mine",
            "create temporary view mine as select 1",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                conn.execute(statement)
    for database in ("postgres", "template1", "airflow"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(server.settings.warehouse_uri, **reader, dbname=database)
    with pytest.raises(psycopg.OperationalError, match="WAL sender"):
        psycopg.connect(server.settings.warehouse_uri, **reader, replication="database")


def test_others_are_neither_seen_nor_disturbed(bi_reader, owner):
    """What another role runs stays its own, and it cannot be ended."""
    [(pid,)] = owner.execute("select pg_backend_pid() /* a name in a statement */")
    seen = bi_reader.execute("select pid, query from pg_stat_activity").fetchall()
    assert pid in {number for number, _ in seen} and not any("a name in a statement" in query for _, query in seen if query)
    for function in ("pg_cancel_backend", "pg_terminate_backend"):
        with pytest.raises(errors.InsufficientPrivilege):
            bi_reader.execute(f"select {function}(%s)", [pid])
    assert owner.execute("select 1").fetchone() == (1,)


def test_statistics_show_no_value_of_a_hidden_table(bi_reader, owner):
    """The most frequent values of a column are kept in the catalogue; those of hidden tables are nobody's to see."""
    owner.execute("analyze")
    kept = "select distinct schemaname from pg_stats where most_common_vals is not null or histogram_bounds is not null"
    hidden = {"personal", "raw", "ops", "quarantine", "candidates"}
    assert hidden <= {name for (name,) in owner.execute(kept)}
    assert {name for (name,) in bi_reader.execute(kept)} - {"pg_catalog", "information_schema"} == {"marts"}


def test_readers_use_up_their_own_connections_only(server, sample_office, owner):
    """However many a tool opens, the loader still gets in."""
    opened = []
    try:
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            while len(opened) < 50:
                opened.append(connect(server, sample_office))
        assert len(opened) >= 10
        with psycopg.connect(sample_office.settings.warehouse_uri) as conn:
            assert conn.execute("select 1").fetchone() == (1,)
    finally:
        for conn in opened:
            conn.close()


def test_what_a_reader_does_to_its_own_role_ends_with_the_next_start(server, sample_office, unbound):
    """PostgreSQL lets every role change its own password and defaults. Whoever shares the login is let in again, under the old ones."""
    shown = """select current_setting('statement_timeout'), current_setting('default_transaction_isolation'),
               current_setting('transaction_read_only'), current_setting('search_path')"""
    try:
        unbound.execute("alter role bi_reader password 'mine alone'")
        unbound.execute("alter role bi_reader set statement_timeout = 0")
        unbound.execute("alter role bi_reader set default_transaction_isolation = 'read committed'")
        unbound.execute("alter role bi_reader set default_transaction_read_only = off")
        # what is said of a database goes before what is said of the role
        database = sql.Identifier(unbound.info.dbname)
        unbound.execute(sql.SQL("alter role bi_reader in database {} set search_path = nowhere").format(database))
        unbound.execute(sql.SQL("alter role bi_reader in database {} set statement_timeout = 0").format(database))
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(server, sample_office)
        with connect(server, sample_office, password="mine alone") as conn:
            assert conn.execute(shown).fetchone() == ("0", "read committed", "off", "nowhere")
    finally:
        with server.superuser() as conn:
            access.provide_roles(conn, server.secrets.login_passwords())
    with connect(server, sample_office) as conn:
        assert conn.execute(shown).fetchone() == ("5min", "repeatable read", "on", "marts, published")
