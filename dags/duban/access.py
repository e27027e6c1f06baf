"""Who may do what in the warehouse: the roles, and the rights that `access.sql` grants them.

`duban_owner` owns everything and logs in nowhere. Who works, logs in as a role that can do its own work and nothing else:

    duban              the operator: acts as `duban_owner`; migrations, reference data, settings, backups
    duban_loader       intake: reads reference data, appends to `raw`, `quarantine` and `personal`, which it cannot read
    duban_transformer  dbt: reads `raw` and `quarantine`, owns the tables of `staging`, `intermediate`, `candidates`, `marts`, `ref`
    duban_publisher    publications, pages, deliveries, watching: reads what is shown, appends to `published`
    bi_reader          BI tools: reads `marts` and `published`
    personal_reader    whom the office trusts with names and identity numbers: reads `personal`, and what `bi_reader` reads

Roles belong to the server, so whoever makes them needs `createrole` there; rights belong to the database, and its owner grants them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from duban.settings import LOGINS
from duban.statements import statement
from duban.warehouse.locks import LOCK_TIMEOUT

OWNER = "duban_owner"
OPERATOR = "duban"
HELD = (
    "A session on the server holds what must be changed, for half a minute at least. See who (select pid, usename, state, query from "
    "pg_stat_activity where xact_start < now() - interval '30 s'), end it (select pg_terminate_backend(<pid>)), then try again."
)
ACCESS = Path(__file__).with_name("access.sql")
# Which role takes part in which; without `set` it has the rights of the other and cannot become it.
MEMBERSHIPS = (
    (LOGINS["transformer"], OWNER, "inherit true, set true"),
    ("bi_reader", LOGINS["publisher"], "inherit true, set false"),
    ("bi_reader", LOGINS["personal_reader"], "inherit true, set false"),
)
DBT_SCHEMAS = ("staging", "intermediate", "candidates", "marts", "ref")
READERS = (LOGINS["bi_reader"], LOGINS["personal_reader"])


@dataclass(frozen=True)
class Account:
    """A role, and the database it works in."""

    database: str
    role: str
    password: str


def provide_server(
    connect: Callable[[str], psycopg.Connection], passwords: Mapping[str, str], warehouse: Account, metadata: Account | None
) -> None:
    """On a server of our own: the roles, the warehouse, Airflow's metadata, and no way in for anybody else.

    Args:
        connect: Opens a database of the server as a superuser, with autocommit.
        passwords: Of the logins, as in `settings.LOGINS`.
        warehouse: Its database, and its operator.
        metadata: Airflow's.
    """
    with connect("postgres") as conn:
        conn.execute(f"set {LOCK_TIMEOUT}")
        _end_writing_readers(conn)
        provide_roles(conn, {**passwords, "operator": warehouse.password}, warehouse.role)
        provide_database(conn, warehouse.database)
        if metadata:
            provide_airflow(conn, metadata)
    with connect(warehouse.database) as conn:
        conn.execute(f"set {LOCK_TIMEOUT}")
        close_side_doors(conn)


def _end_writing_readers(conn: psycopg.Connection) -> None:
    """End the readers' transactions that changed something: their own defaults are all they can change, and that would keep us waiting."""
    conn.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = any(%s) and backend_xid is not null", [list(READERS)]
    )


def missing_roles(conn: psycopg.Connection) -> list[str]:
    """The roles that the server does not have yet."""
    there = {name for (name,) in conn.execute("select rolname from pg_roles")}
    return [name for name in (OWNER, *LOGINS.values()) if name not in there]


def provide_roles(conn: psycopg.Connection, passwords: Mapping[str, str], operator: str = OPERATOR) -> None:
    """Make the roles, or give existing ones their passwords and defaults again; `conn` may make roles.

    Args:
        conn: With autocommit.
        passwords: By login, as in `settings.LOGINS`, the operator's as `operator` unless it is somebody else's role.
        operator: The role that acts as `duban_owner`.
    """
    if not conn.execute("select 1 from pg_roles where rolname = %s", (OWNER,)).fetchone():
        conn.execute(sql.SQL("create role {} nologin").format(sql.Identifier(OWNER)))
    for login, role in LOGINS.items():
        ensure_login(conn, role, passwords[login])
        conn.execute(sql.SQL("alter role {} set timezone = 'Asia/Shanghai'").format(sql.Identifier(role)))
    if "operator" in passwords:
        ensure_login(conn, operator, passwords["operator"])
    for role, member, options in ((OWNER, operator, "inherit true, set true"), *MEMBERSHIPS):
        conn.execute(sql.SQL("grant {} to {} with " + options).format(sql.Identifier(role), sql.Identifier(member)))
    if "operator" in passwords:
        # what the operator makes belongs to all operators, also by psql
        conn.execute(sql.SQL("alter role {} set role = {}").format(sql.Identifier(operator), sql.Literal(OWNER)))
    if _is_superuser(conn):
        # the operator sees what runs, and can end it
        conn.execute(f"grant pg_read_all_stats, pg_signal_backend to {OWNER}")
    for role in READERS:
        _limit_reader(conn, role)


def ensure_login(conn: psycopg.Connection, role: str, password: str) -> None:
    """Make a login role without privileges, or give an existing one its password again."""
    verb = "alter" if conn.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() else "create"
    conn.execute(sql.SQL("{} role {} login password {}").format(sql.SQL(verb), sql.Identifier(role), sql.Literal(password)))


