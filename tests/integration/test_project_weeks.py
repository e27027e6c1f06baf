"""`marts.fct_project_weeks` against a brute-force oracle, on a random history that arrives in parts with builds in between.

Reports come late (also such that a project turns out to be one of the year before), correct one another, withdraw projects and bring them
back; movements change their amount, day and project, or are withdrawn. Two districts use the same project and movement numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from duban import warehouse
from duban.orchestration import dbt
from duban.settings import TIMEZONE
from tests.integration.test_ranking_random import register
from tests.oracle.project_weeks import ProjectMovement, ProjectWeek, ReportedProject, project_weeks
from tests.oracle.ranking import Campaign, Township
from tests.oracle.strategies import History

Row = ReportedProject | ProjectMovement

DISTRICTS = ("519001", "519002")
BY_HAND = "519003"
FIRST_DAY = date(2019, 12, 9)
NEW_YEARS_EVE = date(2019, 12, 31)
# days of the builds: a Friday in the week that holds 31 December; one day twice, with arrivals in between; a year that is over
DAYS = (date(2020, 1, 3), date(2020, 6, 24), date(2020, 6, 24), date(2021, 1, 2))
FIRST_ARRIVAL = datetime(2021, 1, 1, tzinfo=TIMEZONE)


def random_rows(random: Random, district: str, today: date, count: int) -> list[Row]:
    """Accepted rows of a district that arrive before the build of a day, in order of arrival."""
    rows: list[Row] = []
    for _ in range(count):
        number = random.randint(1, 40)
        # a third begins in 2019, a third in 2020, and a third in 2020 as it seems, until a late report says otherwise
        earliest = FIRST_DAY if number % 3 == 0 or (number % 3 == 1 and today > DAYS[0]) else date(2020, 1, 1)
        recent = max(earliest, today - timedelta(days=30))
        from_on, to_on = random.choice([(recent, today), (recent, today), (earliest, today), (earliest, max(earliest, NEW_YEARS_EVE))])
        report_on = from_on + timedelta(days=random.randint(0, (to_on - from_on).days))
        make = random_project if random.random() < 0.5 else random_movement
        rows.append(make(random, district, f"XM-{number}", report_on))
    return rows


def random_project(random: Random, district: str, project_no: str, report_on: date) -> ReportedProject:
    """A version of a project; dates are in order and none lies after the report."""
    days = sorted(report_on - timedelta(days=random.randint(0, 60)) for _ in range(3))
    reached = random.randint(0, 3)
    start, finish, accepted = [day if number < reached else None for number, day in enumerate(days)]
    is_office = random.random() < 0.5
    township = f"{district}00{random.randint(1, 2)}"
    return ReportedProject(
        district_code=district,
        project_no=project_no,
        township_code=township,
        unit_code=f"{district}000" if is_office else township,
        is_office=is_office,
        actual_start_on=start,
        actual_finish_on=finish,
        accepted_on=accepted,
        report_on=report_on,
        received_at=FIRST_ARRIVAL,
        withdrawn=is_office and random.random() < 0.4,
        # halves of the last decimal kept, too
        progress_pct=random.choice([None, Decimal(random.randint(0, 2000)) / 20]),
    )


def random_movement(random: Random, district: str, project_no: str, report_on: date) -> ProjectMovement:
    """A version of one of a few movements of a sender, mostly for another project than before; numbers are a sender's own."""
    unit = random.choice(["000", "001", "002"])
    stage = random.choice(["拨付", "支出"] if unit != "000" else ["拨付", "支出", "下达", "分配", "收回"])
    return ProjectMovement(
        district_code=district,
        unit_code=f"{district}{unit}",
        movement_no=str(random.randint(1, 30)),
        fund_year=random.choice([2019, 2020]),
        tier=random.choice(["中央", "省级"]),
        stage=stage,
        amount_yuan=Decimal(random.randint(1, 10_000_000)) / 100,
        moved_on=report_on - timedelta(days=random.choice([0, 0, 1, 7, 40])),
        report_on=report_on,
        received_at=FIRST_ARRIVAL,
        withdrawn=random.random() < 0.2,
        project_no=project_no if stage in ("拨付", "支出") or random.random() < 0.8 else None,
    )


