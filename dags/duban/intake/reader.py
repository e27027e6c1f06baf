"""Reads one file and finds the ledgers in it, as a child process of `duban.intake.sandbox`, which sets its limits.

The kind of a file is decided by its content, never by its name. Numbers become decimal digits here: no float leaves the readers.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from duban.intake import csv_file, reading, workbook_xls, workbook_xlsx
from duban.intake.cells import Cell, Document, Unreadable
from duban.intake.csv_file import IsHeader
from duban.intake.limits import MAX_BYTES
from duban.intake.reading import FileFault, Reading
from duban.intake.rows import word
from duban.intake.sandbox import serve
from duban.intake.tables import HEADER_COLUMNS, known_headers, read_tables
from duban.ledgers import Expectations, read_expectations

_OTHER_KINDS = (
    (b"%PDF", "这是 PDF 文件，请报送表格文件"),
    (b"Rar!", "这是压缩包，请解压后报送其中的表格文件"),
    (b"7z\xbc\xaf", "这是压缩包，请解压后报送其中的表格文件"),
    (b"\x1f\x8b", "这是压缩包，请解压后报送其中的表格文件"),
    (b"\xff\xd8\xff", "这是图片，请报送表格文件"),
    (b"\x89PNG", "这是图片，请报送表格文件"),
)


def read_document(path: str, expectations: Expectations) -> Document:
    """Read the file at `path`; the known column names decide between the encodings and separators of a CSV.

    Raises:
        Unreadable: S01 (damaged, encrypted, unsafe, not a table) or S10 (over the limits).
    """
    size = os.path.getsize(path)
    if size > MAX_BYTES:
        raise Unreadable("S10", f"文件有 {size / 2**20:.0f} MB，超过 {MAX_BYTES / 2**20:.0f} MB")
    with open(path, "rb") as file:
        head = file.read(8)
    if head[:4] == b"PK\x03\x04":
        return workbook_xlsx.read(path)
    if head.startswith((workbook_xls.OLE_MAGIC, *workbook_xls.BIFF_MAGICS)):
        return workbook_xls.read(path)
    for magic, reason in _OTHER_KINDS:
        if head.startswith(magic):
            raise Unreadable("S01", reason)
    return csv_file.read(Path(path).read_bytes(), header_test(expectations))


def header_test(expectations: Expectations) -> IsHeader:
    """A function that recognises a header row: by the known column names in it, or as the whole header of a layout."""
    known = known_headers(expectations)
    of_layouts = {row for layout in expectations.layouts for row in layout.header}

    def is_header(row: list[Cell]) -> bool:
        texts = [word(cell) or None for cell in row]
        return sum(text in known for text in texts) >= HEADER_COLUMNS or tuple(texts) in of_layouts

    return is_header


def read_file(path: str, expectations: Expectations, unit_code: str, on: date) -> Reading:
    """What the file at `path` holds; a file that cannot be read is a `Reading` with one fault."""
    try:
        return read_tables(read_document(path, expectations), expectations, unit_code, on)
    except Unreadable as error:
        return Reading(faults=[FileFault(error.rule_id, error.reason, error.sheet, error.cell)])


def handle(job: dict) -> dict:
    """Answer one job `{"path", "unit_code", "on", "expectations", "seeds"}` with the reading as JSON."""
    expectations = read_expectations(Path(job["expectations"]), Path(job["seeds"]))
    return reading.to_json(read_file(job["path"], expectations, job["unit_code"], date.fromisoformat(job["on"])))


if __name__ == "__main__":
    serve(handle)
