"""Files beyond the lowered limits, and files whose parts contradict each other. Each is small and harmless to whoever opens it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from msoffcrypto.format.ooxml import OOXMLFile

from tests.bad_input.lowered import KB, LOWERED
from tests.bad_input.raw_files import (
    MAIN,
    RELATIONS,
    Part,
    archive,
    biff,
    biff_book,
    biff_text,
    book,
    book_parts,
    repeated,
    row_xml,
    rows_xml,
    sheet_close,
    sheet_open,
    sheet_xml,
)
from tests.conftest import csv_bytes
from tests.integration.ledgers import PROBLEM_HEADER, problem

LIMIT = LOWERED["duban.intake.limits"]
LAST_ROW = LIMIT["MAX_ROWS"]


@dataclass(frozen=True)
class Excessive:
    """A file, and what must become of it: the rules it breaks (none: it is accepted), what the clerk is told, and the cell it is about."""

    name: str
    content: bytes
    rules: tuple[str, ...] = ()
    says: str = ""
    cell: str | None = None

    @property
    def file_name(self) -> str:
        """Under which it is sent."""
        return f"{self.name}-20200624.{'csv' if self.name.startswith('csv') else 'xls' if self.name.startswith('xls-') else 'xlsx'}"


def ledger_rows(key: str = "H-1") -> bytes:
    """问题台账 with a row that nothing is wrong with."""
    return rows_xml([PROBLEM_HEADER, problem(key)])


def wrong_rows() -> bytes:
    """问题台账 with one row that goes back, so that a slip is written."""
    return rows_xml([PROBLEM_HEADER, problem("H-1"), problem("H-2", 发现日期="六月")])


def ledger(key: str = "H-1", *, more: bytes = b"", before: bytes = b"", after: bytes = b"", **options) -> bytes:
    """A workbook of 问题台账, with more below its rows."""
    return book({"问题台账": sheet_xml(ledger_rows(key) + more, before=before, after=after)}, **options)


# ── far cells ────────────────────────────────────────────────────────────────────────────────────────────────────────


def one_far_cell(reference: str) -> bytes:
    """A ledger with one more cell far from its rows."""
    row = reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return ledger(more=f'<row r="{row}"><c r="{reference}"><v>1</v></c></row>'.encode())


# ── archives ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def roomy_sheet(kilobytes: int) -> bytes:
    """A sheet with spaces between its elements."""
    return book({"问题台账": repeated(sheet_open() + ledger_rows(), b" " * KB, kilobytes, sheet_close())})


def parts_of_a_ledger() -> dict[str, Part]:
    """The parts of an ordinary workbook."""
    return book_parts({"问题台账": sheet_xml(ledger_rows())})


def changed_parts(**changes: int) -> bytes:
    """A workbook of whose parts the directory says something else."""
    return archive([(name, replace(part, **changes)) for name, part in parts_of_a_ledger().items()])


def misstated(part_name: str) -> bytes:
    """The directory says a part is a byte shorter than it is."""
    return archive([(name, replace(part, size=part.size - (name == part_name))) for name, part in parts_of_a_ledger().items()])


def many_entries(count: int) -> bytes:
    """A workbook among empty parts."""
    empty = ((f"xl/x/{number}", Part(b"", 0, 0, zipfile.ZIP_STORED)) for number in range(count))
    return archive([*parts_of_a_ledger().items(), *empty])


def twice(part_name: str) -> bytes:
    """A part that is there twice, the same both times."""
    parts = list(parts_of_a_ledger().items())
    return archive([*parts, *((name, part) for name, part in parts if name == part_name)])


def archive_of_workbooks() -> bytes:
    """Workbooks packed together, as they are sent by e-mail."""
    return archive([(f"{number}.xlsx", Part.of(ledger(f"H-{number}"))) for number in range(3)])


def with_doctype(part_name: str) -> bytes:
    """A part that begins with a document type, and takes one word from it."""
    content = zlib.decompress(parts_of_a_ledger()[part_name].data, -15).decode().removeprefix('<?xml version="1.0" encoding="UTF-8"?>')
    content = content.replace("屋顶漏雨未修", "&word;").replace("</sst>", "<si><t>&word;</t></si></sst>")
    return book({"问题台账": sheet_xml(ledger_rows())}, extra={part_name: f'<!DOCTYPE x [<!ENTITY word "屋顶漏雨">]>{content}'.encode()})


def long_value(kilobytes: int) -> bytes:
    """One number of many digits, or what passes for one."""
    return ledger(more=b'<row r="3"><c r="A3"><v>' + b"1" * (kilobytes * KB) + b"</v></c></row>")


def long_text() -> str:
    """A text longer than any cell of a spreadsheet program."""
    return "漏" * 40_000


def long_shared_text() -> bytes:
    """The same, among the shared texts."""
    strings = f'<sst xmlns="{MAIN}"><si><t>{long_text()}</t></si></sst>'.encode()
    wrong = problem("H-1", 问题描述=b' t="s"><v>0</v>')
    return book({"问题台账": sheet_xml(rows_xml([PROBLEM_HEADER, wrong, problem("H-2")]))}, extra={"xl/sharedStrings.xml": strings})


# ── many of something ────────────────────────────────────────────────────────────────────────────────────────────────


def rows_of(cell: str, last: int, attributes: str = "") -> bytes:
    """Rows 3 to `last`, each with one cell in the key column."""
    return "".join(f'<row r="{number}"{attributes}><c r="A{number}"{cell}</c></row>' for number in range(3, last + 1)).encode()


def blank_rows(last: int, prefix: str = "") -> bytes:
    """Formatting far below the rows, as spreadsheet programs leave it; with a prefix, as other writers name the elements."""
    rows = (ledger_rows() + rows_of(' s="1"/>', last, ' s="1" customFormat="1"').replace(b"/></c>", b"/>")).decode()
    if not prefix:
        return book({"问题台账": sheet_xml(rows.encode())})
    for name in ("row", "c", "is", "t"):
        rows = rows.replace(f"<{name}>", f"<{prefix}:{name}>").replace(f"<{name} ", f"<{prefix}:{name} ")
        rows = rows.replace(f"</{name}>", f"</{prefix}:{name}>")
    sheet = f'<{prefix}:worksheet xmlns:{prefix}="{MAIN}"><{prefix}:sheetData>{rows}</{prefix}:sheetData></{prefix}:worksheet>'
    return book({"问题台账": sheet.encode()})


def wide_rows(rows: int, cell: Any = 1) -> bytes:
    """A ledger with rows that are filled as far as is allowed."""
    body = b"".join(row_xml(number, [cell] * LIMIT["MAX_COLUMNS"]) for number in range(3, rows + 3))
    return ledger(more=body)


def merges(areas: Iterator[str]) -> bytes:
    """Merged areas, as they stand below the rows of a sheet."""
    return b"<mergeCells>" + "".join(f'<mergeCell ref="{area}"/>' for area in areas).encode() + b"</mergeCells>"


def merged_areas(count: int, rows: bytes) -> bytes:
    """Small merged areas beside a ledger."""
    return book({"问题台账": sheet_xml(rows, after=merges(f"L{number}:M{number}" for number in range(10, count + 10)))})


def merged_area(area: str, rows: int = 3) -> bytes:
    """One merged area, and a row that goes back. `rows` make the sheet as long as the area."""
    body = wrong_rows() + "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(4, rows + 1)).encode()
    return book({"问题台账": sheet_xml(body, after=merges(iter([area])))})


def many_strings(count: int, text: str = "a") -> bytes:
    """Shared texts that nobody uses."""
    strings = f'<sst xmlns="{MAIN}">{f"<si><t>{text}</t></si>" * count}</sst>'.encode()
    return book({"问题台账": sheet_xml(ledger_rows())}, extra={"xl/sharedStrings.xml": strings})


def one_text_everywhere(length: int, count: int) -> bytes:
    """One text that many cells share."""
    strings = f'<sst xmlns="{MAIN}"><si><t>{"漏" * length}</t></si></sst>'.encode()
    return book({"问题台账": sheet_xml(ledger_rows() + rows_of(' t="s"><v>0</v>', count))}, extra={"xl/sharedStrings.xml": strings})


def much_text(rows: int) -> bytes:
    """Rows that hold much text each."""
    return ledger(more=b"".join(row_xml(number, ["漏" * 1_000]) for number in range(3, rows + 3)))


def many_styles(count: int) -> bytes:
    """A part of styles that is nothing but styles, and a row that goes back, so that the slip has to carry them too."""
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs>{"<xf/>" * count}</cellXfs></styleSheet>'.encode()
    return book({"问题台账": sheet_xml(wrong_rows())}, extra={"xl/styles.xml": styles})


def many_sheets(count: int) -> bytes:
    """Sheets, each but the first with a row that goes back."""
    header = [PROBLEM_HEADER]
    rows = {f"第{number}张": [*header, problem(f"H-{number}", 发现日期="六月" if number else "2020-06-04")] for number in range(count)}
    return book({name: sheet_xml(rows_xml(cells)) for name, cells in rows.items()})


def two_names_for_one_sheet() -> bytes:
    """One sheet that the directory of sheets names twice."""
    names = "".join(f'<sheet name="第{number}张" sheetId="{number + 1}" r:id="rId1"/>' for number in range(2))
    workbook = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{names}</sheets></workbook>'.encode()
    return book({"问题台账": sheet_xml(ledger_rows())}, extra={"xl/workbook.xml": workbook})


def more_below(element: str, parent: str, count: int) -> bytes:
    """Things below the rows that only the slip's writer looks at, and a row that goes back."""
    inside = "".join(element.format(number=number + 3) for number in range(count))
    after = f"<{parent}>{inside}</{parent}>" if parent else inside
    return book({"问题台账": sheet_xml(wrong_rows(), after=after.encode())})


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def csv_ledger(more: bytes = b"") -> bytes:
    """问题台账 as CSV, and what follows."""
    return csv_bytes([PROBLEM_HEADER, problem("H-1")]) + more


