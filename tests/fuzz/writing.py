"""A `LedgerFile` as bytes: .xlsx by openpyxl, .xls by xlwt, CSV by hand. Rows and headers learn where they stand."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import openpyxl
import xlwt
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.fuzz.ledgers import FACTOR, XLS, XLSX, DayNumber, Fault, Formula, LedgerFile, Line, Percentage, Row, Sheet, Yuan

# By the codes of the format: xlwt takes #VALUE! for #NUM! and does not know #N/A.
_XLS_ERRORS = {"#NULL!": 0x00, "#DIV/0!": 0x07, "#VALUE!": 0x0F, "#REF!": 0x17, "#NAME?": 0x1D, "#NUM!": 0x24, "#N/A": 0x2A}
_DAY_0, _DAY_0_OF_1904 = date(1899, 12, 30), date(1904, 1, 1)


@dataclass
class Grid:
    """A sheet as cells: rows by number, hidden rows, merged areas (first row, first column, last row, last column), all 0-based."""

    name: str
    rows: list[dict[int, Any]] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def write(file: LedgerFile) -> bytes:
    """The bytes of a file."""
    grids = [grid_of(file, sheet) for sheet in file.sheets]
    content = {XLSX: _xlsx, XLS: _xls}.get(file.kind, _csv)(file, grids)
    return file.mangle(content) if file.mangle else content


def grid_of(file: LedgerFile, sheet: Sheet) -> Grid:
    """A sheet's cells; its rows are numbered."""
    grid = Grid(sheet.name)
    grid.rows = [dict(cells) for cells in sheet.above]
    if sheet.has_date:
        grid.rows.append({0: f"填报单位：{file.sender.name or file.sender.code}", 4: f"填报日期：{sheet.date_text}"})
    if sheet.unit_stands == "above":
        grid.rows.append({3: f"单位：{sheet.unit}"})
    header = {sheet.position(title): sheet.own_title(title) if title in sheet.own else sheet.header(title) for title in sheet.columns}
    if sheet.groups:
        upper = dict(header)
        for text, (first, last) in sheet.groups.items():
            upper.update(dict.fromkeys(range(first, last + 1)))
            upper[first] = text
            grid.merged.append((len(grid.rows), first, len(grid.rows), last))
        grid.rows.append(upper)
        grouped = {position for first, last in sheet.groups.values() for position in range(first, last + 1)}
        header = {position: text for position, text in header.items() if position in grouped}
    grid.rows.append(header)
    sheet.header_no = len(grid.rows)
    above: list[Row] = []
    for line in sheet.lines:
        if isinstance(line, Row):
            line.no = len(grid.rows) + 1
            above.append(line)
            if line.is_hidden:
                grid.hidden.append(len(grid.rows))
        grid.rows.append(_cells(sheet, line, header, above))
    for title, first, last in sheet.merged:
        grid.merged.append((first.no - 1, sheet.position(title), last.no - 1, sheet.position(title)))
    return grid


def _cells(sheet: Sheet, line: Row | Line, header: dict[int, Any], above: list[Row]) -> dict[int, Any]:
    if isinstance(line, Row):
        return {
            sheet.position(title): _in_unit(sheet.own[title](line) if title in sheet.own else line.cells[title], sheet.unit)
            for title in sheet.columns
        }
    if line.repeats_header:
        return dict(header)
    if line.word:
        sums = {title: sum((row.values[title] for row in above if row.values[title] is not None), Decimal(0)) for title in sheet.money}
        return {sheet.position(sheet.title_of_key): line.word} | {
            sheet.position(title): (total + line.surplus) / FACTOR[sheet.unit] for title, total in sums.items()
        }
    return dict(line.cells)


def _in_unit(cell: Any, unit: str) -> Any:
    return cell.value / FACTOR[unit] if isinstance(cell, Yuan) else cell


def address(position: int, row_no: int) -> str:
    """A1 address of a 0-based column in a 1-based row."""
    return f"{get_column_letter(position + 1)}{row_no}"


def text_of(cell: Any, unit: str = "元", uses_1904: bool = False) -> str:
    """A cell as its sender sees it, as text: what a message may say of it."""
    match _in_unit(cell, unit):
        case None:
            return ""
        case bool() as truth:
            return "TRUE" if truth else "FALSE"
        case datetime() as moment:
            return moment.date().isoformat()
        case date() | time() as day:
            return day.isoformat()
        case Decimal() | float() | int() as number:
            # A spreadsheet keeps 15 digits; a longer amount was never written.
            return plain(Decimal(number) if number == int(number) and abs(number) < 2**53 else Decimal(f"{number:.15g}"))
        case Percentage(value):
            return plain(value / 100)
        case DayNumber(day):
            return str((day - (_DAY_0_OF_1904 if uses_1904 else _DAY_0)).days)
        case Formula(_, None):
            return "（未计算的公式）"
        case Formula(_, result):
            return plain(result)
        case Fault(text):
            return text
        case other:
            return str(other)


def plain(number: Decimal) -> str:
    """Digits without an exponent and without zeros at the end."""
    return f"{number.normalize():f}"


