"""A task that fails becomes a fact and says what to do; nothing of a sender is in either; and a warehouse that is down is said."""

from __future__ import annotations

import logging
from dataclasses import replace
from types import SimpleNamespace

import pytest

from duban import warehouse
from duban.orchestration import failures
from duban.orchestration.dbt import BuildFailed
from duban.orchestration.steps import WarehouseFailed
from duban.quality.gate import GateClosed

ID_NUMBER = "430902196503121234"


@pytest.fixture
def told(office, monkeypatch):
    """The callbacks, on the office's settings."""
    monkeypatch.setattr("duban.settings.load_settings", lambda: office.settings)
    return office


def context(error: object, try_number: int = 3, map_index: int = -1, dag_id: str = "publish_weekly_dispatch") -> dict:
    task = SimpleNamespace(dag_id=dag_id, task_id="publish", run_id="run 1", map_index=map_index, try_number=try_number)
    return {"ti": task, "exception": error}


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


def failures_of(office) -> list[tuple]:
    rows = office.query(
        "select map_index, try_number, exception_type, first_line, recovered_at is not null from ops.task_failures order by failure_id"
    )
    return [tuple(row.values()) for row in rows]


def test_a_failure_is_recorded_once_and_says_what_to_do(told, caplog):
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            failures.record_failure(context(WarehouseFailed(f"CheckViolation (23514) raw.x {ID_NUMBER}\nDETAIL: 王小明")))
    assert failures_of(told) == [(-1, 3, "WarehouseFailed", "CheckViolation (23514) raw.x 4309**********1234", False)]
    assert "docs/runbook.md#publish_issues-publish" in caplog.text
    assert "王小明" not in caplog.text and ID_NUMBER not in caplog.text


def test_a_success_ends_the_failures_of_the_same_task_and_no_others(told):
    for index in (0, 1):
        failures.record_failure(context(WarehouseFailed("x"), map_index=index))
    failures.record_failure(context(WarehouseFailed("x"), map_index=0, dag_id="publish_daily_bulletin"))
    failures.record_recovery(context(None, map_index=0))
    assert [row[-1] for row in failures_of(told)] == [True, False, False]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("王小明"),
        KeyError("王小明"),
        RuntimeError("王小明"),  # of a library
        UnicodeDecodeError("utf-8", "王小明".encode(), 0, 1, "x"),
        FileNotFoundError(2, "No such file", "王小明.xlsx"),
    ],
)
def test_what_others_wrote_is_not_kept(told, error):
    failures.record_failure(context(raised(error)))
    [(_, _, kind, line, _)] = failures_of(told)
    assert kind == type(error).__name__ and line is None


@pytest.mark.parametrize("error", [BuildFailed("fct_x: 1\n2"), GateClosed("problems P05: 1\n2"), WarehouseFailed("1\n2")])
def test_our_own_words_are_kept(error):
    assert failures.first_line(raised(error)) == str(error).splitlines()[0]


def test_a_plain_error_that_the_package_raised_is_ours(office):
    with warehouse.connect(office.settings) as conn, pytest.raises(RuntimeError) as failure:
        delivery = SimpleNamespace(delivery_id=7, subject_kind="", subject_id="", channel="", address="")
        warehouse.deliveries.begin_delivery(conn, delivery, None)
    assert failures.first_line(failure.value) == "delivery 7 does not wait any more"


def test_a_task_that_was_killed_has_no_exception(told):
    failures.record_failure(context("Heartbeat timed out 王小明"))
    [(_, _, kind, line, _)] = failures_of(told)
    assert (kind, line) == ("Killed", None)


def test_a_warehouse_that_does_not_answer_is_said_and_nothing_is_raised(office, monkeypatch, caplog):
    nowhere = replace(office.settings, login_uris={"publisher": "postgresql://duban_publisher:secret@127.0.0.1:1/duban"})
    monkeypatch.setattr("duban.settings.load_settings", lambda: nowhere)
    with caplog.at_level(logging.ERROR):
        failures.record_failure(context(WarehouseFailed("x")))
        failures.record_recovery(context(None))
    assert "What to do: docs/runbook.md" in caplog.text and caplog.text.count("the warehouse was not told (OperationalError)") == 2
    assert "secret" not in caplog.text
