"""Reads one file and finds the ledgers in it, as a child process of `duban.intake.sandbox`, which sets its limits.

The kind of a file is decided by its content, never by its name. Numbers become decimal digits here: no float leaves the readers.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from duban.intake import csv_file, reading, workbook_xls, workbook_xlsx, workbook_xml
from duban.intake.cells import Cell, Document, Unreadable
from duban.intake.csv_file import IsHeader
from duban.intake.reading import FileFault, Reading
from duban.intake.rows import HEADER_COLUMNS, word
from duban.intake.sandbox import Handler
from duban.intake.tables import read_tables
from duban.ledgers import Expectations, name_a_column, read_expectations

_OTHER_KINDS = (
    (b"%PDF", "这是 PDF 文件，请报送表格文件"),
    ((b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b"), "这是压缩包，请解压后报送其中的表格文件"),
    ((b"\xff\xd8\xff", b"\x89PNG"), "这是图片，请报送表格文件"),
)


def read_document(content: bytes, expectations: Expectations) -> Document:
    """Read the bytes of a file; the known column names decide between the encodings and separators of a CSV.

    Raises:
        Unreadable: S01 (damaged, encrypted, unsafe, not a table) or S10 (over the limits).
    """
    if content.startswith(b"PK\x03\x04"):
        return workbook_xlsx.read(content)
    if content.startswith((workbook_xls.OLE_MAGIC, *workbook_xls.BIFF_MAGICS)):
        return workbook_xls.read(content)
    for magic, reason in _OTHER_KINDS:
        if content.startswith(magic):
            raise Unreadable("S01", reason)
    return csv_file.read(content, header_test(expectations))


def header_test(expectations: Expectations) -> IsHeader:
    """A function that recognises a header row: by the known column names in it, or as the whole header of a layout."""
    known = expectations.header_names
    of_layouts = {row for layout in expectations.layouts for row in layout.header}

    def is_header(row: list[Cell]) -> bool:
        texts = [word(cell) or None for cell in row]
        named = sum(name_a_column((text,), known) for text in texts if text)
        return named >= HEADER_COLUMNS or tuple(texts) in of_layouts

    return is_header


def read_file(content: bytes, expectations: Expectations, unit_code: str, on: date) -> Reading:
    """What the bytes of a file hold; a file that cannot be read is a `Reading` with one fault."""
    try:
        return read_tables(read_document(content, expectations), expectations, unit_code, on)
    except Unreadable as error:
        return Reading(faults=[FileFault(error.rule_id, error.reason, error.sheet, error.cell)])


def prepare(expectations: str, seeds: str) -> Handler:
    """A handler of jobs `{"unit_code", "on"}`, by the expectations and code lists in two folders: it answers with the reading as JSON."""
    known = read_expectations(Path(expectations), Path(seeds))

    def handle(job: dict[str, Any], content: bytes) -> dict[str, Any]:
        return reading.to_json(read_file(content, known, job["unit_code"], date.fromisoformat(job["on"])))

    # What has run before runs faster in every child, which begins where this process stands.
    for ledger in known.ledgers.values():
        rows = [[column.title for column in ledger.columns], *[["12（/）"] * len(ledger.columns)] * 12]
        handle({"unit_code": "", "on": "2020-01-01"}, workbook_xml.plain_workbook(ledger.title, rows))
    return handle
