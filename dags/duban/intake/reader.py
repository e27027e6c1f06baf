"""Reads one file into a `Document`. Runs as a child process of `duban.intake.sandbox`, which sets its limits and watches the clock.

The kind of a file is decided by its content, never by its name. Numbers become decimal digits here: no float leaves this module.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import os
from collections.abc import Callable, Iterable
from decimal import Decimal

import python_calamine

from duban.intake import workbook_xml
from duban.intake.cells import Cell, Document, Faulty, Moment, Number, Sheet, Unreadable, to_json
from duban.intake.sandbox import serve
from duban.intake.words import fold

MAX_BYTES = 50 << 20
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_OTHER_KINDS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "这是 .xls、.et 或有密码的文件，请去掉密码并另存为 .xlsx 后重新报送"),
    (b"%PDF", "这是 PDF 文件，请报送表格文件"),
    (b"Rar!", "这是压缩包，请解压后报送其中的表格文件"),
    (b"7z\xbc\xaf", "这是压缩包，请解压后报送其中的表格文件"),
    (b"\xff\xd8\xff", "这是图片，请报送表格文件"),
    (b"\x89PNG", "这是图片，请报送表格文件"),
)


def read_document(path: str, is_header: Callable[[list[Cell]], bool]) -> Document:
    """Read the file at `path`.

    `is_header` recognises a header row; it decides between the separators of a CSV.

    Raises:
        Unreadable: S01 (damaged, encrypted, unsafe, not a table) or S10 (over the limits).
    """
    size = os.path.getsize(path)
    if size > MAX_BYTES:
        raise Unreadable("S10", f"文件有 {size / 2**20:.0f} MB，超过 50 MB")
    with open(path, "rb") as file:
        head = file.read(8)
    if head[:4] == b"PK\x03\x04":
        return _read_workbook(path)
    for magic, reason in _OTHER_KINDS:
        if head.startswith(magic):
            raise Unreadable("S01", reason)
    return _read_csv(path, is_header)


def _read_workbook(path: str) -> Document:
    marks, uses_1904 = workbook_xml.scan(path)
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(path)
        sheets = tuple(
            _read_sheet(workbook, meta, marks.get(meta.name, workbook_xml.SheetMarks()))
            for meta in workbook.sheets_metadata
            if meta.typ == python_calamine.SheetTypeEnum.WorkSheet
        )
    except python_calamine.PasswordError as error:
        raise Unreadable("S01", "文件有密码，请去掉密码后重新报送") from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise Unreadable("S01", "文件已损坏，或不是表格文件") from error
    return Document("xlsx", sheets, uses_1904=uses_1904)


def _read_sheet(workbook: python_calamine.CalamineWorkbook, meta: python_calamine.SheetMetadata, marks: workbook_xml.SheetMarks) -> Sheet:
    sheet = workbook.get_sheet_by_name(meta.name)
    rows = [
        [_cell(value, (r, c) in marks.percents) for c, value in enumerate(row)]
        for r, row in enumerate(sheet.to_python(skip_empty_area=False))
    ]
    for (r, c), text in marks.faults.items():
        rows.extend([] for _ in range(r + 1 - len(rows)))
        rows[r].extend([None] * (c + 1 - len(rows[r])))
        rows[r][c] = Faulty(text)
    return Sheet(
        name=meta.name,
        rows=_trim(rows),
        is_hidden=meta.visible != python_calamine.SheetVisibleEnum.Visible,
        merged=tuple((a[0], a[1], b[0], b[1]) for a, b in sheet.merged_cell_ranges or ()),
        hidden_rows=frozenset(marks.hidden_rows),
    )


def _cell(value: object, is_percent: bool) -> Cell:
    match value:
        case "" | None:
            return None
        case bool():
            return value
        case str():
            return value.replace("\x00", "\ufffd")  # no database takes a NUL, and no clerk wrote one
        case int():
            return Number(str(value), is_percent)
        case float():
            if not math.isfinite(value):
                return Faulty("#NUM!")
            return Number(decimal_digits(value), is_percent)
        case dt.datetime():
            return value.date()
        case dt.date():
            return value
        case _:
            return Moment(str(value))


def decimal_digits(value: float) -> str:
    """Decimal digits of a workbook number, never in exponent form.

    A whole number is exact; a fraction has the 15 significant digits a spreadsheet shows, without the binary noise behind them.
    """
    if value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    digits = Decimal(f"{value:.15g}")
    return f"{digits.normalize():f}" if digits else "0"


def _trim(rows: list[list[Cell]]) -> list[list[Cell]]:
    for row in rows:
        while row and row[-1] is None:
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _read_csv(path: str, is_header: Callable[[list[Cell]], bool]) -> Document:
    with open(path, "rb") as file:
        data = file.read()
    text, encoding = _decode(data)
    if not text.strip():
        return Document("csv", (), encoding=encoding)
    if text.lstrip()[:200].lower().startswith(("<!doctype", "<html", "<table", "<?xml")):
        raise Unreadable("S01", "这是网页格式的文件，请用 Excel 或 WPS 打开，另存为 .xlsx 后重新报送")
    if "\x00" in text:
        raise Unreadable("S01", "这不是表格文件，或文件已损坏")
    best = fault = None
    for separator in (",", ";", "\t"):
        try:
            rows = _split(text, separator)
        except csv.Error as error:
            fault = error
            continue
        if any(is_header(row) for row in rows[:20]):
            best, fault = (separator, rows), None
            break
        if best is None or max(map(len, rows[:20])) > max(map(len, best[1][:20])):
            best = (separator, rows)
    if fault:
        raise Unreadable("S01", "引号不成对，分不清哪些字在同一格；请用 Excel 或 WPS 打开检查，另存为 .xlsx 后重新报送") from fault
    separator, rows = best
    if len(rows) > workbook_xml.MAX_ROWS:
        raise Unreadable("S10", f"文件有 {len(rows)} 行，超过 {workbook_xml.MAX_ROWS} 行")
    wide = next((number for number, row in enumerate(rows, start=1) if len(row) > workbook_xml.MAX_COLUMNS), None)
    if wide:
        raise Unreadable("S10", f"第 {wide} 行有 {len(rows[wide - 1])} 列，超过 {workbook_xml.MAX_COLUMNS} 列")
    return Document("csv", (Sheet("", rows),), encoding=encoding, separator=separator)


def _decode(data: bytes) -> tuple[str, str]:
    """Text and encoding: a byte order mark decides; else strict UTF-8, else strict GB18030. Nothing is ever replaced."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            candidates = [encoding]
            break
    else:
        candidates = ["utf-8", "gb18030"]
    for encoding in candidates:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
    raise Unreadable("S01", f"文字编码有误，文件在第 {line} 行附近已损坏；请用 Excel 或 WPS 打开检查，另存为 .xlsx 后重新报送")


def _split(text: str, separator: str) -> list[list[Cell]]:
    # One record per line of the file, blank ones included: their numbers are what the clerk is told.
    csv.field_size_limit(len(text) + 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    return _trim([[value or None for value in row] for row in reader])


def header_test(headers: Iterable[str]) -> Callable[[list[Cell]], bool]:
    """A function that recognises a header row by the known column names (folded) in it."""
    known = frozenset(headers)
    return lambda row: sum(isinstance(cell, str) and fold(cell) in known for cell in row) >= 3


def handle(job: dict) -> dict:
    """Answer one job `{"path", "headers"}`: the document as JSON, or the rule it breaks. `headers` are the known column names, folded."""
    try:
        return {"document": to_json(read_document(job["path"], header_test(job["headers"])))}
    except Unreadable as error:
        return {"rule_id": error.rule_id, "reason": error.reason, "sheet": error.sheet, "cell": error.cell}


if __name__ == "__main__":
    serve(handle)
