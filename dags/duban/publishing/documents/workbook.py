"""The workbook (.xlsx) of a document: every table as a sheet with numbers that can be reckoned with, then what lies behind them.

Sheets: 说明, one per table, 正文 with the prose, the details, 数字索引 with the place of every figure. A cell that is one figure holds its
exact value in a format that shows it as it is printed; every other cell is text and stays text, whatever it begins with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell.cell import Cell as SheetCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from duban.publishing.documents.fragment import (
    BREAK,
    Cell,
    Figure,
    Heading,
    Listing,
    Paragraph,
    Row,
    Runs,
    Table,
    columns,
    flat,
    plain,
    read_fragment,
)
from duban.publishing.documents.letterhead import Letterhead
from duban.publishing.documents.package import pack
from duban.publishing.documents.typesetting import half_widths, visible
from duban.text.workbook_text import escaped, set_text

ABOUT_SHEET, PROSE_SHEET, INDEX_SHEET = "说明", "正文", "数字索引"
UNITS = {"count": "计数", "days": "天数", "rank": "名次", "pct": "%", "yuan": "元", "date": "日期"}
_INDEX_COLUMNS = ("数字代码", "工作表", "单元格", "写作", "数值", "单位")
_DAY, _ISO_DAY = 'yyyy"年"m"月"d"日"', "yyyy-mm-dd"
_FONT = "宋体"
_PROSE_WIDTH, _WIDEST, _NARROWEST = 80, 46, 7
_PORTRAIT_WIDTH, _WIDEST_SHEET = 96, 230  # what a page in portrait, and one in landscape, shows without being made too small to read
_LINE_HEIGHT = 16
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\\n]")
_MAX_SHEET_NAME = 31


@dataclass(frozen=True)
class Detail:
    """A sheet of details: what lies behind the figures, row by row (values are str, int, Decimal, date or None)."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    note: str | None


def render_xlsx(fragment: str, head: Letterhead, details: Sequence[Detail]) -> bytes:
    """The workbook as an .xlsx file; same input, same bytes.

    Args:
        fragment: The content, in the grammar of `fragment`.
        head: What stands around it.
        details: Further sheets.

    Raises:
        ValueError: the fragment is not in the grammar, or a row of the details does not have the columns.
        TypeError: a value of the details has another type.
    """
    return _Writing(head).write(fragment, details)


class _Parts(dict[str, bytes]):
    """What openpyxl takes for a zip file: the parts, still without one."""

    def writestr(self, name: str, content: bytes | str) -> None:
        self[name] = content.encode() if isinstance(content, str) else content

    def write(self, path: str, name: str) -> None:
        self[name] = Path(path).read_bytes()

    def namelist(self) -> list[str]:
        return list(self)

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class _Look:
    """How cells of one kind look."""

    font: Font
    alignment: Alignment
    border: Border = Border()
    fill: PatternFill = PatternFill()


_GRID = Border(*[Side(style="thin", color="FF808080")] * 4)
_FILL = PatternFill("solid", start_color="FFF2F2F2", end_color="FFF2F2F2")
_PLAIN, _BOLD = Font(name=_FONT, size=11), Font(name=_FONT, size=11, bold=True)
_TITLE = _Look(Font(name="黑体", size=16), Alignment(vertical="center"))
_LABEL = _Look(Font(name=_FONT, size=11, bold=True, color="FFC00000"), Alignment(vertical="center"))
_REMARK = _Look(Font(name=_FONT, size=10, color="FF595959"), Alignment(vertical="top", wrap_text=True))
_LINE = _Look(_REMARK.font, Alignment(vertical="center"))
_TEXT = _Look(_PLAIN, Alignment(vertical="top", wrap_text=True))
_STRONG = _Look(_BOLD, Alignment(vertical="top", wrap_text=True))
_HEADER = _Look(_BOLD, Alignment(horizontal="center", vertical="center", wrap_text=True), _GRID, _FILL)
_CELL = _Look(_PLAIN, Alignment(vertical="center", wrap_text=True), _GRID)
_NUMBER = _Look(_PLAIN, Alignment(horizontal="right", vertical="center", indent=1), _GRID)
_CENTRED = _Look(_PLAIN, Alignment(horizontal="center", vertical="center", wrap_text=True), _GRID)
_ISSUED = _Look(_PLAIN, Alignment(horizontal="left", vertical="center"), _GRID)
_LABEL_CELL = _Look(_LABEL.font, _CELL.alignment, _GRID)
_TOTAL_CELL = _Look(_BOLD, Alignment(horizontal="center", vertical="center", wrap_text=True), _GRID)
_TOTAL_NUMBER = _Look(_BOLD, Alignment(horizontal="right", vertical="center", indent=1), _GRID)


