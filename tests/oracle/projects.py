"""Projects by brute force: the current version and the stage that its actual dates say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from .rates import percent


@dataclass(frozen=True)
class ProjectVersion:
    """One accepted row of a project ledger; ``withdrawn`` is a filled 撤销原因, which only the office's rows may carry."""

    district_code: str
    project_no: str
    township_code: str | None
    unit_code: str
    is_office: bool
    actual_start_on: date | None
    actual_finish_on: date | None
    accepted_on: date | None
    report_on: date
    received_at: datetime
    withdrawn: bool = False


def stage_of(project: ProjectVersion) -> str:
    """Names the stage by the actual dates only, the furthest one that is filled."""
    if project.accepted_on is not None:
        return "accepted"
    if project.actual_finish_on is not None:
        return "finished"
    if project.actual_start_on is not None:
        return "started"
    return "not_started"


def current_projects(
    versions: Iterable[ProjectVersion], day: date | None = None, known_at: datetime | None = None
) -> dict[tuple[str, str], ProjectVersion]:
    """Picks (district, project number) → current version, as of a day and a knowledge time (None: all); void ones are left out."""
    histories: dict[tuple[str, str], list[ProjectVersion]] = {}
    for version in versions:
        if (day is None or version.report_on <= day) and (known_at is None or version.received_at <= known_at):
            histories.setdefault((version.district_code, version.project_no), []).append(version)
    current = {}
    for key, history in histories.items():
        history.sort(key=lambda v: (v.report_on, v.received_at))
        from_office = [v for v in history if v.is_office]
        if from_office and from_office[-1].withdrawn:
            continue
        current[key] = history[-1]
    return current


def started_pct(projects: Iterable[ProjectVersion]) -> Decimal | None:
    """Returns the share of projects that are started or further, in percent."""
    stages = [stage_of(project) for project in projects]
    return percent(sum(stage != "not_started" for stage in stages), len(stages))
