"""The open problems behind the newest ranking, by name, and those that were withdrawn."""

from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from psycopg.rows import class_row

from duban.publishing.audience import Part, gets
from duban.statements import statement


@dataclass(frozen=True)
class OpenProblem:
    """A problem that is open on the newest ranking day."""

    township_code: str
    problem_no: str
    village_name: str | None
    category: str
    description: str | None  # None: the audience does not get it
    leader_name: str | None  # likewise
    due_on: date
    overdue_days: int  # calendar days from the due date to the ranking day; negative: still to come
    is_overdue: bool
    is_reopened: bool  # a visit with 退回 or 反弹 lies on or before the day
    is_found: bool  # new on the day
    status: str | None  # as last reported: open, in_progress, rectified


@dataclass(frozen=True)
class WithdrawnProblem:
    """A problem of the campaign that the office withdrew (撤销): counted no more."""

    township_code: str
    problem_no: str
    withdrawn_on: date
    void_reason: str | None  # None: the audience does not get it


def read_withdrawn_problems(
    conn: psycopg.Connection, district_code: str, audience: str, ranked_on: date, known_at: datetime | None
) -> tuple[WithdrawnProblem, ...]:
    """The withdrawn problems of the campaign of a ranking day, newest first; arguments as `read_open_problems`."""
    asked = {
        "district_code": district_code,
        "ranked_on": ranked_on,
        "known_at": known_at,
        "descriptions": gets(audience, Part.DESCRIPTIONS),
    }
    return tuple(conn.cursor(row_factory=class_row(WithdrawnProblem)).execute(statement(__file__, "problems_withdrawn"), asked).fetchall())


def read_open_problems(
    conn: psycopg.Connection, district_code: str, audience: str, ranked_on: date, known_at: datetime | None
) -> dict[str, tuple[OpenProblem, ...]]:
    """The open problems of a ranking day by township, those due first before the others.

    They are those that the ranking counts, because they are asked for the same day and the same moment: what the build that made the
    marts knew. The list of a township is therefore as long as its open count.

    Args:
        conn: A connection inside the snapshot.
        district_code: Six digits.
        audience: Who will read it; what they do not get is not read.
        ranked_on: The newest ranking day.
        known_at: Newest arrival that the marts hold; None: they hold none.
    """
    asked = {
        "district_code": district_code,
        "ranked_on": ranked_on,
        "known_at": known_at,
        "descriptions": gets(audience, Part.DESCRIPTIONS),
        "persons": gets(audience, Part.PERSONS),
    }
    problems: dict[str, list[OpenProblem]] = {}
    for problem in conn.cursor(row_factory=class_row(OpenProblem)).execute(statement(__file__, "problems_open"), asked):
        problems.setdefault(problem.township_code, []).append(problem)
    return {township_code: tuple(found) for township_code, found in problems.items()}