# ── .xlsx ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _xlsx(file: LedgerFile, grids: list[Grid]) -> bytes:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    if file.uses_1904:
        workbook.epoch = CALENDAR_MAC_1904
    results: list[tuple[int, str, Decimal]] = []
    for number, grid in enumerate(grids, start=1):
        sheet = workbook.create_sheet(grid.name)
        for row, cells in enumerate(grid.rows, start=1):
            for position, content in cells.items():
                if content is not None:
                    _fill(sheet.cell(row, position + 1), content, file.uses_1904)
                if isinstance(content, Formula) and content.result is not None:
                    results.append((number, address(position, row), content.result))
        for row in grid.hidden:
            sheet.row_dimensions[row + 1].hidden = True
        for first_row, first, last_row, last in grid.merged:
            sheet.merge_cells(start_row=first_row + 1, start_column=first + 1, end_row=last_row + 1, end_column=last + 1)
    for name, rows in file.hidden_sheets:
        sheet = workbook.create_sheet(name)
        sheet.sheet_state = "hidden"
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return _with_results(buffer.getvalue(), results) if results else buffer.getvalue()


def _fill(cell: Any, content: Any, uses_1904: bool) -> None:
    match content:
        case str():
            cell.value = content
            cell.data_type = "s"  # also where it begins with =
        case Decimal():
            cell.value = float(content)
        case Percentage(value):
            cell.value, cell.number_format = float(value / 100), "0.00%"
        case DayNumber():
            cell.value = int(text_of(content, uses_1904=uses_1904))
        case Formula(text, _):
            cell.value = text
        case Fault(text):
            cell.value, cell.data_type = text, "e"
        case date():
            cell.value, cell.number_format = content, "yyyy-mm-dd"
        case _:
            cell.value = content


def _with_results(content: bytes, results: list[tuple[int, str, Decimal]]) -> bytes:
    """The results beside formulas, which openpyxl does not write."""
    source, target = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            part = source.read(name)
            for number, where, result in results:
                if name == f"xl/worksheets/sheet{number}.xml":
                    pattern = rf'(<c r="{where}"[^>]*><f>[^<]*</f>)(?:<v */>|<v></v>)'
                    part, found = re.subn(pattern.encode(), lambda match, r=result: match[1] + f"<v>{plain(r)}</v>".encode(), part)
                    assert found == 1, (where, name)
            archive.writestr(name, part)
    return target.getvalue()


# ── .xls ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _xls(file: LedgerFile, grids: list[Grid]) -> bytes:
    workbook = xlwt.Workbook()
    workbook.dates_1904 = file.uses_1904
    day, percent = xlwt.easyxf(num_format_str="yyyy-mm-dd"), xlwt.easyxf(num_format_str="0.00%")
    for grid in grids:
        sheet = workbook.add_sheet(grid.name)
        covered = {
            (row, column) for top, left, bottom, right in grid.merged for row in range(top, bottom + 1) for column in range(left, right + 1)
        }
        for top, left, bottom, right in grid.merged:
            sheet.merge(top, bottom, left, right)
        firsts = {(top, left) for top, left, _, _ in grid.merged}
        for number, cells in enumerate(grid.rows):
            for position, content in cells.items():
                if content is None or (number, position) in covered - firsts:
                    continue
                match content:
                    case Decimal():
                        sheet.write(number, position, float(content))
                    case Percentage(value):
                        sheet.write(number, position, float(value / 100), percent)
                    case DayNumber():
                        sheet.write(number, position, int(text_of(content, uses_1904=file.uses_1904)))
                    case Formula(text, _):
                        sheet.write(number, position, xlwt.Formula(text.removeprefix("=")))
                    case Fault(text):
                        sheet.row(number).set_cell_error(position, _XLS_ERRORS[text])
                    case datetime() | date():
                        sheet.write(number, position, content, day)
                    case _:
                        sheet.write(number, position, content)
        for number in grid.hidden:
            sheet.row(number).hidden = True
    for name, rows in file.hidden_sheets:
        sheet = workbook.add_sheet(name)
        sheet.visibility = 1
        for number, row in enumerate(rows):
            for position, content in enumerate(row):
                sheet.write(number, position, content)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _csv(file: LedgerFile, grids: list[Grid]) -> bytes:
    [sheet], [grid] = file.sheets, grids
    rows = {row.no: row for row in sheet.rows}
    width = sheet.left + len(sheet.columns)
    lines = []
    for number, cells in enumerate(grid.rows, start=1):
        texts = [text_of(cells.get(position)) for position in range(width)]
        row = rows.get(number)
        if row and row.surplus is not None:
            texts.append(row.surplus)
        line = _joined(texts, file.separator)
        lines.append(row.line(line) if row and row.line else line)
    return file.mark + file.line_end.join([*lines, ""]).encode(file.encoding or file.kind)


def _joined(texts: list[str], separator: str) -> str:
    if separator == "，" or not any(texts):
        return separator.join(texts) if any(texts) else ""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerow(texts)
    return text.getvalue().removesuffix("\r\n")
