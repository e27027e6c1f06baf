"""The warehouse against the brute-force oracle on random histories: corrections, late reports, transfers, voids, visits, ties.

Many histories share one build: each gets districts of its own, which shows along the way that districts do not touch each other.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta

from duban import warehouse
from duban.orchestration import dbt
from duban.settings import TIMEZONE
from tests.oracle import ranking
from tests.oracle.strategies import DISTRICTS, TOWNSHIPS, History, random_history

SEEDS = range(20)
LAST_DAY = date(2020, 6, 30)
FIRST_ARRIVAL = datetime(2020, 7, 1, tzinfo=TIMEZONE)


def in_own_districts(history: History, number: int) -> tuple[History, list[ranking.Township]]:
    """The history moved to districts 51xx00 and 51xx01."""
    new = {old: f"51{number:02d}{position:02d}" for position, old in enumerate(DISTRICTS)}

    def move(code: str | None) -> str | None:
        return code and new[code[:6]] + code[6:]

    def moved(version):
        changes = {"district_code": new[version.district_code], "unit_code": move(version.unit_code)}
        if hasattr(version, "township_code"):
            changes["township_code"] = move(version.township_code)
        return replace(version, **changes)

    townships = [replace(township, code=move(township.code)) for township in TOWNSHIPS]
    campaigns = tuple(replace(campaign, district_code=new[campaign.district_code]) for campaign in history.campaigns)
    return History(tuple(map(moved, history.problems)), tuple(map(moved, history.visits)), campaigns), townships


def register(conn, history: History, townships: list[ranking.Township]) -> None:
    """Put the districts of a history with their units into `raw`."""
    for campaign in history.campaigns:
        conn.execute("insert into raw.districts (district_code, district_name) values (%s, %s)", (campaign.district_code,) * 2)
        conn.execute(
            "insert into raw.campaigns values (%s, '回头看', %s, %s)", (campaign.district_code, campaign.start_on, campaign.end_on)
        )
        units = [f"{campaign.district_code}{suffix}" for suffix in ("000", "-D1", "-D2", "-D3")]
        for unit in units:
            conn.execute("insert into raw.units values (%s, %s, %s, %s)", (unit, unit[:6], "group" if "-" in unit else "office", unit))
    for township in townships:
        conn.execute(
            "insert into raw.townships values (%s, %s, %s, '镇', %s, %s)",
            (township.code, township.code[:6], township.code, township.is_ranked, township.display_order),
        )
        conn.execute("insert into raw.units values (%s, %s, 'township', %s)", (township.code, township.code[:6], township.code))


def in_order_of_arrival(histories: list[History]) -> list[ranking.ProblemVersion | ranking.VisitVersion]:
    """All versions of all districts, each with an arrival of its own that is later than the one before."""
    versions = sorted((v for history in histories for v in (*history.problems, *history.visits)), key=lambda v: v.received_at)
    return [replace(version, received_at=FIRST_ARRIVAL + timedelta(seconds=number)) for number, version in enumerate(versions)]


def load(conn, versions: list[ranking.ProblemVersion | ranking.VisitVersion]) -> None:
    """Put versions into `raw` as if each row had come in a file of its own."""
    known = {unit for (unit,) in conn.execute("select unit_code from raw.units")}
    submissions, problems, visits = [], [], []
    for version in versions:
        submission = f"{version.district_code}-{version.received_at:%Y%m%d%H%M%S}"
        unit = version.unit_code if version.unit_code in known else f"{version.district_code}-D1"
        submissions.append(
            {
                "submission_id": submission,
                "district_code": version.district_code,
                "unit_code": unit,
                "inbox_path": b"",
                "file_name": "x",
                "file_sha256": submission,
                "file_size": 0,
                "file_mtime_ns": 0,
                "outcome": "accepted",
                "received_at": version.received_at,
                "report_on": version.report_on,
                "row_count": 1,
                "accepted_count": 1,
                "rejected_count": 0,
                "ignored_count": 0,
                "receipt": "{}",
            }
        )
        common = {
            "submission_id": submission,
            "district_code": version.district_code,
            "unit_code": version.unit_code,
            "report_on": version.report_on,
            "received_at": version.received_at,
            "problem_no": version.problem_no,
            "source_file": "x",
            "source_sheet": "x",
            "source_row": 1,
        }
        office = f"{version.district_code}000"
        if isinstance(version, ranking.ProblemVersion):
            problems.append(
                {
                    **common,
                    "is_office": version.is_office,
                    "township_code": version.township_code or office,
                    "source": "日常发现",
                    "found_on": version.found_on,
                    "category": "其他",
                    "description": "随机的问题",
                    "leader_name": "张三",
                    "due_on": version.due_on,
                    "status": version.status,
                    "rectified_on": version.rectified_on,
                }
            )
        else:
            visits.append(
                {
                    **common,
                    "record_no": version.record_no,
                    "visited_on": version.visited_on,
                    "township_code": version.township_code or office,
                    "verdict": version.verdict,
                    "visitors": "李四",
                    "void_reason": "记错了" if version.withdrawn else None,
                }
            )
    with conn.transaction():
        warehouse.loading.copy_rows(conn, "ops.submissions", submissions)
        warehouse.loading.copy_rows(conn, "raw.problem_versions", problems)
        warehouse.loading.copy_rows(conn, "raw.visit_versions", visits)


def check_as_known_then(office, histories, versions) -> None:
    """`marts.ranking_as_of`, and by name `marts.problems_as_of`, at random times of knowledge against the oracle."""
    chance = random.Random(4)
    asked = 0
    for history, townships in histories:
        for campaign in history.campaigns:
            own = [version for version in versions if version.district_code == campaign.district_code]
            problems = [version for version in own if isinstance(version, ranking.ProblemVersion)]
            visits = [version for version in own if isinstance(version, ranking.VisitVersion)]
            for _ in range(6):
                day = campaign.start_on + timedelta(days=chance.randrange((campaign.end_on - campaign.start_on).days + 1))
                known_at = chance.choice(own).received_at
                wanted = ranking.ranking(problems, visits, [campaign], townships, campaign.district_code, day, known_at)
                rows = office.query(
                    """select township_code, rank, dense_rank, rectified_pct, assigned_count, rectified_count, overdue_count,
                              reopened_count, oldest_open_workdays
                       from marts.ranking_as_of(%s, %s, %s)""",
                    [campaign.district_code, day, known_at],
                )
                assert {tuple(row.values()) for row in rows} == {
                    (
                        row.township_code,
                        row.rank,
                        row.dense_rank,
                        row.rectified_pct,
                        row.figures.assigned,
                        row.figures.rectified,
                        row.figures.overdue,
                        row.figures.reopened,
                        row.figures.oldest_open_workdays,
                    )
                    for row in wanted
                }
                by_name = office.query(
                    """select township_code, count(*)::integer as assigned, (count(*) filter (where is_rectified))::integer as rectified,
                              (count(*) filter (where not is_rectified))::integer as open,
                              (count(*) filter (where is_overdue))::integer as overdue,
                              (count(*) filter (where is_reopened and not is_rectified))::integer as reopened,
                              (count(*) filter (where is_found))::integer as found, (count(*) filter (where is_closed))::integer as closed,
                              max(open_workdays) as oldest_open_workdays
                       from marts.problems_as_of(%s, %s, %s) group by township_code""",
                    [campaign.district_code, day, known_at],
                )
                assert {row.pop("township_code"): ranking.TownshipDay(**row) for row in by_name} == {
                    row.township_code: row.figures for row in wanted if row.figures.assigned
                }
                asked += bool(wanted) and any(row.figures.rectified for row in wanted)
    assert asked > 20


def test_every_day_of_random_histories(installed_office):
    office = installed_office
    histories = [in_own_districts(random_history(seed, event_count=120), seed) for seed in SEEDS]
    with warehouse.connect(office.settings) as conn:
        for history, townships in histories:
            register(conn, history, townships)
        versions = in_order_of_arrival([history for history, _ in histories])
        load(conn, versions)
    dbt.build(office.settings, "nightly")
    check_as_known_then(office, histories[:6], versions)
    compared = reopened = 0
    for history, townships in histories:
        districts = [campaign.district_code for campaign in history.campaigns]
        expected = ranking.township_days(history.problems, history.visits, history.campaigns, townships, today=date.today())
        rows = office.query(
            """select day_on, township_code, assigned_count as assigned, rectified_count as rectified, open_count as open,
                      overdue_count as overdue, reopened_count as reopened, found_count as found, closed_count as closed,
                      oldest_open_workdays from marts.fct_township_days where district_code = any(%s)""",
            [districts],
        )
        actual = {(row.pop("day_on"), row.pop("township_code")): ranking.TownshipDay(**row) for row in rows}
        differing = {key: (actual.get(key), figures) for key, figures in expected.items() if actual.get(key) != figures}
        assert differing == {} and len(actual) == len(expected)
        compared += len(actual)
        reopened += sum(figures.reopened for figures in actual.values())
        for district in districts:
            for day in sorted({day for day, code in actual if code.startswith(district)})[::10] + [LAST_DAY]:
                wanted = ranking.ranking(history.problems, history.visits, history.campaigns, townships, district, day)
                ranks = office.query(
                    """select township_code, rank, dense_rank, rectified_pct from marts.rpt_township_ranking
                       where district_code = %s and ranked_on = %s""",
                    [district, day],
                )
                assert {tuple(row.values()) for row in ranks} == {
                    (row.township_code, row.rank, row.dense_rank, row.rectified_pct) for row in wanted
                }
    assert compared > 10_000 and reopened > 100
