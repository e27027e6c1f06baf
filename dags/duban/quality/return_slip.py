"""The return slip: the sender's own workbook with the wrong cells coloured and commented, 退回原因 beside them, 退回说明 in front.

Runs as a child process of `duban.intake.sandbox`, because it opens the sender's file again. A slip holds values only: formulas,
links, macros and external connections of the sender are not carried over, and no text becomes a formula. Rows keep their places,
so that a corrected slip can be sent back (docs/rules.md, Versions).
"""

from __future__ import annotations

import io
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.comments import Comment
from openpyxl.packaging.core import DocumentProperties
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from duban.intake import number_formats
from duban.intake.cells import SURPLUS_MARK, Document, Misplaced, Number, Picture, StyledText, decimal_digits, display, is_picture_formula
from duban.intake.cells import Cell as ReadCell
from duban.intake.reader import read_document
from duban.intake.sandbox import Handler
from duban.intake.tables import REASON_COLUMN, REPORT_DATE_LABEL, SLIP_ID_LABEL, SLIP_SHEET
from duban.ledgers import Expectations, read_expectations
from duban.text.words import fold, shown_names
from duban.text.workbook_text import escaped, fit, set_text

_WRONG = PatternFill("solid", start_color="FFFFC7CE", end_color="FFFFC7CE")
_HEADER = PatternFill("solid", start_color="FFD9E1F2", end_color="FFD9E1F2")
_TITLE = Font(name="宋体", size=16, bold=True)
_BOLD = Font(name="宋体", size=11, bold=True)
_PLAIN = Font(name="宋体", size=11)
_REASON = Font(name="宋体", size=11, color="FFC00000")
_WRAP = Alignment(wrap_text=True, vertical="top")
_AUTHOR = "督办"
_OFTEN = 3
_PICTURE = display(Picture())
MAX_FORMATTED, MAX_STYLES = 12 << 20, 2 << 20
MAX_MERGED_AREAS, MAX_SHEETS = 1_000, 50
#: More cells than these are not written again: a slip is ready within seconds, and only the rows to correct are taken from it anyway.
MAX_CELLS = 250_000
_CELL_OR_ROW = re.compile(rb"<(?:\w+:)?(?:c|row)[\s/>]")
_COLUMNS = ("序号", "工作表", "行", "列名", "单元格", "填写的内容", "规则", "为什么退回", "怎么改")
_TOO_LARGE, _CANNOT_BE_SHOWN = "原表太大", "原表的内容没能照抄过来"
_WITHOUT_SHEETS = "{}，没有附在退回单里：请在原来的文件里照下面改正，再把整份文件放回原来的文件夹"
_REASON_WIDTH = 48
#: Of longer texts in a cell for text some programs show nothing.
_LONGEST_SHOWN_AS_TEXT = 255
_WIDTHS = (12, 14, 8, 16, 10, 26, 8, 40, 48)


def write_slip(content: bytes, receipt: dict[str, Any], expectations: Expectations, keeps_format: bool = True) -> bytes:
    """The slip of a submission, from the sender's bytes and its receipt.

    Without bytes, or when they cannot be read, the slip has the sheet 退回说明 alone, and says why.
    """
    is_shown = bool(content and receipt["read_as"]["kind"])
    workbook = _open(content, expectations, receipt, keeps_format) if is_shown else _empty()
    _mark_cells(workbook, receipt)
    missing = "" if workbook.sheetnames else _TOO_LARGE if is_shown else _CANNOT_BE_SHOWN
    _explain(workbook, receipt, missing)
    return _saved(workbook)


def _saved(workbook: Workbook) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        _Writer(workbook, archive).save()
    return packed.getvalue()


class _Writer(ExcelWriter):
    """Writes a workbook without a file: openpyxl puts each sheet into a temporary one, and this process can open none."""

    def write_worksheet(self, sheet: Worksheet) -> None:
        part = io.BytesIO()
        writer = WorksheetWriter(sheet, part)
        writer.write()
        sheet._rels = writer._rels
        self._archive.writestr(sheet.path[1:], part.getvalue())
        self.manifest.append(sheet)


def _open(content: bytes, expectations: Expectations, receipt: dict[str, Any], keeps_format: bool) -> Workbook:
    if keeps_format and receipt["read_as"]["kind"] == "xlsx" and _is_worth_formatting(content):
        # The cell reader is more tolerant than the formatting one: where that fails, or sees less, the cells alone are written.
        with suppress(Exception):
            workbook = _values_only(load_workbook(io.BytesIO(content), data_only=True, keep_vba=False, keep_links=False))
            if _shows(workbook, receipt):
                return workbook
    return _from_document(read_document(content, expectations), receipt)


