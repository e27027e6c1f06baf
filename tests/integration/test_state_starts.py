"""What is due is known to the warehouse and starts by itself, whatever Airflow has forgotten."""

from __future__ import annotations

import asyncio

import pytest

from duban import warehouse
from tests.conftest import BEITA


@pytest.fixture
def due(office, monkeypatch):
    """Asks whether the trigger of a question fires."""
    from duban.orchestration import due_trigger

    monkeypatch.setattr("duban.settings.load_settings", lambda: office.settings)
    monkeypatch.setattr(due_trigger, "LOOK_SECONDS", 0.05)
    questions = {name: question._replace(settled_seconds=0.1) for name, question in due_trigger.QUESTIONS.items()}
    monkeypatch.setattr(due_trigger, "QUESTIONS", questions)

    async def fires(question: str) -> bool:
        trigger = due_trigger.DueTrigger(question)
        assert type(trigger)(**trigger.serialize()[1]).question == question
        try:
            return bool(await asyncio.wait_for(anext(trigger.run()), 1))
        except TimeoutError:
            return False

    return lambda question: asyncio.run(fires(question))


def test_rows_that_no_build_holds_and_builds_that_no_page_shows_start_one(office, due):
    assert not due("build") and not due("page")
    office.send("430511000", BEITA.name, BEITA.read_bytes())
    assert due("build") and not due("page")
    with warehouse.connect(office.settings, "transformer") as conn, warehouse.builds.build_lock(conn):
        assert not due("build")
        conn.execute("select ops.begin_build()")
    # killed: its line is closed by the next one, and nobody waits for that
    assert due("build")
    with warehouse.connect(office.settings, "transformer") as conn:
        with warehouse.builds.build_lock(conn):
            assert not due("build")
        # failed: not at once again
        assert not due("build")
        conn.execute("update ops.builds set finished_at = finished_at - interval '11 minutes'")
        assert due("build")
        conn.execute("update ops.builds set is_success = true")
    assert not due("build") and due("page")
    with warehouse.connect(office.settings, "publisher") as conn:
        conn.execute(
            """insert into ops.task_failures (dag_id, task_id, run_id, map_index, try_number, exception_type)
               values ('publish_live_ranking', 'publish', 'x', -1, 3, 'OSError')"""
        )
        assert not due("page")
        conn.execute("update ops.task_failures set recovered_at = clock_timestamp()")
        assert due("page")
        warehouse.builds.record_page(conn, warehouse.builds.latest_build(conn))
    assert not due("page")
