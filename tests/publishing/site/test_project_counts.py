"""Projects counted: stages, groups, lateness, progress."""

from datetime import date
from decimal import Decimal

from duban.publishing.site.figures.projects import Projects, StageCounts
from tests.publishing.site.made_up import DAY, PROJECTS, project


def projects(*found, as_of=DAY) -> Projects:
    return Projects(found, as_of, ())


def test_stages_are_counted_and_rates_are_of_all():
    assert PROJECTS.counts == StageCounts(2, 2, 1, 3)
    assert (PROJECTS.counts.total_count, PROJECTS.counts.begun_count, PROJECTS.counts.done_count) == (8, 6, 4)
    assert (PROJECTS.counts.begun_pct, PROJECTS.counts.done_pct) == (Decimal("75.0"), Decimal("50.0"))
    assert StageCounts(0, 0, 0, 0).begun_pct is None


def test_groups_add_up_and_the_largest_category_comes_first():
    assert [(name, counts.total_count) for name, counts in PROJECTS.by_category] == [("基础设施", 7), ("健康", 1)]
    assert [(one.township_name, one.counts.total_count) for one in PROJECTS.by_township] == [("沙头镇", 5), ("新桥河镇", 3)]


def test_late_is_what_should_have_begun_or_ended_before_the_day():
    one_day = projects(
        project(1, stage="not_started", planned_start_on=DAY, planned_finish_on=date(2020, 6, 29)),
        project(2, stage="not_started", planned_start_on=date(2020, 6, 29), planned_finish_on=DAY),
        project(3, stage="not_started"),
        project(4, stage="started", planned_start_on=date(2020, 1, 1), planned_finish_on=date(2020, 5, 30)),
        project(5, stage="finished", planned_finish_on=date(2020, 1, 1)),
        project(6, stage="accepted", planned_finish_on=date(2020, 1, 1)),
    )
    assert [(late.project.project_no, late.days) for late in one_day.start_late] == [("ZY-2", 1)]
    assert [(late.project.project_no, late.days) for late in one_day.finish_late] == [("ZY-4", 31), ("ZY-1", 1)]
    assert [one_day.late_days(found) for found in one_day.projects[:3]] == [None, 1, None]


def test_without_a_day_nothing_is_late():
    assert projects(project(1, stage="not_started", planned_start_on=date(2014, 1, 1)), as_of=None).start_late == ()


def test_the_one_that_should_have_begun_first_comes_first_and_those_without_a_plan_last():
    waiting = projects(
        project(1, stage="not_started"),
        project(2, stage="not_started", planned_start_on=date(2020, 5, 2)),
        project(3, stage="not_started", planned_start_on=date(2020, 5, 1)),
    ).waiting
    assert [found.project_no for found in waiting] == ["ZY-3", "ZY-2", "ZY-1"]


def test_progress_of_those_under_construction_falls_into_one_class_each():
    running = [
        project(number, progress_pct=None if value is None else Decimal(value))
        for number, value in enumerate(("0", "24.9", "25", "75", "99.9", "100", "120", None))
    ]
    counts = projects(*running, project(99, stage="finished", progress_pct=Decimal(100))).by_progress
    assert [count for _, count in counts] == [2, 1, 0, 2, 2, 1]
    assert sum(count for _, count in counts) == len(running)