def by_hand() -> tuple[list[Row], ...]:
    """A project in words: what the oracle itself is held against."""
    township, office = f"{BY_HAND}001", f"{BY_HAND}000"
    common = {"district_code": BY_HAND, "project_no": "H", "township_code": township, "received_at": FIRST_ARRIVAL}
    no_dates = {"actual_start_on": None, "actual_finish_on": None, "accepted_on": None}
    listed = ReportedProject(
        **common, **no_dates, unit_code=township, is_office=False, report_on=date(2019, 12, 18), progress_pct=Decimal("10")
    )
    # as of Sunday 29 December, sent half a year later
    started = replace(listed, actual_start_on=date(2019, 12, 27), report_on=date(2019, 12, 29), progress_pct=Decimal("45.25"))
    withdrawn = replace(listed, unit_code=office, is_office=True, report_on=date(2020, 1, 4), withdrawn=True)
    # the township cannot undo that
    again = replace(started, actual_finish_on=date(2020, 1, 5), report_on=date(2020, 1, 5))
    restored = replace(again, unit_code=office, is_office=True)
    paid = ProjectMovement(
        district_code=BY_HAND,
        unit_code=township,
        movement_no="1",
        fund_year=2019,
        tier="中央",
        stage="拨付",
        amount_yuan=Decimal("100.50"),
        moved_on=date(2019, 12, 29),
        report_on=date(2020, 1, 2),
        received_at=FIRST_ARRIVAL,
        project_no="H",
    )
    spent = replace(paid, movement_no="2", stage="支出", amount_yuan=Decimal("30"), moved_on=date(2019, 12, 30))
    return [listed], [started, withdrawn, again, paid, spent], [], [restored]


def in_order_of_arrival(waves: Sequence[Sequence[Row]]) -> list[list[Row]]:
    """Every row with an arrival of its own, later than all before."""
    arrivals = iter(range(10**6))
    return [[replace(row, received_at=FIRST_ARRIVAL + timedelta(seconds=next(arrivals))) for row in wave] for wave in waves]


def load(conn, rows: Sequence[Row]) -> None:
    """Put rows into `raw` as if each had come in a file of its own."""
    submissions, projects, movements = [], [], []
    for row in rows:
        submission = f"{row.received_at:%m%d%H%M%S}"
        submissions.append(
            {
                "submission_id": submission,
                "district_code": row.district_code,
                "unit_code": row.unit_code,
                "inbox_path": b"",
                "file_name": "x",
                "file_sha256": submission,
                "file_size": 0,
                "file_mtime_ns": 0,
                "outcome": "accepted",
                "received_at": row.received_at,
                "report_on": row.report_on,
                "row_count": 1,
                "accepted_count": 1,
                "rejected_count": 0,
                "ignored_count": 0,
                "receipt": "{}",
            }
        )
        common = {
            "submission_id": submission,
            "district_code": row.district_code,
            "unit_code": row.unit_code,
            "report_on": row.report_on,
            "received_at": row.received_at,
            "project_no": row.project_no,
            "source_file": "x",
            "source_sheet": "x",
            "source_row": 1,
        }
        if isinstance(row, ReportedProject):
            projects.append(
                {
                    **common,
                    "is_office": row.is_office,
                    "project_name": "随机的项目",
                    "category": "其他",
                    "township_code": row.township_code,
                    "planned_yuan": 1,
                    "actual_start_on": row.actual_start_on,
                    "actual_finish_on": row.actual_finish_on,
                    "accepted_on": row.accepted_on,
                    "progress_pct": row.progress_pct,
                    # of a township it withdraws nothing
                    "void_reason": "重复" if row.withdrawn or (not row.is_office and row.report_on.day % 5 == 0) else None,
                }
            )
        else:
            movements.append(
                {
                    **common,
                    "is_office": row.unit_code.endswith("000"),
                    "movement_no": row.movement_no,
                    "fund_year": row.fund_year,
                    "tier": row.tier,
                    "stage": row.stage,
                    "amount_yuan": row.amount_yuan,
                    "moved_on": row.moved_on,
                    "void_reason": "记错了" if row.withdrawn else None,
                }
            )
    with conn.transaction():
        warehouse.loading.copy_rows(conn, "ops.submissions", submissions)
        warehouse.loading.copy_rows(conn, "raw.project_versions", projects)
        warehouse.loading.copy_rows(conn, "raw.fund_movement_versions", movements)


def shown(office) -> dict[tuple[str, str, date], ProjectWeek]:
    """The mart by its grain; a row told twice fails."""
    rows = office.query(
        """select district_code, project_no, week_ending_on, stage, is_started, progress_pct, disbursed_yuan, spent_yuan
           from marts.fct_project_weeks"""
    )
    weeks = {tuple(row.pop(name) for name in ("district_code", "project_no", "week_ending_on")): ProjectWeek(**row) for row in rows}
    assert len(weeks) == len(rows)
    return weeks


