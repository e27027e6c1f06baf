"""Reads .xlsx and .xlsm: values by calamine, and what their XML says besides (`workbook_xml`). Runs inside the sandbox."""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Iterator

import python_calamine

from duban.intake import limits, workbook_xml
from duban.intake.cells import Cell, Document, Faulty, Moment, Number, Picture, Sheet, Unreadable, decimal_digits, styled, text_cell, trim


def read(content: bytes) -> Document:
    """The workbook, values only.

    Raises:
        Unreadable: S01 (damaged, unsafe), S10 (over the limits).
    """
    book = workbook_xml.scan(content)
    try:
        content = workbook_xml.with_usual_name(content, book)
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = tuple(
            _read_or_leave(workbook, meta, book.sheets[meta.name])
            for meta in workbook.sheets_metadata
            if meta.typ == python_calamine.SheetTypeEnum.WorkSheet
        )
    except python_calamine.PasswordError as error:
        raise Unreadable("S01", "文件有密码，请去掉密码后重新报送") from error
    except (python_calamine.CalamineError, KeyError, OSError, ValueError) as error:
        raise Unreadable("S01", "文件已损坏，或不是表格文件") from error
    return Document("xlsx", sheets, uses_1904=book.uses_1904, has_external_links=book.has_external_links)


def _read_or_leave(
    workbook: python_calamine.CalamineWorkbook, meta: python_calamine.SheetMetadata, marks: workbook_xml.SheetMarks
) -> Sheet:
    """The sheet; a hidden one that is over the limits without its rows, for it is not read."""
    is_hidden = meta.visible != python_calamine.SheetVisibleEnum.Visible
    left = Sheet(meta.name, [], is_hidden, too_wide=marks.too_wide or "A1")
    if marks.is_unread:
        return left
    try:
        return _read_sheet(workbook, meta, marks)
    except Unreadable:
        if not is_hidden:
            raise
        return left


def _read_sheet(workbook: python_calamine.CalamineWorkbook, meta: python_calamine.SheetMetadata, marks: workbook_xml.SheetMarks) -> Sheet:
    sheet = workbook.get_sheet_by_name(meta.name)
    # An area that ends before it begins is none, and must not make up for one that is too large.
    merged = tuple((a[0], a[1], b[0], b[1]) for a, b in sheet.merged_cell_ranges or () if a[0] <= b[0] and a[1] <= b[1])
    if sum((last_row + 1 - first_row) * (last + 1 - first) for first_row, first, last_row, last in merged) > limits.MAX_MERGED_CELLS:
        raise Unreadable("S10", "合并单元格的范围过大，请取消合并后保存", sheet=meta.name)
    rows = list(_rows(sheet, meta.name))
    for (r, c), code in marks.formats.items():
        rows[r][c] = styled(rows[r][c], code)
    told = {place: Faulty(text) for place, text in marks.faults.items()} | {place: Picture() for place in marks.pictures}
    for (r, c), cell in told.items():
        rows.extend([] for _ in range(r + 1 - len(rows)))
        rows[r].extend([None] * (c + 1 - len(rows[r])))
        rows[r][c] = cell
    return Sheet(
        name=meta.name,
        rows=trim(rows),
        is_hidden=meta.visible != python_calamine.SheetVisibleEnum.Visible,
        merged=merged,
        hidden_rows=frozenset(marks.hidden_rows),
        pictures=marks.floating,
        too_wide=marks.too_wide,
    )


def _rows(sheet: python_calamine.CalamineSheet, name: str) -> Iterator[list[Cell]]:
    before = [None] * (sheet.start[1] if sheet.start else 0)
    characters = 0
    for values in sheet.iter_rows():
        if values.count("") == len(values):
            yield []
            continue
        cells = [None if value == "" else _cell(value) for value in values]
        characters += sum(len(cell) for cell in cells if isinstance(cell, str))
        if characters > limits.MAX_CHARACTERS:
            raise Unreadable("S10", "文件里的文字过多，请分开报送", sheet=name)
        yield (before + cells)[: limits.MAX_COLUMNS]


def _cell(value: object) -> Cell:
    if type(value) is str:  # as nearly all are
        return text_cell(value)
    match value:
        case None | bool():
            return value
        case int():
            return Number(str(value))
        case float():
            return Number(decimal_digits(value)) if math.isfinite(value) else Faulty("#NUM!")
        case dt.datetime():
            return value.date()
        case dt.date():
            return value
        case _:
            return Moment(str(value))
