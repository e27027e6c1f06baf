"""The key targets of a year."""

from __future__ import annotations

from duban.publishing.issues.figures import Figure, Figures
from duban.publishing.issues.issue import Frozen
from duban.publishing.issues.parts.part import Part
from duban.publishing.issues.series import MONTHLY


def _figures(figures: Figures, frozen: Frozen) -> None:
    for row in frozen.targets:
        figures.add(Figure(f"target.{row.display_order}", f"{row.level}{row.target_name}", row.target_count, "count", (row,)))


TARGETS = Part(
    name="targets",
    row="target",
    order="display_order",
    said=lambda frozen, row: row.target_name,
    series=frozenset({MONTHLY.code}),
    figures=_figures,
)
