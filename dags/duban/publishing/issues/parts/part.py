"""What is said of a part of an issue, once: its rows and their order, the series that hold it, and everything made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from duban.publishing.issues.figures import Figures
from duban.publishing.issues.issue import Frozen, Row
from duban.publishing.issues.series import SERIES
from duban.statements import statement

#: The columns by which a row is found in the file that it came from, on every sheet of details.
CAME_FROM = {"文件": "source_file", "工作表": "source_sheet", "行": "source_row", "报送编号": "submission_id"}


def place(frozen: Frozen, row: Row) -> str:
    """Name of the township of a row."""
    return frozen.place(row.township_code)


@dataclass(frozen=True)
class Sheet:
    """The rows as a sheet of the workbook: titles with a column of the row, or what is to be written of it."""

    name: str
    columns: Mapping[str, str | Callable[[Frozen, Row], Any]]

    def line(self, frozen: Frozen, row: Row) -> tuple[Any, ...]:
        """A row as the sheet has it."""
        return tuple(getattr(row, cell) if isinstance(cell, str) else cell(frozen, row) for cell in {**self.columns, **CAME_FROM}.values())


@dataclass(frozen=True)
class Part:
    """A part of an issue. Its rows lie in `published.<row>_rows`; `<row>.sql` beside this file says what they are.

    Attributes:
        name: What `Frozen` and the manifest call its rows.
        row: What one of them is called.
        order: In which they are printed: what follows `order by`.
        said: What a row is called in a trace.
        series: Codes of the series that hold it.
        figures: Counts what is printed of it, after the figures of the parts before it.
        wording: What templates need of it besides rows and figures.
        sheet: Its sheet of details.
        subject: SQL: what names a row to the office when a check finds fault with it.
        texts: Titles and SQL of free texts that are printed; a check looks for names of household heads in them.
        marks: Likewise of keys and names of files, which are no text: there a name of two characters is more often a word.
    """

    name: str
    row: str
    order: str
    said: Callable[[Frozen, Row], str]
    series: frozenset[str] = frozenset(SERIES)
    figures: Callable[[Figures, Frozen], None] = lambda figures, frozen: None
    wording: Callable[[Frozen, Figures], Mapping[str, Any]] = lambda frozen, figures: {}
    sheet: Sheet | None = None
    subject: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """Where its rows lie in `published`."""
        return f"{self.row}_rows"

    def sheets(self, frozen: Frozen) -> Iterable[tuple[Sheet, Sequence[Row]]]:
        """Its sheets of details with their rows."""
        return [(self.sheet, frozen.rows[self.name])] if self.sheet else []

    def counts(self, frozen: Frozen) -> Mapping[str, int]:
        """How many rows there are, as the manifest says it."""
        return {self.name: len(frozen.rows[self.name])}

    def printed(self) -> Iterable[str]:
        """Queries for an issue: subject, title, whether it is a free text, and what is printed."""
        for is_text, columns in ((True, self.texts), (False, self.marks)):
            for title, column in columns.items():
                yield f"select {self.subject}, '{title}', {is_text}, {column} from published.{self.table} where publication_id = %(issue)s"

    @property
    def query(self) -> str:
        """Its rows for the parameters of a freeze; may ask what `context.sql` names, and the rows of the parts before it."""
        return statement(__file__, self.row)
