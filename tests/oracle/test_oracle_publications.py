"""The oracle of the publications against examples worked by hand, and against the other oracles on random histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from .funds import MovementVersion
from .publications import (
    Accepted,
    PlannedProject,
    compared_on,
    coverage_figures,
    fund_figures,
    issue_figures,
    not_started,
    period_start,
    previous_working_day,
    problem_figures,
    project_figures,
    rest_day_figures,
    visit_figures,
    worst_tier,
)
from .ranking import Campaign, ProblemVersion, Township, VisitVersion, office_code, ranking, township_days
from .strategies import LAST_DAY, ZONE, History, random_history
from .supervision import supervision_days

DISTRICT = "430902"
A, B, C, OFFICE = "430902102", "430902104", "430902105", "430902000"
UNITS = (Township(A, True, 1), Township(B, True, 2), Township(C, False, 3), Township("430511001", True, 1))
CAMPAIGNS = (Campaign(DISTRICT, date(2020, 4, 1), date(2020, 6, 30)),)


def june(day: int) -> date:
    return date(2020, 6, day)


def problem(
    number: str, unit: str | None, report: int, status: str, found: int = 2, due: int = 30, fixed: int | None = None
) -> ProblemVersion:
    received_at = datetime(2020, 6, report, 9, tzinfo=ZONE)
    sender = unit or OFFICE
    fixed_on = june(fixed) if fixed else None
    return ProblemVersion(DISTRICT, number, unit, sender, unit is None, status, june(found), june(due), fixed_on, june(report), received_at)


def visit(number: str, unit: str | None, day: int, verdict: str, problem_no: str | None = None, group: str = "D1") -> VisitVersion:
    received_at = datetime(2020, 6, day, 18, tzinfo=ZONE)
    return VisitVersion(DISTRICT, f"{DISTRICT}-{group}", number, june(day), problem_no, verdict, june(day), received_at, township_code=unit)


PROBLEMS = (
    problem("A1", A, 22, "rectified", fixed=20),
    problem("A2", A, 22, "open"),
    problem("A2", A, 24, "rectified", fixed=24),
    problem("A3", A, 24, "open", found=24),
    problem("B1", B, 22, "rectified", fixed=19),
    problem("B2", B, 22, "in_progress", due=23),
    problem("B2", B, 24, "rectified", due=23, fixed=24),
    problem("C1", C, 22, "rectified", fixed=21),
    problem("X1", None, 23, "open", found=23),
    replace(problem("A9", A, 22, "open"), district_code="430511", township_code="430511001"),
)
VISITS = (
    visit("1", A, 23, "已巡查"),
    visit("2", B, 23, "属实", "B1", group="D2"),
    visit("1", B, 24, "反弹", "B1", group="D3"),
    visit("2", C, 24, "新发现", group="D3"),
    visit("3", B, 24, "退回", "B2"),
    replace(visit("3", A, 24, "已巡查", group="D2"), withdrawn=True),
)
LEDGERS = Accepted(CAMPAIGNS, UNITS, PROBLEMS, VISITS)


def some(figures: dict, prefix: str) -> dict:
    """The figures under a prefix, by the rest of their names."""
    return {code.removeprefix(prefix): value for code, value in figures.items() if code.startswith(prefix)}


def test_a_day() -> None:
    figures = problem_figures(LEDGERS, "daily", DISTRICT, june(24))
    # Assigned: A1 A2 A3 B1 B2 C1 X1. Rectified: A1, A2, C1. B1 has come back; B2 was sent back on the day it was reported.
    assert some(figures, "total.") == {
        "assigned_count": 7, "rectified_count": 3, "open_count": 4, "overdue_count": 1, "reopened_count": 2,
        "rectified_pct": Decimal("42.9"), "found_count": 1, "closed_count": 1, "relapsed_count": 1, "oldest_open_workdays": 16,
        "first_reported_count": 0, "restored_count": 0, "overdue_reopened_count": 1, "urgent_count": 2,
        # A2, B2 and X1 were open the evening before: 3 + 1 + 1 - 1
        "open_before_count": 3, "withdrawn_open_count": 0, "left_open_count": 0,
    }  # fmt: skip
    # 2/3 of A is first. On the 23rd both had 1 of 2; B2 is due that day and not overdue yet.
    assert some(figures, f"township.{A}.") == {
        "assigned_count": 3, "rectified_count": 2, "open_count": 1, "overdue_count": 0, "reopened_count": 0,
        "rectified_pct": Decimal("66.7"), "found_count": 1, "closed_count": 1, "relapsed_count": 0, "oldest_open_workdays": 0,
        "rank": 1, "previous_rank": 1,
        "open_before_count": 1, "withdrawn_open_count": 0, "left_open_count": 0, "moved_in_count": 0, "moved_out_count": 0,
    }  # fmt: skip
    b = some(figures, f"township.{B}.")
    assert (b["rank"], b["previous_rank"], b["open_count"], b["overdue_count"], b["reopened_count"]) == (2, 1, 2, 1, 2)
    assert (b["closed_count"], b["relapsed_count"], b["rectified_pct"]) == (0, 1, Decimal("0.0"))
    c = some(figures, f"township.{C}.")
    assert (c["rank"], c["previous_rank"], c["rectified_pct"], c["oldest_open_workdays"]) == (None, None, Decimal("100.0"), 0)
    office = some(figures, f"township.{OFFICE}.")
    assert (office["assigned_count"], office["open_count"], office["rank"], office["found_count"]) == (1, 1, None, 0)
    # 2 June to 24 June: 3 4 5, 8-12, 15-19, 22-24.
    assert {number: figures[f"problem.{number}.open_workdays"] for number in ("B1", "B2", "A3", "X1")} == {
        "B1": 16, "B2": 16, "A3": 0, "X1": 1,
    }  # fmt: skip
    assert [code for code in figures if code.endswith("overdue_days")] == ["problem.B2.overdue_days"]
    assert figures["problem.B2.overdue_days"] == 1
    # The third working day after the 24th is the 30th, on which A3, B1 and X1 are due.
    assert some(figures, "due_soon.") == {"total_count": 3, f"{A}.count": 1, f"{B}.count": 1, f"{OFFICE}.count": 1}


def changes(figures: dict) -> tuple:
    """Found, of these found earlier, closed and relapsed of the district."""
    return tuple(figures[f"total.{name}_count"] for name in ("found", "first_reported", "closed", "relapsed"))


def rest_days(ledgers: Accepted, day: date) -> tuple:
    """Found, closed and relapsed on the rest days before a day."""
    figures = rest_day_figures(ledgers, DISTRICT, day)
    assert len(figures) == 6
    return tuple(figures[f"total.rest_{name}_count"] for name in ("found", "closed", "relapsed"))


def previous_ranks(figures: dict) -> tuple:
    return tuple(figures[f"township.{code}.previous_rank"] for code in (A, B, C, OFFICE))


# Before the week of 22 June: on its Friday A2, A4 and A7 are open, B1, B3 and B4 rectified. Then a weekend of reports and visits.
WEEKEND_PROBLEMS = (
    problem("A2", A, 17, "open"),
    problem("B1", B, 18, "rectified", fixed=18),
    problem("B3", B, 19, "rectified", fixed=19),
    problem("B4", B, 19, "rectified", fixed=19),
    problem("A4", A, 19, "open"),
    problem("A4", A, 20, "rectified", fixed=20),
    problem("A5", A, 20, "open", found=20),
    problem("A6", A, 20, "open", found=19),
    problem("A6", A, 21, "rectified", found=19, fixed=21),
    problem("A7", A, 19, "open"),
    problem("A7", A, 20, "rectified", fixed=20),
    problem("A8", A, 22, "open", found=20),
    problem("B4", B, 21, "rectified", fixed=21),
    replace(problem("C2", C, 20, "open", found=20), unit_code=OFFICE, is_office=True),
    replace(problem("C2", C, 22, "void", found=20), unit_code=OFFICE, is_office=True),
)
WEEKEND_VISITS = (
    visit("11", B, 20, "反弹", "B4"),  # rectified again on the Sunday
    visit("12", A, 21, "退回", "A7"),
    visit("13", B, 21, "反弹", "B3"),
)
WEEKEND = replace(LEDGERS, problems=PROBLEMS + WEEKEND_PROBLEMS, visits=VISITS + WEEKEND_VISITS)


def test_what_a_saturday_reports_is_of_the_monday_but_not_its_own() -> None:
    # New on the Sunday evening: A5 A6 C2 (which the Monday withdraws); closed A4 A6, A7 only until the visit; B3 came back.
    assert rest_days(WEEKEND, june(22)) == (3, 2, 1)
    monday = problem_figures(WEEKEND, "daily", DISTRICT, june(22))
    # The Monday's own: A1 A8 B2 C1 are new, all found on an earlier day (A8 on the Saturday); A1 and C1 closed at once.
    assert changes(monday) == (4, 4, 2, 0)
    # Friday: A 0 of 3, B 3 of 3. Monday: A 3 of 7 (A1 A4 A6; A2 A5 A7 A8 open), B 2 of 4 (B1 B4; B2 B3 open).
    assert previous_ranks(monday) == (2, 1, None, None)
    assert (monday[f"township.{A}.assigned_count"], monday[f"township.{A}.rectified_count"], monday[f"township.{A}.rank"]) == (7, 3, 2)
    assert (monday[f"township.{B}.assigned_count"], monday[f"township.{B}.rectified_count"], monday[f"township.{B}.rank"]) == (4, 2, 1)
    # On the rest days themselves, and after a Monday, what is between is counted from the Friday, or is nothing.
    assert [rest_days(WEEKEND, june(day)) for day in (20, 21, 23)] == [(0, 0, 0), (3, 2, 1), (0, 0, 0)]
    figures = issue_figures(WEEKEND, "daily", DISTRICT, june(22))
    assert {code: figures[code] for code in figures if ".rest_" in code} == {
        "total.rest_found_count": 3, "total.rest_closed_count": 2, "total.rest_relapsed_count": 1,
        "total.rest_withdrawn_count": 0, "total.rest_left_count": 0,
    }  # fmt: skip
    # A2, A4 and A7 were open on the Friday, A2 A5 A7 B3 C2 on the Sunday; C2 is withdrawn on the Monday.
    assert (figures["total.open_previous_count"], figures["total.open_before_count"], figures["total.withdrawn_open_count"]) == (3, 5, 1)
    # The visits of the weekend are none of the Monday's.
    assert figures["supervision.visit_count"] == 0


def test_a_week_counts_from_the_working_day_before_it() -> None:
    figures = issue_figures(WEEKEND, "weekly", DISTRICT, june(24))
    # Since Friday: A1 A3 A5 A6 A8 B2 C1 X1 are new (C2 is void), of which A1 A6 B2 C1 were found by then; A1 A2 A4 A6 C1 closed (A7 is
    # open again); B1 and B3 have come back, B4 only for a day.
    assert changes(figures) == (8, 4, 5, 2)
    assert [tuple(figures[f"township.{unit}.{name}_count"] for name in ("found", "closed", "relapsed")) for unit in (A, B, C, OFFICE)] == [
        (5, 4, 0), (1, 0, 2), (1, 1, 0), (1, 0, 0),
    ]  # fmt: skip
    assert previous_ranks(figures) == (2, 1, None, None)
    # A 4 of 8, B 1 of 4.
    assert (figures[f"township.{A}.rank"], figures[f"township.{B}.rank"]) == (1, 2)
    # Five of the week and three of the weekend: 属实 B1; 退回 B2, A7; 反弹 B1, B4, B3; one found; one that says nothing.
    assert some(figures, "supervision.") == {
        "visit_count": 8, "confirmed_count": 1, "returned_count": 2, "relapsed_count": 3, "found_count": 1,
        "patrolled_count": 1,
    }  # fmt: skip


def test_a_sunday_that_is_worked() -> None:
    """25 to 27 June are the Dragon Boat holidays, the Sunday after them is worked: it closes its week, and the Monday follows it."""
    ledgers = replace(
        LEDGERS,
        problems=(
            *PROBLEMS, problem("A3", A, 26, "rectified", found=24, fixed=26), problem("B7", B, 27, "in_progress", found=26),
            problem("A8", A, 28, "open", found=27), problem("B7", B, 28, "rectified", found=26, fixed=28), problem("C3", C, 29, "open"),
        ),
        visits=(*VISITS, visit("21", A, 26, "退回", "A2"), visit("22", B, 28, "已巡查"), visit("23", B, 29, "属实", "B7")),
    )  # fmt: skip
    # On the holidays: B7 new, A3 closed, A2 back. On the Sunday: A8 new (found on the Saturday), B7 closed.
    assert rest_days(ledgers, june(28)) == (1, 1, 1)
    sunday = problem_figures(ledgers, "daily", DISTRICT, june(28))
    assert changes(sunday) == (1, 1, 1, 0)
    # Wednesday: A 2 of 3, B 0 of 2; Sunday: A 2 of 4 (A1 A3), B 1 of 3.
    assert (previous_ranks(sunday), sunday[f"township.{A}.rank"], sunday[f"township.{B}.rank"]) == ((1, 2, None, None), 1, 2)
    # The Monday after it has no rest days before it; C3 is new.
    assert rest_days(ledgers, june(29)) == (0, 0, 0)
    assert changes(problem_figures(ledgers, "daily", DISTRICT, june(29))) == (1, 1, 0, 0)
    # The week to the Sunday has everything since Friday the 19th, the week after it begins with what is after the Sunday.
    week, after = (issue_figures(ledgers, "weekly", DISTRICT, june(day)) for day in (28, 30))
    # A1 A2 A3 B1 B2 B7 C1 X1 A8 are new: A1 A2 B1 B2 C1 were found by the 19th; A1 A3 C1 B7 are closed.
    assert (changes(week), week["supervision.visit_count"]) == ((9, 5, 4, 0), 7)
    assert (changes(after), after["supervision.visit_count"]) == ((1, 1, 0, 0), 1)
    assert previous_ranks(after) == (1, 2, None, None)


def test_a_month_counts_from_the_last_working_day_of_the_month_before() -> None:
    """31 May is a Sunday: what happens on that weekend is of June."""
    friday, saturday = (datetime(2020, 5, day, 9, tzinfo=ZONE) for day in (29, 30))
    on_friday = replace(problem("A2", A, 1, "open"), found_on=friday.date(), report_on=friday.date(), received_at=friday)
    on_saturday = replace(problem("A6", A, 1, "open"), found_on=friday.date(), report_on=saturday.date(), received_at=saturday)
    seen = [replace(visit(str(day), A, 1, "已巡查"), visited_on=date(2020, 5, day)) for day in (29, 30, 31)]
    begun = [replace(project(str(day), A, 2), actual_start_on=date(2020, 5, day)) for day in (29, 30, 31)]
    ledgers = replace(LEDGERS, problems=(*PROBLEMS, on_friday, on_saturday), visits=(*VISITS, *seen), projects=tuple(begun))
    figures = issue_figures(ledgers, "monthly", DISTRICT, june(24))
    # All but A2 are new since then; only A6 was found by then.
    assert changes(figures) == (7, 1, 3, 0) and figures["total.assigned_count"] == 8
    assert previous_ranks(figures) == (1, None, None, None)
    assert figures["supervision.visit_count"] == 5 + 2 and figures["projects.begun_count"] == figures[f"projects.{A}.begun_count"] == 2
    assert issue_figures(ledgers, "weekly", DISTRICT, june(1))["supervision.visit_count"] == 2


def test_periods_and_what_they_are_compared_with() -> None:
    sunday = june(28)
    assert [period_start(series, sunday) for series in ("daily", "weekly", "monthly")] == [sunday, june(22), june(1)]
    assert period_start("weekly", june(22)) == june(22)
    # The holiday lies between the 28th and the 24th; Friday before the Monday; Friday before the first of June.
    assert [previous_working_day(day) for day in (sunday, june(22), june(1), june(29))] == [june(24), june(19), date(2020, 5, 29), sunday]
    assert [compared_on(series, sunday) for series in ("daily", "weekly", "monthly")] == [june(27), june(19), date(2020, 5, 29)]
    assert compared_on("weekly", june(30)) == sunday


def test_a_day_without_anything_before_it() -> None:
    figures = problem_figures(LEDGERS, "daily", DISTRICT, june(22))
    assert (figures["total.found_count"], figures["total.closed_count"], figures["total.relapsed_count"]) == (5, 3, 0)
    assert previous_ranks(figures) == (None,) * 4
    first = problem_figures(LEDGERS, "daily", DISTRICT, date(2020, 4, 1))
    assert (first["total.assigned_count"], first["total.rectified_pct"], first[f"township.{A}.rank"]) == (0, None, None)


def test_a_campaign_that_begins_in_the_middle_of_a_week() -> None:
    """On Wednesday the 17th, and another on a Saturday: nothing is known before, so that everything is found."""
    problems = (
        problem("A0", A, 12, "open"), problem("A1", A, 17, "rectified", found=17, fixed=17), problem("B1", B, 17, "open", found=17),
        problem("A2", A, 18, "open", found=17), problem("B1", B, 19, "rectified", found=17, fixed=19),
        problem("A5", A, 20, "open", found=20), problem("B5", B, 20, "rectified", found=20, fixed=20),
        problem("B6", B, 22, "open", found=21),
    )  # fmt: skip
    seen = tuple(visit(str(day), A, day, "已巡查") for day in (12, 13, 16, 17, 18, 22))
    begun = tuple(project(str(day), A, day, actual_start=day) for day in (12, 16, 17))
    wednesday = Accepted((Campaign(DISTRICT, june(17), june(30)),), UNITS, problems, seen, begun)
    day = issue_figures(wednesday, "daily", DISTRICT, june(17))
    assert (changes(day), previous_ranks(day), rest_days(wednesday, june(17))) == ((2, 0, 1, 0), (None,) * 4, (0, 0, 0))
    assert (day["supervision.due_count"], day[f"township.{A}.rank"], day[f"township.{B}.rank"]) == (0, 1, 2)
    day = issue_figures(wednesday, "daily", DISTRICT, june(18))
    assert (changes(day), previous_ranks(day), day["supervision.due_count"]) == ((1, 1, 0, 0), (1, 2, None, None), 1)
    # The week is compared with Friday the 12th, before the campaign. Its visits and projects are no matter of a campaign.
    week = issue_figures(wednesday, "weekly", DISTRICT, june(19))
    assert (changes(week), previous_ranks(week)) == ((3, 0, 2, 0), (None,) * 4)
    assert (week["supervision.visit_count"], week["projects.begun_count"]) == (4, 2)

    saturday = replace(wednesday, campaigns=(Campaign(DISTRICT, june(20), june(30)),))
    monday = issue_figures(saturday, "daily", DISTRICT, june(22))
    # A5 and B5 on the Saturday, B6 on the Monday. Friday is before the campaign, the Sunday evening is not.
    assert (rest_days(saturday, june(22)), changes(monday), previous_ranks(monday)) == ((2, 1, 0), (1, 1, 0, 0), (None,) * 4)
    assert (monday["supervision.due_count"], monday["supervision.coverage_pct"]) == (1, Decimal("100.0"))


def test_adjoining_campaigns() -> None:
    """The second begins on Monday the 22nd; what the first knew, in A of the first, is nothing to it."""
    problems = (
        problem("A1", A, 18, "open"),
        # Rectified in the first campaign; the office moves it into the second, open.
        problem("A2", A, 18, "rectified", found=18, fixed=18), replace(problem("A2", A, 22, "open", found=22), is_office=True),
        problem("B1", B, 18, "rectified", fixed=18), problem("B2", B, 20, "open", found=20),
        problem("B3", B, 22, "rectified", found=22, fixed=22),
    )  # fmt: skip
    ledgers = Accepted(
        (Campaign(DISTRICT, date(2020, 4, 1), june(21)), Campaign(DISTRICT, june(22), june(30))),
        UNITS, problems, (visit("1", A, 22, "已巡查"),),
    )  # fmt: skip
    last = issue_figures(ledgers, "daily", DISTRICT, june(21))
    assert (last["total.assigned_count"], previous_ranks(last), last["supervision.due_count"]) == (4, (2, 1, None, None), 2)
    assert rest_days(ledgers, june(21)) == (1, 0, 0)
    first = issue_figures(ledgers, "daily", DISTRICT, june(22))
    assert (changes(first), rest_days(ledgers, june(22)), previous_ranks(first)) == ((2, 0, 1, 0), (0, 0, 0), (None,) * 4)
    assert (first["supervision.due_count"], first["supervision.visited_count"], first["supervision.coverage_pct"]) == (0, 0, None)
    second = issue_figures(ledgers, "daily", DISTRICT, june(23))
    assert (changes(second), previous_ranks(second), second["supervision.due_count"]) == ((0, 0, 0, 0), (2, 1, None, None), 1)
    for series in ("weekly", "monthly"):
        period = issue_figures(ledgers, series, DISTRICT, june(23))
        assert (changes(period), previous_ranks(period)) == ((2, 0, 1, 0), (None,) * 4), series
    # Between campaigns there is nothing, and nothing before it.
    apart = replace(ledgers, campaigns=(Campaign(DISTRICT, date(2020, 4, 1), june(21)), Campaign(DISTRICT, june(24), june(30))))
    between = problem_figures(apart, "daily", DISTRICT, june(22))
    assert (between["total.assigned_count"], previous_ranks(between)) == (0, (None,) * 4)


def test_supervision_of_a_day() -> None:
    # The evening before the 24th: A2, B2 and X1 are open; the office is no township.
    assert coverage_figures(LEDGERS, DISTRICT, june(24)) == {
        "supervision.due_count": 2, "supervision.visited_count": 1, "supervision.coverage_pct": Decimal("50.0"),
    }  # fmt: skip
    assert visit_figures(LEDGERS, DISTRICT, june(23), june(24)) == {
        "supervision.visit_count": 3, "supervision.confirmed_count": 0, "supervision.returned_count": 1, "supervision.relapsed_count": 1,
        "supervision.found_count": 1, "supervision.patrolled_count": 0,
    }  # fmt: skip
    week = visit_figures(LEDGERS, DISTRICT, june(19), june(24))
    assert (week["supervision.visit_count"], week["supervision.confirmed_count"]) == (5, 1)
    # Before the withdrawal was known there was one more.
    entered = replace(LEDGERS, visits=(*VISITS, replace(VISITS[-1], withdrawn=False, received_at=datetime(2020, 6, 24, 17, tzinfo=ZONE))))
    evening = datetime(2020, 6, 24, 17, 30, tzinfo=ZONE)
    assert coverage_figures(entered, DISTRICT, june(24), evening)["supervision.visited_count"] == 1
    assert visit_figures(entered, DISTRICT, june(23), june(24), evening)["supervision.visit_count"] == 1
    first = coverage_figures(LEDGERS, DISTRICT, june(22))
    assert (first["supervision.due_count"], first["supervision.coverage_pct"]) == (0, None)


def test_what_is_known_later_is_not_in_it() -> None:
    at = datetime(2020, 6, 23, 17, 30, tzinfo=ZONE)
    late = replace(problem("A2", A, 23, "rectified", fixed=23), received_at=at + timedelta(hours=1))
    ledgers = replace(LEDGERS, problems=(*PROBLEMS, late))
    then, now = (problem_figures(ledgers, "daily", DISTRICT, june(23), known_at) for known_at in (at, None))
    assert (then["total.rectified_count"], now["total.rectified_count"]) == (3, 4)
    assert (then["total.closed_count"], now["total.closed_count"]) == (0, 1)


def project(number: str, unit: str | None, report: int, planned: tuple[int, int] | None = None, **actual: int) -> PlannedProject:
    received_at = datetime(2020, 6, report, 9, tzinfo=ZONE)
    start, finish = (june(day) for day in planned) if planned else (None, None)
    dates = {f"{name}_on": june(day) for name, day in actual.items()}
    none = {"actual_start_on": None, "actual_finish_on": None, "accepted_on": None}
    return PlannedProject(
        DISTRICT, number, unit, unit or OFFICE, unit is None, **none | dates, report_on=june(report), received_at=received_at,
        planned_start_on=start, planned_finish_on=finish, planned_yuan=Decimal("10000.50"),
    )  # fmt: skip


def test_projects() -> None:
    ledgers = replace(
        LEDGERS,
        projects=(
            project("1", A, 20, (1, 20), actual_start=2, actual_finish=18, accepted=19),
            project("2", A, 22, (1, 24), actual_start=2),
            project("3", B, 22, (23, 30)),
            project("3", B, 24, (23, 30), actual_start=24),
            project("4", None, 22, (24, 25)),
            project("5", B, 22, (1, 23)),
            project("6", B, 22, actual_start=3, actual_finish=20),
            project("7", B, 25, (1, 2)),
        ),
    )
    figures = project_figures(ledgers, DISTRICT, june(22), june(24))
    # Started: 1 2 3 6 of 6. Late to start: 5 (4 is planned for the day itself). Late to finish: 5 (2 is due on the day itself).
    assert {name: value for name, value in some(figures, "projects.").items() if "43" not in name} == {
        "total_count": 6, "started_count": 4, "started_pct": Decimal("66.7"), "not_started_count": 2, "finished_count": 2,
        "accepted_count": 1, "begun_count": 1, "late_start_count": 1, "late_finish_count": 1, "planned_yuan": Decimal("60003.00"),
    }  # fmt: skip
    assert not_started(ledgers, DISTRICT, june(24)) == {"4", "5"}
    assert some(figures, "project.5.") == {"late_start_days": 23, "late_finish_days": 1}
    assert (figures[f"projects.{B}.total_count"], figures[f"projects.{B}.started_pct"]) == (3, Decimal("66.7"))
    assert figures[f"projects.{OFFICE}.not_started_count"] == 1 and f"projects.{C}.total_count" not in figures
    # The day before, project 3 had not started, and was not late: it was planned for that day.
    before = project_figures(ledgers, DISTRICT, june(22), june(23))
    assert (before["projects.started_count"], before["projects.late_start_count"], before["projects.late_finish_count"]) == (3, 1, 0)
    assert before["projects.begun_count"] == 0
    assert project_figures(ledgers, DISTRICT, june(2), june(24))["projects.begun_count"] == 2


def movement(number: str, stage: str, yuan: str, day: int, tier: str = "中央", year: int = 2020) -> MovementVersion:
    received_at = datetime(2020, 6, day, 9, tzinfo=ZONE)
    return MovementVersion(DISTRICT, OFFICE, number, year, tier, stage, Decimal(yuan), june(day), june(day), received_at)


def test_funds() -> None:
    ledgers = replace(
        LEDGERS,
        movements=(
            movement("1", "下达", "900.00", 3), movement("2", "收回", "100.00", 9), movement("3", "分配", "500.00", 10),
            movement("4", "拨付", "300.10", 20), movement("5", "支出", "100.05", 22), movement("6", "下达", "400.00", 5, "省级"),
            movement("7", "分配", "250.00", 24, "省级"), movement("8", "分配", "1.00", 25, "省级"),
            movement("9", "下达", "70.00", 2, year=2019), movement("10", "拨付", "5.00", 3, "市级", 2019),
        ),
    )  # fmt: skip
    figures = fund_figures(ledgers, DISTRICT, june(24))
    assert some(figures, "funds.2020.中央.") == {
        "received_yuan": 800, "allocated_yuan": 500, "disbursed_yuan": Decimal("300.10"), "spent_yuan": Decimal("100.05"),
        "unallocated_yuan": 300, "allocated_pct": Decimal("62.5"), "disbursed_pct": Decimal("37.5"), "spent_pct": Decimal("12.5"),
    }  # fmt: skip
    total = some(figures, "funds.2020.total.")
    assert (total["received_yuan"], total["allocated_yuan"], total["allocated_pct"], total["unallocated_yuan"]) == (
        1200, 750, Decimal("62.5"), 450,
    )  # fmt: skip
    assert (total["disbursed_pct"], total["spent_pct"]) == (Decimal("25.0"), Decimal("8.3"))
    assert some(figures, "funds.2019.市级.")["disbursed_pct"] is None and figures["funds.2019.total.received_yuan"] == 70
    # Both have 62.5 % allocated; 中央 has more left. A day later 省级 is ahead; before the 24th it had nothing allocated.
    assert [worst_tier(fund_figures(ledgers, DISTRICT, june(day)), 2020) for day in (23, 24, 25)] == ["省级", "中央", "中央"]
    assert worst_tier(figures, 2019) == "中央" and worst_tier(figures, 2018) is None
    # The allocation of the 24th arrived at nine.
    early = fund_figures(ledgers, DISTRICT, june(24), datetime(2020, 6, 24, 8, tzinfo=ZONE))
    assert early["funds.2020.省级.allocated_yuan"] == 0
    done = replace(ledgers, movements=(movement("1", "下达", "5.00", 1), movement("2", "分配", "5.00", 1)))
    assert worst_tier(fund_figures(done, DISTRICT, june(2)), 2020) is None


def test_each_series_has_its_figures() -> None:
    subjects = {
        series: {code.split(".")[0] for code in issue_figures(LEDGERS, series, DISTRICT, june(24))}
        for series in ("daily", "weekly", "monthly")
    }
    assert subjects["daily"] == {"total", "township", "problem", "due_soon", "supervision"}
    assert subjects["weekly"] == subjects["monthly"] == {"total", "township", "problem", "due_soon", "supervision", "projects"}
    daily, weekly = (issue_figures(LEDGERS, series, DISTRICT, june(24)) for series in ("daily", "weekly"))
    of_a_day = {
        "supervision.due_count", "supervision.visited_count", "supervision.coverage_pct",
        "total.rest_found_count", "total.rest_closed_count", "total.rest_relapsed_count",
    }  # fmt: skip
    assert daily.keys() >= of_a_day and not weekly.keys() & of_a_day
    assert (daily["supervision.visit_count"], weekly["supervision.visit_count"]) == (3, 5)


@pytest.mark.parametrize("seed", range(4))
def test_days_are_those_of_the_other_oracles(seed: int) -> None:
    """Ranks, counts and coverage agree with the oracles that walk through whole campaigns, on every day and as known at some time."""
    history: History = random_history(900 + seed, event_count=120)
    known_at = history.arrivals()[80] if seed % 2 else None
    accepted = Accepted(history.campaigns, history.townships, history.problems, history.visits)
    (campaign,) = [campaign for campaign in history.campaigns if campaign.district_code == DISTRICT]
    days = township_days(history.problems, history.visits, [campaign], history.townships, LAST_DAY, known_at)
    visits = [one for one in history.visits if known_at is None or one.received_at <= known_at]
    supervised = {(row.day, row.group_code): row for row in supervision_days(days, visits, campaign, LAST_DAY)}
    seen_changes = 0
    for day in (LAST_DAY - timedelta(days=number) for number in range(0, 60, 4)):
        figures = issue_figures(accepted, "daily", DISTRICT, day, known_at)
        rows = ranking(history.problems, history.visits, history.campaigns, history.townships, DISTRICT, day, known_at)
        for row in rows:
            own = some(figures, f"township.{row.township_code}.")
            expected = {
                "assigned_count": row.figures.assigned, "rectified_count": row.figures.rectified, "open_count": row.figures.open,
                "overdue_count": row.figures.overdue, "reopened_count": row.figures.reopened, "found_count": row.figures.found,
                "closed_count": row.figures.closed, "oldest_open_workdays": row.figures.oldest_open_workdays, "rank": row.rank,
                "rectified_pct": row.rectified_pct,
            }  # fmt: skip
            assert {name: own[name] for name in expected} == expected, (day, row.township_code)
            seen_changes += own["relapsed_count"] + own["found_count"]
        assert {row.township_code for row in rows} == set(accepted.codes(DISTRICT)) and office_code(DISTRICT) in accepted.codes(DISTRICT)
        before = ranking(
            history.problems, history.visits, history.campaigns, history.townships, DISTRICT, previous_working_day(day), known_at
        )
        assert {row.township_code: row.rank for row in before} == {
            code: figures[f"township.{code}.previous_rank"] for code in accepted.codes(DISTRICT)
        }
        seen = supervised[day, None]
        assert some(figures, "supervision.") == {
            "due_count": seen.due, "visited_count": seen.visited, "coverage_pct": seen.coverage_pct, "visit_count": seen.visits,
            "confirmed_count": seen.confirmed, "returned_count": seen.returned, "relapsed_count": seen.relapsed, "found_count": seen.found,
            # what is left of them
            "patrolled_count": seen.visits - seen.confirmed - seen.returned - seen.relapsed - seen.found,
        }  # fmt: skip
    assert seen_changes > 3


@pytest.mark.parametrize("seed", range(2))
def test_nothing_falls_between_two_issues(seed: int) -> None:
    """What the issue before printed and what happened since then make what is printed, over weekends, holidays and months.

    Of histories without voided problems: these leave the assigned ones without a figure.
    """
    history = random_history(950 + seed, event_count=120)
    kept = tuple(version for version in history.problems if version.status != "void")
    accepted = Accepted(history.campaigns, history.townships, kept, history.visits)
    between = 0
    for day in (date(2020, 4, 1), date(2020, 4, 7), date(2020, 5, 6), june(1), june(22), june(28), june(29)):
        for series in ("daily", "weekly", "monthly"):
            earlier = problem_figures(accepted, series, DISTRICT, previous_working_day(period_start(series, day)))
            figures = problem_figures(accepted, series, DISTRICT, day)
            found, _, closed, relapsed = changes(figures)
            gone = figures["total.withdrawn_open_count"] + figures["total.left_open_count"]
            opened = figures["total.open_before_count"] + found + relapsed
            assert figures["total.open_count"] == opened - closed - gone, (series, day)
            if series == "daily":
                resting = rest_days(accepted, day)
                found, closed, relapsed = (own + rest for own, rest in zip((found, closed, relapsed), resting, strict=True))
                between += sum(resting)
            assert figures["total.assigned_count"] == earlier["total.assigned_count"] + found, (series, day)
            assert figures["total.rectified_count"] == earlier["total.rectified_count"] + closed - relapsed, (series, day)
    assert between > 3
