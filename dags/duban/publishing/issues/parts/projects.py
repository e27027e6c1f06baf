"""The projects as they stood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from duban.publishing.issues.figures import Figure, Figures
from duban.publishing.issues.issue import Frozen, Row
from duban.publishing.issues.parts.part import Part, Sheet, place
from duban.publishing.issues.series import MONTHLY, WEEKLY

STAGES = {"not_started": "未开工", "started": "在建", "finished": "已完工", "accepted": "已验收"}
BEGUN = ("started", "finished", "accepted")


def _projects(figures: Figures, frozen: Frozen) -> None:
    _project_counts(figures, "projects", frozen.whole, frozen.projects, frozen)
    for line in frozen.ranking:
        own = [project for project in frozen.projects if project.township_code == line.township_code]
        if own:
            _project_counts(figures, f"projects.{line.township_code}", line.township_name, own, frozen)
    for project in frozen.projects:
        code, label = f"project.{project.project_no}", f"项目{project.project_no}"
        figures.add(Figure(f"{code}.planned_yuan", f"{label}计划总投资", project.planned_yuan, "yuan", (project,)))
        for name, said, planned in (("late_start", "开工", project.planned_start_on), ("late_finish", "完工", project.planned_finish_on)):
            if _is_late(project, name, frozen):
                days = (frozen.issue.business_on - planned).days
                figures.add(Figure(f"{code}.{name}_days", f"{label}逾期未{said}天数", days, "days", (project,)))


def _project_counts(figures: Figures, prefix: str, name: str, projects: Sequence[Row], frozen: Frozen) -> None:
    figures.count(f"{prefix}.total_count", f"{name}项目数", projects)
    figures.count(f"{prefix}.started_count", f"{name}已开工项目数", (project for project in projects if project.stage in BEGUN))
    figures.pct(f"{prefix}.started_pct", f"{name}项目开工率", f"{prefix}.started_count", f"{prefix}.total_count")
    for stage, said in (("not_started", "未开工"), ("finished", "已完工"), ("accepted", "已验收")):
        # what is accepted was finished
        stages = ("finished", "accepted") if stage == "finished" else (stage,)
        figures.count(f"{prefix}.{stage}_count", f"{name}{said}项目数", (project for project in projects if project.stage in stages))
    issue = frozen.issue
    begun = (one for one in projects if one.actual_start_on and issue.compared_on < one.actual_start_on <= issue.business_on)
    figures.count(f"{prefix}.begun_count", f"{name}本期开工项目数", begun)
    for late, said in (("late_start", "开工"), ("late_finish", "完工")):
        figures.count(f"{prefix}.{late}_count", f"{name}逾期未{said}项目数", (one for one in projects if _is_late(one, late, frozen)))
    figures.add(
        Figure(
            f"{prefix}.planned_yuan", f"{name}计划总投资", sum((one.planned_yuan for one in projects), Decimal(0)), "yuan", tuple(projects)
        )
    )


def _is_late(project: Row, what: str, frozen: Frozen) -> bool:
    """Whether the planned day has passed and nothing has happened."""
    planned, actual = (
        (project.planned_start_on, project.actual_start_on)
        if what == "late_start"
        else (project.planned_finish_on, project.actual_finish_on)
    )
    return planned is not None and planned < frozen.issue.business_on and actual is None


def _wording(frozen: Frozen, figures: Figures) -> Mapping[str, Any]:
    late = (one for one in frozen.projects if f"project.{one.project_no}.late_finish_days" in figures)
    return {"late_finishers": sorted(late, key=lambda project: project.planned_finish_on)}


PROJECTS = Part(
    name="projects",
    row="project",
    order="planned_start_on nulls last, township_code, project_no",
    said=lambda frozen, row: f"项目{row.project_no} {frozen.place(row.township_code)}".strip(),
    series=frozenset({WEEKLY.code, MONTHLY.code}),
    figures=_projects,
    wording=_wording,
    sheet=Sheet(
        "项目明细",
        {
            "项目编号": "project_no",
            "项目名称": "project_name",
            "类别": "category",
            "乡镇（街道）": place,
            "地点": "place",
            "责任单位": "responsible_unit",
            "计划总投资（万元）": lambda frozen, row: row.planned_yuan / 10_000,
            "计划开工": "planned_start_on",
            "计划完工": "planned_finish_on",
            "实际开工": "actual_start_on",
            "实际完工": "actual_finish_on",
            "验收": "accepted_on",
            "进度": lambda frozen, row: STAGES[row.stage],
        },
    ),
    subject="project_no",
    texts={"项目名称": "project_name", "实施地点": "place", "责任单位": "responsible_unit"},
    marks={"项目编号": "project_no"},
)
