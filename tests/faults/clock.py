"""The clock of the warehouse, set wrong. The product takes every time of arrival and every number of a submission from it."""

from __future__ import annotations

from urllib.parse import urlsplit

from psycopg import sql

from tests.conftest import Office, Server


def set_clock(server: Server, office: Office, days: float) -> None:
    """Let `clock_timestamp()` of an office's own database be wrong by some days from now on, for every session that begins."""
    name = urlsplit(office.settings.warehouse_uri).path[1:]
    with server.superuser(name) as conn:
        conn.execute("create schema if not exists wrong_clock")
        conn.execute("grant usage on schema wrong_clock to public")
        conn.execute(
            sql.SQL(
                """create or replace function wrong_clock.clock_timestamp() returns timestamptz language sql volatile
                   return pg_catalog.clock_timestamp() + make_interval(secs => {})"""
            ).format(sql.Literal(days * 86400))
        )
        # what is found before pg_catalog is what a statement gets; defaults of columns were bound when they were made
        conn.execute(sql.SQL("alter database {} set search_path = wrong_clock, pg_catalog, public").format(sql.Identifier(name)))
        conn.execute("alter table ops.submissions alter column claimed_at set default wrong_clock.clock_timestamp()")
