"""`make status` and `make publish`: what they say of issues that are missing or held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace

import pytest

from duban import warehouse
from duban.watching.bulletins import days_without_bulletin, districts_not_set_up
from local.commands.publish import held_since
from local.commands.status import _work
from tests.conftest import Office, open_office
from tests.integration.test_delivery import publish

ZIYANG, BEITA = "430902", "430511"
# working days of the fortnight before 1 July: 17–19, 22–24, 28 (made up for the holiday), 29, 30


@pytest.fixture
def copy(server, sample_office: Office, tmp_path) -> Iterator[Office]:
    """The sample warehouse as if the first good file of a district had come in the night to the 23rd, and that of another on the 29th."""
    with open_office(server, tmp_path / "home", template=sample_office.settings.warehouse_uri.rsplit("/", 1)[1]) as office:
        with warehouse.connect(office.settings) as conn:
            for district, first_at in ((ZIYANG, "2020-06-23 00:30+08"), (BEITA, "2020-06-29 09:00+08")):
                conn.execute(
                    """update ops.submissions
                       set received_at = %(first_at)s::timestamptz + (received_at - first_of_all)
                       from (select min(received_at) as first_of_all from ops.submissions where district_code = %(district)s) as seen
                       where district_code = %(district)s""",
                    {"first_at": first_at, "district": district},
                )
            conn.execute("update raw.districts set set_up_by = 'issuer'")
            conn.execute("delete from raw.campaigns")
            conn.execute("insert into raw.campaigns select district_code, '攻坚', '2020-06-01', '2020-06-30' from raw.districts")
        yield office


def system(office: Office) -> SimpleNamespace:
    """As much of a system as `make status` asks; the metadata of its Airflow is empty."""
    return SimpleNamespace(
        installation=SimpleNamespace(settings=office.settings, site=office.settings.outbox / "site"),
        postgres=SimpleNamespace(connect_airflow=lambda: warehouse.connect(office.settings)),
    )


def missing(office: Office, today: date) -> list[str]:
    with warehouse.connect(office.settings) as conn:
        return [f"{day:%d} {' '.join(districts)}" for day, districts in days_without_bulletin(conn, today)]


def hold(office: Office, day: int, district: str = ZIYANG, series: str = "daily", is_correction: bool = False) -> None:
    with warehouse.connect(office.settings) as conn:
        warehouse.issues.record_hold(conn, district, series, date(2020, 6, day), is_correction, ["乡镇齐全：缺一个"])


def test_days_without_a_bulletin(copy):
    everything = ["23 430902", "24 430902", "28 430902", "29 430511 430902", "30 430511 430902"]
    assert missing(copy, date(2020, 7, 1)) == everything
    assert missing(copy, date(2020, 6, 30)) == everything[:-1]  # the day itself is not over
    assert missing(copy, date(2020, 7, 13)) == everything[-2:] and missing(copy, date(2020, 7, 15)) == []
    publish(copy, 29)
    publish(copy, 24, series="weekly")
    hold(copy, 30)
    hold(copy, 28, is_correction=True)
    hold(copy, 24, series="weekly")
    assert missing(copy, date(2020, 7, 1)) == ["23 430902", "24 430902", "28 430902", "29 430511", "30 430511"]
    with warehouse.connect(copy.settings) as conn:
        warehouse.issues.end_hold(conn, ZIYANG, "daily", date(2020, 6, 30), False, None)
        conn.execute("update raw.campaigns set ended_on = '2020-06-29' where district_code = %s", [BEITA])
    assert missing(copy, date(2020, 7, 1)) == ["23 430902", "24 430902", "28 430902", "29 430511", "30 430902"]


def test_status_says_so_and_since_when_an_issue_is_held(copy, monkeypatch):
    hold(copy, 28)
    with warehouse.connect(copy.settings) as conn:
        conn.execute("update ops.held_issues set held_at = '2020-06-28 17:30:05+08'")
    lines = _work(system(copy))
    assert "  HELD 430902 daily 2020-06-28 since 2020-06-28 17:30: 乡镇齐全：缺一个" in lines
    assert not any("without a bulletin" in line for line in lines)  # years ago
    monkeypatch.setattr("local.commands.status.days_without_bulletin", lambda conn, today: days_without_bulletin(conn, date(2020, 7, 1)))
    lines = _work(system(copy))
    at = lines.index("Working days without a bulletin:")
    assert lines[at + 1] == "  2020-06-23 430902: make publish DAY=2020-06-23"
    assert lines[at + 4] == "  2020-06-30 430511, 430902: make publish DAY=2020-06-30"


def test_nobody_misses_the_bulletin_of_a_district_that_is_not_set_up(copy):
    with warehouse.connect(copy.settings) as conn:
        conn.execute("update raw.districts set set_up_by = null")
        assert districts_not_set_up(conn) == [ZIYANG]  # of the other no file says a day of its campaign
    assert missing(copy, date(2020, 7, 1)) == []
    lines = _work(system(copy))
    assert any(line.startswith(f"District {ZIYANG} has data and is not set up to publish: make issuer") for line in lines)


def test_before_the_first_build_nothing_is_known_to_be_missing(office):
    assert missing(office, date(2020, 7, 1)) == []


def test_only_what_was_asked_for_is_waited_for_and_held(office):
    with warehouse.connect(office.settings) as conn:
        began_at = conn.execute("select clock_timestamp()").fetchone()[0]

    def held(district: str | None, day: int = 24, series: str = "daily", is_correction: bool = False) -> list[str]:
        asked = {"day": date(2020, 6, day), "series": series, "district": district, "is_correction": is_correction}
        with warehouse.connect(office.settings) as conn:
            return [code for code, _, _ in held_since(conn, began_at, asked)]

    hold(office, 24, BEITA)
    assert held(ZIYANG) == [] and held(BEITA) == held(None) == [BEITA]
    assert held(BEITA, 23) == held(BEITA, series="weekly") == held(BEITA, is_correction=True) == []
    hold(office, 24, ZIYANG, is_correction=True)
    assert held(ZIYANG) == [] and held(ZIYANG, is_correction=True) == held(None, is_correction=True) == [ZIYANG]
    with warehouse.connect(office.settings) as conn:
        began_at = conn.execute("select clock_timestamp()").fetchone()[0]
    assert held(None) == []
    hold(office, 24, BEITA)  # asked for again, and still held
    assert held(None) == [BEITA]
