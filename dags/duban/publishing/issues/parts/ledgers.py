"""The ledgers that are printed by what their folders declare (`duban.publishing.shown`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from duban.publishing.issues.figures import Figures
from duban.publishing.issues.issue import Frozen, Row
from duban.publishing.issues.parts.part import Part, Sheet, place
from duban.publishing.shown import Detail
from duban.statements import statement


def _figures(figures: Figures, frozen: Frozen) -> None:
    places = {line.township_code: line.township_name for line in frozen.ranking}
    for shown, rows in frozen.ledgers:
        shown.add_figures(figures, rows, frozen.whole, places)


def _said(frozen: Frozen, row: Row) -> str:
    of_both = (*frozen.ledgers, *(frozen.corrected.ledgers if frozen.corrected else ()))
    shown = next(shown for shown, _ in of_both if shown.name == row.ledger)
    named = f"{shown.title}{row.cells.get(shown.key) or ''} {frozen.place(row.township_code)}"
    issue = frozen.issue
    asked = f"'{issue.district_code}', '{issue.business_on}', '{issue.known_at}'"
    return named if row.source_file else f"{named}；见 marts.{shown.rows}({asked})"


def _cell(detail: Detail) -> Callable[[Frozen, Row], Any]:
    if detail.type == "township":
        return place
    return lambda frozen, row: detail.written(row.cells)


class _Ledgers(Part):
    """Each ledger has a sheet of details, and prints the texts of its own columns there."""

    def sheets(self, frozen: Frozen) -> Iterable[tuple[Sheet, Sequence[Row]]]:
        for shown, rows in frozen.ledgers:
            if shown.details:
                yield Sheet(f"{shown.title}明细", {detail.title: _cell(detail) for detail in shown.details}), rows

    def counts(self, frozen: Frozen) -> Mapping[str, int]:
        return {shown.code: len(rows) for shown, rows in frozen.ledgers}

    def printed(self) -> Iterable[str]:
        yield statement(__file__, "ledger_printed")


LEDGERS = _Ledgers(name="ledger_rows", row="ledger", order="ledger, row_no", said=_said, figures=_figures)