def headers_again(count: int, *, moved: bool) -> bytes:
    """The header again and again, in its place (ignored) or one column further (a second table)."""
    header = ([""] if moved else []) + PROBLEM_HEADER
    return csv_bytes([PROBLEM_HEADER, problem("H-1"), *([header] * count)])


def quotes_that_reach_the_end(good: int, broken: int) -> bytes:
    """Short rows, and lines of which each, read by itself, opens a quote that is open still at the end of the file."""
    return csv_ledger(b"1\r\n" * good + b'a","b\r\n' * broken)


def totals(count: int) -> bytes:
    """Totals of totals of totals: 小计 and 合计 in turns."""
    rows = ([["小计", "", "", str(number)], ["合计", "", "", str(number)]] for number in range(count // 2))
    header = ["流水号", "资金层级", "环节", "金额(万元)", "发生日期", "项目编号"]
    good = [[f"H-{number}", "省级", "支出", "1", "2020-06-04", "XM-1"] for number in range(5)]
    return csv_bytes([header, *good, *(row for pair in rows for row in pair)])


# ── old binary workbooks ─────────────────────────────────────────────────────────────────────────────────────────────


def old_ledger(more: bytes = b"", globals_: bytes = b"", sheets: int = 1) -> bytes:
    """问题台账 as an old workbook, more records behind its rows, and more sheets."""
    rows = enumerate([PROBLEM_HEADER, problem("H-1")])
    cells = b"".join(biff_text(r, c, text) for r, row in rows for c, text in enumerate(row) if text)
    others = ((f"第{number}张", biff_text(0, 0, "空")) for number in range(1, sheets))
    return biff_book([("问题台账", cells + more), *others], globals_)


def numbers_of_many_cells(rows: int, columns: int) -> bytes:
    """Rows of numbers."""
    values = struct.pack("<HI", 0, 2) * columns
    return b"".join(biff(0xBD, struct.pack("<HH", row, 0) + values + struct.pack("<H", columns - 1)) for row in range(2, rows + 2))


def many_shared_texts(count: int) -> bytes:
    """Empty texts that nobody uses."""
    head, texts = struct.pack("<II", count, count), bytes(3) * count
    return biff(0xFC, head + texts[:8000]) + b"".join(biff(0x3C, texts[at : at + 8000]) for at in range(8000, len(texts), 8000))


def formulas(count: int) -> bytes:
    """Formulas whose result is nought, as programs leave those that they never calculated."""
    return b"".join(biff(6, struct.pack("<HHH8sHIH", 2 + n // 20, 11 + n % 20, 0, bytes(8), 0, 0, 0)) for n in range(count))


def old_merges(count: int) -> bytes:
    """Small merged areas."""
    return biff(0xE5, struct.pack("<H", count) + b"".join(struct.pack("<HHHH", 100 + n, 101 + n, 11, 12) for n in range(count)))


def locked_by_office() -> bytes:
    """A workbook with a password, as spreadsheet programs write it today."""
    target = io.BytesIO()
    OOXMLFile(io.BytesIO(ledger())).encrypt("geheim", target)
    return target.getvalue()


PARTS = ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels")
CONDITION = (
    '<conditionalFormatting sqref="A{number}"><cfRule type="expression" priority="1"><formula>1</formula></cfRule></conditionalFormatting>'
)
VALIDATION = '<dataValidation type="list" sqref="A{number}"><formula1>"a"</formula1></dataValidation>'
LINK = '<hyperlink ref="A{number}" location="x"/>'
ERROR = b' t="e"><v>#REF!</v>'
WIDE_HEADER = [*PROBLEM_HEADER, *(f"列{number}" for number in range(LIMIT["MAX_COLUMNS"] - len(PROBLEM_HEADER)))]
TOO_WIDE = LIMIT["MAX_COLUMNS"] + 1
TOO_LONG = LIMIT["MAX_FILLED_ROWS"] + 10

EXCESSIVE = [
    # far cells
    Excessive("column-too-far", one_far_cell("AO5"), ("S10",), "AO5", "AO5"),
    Excessive("row-too-far", one_far_cell("A2001"), ("S10",), "A2001", "A2001"),
    Excessive("corner-of-what-is-allowed", one_far_cell("AN2000"), ("S10",), "AN2000", "AN2000"),
    Excessive("last-row", one_far_cell("K2000")),
    Excessive("dimension", ledger(before=b'<dimension ref="A1:AN2000"/>')),
    Excessive("columns", ledger(more=row_xml(3, [1] * TOO_WIDE)), ("S10",), "AO3", "AO3"),
    # archives
    Excessive("size", roomy_sheet(1100), ("S10",), "解压"),
    Excessive("ratio", roomy_sheet(500), ("S10",), "倍"),
    Excessive("entries", many_entries(50), ("S10",), "部件"),
    Excessive("archive-of-workbooks", archive_of_workbooks(), ("S01",), "压缩包"),
    Excessive("twice", twice("xl/worksheets/sheet1.xml"), ("S01",), "同名"),
    Excessive("locked", changed_parts(flags=1), ("S01",), "密码"),
    Excessive("locked-by-office", locked_by_office(), ("S01",), "密码"),
    Excessive("unknown-method", changed_parts(method=97), ("S01",), "压缩方式"),
    Excessive("misstated-sheet", misstated("xl/worksheets/sheet1.xml"), ("S01",), "损坏"),
    Excessive("misstated-strings", misstated("xl/sharedStrings.xml"), ("S01",), "损坏"),
    # XML
    *(Excessive(f"doctype-{part.split('/', 1)[1].replace('/', '-')}", with_doctype(part), ("S01",), "XML") for part in PARTS),
    Excessive("long-value", long_value(100), ("R01", "R09"), "公式", "A3"),
    Excessive("very-long-value", long_value(300), ("S01",), "损坏"),
    Excessive(
        "long-text",
        book({"问题台账": sheet_xml(rows_xml([PROBLEM_HEADER, problem("H-1", 问题描述=long_text()), problem("H-2")]))}),
        ("R10",),
        "超过三万个字",
        "G2",
    ),
    Excessive("long-shared-text", long_shared_text(), ("R10",), "超过三万个字", "G2"),
    Excessive("long-comment", ledger(more=b"<!--" + b"x" * (100 * KB) + b"-->"), ("S01",), "损坏"),
    Excessive("long-element", ledger(more=b'<row r="3" spans="' + b" " * (100 * KB) + b'"/>'), ("S01",), "损坏"),
    # many of something
    Excessive("blank-rows", blank_rows(LAST_ROW)),
    Excessive("blank-rows-prefixed", blank_rows(LAST_ROW, "x")),
    Excessive("rows-of-one-cell", ledger(more=rows_of("><v>1</v>", TOO_LONG)), ("S10",), "分开报送"),
    Excessive("hidden-rows", ledger(more=rows_of("><v>1</v>", TOO_LONG, ' hidden="1"')), ("S10",), "分开报送"),
    Excessive("error-cells", wide_rows(5, ERROR), ("S10",), "公式错误"),
    Excessive("wide-rows", wide_rows(80), ("S10",), "分开报送"),
    Excessive("merged-areas", merged_areas(100, ledger_rows())),
    Excessive("merged-areas-with-slip", merged_areas(100, wrong_rows()), ("R02",), "日期", "E3"),
    Excessive("merged-too-much", merged_area("A4:K200", 200), ("S10",), "合并"),
    Excessive("merged-much", merged_area("A4:K100", 100), ("R02",), "日期", "E3"),
    Excessive("merged-backwards", merged_area("K9:A4"), ("R02",), "日期", "E3"),
    Excessive("strings", many_strings(1_100), ("S10",), "文字过多"),
    Excessive("much-shared-text", many_strings(100, "漏" * 1_000), ("S10",), "文字过多"),
    Excessive("much-text", much_text(110), ("S10",), "文字过多"),
    Excessive("one-text-everywhere", one_text_everywhere(1_000, 95), ("S10",), "文字过多"),
    Excessive("styles", many_styles(3_000), ("R02",), "日期", "E3"),
    Excessive("styles-beyond", many_styles(8_000), ("S10",), "格式"),
    Excessive("many-sheets", many_sheets(15), ("R02",), "日期"),
    Excessive("too-many-sheets", many_sheets(21), ("S10",), "21 个工作表"),
    Excessive("two-names-for-one-sheet", two_names_for_one_sheet(), ("S01",), "损坏"),
    Excessive("conditions", more_below(CONDITION, "", 600), ("R02",), "日期", "E3"),
    Excessive("validations", more_below(VALIDATION, "dataValidations", 800), ("R02",), "日期", "E3"),
    Excessive("links", more_below(LINK, "hyperlinks", 1_500), ("R02",), "日期", "E3"),
    # CSV
    Excessive("csv-headers", headers_again(200, moved=False)),
    Excessive("csv-second-headers", headers_again(30, moved=True), ("S04",), "又有一个表头", "B3"),
    Excessive("csv-totals", totals(200)),
    Excessive("csv-quotes-below", csv_ledger(b'"' * (10 * KB))),
    Excessive("csv-quotes-that-do-not-close", csv_ledger(b'a","b\r\n' * 400), ("S01",), "引号"),
    Excessive("csv-quotes-that-reach-the-end", quotes_that_reach_the_end(100, 40), ("S01",), "很多行"),
    Excessive("csv-quote-open-for-long", csv_ledger(b'K-2,"' + b"x\r\n" * 250 + b'"\r\n'), ("R11",), "引号", "A3"),
    Excessive("csv-one-cell", csv_bytes([PROBLEM_HEADER, problem("H-1", 问题描述=long_text())]), ("R10",), "字", "G2"),
    Excessive("csv-one-line", csv_ledger(b"," * 2_000), ("S10",), "列"),
    Excessive("csv-columns", csv_ledger(b"1," * (TOO_WIDE - 1)), ("S10",), str(TOO_WIDE)),
    Excessive("csv-wide-filled", csv_bytes([WIDE_HEADER, *[["1"] * len(WIDE_HEADER)] * 80]), ("S10",), "分开报送"),
    Excessive("csv-blank-lines", csv_ledger(b"\n" * LAST_ROW), ("S10",), "行"),
    Excessive("csv-short-lines", csv_ledger(b"1\n" * TOO_LONG), ("S10",), "分开报送"),
    Excessive("csv-nul", csv_ledger(b"\x00" * KB), ("S01",), "编码"),
    Excessive("csv-utf16", b"\xff\xfe" + ("漏,雨\r\n" * TOO_LONG).encode("utf-16-le"), ("S10",), "分开报送"),
    # old binary workbooks
    Excessive("xls-locked", old_ledger(globals_=biff(0x2F, bytes.fromhex("000059b30a9a"))), ("S01",), "密码"),
    Excessive("xls-cells", old_ledger(numbers_of_many_cells(100, 35)), ("S10",), "分开报送"),
    Excessive("xls-texts", old_ledger(globals_=many_shared_texts(1_100)), ("S10",), "文字过多"),
    Excessive("xls-much-text", old_ledger(b"".join(biff_text(n, 0, "漏" * 2_000) for n in range(2, 60))), ("S10",), "文字过多"),
    Excessive("xls-records", old_ledger(biff(0x0FF0) * 5_100), ("S10",), "记录"),
    Excessive("xls-formats", old_ledger(globals_=biff(0xE0, bytes(20)) * 110), ("S10",), "格式"),
    Excessive("xls-formulas", old_ledger(formulas(110)), ("S10",), "公式过多"),
    Excessive("xls-merges", old_ledger(old_merges(100))),
    Excessive("xls-sheets", old_ledger(sheets=21), ("S10",), "21 个工作表"),
]
