"""Finds the ledgers in a document: sheet, header, units, report date, data rows, totals and notes (docs/rules.md, Reading a table).

Pure: a `Document` goes in, a `Reading` comes out. What breaks a file rule is listed, all at once, and never raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from duban.intake import values
from duban.intake.cells import Cell, Document, Misplaced, Sheet, address, display
from duban.intake.layouts import find_layout, layout_table
from duban.intake.reading import DataRow, FileFault, Reading, Table, TotalRow
from duban.intake.rows import MAX_WORD, is_filled, rows_below, word
from duban.intake.words import fold, shown_names
from duban.ledgers import MONEY_UNITS, Column, Expectations, Ledger, unit_in_header

HEADER_ROWS = 20
#: A row that names this many required columns is a header.
HEADER_COLUMNS = 3
#: The sheet a return slip carries in front, and the labels by which a corrected slip is recognised.
SLIP_SHEET, SLIP_ID_LABEL = "退回说明", "报送编号"
#: The column a return slip adds to the sender's table.
REASON_COLUMN = "退回原因"
REPORT_DATE_LABEL = "填报日期"
#: Longer texts are no column names.
MAX_TITLE = 12
_UNIT_LABEL = re.compile("^(?:金额)?单位")
# A unit is a word of its own: neither 千元 nor 元坝镇 names one.
_UNIT_WORD = re.compile(r"(?:(?<=[:,、;()/])|^|(?<=人民币))(万元|元)(?=[,、;()/。]|$)")


def known_headers(expectations: Expectations) -> frozenset[str]:
    """Every column name a header may carry, folded: by them the reader tells the separators of a CSV apart."""
    names = {name for ledger in expectations.ledgers.values() for name in ledger.by_header}
    return frozenset(names.union(*(row for layout in expectations.layouts for row in layout.header)))


def read_tables(document: Document, expectations: Expectations, unit_code: str, on: date) -> Reading:
    """Find every ledger of the document. `unit_code` and `on` (date of the file) decide which layouts apply."""
    reading = Reading(document.kind, document.encoding, document.uses_1904, document.has_external_links)
    # From here on a sheet is called what everybody may read: its name goes wherever its rows go.
    names = shown_names(sheet.name for sheet in document.sheets)
    document = replace(document, sheets=tuple(replace(sheet, name=name) for sheet, name in zip(document.sheets, names, strict=True)))
    for sheet in document.sheets:
        if document.kind != "csv" and fold(sheet.name) == SLIP_SHEET:
            reading.slip_of = _labelled(sheet.rows, SLIP_ID_LABEL)
        elif not any(is_filled(cell) for row in sheet.rows for cell in row):
            reading.skipped_sheets.append(sheet.name)
        elif sheet.is_hidden:
            reading.hidden_sheets.append(sheet.name)
        else:
            _read_sheet(sheet, document, expectations, unit_code, on, reading)
    if not reading.tables and not reading.faults:
        reading.faults.append(FileFault("S02", _seen(document, expectations)))
    return reading


def _read_sheet(sheet: Sheet, document: Document, expectations: Expectations, unit_code: str, on: date, reading: Reading) -> None:
    if found := find_layout(sheet, expectations.layouts, unit_code, on):
        layout, row = found
        reading.layout = layout.name
        if layout.report_on:
            reading.report_dates.append((layout.report_on, f"版式 {layout.name}"))
        title = sheet.name or expectations.ledgers[layout.ledger].title
        _read_report_date(sheet, title, row, document.uses_1904, reading)
        reading.tables.append(layout_table(sheet, layout, row, expectations))
        return
    ledgers = list(expectations.ledgers.values())
    named = next((ledger for ledger in ledgers if document.kind != "csv" and fold(sheet.name) == ledger.title), None)
    best = _best_header(sheet, [named] if named else ledgers)
    if best is None or (named is None and best.required < HEADER_COLUMNS):
        if named is None:
            reading.skipped_sheets.append(sheet.name)
        else:
            required = "、".join(column.title for column in named.columns if column.is_required)
            reading.faults.append(FileFault("S03", f"前{HEADER_ROWS}行里没有找到表头；必填的列：{required}", sheet.name))
        return
    name = sheet.name if document.kind != "csv" else best.ledger.title
    table = _table(sheet, name, best, reading)
    _read_report_date(sheet, name, best.row, document.uses_1904, reading)
    _read_rows(sheet, table, best, expectations, reading)
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
    texts = [_texts(row) for row in sheet.rows[:HEADER_ROWS]]
    spread = [list(row) for row in texts]  # for the upper of two rows: a merged cell names every column it covers
    for first_row, first, last_row, last in sheet.merged:
        if first_row == last_row < len(spread) and first < len(spread[first_row]):
            row = spread[first_row]
            row.extend([""] * (last + 1 - len(row)))
            row[first : last + 1] = [row[first]] * (last + 1 - first)
    best = None
    for ledger in ledgers:
        for height in (1, 2):
            for row in range(len(texts) + 1 - height):
                header = _header(ledger, row, spread[row] if height == 2 else texts[row], texts[row + 1] if height == 2 else [])
                if header.known and (best is None or (header.required, header.known) > (best.required, best.known)):
                    best = header
    return best


def _texts(row: Sequence[Cell]) -> list[str]:
    return [fold(cell[:MAX_WORD]) if isinstance(cell, str) else "" for cell in row]


def _header(ledger: Ledger, row: int, upper: list[str], lower: list[str]) -> _Header:
    columns = []
    for position in range(max(len(upper), len(lower))):
        top = upper[position] if position < len(upper) else ""
        below = lower[position] if position < len(lower) else ""
        if top or below:
            columns.append((position, *_match(ledger, top, below), top + below))
    known = {column.name for _, column, _, _ in columns if column}
    required = sum(column.is_required for column in ledger.columns if column.name in known)
    return _Header(ledger, row, 2 if lower else 1, tuple(columns), required, len(known))


def _match(ledger: Ledger, top: str, below: str) -> tuple[Column | None, str | None]:
    """Column and unit that a header names: both levels joined if that is a name, else the lower one, else nothing."""
    for text in dict.fromkeys((top + below, below)):
        column, unit = ledger.column_of(text)
        if column:
            # A unit in the upper level counts for the columns under it.
            return column, unit or (unit_in_header(top) if below and column.type == "money" else None)
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
    factors = {column.name: MONEY_UNITS[unit] for _, column, unit, _ in header.columns if column and unit}
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
            if isinstance(cell, str) and (label := _UNIT_LABEL.match(text := fold(cell[: 4 * MAX_WORD]))):
                named = set(_UNIT_WORD.findall(text[label.end() :]))
                if len(named) == 1:
                    return MONEY_UNITS[named.pop()]
    return None


# ── report date and slip ─────────────────────────────────────────────────────────────────────────────────────────────


def _read_report_date(sheet: Sheet, name: str, header_row: int, uses_1904: bool, reading: Reading) -> None:
    for row_index, row in enumerate(sheet.rows[:header_row]):
        for position, cell in enumerate(row):
            if not (isinstance(cell, str) and fold(cell[:MAX_WORD]).startswith(REPORT_DATE_LABEL)):
                continue
            rest = (
                cell.strip()[len(REPORT_DATE_LABEL) :]
                if cell.strip().startswith(REPORT_DATE_LABEL)
                else fold(cell)[len(REPORT_DATE_LABEL) :]
            )
            after_colon = rest.lstrip(" ：:\u3000").strip()
            value: Cell = after_colon or next((c for c in row[position + 1 :] if is_filled(c)), None)
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
            if word(cell) == label:
                value = next((c for c in row[position + 1 :] if is_filled(c)), None)
                return fold(display(value)) or None
    return None


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_rows(sheet: Sheet, table: Table, header: _Header, expectations: Expectations, reading: Reading) -> None:
    below = header.row + header.height
    headers = [{position: text for position, text in enumerate(_texts(row)) if text} for row in sheet.rows[header.row : below]]
    known = {position: text for position, _, _, text in header.columns}
    letters = (address(0, position).rstrip("0123456789") for position in range(max(map(len, sheet.rows))))
    titles = [(known.get(position) or letter, letter) for position, letter in enumerate(letters)]
    required = [_required_names(ledger) for ledger in expectations.ledgers.values()]
    is_second_seen = False
    table.unknown_titles = [text for _, column, _, text in header.columns if column is None and text != REASON_COLUMN]
    names = {position: (name,) for name, position in table.positions.items()}
    for row_no, filled in rows_below(sheet, below, table, names, expectations):
        if _repeats_header(filled, headers):
            table.ignored_row_nos.append(row_no)
            continue
        if not is_second_seen and _is_another_header(filled, required):
            is_second_seen = True
            where = address(row_no - 1, min(filled))
            reading.faults.append(FileFault("S04", f"第{row_no}行又有一个表头，一张工作表里只能放一张表", table.sheet, where))
        table.rows.append(
            DataRow(
                sheet=table.sheet,
                row_no=row_no,
                cells={name: cell for position, cell in filled.items() for name in names.get(position, ())},
                extras=_extras(filled, names, titles),
                misplaced_at=next((position for position, cell in filled.items() if isinstance(cell, Misplaced)), None),
            )
        )


def _extras(whole: Mapping[int, Cell], names: Mapping[int, tuple[str, ...]], titles: Sequence[tuple[str, str]]) -> dict[str, Cell]:
    """Cells of unknown columns by title; a column without one, or with the title of another, goes by its letters."""
    extras: dict[str, Cell] = {}
    for position, cell in whole.items():
        if position not in names:
            title, letters = titles[position]
            extras[f"{title} ({letters})" if title in extras else title] = cell
    return extras


def _repeats_header(filled: Mapping[int, Cell], headers: Sequence[Mapping[int, str]]) -> bool:
    return len(filled) >= 2 and any(
        all(isinstance(cell, str) and header.get(position) == fold(cell[:MAX_WORD]) for position, cell in filled.items())
        for header in headers
    )


def _required_names(ledger: Ledger) -> dict[str, str]:
    """Required columns by every spelling of their header, that of money with a unit too."""
    names = {text: column for text, column in ledger.by_header.items() if column.is_required}
    units = {f"{text}({unit})": column for text, column in names.items() if column.type == "money" for unit in MONEY_UNITS}
    return {text: column.name for text, column in (names | units).items()}


def _is_another_header(filled: Mapping[int, Cell], required: Sequence[Mapping[str, str]]) -> bool:
    """True for the header of a second table: its columns stand elsewhere, so its rows must not be read by the first one."""
    texts = {word(cell) for cell in filled.values()}
    return any(len({names[text] for text in texts.intersection(names)}) >= HEADER_COLUMNS for names in required)


def _seen(document: Document, expectations: Expectations) -> str:
    """What was looked at in vain. Only what resembles a column name is quoted: a row that is no header may name persons."""
    visible = [sheet for sheet in document.sheets if not sheet.is_hidden]
    rows = [row for sheet in visible for row in sheet.rows[:HEADER_ROWS]]
    if not any(is_filled(cell) for row in rows for cell in row):
        hidden = [sheet.name for sheet in document.sheets if sheet.is_hidden and any(is_filled(cell) for row in sheet.rows for cell in row)]
        return f"看得见的工作表是空的；请取消隐藏“{'、'.join(hidden)}”" if hidden else "文件是空的"
    titles = {name for ledger in expectations.ledgers.values() for name in ledger.by_header}
    pairs = {title[at : at + 2] for title in titles for at in range(len(title) - 1)}
    texts = dict.fromkeys(word(cell) for row in rows for cell in row)
    alike = [text for text in texts if len(text) <= MAX_TITLE and any(text[at : at + 2] in pairs for at in range(len(text) - 1))]
    return f"前{HEADER_ROWS}行里像列名的：{'、'.join(alike[:HEADER_ROWS])}" if alike else f"前{HEADER_ROWS}行里没有像列名的文字"


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
