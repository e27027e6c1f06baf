"""The projects of a district as known now, and week by week."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

import psycopg
from psycopg.rows import class_row

from duban.statements import statement
from duban.text.display import half_up_pct

STAGES = ("not_started", "started", "finished", "accepted")
# A quarter of a year of weekly counts.
SHOWN_WEEKS = 13
# Reported progress of projects under construction is counted in quarters; whoever says 100 without a finishing date stands alone.
PROGRESS_STEPS = (25, 50, 75, 100)


@dataclass(frozen=True)
class Project:
    """A project."""

    project_no: str
    project_name: str
    category: str
    township_code: str
    township_name: str
    place: str | None
    planned_yuan: Decimal
    planned_start_on: date | None
    planned_finish_on: date | None
    progress_pct: Decimal | None
    stage: str


@dataclass(frozen=True)
class StageCounts:
    """How many of some projects are in each stage."""

    not_started_count: int
    started_count: int
    finished_count: int
    accepted_count: int

    @property
    def total_count(self) -> int:
        """All of them."""
        return self.not_started_count + self.begun_count

    @property
    def begun_count(self) -> int:
        """Projects that were started, whatever became of them since."""
        return self.started_count + self.finished_count + self.accepted_count

    @property
    def done_count(self) -> int:
        """Projects that are finished, accepted or not."""
        return self.finished_count + self.accepted_count

    @property
    def begun_pct(self) -> Decimal | None:
        """The rate of projects started."""
        return half_up_pct(self.begun_count, self.total_count)

    @property
    def done_pct(self) -> Decimal | None:
        """The rate of projects finished."""
        return half_up_pct(self.done_count, self.total_count)


@dataclass(frozen=True)
class TownshipProjects:
    """The projects of one township, or of the departments."""

    township_code: str
    township_name: str
    counts: StageCounts


@dataclass(frozen=True)
class Slippage:
    """A project behind its plan, and by how many calendar days."""

    project: Project
    days: int


@dataclass(frozen=True)
class ProjectWeek:
    """All projects at the end of a week."""

    week_ending_on: date
    counts: StageCounts


@dataclass(frozen=True)
class Projects:
    """The projects of a district."""

    projects: tuple[Project, ...]  # in the order of townships and numbers
    as_of: date | None  # the day from which lateness is counted; None: no day is known
    weeks: tuple[ProjectWeek, ...]  # newest first

    @cached_property
    def counts(self) -> StageCounts:
        """All of them by stage."""
        return stage_counts(self.projects)

    @cached_property
    def waiting(self) -> tuple[Project, ...]:
        """Those not started; the one that should have begun first comes first."""
        waiting = (project for project in self.projects if project.stage == "not_started")
        return tuple(sorted(waiting, key=lambda project: (project.planned_start_on is None, project.planned_start_on or date.max)))

    @cached_property
    def start_late(self) -> tuple[Slippage, ...]:
        """Not started though the planned day has passed, the latest first."""
        return self._late(self.waiting, lambda project: project.planned_start_on)

    @cached_property
    def finish_late(self) -> tuple[Slippage, ...]:
        """Not finished though the planned day has passed, the latest first."""
        unfinished = tuple(project for project in self.projects if project.stage in ("not_started", "started"))
        return self._late(unfinished, lambda project: project.planned_finish_on)

    @cached_property
    def by_category(self) -> tuple[tuple[str, StageCounts], ...]:
        """Categories with their counts, the largest first."""
        groups = self._grouped(lambda project: project.category)
        return tuple(sorted(groups.items(), key=lambda group: (-group[1].total_count, group[0])))

    @cached_property
    def by_township(self) -> tuple[TownshipProjects, ...]:
        """Townships that have projects, in their order."""
        names = {project.township_code: project.township_name for project in self.projects}
        groups = self._grouped(lambda project: project.township_code)
        return tuple(TownshipProjects(code, names[code], counts) for code, counts in groups.items())

    @cached_property
    def by_progress(self) -> tuple[tuple[str, int], ...]:
        """How far those under construction say they are."""
        running = [project for project in self.projects if project.stage == "started"]
        counts = [(f"{top - 25}%～{top}%", _between(running, top - 25, top)) for top in PROGRESS_STEPS]
        counts.append(("报100%未填完工", sum(project.progress_pct is not None and project.progress_pct >= 100 for project in running)))
        counts.append(("未填进度", sum(project.progress_pct is None for project in running)))
        return tuple(counts)

    def late_days(self, project: Project) -> int | None:
        """Calendar days since a project not started should have begun; None when it is not late."""
        return next((slipped.days for slipped in self.start_late if slipped.project is project), None)

    def _late(self, projects: tuple[Project, ...], planned: Callable[[Project], date | None]) -> tuple[Slippage, ...]:
        if self.as_of is None:
            return ()
        late = [Slippage(project, (self.as_of - day).days) for project in projects if (day := planned(project)) and day < self.as_of]
        return tuple(sorted(late, key=lambda slipped: -slipped.days))

    def _grouped(self, key: Callable[[Project], str]) -> dict[str, StageCounts]:
        groups: dict[str, list[Project]] = {}
        for project in self.projects:
            groups.setdefault(key(project), []).append(project)
        return {name: stage_counts(found) for name, found in groups.items()}


def stage_counts(projects: tuple[Project, ...] | list[Project]) -> StageCounts:
    """Projects counted by stage."""
    return StageCounts(*(sum(project.stage == stage for project in projects) for stage in STAGES))


def _between(projects: list[Project], low: int, high: int) -> int:
    return sum(project.progress_pct is not None and low <= project.progress_pct < high for project in projects)


def read_projects(conn: psycopg.Connection, district_code: str, as_of: date | None) -> Projects:
    """The projects of a district; lateness and weeks are those of `as_of`."""
    where = {"district_code": district_code, "last_week_on": as_of and as_of + timedelta(days=6 - as_of.weekday()), "weeks": SHOWN_WEEKS}
    return Projects(
        projects=tuple(conn.cursor(row_factory=class_row(Project)).execute(statement(__file__, "projects"), where).fetchall()),
        as_of=as_of,
        weeks=tuple(
            ProjectWeek(week, StageCounts(*counts)) for week, *counts in conn.execute(statement(__file__, "projects_weeks"), where)
        ),
    )
