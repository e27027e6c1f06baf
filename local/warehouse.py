"""Makes the warehouse ready for the first file: `python -m local.warehouse [--rebuild]`, with the environment of the system.

A process of its own, because it loads dbt: the command that starts everything stays quick when there is nothing to do.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import psycopg
from psycopg import sql

from duban.divisions import register_reference
from duban.orchestration import steps
from duban.publishing.issuers import register_reference_targets
from duban.settings import Settings, load_settings
from duban.warehouse import connect, migrate
from local.config import load_installation
from local.postgres import ensure_bi_reader
from local.secrets import load_secrets

OLDEST_SERVER = 160000


def main() -> int:
    """Migrate, register the reference districts, let BI in, and build the marts if there are none or the project was updated."""
    settings = load_settings()
    with connect(settings) as conn:
        if conn.info.server_version < OLDEST_SERVER:
            print(f"The warehouse is PostgreSQL {conn.info.server_version // 10000}; 16 or later is needed.", file=sys.stderr)
            return 1
        migrate(conn)
    with connect(settings) as conn:
        register_reference(conn)
        register_reference_targets(conn)
    _let_bi_in(settings)
    built_from = settings.home / "dbt" / "built-from"
    sources = _digest(settings.dbt_project)
    with connect(settings) as conn:
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


def _digest(dbt_project: Path) -> str:
    """What the marts are made from: another digest means that the project was updated and the marts are of another shape."""
    digest = hashlib.sha256((dbt_project / "dbt_project.yml").read_bytes())
    for folder in ("macros", "models", "seeds", "snapshots", "tests"):
        for file in sorted((dbt_project / folder).rglob("*")):
            if file.is_file():
                digest.update(f"{file.relative_to(dbt_project)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _let_bi_in(settings: Settings) -> None:
    """Rights of `bi_reader` on what it may read; on an external server its role is made as well, where we may."""
    installation = load_installation(must_exist=True)
    with connect(settings) as conn:
        has_role = conn.execute("select 1 from pg_roles where rolname = 'bi_reader'").fetchone()
    if not has_role and installation.is_external_warehouse:
        try:
            with connect(settings) as conn:
                ensure_bi_reader(conn, load_secrets(installation.secrets).bi_reader_password)
            has_role = True
        except psycopg.errors.InsufficientPrivilege:
            raise SystemExit(
                "bi_reader could not be made there: ask the server's administrator for `create role bi_reader login`"
            ) from None
    if has_role:
        with connect(settings) as conn:
            database = conn.info.dbname
            # The embedded server grants nothing to the public. Elsewhere the owner of the database may take away what PostgreSQL grants.
            if conn.execute("select pg_has_role(datdba, 'member') from pg_database where datname = %s", [database]).fetchone()[0]:
                conn.execute(sql.SQL("revoke create, temporary on database {} from public").format(sql.Identifier(database)))
            for schema in ("marts", "published"):
                conn.execute(f"grant usage on schema {schema} to bi_reader")
                conn.execute(f"grant select on all tables in schema {schema} to bi_reader")
                # dbt replaces its tables at every build; the new ones are readable at once.
                conn.execute(f"alter default privileges in schema {schema} grant select on tables to bi_reader")


if __name__ == "__main__":
    raise SystemExit(main())
