"""The bodies of the tasks: connect, call the one function that does the work, say in the log what came of it."""

from __future__ import annotations

import logging

from duban.settings import load_settings

log = logging.getLogger(__name__)


def claim_files() -> list[str]:
    """Take what is at rest in the inbox; returns submission ids."""
    from duban import warehouse
    from duban.intake import inbox

    settings = load_settings()
    with warehouse.connect(settings) as conn:
        ids = inbox.claim_files(conn, settings)
    log.info("%s files taken", len(ids))
    return ids


def judge_and_load() -> int:
    """Judge and load every claimed file; returns how many accepted submissions the marts do not hold yet.

    Not what this run accepted: a run that was killed after its commit announced nothing, and its successor must.
    """
    from duban import warehouse
    from duban.quality import judging

    settings = load_settings()
    with warehouse.connect(settings) as conn:
        counts = judging.judge_waiting(conn, settings)
        unbuilt = warehouse.unbuilt_submissions(conn)
    log.info("judged: %s", ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "nothing waited")
    return unbuilt


def write_returns() -> int:
    """Write receipts and return slips that are missing in the outbox; returns how many."""
    from duban import warehouse
    from duban.quality import returns

    settings = load_settings()
    with warehouse.connect(settings) as conn:
        written = returns.write_returns(conn, settings)
    log.info("%s receipts written below %s", len(written), settings.outbox / "returns")
    return len(written)


def build_warehouse(selector: str) -> dict[str, int]:
    """Run dbt; returns rows per model."""
    from duban.orchestration import dbt

    return dict(dbt.build(load_settings(), selector).rows_by_model)


def publish_live_ranking() -> list[str]:
    """Render the page from the marts of the last good build; returns the files written."""
    from duban import warehouse
    from duban.publishing.live_ranking import render_site

    settings = load_settings()
    with warehouse.connect(settings) as conn:
        build_id = warehouse.latest_build(conn)
        pages = render_site(conn, settings.outbox)
        if build_id is not None:
            warehouse.record_page(conn, build_id)
    return [str(page) for page in pages]
