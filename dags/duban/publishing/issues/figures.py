"""Figures: every number that an issue prints, each with the frozen rows it was counted from.

A figure is counted once, under one code, by the part of the issue that it speaks of (`parts/`); prose, tables, page and manifest print
it, and a trace follows its rows back to file, sheet and row. Counts, amounts and rates are whole numbers and decimals; rates are rounded
half up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from markupsafe import Markup

from duban.text import display


@dataclass(frozen=True)
class Figure:
    """A number with its name.

    Attributes:
        code: `<subject>.<…>.<what>`, unique in an issue.
        value: None where there is no base to compute it from.
        unit: count, rank, days, pct (percent with one decimal) or yuan.
        rows: Frozen rows that it was counted from.
        parts: Codes of the figures that it was computed from.
    """

    code: str
    label: str
    value: int | Decimal | None
    unit: str
    rows: Sequence[Any] = ()
    parts: Sequence[str] = ()

    def __str__(self) -> str:
        """As it is printed, without the unit of counts."""
        if self.value is None:
            return display.NOTHING
        written: dict[str, Callable[[Decimal], str]] = {"pct": display.pct, "yuan": display.wan}
        return written.get(self.unit, str)(self.value)

    def __html__(self) -> str:
        """As it is printed, marked with its code and value."""
        value = "" if self.value is None else f"{self.value:f}" if isinstance(self.value, Decimal) else str(self.value)
        return Markup('<data value="{}" data-figure="{}" data-unit="{}">{}</data>').format(value, self.code, self.unit, str(self))

    def __bool__(self) -> bool:
        """Whether it is anything but nothing."""
        return bool(self.value)


class Printed(NamedTuple):
    """What a figure was read from that is no row of a ledger: the issue before."""

    text: str
    submission_id: None


class Figures(Mapping[str, Figure]):
    """The figures of an issue by code, in the order in which they were counted."""

    def __init__(self) -> None:
        self._figures: dict[str, Figure] = {}

    def __getitem__(self, code: str) -> Figure:
        return self._figures[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)

    def add(self, figure: Figure) -> None:
        """Add a figure.

        Raises:
            ValueError: there is one of that code.
        """
        if figure.code in self._figures:
            raise ValueError(f"two figures are called {figure.code}")
        self._figures[figure.code] = figure

    def count(self, code: str, label: str, rows: Iterable[Any]) -> None:
        """How many rows there are."""
        counted = tuple(rows)
        self.add(Figure(code, label, len(counted), "count", counted))

    def sum(self, code: str, label: str, rows: Iterable[Any], column: str) -> None:
        """What a column of whole numbers adds up to."""
        counted = tuple(row for row in rows if getattr(row, column))
        self.add(Figure(code, label, sum(getattr(row, column) for row in counted), "count", counted))

    def pct(self, code: str, label: str, part: str, whole: str) -> None:
        """One figure in percent of another; nothing where the other is nothing."""
        value = display.half_up_pct(self[part].value, self[whole].value)
        self.add(Figure(code, label, value, "pct", parts=(part, whole)))
