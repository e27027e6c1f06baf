"""Who may do what: the whole catalogue, role by role, against a list written by hand; and the roles at work.

The list below is what the office wants, not what the grants say. A table, column, function or schema that nobody thought of shows up here.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from duban import access, install, warehouse
from duban.orchestration import dbt
from duban.settings import LOGINS
from local.console import Problem
from tests.conftest import Office, Server, open_office

VERSIONS = {"problem_versions", "fund_movement_versions", "project_versions", "visit_versions"}
READ, APPEND, CHANGE = {"SELECT"}, {"SELECT", "INSERT"}, {"SELECT", "INSERT", "UPDATE"}
BUILT = {"staging", "intermediate", "candidates", "marts", "ref"}
EVERYTHING = {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"}
SCHEMAS = {"raw", "households", "personal", "quarantine", "ops", "published", *BUILT}


def wanted(role: str, schema: str, table: str) -> set[str]:
    """What a role is to be able to do with a table."""
    match role, schema:
        case "duban_owner", _:
            return EVERYTHING  # of what dbt built as a member of duban_transformer
        case "duban_loader", "raw":
            return APPEND if table in VERSIONS else READ
        case "duban_loader", "households":
            return APPEND
        case "duban_loader", "quarantine":
            return APPEND
        case "duban_loader", "personal":
            return {"INSERT"} if table == "original_rows" else set()
        case "duban_transformer", schema if schema in BUILT:
            return EVERYTHING
        case "duban_transformer" | "duban_publisher", "raw" | "quarantine":
            return READ
        case "duban_transformer" | "personal_reader", "households":
            return READ
        case "duban_publisher", "published":
            return APPEND
        case "duban_publisher" | "bi_reader" | "personal_reader", "marts" | "published":
            return READ
        case "personal_reader", "personal":
            return READ
        case _, "ops":
            return OPS.get(role, {}).get(table, set())
    return set()


OPS = {
    "duban_loader": {
        "submissions": CHANGE, "deliveries": CHANGE, "gate_results": {"INSERT"}, "addressees": READ, "builds": READ, "identity": READ,
    },
    "duban_transformer": {"submissions": READ, "builds": CHANGE, "watch_items": READ},
    "duban_publisher": {
        "submissions": READ, "builds": READ, "addressees": READ, "recipients": READ, "deliveries": CHANGE, "held_issues": CHANGE,
        "live_pages": APPEND, "gate_results": READ, "watch_mutes": READ, "watch_messages": APPEND, "task_failures": CHANGE,
        "watch_reports": APPEND | {"DELETE"}, "watch_items": APPEND | {"DELETE"}, "identity": READ,
    },
}  # fmt: skip
# Functions by schema; "marts" stands for all of its functions.
CALLABLE = {
    "duban_loader": {
        *("personal.keep_households", "personal.keep_names", "personal.names_that_open", "personal.mask_again", "raw.pairs"),
    },
    "duban_transformer": {"ops.begin_build", "ops.known_through", "ops.built_through", "marts"},
    "duban_publisher": {"marts", "ops.rows_as_of", "personal.names_that_open"},
    "bi_reader": {"marts"},
    "personal_reader": {"marts"},
}
CREATORS = {("duban_transformer", schema) for schema in {*BUILT, "households"}}
REACHABLE = {
    "duban_loader": {"raw", "households", "quarantine", "ops", "personal"},
    "duban_transformer": {"raw", "households", "quarantine", "ops", *BUILT},
    "duban_publisher": {"raw", "quarantine", "ops", "personal", "marts", "published"},
    "bi_reader": {"marts", "published"},
    "personal_reader": {"marts", "published", "households", "personal"},
}


def rights(conn: psycopg.Connection) -> set[tuple]:
    """(role, right, thing) of everything in our schemas and of the database, as PostgreSQL decides it for each role of ours."""
    roles = [access.OWNER, *LOGINS.values(), "duban"]
    tables = conn.execute(
        """select role, privilege, format('%%I.%%I', nspname, relname) from unnest(%s::text[]) as role
           cross join unnest(%s::text[]) as privilege
           cross join pg_class join pg_namespace on pg_namespace.oid = relnamespace
           where nspname = any(%s) and relkind in ('r', 'v', 'm', 'p', 'f')
               and (has_table_privilege(role, pg_class.oid, privilege)
                    or privilege in ('SELECT', 'INSERT', 'UPDATE') and has_any_column_privilege(role, pg_class.oid, privilege))""",
        [roles, sorted(EVERYTHING), sorted(SCHEMAS)],
    ).fetchall()
    sequences = conn.execute(
        """select role, privilege || ' of sequence', format('%%I.%%I', nspname, relname) from unnest(%s::text[]) as role
           cross join unnest(array['USAGE', 'SELECT', 'UPDATE']) as privilege
           cross join pg_class join pg_namespace on pg_namespace.oid = relnamespace
           where nspname = any(%s) and relkind = 'S' and has_sequence_privilege(role, pg_class.oid, privilege)""",
        [roles, sorted(SCHEMAS)],
    ).fetchall()
    functions = conn.execute(
        """select role, 'EXECUTE', format('%%I.%%I', nspname, proname) from unnest(%s::text[]) as role
           cross join pg_proc join pg_namespace on pg_namespace.oid = pronamespace
           where nspname = any(%s) and has_function_privilege(role, pg_proc.oid, 'EXECUTE')""",
        [roles, sorted(SCHEMAS)],
    ).fetchall()
    schemas = conn.execute(
        """select role, privilege || ' of schema', nspname from unnest(%s::text[]) as role
           cross join unnest(array['USAGE', 'CREATE']) as privilege cross join pg_namespace
           where nspname !~ '^pg_' and nspname <> 'information_schema' and has_schema_privilege(role, pg_namespace.oid, privilege)""",
        [roles],
    ).fetchall()
    database = conn.execute(
        """select role, privilege || ' of database', 'this' from unnest(%s::text[]) as role
           cross join unnest(array['CONNECT', 'CREATE', 'TEMPORARY']) as privilege
           where has_database_privilege(role, current_database(), privilege)""",
        [roles],
    ).fetchall()
    return {*tables, *sequences, *functions, *schemas, *database}


def expected(conn: psycopg.Connection) -> set[tuple]:
    """The same, as the office wants it, for the tables and functions that there are."""
    tables = conn.execute(
        """select nspname, relname, relkind::text from pg_class join pg_namespace on pg_namespace.oid = relnamespace
           where nspname = any(%s) and relkind in ('r', 'v', 'm', 'p', 'f', 'S')""",
        [sorted(SCHEMAS)],
    ).fetchall()
    functions = conn.execute(
        "select nspname, proname from pg_proc join pg_namespace on pg_namespace.oid = pronamespace where nspname = any(%s)",
        [sorted(SCHEMAS)],
    ).fetchall()
    found = set()
    for role in (access.OWNER, *LOGINS.values()):
        for schema, table, kind in tables:
            if kind != "S":
                found |= {(role, privilege, f"{schema}.{table}") for privilege in wanted(role, schema, table)}
            elif role == access.OWNER:
                found |= {(role, f"{privilege} of sequence", f"{schema}.{table}") for privilege in ("USAGE", "SELECT", "UPDATE")}
        for schema, function in functions:
            callable_here = CALLABLE.get(role, set())
            if role == access.OWNER or schema in callable_here or f"{schema}.{function}" in callable_here:
                found.add((role, "EXECUTE", f"{schema}.{function}"))
        for schema in SCHEMAS if role == access.OWNER else REACHABLE[role]:
            found.add((role, "USAGE of schema", schema))
            if role == access.OWNER or (role, schema) in CREATORS:
                found.add((role, "CREATE of schema", schema))
        found |= {(role, "CONNECT of database", "this"), (role, "USAGE of schema", "public")}
    found.add(("duban_loader", "USAGE of sequence", "ops.submission_no"))
    found.add((access.OWNER, "CREATE of schema", "public"))  # as the owner of the database
    found |= {(access.OWNER, f"{privilege} of database", "this") for privilege in ("CREATE", "TEMPORARY")}
    found.add(("duban_transformer", "TEMPORARY of database", "this"))
    # the operator may do what the owner may
    return found | {("duban", right, thing) for role, right, thing in found if role == access.OWNER}


def deviations(conn: psycopg.Connection) -> dict[str, list[tuple]]:
    """In what the catalogue differs from the list."""
    is_so, should_be = rights(conn), expected(conn)
    assert len(is_so) > 600  # something was looked at
    differing = {"too much": sorted(is_so - should_be), "missing": sorted(should_be - is_so)}
    return {kind: found for kind, found in differing.items() if found}


@pytest.fixture(scope="module")
def copy(server: Server, sample_office: Office, tmp_path_factory) -> Iterator[Office]:
    """The sample warehouse, to do something to."""
    template = sample_office.settings.warehouse_uri.rsplit("/", 1)[1]
    with open_office(server, tmp_path_factory.mktemp("access") / "home", template) as opened:
        yield opened


def test_every_right_in_the_catalogue_is_wanted(copy):
    with warehouse.connect(copy.settings) as conn:
        assert deviations(conn) == {}


def test_a_full_refresh_and_a_new_installation_leave_the_rights_as_they_were(copy):
    dbt.build(copy.settings, "install", full_refresh=True)
    with warehouse.connect(copy.settings) as conn:
        assert deviations(conn) == {}
    install.provide(copy.settings)
    with warehouse.connect(copy.settings) as conn:
        assert deviations(conn) == {}


def test_what_was_granted_by_hand_is_gone_with_the_next_start(copy):
    with warehouse.connect(copy.settings) as conn:
        conn.execute("grant select on personal.households to bi_reader; grant update on raw.problem_versions to duban_publisher")
        conn.execute("grant usage on schema raw to public; grant execute on function personal.keep_households to public")
        assert deviations(conn).keys() == {"too much"}
        access.apply_rights(conn)
        assert deviations(conn) == {}


@pytest.mark.parametrize(
    "change", ["alter role bi_reader set application_name = 'mine'", "revoke select on all tables in schema marts from bi_reader"]
)
def test_a_reader_cannot_keep_the_next_start_waiting(server, copy, change):
    """Its own defaults, and rights taken from itself that it did not give: what it may write, though nothing comes of it."""
    uri = server.settings_of(copy.settings.home, copy.settings.warehouse_uri).uri("bi_reader")
    with psycopg.connect(uri) as reader, psycopg.connect(uri) as reading:
        reader.execute("set transaction_read_only = off; set idle_in_transaction_session_timeout = 0")
        reader.execute(change)
        reading.execute("select count(*) from marts.dim_dates")
        server.postgres.start()
        with warehouse.connect(copy.settings) as conn:
            access.apply_rights(conn)
            assert deviations(conn) == {}
        with pytest.raises(psycopg.OperationalError):
            reader.execute("select 1")
        assert reading.execute("select 1").fetchone() == (1,)


def test_whoever_else_keeps_the_rights_is_told_of(server, copy, monkeypatch, capsys):
    for module in (warehouse.schema, access):
        monkeypatch.setattr(module, "LOCK_TIMEOUT", "lock_timeout = '300ms'")
    monkeypatch.setattr(install, "load_settings", lambda: copy.settings)
    monkeypatch.setattr(install, "steps", None)  # it does not come to that
    with warehouse.connect(copy.settings) as conn, conn.transaction():
        conn.execute("grant select on raw.districts to duban_loader")
        assert install.main() == 1
    assert "pg_terminate_backend" in capsys.readouterr().err
    with server.superuser() as conn, conn.transaction():
        conn.execute("alter role bi_reader set work_mem = '4MB'")
        with pytest.raises(Problem, match="pg_terminate_backend"):
            server.postgres.start()


def test_everything_has_the_owner_it_should(copy):
    with warehouse.connect(copy.settings) as conn:
        owners = conn.execute(
            """select distinct nspname, pg_get_userbyid(relowner) from pg_class join pg_namespace on pg_namespace.oid = relnamespace
               where nspname = any(%s) and relkind <> 'S'
               union select nspname, pg_get_userbyid(proowner) from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
               where nspname = any(%s)""",
            [sorted(SCHEMAS), sorted(SCHEMAS)],
        ).fetchall()
    filled = SCHEMAS - {"households"}  # nothing lies there before a ledger of households does: tests/integration/test_ledger_heads.py
    assert dict(owners) == {schema: "duban_transformer" if schema in BUILT else "duban_owner" for schema in filled}
    assert len(owners) == len(filled)


def test_no_role_is_more_than_it_seems(server):
    """No superuser, no maker of roles or databases, no way past row security; the owner cannot log in; who is a member of whom."""
    with server.superuser() as conn:
        attributes = conn.execute(
            """select rolname, rolcanlogin from pg_roles where rolname = any(%s)
               and not (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)""",
            [["duban", access.OWNER, *LOGINS.values()]],
        ).fetchall()
        members = conn.execute(
            """select pg_get_userbyid(roleid), pg_get_userbyid(member), inherit_option, set_option, admin_option from pg_auth_members
               where pg_get_userbyid(member) = any(%s)""",
            [["duban", access.OWNER, *LOGINS.values()]],
        ).fetchall()
    assert dict(attributes) == {"duban": True, access.OWNER: False, **dict.fromkeys(LOGINS.values(), True)}
    assert set(members) == {
        ("duban_owner", "duban", True, True, False),
        ("duban_transformer", "duban_owner", True, True, False),
        ("bi_reader", "duban_publisher", True, False, False),
        ("bi_reader", "personal_reader", True, False, False),
        ("pg_read_all_stats", "duban_owner", True, True, False),
        ("pg_signal_backend", "duban_owner", True, True, False),
    }


@pytest.mark.parametrize(
    ("login", "statement"),
    [
        ("loader", "select * from personal.original_rows"),
        ("loader", "select id_number from personal.households"),
        ("loader", "update raw.problem_versions set status = 'rectified'"),
        ("loader", "delete from ops.submissions"),
        ("loader", "select * from published.publications"),
        ("loader", "set role duban_owner"),
        ("transformer", "insert into raw.campaigns select * from raw.campaigns"),
        ("transformer", "select * from personal.households"),
        ("transformer", "update ops.submissions set outcome = 'accepted'"),
        ("transformer", "create table raw.mine (n int)"),
        ("transformer", "create schema mine"),
        ("publisher", "select * from personal.households"),
        ("publisher", "update published.documents set content = ''"),
        ("publisher", "delete from published.publications"),
        ("publisher", "truncate published.ranking_rows"),
        ("publisher", "update marts.fct_problems set status = 'rectified'"),
        ("publisher", "update ops.recipients set is_active = true"),
        ("publisher", "update raw.districts set audience = 'townships'"),
        ("publisher", "set role bi_reader"),
        ("bi_reader", "select * from personal.households"),
        ("bi_reader", "select * from ops.submissions"),
        ("bi_reader", "select personal.keep_households('{a}', '{b}', '{c}')"),
        ("bi_reader", "select personal.names_that_open('430902', '{王小}')"),
        ("loader", "select * from personal.known_names"),
        ("publisher", "select * from personal.known_names"),
        ("publisher", "select personal.mask_again('raw.problem_versions', 'description', '{1}', '{*}', now())"),
        ("loader", "update raw.problem_versions set description = '*'"),
        ("personal_reader", "update personal.households set holder_name = ''"),
        ("personal_reader", "select * from raw.problem_versions"),
    ],
)
def test_a_role_can_do_nothing_but_its_work(copy, login, statement):
    with warehouse.connect(copy.settings, login) as conn:
        conn.execute("set default_transaction_read_only = off")
        with pytest.raises(errors.InsufficientPrivilege):
            conn.execute(statement)


def test_personal_data_is_there_for_whom_it_is_meant(copy):
    with warehouse.connect(copy.settings, "personal_reader") as conn:
        numbers = conn.execute(
            "select count(*), count(id_number) from marts.fct_problems join personal.households using (household_key)"
        ).fetchone()
    assert numbers[0] == numbers[1] > 100


def test_who_works_for_the_pipeline_knows_no_operator(copy):
    """A worker that is given only its own connections has no way to the operator's."""
    worker = copy.settings.__class__(**{**vars(copy.settings), "warehouse_uri": ""})
    with warehouse.connect(worker, "loader") as conn:
        assert conn.execute("select current_user").fetchone() == ("duban_loader",)
    with pytest.raises(LookupError, match="no connection of the operator"):
        warehouse.connect(worker)


