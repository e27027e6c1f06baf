"""What the tasks of the DAGs do, and what they say to those that come after them."""

from __future__ import annotations

import pytest

from duban import warehouse
from duban.intake import inbox
from duban.orchestration import steps
from tests.conftest import BEITA


@pytest.fixture
def tasks(office, monkeypatch):
    """The steps, on the office's settings."""
    monkeypatch.setattr(steps, "load_settings", lambda: office.settings)
    return steps


def test_accepted_rows_are_announced_until_the_marts_hold_them(office, tasks):
    assert tasks.judge_and_load() == (0, [])
    office.drop("430511000", BEITA.name, BEITA.read_bytes())
    unbuilt, [file] = tasks.judge_and_load()
    assert unbuilt == 1
    assert {**file, "submission_id": ""} == {
        "submission_id": "",
        "unit_code": "430511000",
        "unit_name": office.query("select unit_name from raw.units where unit_code = '430511000'")[0]["unit_name"],
        "file_name": BEITA.name,
        "outcome": "accepted_with_rejections",
        "report_on": office.query("select report_on::text as day from ops.submissions")[0]["day"],
        "rows": 19,
        "accepted": 13,
        "rejected": 3,
        "ignored": 3,
    }
    # A run that was killed between its commit and its announcement leaves it to the next one.
    assert tasks.judge_and_load() == (1, [])
    assert tasks.write_returns() == 1 and tasks.write_returns() == 0
    build = tasks.build_warehouse("install")
    assert {model.name: model.rows for model in build.models}["fct_fund_movements"] == 13 and build.test_count > 30
    assert {model.schema for model in build.models} == {"staging", "intermediate", "marts"}
    assert tasks.judge_and_load() == (0, [])
    shown = tasks.publish_live_ranking()
    assert any(page.endswith("index.html") for page in shown.pages) and shown.build_id == build.build_id
    [shown] = office.query("select p.through_received_at = s.received_at as shown from ops.live_pages p, ops.submissions s")
    assert shown["shown"]


def test_a_file_that_cannot_be_removed_is_taken_once(office, tasks, monkeypatch):
    """The folder may belong to somebody else: the file stays where it is, and is reported, and is not taken again and again."""
    office.drop("430511000", BEITA.name, BEITA.read_bytes())

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("duban.intake.inbox.os.rename", refuse)
        assert len(tasks.judge_and_load()[1]) == 1
        assert tasks.judge_and_load()[1] == []
        assert (office.settings.inbox / "430511000" / BEITA.name).exists()
    assert tasks.judge_and_load()[1] == []
    assert not (office.settings.inbox / "430511000" / BEITA.name).exists()
    assert len(office.query("select from ops.submissions where removed_at is not null")) == 1


def test_what_postgresql_says_of_a_row_is_not_told(office, tasks):
    office.drop("430511000", BEITA.name, BEITA.read_bytes())
    with warehouse.connect(office.settings, "loader") as conn:
        inbox.claim_files(conn, office.settings)
    with warehouse.connect(office.settings) as conn:
        conn.execute("alter table ops.submissions rename column receipt to receipt_before")
    with pytest.raises(steps.WarehouseFailed, match="UndefinedColumn") as failure:
        tasks.judge_and_load()
    assert "苗儿村" not in str(failure.value) and failure.value.__cause__ is None
    assert office.query("select outcome from ops.submissions") == [{"outcome": None}]
