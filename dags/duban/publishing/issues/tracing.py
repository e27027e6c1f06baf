"""From a printed number back to the rows that it was counted from: file, sheet and row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from duban.publishing.issues.figures import Figure, Figures, count_figures
from duban.publishing.issues.frozen import Frozen, Row

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
    columns = row._fields
    place = frozen.place(row.township_code) if "township_code" in columns and row.township_code else ""
    if "source_row" in columns:
        name, number = next((said, getattr(row, key)) for key, said in _KEYS.items() if key in columns)
        return Source(f"{name}{number} {place}".strip(), row.submission_id, row.source_file, row.source_sheet, row.source_row)
    if "file_name" in columns:
        return Source(f"{row.unit_name}报送的文件", row.submission_id, row.file_name)
    if "text" in columns:
        return Source(row.text, row.submission_id)
    if "target_name" in columns:
        return Source(row.target_name)
    asked = f"'{frozen.issue.district_code}', '{row.previous_on}', '{frozen.issue.known_at}'" if row.previous_on else None
    return Source(place + (f"；此前名次见 marts.ranking_as_of({asked})" if asked else ""))


# By the first of these a row is known; a movement may name a project, and a visit a problem.
_KEYS = {"movement_no": "资金流水", "record_no": "督导记录", "project_no": "项目", "problem_no": "问题"}
