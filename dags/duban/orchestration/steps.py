"""The bodies of the tasks: connect, call the one function that does the work, say in the log what came of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from duban import warehouse
from duban.settings import Settings, load_settings

log = logging.getLogger(__name__)


class WarehouseFailed(RuntimeError):
    """PostgreSQL refused a statement. The message names kind and place, never a value: the log of a task is no place for a person's row."""


@contextmanager
def _connected() -> Iterator[tuple[Settings, psycopg.Connection]]:
    """The settings and a connection to the warehouse, for the length of a task."""
    settings = load_settings()
    try:
        with warehouse.connect(settings) as conn:
            yield settings, conn
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise  # the server was not reached; there is no row in that
        place = ".".join(filter(None, (error.diag.schema_name, error.diag.table_name, error.diag.column_name, error.diag.constraint_name)))
        raise WarehouseFailed(f"{type(error).__name__} ({error.sqlstate}) {place}") from None


def claim_files() -> list[str]:
    """Take what is at rest in the inbox; returns submission ids."""
    from duban.intake import inbox

    with _connected() as (settings, conn):
        ids = inbox.claim_files(conn, settings)
    log.info("%s files taken", len(ids))
    return ids


def judge_and_load() -> int:
    """Judge and load every claimed file; returns how many accepted submissions the marts do not hold yet.

    Not what this run accepted: a run that was killed after its commit announced nothing, and its successor must. A gate that closes
    stops the judging here and fails the run in `write_returns`, so that what was judged before it is built and returned all the same.
    """
    from duban.quality import judging
    from duban.quality.gate import GateClosed

    with _connected() as (settings, conn):
        try:
            counts = judging.judge_waiting(conn, settings)
            log.info("judged: %s", ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "nothing waited")
        except GateClosed as error:
            log.error(
                "THE GATE IS CLOSED: %s. Nothing of that round was loaded; its files wait. Mend the rule, they are tried again.", error
            )
        return warehouse.unbuilt_submissions(conn)


def write_returns() -> int:
    """Write receipts and return slips that are missing in the outbox; returns how many.

    Raises:
        RuntimeError: files still wait for their outcome, because the gate is closed.
    """
    from duban.quality import returns

    with _connected() as (settings, conn):
        written = returns.write_returns(conn, settings)
        waiting = warehouse.waiting_claims(conn, limit=1)
    log.info("%s receipts written below %s", len(written), settings.outbox / "returns")
    if waiting:
        raise RuntimeError(f"{waiting[0].submission_id} has no outcome: the gate is closed; the log of judge_and_load names the rule")
    return len(written)


def build_warehouse(selector: str, *, full_refresh: bool = False) -> dict[str, int]:
    """Run dbt; returns rows per model."""
    from duban.orchestration import dbt

    return dict(dbt.build(load_settings(), selector, full_refresh=full_refresh).rows_by_model)


def publish_live_ranking() -> list[str]:
    """Render the page from the marts of the last good build; returns the files written."""
    from duban.publishing.site.pages import render_site

    with _connected() as (settings, conn):
        build_id = warehouse.latest_build(conn)
        pages = render_site(conn, settings.outbox)
        if build_id is not None:
            warehouse.record_page(conn, build_id)
    return [str(page) for page in pages]
