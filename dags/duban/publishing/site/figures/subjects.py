"""The subjects of a district that have a page: each says once what is read for it, who gets it, and when there is anything to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import psycopg

from duban.publishing.audience import Part
from duban.publishing.site.figures.funds import read_funds
from duban.publishing.site.figures.issues import read_issues
from duban.publishing.site.figures.ledgers import LedgerFigures
from duban.publishing.site.figures.projects import read_projects
from duban.publishing.site.figures.quality import read_quality
from duban.publishing.site.figures.watch import read_watch


class Asked(NamedTuple):
    """Whose figures are read, for whom, and the day from which lateness is counted."""

    conn: psycopg.Connection
    district_code: str
    audience: str
    as_of: date | None


@dataclass(frozen=True)
class Subject:
    """A subject with a page of its own in the menu of a district; page, template and figures have its name.

    Attributes:
        read: Its figures, the attribute of `DistrictFigures` of its name; None: it shows what every page gets.
        is_there: Whether the district has anything to show there.
        part: What its audience must get; others get neither figures (None) nor page.
        template: Where it is not called as the page.
        given: What its template gets besides.
        script: The script of its page.
    """

    name: str
    title: str
    is_there: Callable[[Any], bool]
    read: Callable[[Asked], Any] | None = None
    part: Part = Part.PAGES
    template: str = ""
    given: Mapping[str, Any] | None = None
    script: str = ""


SUBJECTS = (
    Subject("days", "逐日排名", is_there=lambda shown: shown.has_problems, script="days.js"),
    Subject(
        "issues",
        "通报调度",
        read=lambda asked: read_issues(asked.conn, asked.district_code, asked.audience),
        is_there=lambda shown: bool(shown.issues.issues),
    ),
    Subject(
        "funds", "资金", read=lambda asked: read_funds(asked.conn, asked.district_code), is_there=lambda shown: bool(shown.funds.years)
    ),
    Subject(
        "projects",
        "项目",
        read=lambda asked: read_projects(asked.conn, asked.district_code, asked.as_of),
        is_there=lambda shown: bool(shown.projects.projects),
    ),
    Subject(
        "quality",
        "报送质量",
        read=lambda asked: read_quality(asked.conn, asked.district_code),
        part=Part.QUALITY,
        is_there=lambda shown: shown.quality is not None,
    ),
    Subject(
        "watch",
        "运行监测",
        read=lambda asked: read_watch(asked.conn, asked.district_code),
        part=Part.WATCH,
        is_there=lambda shown: shown.watch is not None,
    ),
)


def subjects_of(shown: Any) -> list[Subject]:
    """The subjects of which the pages of a district show something: those above, and each ledger that its folder declares."""
    return [subject for subject in SUBJECTS if subject.is_there(shown)] + [_of_ledger(ledger) for ledger in shown.ledgers]


def _of_ledger(ledger: LedgerFigures) -> Subject:
    return Subject(f"ledger-{ledger.shown.name}", ledger.shown.title, lambda _: True, template="ledger", given={"ledger": ledger})