class _Writing:
    """A workbook on its way."""

    def __init__(self, head: Letterhead):
        self._head = head
        self._workbook = Workbook()
        self._workbook.remove(self._workbook.active)
        self._looks: dict[tuple[int, str], SheetCell] = {}
        self._contents: list[tuple[str, str]] = []  # sheet, what is in it
        self._index: list[tuple[Figure, str, str]] = []  # figure, sheet, cell

    def write(self, fragment: str, details: Sequence[Detail]) -> bytes:
        """The bytes of the finished workbook."""
        about = self._sheet(ABOUT_SHEET, "")
        self._content(fragment)
        for detail in details:
            self._detail(detail)
        self._list_figures()
        self._about(about)
        properties, made_at = self._workbook.properties, self._head.made_at_utc
        properties.creator = properties.lastModifiedBy = visible(self._head.issuer_name)
        properties.title, properties.created, properties.modified = visible(self._head.flat_title), made_at, made_at
        parts = _Parts()
        ExcelWriter(self._workbook, parts).save()
        return pack(parts)

    # ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _put(self, sheet: Worksheet, row: int, column: int, look: _Look, number_format: str = "General") -> SheetCell:
        """The cell, looking like its kind."""
        key = (id(look), number_format)
        if key not in self._looks:
            model = SheetCell(sheet, 1, 1)
            model.font, model.alignment, model.border, model.fill = look.font, look.alignment, look.border, look.fill
            model.number_format = number_format
            self._looks[key] = model
        cell = sheet.cell(row, column)
        cell._style = copy(self._looks[key]._style)  # a copy: text that begins like a formula changes it
        return cell

    def _put_text(self, sheet: Worksheet, row: int, column: int, text: str, look: _Look) -> SheetCell:
        cell = self._put(sheet, row, column, look)
        set_text(cell, escaped(visible(text)))
        return cell

    def _put_runs(self, sheet: Worksheet, row: int, column: int, runs: Runs, look: _Look) -> SheetCell:
        """Text with its figures, which the index shall find."""
        cell = self._put_text(sheet, row, column, plain(runs), look)
        self._index += [(run.figure, sheet.title, cell.coordinate) for run in runs if run.figure]
        return cell

    def _put_figure(self, sheet: Worksheet, row: int, column: int, figure: Figure, look: _Look) -> None:
        """The exact value, in a format that shows what is printed."""
        if figure.value is None:
            cell = self._put_text(sheet, row, column, figure.text, look)
        else:
            cell = self._put(sheet, row, column, look, _format(figure))
            value = figure.value.scaleb(-4) if figure.unit == "yuan" else figure.value
            _set_value(cell, value)
        self._index.append((figure, sheet.title, cell.coordinate))

    # ── sheets ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _sheet(self, name: str, what: str) -> Worksheet:
        sheet = self._workbook.create_sheet(_sheet_name(name, self._workbook.sheetnames))
        self._contents.append((sheet.title, what))
        return sheet

    def _top(self, sheet: Worksheet, title: str) -> int:
        """Write title and label; returns the row below."""
        self._put_text(sheet, 1, 1, title, _TITLE)
        sheet.row_dimensions[1].height = 28
        if self._head.data_label:
            self._put_text(sheet, 2, 1, self._head.data_label, _LABEL)
        return 3 if self._head.data_label else 2

    def _content(self, fragment: str) -> None:
        """A sheet per table, and the prose."""
        blocks = list(flat(read_fragment(fragment)))
        lines: list[tuple[Runs | str, _Look]] = []
        number, place = 0, 0
        while place < len(blocks):
            block = blocks[place]
            place += 1
            match block:
                case Table():
                    notes = []
                    while place < len(blocks) and isinstance(blocks[place], Paragraph) and blocks[place].is_note:
                        notes.append(blocks[place].runs)
                        place += 1
                    number += 1
                    lines.append((f"（见工作表“{self._table(block, f'表{number}', notes)}”）", _REMARK))
                case Heading(_, runs):
                    lines.append((runs, _STRONG))
                case Paragraph(runs, is_note):
                    lines.append((runs, _REMARK if is_note else _TEXT))
                case Listing():
                    lines += [(runs, _TEXT) for runs in block.marked]
        if not lines:
            return
        sheet = self._sheet(PROSE_SHEET, "文字部分，一段一格")
        first = self._top(sheet, self._head.flat_title)
        for row, (line, look) in enumerate(lines, start=first):
            written = self._put_text(sheet, row, 1, line, look) if isinstance(line, str) else self._put_runs(sheet, row, 1, line, look)
            sheet.row_dimensions[row].height = _height([(written.value, _PROSE_WIDTH)])
        sheet.column_dimensions["A"].width = _PROSE_WIDTH
        self._print(sheet, _PROSE_WIDTH, header_rows=None)

    def _table(self, table: Table, name: str, notes: Sequence[Runs]) -> str:
        """Write a table with the remarks under it; returns the name of its sheet."""
        caption = plain(table.caption).replace(BREAK, "") or name
        sheet = self._sheet(caption, caption)
        first = self._top(sheet, caption)
        self._index += [(run.figure, sheet.title, "A1") for run in table.caption if run.figure]
        widths = _widths(table)
        for offset, row in enumerate(table.rows):
            kind = "head" if offset < len(table.head) else "foot" if offset >= len(table.rows) - len(table.foot) else "body"
            self._table_row(sheet, first + offset, row, kind)
            shown = [
                (plain(cell.stacked if kind == "head" else cell.runs), sum(widths[place : place + cell.span]))
                for place, cell in columns(row)
            ]
            sheet.row_dimensions[first + offset].height = _height(shown)
        row = first + len(table.rows)
        for note in notes:
            self._put_runs(sheet, row, 1, note, _REMARK)
            sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=len(widths))
            sheet.row_dimensions[row].height = _height([(plain(note), sum(widths))])
            row += 1
        self._finish(sheet, widths, (first, first + len(table.head) - 1) if table.head else None)
        return sheet.title

    def _table_row(self, sheet: Worksheet, number: int, row: Row, kind: str) -> None:
        for place, cell in columns(row):
            look = _look(cell, kind)
            if cell.figure:
                self._put_figure(sheet, number, place + 1, cell.figure, look)
            else:
                self._put_runs(sheet, number, place + 1, cell.stacked if kind == "head" else cell.runs, look)
            if cell.span > 1:
                for column in range(place + 2, place + cell.span + 1):
                    self._put(sheet, number, column, look)
                sheet.merge_cells(start_row=number, start_column=place + 1, end_row=number, end_column=place + cell.span)

    def _detail(self, detail: Detail) -> None:
        sheet = self._sheet(detail.name, detail.note or detail.name)
        self._rows(sheet, detail.name, detail.note, detail.columns, detail.rows)

    def _list_figures(self) -> None:
        """Where every figure is: in which cell, as printed, and its exact value."""
        if not self._index:
            return
        note = "文件里每个数字的代码和所在单元格；金额的数值以元为单位。"
        sheet = self._sheet(INDEX_SHEET, note)
        rows = [(figure.code, place, cell, figure.text, figure.value, UNITS[figure.unit]) for figure, place, cell in self._index]
        self._rows(sheet, INDEX_SHEET, note, _INDEX_COLUMNS, rows)

    def _rows(self, sheet: Worksheet, title: str, note: str | None, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Rows under their header, to be filtered."""
        header = self._top(sheet, title)
        if note:
            self._put_text(sheet, header, 1, note, _LINE)
            header += 1
        for column, name in enumerate(names, start=1):
            self._put_text(sheet, header, column, name, _HEADER)
        sheet.row_dimensions[header].height = 24
        shown: list[list[str]] = []
        for number, row in enumerate(rows, start=header + 1):
            if len(row) != len(names):
                raise ValueError(f"{title}: a row of {len(row)} values under {len(names)} columns")
            shown.append([self._put_value(sheet, number, column, value) for column, value in enumerate(row, start=1)])
        # The button of the filter takes some of the width of a header.
        needed = [max([half_widths(name) + 2, *map(_widest, texts)]) + 2 for name, *texts in zip(names, *shown, strict=True)]
        widest = next((most for most in range(_WIDEST, _NARROWEST, -2) if sum(min(most, width) for width in needed) <= _WIDEST_SHEET), 14)
        widths = [max(_NARROWEST, min(widest, width)) for width in needed]
        for number, texts in enumerate(shown, start=header + 1):
            sheet.row_dimensions[number].height = _height(list(zip(texts, widths, strict=True)))
        sheet.auto_filter.ref = f"A{header}:{get_column_letter(len(names))}{header + len(shown)}"
        self._finish(sheet, widths, (header, header))

    def _put_value(self, sheet: Worksheet, row: int, column: int, value: object) -> str:
        """A value of the details; returns it as it is shown, about."""
        match value:
            case None:
                self._put(sheet, row, column, _CELL)
                return ""
            case str():
                self._put_text(sheet, row, column, value, _CELL)
                return value
            case date() if not isinstance(value, datetime):
                _set_value(self._put(sheet, row, column, _CENTRED, _ISO_DAY), value)
                return value.isoformat()
            case Decimal() if value.is_finite():
                decimals = max(0, -value.as_tuple().exponent)
                _set_value(self._put(sheet, row, column, _NUMBER, f"#,##0{'.' * bool(decimals)}{'0' * decimals}"), value)
                return f"{value:,f}"
            case int() if not isinstance(value, bool):
                _set_value(self._put(sheet, row, column, _NUMBER, "0"), value)
                return str(value)
            case _:
                raise TypeError(f"{sheet.title}: no value of a sheet: {value!r}")

    def _finish(self, sheet: Worksheet, widths: Sequence[int], header: tuple[int, int] | None) -> None:
        for column, width in enumerate(widths, start=1):
            sheet.column_dimensions[get_column_letter(column)].width = width
        if header:
            sheet.freeze_panes = sheet.cell(header[1] + 1, 1)
        self._print(sheet, sum(widths), header)

    def _print(self, sheet: Worksheet, width: int, header_rows: tuple[int, int] | None) -> None:
        """A4, as wide as the page, header and label on every page, numbered."""
        sheet.page_setup.orientation = "portrait" if width <= _PORTRAIT_WIDTH else "landscape"
        sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 1, 0, True
        sheet.page_margins.left = sheet.page_margins.right = 0.6
        sheet.page_margins.top, sheet.page_margins.bottom, sheet.page_margins.header, sheet.page_margins.footer = 0.9, 0.8, 0.4, 0.4
        sheet.print_options.horizontalCentered = True
        sheet.oddFooter.center.text = "第 &P 页 共 &N 页"
        if self._head.data_label:
            sheet.oddHeader.center.text = f" {visible(self._head.data_label).replace('&', '&&')}"
        if header_rows:
            sheet.print_title_rows = f"{header_rows[0]}:{header_rows[1]}"

    def _about(self, sheet: Worksheet) -> None:
        """What this is, and what the sheets hold."""
        head = self._head
        self._put_text(sheet, 1, 1, head.flat_title, _TITLE)
        sheet.row_dimensions[1].height = 28
        facts = [
            ("数据说明", head.data_label),
            ("期号" if not head.is_statutory else "发文字号", head.number),
            ("刊名", None if head.is_statutory else head.series_name),
            ("发文机关", head.issuer_name),
            ("成文日期", head.issued_on),
            ("主送" if head.is_statutory else "报送", head.recipients),
            ("抄送", head.copies_to),
        ]
        row = 2
        for name, value in facts:
            if value is None:
                continue
            self._put_text(sheet, row, 1, name, _HEADER)
            if isinstance(value, date):
                _set_value(self._put(sheet, row, 2, _ISSUED, _DAY), value)
            else:
                self._put_text(sheet, row, 2, value, _LABEL_CELL if name == "数据说明" else _CELL)
                sheet.row_dimensions[row].height = _height([(value, _PROSE_WIDTH - 32)])
            row += 1
        row += 1
        for column, text in enumerate(("工作表", "内容"), start=1):
            self._put_text(sheet, row, column, text, _HEADER)
        for number, texts in enumerate(self._contents[1:], start=row + 1):
            for column, text in enumerate(texts, start=1):
                self._put_text(sheet, number, column, text, _CELL)
            sheet.row_dimensions[number].height = _height(list(zip(texts, (32, _PROSE_WIDTH - 32), strict=True)))
        sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 32, _PROSE_WIDTH - 32
        self._print(sheet, _PROSE_WIDTH, header_rows=None)


def _set_value(cell: SheetCell, value: int | Decimal | date) -> None:
    """A date as a date, a number by its decimal digits exactly: no float comes between."""
    if isinstance(value, date):
        cell.value = value
    else:
        cell.value, cell.data_type = f"{value:f}" if isinstance(value, Decimal) else str(value), "n"


def _format(figure: Figure) -> str:
    """The number format in which the value reads like the printed text."""
    match figure.unit:
        case "pct":
            return '0.0"%"'
        case "date":
            return _ISO_DAY if "-" in figure.text else _DAY if "年" in figure.text else 'm"月"d"日"'
        case "yuan":
            decimals = len(figure.text.partition(".")[2])
            shown = f"#,##0{'.' * bool(decimals)}{'0' * decimals}"
            # A negative amount that rounds to nothing is printed without its sign.
            return f"{shown};{shown}" if figure.value < 0 and not figure.text.startswith("-") else shown
        case _:
            return "#,##0" if "," in figure.text else "0"


def _look(cell: Cell, kind: str) -> _Look:
    if kind == "head":
        return _HEADER
    if cell.is_number and cell.figure:
        return _TOTAL_NUMBER if kind == "foot" else _NUMBER
    if kind == "foot":
        return _TOTAL_CELL
    return _CENTRED if cell.is_header or cell.is_number or cell.figure else _CELL


def _widths(table: Table) -> list[int]:
    """Widths in digits: as the longest line of each column needs, within bounds."""
    widths = [_NARROWEST] * len(table.widths)
    for number, row in enumerate(table.rows):
        for place, cell in columns(row):
            if cell.span == 1:
                runs = cell.stacked if number < len(table.head) else cell.runs
                widths[place] = max(widths[place], min(_WIDEST, _widest(plain(runs)) + 3))
    return widths


def _widest(text: str) -> int:
    return max(map(half_widths, text.split("\n")))


def _height(texts: Sequence[tuple[str, int]]) -> int:
    """Height of a row in points by what its cells show in which width: not every program fits it by itself."""
    lines = max(sum(max(1, -(-half_widths(line) // max(1, width - 2))) for line in text.split("\n")) for text, width in texts)
    return min(409, _LINE_HEIGHT * lines + 4)


def _sheet_name(wanted: str, taken: Sequence[str]) -> str:
    """A name that programs accept and no other sheet has."""
    name = _NOT_IN_SHEET_NAMES.sub(" ", visible(wanted)).strip(" '")[:_MAX_SHEET_NAME].strip(" '") or "表"
    if name.casefold() == "history":
        name = f"{name}表"  # Excel keeps the name for itself
    known, number, unique = {title.casefold() for title in taken}, 1, name
    while unique.casefold() in known:
        number += 1
        unique = f"{name[: _MAX_SHEET_NAME - len(str(number)) - 2]}（{number}）"
    return unique