def differences(actual: dict, expected: dict) -> dict:
    """What differs, as (is, should be)."""
    return {key: (actual.get(key), expected.get(key)) for key in actual.keys() | expected.keys() if actual.get(key) != expected.get(key)}


def first_years(rows: Sequence[Row]) -> dict[tuple[str, str], int]:
    """Year of the first report of each project."""
    reports = sorted((row.report_on.year, row.district_code, row.project_no) for row in rows if isinstance(row, ReportedProject))
    return {(district, number): year for year, district, number in reversed(reports)}


def test_every_week_of_a_random_history(installed_office):
    office = installed_office
    random = Random(2020)
    hand = by_hand()
    waves = in_order_of_arrival(
        [
            random.sample(rows := [row for district in DISTRICTS for row in random_rows(random, district, day, count)], len(rows))
            + hand[number]
            for number, (day, count) in enumerate(zip(DAYS, (100, 250, 30, 30), strict=True))
        ]
    )
    districts = (*DISTRICTS, BY_HAND)
    campaigns = tuple(Campaign(district, date(2020, 4, 1), date(2020, 6, 30)) for district in districts)
    townships = [Township(f"{district}00{number}", True, number) for district in districts for number in (1, 2)]
    with warehouse.connect(office.settings) as conn:
        register(conn, History((), (), campaigns), townships)
    arrived: list[Row] = []
    years: list[dict[tuple[str, str], int]] = []
    for number, (day, wave) in enumerate(zip(DAYS, waves, strict=True)):
        with warehouse.connect(office.settings) as conn:
            load(conn, wave)
        arrived += wave
        years.append(first_years(arrived))
        dbt.build(office.settings, "live" if number else "nightly", today=day)
        expected = project_weeks(
            [row for row in arrived if isinstance(row, ReportedProject)], [row for row in arrived if isinstance(row, ProjectMovement)], day
        )
        assert differences(shown(office), expected) == {}, day
        of_hand = [(sunday, week) for (district, _, sunday), week in sorted(expected.items()) if district == BY_HAND]
        assert of_hand == HAND[number]
    # the history holds what it is for: every stage, projects that moved to the year before, and such as were withdrawn and came back
    assert len(expected) > 1000 and {week.stage for week in expected.values()} == {"not_started", "started", "finished", "accepted"}
    assert sum(week.spent_yuan > week.disbursed_yuan > 0 for week in expected.values()) > 50
    assert any(years[-1][key] < year for earlier in years for key, year in earlier.items())
    # and some of which nothing is heard any more: their weeks go on
    arrivals = {(row.district_code, row.project_no) for row in waves[-1]}
    moved = {(row.unit_code, row.movement_no) for row in waves[-1] if isinstance(row, ProjectMovement)}
    arrivals |= {
        (row.district_code, row.project_no)
        for row in arrived
        if isinstance(row, ProjectMovement) and (row.unit_code, row.movement_no) in moved
    }
    assert {key[:2] for key in expected if key[2] > DAYS[-1]} - arrivals
    sundays: dict[tuple[str, str], list[date]] = {}
    for district, project_no, sunday in sorted(expected):
        sundays.setdefault((district, project_no), []).append(sunday)
    assert sum((found[-1] - found[0]).days // 7 + 1 > len(found) for found in sundays.values()) >= 3
    dbt.build(office.settings, "install", full_refresh=True, today=DAYS[-1])
    assert differences(shown(office), expected) == {}


NOTHING, HUNDRED, THIRTY = Decimal("0.00"), Decimal("100.50"), Decimal("30.00")
HAND = (
    [(date(2019, 12, 22), ten := ProjectWeek("not_started", False, Decimal("10.0"), NOTHING, NOTHING))]
    + [(date(2019, 12, 29), ten), (date(2020, 1, 5), ten)],
    [(date(2019, 12, 22), ten), (date(2019, 12, 29), begun := ProjectWeek("started", True, Decimal("45.3"), HUNDRED, NOTHING))],
    [(date(2019, 12, 22), ten), (date(2019, 12, 29), begun)],
    # the week that holds 31 December is the last of a project of 2019
    [(date(2019, 12, 22), ten), (date(2019, 12, 29), begun)]
    + [(date(2020, 1, 5), ProjectWeek("finished", True, Decimal("45.3"), HUNDRED, THIRTY))],
)
