"""A sender's own table: recognised by `expectations/layouts/`, read without a ledger's header (expectations/README.md, A layout)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from duban.intake import values
from duban.intake.cells import Cell, Misplaced, Sheet, address, display
from duban.intake.reading import DataRow, Table
from duban.intake.rows import count_unread, is_filled, rows_below
from duban.intake.values import CellContext
from duban.ledgers import Collapse, Expectations, Layout, Ledger, Words
from duban.text.words import fold

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
        _, parts = layout.split.get(title, (None, ()))
        table.positions |= dict.fromkeys((*names[position], *parts), position)
    titles = _titles(sheet.rows[row:below], layout)
    mapped = {titles[position] for position in range(len(layout.titles))}
    members: list[_Member] = []
    for row_no, filled in rows_below(sheet, below, table, names, titles, expectations):
        as_written = sheet.rows[row_no - 1]
        if _is_skipped(as_written, layout) or any(_has_titles(as_written, layout, level) for level in range(len(layout.header))):
            table.ignored_row_nos.append(row_no)
            continue
        cells: dict[str, Cell] = {**layout.constants}
        extras: dict[str, Cell] = {}
        for position, cell in filled.items():
            title = titles.get(position, _letters(position))
            if names.get(position) or title in layout.split:
                cells |= dict.fromkeys(names[position], cell) | _split(cell, title, layout)
            else:
                extras[title] = cell
        _prefix_key(cells, layout, ledger, expectations.words)
        # what the layout leaves unmapped was left so by whoever wrote it
        count_unread(table, {name: cell for name, cell in extras.items() if name not in mapped}, expectations)
        table.rows.append(DataRow(table.sheet, row_no, cells, extras, _misplaced_at(filled, sheet, len(titles))))
        if layout.collapse:
            members.append(_member(filled, layout, layout.collapse))
    if layout.collapse:
        _collapse(table, members, layout.collapse.count_into)
    table.aside = [aside for aside in table.aside if not _is_skipped(sheet.rows[aside.row_no - 1], layout)]
    return table


class _Member(NamedTuple):
    """Whose row it is (empty: nobody's), and whether it is the one that gives the cells."""

    of: str
    is_kept: bool


def _member(filled: Mapping[int, Cell], layout: Layout, collapse: Collapse) -> _Member:
    texts = {title: filled.get(layout.titles.index(title)) for title in (collapse.by, *collapse.keep)}
    is_kept = all(fold(display(texts[title])) == value for title, value in collapse.keep.items())
    return _Member(values.key_text(texts[collapse.by]), is_kept)


def _collapse(table: Table, members: Sequence[_Member], count_into: str) -> None:
    """Make one row of those that belong together; where none or several could give the cells, nobody can tell (R08)."""
    together: dict[str, list[int]] = {}
    for place, member in enumerate(members):
        together.setdefault(member.of or f"\0{place}", []).append(place)
    rows: dict[int, DataRow] = {}
    for places in together.values():
        kept = [place for place in places if members[place].is_kept]
        is_clear = len(kept) == 1 and all(table.rows[place].misplaced_at is None for place in places)
        for place in kept if is_clear else places:
            row = table.rows[place]
            rows[place] = replace(row, cells={**row.cells, count_into: str(len(places))}, is_unclear=not is_clear)
    table.collapsed = [row for place, row in enumerate(table.rows) if place not in rows]
    table.ignored_row_nos += [row.row_no for row in table.collapsed]
    table.rows = [rows[place] for place in sorted(rows)]
    table.totals = []  # of rows that are ours no longer


def _has_header(rows: Sequence[Sequence[Cell]], layout: Layout) -> bool:
    return len(rows) >= len(layout.header) and all(_has_titles(rows[level], layout, level) for level in range(len(layout.header)))


def _has_titles(row: Sequence[Cell], layout: Layout, level: int) -> bool:
    """True when a row reads like this row of the header. Above the last one a title that repeats its left neighbour may be blank: it is
    one cell, merged over the columns it names.
    """
    wanted, is_upper = layout.header[level], level < len(layout.header) - 1
    for position, title in enumerate(wanted):
        text = fold(display(row[position])) if position < len(row) else ""
        is_covered = is_upper and position > 0 and title == wanted[position - 1]
        if text != (title or "") and not (is_covered and not text):
            return False
    return True


def _has_figures(rows: Sequence[Sequence[Cell]], layout: Layout) -> bool:
    """True when the printed total and the sum of the rows are those of the one table that the layout's constants belong to."""
    counted = [row for row in rows if not _is_skipped(row, layout)]
    return all(total in _numbers(rows, layout, title) for title, total in layout.total.items()) and all(
        total == sum(_numbers(counted, layout, title), Decimal(0)) for title, total in layout.sum.items()
    )


def _numbers(rows: Sequence[Sequence[Cell]], layout: Layout, title: str) -> list[Decimal]:
    position = layout.titles.index(title)
    numbers = [values.number(row[position]) for row in rows if position < len(row)]
    return [number for number in numbers if number is not None]


def _is_skipped(row: Sequence[Cell], layout: Layout) -> bool:
    first = display(next(filter(is_filled, row), None)).strip()
    return any(pattern.search(first) for pattern in layout.skip)


def _titles(header: Sequence[Sequence[Cell]], layout: Layout) -> dict[int, str]:
    """What each column is called: by the layout, right of it (退回原因 of a slip) by the sheet, without a title by its letters."""
    titles: dict[int, str] = {}
    for position in range(max(map(len, [layout.titles, *header]))):
        if position < len(layout.titles):
            title = layout.titles[position]
        else:
            title = "".join(fold(display(row[position])) for row in header if position < len(row))
        is_taken = title in titles.values()
        titles[position] = f"{title} ({_letters(position)})" if is_taken else title or _letters(position)
    return titles


def _letters(position: int) -> str:
    return address(0, position).removesuffix("1")


def _misplaced_at(filled: Mapping[int, Cell], sheet: Sheet, width: int) -> int | None:
    """Where a row has left the columns of the header. In a CSV a field beyond the last one is no column more, but a cell torn in two."""
    is_csv = not sheet.name
    return next((at for at, cell in sorted(filled.items()) if isinstance(cell, Misplaced) or (is_csv and at >= width)), None)


def _split(cell: Cell, title: str, layout: Layout) -> dict[str, Cell]:
    """The places that one cell holds together. Without the form each is the whole text: no place is called so, and the row goes back."""
    if title not in layout.split:
        return {}
    pattern, names = layout.split[title]
    text = display(cell).strip()
    found = pattern.fullmatch(text)
    return dict(zip(names, found.groups(), strict=True)) if found else dict.fromkeys(names, text)


def _prefix_key(cells: dict[str, Cell], layout: Layout, ledger: Ledger, words: Words) -> None:
    """Put the prefix before a key that can be read; one that cannot stays as it is, and goes back."""
    key = values.read_cell(cells.get(ledger.key), ledger.by_name[ledger.key], CellContext(date.max, words)).value
    if key and layout.key_prefix:
        cells[ledger.key] = layout.key_prefix + key