def _limit_reader(conn: psycopg.Connection, role: str) -> None:
    """A reader logs in, reads, and cannot take the server for itself.

    Every role may change its own password and defaults, and many people share this one: it gets its own back, and no others.
    """
    name = sql.Identifier(role)
    conn.execute(sql.SQL("alter role {} reset all").format(name))
    for (database,) in conn.execute(
        """select datname from pg_db_role_setting join pg_database on pg_database.oid = setdatabase
           where setrole = %s::regrole""",
        (role,),
    ).fetchall():
        conn.execute(sql.SQL("alter role {} in database {} reset all").format(name, sql.Identifier(database)))
    defaults = {
        "search_path": "marts, published" + (", personal" if role == LOGINS["personal_reader"] else ""),
        "default_transaction_read_only": "on",
        # The queries of one transaction see one build, whatever is published in between.
        "default_transaction_isolation": "'repeatable read'",
        "statement_timeout": "'5min'",
        "idle_in_transaction_session_timeout": "'5min'",
        "timezone": "'Asia/Shanghai'",
    }
    if conn.info.server_version >= 170000:
        # as long as it is open, nothing that was deleted meanwhile can be cleared away
        defaults["transaction_timeout"] = "'1h'"
    if _is_superuser(conn):
        # of each session: with all that it may have, a reader fills a few gigabytes of the disk
        defaults["temp_file_limit"] = "'256MB'"
    conn.execute(sql.SQL("alter role {} connection limit 20").format(name))
    for setting, value in defaults.items():
        conn.execute(sql.SQL("alter role {} set {} = {}").format(name, sql.SQL(setting), sql.SQL(value)))


def provide_database(conn: psycopg.Connection, name: str) -> None:
    """Make a database for the warehouse unless it is there, open to its roles only. `conn` is a superuser's."""
    if not conn.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
        conn.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(OWNER)))
    open_database(conn, name)


def open_database(conn: psycopg.Connection, name: str) -> None:
    """Let the roles, and nobody else, connect to a database. `conn` is a superuser's, with autocommit."""
    database = sql.Identifier(name)
    conn.execute(sql.SQL("alter database {} owner to {}").format(database, sql.Identifier(OWNER)))
    conn.execute(sql.SQL("revoke all on database {} from public").format(database))
    roles = sql.SQL(", ").join(map(sql.Identifier, LOGINS.values()))
    conn.execute(sql.SQL("grant connect on database {} to {}").format(database, roles))
    # An error may quote a person's row (a date that is none, a message of a function): the client gets it, the log of the server does not.
    conn.execute(sql.SQL("alter database {} set log_min_messages = 'log'").format(database))
    # dbt keeps what it compares in temporary tables
    conn.execute(sql.SQL("grant temporary on database {} to {}").format(database, sql.Identifier(LOGINS["transformer"])))


def close_side_doors(conn: psycopg.Connection) -> None:
    """Take from the public what needs no table: a reader could hold the loader's advisory lock, write large objects, or write to the log of
    changes.

    `conn` is a superuser's, in the warehouse's database.
    """
    functions = conn.execute(
        """select oid::regprocedure::text from pg_proc where pronamespace = 'pg_catalog'::regnamespace
           and (proname like '%%advisory%%' or proname = any(%s))""",
        [["pg_logical_emit_message", "lo_create", "lo_creat", "lo_from_bytea", "lo_open", "lowrite", "lo_put"]],
    ).fetchall()
    workers = ", ".join((OWNER, LOGINS["loader"], LOGINS["transformer"], LOGINS["publisher"]))
    for (function,) in functions:
        conn.execute(f"revoke execute on function {function} from public")
        conn.execute(f"grant execute on function {function} to {workers if 'advisory' in function else OWNER}")


def provide_airflow(conn: psycopg.Connection, metadata: Account) -> None:
    """Make role and database of Airflow's metadata unless they are there, closed to everybody else. `conn` is a superuser's."""
    ensure_login(conn, metadata.role, metadata.password)
    role, database = sql.Identifier(metadata.role), sql.Identifier(metadata.database)
    # Airflow counts in UTC and says so in its own columns.
    conn.execute(sql.SQL("alter role {} set timezone = 'UTC'").format(role))
    if not conn.execute("select 1 from pg_database where datname = %s", (metadata.database,)).fetchone():
        conn.execute(sql.SQL("create database {} owner {}").format(database, role))
    conn.execute(sql.SQL("revoke all on database {}, postgres, template1 from public").format(database))


def hand_over(conn: psycopg.Connection) -> None:
    """Give what other roles made to the roles that own it: `duban_owner`, and within dbt's schemas `duban_transformer`.

    Needed once, for a warehouse that was made when one role owned everything. `conn` is the operator's, with autocommit.
    """
    conn.execute("set role none")  # as whoever made it, not as duban_owner
    asked = {"owner": OWNER, "transformer": LOGINS["transformer"], "built": list(DBT_SCHEMAS)}
    with conn.transaction():
        for is_schema in (True, False):
            for thing, owner in conn.execute(statement(__file__, "access_strangers"), {**asked, "is_schema": is_schema}).fetchall():
                conn.execute(f"alter {thing} owner to {owner}")
            # whoever is to own a table must be able to make one
            for (schema,) in conn.execute("select nspname from pg_namespace where nspname = any(%s)", (list(DBT_SCHEMAS),)).fetchall():
                conn.execute(f"grant usage, create on schema {schema} to {LOGINS['transformer']}")


def apply_rights(conn: psycopg.Connection) -> None:
    """Grant every right anew, as `access.sql` says, in one transaction. `conn` is the operator's."""
    with conn.transaction():
        conn.execute(f"set local {LOCK_TIMEOUT}")
        conn.execute(ACCESS.read_text(encoding="utf-8"))


def _is_superuser(conn: psycopg.Connection) -> bool:
    return conn.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()[0]
