"""Finds the ledgers in a document: sheet, header, units, report date, data rows, totals and notes (docs/rules.md, Reading a table).

Pure: a `Document` goes in, a `Reading` comes out. What breaks a file rule is listed, all at once, and never raised.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from operator import add

from duban.intake import limits, values
from duban.intake.cells import SURPLUS_MARK, Cell, Document, Misplaced, Picture, Sheet, address, display
from duban.intake.layouts import find_layout, layout_table
from duban.intake.reading import DataRow, FileFault, Reading, Table, TotalRow
from duban.intake.rows import HEADER_COLUMNS, MAX_WORD, REASON_COLUMN, count_unread, is_filled, rows_below, titles_in, word
from duban.ledgers import MONEY_UNITS, Column, Expectations, HeaderName, Ledger, Words, name_a_column, unit_in_header
from duban.text.words import fold, shown_names

HEADER_ROWS = 20
#: The sheet a return slip carries in front, and the labels by which a corrected slip is recognised.
SLIP_SHEET, SLIP_ID_LABEL = "退回说明", "报送编号"
REPORT_DATE_LABEL = "填报日期"
#: Longer texts are no column names.
MAX_TITLE = 12
#: Of so many texts of a table it is remembered which titles stand in them.
_TEXTS_REMEMBERED = 1 << 14
_HAN = "\u4e00-\u9fff"
# A label of a unit, also within a line (填报单位：某办    单位：万元); the 单位 of 填报单位 is none.
_UNIT_LABEL = re.compile(rf"(?<![{_HAN}])(?:金\s*额\s*|计\s*量\s*)?单\s*位(?![{_HAN}]{{2}}\s*:)")
# A unit is a word of its own: neither 千元 nor 元坝镇 names one.
_UNIT_WORD = re.compile(r"(?:(?<=[:,、;()/\s])|^|(?<=人民币))(万\s*元|元)(?=[,、;()/。\s]|$)")
_LABEL_OF_DATE = re.compile(r"填\s*报\s*(日\s*期|时\s*间)\s*(:?)\s*")
_NEXT_LABEL = re.compile(rf"\s+[{_HAN}]{{2,8}}\s*:|[,;。)\]】]")
_OTHER_LABEL = re.compile(rf"[{_HAN}]{{2,8}}\s*[:：]")
_DEADLINE = re.compile(r"(?<=[\d日号])\s*[之以]?前")


def read_tables(document: Document, expectations: Expectations, unit_code: str, on: date) -> Reading:
    """Find every ledger of the document. `unit_code` and `on` (date of the file) decide which layouts apply."""
    reading = Reading(document.kind, document.encoding, document.uses_1904, document.has_external_links)
    # From here on a sheet is called what everybody may read: its name goes wherever its rows go.
    names = shown_names(sheet.name for sheet in document.sheets)
    document = replace(document, sheets=tuple(replace(sheet, name=name) for sheet, name in zip(document.sheets, names, strict=True)))
    for sheet in document.sheets:
        if document.kind != "csv" and fold(sheet.name) == SLIP_SHEET:
            reading.slip_of = _labelled(sheet.rows, SLIP_ID_LABEL)
        elif not sheet.too_wide and not any(is_filled(cell) for row in sheet.rows for cell in row):
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
        table = layout_table(sheet, layout, row, expectations)
        _read_report_date(sheet, title, row, table, document.uses_1904, expectations.words, reading)
        table.pictures = _pictures(sheet, row)
        reading.tables.append(table)
        return
    ledgers = list(expectations.ledgers.values())
    named = next((ledger for ledger in ledgers if document.kind != "csv" and fold(sheet.name) == ledger.title), None)
    best = _best_header(sheet, [named] if named else ledgers, expectations.header_names)
    if best is None or (named is None and best.required < HEADER_COLUMNS):
        if named is None:
            reading.skipped_sheets.append(sheet.name)
        else:
            required = "、".join(column.title for column in named.columns if column.is_required)
            reading.faults.append(FileFault("S03", f"前{HEADER_ROWS}行里没有找到表头；必填的列：{required}", sheet.name))
        return
    if sheet.too_wide:
        reason = f"单元格 {sheet.too_wide} 超出了可读的 {limits.MAX_COLUMNS} 列，请删去表格边缘多余的内容后保存"
        reading.faults.append(FileFault("S10", reason, sheet.name, sheet.too_wide))
    name = sheet.name if document.kind != "csv" else best.ledger.title
    table = _table(sheet, name, best, reading)
    _read_rows(sheet, table, best, expectations, reading)
    _read_report_date(sheet, name, best.row, table, document.uses_1904, expectations.words, reading)
    _check_units(sheet, table, best, reading, expectations.words)
    table.pictures = _pictures(sheet, best.row)
    reading.tables.append(table)


# ── header ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Header:
    ledger: Ledger
    row: int
    height: int
    columns: tuple[tuple[int, HeaderName, str], ...]  # position, what it names, text as written
    required: int
    known: int
    units: int


def _best_header(sheet: Sheet, ledgers: list[Ledger], names: frozenset[str]) -> _Header | None:
    """The row (or pair of rows) that names most columns; one row before two, the upper before the lower. `names` are those of all ledgers:
    rows without one of them, as most are, are no header of any.
    """
    texts = [_texts(row) for row in sheet.rows[:HEADER_ROWS]]
    spread = [list(row) for row in texts]  # for the upper of two rows: a merged cell names every column it covers
    for first_row, first, last_row, last in sheet.merged:
        if first_row == last_row < len(spread) and first < len(spread[first_row]):
            row = spread[first_row]
            row.extend([""] * (last + 1 - len(row)))
            row[first : last + 1] = [row[first]] * (last + 1 - first)
    of_one = [(row, texts[row], []) for row in range(len(texts))]
    of_two = [(row, spread[row], texts[row + 1]) for row in range(len(texts) - 1)]
    likely = [
        (row, upper, lower) for row, upper, lower in of_one + of_two if name_a_column({*map(add, upper, lower), *upper, *lower}, names)
    ]
    best = None
    for ledger in ledgers:
        for row, upper, lower in likely:
            header = _header(ledger, row, upper, lower)
            # a second row that adds nothing but units is one of the header all the same
            if header.known and (best is None or _fit(header) > _fit(best)):
                best = header
    return best


def _fit(header: _Header) -> tuple[int, int, int]:
    return header.required, header.known, header.units


def _texts(row: Sequence[Cell]) -> list[str]:
    return [fold(cell[:MAX_WORD]) if isinstance(cell, str) else "" for cell in row]


def _header(ledger: Ledger, row: int, upper: list[str], lower: list[str]) -> _Header:
    columns = []
    for position in range(max(len(upper), len(lower))):
        top = upper[position] if position < len(upper) else ""
        below = lower[position] if position < len(lower) else ""
        if top or below:
            columns.append((position, _match(ledger, top, below), top + below))
    known = {found.column.name for _, found, _ in columns if found.column}
    required = sum(column.is_required for column in ledger.columns if column.name in known)
    units = sum(found.unit is not None for _, found, _ in columns)
    return _Header(ledger, row, 2 if lower else 1, tuple(columns), required, len(known), units)


def _match(ledger: Ledger, top: str, below: str) -> HeaderName:
    """What a header names: both levels joined if that is a name, else the lower one, else nothing."""
    for text in dict.fromkeys((top + below, below)):
        found = ledger.column_of(text)
        if found.column:
            # A unit in the upper level counts for the columns under it.
            is_money = bool(below) and found.column.type == "money"
            return found._replace(unit=found.unit or (unit_in_header(top) if is_money else None))
    return HeaderName(None, None, True)


def _table(sheet: Sheet, name: str, header: _Header, reading: Reading) -> Table:
    exact = {found.column.name for _, found, _ in header.columns if found.column and found.is_exact}
    positions: dict[str, int] = {}
    factors: dict[str, Decimal] = {}
    for position, (column, unit, is_exact), text in header.columns:
        # 完成日期(村里) beside 完成日期 is another column
        if column is None or (not is_exact and column.name in exact):
            continue
        if column.name in positions:
            where = address(header.row + header.height - 1, position)
            reading.faults.append(FileFault("S04", f"“{column.title}”出现了两次", name, where, column.title, text))
            continue
        positions[column.name] = position
        if unit:
            factors[column.name] = MONEY_UNITS[unit]
    read = set(positions.values())
    unknown = {position: text for position, _, text in header.columns if position not in read and text != REASON_COLUMN}
    for column in header.ledger.columns:
        if column.is_required and column.name not in positions:
            seen = _alike(column, unknown.values())
            detail = f"缺少“{column.title}”" + (f"，表头里相近的是“{'”“'.join(seen)}”" if seen else "")
            reading.faults.append(FileFault("S03", detail, name, None, column.title))
    return Table(header.ledger, name, header.row + 1, positions, factors, unknown_titles=list(unknown.values()))


def _alike(column: Column, texts: Iterable[str]) -> list[str]:
    """The texts of a header that look like the column: they share most of its characters."""
    names = [fold(text) for text in (column.title, *column.aliases)]
    return [
        text
        for text in dict.fromkeys(texts)
        if len(text) <= 2 * MAX_TITLE and any(2 * len({*text} & {*name}) >= len({*name}) for name in names)
    ]


def _check_units(sheet: Sheet, table: Table, header: _Header, reading: Reading, words: Words) -> None:
    common = _unit_above(sheet, header.row)
    for column in table.ledger.columns:
        if column.type != "money" or column.name not in table.positions or column.name in table.factors:
            continue
        if common:
            table.factors[column.name] = common
        elif any(not values.is_blank(row.cells.get(column.name), words) for row in table.rows):
            where = address(header.row + header.height - 1, table.positions[column.name])
            reading.faults.append(FileFault("S05", f"“{column.title}”没有写明单位是元还是万元", table.sheet, where, column.title))


def _unit_above(sheet: Sheet, header_row: int) -> Decimal | None:
    """The unit that stands above the header; None when none does, or two that differ."""
    named = set()
    for row in sheet.rows[:header_row]:
        for position, cell in enumerate(row):
            if not isinstance(cell, str):
                continue
            text = unicodedata.normalize("NFKC", cell[: 4 * MAX_WORD]).strip()
            for label in _UNIT_LABEL.finditer(text):
                rest = text[label.end() :]
                if not rest.strip(": "):
                    rest = word(next((c for c in row[position + 1 :] if is_filled(c)), None))
                following = _NEXT_LABEL.search(rest, 1) if rest else None
                units = {"".join(unit.split()) for unit in _UNIT_WORD.findall(rest[: following.start()] if following else rest)}
                if len(units) == 1:
                    named |= units
    return MONEY_UNITS[named.pop()] if len(named) == 1 else None


# ── report date and slip ─────────────────────────────────────────────────────────────────────────────────────────────


def _read_report_date(sheet: Sheet, name: str, header_row: int, table: Table, uses_1904: bool, words: Words, reading: Reading) -> None:
    """Enter what the lines of text above a header and below its rows say of the report date: behind 填报日期 or 填报时间, anywhere in a
    cell, or in the next one.
    """
    last = table.rows[-1].row_no if table.rows else 0
    below = [no - 1 for no in table.ignored_row_nos if no > last]
    for row_index in (*range(header_row), *below):
        row = sheet.rows[row_index]
        for position, cell in enumerate(row):
            text = unicodedata.normalize("NFKC", cell[: 4 * MAX_WORD]).strip() if isinstance(cell, str) else ""
            for label in _LABEL_OF_DATE.finditer(text):
                value = _behind(label, text, row[position + 1 :])
                if values.is_blank(value, words) or _DEADLINE.search(display(value)):
                    continue
                where = address(row_index, position)
                found = values.report_date(value, uses_1904)
                if found is not None:
                    reading.report_dates.append((found, f"{name} {where}"))
                elif _is_meant(label, display(value), is_below=row_index > header_row):
                    reading.faults.append(FileFault("S07", "填报日期看不懂", name, where, REPORT_DATE_LABEL, display(value)))


def _behind(label: re.Match[str], text: str, next_cells: Sequence[Cell]) -> Cell:
    """What stands behind a label: in its own cell up to the next label, or in the next filled cell unless that is a label itself."""
    if rest := text[label.end() :]:
        following = _NEXT_LABEL.search(rest)
        return rest[: following.start()].strip() if following else rest
    value = next((cell for cell in next_cells if is_filled(cell)), None)
    return None if isinstance(value, str) and _OTHER_LABEL.match(value.strip()) else value


def _is_meant(label: re.Match[str], value: str, is_below: bool) -> bool:
    """False for prose (填报时间：每周五; 填报日期请写在右上角), and for a form below the table in which nobody has filled the day in."""
    has_digit = re.search(r"\d", value) is not None
    if label.start() == 0 and label[1].startswith("日") and not is_below:
        return True
    return bool(label[2]) and (has_digit or (not is_below and re.search("年.*月", value) is not None))


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
    headers = [_named(_texts(row), header.ledger) for row in sheet.rows[header.row : below]]
    known = {position: text for position, _, text in header.columns}
    letters = (address(0, position).rstrip("0123456789") for position in range(max(map(len, sheet.rows))))
    titles = [(known.get(position) or letter, letter) for position, letter in enumerate(letters)]
    required = [_required_names(ledger) for ledger in expectations.ledgers.values()]
    titles_of = lru_cache(maxsize=_TEXTS_REMEMBERED)(lambda text: titles_in((word(text),), expectations.header_names))
    is_second_seen = False
    names = {position: (name,) for name, position in table.positions.items()}
    called = {position: title for position, (title, _) in enumerate(titles)}
    for row_no, filled in rows_below(sheet, below, table, names, called, expectations):
        if _repeats_header(filled, headers, header.ledger):
            table.ignored_row_nos.append(row_no)
            continue
        if not is_second_seen and _is_another_header(filled, required, titles_of):
            is_second_seen = True
            where = address(row_no - 1, min(filled))
            reading.faults.append(FileFault("S04", f"第{row_no}行又有一个表头，一张工作表里只能放一张表", table.sheet, where))
        extras = _extras(filled, names, titles)
        count_unread(table, extras, expectations)
        cells = {name: cell for position, cell in filled.items() for name in names.get(position, ())}
        misplaced_at = next((position for position, cell in filled.items() if _is_misplaced(cell)), None)
        table.rows.append(DataRow(table.sheet, row_no, cells, extras, misplaced_at))


def _is_misplaced(cell: Cell) -> bool:
    """True for text that stands in no column; in a slip as long as nobody has put it in its place."""
    return cell.startswith(SURPLUS_MARK) if isinstance(cell, str) else isinstance(cell, Misplaced)


def _pictures(sheet: Sheet, header_row: int) -> list[str]:
    """Where pictures are below the header, in cells and on the sheet."""
    rows = ((row, cells) for row, cells in enumerate(sheet.rows) if Picture in map(type, cells))
    in_cells = ((row, column) for row, cells in rows for column, cell in enumerate(cells) if isinstance(cell, Picture))
    return [address(*place) for place in sorted({*in_cells, *sheet.pictures}) if place[0] > header_row]


def _extras(whole: Mapping[int, Cell], names: Mapping[int, tuple[str, ...]], titles: Sequence[tuple[str, str]]) -> dict[str, Cell]:
    """Cells of unknown columns by title; a column without one, or with the title of another, goes by its letters."""
    extras: dict[str, Cell] = {}
    for position, cell in whole.items():
        if position not in names:
            title, letters = titles[position]
            extras[f"{title} ({letters})" if title in extras else title] = cell
    return extras


def _named(texts: Sequence[str], ledger: Ledger) -> dict[int, Column | str]:
    """What each text of a header names: the column, or the text itself."""
    return {position: ledger.column_of(text).column or text for position, text in enumerate(texts) if text}


def _repeats_header(filled: Mapping[int, Cell], headers: Sequence[Mapping[int, Column | str]], ledger: Ledger) -> bool:
    """True for a row that names the columns again, be it with other marks or hints."""
    first = min(filled)
    text = word(filled[first])
    title = ledger.column_of(text).column or text
    if len(filled) < 2 or not any(header.get(first) == title for header in headers):
        return False
    if not all(isinstance(cell, str) for cell in filled.values()):
        return False
    named = _named([word(filled.get(position)) for position in range(max(filled) + 1)], ledger)
    return any(all(named.get(position) == header.get(position, "") for position in filled) for header in headers)


def _required_names(ledger: Ledger) -> dict[str, str]:
    """Required columns by every spelling of their header."""
    return {text: column.name for text, column in ledger.by_header.items() if column.is_required}


def _is_another_header(filled: Mapping[int, Cell], required: Sequence[Mapping[str, str]], titles_of: Callable[[str], set[str]]) -> bool:
    """True for the header of a second table: its columns stand elsewhere, so its rows must not be read by the first one."""
    texts = set().union(*[titles_of(cell) for cell in filled.values() if isinstance(cell, str)])
    if len(texts) < HEADER_COLUMNS:
        return False
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


def total_faults(table: Table, amounts: list[dict[str, Decimal | None]], words: Words) -> Iterator[tuple[TotalRow, str, Decimal, Decimal]]:
    """Totals that do not agree (W02): the total row, the column, what it says, what the rows it covers add up to.

    `amounts` are the sums and counts of `table.rows`, None where a cell is unreadable. 小计 covers the rows since the last 小计,
    合计 and its like all; of others (累计, 中央资金合计) nobody can tell.
    """
    since = 0
    for total in table.totals:
        covered = amounts
        if not total.covers:
            continue
        if total.covers == "since":
            covered, since = amounts[since : total.data_rows_above], total.data_rows_above
        for column in table.ledger.columns:
            if column.type not in {"money", "number", "count"} or values.is_blank(total.cells.get(column.name), words):
                continue
            said = values.number(total.cells[column.name], table.factors.get(column.name))
            actual = sum((row[column.name] for row in covered if row.get(column.name) is not None), Decimal(0))
            if said is not None and said != actual:
                yield total, column.title, said, actual
