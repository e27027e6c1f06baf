"""A sender's own table: recognised by `expectations/layouts/`, read without a ledger's header (expectations/README.md, A layout)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from duban.intake import values
from duban.intake.cells import Cell, Misplaced, Sheet, address, display
from duban.intake.reading import DataRow, Table
from duban.intake.rows import is_filled, rows_below
from duban.intake.words import fold
from duban.ledgers import Expectations, Layout

SEARCHED_ROWS = 20


def find_layout(sheet: Sheet, layouts: Sequence[Layout], unit_code: str, on: date) -> tuple[Layout, int] | None:
    """The layout of this sender that the sheet has, and the 0-based row of its header; None when there is none that is valid then."""
    for layout in layouts:
        if layout.sender == unit_code and layout.is_valid(layout.report_on or on):
            for row in range(min(SEARCHED_ROWS, len(sheet.rows))):
                if _has_header(sheet.rows[row:], layout) and _has_figures(sheet.rows[row + len(layout.header) :], layout):
                    return layout, row
    return None


def layout_table(sheet: Sheet, layout: Layout, row: int, expectations: Expectations) -> Table:
    """The ledger that a sheet of this layout holds; `row` is where its header begins (0-based)."""
    ledger, below = expectations.ledgers[layout.ledger], row + len(layout.header)
    table = Table(ledger, sheet.name or ledger.title, row + 1, {}, dict(layout.factors))
    names: dict[int, tuple[str, ...]] = {}
    for position, title in enumerate(layout.titles):
        names[position] = layout.columns.get(title, ())
        _, split = layout.split.get(title, (None, ()))
        table.positions |= dict.fromkeys((*names[position], *split), position)
    titles = _titles(sheet.rows[row:below])
    for row_no, filled in rows_below(sheet, below, table, names, expectations):
        as_written = sheet.rows[row_no - 1]
        if _is_skipped(as_written, layout) or any(_is_header_row(as_written, layout, level) for level in range(len(layout.header))):
            table.ignored_row_nos.append(row_no)
            continue
        cells: dict[str, Cell] = dict(layout.constants)
        extras: dict[str, Cell] = {}
        misplaced_at = None
        for position, cell in filled.items():
            # A CSV has no columns but those of its header: what stands beyond them has slipped there (1,200 without quotes).
            if isinstance(cell, Misplaced) or (not sheet.name and position >= len(titles)):
                misplaced_at = position if misplaced_at is None else misplaced_at
            title = layout.titles[position] if position < len(layout.titles) else None
            cells |= dict.fromkeys(names.get(position, ()), cell) | _split(cell, title, layout)
            if title not in layout.columns and title not in layout.split:
                extras[titles.get(position, address(0, position)[:-1])] = cell
        if layout.key_prefix and not values.is_blank(key := cells.get(ledger.key)):
            cells[ledger.key] = layout.key_prefix + values.key_text(key)
        table.rows.append(DataRow(table.sheet, row_no, cells, extras, misplaced_at))
    return table
