"""What an issue must print, by brute force: every figure of a day or period counted anew from everything that was accepted.

Figures are named as the publications name them: `total.open_count`, `township.430902102.rank`, `funds.2020.省级.allocated_pct` …
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from .funds import MovementVersion, current_movements
from .projects import ProjectVersion, current_projects, stage_of
from .ranking import (
    REOPENING,
    Campaign,
    ProblemVersion,
    Township,
    TownshipDay,
    VisitVersion,
    current_problem,
    current_visits,
    office_code,
    rank_units,
)
from .rates import percent
from .workdays import is_working_day, working_days_between

ONE_DAY = timedelta(days=1)
VERDICTS = {"confirmed": "属实", "returned": "退回", "relapsed": "反弹", "found": "新发现", "patrolled": "已巡查"}
BEGUN = ("started", "finished", "accepted")
DUE_SOON_WORKDAYS = 3

Value = int | Decimal | None
Figures = dict[str, Value]


@dataclass(frozen=True)
class PlannedProject(ProjectVersion):
    """A version with what was planned."""

    planned_start_on: date | None = None
    planned_finish_on: date | None = None
    planned_yuan: Decimal = Decimal(0)


@dataclass(frozen=True)
class Accepted:
    """Everything that was ever accepted of all districts, every version of it, and what the districts are."""

    campaigns: tuple[Campaign, ...]
    townships: tuple[Township, ...]
    problems: tuple[ProblemVersion, ...] = ()
    visits: tuple[VisitVersion, ...] = ()
    projects: tuple[PlannedProject, ...] = ()
    movements: tuple[MovementVersion, ...] = ()

    def codes(self, district_code: str) -> list[str]:
        """The units of a district that own problems, the office among them."""
        return sorted({unit.code for unit in self.townships if unit.code[:6] == district_code} | {office_code(district_code)})


@dataclass(frozen=True)
class Standing:
    """An assigned problem (one in A) on one day."""

    township_code: str
    found_on: date
    due_on: date
    is_rectified: bool
    was_reopened: bool


def period_start(series: str, day: date) -> date:
    """First day of the period of an issue: the day itself, the Monday of its week, the first of its month."""
    if series == "weekly":
        while day.isoweekday() != 1:
            day -= ONE_DAY
    return date(day.year, day.month, 1) if series == "monthly" else day


def previous_working_day(day: date) -> date:
    """The last working day before a day."""
    day -= ONE_DAY
    while not is_working_day(day):
        day -= ONE_DAY
    return day


def compared_on(series: str, day: date) -> date:
    """The day after which an issue counts: of a day the evening before; of a week or month the last working day before it."""
    return day - ONE_DAY if series == "daily" else previous_working_day(period_start(series, day))


def issue_figures(accepted: Accepted, series: str, district_code: str, day: date, known_at: datetime | None = None) -> Figures:
    """Every figure of the issue of a series about a day, as known at `known_at` (None: now)."""
    since = compared_on(series, day)
    figures = problem_figures(accepted, series, district_code, day, known_at)
    figures |= visit_figures(accepted, district_code, since, day, known_at)
    if series == "daily":
        rest_days = rest_day_figures(accepted, district_code, day, known_at)
        return figures | rest_days | coverage_figures(accepted, district_code, day, known_at)
    projects = project_figures(accepted, district_code, since, day, known_at)
    return figures | projects | fund_figures(accepted, district_code, day, known_at)


# ── problems ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def campaign_of(accepted: Accepted, district_code: str, day: date) -> Campaign | None:
    """The campaign of a district that contains a day."""
    running = [one for one in accepted.campaigns if one.district_code == district_code and one.start_on <= day <= one.end_on]
    return running[0] if running else None


def standings(accepted: Accepted, campaign: Campaign | None, day: date, known_at: datetime | None = None) -> dict[str, Standing]:
    """Problem number → standing of all problems in A of a campaign on a day up to its end: none before it, none without a campaign."""
    if campaign is None:
        return {}
    district_code = campaign.district_code
    histories: dict[str, list[ProblemVersion]] = {}
    for version in accepted.problems:
        if version.district_code == district_code:
            histories.setdefault(version.problem_no, []).append(version)
    undone: dict[str, list[date]] = {}
    for visit in current_visits(accepted.visits, known_at):
        if visit.district_code == district_code and visit.verdict in REOPENING and visit.visited_on <= day and visit.problem_no:
            undone.setdefault(visit.problem_no, []).append(visit.visited_on)
    standing = {}
    for number, history in histories.items():
        current = current_problem(history, day, known_at)
        if not current or current.status == "void" or not campaign.start_on <= current.found_on <= day:
            continue
        visited = undone.get(number, [])
        is_rectified = current.status == "rectified" and all(
            current.report_on > on and current.rectified_on and current.rectified_on >= on for on in visited
        )
        owner = current.township_code or office_code(district_code)
        standing[number] = Standing(owner, current.found_on, current.due_on, is_rectified, bool(visited))
    return standing


def problem_figures(accepted: Accepted, series: str, district_code: str, day: date, known_at: datetime | None = None) -> Figures:
    """Problems of the district and of each unit on a day, what its period changed, and the ranks on the day and on the working day before.

    Earlier days are those of the campaign that contains the day: before its first day there is nothing.
    """
    campaign = campaign_of(accepted, district_code, day)
    since, previous_on = compared_on(series, day), previous_working_day(period_start(series, day))
    now, before, previous = (standings(accepted, campaign, on, known_at) for on in (day, since, previous_on))
    ranks, previous_ranks = (_ranks(accepted, district_code, *of) for of in ((now, day), (previous, previous_on)))
    figures = {f"total.{name}": value for name, value in _count(now, before, day).items()}
    void_before = withdrawn(accepted, campaign, since, known_at)
    new = {number: one for number, one in now.items() if number not in before}
    figures["total.restored_count"] = len(new.keys() & void_before)
    figures["total.first_reported_count"] = sum(one.found_on <= since for number, one in new.items() if number not in void_before)
    figures["total.overdue_reopened_count"] = sum(one.due_on < day and one.was_reopened for one in now.values() if not one.is_rectified)
    figures["total.urgent_count"] = sum(one.due_on < day or one.was_reopened for one in now.values() if not one.is_rectified)
    figures |= change_figures(accepted, series, district_code, day, known_at)
    for code in accepted.codes(district_code):
        own = {number: one for number, one in now.items() if one.township_code == code}
        counted = _count(own, before, day) | {"rank": ranks[code], "previous_rank": previous_ranks[code]}
        figures |= {f"township.{code}.{name}": value for name, value in counted.items()}
    for number, one in now.items():
        if not one.is_rectified:
            figures[f"problem.{number}.open_workdays"] = working_days_between(one.found_on, day)
            if one.due_on < day:
                figures[f"problem.{number}.overdue_days"] = (day - one.due_on).days
    return figures | _due_soon(now, day)


def withdrawn(accepted: Accepted, campaign: Campaign | None, day: date, known_at: datetime | None = None) -> set[str]:
    """The problems of a campaign that are void on a day: the last word of the office until then is 撤销."""
    histories: dict[str, list[ProblemVersion]] = {}
    for version in accepted.problems:
        if campaign and version.district_code == campaign.district_code:
            histories.setdefault(version.problem_no, []).append(version)
    current = {number: current_problem(history, day, known_at) for number, history in histories.items()}
    return {number for number, one in current.items() if one and one.status == "void" and campaign.start_on <= one.found_on <= day}


def change_figures(accepted: Accepted, series: str, district_code: str, day: date, known_at: datetime | None = None) -> Figures:
    """What a reader adds up: the open problems before, those withdrawn, moved or not counted any more, of the district and of each unit."""
    campaign = campaign_of(accepted, district_code, day)
    since = compared_on(series, day)
    now, before = (standings(accepted, campaign, on, known_at) for on in (day, since))
    void = withdrawn(accepted, campaign, day, known_at)
    was_open = {number: one.township_code for number, one in before.items() if not one.is_rectified}
    figures: Figures = {}
    for code in [*accepted.codes(district_code), None]:
        own = {number for number, owner in was_open.items() if code in (None, owner)}
        prefix = f"township.{code}" if code else "total"
        figures[f"{prefix}.open_before_count"] = len(own)
        figures[f"{prefix}.withdrawn_open_count"] = len(own & void)
        figures[f"{prefix}.left_open_count"] = len(own - void - now.keys())
        if code:
            figures[f"{prefix}.moved_in_count"] = sum(
                one.township_code == code != was_open.get(number, code) for number, one in now.items()
            )
            figures[f"{prefix}.moved_out_count"] = sum(number in now and now[number].township_code != code for number in own)
    return figures


def rest_day_figures(accepted: Accepted, district_code: str, day: date, known_at: datetime | None = None) -> Figures:
    """What the rest days between the working day before and a day changed: no bulletin of a day counts it among its own changes."""
    campaign = campaign_of(accepted, district_code, day)
    evening, previous = (standings(accepted, campaign, on, known_at) for on in (day - ONE_DAY, previous_working_day(day)))
    counted = _count(evening, previous, day - ONE_DAY)
    gone = {number for number, one in previous.items() if not one.is_rectified} - evening.keys()
    void = withdrawn(accepted, campaign, day - ONE_DAY, known_at)
    return {f"total.rest_{name}_count": counted[f"{name}_count"] for name in ("found", "closed", "relapsed")} | {
        "total.open_previous_count": sum(not one.is_rectified for one in previous.values()),
        "total.rest_withdrawn_count": len(gone & void),
        "total.rest_left_count": len(gone - void),
    }


def _due_soon(now: Mapping[str, Standing], day: date) -> Figures:
    """Open problems that are due while at most three working days are left, of the district and of each unit that has any."""
    soon_until = day
    while working_days_between(day, soon_until + ONE_DAY) <= DUE_SOON_WORKDAYS:
        soon_until += ONE_DAY
    owners = [one.township_code for one in now.values() if not one.is_rectified and day <= one.due_on <= soon_until]
    return {"due_soon.total_count": len(owners)} | {f"due_soon.{code}.count": owners.count(code) for code in set(owners)}


def _count(now: Mapping[str, Standing], before: Mapping[str, Standing], day: date) -> Figures:
    rectified = {number for number, one in now.items() if one.is_rectified}
    rectified_before = {number for number, one in before.items() if one.is_rectified}
    still_open = [one for one in now.values() if not one.is_rectified]
    return {
        "assigned_count": len(now),
        "rectified_count": len(rectified),
        "open_count": len(still_open),
        "overdue_count": sum(one.due_on < day for one in still_open),
        "reopened_count": sum(one.was_reopened for one in still_open),
        "oldest_open_workdays": max((working_days_between(one.found_on, day) for one in still_open), default=0),
        "rectified_pct": percent(len(rectified), len(now)),
        "found_count": len(now.keys() - before.keys()),
        "closed_count": len(rectified - rectified_before),
        "relapsed_count": len((now.keys() - rectified) & rectified_before),
    }


def _ranks(accepted: Accepted, district_code: str, standing: Mapping[str, Standing], day: date) -> dict[str, int | None]:
    days = {}
    for code in accepted.codes(district_code):
        own = _count({number: one for number, one in standing.items() if one.township_code == code}, {}, day)
        names = ("assigned", "rectified", "open", "overdue", "reopened", "found", "closed")
        days[code] = TownshipDay(*(own[f"{name}_count"] for name in names), own["oldest_open_workdays"])
    return {row.township_code: row.rank for row in rank_units(days, accepted.townships)}


# ── supervision ──────────────────────────────────────────────────────────────────────────────────────────────────────


def visit_figures(accepted: Accepted, district_code: str, since: date, day: date, known_at: datetime | None = None) -> Figures:
    """The visits after `since`, up to a day, by verdict."""
    made = _visits(accepted, district_code, since, day, known_at)
    counts = {f"supervision.{name}_count": sum(visit.verdict == word for visit in made) for name, word in VERDICTS.items()}
    return {"supervision.visit_count": len(made)} | counts


def coverage_figures(accepted: Accepted, district_code: str, day: date, known_at: datetime | None = None) -> Figures:
    """Of the townships that were not at zero the evening before, how many were visited on the day."""
    evening_before = standings(accepted, campaign_of(accepted, district_code, day), day - ONE_DAY, known_at).values()
    due = {one.township_code for one in evening_before if not one.is_rectified} - {office_code(district_code)}
    seen = due & {visit.township_code for visit in _visits(accepted, district_code, day - ONE_DAY, day, known_at)}
    return {
        "supervision.due_count": len(due),
        "supervision.visited_count": len(seen),
        "supervision.coverage_pct": percent(len(seen), len(due)),
    }


def _visits(accepted: Accepted, district_code: str, since: date, day: date, known_at: datetime | None) -> list[VisitVersion]:
    current = current_visits(accepted.visits, known_at)
    return [visit for visit in current if visit.district_code == district_code and since < visit.visited_on <= day]


# ── projects and funds ───────────────────────────────────────────────────────────────────────────────────────────────


def project_figures(accepted: Accepted, district_code: str, since: date, day: date, known_at: datetime | None = None) -> Figures:
    """Projects as of a day and those begun after `since`, of the district and of each unit that has any; how late the late ones are."""
    now = _projects(accepted, district_code, day, known_at)
    figures = {f"projects.{name}": value for name, value in _count_projects(now, since, day).items()}
    for code in accepted.codes(district_code):
        own = {number: one for number, one in now.items() if (one.township_code or office_code(district_code)) == code}
        if own:
            figures |= {f"projects.{code}.{name}": value for name, value in _count_projects(own, since, day).items()}
    for number, project in now.items():
        if _starts_late(project, day):
            figures[f"project.{number}.late_start_days"] = (day - project.planned_start_on).days
        if _finishes_late(project, day):
            figures[f"project.{number}.late_finish_days"] = (day - project.planned_finish_on).days
    return figures


def not_started(accepted: Accepted, district_code: str, day: date, known_at: datetime | None = None) -> set[str]:
    """The numbers of the projects that have not started."""
    return {number for number, one in _projects(accepted, district_code, day, known_at).items() if stage_of(one) == "not_started"}


def _projects(accepted: Accepted, district_code: str, day: date, known_at: datetime | None) -> dict[str, PlannedProject]:
    current = current_projects(accepted.projects, day, known_at)
    return {number: project for (district, number), project in current.items() if district == district_code}


def _count_projects(now: Mapping[str, PlannedProject], since: date, day: date) -> Figures:
    stages = [stage_of(project) for project in now.values()]
    started_on = [project.actual_start_on for project in now.values() if project.actual_start_on]
    return {
        "total_count": len(now),
        "started_count": sum(stage in BEGUN for stage in stages),
        "started_pct": percent(sum(stage in BEGUN for stage in stages), len(now)),
        "not_started_count": stages.count("not_started"),
        # What is accepted was finished.
        "finished_count": sum(stage in ("finished", "accepted") for stage in stages),
        "accepted_count": stages.count("accepted"),
        "begun_count": sum(since < on <= day for on in started_on),
        "late_start_count": sum(_starts_late(project, day) for project in now.values()),
        "late_finish_count": sum(_finishes_late(project, day) for project in now.values()),
        "planned_yuan": sum((project.planned_yuan for project in now.values()), Decimal(0)),
    }


def _starts_late(project: PlannedProject, day: date) -> bool:
    return project.actual_start_on is None and project.planned_start_on is not None and project.planned_start_on < day


def _finishes_late(project: PlannedProject, day: date) -> bool:
    return project.actual_finish_on is None and project.planned_finish_on is not None and project.planned_finish_on < day


def fund_figures(accepted: Accepted, district_code: str, day: date, known_at: datetime | None = None) -> Figures:
    """Money up to a day by fund year and tier, and of all tiers together; rates of what was received."""
    current = current_movements(accepted.movements, known_at)
    moved = [movement for movement in current if movement.district_code == district_code and movement.moved_on <= day]
    figures: Figures = {}
    for year in {movement.fund_year for movement in moved}:
        of_year = [movement for movement in moved if movement.fund_year == year]
        for tier in {movement.tier for movement in of_year} | {"total"}:
            added = _add_up(movement for movement in of_year if tier in ("total", movement.tier))
            figures |= {f"funds.{year}.{tier}.{name}": value for name, value in added.items()}
    return figures


def worst_tier(figures: Mapping[str, Value], year: int) -> str | None:
    """The tier of which the smallest share is allocated (of equal shares, the one with more left); None: all is allocated everywhere."""
    behind = []
    for code, received in figures.items():
        prefix = code.removesuffix(".received_yuan")
        if code.startswith(f"funds.{year}.") and prefix != code and not prefix.endswith(".total") and received > 0:
            unallocated = figures[f"{prefix}.unallocated_yuan"]
            if unallocated > 0:
                share = Fraction(figures[f"{prefix}.allocated_yuan"]) / Fraction(received)
                behind.append((share, -unallocated, prefix.rsplit(".", 1)[1]))
    return min(behind)[2] if behind else None


def _add_up(movements: Iterable[MovementVersion]) -> Figures:
    sums = dict.fromkeys(("下达", "收回", "分配", "拨付", "支出"), Decimal(0))
    for movement in movements:
        sums[movement.stage] += movement.amount_yuan
    received = sums["下达"] - sums["收回"]
    paid = {"allocated": sums["分配"], "disbursed": sums["拨付"], "spent": sums["支出"]}
    return (
        {"received_yuan": received, "unallocated_yuan": received - paid["allocated"]}
        | {f"{name}_yuan": amount for name, amount in paid.items()}
        | {f"{name}_pct": percent(amount, received) for name, amount in paid.items()}
    )
