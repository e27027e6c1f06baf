"""Every number that an issue prints, each with the frozen rows it was counted from.

A figure is counted here once, under one code; prose, tables, page and manifest print it from here, and a trace follows its rows back to
file, sheet and row. Counts, amounts and rates are whole numbers and decimals; rates are rounded half up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from markupsafe import Markup

from duban.publishing.issues.frozen import Frozen, Row
from duban.publishing.issues.series import SERIES
from duban.text import display

TIERS = ("中央", "省级", "市级", "区级", "其他")
VERDICTS = {"confirmed": "属实", "returned": "退回", "relapsed": "反弹", "found": "新发现", "patrolled": "已巡查"}
BEGUN = ("started", "finished", "accepted")
#: What figures are called that an issue of an earlier release does not have (`Issue.has_chain`).
CHAINED = frozenset(
    f"{name}_count"
    for name in (
        *("open_before", "withdrawn", "withdrawn_open", "withdrawn_rectified", "withdrawn_other", "left", "left_open", "moved_in"),
        *("moved_out", "restored", "open_previous", "open_printed", "rest_withdrawn", "rest_left"),
    )
)


@dataclass(frozen=True)
class Figure:
    """A number with its name.

    Attributes:
        code: `<subject>.<…>.<what>`, unique in an issue.
        value: None where there is no base to compute it from.
        unit: count, rank, days, pct (percent with one decimal) or yuan.
        rows: Frozen rows that it was counted from.
        parts: Codes of the figures that it was computed from.
    """

    code: str
    label: str
    value: int | Decimal | None
    unit: str
    rows: Sequence[Row] = ()
    parts: Sequence[str] = ()

    def __str__(self) -> str:
        """As it is printed, without the unit of counts."""
        if self.value is None:
            return display.NOTHING
        written: dict[str, Callable[[Decimal], str]] = {"pct": display.pct, "yuan": display.wan}
        return written.get(self.unit, str)(self.value)

    def __html__(self) -> str:
        """As it is printed, marked with its code and value."""
        value = "" if self.value is None else f"{self.value:f}" if isinstance(self.value, Decimal) else str(self.value)
        return Markup('<data value="{}" data-figure="{}" data-unit="{}">{}</data>').format(value, self.code, self.unit, str(self))

    def __bool__(self) -> bool:
        """Whether it is anything but nothing."""
        return bool(self.value)


class Printed(NamedTuple):
    """What a figure was read from that is no row of a ledger: the issue before."""

    text: str
    submission_id: None


class Figures(Mapping[str, Figure]):
    """The figures of an issue by code, in the order in which they were counted."""

    def __init__(self) -> None:
        self._figures: dict[str, Figure] = {}

    def __getitem__(self, code: str) -> Figure:
        return self._figures[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)

    def add(self, figure: Figure) -> None:
        """Add a figure.

        Raises:
            ValueError: there is one of that code.
        """
        if figure.code in self._figures:
            raise ValueError(f"two figures are called {figure.code}")
        self._figures[figure.code] = figure

    def count(self, code: str, label: str, rows: Iterable[Row]) -> None:
        """How many rows there are."""
        counted = tuple(rows)
        self.add(Figure(code, label, len(counted), "count", counted))

    def sum(self, code: str, label: str, rows: Iterable[Row], column: str) -> None:
        """What a column of whole numbers adds up to."""
        counted = tuple(row for row in rows if getattr(row, column))
        self.add(Figure(code, label, sum(getattr(row, column) for row in counted), "count", counted))

    def pct(self, code: str, label: str, part: str, whole: str) -> None:
        """One figure in percent of another; nothing where the other is nothing."""
        value = display.half_up_pct(self[part].value, self[whole].value)
        self.add(Figure(code, label, value, "pct", parts=(part, whole)))


def count_figures(frozen: Frozen) -> Figures:
    """Count every figure of an issue."""
    figures = Figures()
    _problems(figures, "total", frozen.whole, frozen.problems, frozen.ranking)
    both = tuple(problem for problem in frozen.problems if problem.is_overdue and problem.is_reopened)
    figures.count("total.overdue_reopened_count", "既超期又退回反弹数", both)
    figures.count("total.urgent_count", "超期、退回和反弹问题数", urgent(frozen))
    earlier = (one for one in frozen.problems if one.is_found and one.found_on <= frozen.issue.compared_on and not one.is_restored)
    figures.count("total.first_reported_count", "此前发现、本期首次报送数", earlier)
    if frozen.issue.has_chain:
        _changes(figures, frozen)
    if SERIES[frozen.issue.series].is_of_a_day:
        _rest_days(figures, frozen)
    for line in frozen.ranking:
        own = [problem for problem in frozen.problems if problem.township_code == line.township_code]
        prefix = f"township.{line.township_code}"
        _problems(figures, prefix, line.township_name, own, [line])
        if frozen.issue.has_chain:
            _chain(figures, prefix, line.township_name, frozen, line.township_code)
        figures.add(Figure(f"{prefix}.rank", f"{line.township_name}名次", line.rank, "rank", tuple(own)))
        label = f"{line.township_name}{display.short_day(line.previous_on)}名次" if line.previous_on else f"{line.township_name}上次名次"
        figures.add(Figure(f"{prefix}.previous_rank", label, line.previous_rank, "rank", (line,)))
    for problem in frozen.problems:
        if not problem.is_rectified:
            code, label = f"problem.{problem.problem_no}", f"问题{problem.problem_no}"
            figures.add(Figure(f"{code}.open_workdays", f"{label}发现至今工作日", problem.open_workdays, "days", (problem,)))
            if problem.is_overdue:
                overdue = (frozen.issue.business_on - problem.due_on).days
                figures.add(Figure(f"{code}.overdue_days", f"{label}超期天数", overdue, "days", (problem,)))
    soon = [problem for problem in frozen.problems if is_due_soon(problem, frozen)]
    figures.count("due_soon.total_count", "即将到期问题数", soon)
    for township in dict.fromkeys(problem.township_code for problem in soon):
        own = (problem for problem in soon if problem.township_code == township)
        figures.count(f"due_soon.{township}.count", f"{frozen.place(township)}即将到期问题数", own)
    _supervision(figures, frozen)
    _reporting(figures, frozen)
    if SERIES[frozen.issue.series].has_projects:
        _projects(figures, frozen)
        _funds(figures, frozen)
    for target in frozen.targets:
        figures.add(
            Figure(f"target.{target.display_order}", f"{target.level}{target.target_name}", target.target_count, "count", (target,))
        )
    return figures


def is_due_soon(problem: Row, frozen: Frozen) -> bool:
    """Whether a problem is open and due within the next working days (finding W05)."""
    return not problem.is_rectified and frozen.issue.business_on <= problem.due_on <= frozen.issue.due_soon_on


def urgent(frozen: Frozen) -> list[Row]:
    """The problems that are overdue, and then those that are open again after a visit and not overdue."""
    late = [problem for problem in frozen.problems if problem.is_overdue]
    return late + [problem for problem in frozen.problems if problem.is_reopened and not problem.is_rectified and not problem.is_overdue]


def _changes(figures: Figures, frozen: Frozen) -> None:
    """What became of the open problems, to be added up: before + found + opened again − closed − withdrawn = now."""
    _chain(figures, "total", frozen.whole, frozen, None)
    figures.count("total.restored_count", "撤销后恢复数", (problem for problem in frozen.problems if problem.is_restored))
    withdrawn = [row for row in frozen.withdrawn if row.is_withdrawn]
    figures.count("total.withdrawn_count", "撤销数", withdrawn)
    figures.count("total.withdrawn_rectified_count", "期初已整改到位的撤销数", (row for row in withdrawn if row.was_rectified))
    figures.count("total.withdrawn_other_count", "期初未计入的撤销数", (row for row in withdrawn if row.was_rectified is None))
    figures.count("total.left_count", "更正发现日期后不再统计数", (row for row in frozen.withdrawn if not row.is_withdrawn))
    issue = frozen.issue
    if issue.previous_issue_no is not None:
        printed = Printed(f"第{issue.previous_issue_no}期印发的未整改数", None)
        figures.add(Figure("total.open_printed_count", "上一期印发的未整改数", issue.previous_open_count, "count", (printed,)))


def _chain(figures: Figures, prefix: str, name: str, frozen: Frozen, township_code: str | None) -> None:
    """The parts of the chain that are no figures of the problems as they are now; of a township also what moved in and out."""
    was_open = [row for row in (*frozen.problems, *frozen.withdrawn) if row.was_rectified is False]
    if township_code is not None:
        came = (row for row in frozen.problems if row.was_rectified is False and row.township_before != township_code == row.township_code)
        figures.count(f"{prefix}.moved_in_count", f"{name}调入的未整改数", came)
        was_open = [row for row in was_open if row.township_before == township_code]
        went = (row for row in was_open if "is_withdrawn" not in row._fields and row.township_code != township_code)
        figures.count(f"{prefix}.moved_out_count", f"{name}调出的未整改数", went)
    gone = [row for row in was_open if "is_withdrawn" in row._fields]
    figures.count(f"{prefix}.open_before_count", f"{name}期初未整改数", was_open)
    figures.count(f"{prefix}.withdrawn_open_count", f"{name}期初未整改的撤销数", (row for row in gone if row.is_withdrawn))
    figures.count(f"{prefix}.left_open_count", f"{name}期初未整改而不再统计数", (row for row in gone if not row.is_withdrawn))


def _rest_days(figures: Figures, frozen: Frozen) -> None:
    """What the rest days between the working day before and the day changed: before them + found + … = the evening before the day."""
    rows = [*frozen.problems, *frozen.withdrawn] if frozen.issue.has_chain else [*frozen.problems]
    for name, said in (("found", "新发现"), ("closed", "销号"), ("relapsed", "销号后被退回或反弹")):
        figures.count(f"total.rest_{name}_count", f"休息日{said}数", (row for row in rows if _changed_on_rest_days(row, name)))
    if frozen.issue.has_chain:
        was_open = [row for row in rows if row.was_rectified_on_previous is False]
        gone = [row for row in was_open if row.township_before is None]
        figures.count("total.open_previous_count", "上个工作日未整改数", was_open)
        # one that stands again was withdrawn in between
        withdrawn = [row for row in gone if (row.is_restored if "is_restored" in row._fields else row.is_withdrawn)]
        figures.count("total.rest_withdrawn_count", "休息日撤销的未整改数", withdrawn)
        figures.count("total.rest_left_count", "休息日不再统计的未整改数", (row for row in gone if row not in withdrawn))


def _changed_on_rest_days(row: Row, name: str) -> bool:
    if "is_withdrawn" not in row._fields:
        return getattr(row, f"is_{name}_on_rest_days")
    changes = {
        "found": row.township_before is not None and row.township_on_previous is None,
        "closed": row.was_rectified is True and row.was_rectified_on_previous is not True,
        "relapsed": row.was_rectified is False and row.was_rectified_on_previous is True,
    }
    return changes[name]


def _problems(figures: Figures, prefix: str, name: str, problems: Sequence[Row], lines: Sequence[Row]) -> None:
    """What the problems of a township, or of all, add up to. The ranking says the same: a check compares them before anything is issued."""
    is_open = [problem for problem in problems if not problem.is_rectified]
    figures.count(f"{prefix}.assigned_count", f"{name}问题数", problems)
    figures.count(f"{prefix}.rectified_count", f"{name}整改到位数", (problem for problem in problems if problem.is_rectified))
    figures.count(f"{prefix}.open_count", f"{name}未整改数", is_open)
    figures.pct(f"{prefix}.rectified_pct", f"{name}整改率", f"{prefix}.rectified_count", f"{prefix}.assigned_count")
    figures.count(f"{prefix}.overdue_count", f"{name}超期数", (problem for problem in problems if problem.is_overdue))
    figures.count(f"{prefix}.reopened_count", f"{name}退回反弹数", (problem for problem in is_open if problem.is_reopened))
    figures.count(f"{prefix}.found_count", f"{name}新发现数", (problem for problem in problems if problem.is_found))
    figures.count(f"{prefix}.closed_count", f"{name}销号数", (problem for problem in problems if problem.is_closed))
    figures.count(f"{prefix}.relapsed_count", f"{name}重新打开数", (problem for problem in problems if problem.is_relapsed))
    longest = max((line.oldest_open_workdays for line in lines), default=0)
    oldest = tuple(problem for problem in is_open if problem.open_workdays == longest)
    figures.add(Figure(f"{prefix}.oldest_open_workdays", f"{name}最久未整改工作日", longest, "days", oldest))


def _supervision(figures: Figures, frozen: Frozen) -> None:
    figures.count("supervision.visit_count", "督导记录数", frozen.visits)
    for name, verdict in VERDICTS.items():
        figures.count(f"supervision.{name}_count", f"督导{verdict}数", (visit for visit in frozen.visits if visit.verdict == verdict))
    due = {line.township_code for line in frozen.townships if line.open_before_count}
    for together in (group for group in frozen.supervision if group.group_code is None):
        lines = tuple(line for line in frozen.townships if line.township_code in due)
        visits = tuple(visit for visit in frozen.visits if visit.township_code in due)
        figures.add(Figure("supervision.due_count", "应督导乡镇数", together.due_count, "count", lines))
        figures.add(Figure("supervision.visited_count", "已督导乡镇数", together.visited_count, "count", visits))
        figures.pct("supervision.coverage_pct", "督导覆盖率", "supervision.visited_count", "supervision.due_count")


def _reporting(figures: Figures, frozen: Frozen) -> None:
    silent = tuple(line for line in frozen.townships if not line.is_reported)
    figures.count("reporting.unreported_count", "未报单位数", silent)
    taken = [file for file in frozen.files if file.outcome != "duplicate"]
    returned = [file for file in taken if file.rejected_count or file.outcome == "rejected"]
    figures.count("files.total_count", "收到文件数", taken)
    figures.count("files.returned_count", "有退回的文件数", returned)
    figures.sum("files.accepted_rows", "入库行数", taken, "accepted_count")
    figures.sum("files.returned_rows", "退回行数", returned, "rejected_count")
    figures.count("findings.total_count", "提示条数", frozen.findings)
    for unit in dict.fromkeys(file.unit_code for file in returned):
        own = [file for file in returned if file.unit_code == unit]
        figures.count(f"files.{unit}.returned_count", f"{own[0].unit_name}有退回的文件数", own)
        figures.sum(f"files.{unit}.returned_rows", f"{own[0].unit_name}退回行数", own, "rejected_count")


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
    figures.add(Figure(f"{prefix}.planned_yuan", f"{name}计划总投资", _total(projects, "planned_yuan"), "yuan", tuple(projects)))


def _is_late(project: Row, what: str, frozen: Frozen) -> bool:
    """Whether the planned day has passed and nothing has happened."""
    planned, actual = (
        (project.planned_start_on, project.actual_start_on)
        if what == "late_start"
        else (project.planned_finish_on, project.actual_finish_on)
    )
    return planned is not None and planned < frozen.issue.business_on and actual is None


def fund_years(frozen: Frozen) -> list[int]:
    """The fund years that a dispatch speaks of: that of its day, and earlier ones of which not all that was received is spent."""
    years = {movement.fund_year for movement in frozen.movements}
    unfinished = {year for year in years if _stage_total(frozen, year, None, "下达", "收回") != _stage_total(frozen, year, None, "支出")}
    return sorted((year for year in years if year == frozen.issue.issue_year or year in unfinished), reverse=True)


def tiers_of(frozen: Frozen, year: int) -> list[str]:
    """The tiers with movements in a fund year, in their order."""
    found = {movement.tier for movement in frozen.movements if movement.fund_year == year}
    return [tier for tier in TIERS if tier in found]


def _funds(figures: Figures, frozen: Frozen) -> None:
    for year in fund_years(frozen):
        for tier in [*tiers_of(frozen, year), None]:
            prefix, name = f"funds.{year}.{tier or 'total'}", f"{year}年{tier or '合计'}"
            for stage, stages in (("received", ("下达", "收回")), ("allocated", ("分配",)), ("disbursed", ("拨付",)), ("spent", ("支出",))):
                rows = _movements(frozen, year, tier, *stages)
                value = _stage_total(frozen, year, tier, *stages)
                figures.add(Figure(f"{prefix}.{stage}_yuan", f"{name}{stages[0]}", value, "yuan", rows))
            received, allocated = figures[f"{prefix}.received_yuan"], figures[f"{prefix}.allocated_yuan"]
            rest = received.value - allocated.value
            parts = (received.code, allocated.code)
            figures.add(Figure(f"{prefix}.unallocated_yuan", f"{name}未分配", rest, "yuan", parts=parts))
            for stage, said in (("allocated", "分配率"), ("disbursed", "拨付率"), ("spent", "支出率")):
                figures.pct(f"{prefix}.{stage}_pct", f"{name}{said}", f"{prefix}.{stage}_yuan", received.code)


def _movements(frozen: Frozen, year: int, tier: str | None, *stages: str) -> tuple[Row, ...]:
    return tuple(
        movement
        for movement in frozen.movements
        if movement.fund_year == year and tier in (None, movement.tier) and movement.stage in stages
    )


def _stage_total(frozen: Frozen, year: int, tier: str | None, *stages: str) -> Decimal:
    """What stages add up to in yuan; what was taken back is taken off."""
    rows = _movements(frozen, year, tier, *stages)
    return sum((-row.amount_yuan if row.stage == "收回" else row.amount_yuan for row in rows), Decimal(0))


def _total(rows: Sequence[Row], column: str) -> Decimal:
    return sum((getattr(row, column) for row in rows), Decimal(0))


def worst_tier(figures: Figures, frozen: Frozen, year: int) -> str | None:
    """The tier with the lowest rate of allocation by exact ratio (of equal ones the larger rest); None when all is allocated."""
    behind = [
        tier
        for tier in tiers_of(frozen, year)
        if figures[f"funds.{year}.{tier}.received_yuan"].value > 0 and figures[f"funds.{year}.{tier}.unallocated_yuan"].value > 0
    ]

    def standing(tier: str) -> tuple[Decimal, Decimal]:
        received, rest = (figures[f"funds.{year}.{tier}.{name}_yuan"].value for name in ("received", "unallocated"))
        return (received - rest) / received, -rest

    return min(behind, key=standing, default=None)
