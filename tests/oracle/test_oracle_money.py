"""The fund and project oracles against examples worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from .funds import FundTier, MovementVersion, current_movements, fund_tiers
from .projects import ProjectVersion, current_projects, stage_of, started_pct
from .strategies import ZONE

OFFICE, TOWNSHIP = "430902000", "430902102"


def june(day: int) -> date:
    return date(2020, 6, day)


def movement(number: str, stage: str, yuan: str, day: int, tier: str = "中央", **other: object) -> MovementVersion:
    received_at = datetime(2020, 6, day, 9, tzinfo=ZONE)
    base = MovementVersion("430902", OFFICE, number, 2020, tier, stage, Decimal(yuan), june(day), june(day), received_at)
    return replace(base, **other)


def test_the_figures_that_the_source_prints() -> None:
    printed = {"中央": (838, 662, "79.0"), "省级": (801, 237, "29.6"), "市级": (142, 100, "70.4")}
    movements = []
    for tier, (received, allocated, _) in printed.items():
        movements += [movement(tier + "1", "下达", f"{received}0000", 3, tier), movement(tier + "2", "分配", f"{allocated}0000", 5, tier)]
    lines = fund_tiers(movements)
    for tier, (received, allocated, rate) in printed.items():
        line = lines["430902", 2020, june(5), tier]
        assert (line.received_yuan, line.allocated_yuan) == (received * 10000, allocated * 10000)
        assert (str(line.allocated_pct), str(line.spent_pct)) == (rate, "0.0")


def test_days_are_those_with_a_movement_and_figures_run_up() -> None:
    movements = [
        movement("1", "下达", "100.00", 1),
        movement("2", "收回", "20.00", 3),
        movement("3", "分配", "60.00", 3, report_on=june(20)),
        movement("4", "拨付", "50.05", 8, unit_code=TOWNSHIP),
        movement("4", "支出", "10.00", 8, tier="省级", report_on=june(9)),
        movement("5", "下达", "7.00", 8, fund_year=2019),
    ]
    lines = fund_tiers(movements)
    assert sorted((year, day.day, tier) for _, year, day, tier in lines) == [
        (2019, 8, "中央"), (2020, 1, "中央"), (2020, 3, "中央"), (2020, 8, "中央"), (2020, 8, "省级"),
    ]  # fmt: skip
    assert lines["430902", 2020, june(3), "中央"] == FundTier(
        Decimal("80.00"), Decimal("60.00"), Decimal("0.00"), Decimal("0.00"), Decimal("75.0"), Decimal("0.0")
    )
    assert lines["430902", 2020, june(8), "中央"].disbursed_yuan == Decimal("50.05")
    assert lines["430902", 2020, june(8), "省级"].spent_pct is None  # nothing received


def test_movements_have_versions_and_can_be_withdrawn_by_their_sender() -> None:
    first = movement("1", "下达", "100.00", 1)
    corrected = movement("1", "下达", "90.00", 1, report_on=june(4), received_at=datetime(2020, 6, 4, tzinfo=ZONE))
    older_but_late = movement("1", "下达", "80.00", 1, report_on=june(2), received_at=datetime(2020, 6, 9, tzinfo=ZONE))
    assert current_movements([first, corrected, older_but_late]) == [corrected]
    assert current_movements([first, corrected, older_but_late], known_at=datetime(2020, 6, 3, tzinfo=ZONE)) == [first]
    assert len(current_movements([first, replace(first, unit_code=TOWNSHIP)])) == 2
    assert fund_tiers([first, replace(corrected, withdrawn=True)]) == {}


def project(number: str = "1", report: int = 5, start: int = 0, finish: int = 0, accepted: int = 0, **other: object) -> ProjectVersion:
    dates = [june(day) if day else None for day in (start, finish, accepted)]
    received_at = datetime(2020, 6, report, 9, tzinfo=ZONE)
    return replace(ProjectVersion("430902", number, TOWNSHIP, TOWNSHIP, False, *dates, june(report), received_at), **other)


def test_stage_is_the_furthest_actual_date() -> None:
    assert stage_of(project()) == "not_started"
    assert stage_of(project(start=1)) == "started"
    assert stage_of(project(start=1, finish=2)) == "finished"
    assert stage_of(project(start=1, finish=2, accepted=3)) == "accepted"


def test_current_project_by_report_date_then_arrival() -> None:
    first, second = project(report=5), project(report=12, start=8)
    late = project(report=10, start=7, received_at=datetime(2020, 6, 20, tzinfo=ZONE))
    key = ("430902", "1")
    assert current_projects([late, second, first])[key] == second
    assert current_projects([late, second, first], day=june(11))[key] == late
    assert current_projects([late, second, first], day=june(11), known_at=datetime(2020, 6, 15, tzinfo=ZONE))[key] == first
    assert current_projects([first], day=june(4)) == {}


def test_a_project_voided_by_the_office_stays_void_until_the_office_sends_it_again() -> None:
    void = project(report=6, is_office=True, unit_code=OFFICE, withdrawn=True)
    again = project(report=8, is_office=True, unit_code=OFFICE)
    assert current_projects([project(), void, project(report=7)]) == {}
    assert current_projects([project(), void, project(report=7), again]) == {("430902", "1"): again}


def test_started_share_of_the_source() -> None:
    projects = [project(str(number), start=1 if number < 140 else 0) for number in range(145)]
    assert str(started_pct(current_projects(projects).values())) == "96.6"
    assert started_pct([]) is None
