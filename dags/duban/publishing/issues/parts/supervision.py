"""The supervision of a day, and the visits of a period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duban.publishing.issues.figures import Figure, Figures
from duban.publishing.issues.issue import Frozen
from duban.publishing.issues.parts.part import Part, Sheet, place
from duban.publishing.issues.series import DAILY

VERDICTS = {"confirmed": "属实", "returned": "退回", "relapsed": "反弹", "found": "新发现", "patrolled": "已巡查"}


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


def _wording(frozen: Frozen, figures: Figures) -> Mapping[str, Any]:
    visited = {visit.township_code for visit in frozen.visits}
    known = {problem.problem_no for problem in frozen.problems}
    return {
        "unvisited": [line for line in frozen.townships if line.open_before_count and line.township_code not in visited],
        "unlisted": [
            visit.problem_no or visit.record_no
            for visit in frozen.visits
            if visit.verdict == VERDICTS["found"] and visit.problem_no not in known
        ],
    }


SUPERVISION = Part(
    name="supervision",
    row="supervision",
    order="group_code nulls first",
    said=lambda frozen, row: "",
    series=frozenset({DAILY.code}),
)
VISITS = Part(
    name="visits",
    row="visit",
    order="visited_on, group_code, record_no",
    said=lambda frozen, row: f"督导记录{row.record_no} {frozen.place(row.township_code)}".strip(),
    figures=_supervision,
    wording=_wording,
    sheet=Sheet(
        "督导明细",
        {
            "记录编号": "record_no",
            "督导组": "group_code",
            "督导日期": "visited_on",
            "乡镇（街道）": place,
            "问题编号": "problem_no",
            "核查结论": "verdict",
        },
    ),
)
