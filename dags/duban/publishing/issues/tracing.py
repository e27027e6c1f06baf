"""From a printed number back to the rows that it was counted from: file, sheet and row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from duban.publishing.issues.figures import Figure, Figures
from duban.publishing.issues.issue import Frozen, Row
from duban.publishing.issues.parts import PARTS, count_figures

#: Figures of the issue that a correction corrects stand in it under this prefix.
BEFORE = "before."


@dataclass(frozen=True)
class Source:
    """A row that a number was counted from. A file as a whole has no sheet and row; a unit that is counted has no file."""

    what: str
    submission_id: str | None = None
    file: str | None = None
    sheet: str | None = None
    row: int | None = None


def figures_of(frozen: Frozen) -> Figures:
    """Every figure that an issue prints, those of the issue that it corrects included."""
    figures = count_figures(frozen)
    if frozen.corrected:
        for figure in count_figures(frozen.corrected).values():
            parts = tuple(f"{BEFORE}{part}" for part in figure.parts)
            figures.add(Figure(f"{BEFORE}{figure.code}", f"更正前{figure.label}", figure.value, figure.unit, figure.rows, parts))
    return figures


def trace(frozen: Frozen, figures: Figures, code: str) -> Iterator[tuple[Figure, list[Source]]]:
    """A figure with its sources, then the figures that it was computed from with theirs.

    Raises:
        KeyError: the issue has no such figure.
    """
    figure = figures[code]
    yield figure, [_source(frozen, row) for row in figure.rows]
    for part in figure.parts:
        yield from trace(frozen, figures, part)


def _source(frozen: Frozen, row: Row) -> Source:
    said = _SAID.get(type(row).__name__, lambda _, printed: printed.text)
    file, sheet, number = (getattr(row, name, None) for name in ("source_file", "source_sheet", "source_row"))
    return Source(said(frozen, row), getattr(row, "submission_id", None), file or getattr(row, "file_name", None), sheet, number)


#: What rows are called, by the name of their class; what was printed before is no row of a part.
_SAID = {part.row: part.said for part in PARTS}
