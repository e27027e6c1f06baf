"""What an issue says: title, summary and text, from its templates.

The text is one fragment of HTML, of which every document is a transcription. Templates hold all wording; every number in them is a figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from duban.intake.places import plain_village_name
from duban.publishing.issues.figures import Figures
from duban.publishing.issues.issue import Frozen
from duban.publishing.issues.parts import PARTS, count_figures
from duban.publishing.issues.parts.problems import CHAINED
from duban.publishing.issues.series import SERIES
from duban.text import display

TEMPLATES = Path(__file__).with_name("templates")
#: So many lines of a list are printed; the workbook has them all.
MOST_LISTED = 20
ORDINALS = "一二三四五六七八九"


@dataclass(frozen=True)
class Content:
    """Title and one-sentence summary as plain text, and the body as a fragment of HTML."""

    title: str
    summary: str
    fragment: str


def write_content(frozen: Frozen, figures: Figures) -> Content:
    """Write the text of an issue from its template.

    Raises:
        jinja2.UndefinedError: the template asks for a figure or row that the issue does not have.
    """
    series = SERIES[frozen.issue.series]
    before = count_figures(frozen.corrected) if frozen.corrected else None
    module = (
        _environment()
        .get_template(f"{series.code}.html.j2")
        .make_module(
            {
                "issue": frozen.issue,
                "frozen": frozen,
                "f": figures,
                "heading": _Headings(),
                "on": lambda day: display.short_day(day) if day and day.year == frozen.issue.issue_year else display.day(day),
                "before": before,
                "changes": _changes(figures, before, has_chain=frozen.corrected.issue.has_chain) if before else [],
                "changed_problems": _changed_problems(frozen) if frozen.corrected else [],
                "most_listed": MOST_LISTED,
                **{name: value for part in PARTS for name, value in part.wording(frozen, figures).items()},
            }
        )
    )
    title = str(module.title())
    return Content(
        title=Markup(title).striptags() + ("（更正）" if frozen.corrected else ""),
        summary=Markup(module.summary()).striptags(),
        fragment=str(module).strip(),
    )


class _Headings:
    """Numbers the headings of one text: 一、二、三、…"""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, text: str) -> Markup:
        self._count += 1
        tens, ones = divmod(self._count, 10)
        number = f"{ORDINALS[tens - 1] if tens > 1 else ''}{'十' if tens else ''}{ORDINALS[ones - 1] if ones else ''}"
        return Markup("<h2>{}、{}</h2>").format(number, text)


def _changes(now: Figures, before: Figures, *, has_chain: bool) -> list[tuple[str, Any, Any]]:
    """(label, before, now) of the figures that a correction changes; None: there was, or is, no such figure. Rows are listed apart.

    Figures that the issue before could not have, being of an earlier release (`has_chain`), are no change.
    """
    codes = [*now, *(code for code in before if code not in now)]
    changed = []
    for code in codes:
        earlier, later = before.get(code), now.get(code)
        is_printed = not code.startswith(("problem.", "project.")) and not code.endswith("previous_rank")
        is_printed = is_printed and (has_chain or code.rsplit(".", 1)[-1] not in CHAINED)
        if is_printed and (None if earlier is None else earlier.value) != (None if later is None else later.value):
            changed.append(((later if later is not None else earlier).label, earlier, later))
    return changed


def _changed_problems(frozen: Frozen) -> list[tuple[Any, Any]]:
    """(before, now) of the problems that a correction says something else of."""
    compared = ("township_code", "is_rectified", "is_overdue", "is_reopened", "due_on", "found_on")
    before = {problem.problem_no: problem for problem in frozen.corrected.problems}
    now = {problem.problem_no: problem for problem in frozen.problems}

    def state(problem: Any) -> tuple | None:
        return problem and tuple(getattr(problem, column) for column in compared)

    pairs = [(before.get(number), now.get(number)) for number in sorted(before.keys() | now.keys())]
    return [(earlier, later) for earlier, later in pairs if state(earlier) != state(later)]


def _listed(names: Iterable[object]) -> Markup:
    """Names side by side; what is no markup yet is escaped."""
    return Markup("、").join(names)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["listed"] = _listed
    environment.filters["plain_village_name"] = plain_village_name
    for written in (display.day, display.short_day, display.weekday, display.moment):
        environment.filters[written.__name__] = written
    return environment
