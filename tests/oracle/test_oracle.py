"""The ranking oracle against examples worked by hand.

Of 22 to 30 June 2020 the 25th, 26th and 27th are off and Sunday the 28th is worked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from .ranking import Campaign, ProblemVersion, RankingRow, Township, TownshipDay, VisitVersion, rank_units, ranking, township_days
from .rates import percent
from .strategies import ZONE
from .workdays import is_working_day, working_days_between

A, B, C, ZONE_UNIT = "430902102", "430902104", "430902105", "430902400"
OFFICE = "430902000"
UNITS = (Township(A, True, 3), Township(B, True, 2), Township(C, True, 1), Township(ZONE_UNIT, False, 4))
CAMPAIGN = Campaign("430902", date(2020, 4, 1), date(2020, 6, 30))


def june(day: int) -> date:
    return date(2020, 6, day)


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2020, 6, day, hour, tzinfo=ZONE)


def problem(number: str = "1", report: int = 22, status: str = "open", rectified: int | None = None, **other: object) -> ProblemVersion:
    """A problem of township A, found on the 22nd, due on the 24th, received at nine on its report day."""
    base = ProblemVersion(
        "430902", number, A, A, False, status, june(22), june(24), june(rectified) if rectified else None, june(report), at(report)
    )
    return replace(base, **other)


def by_office(version: ProblemVersion) -> ProblemVersion:
    return replace(version, unit_code=OFFICE, is_office=True)


def visit(day: int, verdict: str = "退回", number: str | None = "1", record: str = "V1", **other: object) -> VisitVersion:
    return replace(VisitVersion("430902", "430902-D1", record, june(day), number, verdict, june(day), at(day, 17)), **other)


def figures(
    problems: list[ProblemVersion], visits: list[VisitVersion], day: int, code: str = A, known_at: datetime | None = None
) -> TownshipDay:
    return township_days(problems, visits, [CAMPAIGN], UNITS, june(30), known_at)[june(day), code]


def is_rectified(problems: list[ProblemVersion], visits: list[VisitVersion], day: int, known_at: datetime | None = None) -> bool:
    found = figures(problems, visits, day, known_at=known_at)
    assert found.assigned == 1
    return found.rectified == 1


@pytest.mark.parametrize(
    ("part", "base", "printed"),
    [
        (237, 273, "86.8"), (140, 145, "96.6"), (662, 838, "79.0"), (237, 801, "29.6"), (100, 142, "70.4"), (999, 1781, "56.1"),
        (1, 16, "6.3"),  # 6.25 exactly: half-even would print 6.2
        (3, 2, "150.0"), (0, 7, "0.0"), (-1, 16, "-6.3"),
    ],
)  # fmt: skip
def test_percentages_are_half_up_on_the_exact_ratio(part: int, base: int, printed: str) -> None:
    assert str(percent(part, base)) == printed


def test_no_percentage_of_nothing() -> None:
    assert percent(0, 0) is None


def test_working_days_skip_the_dragon_boat_holiday_and_count_the_made_up_sunday() -> None:
    assert [day for day in range(22, 31) if is_working_day(june(day))] == [22, 23, 24, 28, 29, 30]
    assert working_days_between(june(24), june(27)) == 0
    assert working_days_between(june(22), june(30)) == 5  # 23, 24, 28, 29, 30
    assert working_days_between(june(30), june(30)) == 0


def test_years_beyond_the_calendar_are_monday_to_friday() -> None:
    # 1 October 2050 is a Saturday; the Monday is off by law
    assert [is_working_day(date(2050, 10, day)) for day in (1, 2, 3, 4, 7)] == [False, False, False, True, True]


def test_life_of_one_problem() -> None:
    history = [problem(), problem(report=28, status="rectified", rectified=28)]
    assert figures(history, [], 21) == TownshipDay(0, 0, 0, 0, 0, 0, 0, 0)
    assert figures(history, [], 22) == TownshipDay(1, 0, 1, 0, 0, 1, 0, 0)
    assert figures(history, [], 24) == TownshipDay(1, 0, 1, 0, 0, 0, 0, 2)  # due today is not overdue; 23 and 24
    assert figures(history, [], 27) == TownshipDay(1, 0, 1, 1, 0, 0, 0, 2)  # three days off: the age stands, overdue counts
    assert figures(history, [], 28) == TownshipDay(1, 1, 0, 0, 0, 0, 1, 0)
    assert figures(history, [], 30) == TownshipDay(1, 1, 0, 0, 0, 0, 0, 0)


def test_found_and_closed_on_the_same_day() -> None:
    assert figures([problem(status="rectified", rectified=22)], [], 22) == TownshipDay(1, 1, 0, 0, 0, 1, 1, 0)


def test_a_problem_reported_late_counts_only_from_its_report_date() -> None:
    assert figures([problem(report=24)], [], 23).assigned == 0
    assert figures([problem(report=24)], [], 24) == TownshipDay(1, 0, 1, 0, 0, 1, 0, 2)


def test_latest_report_date_wins_then_latest_arrival() -> None:
    late_and_older = problem(report=23, received_at=at(30))
    closed = problem(report=24, status="rectified", rectified=24)
    assert is_rectified([late_and_older, closed], [], 24)
    reopened_same_day = problem(report=24, received_at=at(24, 15))
    assert not is_rectified([closed, reopened_same_day], [], 24)
    assert is_rectified([closed, reopened_same_day], [], 24, known_at=at(24, 12))
    assert is_rectified([replace(closed, received_at=at(24, 16)), reopened_same_day], [], 24)


def test_a_visit_reopens_from_its_day_on_and_only_a_later_report_and_fix_closes_again() -> None:
    closed = problem(report=23, status="rectified", rectified=23)
    assert is_rectified([closed], [visit(24)], 23)
    assert not is_rectified([closed], [visit(24)], 24)
    same_day = problem(report=24, status="rectified", rectified=24, received_at=at(24, 20))
    assert not is_rectified([same_day], [visit(24)], 30)  # reported on the day of the visit
    old_fix = problem(report=28, status="rectified", rectified=23)
    assert not is_rectified([old_fix], [visit(24)], 30)  # reported later, but fixed before the visit
    fixed_that_day = problem(report=28, status="rectified", rectified=24)
    assert is_rectified([fixed_that_day], [visit(24)], 28)  # report later than the visit, fix not before it
    assert not is_rectified([fixed_that_day], [visit(24), visit(28, "反弹", record="V2")], 28)  # the latest visit decides


def test_confirming_visits_change_nothing() -> None:
    closed = problem(report=23, status="rectified", rectified=23)
    others = [visit(24, "属实"), visit(24, "已巡查", record="V2"), visit(24, "新发现", record="V3"), visit(24, number=None, record="V4")]
    assert is_rectified([closed], others, 30)
    assert not is_rectified([closed], [visit(24), visit(28, "属实", record="V2")], 30)


def test_reopened_counts_open_problems_with_a_visit_so_far() -> None:
    problems = [problem(), problem("2"), problem("3", report=28, status="rectified", rectified=28)]
    visits = [visit(23), visit(24, "反弹", record="V2"), visit(24, number="3", record="V3")]
    assert [figures(problems, visits, day).reopened for day in (22, 23, 24, 28)] == [0, 1, 1, 1]


def test_visit_records_have_versions_and_their_report_date_does_not_matter() -> None:
    closed = problem(report=23, status="rectified", rectified=23)
    reported_late = visit(24, report_on=june(29), received_at=at(29))
    assert not is_rectified([closed], [reported_late], 24)
    assert is_rectified([closed], [reported_late], 24, known_at=at(28))
    withdrawn = visit(24, withdrawn=True, report_on=june(28), received_at=at(28))
    assert is_rectified([closed], [visit(24), withdrawn], 24)
    assert not is_rectified([closed], [visit(24), withdrawn], 24, known_at=at(27))
    moved = visit(28, report_on=june(28), received_at=at(28))
    assert [is_rectified([closed], [visit(24), moved], day) for day in (24, 28)] == [True, False]
    other_group = replace(withdrawn, unit_code="430902-D2")
    assert not is_rectified([closed], [visit(24), other_group], 24)


def test_a_void_by_the_office_stands_until_the_office_sends_another_status() -> None:
    void = by_office(problem(report=23, status="void"))
    history = [problem(), void, problem(report=24), by_office(problem(report=28)), problem(report=29, status="rectified", rectified=29)]
    assert [figures(history, [], day).assigned for day in (22, 23, 24, 28, 29)] == [1, 0, 0, 1, 1]
    assert [figures(history, [], day).found for day in (22, 23, 24, 28, 29)] == [1, 0, 0, 1, 0]
    assert figures(history, [], 29).rectified == 1
    lifted_late = by_office(problem(report=23, received_at=at(30)))  # before the township's row of the 24th, which then counts
    assert figures([problem(), void, problem(report=24, status="rectified", rectified=24), lifted_late], [], 24).rectified == 1


def test_departments_problems_stand_under_the_office_and_the_office_can_transfer() -> None:
    department = by_office(problem(township_code=None))
    transferred = by_office(problem(report=24, township_code=B))
    history = [department, transferred]
    assert [figures(history, [], 23, code).assigned for code in (OFFICE, A, B)] == [1, 0, 0]
    assert [figures(history, [], 24, code).assigned for code in (OFFICE, A, B)] == [0, 0, 1]
    assert figures(history, [], 24, B).found == 0  # the district has had it since the 22nd


def test_only_problems_of_the_days_campaign_count_and_days_end_today() -> None:
    campaigns = [Campaign("430902", june(1), june(23)), Campaign("430902", june(24), june(30))]
    history = [problem(), problem("2", report=24, found_on=june(24), due_on=june(30))]
    days = township_days(history, [], campaigns, UNITS, june(25))
    assert [days[june(day), A].assigned for day in (22, 23, 24, 25)] == [1, 1, 1, 1]
    assert [days[june(day), A].found for day in (22, 23, 24, 25)] == [1, 0, 1, 0]
    assert max(day for day, _ in days) == june(25)
    assert len(days) == 25 * 5  # four units and the office, every day
    assert ranking(history, [], campaigns, UNITS, "430902", date(2020, 7, 1)) == []


def test_problems_of_unknown_units_are_an_error() -> None:
    with pytest.raises(ValueError, match="430902999"):
        figures([problem(township_code="430902999")], [], 22)


def day_of(assigned: int, rectified: int, overdue: int = 0, reopened: int = 0, oldest: int = 0) -> TownshipDay:
    return TownshipDay(assigned, rectified, assigned - rectified, overdue, reopened, 0, 0, oldest)


def ranks(*days: TownshipDay) -> list[tuple[int | None, int | None]]:
    units = [Township(f"4309021{n:02d}", True, n) for n in range(len(days))]
    rows = rank_units({unit.code: day for unit, day in zip(units, days, strict=True)}, units)
    by_code = {row.township_code: (row.rank, row.dense_rank) for row in rows}
    return [by_code[unit.code] for unit in units]


def test_each_key_of_the_order_decides_in_turn() -> None:
    assert ranks(day_of(3, 1), day_of(3, 2)) == [(2, 2), (1, 1)]  # share
    assert ranks(day_of(6, 4), day_of(3, 2)) == [(2, 2), (1, 1)]  # the same share 2/3, fewer open
    assert ranks(day_of(3, 2, overdue=1), day_of(3, 2)) == [(2, 2), (1, 1)]
    assert ranks(day_of(3, 2, reopened=1), day_of(3, 2, oldest=9)) == [(2, 2), (1, 1)]
    assert ranks(day_of(3, 2, oldest=2), day_of(3, 2, oldest=1)) == [(2, 2), (1, 1)]
    assert ranks(day_of(3, 2), day_of(3, 2), day_of(3, 1)) == [(1, 1), (1, 1), (3, 2)]
    assert ranks(day_of(0, 0), day_of(1, 0)) == [(None, None), (1, 1)]
    assert ranks(day_of(5, 5), day_of(2, 2), day_of(1, 1)) == [(1, 1)] * 3  # all done: how much was done makes no difference
    assert ranks(day_of(10**17, 10**17 - 1), day_of(10**17 + 1, 10**17)) == [(2, 2), (1, 1)]  # one float, two integers


def test_a_ranking_is_listed_in_order_with_the_unranked_at_the_end() -> None:
    history = [problem(), problem("2", township_code=B), problem("3", township_code=ZONE_UNIT), by_office(problem("4", township_code=None))]
    rows = ranking(history, [], [CAMPAIGN], UNITS, "430902", june(22) + timedelta(days=1))
    listed = [(row.township_code, row.is_ranked, row.rank, row.rectified_pct) for row in rows]
    nil = Decimal("0.0")
    assert listed == [  # A and B share rank 1, B is printed first by its display order; C has no task
        (B, True, 1, nil), (A, True, 1, nil), (OFFICE, False, None, nil), (C, True, None, None), (ZONE_UNIT, False, None, nil),
    ]  # fmt: skip
    assert all(isinstance(row, RankingRow) for row in rows)