def _shows(workbook: Workbook, receipt: dict[str, Any]) -> bool:
    """True when the workbook has every table that was read, and something in every cell of it that is to be corrected and was not blank."""
    sheets = _by_shown_name(workbook)
    for table in receipt["read_as"]["tables"]:
        sheet = sheets.get(_sheet_name(table["sheet"]))
        if sheet is None or not any(cell.value is not None for cell in sheet[table["header_row"]]):
            return False
    for entry in receipt["rejections"]:
        sheet = sheets.get(_sheet_name(entry["sheet"]))
        had_value = entry["row_no"] and entry["value_masked"] not in {None, _PICTURE} and entry["rule_id"] != "R09"
        if sheet is not None and had_value and _is_address(entry["cell"]) and _top_left(sheet, entry["cell"]).value is None:
            return False
    return True


def _by_shown_name(workbook: Workbook) -> dict[str, Worksheet]:
    """The sheets by the names that the receipt knows: without numbers of persons."""
    return dict(zip(shown_names(_sheet_name(sheet.title) for sheet in workbook), workbook, strict=True))


def _is_address(text: str | None) -> bool:
    return bool(text and re.fullmatch(r"[A-Z]{1,3}[0-9]{1,7}", text))


def _is_worth_formatting(content: bytes) -> bool:
    """False for formatting without end (coloured empty rows, styles, merged areas by the thousand): to carry it over would take minutes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        if sum(sizes.values()) > MAX_FORMATTED or sizes.get("xl/styles.xml", 0) > MAX_STYLES:
            return False
        sheets = [archive.read(name) for name in sizes if name.startswith("xl/worksheets/")]
        areas = sum(sheet.count(b"mergeCell ") for sheet in sheets)
        cells = sum(len(_CELL_OR_ROW.findall(sheet)) for sheet in sheets)
        return areas <= MAX_MERGED_AREAS and cells <= MAX_CELLS and len(sheets) <= MAX_SHEETS


def _empty() -> Workbook:
    workbook = Workbook()
    workbook.remove(workbook.active)
    workbook.properties.creator = _AUTHOR
    return workbook


def _values_only(workbook: Workbook) -> Workbook:
    """The sender's workbook with its formatting and nothing that acts."""
    workbook.security = None
    is_slip = any(fold(sheet.title) == SLIP_SHEET for sheet in workbook)
    # who wrote the file, and what it says of itself, is no table
    workbook.properties, workbook.custom_doc_props = DocumentProperties(creator=_AUTHOR), type(workbook.custom_doc_props)()
    for name in list(workbook.defined_names):
        del workbook.defined_names[name]
    for sheet in list(workbook):
        if not isinstance(sheet, Worksheet) or fold(sheet.title) == SLIP_SHEET:
            workbook.remove(sheet)
            continue
        sheet.conditional_formatting = type(sheet.conditional_formatting)()
        sheet.defined_names.clear()
        sheet.tables.clear()
        sheet.HeaderFooter = type(sheet.HeaderFooter)()
        sheet.data_validations.dataValidation = []
        sheet.protection.disable()  # a clerk must be able to correct the cells
        sheet._images, sheet._charts, sheet._pivots, sheet._hyperlinks, sheet.legacy_drawing = [], [], [], [], None
        # The cells that are there: one far away must not bring all those before it into being.
        for cell in sheet._cells.values():
            if isinstance(cell, MergedCell):
                continue
            cell.hyperlink = None
            cell.comment = None
            if is_slip and cell.fill.fgColor.rgb == _WRONG.fgColor.rgb:
                cell.fill = PatternFill()  # of the slip before: what was corrected is not wrong any more
            if isinstance(cell.value, str) and is_picture_formula(cell.value.removeprefix("=")):
                cell.value = None  # nothing is read from a picture, and its formula is no text
            elif isinstance(cell.value, str):
                set_text(cell, cell.value)
    return workbook


