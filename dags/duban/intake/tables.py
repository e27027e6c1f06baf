"""Finds the ledgers in a document: sheet, header, units, report date, data rows, totals and notes (docs/rules.md, Reading a table).

Pure: a `Document` goes in, a `Reading` comes out. What breaks a file rule is listed, all at once, and never raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from duban.intake import values
from duban.intake.cells import Cell, Document, Sheet, address, display
from duban.intake.words import fold
from duban.ledgers import Column, Expectations, Layout, Ledger

HEADER_ROWS = 20
MAX_MERGED_CELLS = 2_000_000
#: The sheet a return slip carries in front, and the labels by which a corrected slip is recognised.
SLIP_SHEET, SLIP_ID_LABEL = "退回说明", "报送编号"
#: The column a return slip adds to the sender's table.
REASON_COLUMN = "退回原因"
REPORT_DATE_LABEL = "填报日期"
_UNIT_LABEL = re.compile("^(?:金额)?单位")
# A unit is a word of its own: neither 千元 nor 元坝镇 names one.
_UNIT_WORD = re.compile(r"(?:(?<=[:,、;()/])|^|(?<=人民币))(万元|元)(?=[,、;()/。]|$)")
_UNIT_FACTORS = {"元": Decimal(1), "万元": Decimal(10_000)}
_HEADER_UNIT = re.compile(r"^(.+?)\((万元|元)\)$")


@dataclass(frozen=True)
class DataRow:
    """One data row: cells by column name, as the sender wrote them (merged cells filled downwards). `row_no` counts from 1."""

    sheet: str
    row_no: int
    cells: dict[str, Cell]
    extras: dict[str, Cell]


@dataclass(frozen=True)
class TotalRow:
    """A total row: its word, its cells by column name, and how many data rows stand above it."""

    row_no: int
    word: str
    cells: dict[str, Cell]
    data_rows_above: int


@dataclass
class Table:
    """A ledger as found in one sheet. `positions` are 0-based columns; `factors` turn a money cell into yuan."""

    ledger: Ledger
    sheet: str
    header_row_no: int
    positions: dict[str, int]
    factors: dict[str, Decimal]
    constants: dict[str, str] = field(default_factory=dict)
    rows: list[DataRow] = field(default_factory=list)
    totals: list[TotalRow] = field(default_factory=list)
    ignored_row_nos: list[int] = field(default_factory=list)
    hidden_row_nos: list[int] = field(default_factory=list)

    def cell(self, column: str, row_no: int) -> str | None:
        """A1 address of a column in a row, or None when the sheet does not have the column."""
        position = self.positions.get(column)
        return None if position is None else address(row_no - 1, position)


@dataclass(frozen=True)
class FileFault:
    """A broken file rule (S01–S10) and where it shows."""

    rule_id: str
    detail: str
    sheet: str = ""
    cell: str | None = None
    column: str | None = None
    value: str | None = None


@dataclass
class Reading:
    """What a document holds for Duban."""

    tables: list[Table] = field(default_factory=list)
    faults: list[FileFault] = field(default_factory=list)
    report_dates: list[tuple[date, str]] = field(default_factory=list)
    skipped_sheets: list[str] = field(default_factory=list)
    hidden_sheets: list[str] = field(default_factory=list)
    layout: str | None = None
    slip_of: str | None = None


def known_headers(expectations: Expectations) -> list[str]:
    """Every column name a header may carry, folded: by them the reader tells the separators of a CSV apart."""
    names = {name for ledger in expectations.ledgers.values() for name in ledger.by_header}
    return sorted(names.union(*(layout.header for layout in expectations.layouts)))


def read_tables(document: Document, expectations: Expectations, unit_code: str) -> Reading:
    """Find every ledger of the document."""
    reading = Reading()
    for sheet in document.sheets:
        if document.kind != "csv" and fold(sheet.name) == SLIP_SHEET:
            reading.slip_of = _labelled(sheet.rows, SLIP_ID_LABEL)
        elif not any(_is_filled(cell) for row in sheet.rows for cell in row):
            reading.skipped_sheets.append(sheet.name)
        elif sheet.is_hidden:
            reading.hidden_sheets.append(sheet.name)
        else:
            _read_sheet(sheet, document, expectations, unit_code, reading)
    if not reading.tables and not reading.faults:
        reading.faults.append(FileFault("S02", _seen(document, expectations)))
    return reading


def _read_sheet(sheet: Sheet, document: Document, expectations: Expectations, unit_code: str, reading: Reading) -> None:
    for layout in expectations.layouts:
        if layout.sender == unit_code and (row := _layout_row(sheet, layout)) is not None:
            reading.layout = layout.name
            table = _layout_table(sheet, layout, row, expectations.ledgers[layout.ledger])
            if layout.report_on:
                reading.report_dates.append((layout.report_on, f"版式 {layout.name}"))
            _read_rows(sheet, table, row, 1, expectations)
            reading.tables.append(table)
            return
    named = next((ledger for ledger in expectations.ledgers.values() if document.kind != "csv" and fold(sheet.name) == ledger.title), None)
    best = _best_header(sheet, [named] if named else list(expectations.ledgers.values()))
    if best is None or (named is None and best.required < 3):
        if named is None:
            reading.skipped_sheets.append(sheet.name)
        else:
            required = "、".join(column.title for column in named.columns if column.is_required)
            reading.faults.append(FileFault("S03", f"前{HEADER_ROWS}行里没有找到表头；必填的列：{required}", sheet.name))
        return
    name = sheet.name if document.kind != "csv" else best.ledger.title
    table = _table(sheet, name, best, reading)
    _read_report_date(sheet, name, best.row, document.uses_1904, reading)
    _read_rows(sheet, table, best.row, best.height, expectations)
    _check_units(sheet, table, best, reading)
    reading.tables.append(table)


# ── header ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Header:
    ledger: Ledger
    row: int
    height: int
    columns: tuple[tuple[int, Column | None, str | None, str], ...]  # position, column if known, unit of the header, text as written
    required: int
    known: int


def _best_header(sheet: Sheet, ledgers: list[Ledger]) -> _Header | None:
    """The row (or pair of rows) that names most columns; one row before two, the upper before the lower."""
    best = None
    for ledger in ledgers:
        for height in (1, 2):
            for row in range(min(HEADER_ROWS + 1 - height, len(sheet.rows))):
                header = _header(sheet, ledger, row, height)
                if header.known and (best is None or (header.required, header.known) > (best.required, best.known)):
                    best = header
    return best


def _header(sheet: Sheet, ledger: Ledger, row: int, height: int) -> _Header:
    upper = [fold(cell) if isinstance(cell, str) else "" for cell in sheet.rows[row]]
    lower: list[str] = []
    if height == 2:
        if row + 1 >= len(sheet.rows):
            return _Header(ledger, row, height, (), 0, 0)
        lower = [fold(cell) if isinstance(cell, str) else "" for cell in sheet.rows[row + 1]]
        upper += [""] * (len(lower) - len(upper))
        for first_row, first, last_row, last in sheet.merged:
            if first_row == last_row == row:
                upper[first : last + 1] = upper[first : first + 1] * len(upper[first : last + 1])
    columns = []
    for position, top in enumerate(upper):
        below = lower[position] if position < len(lower) else ""
        column, unit = _match(ledger, top, below)
        if top or below:
            columns.append((position, column, unit, top + below))
    known = {column.name for _, column, _, _ in columns if column}
    required = sum(column.is_required for column in ledger.columns if column.name in known)
    return _Header(ledger, row, height, tuple(columns), required, len(known))


def _match(ledger: Ledger, top: str, below: str) -> tuple[Column | None, str | None]:
    """Column and unit that a header names: both levels joined if that is a name, else the lower one, else nothing."""
    for text in (top + below, below):
        unit = _HEADER_UNIT.match(text)
        if column := ledger.by_header.get(text):
            outer = _HEADER_UNIT.match(top)
            return column, outer[2] if below and outer and column.type == "money" else None
        if unit and (column := ledger.by_header.get(unit[1])) and column.type == "money":
            return column, unit[2]
    return None, None


def _table(sheet: Sheet, name: str, header: _Header, reading: Reading) -> Table:
    positions: dict[str, int] = {}
    for position, column, _, text in header.columns:
        if column is None:
            continue
        if column.name in positions:
            where = address(header.row + header.height - 1, position)
            reading.faults.append(FileFault("S04", f"“{column.title}”出现了两次", name, where, column.title, text))
        else:
            positions[column.name] = position
    for column in header.ledger.columns:
        if column.is_required and column.name not in positions:
            reading.faults.append(FileFault("S03", f"缺少“{column.title}”", name, None, column.title))
    factors = {column.name: _UNIT_FACTORS[unit] for _, column, unit, _ in header.columns if column and unit}
    return Table(header.ledger, name, header.row + 1, positions, factors)


def _check_units(sheet: Sheet, table: Table, header: _Header, reading: Reading) -> None:
    common = _unit_above(sheet, header.row)
    for column in table.ledger.columns:
        if column.type != "money" or column.name not in table.positions or column.name in table.factors:
            continue
        if common:
            table.factors[column.name] = common
        elif any(values.is_blank(row.cells.get(column.name)) is False for row in table.rows):
            where = address(header.row + header.height - 1, table.positions[column.name])
            reading.faults.append(FileFault("S05", f"“{column.title}”没有写明单位是元还是万元", table.sheet, where, column.title))


def _unit_above(sheet: Sheet, header_row: int) -> Decimal | None:
    for row in sheet.rows[:header_row]:
        for cell in row:
            if isinstance(cell, str) and (label := _UNIT_LABEL.match(text := fold(cell))):
                named = set(_UNIT_WORD.findall(text[label.end() :]))
                if len(named) == 1:
                    return _UNIT_FACTORS[named.pop()]
    return None


# ── report date and slip ─────────────────────────────────────────────────────────────────────────────────────────────


def _read_report_date(sheet: Sheet, name: str, header_row: int, uses_1904: bool, reading: Reading) -> None:
    for row_index, row in enumerate(sheet.rows[:header_row]):
        for position, cell in enumerate(row):
            if not (isinstance(cell, str) and fold(cell).startswith(REPORT_DATE_LABEL)):
                continue
            rest = (
                cell.strip()[len(REPORT_DATE_LABEL) :]
                if cell.strip().startswith(REPORT_DATE_LABEL)
                else fold(cell)[len(REPORT_DATE_LABEL) :]
            )
            after_colon = rest.lstrip(" ：:\u3000").strip()
            value: Cell = after_colon or next((c for c in row[position + 1 :] if _is_filled(c)), None)
            if values.is_blank(value):
                continue
            where = address(row_index, position)
            found = values.report_date(value, uses_1904)
            if found is None:
                reading.faults.append(FileFault("S07", "填报日期看不懂", name, where, REPORT_DATE_LABEL, display(value)))
            else:
                reading.report_dates.append((found, f"{name} {where}"))


def _labelled(rows: list[list[Cell]], label: str) -> str | None:
    for row in rows:
        for position, cell in enumerate(row):
            if isinstance(cell, str) and fold(cell) == label:
                value = next((c for c in row[position + 1 :] if _is_filled(c)), None)
                return fold(display(value)) or None
    return None


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_rows(sheet: Sheet, table: Table, header_row: int, height: int, expectations: Expectations) -> None:
    names = {position: name for name, position in table.positions.items()}
    headers = [
        {position: fold(cell) for position, cell in enumerate(row) if isinstance(cell, str) and fold(cell)}
        for row in sheet.rows[header_row : header_row + height]
    ]
    titles = {p: "".join(filter(None, (h.get(p) for h in headers))) for p in {p for h in headers for p in h}}
    key_position = table.positions.get(table.ledger.key)
    fills = _merged_fills(sheet)
    for row_index in range(header_row + height, len(sheet.rows)):
        row = sheet.rows[row_index]
        filled = {position: cell for position, cell in enumerate(row) if _is_filled(cell)}
        if not filled:
            continue
        row_no = row_index + 1
        if row_index in sheet.hidden_rows:
            table.hidden_row_nos.append(row_no)
        if word := _total_word(filled, expectations):
            cells = {names[p]: cell for p, cell in filled.items() if p in names}
            table.totals.append(TotalRow(row_no, word, cells, len(table.rows)))
            table.ignored_row_nos.append(row_no)
        elif _is_note(filled, key_position, expectations) or _repeats_header(filled, headers):
            table.ignored_row_nos.append(row_no)
        else:
            whole = {**fills.get(row_index, {}), **filled}
            table.rows.append(
                DataRow(
                    sheet=table.sheet,
                    row_no=row_no,
                    cells={**table.constants, **{names[p]: cell for p, cell in whole.items() if p in names}},
                    extras=_extras(whole, names, titles),
                )
            )


def _extras(whole: dict[int, Cell], names: dict[int, str], titles: dict[int, str]) -> dict[str, Cell]:
    """Cells of unknown columns by title; a column without one, or with the title of another, goes by its letters."""
    extras: dict[str, Cell] = {}
    for position, cell in whole.items():
        if position not in names:
            letters = address(0, position).rstrip("0123456789")
            title = titles.get(position) or letters
            extras[f"{title} ({letters})" if title in extras else title] = cell
    return extras


def _merged_fills(sheet: Sheet) -> dict[int, dict[int, Cell]]:
    """Cells that a merged area covers below its first one, by row and position: they hold its value too (a township name down a column).

    Raises:
        ValueError: areas lie over each other so often that no person made them.
    """
    fills: dict[int, dict[int, Cell]] = {}
    steps = 0
    for first_row, first, last_row, _ in sheet.merged:
        if first_row < len(sheet.rows) and first < len(sheet.rows[first_row]) and _is_filled(sheet.rows[first_row][first]):
            rows = range(first_row + 1, min(last_row + 1, len(sheet.rows)))
            steps += len(rows)
            if steps > MAX_MERGED_CELLS:
                raise ValueError("too many merged cells")
            for row in rows:
                fills.setdefault(row, {})[first] = sheet.rows[first_row][first]
    return fills


def _total_word(filled: dict[int, Cell], expectations: Expectations) -> str | None:
    for cell in filled.values():
        if isinstance(cell, str) and (text := fold(cell)) in expectations.total_words:
            return text
    return None


def _is_note(filled: dict[int, Cell], key_position: int | None, expectations: Expectations) -> bool:
    """One lone cell outside the key column, or nothing but cells that begin like a signature (制表人：… 审核：…)."""
    if len(filled) == 1 and key_position not in filled:
        return True
    return all(isinstance(cell, str) and fold(cell).startswith(expectations.note_prefixes) for cell in filled.values())


def _repeats_header(filled: dict[int, Cell], headers: list[dict[int, str]]) -> bool:
    texts = {position: fold(cell) if isinstance(cell, str) else None for position, cell in filled.items()}
    return any(len(texts) >= 2 and all(header.get(p) == text for p, text in texts.items()) for header in headers)


def _is_filled(cell: Cell) -> bool:
    return cell is not None and not (isinstance(cell, str) and not fold(cell))


def _seen(document: Document, expectations: Expectations) -> str:
    """What was looked at in vain, without quoting it: a row that is no header may name persons."""
    rows = document.sheets[0].rows[:HEADER_ROWS] if document.sheets else []
    known = {name for ledger in expectations.ledgers.values() for name in ledger.by_header}
    names = dict.fromkeys(fold(cell) for row in rows for cell in row if isinstance(cell, str) and fold(cell) in known)
    if not any(_is_filled(cell) for row in rows for cell in row):
        return "文件是空的"
    return f"前{HEADER_ROWS}行里认得的列名：{'、'.join(names)}" if names else f"前{HEADER_ROWS}行里没有认得的列名"


# ── layouts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _layout_row(sheet: Sheet, layout: Layout) -> int | None:
    for index, row in enumerate(sheet.rows[:HEADER_ROWS]):
        if tuple(fold(display(cell)) for cell in row[: len(layout.header)]) == layout.header:
            return index if _has_total(sheet.rows[index + 1 :], layout) else None
    return None


def _has_total(rows: list[list[Cell]], layout: Layout) -> bool:
    wanted = {layout.header.index(column): value for column, value in layout.total.items()}
    return not wanted or any(all(p < len(row) and fold(display(row[p])) == value for p, value in wanted.items()) for row in rows)


def _layout_table(sheet: Sheet, layout: Layout, row: int, ledger: Ledger) -> Table:
    table = Table(ledger, ledger.title if not sheet.name else sheet.name, row + 1, {}, {})
    for position, theirs in enumerate(layout.header):
        column, unit = _match(ledger, fold(layout.columns[theirs]), "") if theirs in layout.columns else (None, None)
        if column:
            table.positions[column.name] = position
            if unit:
                table.factors[column.name] = _UNIT_FACTORS[unit]
    table.constants.update({ledger.by_header[fold(title)].name: value for title, value in layout.constants.items()})
    return table


def total_faults(table: Table, amounts: list[dict[str, Decimal | None]]) -> Iterator[tuple[TotalRow, str, Decimal, Decimal]]:
    """Totals that do not agree (W02): the total row, the column, what it says, what the rows above add up to.

    `amounts` are the money and count values of `table.rows`, None where a cell is unreadable. 小计 covers the rows since the last 小计,
    合计 and 总计 cover all.
    """
    since = 0
    for total in table.totals:
        covered = amounts
        if total.word.endswith("小计"):
            covered, since = amounts[since : total.data_rows_above], total.data_rows_above
        for column in table.ledger.columns:
            if column.type not in {"money", "count"} or values.is_blank(total.cells.get(column.name)):
                continue
            said = values.number(total.cells[column.name], table.factors.get(column.name))
            actual = sum((row[column.name] for row in covered if row.get(column.name) is not None), Decimal(0))
            if said is not None and said != actual:
                yield total, column.title, said, actual
