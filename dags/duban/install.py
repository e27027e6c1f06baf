"""Makes the warehouse ready for the first file, or brings it to this version: `python -m duban.install [--rebuild]`.

Everything here may be done again at any time. It is a process of its own, because it loads dbt: whoever starts a system stays quick when
there is nothing to do. It needs the operator's connection, AIRFLOW_CONN_WAREHOUSE. On its own server (DUBAN_PG_ADMIN_URI: the superuser)
it makes the roles and databases too, with the names and passwords of AIRFLOW_CONN_WAREHOUSE, of AIRFLOW_CONN_WAREHOUSE_LOADER,
_TRANSFORMER, _PUBLISHER, _BI_READER, _PERSONAL_READER (default: a password made once under DUBAN_HOME/secrets), and of
AIRFLOW__DATABASE__SQL_ALCHEMY_CONN.
"""

from __future__ import annotations

import sys
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from duban import access
from duban.divisions import register_reference
from duban.ledgers import load_expectations
from duban.orchestration import steps
from duban.orchestration.parsed_project import digest
from duban.outbox import OutboxTaken, claim_outbox
from duban.publishing.issuers import register_reference_targets
from duban.publishing.shown import register_shown_ledgers
from duban.quality import masking
from duban.settings import LOGINS, Settings, load_settings
from duban.warehouse import connect
from duban.warehouse.divisions import registered_units
from duban.warehouse.schema import migrate
from duban.warehouse.sources import write_sources
from duban.warehouse.tables import TypeChanged, provide_tables

OLDEST_SERVER = 160000


class NotPossible(Exception):
    """The server does not let us; the message says what its administrator must do."""


def main() -> int:
    """Roles, migrations, rights, reference data; and the marts, if there are none or the project was updated."""
    settings = load_settings()
    try:
        provide(settings)
    except (NotPossible, TypeChanged) as error:
        print(error, file=sys.stderr)
        return 1
    except psycopg.errors.LockNotAvailable:
        print(access.HELD, file=sys.stderr)
        return 1
    built_from = settings.home / "dbt" / "built-from"
    sources = digest(settings.dbt_project)
    with connect(settings) as conn:
        try:
            claim_outbox(conn, settings)
        except OutboxTaken as error:
            print(error, file=sys.stderr)
            return 1
        for unit in registered_units(conn):
            (settings.inbox / unit).mkdir(parents=True, exist_ok=True)
        has_marts = conn.execute("select to_regclass('marts.rpt_township_ranking') is not null").fetchone()[0]
    is_current = has_marts and built_from.exists() and built_from.read_text(encoding="ascii") == sources
    if not is_current:
        steps.build_warehouse("install", full_refresh=True)
        built_from.parent.mkdir(parents=True, exist_ok=True)
        built_from.write_text(sources, encoding="ascii")
    elif "--rebuild" in sys.argv[1:]:
        # Names, kinds and campaigns of units show on every day there is.
        steps.build_warehouse("nightly", full_refresh=True)
    elif (settings.outbox / "site" / "index.html").exists():
        return 0
    steps.publish_live_ranking()
    return 0


def provide(settings: Settings) -> None:
    """Everything but the marts: roles, schema, rights, reference data.

    Raises:
        NotPossible: the server is too old, or has not the roles and does not let us make them.
    """
    if settings.admin_uri:
        provide_server(settings)
    _provide_roles_elsewhere(settings)
    with psycopg.connect(settings.warehouse_uri, autocommit=True) as conn:
        access.hand_over(conn)
    ledgers = load_expectations(settings).ledgers.values()
    write_sources(settings.dbt_project, ledgers)
    with connect(settings) as conn:
        migrate(conn)
        provide_tables(conn, ledgers)
        access.apply_rights(conn)
        register_reference(conn)
        register_reference_targets(conn)
        expectations = load_expectations(settings)
        register_shown_ledgers(conn, expectations, settings.expectations)
        masking.mask_history(conn, expectations)


def provide_server(settings: Settings) -> None:
    """On a server of our own, which the environment names: see `access.provide_server`."""

    def connect_as_admin(database: str) -> psycopg.Connection:
        return psycopg.connect(urlsplit(settings.admin_uri)._replace(path=f"/{database}").geturl(), autocommit=True)

    access.provide_server(
        connect_as_admin,
        {login: account_of(settings.uri(login)).password for login in LOGINS},
        account_of(settings.warehouse_uri),
        account_of(settings.metadata_uri) if settings.metadata_uri else None,
    )


def _provide_roles_elsewhere(settings: Settings) -> None:
    """On somebody else's server: the roles, if we may make them; else they must be there."""
    with psycopg.connect(settings.warehouse_uri, autocommit=True) as conn:
        if conn.info.server_version < OLDEST_SERVER:
            raise NotPossible(f"The warehouse is PostgreSQL {conn.info.server_version // 10000}; 16 or later is needed.")
        conn.execute("set role none")
        if missing := access.missing_roles(conn):
            passwords = {login: account_of(settings.uri(login)).password for login in LOGINS}
            try:
                access.provide_roles(conn, passwords, conn.info.user)
            except psycopg.errors.InsufficientPrivilege:
                raise NotPossible(
                    f"The server has no role {', '.join(missing)}, and {conn.info.user} may not make roles there. Either its administrator "
                    f"gives it the right (alter role {conn.info.user} createrole), or makes them: docs/operations.md, “A server of others”."
                ) from None
        database = conn.info.dbname
        # The embedded server grants nothing to the public. Elsewhere the owner of the database may take away what PostgreSQL grants.
        if conn.execute("select pg_has_role(datdba, 'member') from pg_database where datname = %s", [database]).fetchone()[0]:
            name = sql.Identifier(database)
            conn.execute(sql.SQL("revoke create, temporary on database {} from public").format(name))
            conn.execute(sql.SQL("grant create, temporary on database {} to {}").format(name, sql.Identifier(access.OWNER)))
            conn.execute(sql.SQL("grant temporary on database {} to {}").format(name, sql.Identifier(LOGINS["transformer"])))


def account_of(uri: str) -> access.Account:
    """Database, role and password of a connection, as libpq or SQLAlchemy writes it."""
    parts = urlsplit(uri.replace("+psycopg", "", 1))
    return access.Account(parts.path[1:], parts.username or "", unquote(parts.password or ""))


if __name__ == "__main__":
    raise SystemExit(main())
