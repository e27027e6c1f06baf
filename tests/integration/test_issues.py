"""Issues: numbered without gaps, frozen, given once per day, corrected by later numbers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from duban import warehouse
from duban.orchestration import dbt
from duban.publishing.issues import freezing
from duban.publishing.issues.freezing import Issue
from duban.publishing.issues.series import DAILY
from tests.conftest import Office, open_office
from tests.integration.ledgers import OTHER, TOWNSHIP, problem, problems_csv

DISTRICT = "430902"
WORKING_DAYS = [date(2020, 6, day) for day in (22, 23, 24, 28, 29, 30)]
LAST_DAY = WORKING_DAYS[-1]
# what is frozen, and whom it must equal
FROZEN = {"ranking_rows": "ranking_as_of", "problem_rows": "problems_as_of", "supervision_rows": "supervision_as_of"}
# what stands beside it at the end
BESIDE = {
    "ranking_rows": ["previous_on", "previous_rank", "open_before_count"],
    "problem_rows": [
        "village_name",
        "is_found_on_rest_days",
        "is_closed_on_rest_days",
        "is_relapsed_on_rest_days",
        "township_before",
        "was_rectified",
        "township_on_previous",
        "was_rectified_on_previous",
        "is_restored",
    ],
    "supervision_rows": [],
}


@pytest.fixture(scope="module")
def prepared(server, installed, tmp_path_factory) -> Iterator[Office]:
    """A warehouse with problems of two townships from the first working day on."""
    with open_office(server, tmp_path_factory.mktemp("issues") / "home", installed) as office:
        for unit, key in ((TOWNSHIP, "甲"), (OTHER, "乙")):
            rows = [problem(f"{key}-{number}", 发现日期="2020-06-04") for number in range(5)]
            assert office.send(unit, f"{key}20200622.csv", problems_csv(*rows))["outcome"] == "accepted"
        dbt.build(office.settings, "nightly", today=LAST_DAY)
        yield office


@pytest.fixture
def office(server, prepared: Office, tmp_path) -> Iterator[Office]:
    """A copy of it for one test."""
    name = prepared.settings.warehouse_uri.rsplit("/", 1)[1]
    with open_office(server, tmp_path / "home", template=name) as copy:
        yield copy


def freeze(office: Office, day: date, **options) -> Issue | None:
    with warehouse.connect(office.settings, "publisher") as conn:
        return freezing.freeze(conn, DAILY, DISTRICT, day, **options)


def numbers(office: Office) -> list[tuple[int, date]]:
    rows = office.query("select issue_no, business_on from published.publications where district_code = %s order by issue_no", [DISTRICT])
    return [(row["issue_no"], row["business_on"]) for row in rows]


def frozen(office: Office, issue: Issue, table: str) -> list[str]:
    rows = office.query(f"select * from published.{table} where publication_id = %s", [issue.publication_id])
    return sorted(str([value for name, value in row.items() if name not in ["publication_id", *BESIDE[table]]]) for row in rows)


def answered(office: Office, issue: Issue, function: str) -> list[str]:
    rows = office.query(f"select * from marts.{function}(%s, %s, %s)", [DISTRICT, issue.business_on, issue.known_at])
    return sorted(str(list(row.values())) for row in rows)


def send_late(office: Office) -> None:
    """A report for the 23rd that arrives after everything: one problem was due earlier, and is overdue from then on."""
    late = problem("甲-0", 发现日期="2020-06-04", 整改时限="2020-06-10")
    assert office.send(TOWNSHIP, "迟20200623.csv", problems_csv(late))["outcome"] == "accepted"


def test_columns_are_those_of_what_is_frozen(office):
    others = {"visit_rows": "visits_as_of", "project_rows": "projects_as_of", "movement_rows": "movements_as_of"}
    for table, function in {**FROZEN, **others}.items():
        with warehouse.connect(office.settings, "publisher") as conn:
            kept = [column.name for column in conn.execute(f"select * from published.{table} limit 0").description]
            asked = conn.execute(f"select * from marts.{function}(%s, %s, now()) limit 0", [DISTRICT, LAST_DAY]).description
            assert kept == ["publication_id", *(column.name for column in asked), *BESIDE.get(table, [])]


def test_numbers_follow_the_order_of_publication(office):
    """Out of order and twice: every day has one issue, and what is asked for again is returned."""
    order = [WORKING_DAYS[place] for place in (0, 3, 1, 5, 4, 2)]
    first = [freeze(office, day) for day in order]
    assert [freeze(office, day) for day in reversed(order)] == first[::-1]
    assert numbers(office) == list(enumerate(order, start=1))
    assert [issue.publication_id for issue in first] == [f"430902-daily-2020-{number}" for number in range(1, 7)]
    for issue in first:
        for table, function in FROZEN.items():
            assert frozen(office, issue, table) == answered(office, issue, function) != []


def test_no_issue_where_there_is_nothing_to_say(office):
    with pytest.raises(freezing.NotAWorkingDay, match="2020-06-25 不是工作日"):
        freeze(office, date(2020, 6, 25))
    with pytest.raises(freezing.NothingToCorrect, match="2020-06-24 还没有出过"):
        freeze(office, date(2020, 6, 24), is_correction=True)
    assert freeze(office, date(2020, 3, 31)) is None
    with warehouse.connect(office.settings, "publisher") as conn:
        assert freezing.freeze(conn, DAILY, "430511", LAST_DAY) is None
    assert office.query("select * from published.publications") == []


def test_a_correction_is_a_later_number_and_changes_no_issue(office):
    day = WORKING_DAYS[2]
    ordinary = freeze(office, day)
    assert freeze(office, day, is_correction=True) == ordinary
    was = {table: frozen(office, ordinary, table) for table in FROZEN}
    send_late(office)
    assert freeze(office, day) == ordinary
    other = freeze(office, LAST_DAY)
    correction = freeze(office, day, is_correction=True)
    assert (ordinary.issue_no, other.issue_no, correction.issue_no, correction.corrects_issue_no) == (1, 2, 3, 1)
    assert freeze(office, day, is_correction=True) == correction and freeze(office, day) == ordinary
    for table, function in FROZEN.items():
        assert frozen(office, ordinary, table) == was[table] == answered(office, ordinary, function)
        assert frozen(office, correction, table) == answered(office, correction, function)
    assert frozen(office, correction, "ranking_rows") != was["ranking_rows"]
    assert correction.data_fingerprint != ordinary.data_fingerprint


@pytest.mark.parametrize("table", ["publications", *FROZEN])
@pytest.mark.parametrize(
    "change", ["update published.{} set district_code = '1'", "delete from published.{}", "truncate published.{} cascade"]
)
def test_nobody_changes_what_was_published(office, table, change):
    """Not even the owner by mistake."""
    issue = freeze(office, LAST_DAY)
    with warehouse.connect(office.settings) as conn, pytest.raises(psycopg.errors.RaiseException, match="publish a correction"):
        conn.execute(change.format(table))
    assert freeze(office, LAST_DAY) == issue


def test_a_transaction_that_is_cut_off_leaves_no_gap(office):
    """Everything was written when the connection is lost: the number goes to the next one."""

    class CutOff(Exception):
        pass

    with warehouse.connect(office.settings) as conn, pytest.raises(CutOff), conn.transaction():
        assert freezing.freeze(conn, DAILY, DISTRICT, WORKING_DAYS[0]).issue_no == 1
        raise CutOff
    assert numbers(office) == []
    assert freeze(office, WORKING_DAYS[1]).issue_no == 1 and freeze(office, WORKING_DAYS[0]).issue_no == 2


def test_many_at_once(office):
    """Six days, each asked for by three at the same time."""
    found, failed = [], []

    def ask(day: date) -> None:
        try:
            found.append(freeze(office, day))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=[day]) for day in WORKING_DAYS * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [] and len(found) == 18
    assert sorted({issue.issue_no for issue in found}) == [1, 2, 3, 4, 5, 6] and {day for _, day in numbers(office)} == set(WORKING_DAYS)


def test_numbers_begin_anew_with_the_year(server, installed, tmp_path):
    with open_office(server, tmp_path / "home", installed) as office:
        with warehouse.connect(office.settings) as conn, conn.transaction():
            conn.execute("update raw.campaigns set ended_on = '2021-03-31' where district_code = %s", [DISTRICT])
        assert office.send(TOWNSHIP, "甲20200622.csv", problems_csv(problem("甲-1", 发现日期="2020-06-04")))["outcome"] == "accepted"
        dbt.build(office.settings, "nightly", today=date(2021, 1, 5))
        days = [date(2020, 12, 31), date(2021, 1, 4), date(2020, 12, 30), date(2021, 1, 5)]
        assert [freeze(office, day).publication_id for day in days] == [
            "430902-daily-2020-1",
            "430902-daily-2021-1",
            "430902-daily-2020-2",
            "430902-daily-2021-2",
        ]
