"""Sheets as bytes: `.xlsx` and `.csv`, the same bytes for the same sheets."""

import csv
import io
import re
import zipfile
from datetime import datetime
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from local.sample.sheets import Sheet
from local.sample.spellings import Formatted

WRITTEN_AT = datetime(2020, 6, 22, 9, 0, 0)
THIN = Border(*[Side(style="thin", color="999999")] * 4)


def workbook_bytes(sheets: list[Sheet]) -> bytes:
    """An Excel workbook; nothing in it depends on the time of writing."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    for sheet in sheets:
        _write_sheet(workbook, sheet)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return _without_clock(buffer.getvalue())


def csv_bytes(sheet: Sheet, encoding: str) -> bytes:
    """A CSV file as Excel saves one: every record as wide as the table, CRLF."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[_as_text(cell) for cell in row] for row in sheet.rows])
    return text.getvalue().encode(encoding)


def _write_sheet(workbook: Workbook, sheet: Sheet) -> None:
    page = workbook.create_sheet(sheet.name)
    for number, row in enumerate(sheet.rows, start=1):
        for column, value in enumerate(row, start=1):
            if value is None:
                continue
            cell = page.cell(number, column, value.value if isinstance(value, Formatted) else value)
            if isinstance(value, Formatted):
                cell.number_format = value.number_format
            if sheet.header_rows and number >= sheet.header_rows[0]:
                cell.border = THIN
            if number in sheet.header_rows:
                cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="DDEBF7")
                cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    page.cell(1, 1).font, page.cell(1, 1).alignment = Font(bold=True, size=16), Alignment(horizontal="center")
    for first_row, first_column, last_row, last_column in sheet.merges:
        page.merge_cells(start_row=first_row, start_column=first_column, end_row=last_row, end_column=last_column)
    for number in sheet.hidden_rows:
        page.row_dimensions[number].hidden = True
    for column in range(1, max(len(row) for row in sheet.rows) + 1):
        page.column_dimensions[get_column_letter(column)].width = 16
    page.sheet_state = "hidden" if sheet.hidden else "visible"


def _without_clock(content: bytes) -> bytes:
    """The workbook with fixed times in its properties and in the zip directory."""
    stamp = WRITTEN_AT.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "docProps/core.xml":
                part = re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>" + stamp, part)
            entry = zipfile.ZipInfo(name, date_time=WRITTEN_AT.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            new.writestr(entry, part)
    return buffer.getvalue()


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Formatted):
        return str(value.value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
