"""The rows below a header: data, totals, notes (docs/rules.md, Reading a table)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from duban.intake.cells import Cell, Sheet
from duban.intake.reading import Table, TotalRow
from duban.intake.words import fold
from duban.ledgers import Expectations

MAX_WORD = 64


def rows_below(
    sheet: Sheet, first_row: int, table: Table, names: Mapping[int, tuple[str, ...]], expectations: Expectations
) -> Iterator[tuple[int, dict[int, Cell]]]:
    """Row number and filled cells by position of every row from `first_row` (0-based) on that is neither total, note nor blank.

    Totals, ignored and hidden rows are entered into `table`. `names` are the columns that each position fills.
    """
    key_position = table.positions.get(table.ledger.key)
    fills = _merged_fills(sheet)
    for row_index in range(first_row, len(sheet.rows)):
        filled = {position: cell for position, cell in enumerate(sheet.rows[row_index]) if is_filled(cell)}
        if not filled:
            continue
        row_no = row_index + 1
        if row_index in sheet.hidden_rows:
            table.hidden_row_nos.append(row_no)
        if word := _total_word(filled, expectations):
            cells = {name: cell for position, cell in filled.items() for name in names.get(position, ())}
            table.totals.append(TotalRow(row_no, word, cells, len(table.rows)))
            table.ignored_row_nos.append(row_no)
        elif _is_note(filled, key_position, expectations):
            table.ignored_row_nos.append(row_no)
        else:
            yield row_no, {**fills.get(row_index, {}), **filled}


def is_filled(cell: Cell) -> bool:
    """False for an empty cell and for one that holds white space only."""
    return cell is not None and not (isinstance(cell, str) and not fold(cell[:MAX_WORD]) and not fold(cell))


def word(cell: Cell) -> str:
    """The cell as it is compared with words and column names; longer texts are none (and folding them again and again takes long)."""
    return fold(cell) if isinstance(cell, str) and len(cell) <= MAX_WORD else ""


def _merged_fills(sheet: Sheet) -> dict[int, dict[int, Cell]]:
    """Cells that a merged area covers below its first one, by row and position: they hold its value too (a township name down a column)."""
    fills: dict[int, dict[int, Cell]] = {}
    for first_row, first, last_row, _ in sheet.merged:
        if first_row < len(sheet.rows) and first < len(sheet.rows[first_row]) and is_filled(sheet.rows[first_row][first]):
            for row in range(first_row + 1, min(last_row + 1, len(sheet.rows))):
                fills.setdefault(row, {})[first] = sheet.rows[first_row][first]
    return fills


def _total_word(filled: Mapping[int, Cell], expectations: Expectations) -> str | None:
    for cell in filled.values():
        if (text := word(cell)) in expectations.total_words:
            return text
    return None


def _is_note(filled: Mapping[int, Cell], key_position: int | None, expectations: Expectations) -> bool:
    """One lone cell outside the key column, or nothing but cells that begin like a signature (制表人：… 审核：…)."""
    if len(filled) == 1 and key_position not in filled:
        return True
    return all(isinstance(cell, str) and fold(cell[:MAX_WORD]).startswith(expectations.note_prefixes) for cell in filled.values())