def _from_document(document: Document, receipt: dict[str, Any]) -> Workbook:
    workbook = _empty()
    if document.uses_1904:
        workbook.epoch = CALENDAR_MAC_1904  # plain day numbers keep their meaning
    tables = receipt["read_as"]["tables"]
    of_tables = {table["sheet"] for table in tables}
    shown = _rows_shown(document, receipt)
    if shown is not None and not shown:
        return workbook
    names = shown_names(read.name for read in document.sheets)  # those of the receipt
    for number, (read, name) in enumerate(zip(document.sheets, names, strict=True)):
        if fold(read.name) == SLIP_SHEET or (len(document.sheets) > MAX_SHEETS and name not in of_tables):
            continue
        name = name or (tables[0]["sheet"] if tables else "")
        sheet = workbook.create_sheet(_sheet_name(read.name or name or f"Sheet{number + 1}"))
        sheet.sheet_state = "hidden" if read.is_hidden else "visible"  # or it would be read with the corrected slip
        for row_number, cells in enumerate(read.rows, start=1):
            if shown is not None and (name, row_number) not in shown:
                continue
            for column_number, value in enumerate(cells, start=1):
                if value is not None:
                    _set_value(sheet.cell(row_number, column_number), value)
        for first_row, first, last_row, last in read.merged[:MAX_MERGED_AREAS]:
            sheet.merge_cells(start_row=first_row + 1, start_column=first + 1, end_row=last_row + 1, end_column=last + 1)
        for position in range(max(map(len, read.rows), default=0)):
            texts = [display(cells[position]) for cells in read.rows[:200] if position < len(cells)]
            longest = max((len(text.encode("gb18030", "replace")) for text in texts), default=0)
            sheet.column_dimensions[get_column_letter(position + 1)].width = min(max(longest + 2, 8), 40)
    return workbook


def _rows_shown(document: Document, receipt: dict[str, Any]) -> set[tuple[str, int]] | None:
    """Sheet and row of what a slip of a very large document shows: header and rows to correct; nothing when those are not all known.

    None for a document of ordinary size: all of it is shown.
    """
    if sum(cell is not None for sheet in document.sheets for cells in sheet.rows for cell in cells) <= MAX_CELLS:
        return None
    if receipt["rejections_not_listed"] or not all(entry["row_no"] for entry in receipt["rejections"]):
        return set()
    above = {(table["sheet"], number) for table in receipt["read_as"]["tables"] for number in range(1, table["header_row"] + 1)}
    return above | {(entry["sheet"], entry["row_no"]) for entry in receipt["rejections"]}


def _set_value(cell: Cell, value: ReadCell) -> None:
    if isinstance(value, Number) and len(value.digits.replace(".", "").lstrip("-")) <= 15:
        cell.value = float(value.digits) if "." in value.digits else int(value.digits)
        cell.number_format = value.format or "General"
    elif isinstance(value, Misplaced):
        set_text(cell, escaped(SURPLUS_MARK + value.text))
    elif isinstance(value, Picture):
        return  # the cell is blank, and said to be
    elif isinstance(value, str | Number) or not hasattr(value, "isoformat"):
        set_text(cell, escaped(display(value)))
        if isinstance(value, StyledText):
            cell.number_format = value.format
    else:
        cell.value, cell.number_format = value, "yyyy-mm-dd"


