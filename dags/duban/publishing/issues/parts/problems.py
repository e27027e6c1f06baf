"""The ranking, the problems behind it by name, and what is counted no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from duban.publishing.issues.figures import Figure, Figures, Printed
from duban.publishing.issues.issue import Frozen, Row
from duban.publishing.issues.parts.part import Part, Sheet, place
from duban.publishing.issues.series import SERIES
from duban.text import display

STATES = {True: "整改到位", False: "未整改"}
EARLIER_STATES = {**STATES, None: "未计入"}
#: What figures are called that an issue of an earlier release does not have (`Issue.has_chain`).
CHAINED = frozenset(
    f"{name}_count"
    for name in (
        *("open_before", "withdrawn", "withdrawn_open", "withdrawn_rectified", "withdrawn_other", "left", "left_open", "moved_in"),
        *("moved_out", "restored", "open_previous", "open_printed", "rest_withdrawn", "rest_left"),
    )
)
#: Columns of the chain of open problems: before + found + opened again − closed − withdrawn = open.
CHAIN = (
    "open_before_count", "found_count", "relapsed_count", "moved_in_count", "closed_count", "withdrawn_open_count", "left_open_count",
    "moved_out_count", "open_count",
)  # fmt: skip


def _figures(figures: Figures, frozen: Frozen) -> None:
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


def is_due_soon(problem: Row, frozen: Frozen) -> bool:
    """Whether a problem is open and due within the next working days (finding W05)."""
    return not problem.is_rectified and frozen.issue.business_on <= problem.due_on <= frozen.issue.due_soon_on


def urgent(frozen: Frozen) -> list[Row]:
    """The problems that are overdue, and then those that are open again after a visit and not overdue."""
    late = [problem for problem in frozen.problems if problem.is_overdue]
    return late + [problem for problem in frozen.problems if problem.is_reopened and not problem.is_rectified and not problem.is_overdue]


def _wording(frozen: Frozen, figures: Figures) -> Mapping[str, Any]:
    return {
        "urgent": urgent(frozen),
        "moved": any(figures[f"township.{line.township_code}.moved_{way}_count"] for line in frozen.ranking for way in ("in", "out")),
        "rest_changes": any(figure for code, figure in figures.items() if code.startswith("total.rest_")),
        "chained": [line for line in frozen.ranking if any(figures[f"township.{line.township_code}.{name}"] for name in CHAIN)],
    }


def _line_said(frozen: Frozen, line: Row) -> str:
    place = frozen.place(line.township_code)
    if not line.previous_on:
        return place
    return f"{place}；此前名次见 marts.ranking_as_of('{frozen.issue.district_code}', '{line.previous_on}', '{frozen.issue.known_at}')"


def _said(frozen: Frozen, row: Row) -> str:
    return f"问题{row.problem_no} {frozen.place(row.township_code)}".strip()


def _yes(value: bool) -> str:
    return "是" if value else ""


RANKING = Part(
    name="ranking",
    row="ranking",
    # ranked units by rank, then those with no task, then units outside the ranking, the departments last
    order="township_code = district_code || '000', is_ranked desc, rank nulls last, display_order, township_code",
    said=_line_said,
)
PROBLEMS = Part(
    name="problems",
    row="problem",
    order="due_on, township_code, problem_no",
    said=_said,
    figures=_figures,
    wording=_wording,
    sheet=Sheet(
        "问题明细",
        {
            "编号": "problem_no",
            "乡镇（街道）": place,
            "村（社区）": "village_name",
            "来源": "source",
            "类别": "category",
            "问题": "description",
            "行业部门": "department",
            "整改措施": "measures",
            "责任领导": "leader_name",
            "发现日期": "found_on",
            "整改时限": "due_on",
            "状态": lambda frozen, row: STATES[row.is_rectified],
            "超期": lambda frozen, row: _yes(row.is_overdue),
            "退回反弹": lambda frozen, row: _yes(row.is_reopened),
        },
    ),
    subject="problem_no",
    texts={"问题描述": "description", "整改措施": "measures", "行业部门": "department"},
    marks={"问题编号": "problem_no", "来源工作表": "source_sheet", "来源文件": "source_file"},
)
WITHDRAWN = Part(
    name="withdrawn",
    row="withdrawn",
    order="not is_withdrawn, township_code, problem_no",
    said=_said,
    sheet=Sheet(
        "撤销明细",
        {
            "编号": "problem_no",
            "乡镇（街道）": place,
            "撤销日期": "withdrawn_on",
            "期初": lambda frozen, row: EARLIER_STATES[row.was_rectified],
            "撤销原因": "void_reason",
            "发现日期": "found_on",
        },
    ),
    subject="problem_no",
    texts={"撤销原因": "void_reason"},
    marks={"问题编号": "problem_no"},
)
