"""The frozen rows of an issue, as its documents, checks and traces read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row, namedtuple_row

from duban.publishing.issues.freezing import Issue

#: A row of a frozen table; its fields are the columns.
Row = Any


@dataclass(frozen=True)
class Frozen:
    """An issue with every row that was frozen for it, in the order in which they are printed."""

    issue: Issue
    ranking: Sequence[Row]
    problems: Sequence[Row]
    withdrawn: Sequence[Row]
    supervision: Sequence[Row]
    visits: Sequence[Row]
    files: Sequence[Row]
    projects: Sequence[Row]
    movements: Sequence[Row]
    findings: Sequence[Row]
    targets: Sequence[Row]
    #: The issue that this one corrects.
    corrected: Frozen | None

    @property
    def office_code(self) -> str:
        """Code of the line of what belongs to no township."""
        return f"{self.issue.district_code}000"

    @property
    def townships(self) -> list[Row]:
        """The ranking without the departments' line."""
        return [line for line in self.ranking if line.township_code != self.office_code]

    @property
    def whole(self) -> str:
        """All of the district in one word: 全区, 全县, 全市."""
        last = self.issue.district_name[-1:]
        return f"全{last}" if last in "区县市旗" and last else "全区"

    def place(self, township_code: str) -> str:
        """Name of a township, or what is said of the departments."""
        return next((line.township_name for line in self.ranking if line.township_code == township_code), "其他")


def read_issue(conn: psycopg.Connection, publication_id: str) -> Issue | None:
    """The issue of an id; None when there is none."""
    issues = conn.cursor(row_factory=class_row(Issue))
    return issues.execute("select * from published.publications where publication_id = %s", [publication_id]).fetchone()


def read_frozen(conn: psycopg.Connection, issue: Issue, *, with_corrected: bool = True) -> Frozen:
    """Read the rows of an issue, and those of the one it corrects."""
    corrected = None
    if with_corrected and issue.corrects_issue_no is not None:
        corrected = read_issue(conn, f"{issue.district_code}-{issue.series}-{issue.issue_year}-{issue.corrects_issue_no}")
    rows = conn.cursor(row_factory=namedtuple_row)
    tables = {
        name: rows.execute(f"select * from published.{table} where publication_id = %s order by {order}", [issue.publication_id]).fetchall()
        for name, (table, order) in _TABLES.items()
    }
    return Frozen(issue=issue, corrected=read_frozen(conn, corrected, with_corrected=False) if corrected else None, **tables)


_TABLES = {
    # ranked units by rank, then those with no task, then units outside the ranking, the departments last
    "ranking": ("ranking_rows", "township_code = district_code || '000', is_ranked desc, rank nulls last, display_order, township_code"),
    "problems": ("problem_rows", "due_on, township_code, problem_no"),
    "withdrawn": ("withdrawn_rows", "not is_withdrawn, township_code, problem_no"),
    "supervision": ("supervision_rows", "group_code nulls first"),
    "visits": ("visit_rows", "visited_on, group_code, record_no"),
    "files": ("file_rows", "unit_code, received_at"),
    "projects": ("project_rows", "planned_start_on nulls last, township_code, project_no"),
    "movements": ("movement_rows", "moved_on, unit_code, movement_no"),
    "findings": ("finding_rows", "finding_no"),
    "targets": ("target_rows", "display_order"),
}