def _mark_cells(workbook: Workbook, receipt: dict[str, Any]) -> None:
    """Colour and comment the offending cells, and say the reasons of each row in the added column."""
    header_rows = {table["sheet"]: table["header_row"] for table in receipt["read_as"]["tables"]}
    sheets = _by_shown_name(workbook)
    for table in receipt["read_as"]["tables"]:
        for where in table.get("pictures", ()):  # a receipt of an earlier version names none
            cell = sheets[_sheet_name(table["sheet"])][where] if _sheet_name(table["sheet"]) in sheets else None
            if cell is not None and cell.data_type == "e":
                cell.value = None  # what Excel shows where it cannot show the picture
    by_cell: dict[tuple[str, str], list[dict]] = {}
    by_row: dict[tuple[str, int], list[dict]] = {}
    for entry in receipt["rejections"]:
        title = _sheet_name(entry["sheet"])
        if title not in sheets:
            continue
        if _is_address(entry["cell"]):
            by_cell.setdefault((title, entry["cell"]), []).append(entry)
        if entry["row_no"]:
            by_row.setdefault((title, entry["row_no"]), []).append(entry)
    for (title, where), entries in by_cell.items():
        cell = _top_left(sheets[title], where)
        cell.fill = _WRONG
        _show(sheets[title], cell)
        _make_correctable(cell, {entry["rule_id"] for entry in entries})
        comment = Comment("\n".join(f"{e['rule_id']} {e['reason']}\n{e['how_to_fix']}" for e in entries), _AUTHOR)
        comment.width, comment.height = 320, 60 + 40 * len(entries)
        cell.comment = comment
    columns: dict[str, int] = {}
    for (title, row_no), entries in by_row.items():
        sheet = sheets[title]
        if title not in columns:
            columns[title] = _reason_column(sheet, header_rows.get(entries[0]["sheet"], 1))
        cell = sheet.cell(row_no, columns[title])
        reasons = [f"{e['column_name']}：{e['reason']}（{e['rule_id']}）" for e in entries]
        set_text(cell, escaped(fit("\n".join(reasons))))
        cell.font, cell.alignment = _REASON, _WRAP
        lines = sum(-(-2 * len(reason) // _REASON_WIDTH) for reason in reasons)
        sheet.row_dimensions[row_no].height = max(sheet.row_dimensions[row_no].height or 0, 15 * lines)


def _make_correctable(cell: Cell, rule_ids: set[str]) -> None:
    """What is typed into the cell must stay what it is: no number that a format shows as another, no key or amount that becomes a day."""
    if cell.is_date and rule_ids & {"R03", "R10"}:
        # In a key as programs write days there: sent back as it is, it is refused again.
        form = "%Y/%-m/%-d" if "R10" in rule_ids else "%Y-%m-%d"
        set_text(cell, f"{cell.value:{form}}" if hasattr(cell.value, "year") else str(cell.value))
    elif cell.data_type == "b" and "R10" in rule_ids:
        set_text(cell, str(cell.value).upper())
    elif cell.data_type in {"n", "s"} and cell.value is not None and rule_ids & {"R02", "R03", "R10"}:
        code = cell.number_format
        if isinstance(cell.value, str):
            seen = number_formats.shown_text(code, cell.value)
        else:
            seen = number_formats.shown(code, decimal_digits(float(cell.value))).text
        if seen and not number_formats.is_ordinary(code):
            set_text(cell, seen)  # what the sender sees is what the sender means, and what must be looked at
            cell.number_format = "General"
    if rule_ids & {"R07", "R10"} and len(str(cell.value)) <= _LONGEST_SHOWN_AS_TEXT:
        cell.number_format = "@"  # typed anew, the number stays text
    elif "R03" in rule_ids:
        cell.number_format = "General"


def _show(sheet: Worksheet, cell: Cell) -> None:
    """Unhide row and column of a cell that must be corrected."""
    sheet.row_dimensions[cell.row].hidden = False
    for dimension in sheet.column_dimensions.values():
        if dimension.min and dimension.min <= cell.column <= dimension.max:
            dimension.hidden = False


def _reason_column(sheet: Worksheet, header_row: int) -> int:
    """Number of the column 退回原因: the one a slip had before, or a new one to the right of everything."""
    for column in range(1, sheet.max_column + 1):
        value = sheet.cell(header_row, column).value
        if isinstance(value, str) and fold(value) == REASON_COLUMN:
            sheet.cell(header_row, column).fill = _WRONG
            for row in range(header_row + 1, sheet.max_row + 1):
                if not isinstance(sheet.cell(row, column), MergedCell):
                    sheet.cell(row, column).value = None
            return column
    column = sheet.max_column + 1
    cell = sheet.cell(header_row, column)
    set_text(cell, REASON_COLUMN)
    cell.font, cell.fill = _BOLD, _WRONG
    sheet.column_dimensions[get_column_letter(column)].width = _REASON_WIDTH
    return column


def _top_left(sheet: Worksheet, where: str) -> Cell:
    """The cell, or the one that shows for it when it is merged."""
    cell = sheet[where]
    if isinstance(cell, MergedCell):
        area = next(area for area in sheet.merged_cells.ranges if where in area)
        cell = sheet.cell(area.min_row, area.min_col)
    return cell


def _explain(workbook: Workbook, receipt: dict[str, Any], missing: str) -> None:
    """The first sheet: what was received, and every rule broken with place, value, reason and remedy."""
    sheet = workbook.create_sheet(SLIP_SHEET, 0)
    workbook.active = 0
    for other in workbook.worksheets[1:]:
        other.sheet_view.tabSelected = False
    _put(sheet, 1, 1, SLIP_SHEET, _TITLE).alignment = Alignment(vertical="center")
    sheet.row_dimensions[1].height = 30
    counts = receipt["counts"]
    facts = [
        (SLIP_ID_LABEL, receipt["submission_id"]),
        ("报送单位", f"{receipt['unit_name']}（{receipt['unit_code']}）"),
        ("文件", receipt["file_name"]),
        (REPORT_DATE_LABEL, receipt["report_on"] or ""),
        ("收到时间", receipt["received_at"][:19].replace("T", " ")),
        ("结果", receipt["outcome_text"]),
        (
            "行数",
            f"共 {counts['row']} 行：收下 {counts['accepted']}，退回 {counts['rejected']}，"
            f"不计 {counts['ignored']}（合计、备注、重复行等）",
        ),
        *(("没有读的工作表", "、".join(names)) for names in (receipt["read_as"]["skipped_sheets"],) if names),
        ("接下来", receipt["next_step"]),
    ]
    for number, (label, text) in enumerate(facts, start=2):
        _say(sheet, number, label, text, _PLAIN)
    top = len(facts) + 3
    without = [_WITHOUT_SHEETS.format(missing)] if missing and any(entry["row_no"] for entry in receipt["rejections"]) else []
    for text in without + _commonest(receipt["rejections"]):
        _say(sheet, top - 1, "先看这里", text, _REASON)
        top += 1
    for column, (title, width) in enumerate(zip(_COLUMNS, _WIDTHS, strict=True), start=1):
        _put(sheet, top, column, title, _BOLD).fill = _HEADER
        sheet.column_dimensions[get_column_letter(column)].width = width
    for number, entry in enumerate(receipt["rejections"], start=1):
        row = (
            str(number),
            entry["sheet"],
            str(entry["row_no"] or ""),
            entry["column_name"] or "",
            entry["cell"] or "",
            entry["value_masked"] or "（空）" if entry["row_no"] else entry["value_masked"] or "",
            entry["rule_id"],
            entry["reason"],
            entry["how_to_fix"],
        )
        for column, text in enumerate(row, start=1):
            _put(sheet, top + number, column, text, _PLAIN)
        # A Chinese character is two digits wide; not every program fits the height of a row by itself.
        lines = max(-(-2 * len(text) // width) for text, width in zip(row, _WIDTHS, strict=True))
        sheet.row_dimensions[top + number].height = 16 * max(1, lines)
    after = top + len(receipt["rejections"]) + 2
    if more := receipt["rejections_not_listed"]:
        text = f"另有 {more} 处没有一一列出：先改正上面的，多半是同样的原因"
        _put(sheet, after - 1, 1, text, _REASON).alignment = Alignment()
    for number, finding in enumerate(receipt["findings"], start=after):
        _say(sheet, number, "提醒", f"{finding['rule_id']} {finding['text']}", _PLAIN)
    if more := receipt["findings_not_listed"]:
        text = f"另有 {more} 条提醒没有一一列出"
        _put(sheet, after + len(receipt["findings"]), 1, text, _PLAIN).alignment = Alignment()
    sheet.freeze_panes = sheet.cell(top + 1, 1)
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 0, True


def _commonest(rejections: list[dict[str, Any]]) -> list[str]:
    """The causes behind many rejections, most frequent first: one mistake made all the way down a column is corrected in one go."""
    by_cause: dict[tuple[str, str, str, str], list[str]] = {}
    for entry in rejections:
        if entry["row_no"]:
            by_cause.setdefault((entry["sheet"], entry["column_name"], entry["rule_id"], entry["reason"]), []).append(entry["cell"] or "")
    causes = sorted(((cells, cause) for cause, cells in by_cause.items() if len(cells) >= _OFTEN), key=lambda pair: -len(pair[0]))
    return [
        f"“{column}”有 {len(cells)} 处同样的问题：{reason}（{rule_id}；{sheet} {'、'.join(filter(None, cells[:3]))} 等）"
        for cells, (sheet, column, rule_id, reason) in causes[:3]
    ]


def _say(sheet: Worksheet, row: int, label: str, text: str, font: Font) -> None:
    """A label, and behind it a text as wide as the sheet."""
    _put(sheet, row, 1, label, _BOLD)
    sheet.merge_cells(start_row=row, start_column=2, end_row=row, end_column=len(_COLUMNS))
    _put(sheet, row, 2, text, font)


def _put(sheet: Worksheet, row: int, column: int, text: str, font: Font) -> Cell:
    cell = sheet.cell(row, column)
    set_text(cell, escaped(fit(text)))
    cell.font, cell.alignment = font, _WRAP
    return cell


def _sheet_name(name: str) -> str:
    """A name that a workbook accepts for a sheet."""
    return re.sub(r"[\\/*?:\[\]]", "_", fit(name))[:31] or "Sheet1"


def prepare(expectations: str, seeds: str) -> Handler:
    """A handler of jobs `{"receipt"}`, by the expectations and code lists in two folders: it answers with the slip."""
    known = read_expectations(Path(expectations), Path(seeds))
    _saved(Workbook())  # openpyxl imports parts of itself when it first writes, and soon this process can import nothing
    return lambda job, content: {"content": write_slip(content, job["receipt"], known, job["keeps_format"])}
