"""Issues as they were frozen, read again: for their documents, checks and traces."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import class_row

from duban.publishing.issues.issue import Frozen, Issue, Row
from duban.publishing.issues.parts import PARTS
from duban.publishing.shown import exact_json


def read_issue(conn: psycopg.Connection, publication_id: str) -> Issue | None:
    """The issue of an id; None when there is none."""
    issues = conn.cursor(row_factory=class_row(Issue))
    return issues.execute("select * from published.publications where publication_id = %s", [publication_id]).fetchone()


def read_frozen(conn: psycopg.Connection, issue: Issue, *, with_corrected: bool = True) -> Frozen:
    """Read the rows of an issue, and those of the one it corrects."""
    corrected = None
    if with_corrected and issue.corrects_issue_no is not None:
        corrected = read_issue(conn, f"{issue.district_code}-{issue.series}-{issue.issue_year}-{issue.corrects_issue_no}")
    rows = {}
    for part in PARTS:
        cur = exact_json(conn.cursor(row_factory=_rows_called(part.row)))
        query = f"select * from published.{part.table} where publication_id = %s order by {part.order}"
        rows[part.name] = cur.execute(query, [issue.publication_id]).fetchall()
    return Frozen(issue, rows, read_frozen(conn, corrected, with_corrected=False) if corrected else None)


def _rows_called(name: str) -> Callable[[psycopg.Cursor[Any]], Callable[[Any], Row]]:
    """Rows as named tuples whose class has that name: by it a trace knows the part that a row is of."""
    return lambda cursor: namedtuple(name, [column.name for column in cursor.description or ()])._make
