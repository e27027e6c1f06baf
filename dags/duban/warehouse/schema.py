"""Migrations: the tables that dbt does not make."""

from __future__ import annotations

from pathlib import Path

import psycopg

from duban.warehouse import locks
from duban.warehouse.locks import LOCK_TIMEOUT

MIGRATIONS = Path(__file__).parents[1] / "migrations"


def migrate(conn: psycopg.Connection) -> list[str]:
    """Apply every migration that this warehouse has not seen, each once, in the order of their names; returns those applied."""
    applied = []
    with locks.held(conn, locks.MIGRATE):
        with conn.transaction():
            conn.execute("create schema if not exists ops")
            conn.execute(
                "create table if not exists ops.schema_migrations (version text primary key, applied_at timestamptz not null default now())"
            )
            seen = {version for (version,) in conn.execute("select version from ops.schema_migrations")}
        for path in sorted(MIGRATIONS.glob("*.sql")):
            if path.stem in seen:
                continue
            with conn.transaction():
                conn.execute(f"set local {LOCK_TIMEOUT}")
                conn.execute(path.read_text(encoding="utf-8"))
                conn.execute("insert into ops.schema_migrations (version) values (%s)", (path.stem,))
            applied.append(path.stem)
    return applied