# ── a warehouse from before there were roles; a server of others ─────────────────────────────────────────────────────


def test_a_warehouse_that_one_role_owned_is_handed_over(server, copy):
    """What `duban` made before there was an owner: after the next start everything belongs to whom it should, and nothing is lost."""
    uri = server.copy_of(copy.settings.warehouse_uri.rsplit("/", 1)[1])
    settings = server.settings_of(copy.settings.home, uri)
    try:
        with server.superuser(uri.rsplit("/", 1)[1]) as conn:
            conn.execute("reassign owned by duban_transformer to duban; reassign owned by duban_owner to duban")
            # of the server's other databases and roles nothing changed hands
            conn.execute("alter database duban owner to duban_owner")
            access.open_database(conn, uri.rsplit("/", 1)[1])
        install.provide(settings)
        dbt.build(settings, "live")
        with warehouse.connect(settings) as conn:
            assert deviations(conn) == {}
            assert conn.execute("select count(*) from marts.fct_problems").fetchone()[0] > 270
    finally:
        server.drop(uri)


def test_on_a_server_of_others_the_roles_must_be_made(server, tmp_path):
    """Whoever may not make roles is told what to ask for; whoever may, gets an installation as complete as any."""
    # roles are the server's: those of this one are there already, and only their absence makes the question
    with server.superuser() as conn:
        conn.execute("create role stranger login password 'guest'")
        conn.execute("create database elsewhere owner stranger")
    uri = server.settings.warehouse_uri.split("//")[0] + f"//stranger:guest@127.0.0.1:{server.settings.pg_port}/elsewhere"
    settings = server.settings_of(tmp_path, uri)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(access, "missing_roles", lambda conn: ["duban_owner"])
            with pytest.raises(install.NotPossible, match="createrole"):
                install.provide(settings)
        with server.superuser() as conn:
            conn.execute("grant duban_owner to stranger")
        install.provide(settings)
        dbt.build(settings, "install")
        with warehouse.connect(settings) as conn:
            assert conn.execute("select current_user, session_user").fetchone() == ("duban_owner", "stranger")
            # the database stays its maker's
            of_others = ("of database", "CREATE of schema")
            mine = {right for right in rights(conn) if right[0] != "duban" and not right[1].endswith(of_others)}
            assert mine == {right for right in expected(conn) if right[0] != "duban" and not right[1].endswith(of_others)}
    finally:
        with server.superuser() as conn:
            conn.execute("drop database elsewhere with (force)")
            conn.execute("drop role stranger")
