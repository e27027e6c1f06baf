"""Projects week by week by brute force: every week asks anew which version was current at its end, and adds the money up again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from .funds import MovementVersion, current_movements
from .projects import ProjectVersion, current_projects, stage_of


@dataclass(frozen=True)
class ReportedProject(ProjectVersion):
    """A version with 形象进度."""

    progress_pct: Decimal | None = None


@dataclass(frozen=True)
class ProjectMovement(MovementVersion):
    """A movement that may name a project."""

    project_no: str | None = None


@dataclass(frozen=True)
class ProjectWeek:
    """A project at the end of a week."""

    stage: str
    is_started: bool
    progress_pct: Decimal | None
    disbursed_yuan: Decimal
    spent_yuan: Decimal


def sunday_of(day: date) -> date:
    """The Sunday that ends the week of a day; weeks begin on Monday."""
    while day.isoweekday() != 7:
        day += timedelta(days=1)
    return day


def weeks_of(first_reported_on: date, today: date) -> list[date]:
    """The Sundays from the week of the first report to this week, or to the one that holds the last day of the year of that report."""
    last = min(sunday_of(today), sunday_of(date(first_reported_on.year, 12, 31)))
    sundays = [sunday_of(first_reported_on)]
    while sundays[-1] < last:
        sundays.append(sundays[-1] + timedelta(days=7))
    return [sunday for sunday in sundays if sunday <= last]


def project_weeks(
    versions: Iterable[ReportedProject], movements: Iterable[ProjectMovement], today: date
) -> dict[tuple[str, str, date], ProjectWeek]:
    """Works out (district, project number, Sunday) for every week in which the project is not withdrawn, as known now."""
    versions, paid = list(versions), current_movements(movements)
    firsts: dict[tuple[str, str], date] = {}
    for version in versions:
        key = (version.district_code, version.project_no)
        firsts[key] = min(version.report_on, firsts.get(key, version.report_on))
    weeks = {}
    for sunday in sorted({sunday for first in firsts.values() for sunday in weeks_of(first, today)}):
        current = current_projects(versions, day=sunday)
        for key, first in firsts.items():
            if key in current and sunday in weeks_of(first, today):
                of_project = [m for m in paid if (m.district_code, m.project_no) == key and m.moved_on <= sunday]
                weeks[(*key, sunday)] = _week(current[key], of_project)
    return weeks


def _week(project: ReportedProject, movements: Sequence[ProjectMovement]) -> ProjectWeek:
    def total(stage: str) -> Decimal:
        return sum((m.amount_yuan for m in movements if m.stage == stage), Decimal("0.00"))

    progress = project.progress_pct
    return ProjectWeek(
        stage=stage_of(project),
        is_started=project.actual_start_on is not None,
        progress_pct=None if progress is None else progress.quantize(Decimal("0.1"), ROUND_HALF_UP),
        disbursed_yuan=total("拨付"),
        spent_yuan=total("支出"),
    )
