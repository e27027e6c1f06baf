"""Files made to kill, fill or stall whoever opens them, each as small as its maker could get it. Built here, never downloaded."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msoffcrypto.format.ooxml import OOXMLFile

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
    letters,
    repeated,
    row_xml,
    rows_xml,
    sheet_close,
    sheet_open,
    sheet_xml,
)
from tests.conftest import csv_bytes
from tests.integration.ledgers import PROBLEM_HEADER, problem

MB = 1 << 20
LAST_ROW = 1 << 20


@dataclass(frozen=True)
class Hostile:
    """A file, and what must become of it: the rules it breaks (none: it is accepted), what the clerk is told, and the cell it is about."""

    name: str
    make: Callable[[], bytes]
    rules: tuple[str, ...] = ()
    says: str = ""
    cell: str | None = None
    is_slow: bool = False  # to make; measured in bench/ only

    @property
    def file_name(self) -> str:
        """Under which it is sent."""
        return f"{self.name}-20200624.{'csv' if self.name.startswith('csv') else 'xls' if self.name.startswith('xls-') else 'xlsx'}"


def ledger_rows(key: str = "H-1", count: int = 1) -> bytes:
    """问题台账 with rows that nothing is wrong with."""
    return rows_xml([PROBLEM_HEADER, *(problem(f"{key}-{number}" if number else key) for number in range(count))])


def ledger(key: str = "H-1", *, more: bytes = b"", before: bytes = b"", after: bytes = b"", **options) -> bytes:
    """The same as a workbook, with more below it."""
    return book({"问题台账": sheet_xml(ledger_rows(key) + more, before=before, after=after)}, **options)


# ── far cells ────────────────────────────────────────────────────────────────────────────────────────────────────────


def one_far_cell(reference: str, row: str) -> bytes:
    """A ledger with one more cell at the end of the world."""
    return ledger(more=f'<row r="{row}"><c r="{reference}"><v>1</v></c></row>'.encode())


# ── archives ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def big_sheet(megabytes: int, *, padding: int = 0) -> bytes:
    """A sheet of spaces between its elements; `padding` is ballast that makes the whole look less packed."""
    part = repeated(sheet_open() + ledger_rows(), b" " * MB, megabytes, sheet_close())
    extra = {"xl/media/image1.png": stored(random.Random(1).randbytes(padding))} if padding else {}
    return book({"问题台账": part}, extra=extra)


def stored(content: bytes) -> Part:
    """Content as it is, not compressed."""
    return Part(content, len(content), zlib.crc32(content), zipfile.ZIP_STORED)


def lying(part_name: str) -> bytes:
    """The archive says a kilobyte, the stream holds a gigabyte and a half."""
    parts = book_parts({"问题台账": sheet_xml(ledger_rows())})
    honest = repeated(sheet_open() if "sheet" in part_name else f'<sst xmlns="{MAIN}">'.encode(), b" " * MB, 1536, b"")
    return archive([(name, Part(honest.data, 1024) if name == part_name else part) for name, part in parts.items()])


def many_entries(count: int) -> bytes:
    """A workbook among very many empty parts."""
    parts = book_parts({"问题台账": sheet_xml(ledger_rows())})
    return archive([*parts.items(), *((f"xl/x/{number}", Part(b"", 0, 0, zipfile.ZIP_STORED)) for number in range(count))])


def twice(part_name: str) -> bytes:
    """Two parts of one name."""
    parts = list(book_parts({"问题台账": sheet_xml(ledger_rows())}).items())
    return archive([*parts, *((name, part) for name, part in parts if name == part_name)])


def nested() -> bytes:
    """Archives in archives."""
    inner = big_sheet(2048)
    for _ in range(3):
        inner = archive([(f"{number}.zip", Part.of(inner)) for number in range(10)])
    return inner


def overlapping() -> bytes:
    """A thousand parts of the directory are the same bytes of the file."""
    content = bytearray(book({"问题台账": repeated(sheet_open(), b" " * MB, 90, sheet_close())}))
    start = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet1.xml"))
    end = content.rindex(b"PK\x05\x06")
    entry = bytes(content[start:end])
    copies = b"".join(entry.replace(b"sheet1.xml", b"s%05d.xml" % number) for number in range(1000))
    count = int.from_bytes(content[end + 8 : end + 10], "little") + 1000
    size = int.from_bytes(content[end + 12 : end + 16], "little") + len(copies)
    tail = bytearray(content[end:])
    tail[8:10] = tail[10:12] = count.to_bytes(2, "little")
    tail[12:16] = size.to_bytes(4, "little")
    return bytes(content[:end]) + copies + bytes(tail)


def locked() -> bytes:
    """Parts locked with a password of the archive."""
    parts = book_parts({"问题台账": sheet_xml(ledger_rows())})
    return archive([(name, Part(part.data, part.size, part.crc, part.method, 1)) for name, part in parts.items()])


def unknown_method() -> bytes:
    """Parts compressed in a way nobody knows."""
    parts = book_parts({"问题台账": sheet_xml(ledger_rows())})
    return archive([(name, Part(part.data, part.size, part.crc, 97)) for name, part in parts.items()])


# ── XML ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

LAUGHS = "<!DOCTYPE x [" + '<!ENTITY a0 "哈哈哈哈">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)) + "]>"
READ_A_FILE = '<!DOCTYPE x [<!ENTITY a11 SYSTEM "file:///etc/passwd">]>'
FETCH = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'


def with_doctype(part_name: str, doctype: str) -> bytes:
    """A part that begins with a document type, and uses an entity of it where text stands."""
    parts = book_parts({"问题台账": sheet_xml(ledger_rows())})
    content = zlib.decompress(parts[part_name].data, -15).decode().removeprefix('<?xml version="1.0" encoding="UTF-8"?>')
    if "SYSTEM" not in doctype or "ENTITY" in doctype:
        content = content.replace("屋顶漏雨未修", "&a11;")
        content = content.replace("</sst>", "<si><t>&a11;</t></si></sst>")
    return book({"问题台账": sheet_xml(ledger_rows())}, extra={part_name: (doctype + content).encode()})


def deep(part_name: str, depth: int) -> bytes:
    """Elements in elements in elements."""
    inside = b"<a>" * depth + b"</a>" * depth
    sheet = sheet_xml(ledger_rows(), after=inside if "sheet" in part_name else b"")
    if "sheet" in part_name:
        return book({"问题台账": sheet})
    parts = book_parts({"问题台账": sheet})
    content = zlib.decompress(parts[part_name].data, -15)
    end = content.rindex(b"</")
    return book({"问题台账": sheet}, extra={part_name: content[:end] + inside + content[end:]})


def long_value(megabytes: int) -> bytes:
    """One number of very many digits, or what passes for one."""
    more = b'<row r="3"><c r="A3"><v>' + b"1" * (megabytes * MB) + b"</v></c></row>"
    return ledger(more=more)


def long_text(megabytes: int) -> bytes:
    """One text of very many characters, as the description of a problem."""
    text = ("漏" * 1023 + "\n") * (megabytes * MB // 3072)
    return book({"问题台账": sheet_xml(rows_xml([PROBLEM_HEADER, problem("H-1", 问题描述=text), problem("H-2")]))})


def long_shared_text(megabytes: int) -> bytes:
    """The same, among the shared texts."""
    strings = f'<sst xmlns="{MAIN}"><si><t>'.encode() + "漏".encode() * (megabytes * MB // 3) + b"</t></si></sst>"
    wrong = problem("H-1", 问题描述=b' t="s"><v>0</v>')
    return book({"问题台账": sheet_xml(rows_xml([PROBLEM_HEADER, wrong, problem("H-2")]))}, extra={"xl/sharedStrings.xml": strings})


def long_token(megabytes: int) -> bytes:
    """One comment that never seems to end. Ballast keeps the ratio low."""
    part = repeated(sheet_open() + ledger_rows() + b"<!--", b"x" * MB, megabytes, b"-->" + sheet_close())
    return book({"问题台账": part}, extra={"xl/media/image1.png": stored(random.Random(1).randbytes(megabytes * MB // 90))})


def many_attributes(count: int) -> bytes:
    """An element with very many attributes."""
    attributes = b"".join(b' a%d=""' % number for number in range(count))
    return ledger(more=b'<row r="3"' + attributes + b"/>")


# ── very many of something ───────────────────────────────────────────────────────────────────────────────────────────


def blank_rows(prefix: str = "", cells: int = 1) -> bytes:
    """Formatting down to the last row, as spreadsheet programs leave it."""
    rows = ledger_rows()
    if prefix:
        for name in (b"row", b"c", b"is", b"t"):
            rows = rows.replace(b"<" + name + b">", b"<" + prefix.encode() + name + b">").replace(
                b"<" + name + b" ", b"<" + prefix.encode() + name + b" "
            )
            rows = rows.replace(b"</" + name + b">", b"</" + prefix.encode() + name + b">")
    columns = [letters(position) for position in range(cells)]
    lines = []
    for number in range(3, LAST_ROW + 1):
        inside = "".join(f'<{prefix}c r="{column}{number}" s="1"/>' for column in columns)
        lines.append(f'<{prefix}row r="{number}" s="1" customFormat="1">{inside}</{prefix}row>')
    if not prefix:
        return book({"问题台账": sheet_xml(rows + "".join(lines).encode())})
    name = prefix.rstrip(":")
    opened = f'<{prefix}worksheet xmlns:{name}="{MAIN}"><{prefix}sheetData>'.encode()
    closed = f"</{prefix}sheetData></{prefix}worksheet>".encode()
    return book({"问题台账": opened + rows + "".join(lines).encode() + closed})


def rows_of(cell: str, last: int = LAST_ROW, attributes: str = "") -> bytes:
    """Rows 3 to `last`, each with one cell in the key column."""
    return "".join(f'<row r="{number}"{attributes}><c r="A{number}"{cell}</c></row>' for number in range(3, last + 1)).encode()


def wide_rows(columns: int, rows: int, cell: str = "><v>1</v>") -> bytes:
    """A ledger with rows that are filled far to the right."""
    names = [letters(position) for position in range(columns)]
    body = [
        f'<row r="{number}">' + "".join([f'<c r="{name}{number}"{cell}</c>' for name in names]) + "</row>" for number in range(3, rows + 3)
    ]
    return ledger(more="".join(body).encode())


def merges(areas: Iterator[str]) -> bytes:
    """Merged areas, as they stand below the rows of a sheet."""
    return b"<mergeCells>" + "".join(f'<mergeCell ref="{area}"/>' for area in areas).encode() + b"</mergeCells>"


def merged_areas(count: int, *, wrong: bool = False) -> bytes:
    """Very many small merged areas, beside a ledger; with a row that goes back, the slip has to carry them too."""
    rows = rows_xml([PROBLEM_HEADER, problem("H-1"), problem("H-2", 发现日期="六月" if wrong else "2020-06-04")])
    return book({"问题台账": sheet_xml(rows, after=merges(f"L{number}:M{number}" for number in range(10, count + 10)))})


def merged_whole(area: str, rows: int = 0, more: str = "") -> bytes:
    """One merged area over everything, and a row that goes back. `rows` make the sheet as long as the area."""
    body = rows_xml([PROBLEM_HEADER, problem("H-1"), problem("H-2", 发现日期="六月")])
    body += "".join(f'<row r="{number}"><c r="A{number}"><v>{number}</v></c></row>' for number in range(4, rows + 1)).encode()
    return book({"问题台账": sheet_xml(body, after=merges(iter([area, more] if more else [area])))})


def many_strings(element: bytes, megabytes: int, padding: int = 0) -> bytes:
    """Very many shared texts that nobody uses."""
    block = element * (MB // len(element))
    strings = repeated(f'<sst xmlns="{MAIN}">'.encode(), block, megabytes, b"</sst>")
    ballast = {"xl/media/image1.png": stored(random.Random(1).randbytes(padding))} if padding else {}
    return book({"问题台账": sheet_xml(ledger_rows())}, extra={"xl/sharedStrings.xml": strings, **ballast})


def one_text_everywhere(length: int, count: int) -> bytes:
    """One long text that very many cells share."""
    strings = f'<sst xmlns="{MAIN}"><si><t>{"漏" * length}</t></si></sst>'.encode()
    rows = rows_of(' t="s"><v>0</v>', count)
    return book({"问题台账": sheet_xml(ledger_rows() + rows)}, extra={"xl/sharedStrings.xml": strings})


def many_styles(element: str, parent: str, megabytes: int) -> bytes:
    """A part of styles that is nothing but styles, and a row that goes back, so that the slip has to carry them too."""
    count = megabytes * MB // len(element)
    styles = f'<styleSheet xmlns="{MAIN}"><{parent}>{element * count}</{parent}></styleSheet>'.encode()
    rows = rows_xml([PROBLEM_HEADER, problem("H-1"), problem("H-2", 发现日期="六月")])
    return book({"问题台账": sheet_xml(rows)}, extra={"xl/styles.xml": styles})


def many_sheets(count: int) -> bytes:
    """Very many sheets, each with a row that goes back."""
    return book(
        {
            f"第{number}张": sheet_xml(rows_xml([PROBLEM_HEADER, problem(f"H-{number}", 发现日期="六月" if number else "2020-06-04")]))
            for number in range(count)
        }
    )


def one_part_as_many_sheets(count: int, rows: int) -> bytes:
    """Very many names for one long sheet."""
    names = "".join(f'<sheet name="第{number}张" sheetId="{number + 1}" r:id="rId1"/>' for number in range(count))
    workbook = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{names}</sheets></workbook>'.encode()
    body = ledger_rows() + rows_of("><v>1</v>", rows)
    return book({"问题台账": sheet_xml(body)}, extra={"xl/workbook.xml": workbook})


def many_names(count: int) -> bytes:
    """Very many defined names, and a row that goes back."""
    names = "".join(f'<definedName name="n{number}">问题台账!$A$1</definedName>' for number in range(count))
    workbook = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets><sheet name="问题台账" sheetId="1" r:id="rId1"/></sheets>'
        f"<definedNames>{names}</definedNames></workbook>"
    ).encode()
    rows = rows_xml([PROBLEM_HEADER, problem("H-1"), problem("H-2", 发现日期="六月")])
    return book({"问题台账": sheet_xml(rows)}, extra={"xl/workbook.xml": workbook})


def many_extras(element: str, parent: str, count: int) -> bytes:
    """Very many things below the rows that only the slip's writer looks at, and a row that goes back."""
    rows = rows_xml([PROBLEM_HEADER, problem("H-1"), problem("H-2", 发现日期="六月")])
    inside = "".join(element.format(number=number + 3) for number in range(count))
    after = f"<{parent}>{inside}</{parent}>" if parent else inside
    return book({"问题台账": sheet_xml(rows, after=after.encode())})


# ── rows that look like something ────────────────────────────────────────────────────────────────────────────────────


def headers_again(count: int, *, moved: bool) -> bytes:
    """The header again and again, in its place (ignored) or one column further (a second table)."""
    header = ([""] if moved else []) + PROBLEM_HEADER
    return csv_bytes([PROBLEM_HEADER, problem("H-1"), *([header] * count)])


def totals(count: int) -> bytes:
    """Totals of totals of totals: 小计 and 合计 in turns."""
    rows = ([["小计", "", "", str(number)], ["合计", "", "", str(number)]] for number in range(count // 2))
    header = ["流水号", "资金层级", "环节", "金额(万元)", "发生日期", "项目编号"]
    good = [[f"H-{number}", "省级", "支出", "1", "2020-06-04", "XM-1"] for number in range(50)]
    return csv_bytes([header, *good, *(row for pair in rows for row in pair)])


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def csv_ledger(more: bytes = b"") -> bytes:
    """问题台账 as CSV, and what follows."""
    return csv_bytes([PROBLEM_HEADER, problem("H-1")]) + more


def quotes_that_reach_the_end(lines: int, megabytes: int) -> bytes:
    """Lines of which each, read by itself, opens a quote that the last line of the file leaves open."""
    filler = b'a","b\r\n' * (megabytes * MB // 7)
    return csv_ledger(b'a","b\r\n' * lines + filler)


# ── old binary workbooks ─────────────────────────────────────────────────────────────────────────────────────────────


def old_ledger(more: bytes = b"", globals_: bytes = b"", sheets: int = 1) -> bytes:
    """问题台账 as an old workbook, more records behind its rows, and more sheets."""
    rows = enumerate([PROBLEM_HEADER, problem("H-1")])
    cells = b"".join(biff_text(r, c, text) for r, row in rows for c, text in enumerate(row) if text)
    others = ((f"第{number}张", biff_text(0, 0, "空")) for number in range(1, sheets))
    return biff_book([("问题台账", cells + more), *others], globals_)


def numbers_of_many_cells(rows: int, columns: int) -> bytes:
    """Rows of numbers, as densely as the format packs them."""
    values = struct.pack("<HI", 0, 2) * columns
    return b"".join(biff(0xBD, struct.pack("<HH", row, 0) + values + struct.pack("<H", columns - 1)) for row in range(2, rows + 2))


def many_shared_texts(count: int) -> bytes:
    """Very many empty texts that nobody uses, and a count that says there are four thousand million."""
    head = struct.pack("<II", 0, 0xFFFFFFFF)
    texts = bytes(3) * count
    parts = [texts[at : at + 8220] for at in range(0, len(texts), 8220)]  # a whole number of texts each
    return biff(0xFC, head) + b"".join(biff(0x3C, part) for part in parts)


def old_merges(records: int) -> bytes:
    """Merged areas, as many to a record as it takes."""
    areas = b"".join(struct.pack("<HHHH", 100 + n, 101 + n, 11, 12) for n in range(1026))
    return biff(0xE5, struct.pack("<H", 1026) + areas) * records


def locked_by_office() -> bytes:
    """A workbook with a password, as spreadsheet programs write it today."""
    target = io.BytesIO()
    OOXMLFile(io.BytesIO(ledger())).encrypt("geheim", target)
    return target.getvalue()


PARTS = ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels")
DOCTYPES = {"laughs": LAUGHS, "read-a-file": READ_A_FILE, "fetch": FETCH}
CONDITION = (
    '<conditionalFormatting sqref="A{number}"><cfRule type="expression" priority="1"><formula>1</formula></cfRule></conditionalFormatting>'
)
VALIDATION = '<dataValidation type="list" sqref="A{number}"><formula1>"a"</formula1></dataValidation>'
WIDE_HEADER = [*PROBLEM_HEADER, *(f"列{number}" for number in range(244))]


def short(part: str) -> str:
    """What a part is called in the name of a file."""
    return part.split("/", 1)[1].removesuffix(".xml").replace("/", "-")


HOSTILE = [
    # far cells
    Hostile("corner", lambda: one_far_cell("XFD1048576", "1048576"), ("S10",), "XFD1048576", "XFD1048576"),
    Hostile("corner-of-what-is-allowed", lambda: one_far_cell("IV1048576", "1048576"), ("S10",), "IV1048576", "IV1048576"),
    Hostile("last-row", lambda: one_far_cell("K1048576", "1048576")),
    Hostile("beyond-the-corner", lambda: one_far_cell("ZZZZZZ99999999", "99999999"), ("S10",), "边缘", "ZZZZZZ99999999"),
    Hostile("cell-in-another-row", lambda: one_far_cell("A4294967295", "3"), ("S10",), "边缘", "A4294967295"),
    Hostile("cell-below-the-last-row", lambda: one_far_cell("A1048577", "3"), ("S10",), "边缘", "A1048577"),
    Hostile("cell-in-row-nought", lambda: one_far_cell("A0", "0"), ("S01",), "损坏"),
    Hostile("dimension", lambda: ledger(before=b'<dimension ref="A1:XFD1048576"/>')),
    Hostile("dimension-beyond", lambda: ledger(before=b'<dimension ref="A1:ZZZZZZ99999999999"/>')),
    Hostile("columns", lambda: ledger(more=row_xml(3, [1] * 32_768)), ("S10",), "IW3", "IW3"),
    # archives
    Hostile("size", lambda: big_sheet(1200), ("S10",), "解压"),
    Hostile("size-with-ballast", lambda: big_sheet(1000, padding=11 * MB), ("S01",), "损坏"),
    Hostile("ratio", lambda: big_sheet(200), ("S10",), "倍"),
    Hostile("entries", lambda: many_entries(60_000), ("S10",), "部件"),
    Hostile("nested", nested, ("S01",), "压缩包"),
    Hostile("overlapping", overlapping, ("S10",), "解压"),
    Hostile("twice", lambda: twice("xl/worksheets/sheet1.xml"), ("S01",), "同名"),
    Hostile("locked", locked, ("S01",), "密码"),
    Hostile("locked-by-office", locked_by_office, ("S01",), "密码"),
    Hostile("unknown-method", unknown_method, ("S01",), "压缩方式"),
    Hostile("lying-sheet", lambda: lying("xl/worksheets/sheet1.xml"), ("S01",), "损坏"),
    Hostile("lying-strings", lambda: lying("xl/sharedStrings.xml"), ("S01",), "损坏"),
    # XML
    *(
        Hostile(f"{kind}-{short(part)}", lambda part=part, doctype=doctype: with_doctype(part, doctype), ("S01",), "XML")
        for kind, doctype in DOCTYPES.items()
        for part in PARTS
    ),
    *(Hostile(f"deep-{short(part)}", lambda part=part: deep(part, 100_000)) for part in PARTS[:4]),
    Hostile("long-value", lambda: long_value(40), ("R01", "R09"), "公式", "A3"),
    Hostile("long-text", lambda: long_text(40), ("R10",), "超过三万个字", "G2"),
    Hostile("long-shared-text", lambda: long_shared_text(40), ("R10",), "超过三万个字", "G2"),
    Hostile("long-token", lambda: long_token(900), ("S01",), "损坏"),
    Hostile("many-attributes", lambda: many_attributes(1_000_000), ("S01",), "损坏"),
    # very many of something
    Hostile("blank-rows", blank_rows),
    Hostile("blank-rows-wide", lambda: blank_rows(cells=11), is_slow=True),
    Hostile("blank-rows-prefixed", lambda: blank_rows("x:"), is_slow=True),
    Hostile("rows-of-one-cell", lambda: ledger(more=rows_of("><v>1</v>")), ("S10",), "分开报送"),
    Hostile("rows-of-one-text", lambda: ledger(more=rows_of(' t="inlineStr"><is><t>合计</t></is>')), ("S10",), "分开报送", is_slow=True),
    Hostile("hidden-rows", lambda: ledger(more=rows_of("><v>1</v>", attributes=' hidden="1"')), ("S10",), "分开报送", is_slow=True),
    Hostile("error-cells", lambda: ledger(more=rows_of(' t="e"><v>#REF!</v>')), ("S10",), "分开报送", is_slow=True),
    Hostile("error-cells-beside", lambda: wide_rows(100, 6_000, ' t="e"><v>#REF!</v>'), ("S10",), "公式错误", is_slow=True),
    Hostile("wide-rows", lambda: wide_rows(255, 13_000), ("S10",), "分开报送", is_slow=True),
    Hostile("merged-100k", lambda: merged_areas(100_000)),
    Hostile("merged-100k-with-slip", lambda: merged_areas(100_000, wrong=True), ("R02",), "日期", "E3"),
    Hostile("merged-whole", lambda: merged_whole("A1:XFD1048576"), ("S10",), "合并"),
    Hostile("merged-much", lambda: merged_whole("A4:K2000", 2_000), ("R01", "R02"), "必填项", "D10"),
    Hostile("merged-as-much-as-allowed", lambda: merged_whole("A4:K22700", 22_700), ("R01", "R02"), "必填项", is_slow=True),
    Hostile("merged-very-much", lambda: merged_whole("A4:K100000", 100_000), ("S10",), "合并"),
    Hostile("merged-whole-and-backwards", lambda: merged_whole("A1:XFD1048576", more="XFD1048576:A1"), ("S10",), "合并"),
    Hostile("merged-backwards", lambda: merged_whole("K100:A4"), ("R02",), "日期", "E3"),
    Hostile("merged-nonsense", lambda: merged_whole("ZZZZ1:A99999999999"), ("R02",), "日期", "E3"),
    Hostile("strings-empty", lambda: many_strings(b"<si/>", 99), ("S10",), "文字过多"),
    Hostile("strings-short", lambda: many_strings(b"<si><t>a</t></si>", 99), ("S10",), "文字过多", is_slow=True),
    Hostile("strings-with-ballast", lambda: many_strings(b"<si><t>a</t></si>", 900, 10 * MB), ("S10",), "文字过多", is_slow=True),
    Hostile("one-text-everywhere", lambda: one_text_everywhere(32_000, 20_000), ("S10",), "文字过多"),
    Hostile("styles-cells", lambda: many_styles('<xf numFmtId="9"/>', "cellXfs", 15), ("R02",), "日期", "E3"),
    Hostile(
        "styles-formats",
        lambda: many_styles('<numFmt numFmtId="200" formatCode="0%"/>', "numFmts", 15),
        ("R02",),
        "日期",
        "E3",
        is_slow=True,
    ),
    Hostile("styles-beyond", lambda: many_styles("<xf/>", "cellXfs", 90), ("S10",), "格式", is_slow=True),
    Hostile("many-sheets", lambda: many_sheets(200), ("R02",), "日期"),
    Hostile("as-many-sheets-as-allowed", lambda: many_sheets(1_000), ("R02",), "日期", is_slow=True),
    Hostile("very-many-sheets", lambda: many_sheets(1_001), ("S10",), "1001 个工作表"),
    Hostile("one-part-as-many-sheets", lambda: one_part_as_many_sheets(900, 2000), ("S01",), "损坏"),
    Hostile("many-names", lambda: many_names(40_000), ("R02",), "日期", "E3"),
    Hostile("many-conditions", lambda: many_extras(CONDITION, "", 15_000), ("R02",), "日期", "E3"),
    Hostile("many-validations", lambda: many_extras(VALIDATION, "dataValidations", 20_000), ("R02",), "日期", "E3"),
    Hostile("many-links", lambda: many_extras('<hyperlink ref="A{number}" location="x"/>', "hyperlinks", 20_000), ("R02",), "日期", "E3"),
    # CSV
    Hostile("csv-headers", lambda: headers_again(20_000, moved=False)),
    Hostile("csv-second-headers", lambda: headers_again(3_000, moved=True), ("S04",), "又有一个表头", "B3"),
    Hostile("csv-very-many-headers", lambda: headers_again(100_000, moved=True), ("S04",), "又有一个表头", "B3", is_slow=True),
    Hostile("csv-totals", lambda: totals(20_000)),
    Hostile("csv-very-many-totals", lambda: totals(190_000), is_slow=True),
    Hostile("csv-quotes", lambda: b'"' * (49 * MB), ("S02",), "表头", is_slow=True),
    Hostile("csv-quotes-below", lambda: csv_ledger(b'"' * (49 * MB)), ("R01", "R10"), "文字过长", "A3"),
    Hostile("csv-quotes-that-reach-the-end", lambda: quotes_that_reach_the_end(60, 45), ("S01",), "引号"),
    Hostile("csv-one-cell", lambda: csv_bytes([PROBLEM_HEADER, problem("H-1", 问题描述="漏" * (40 * MB // 3))]), ("R10",), "字", "G2"),
    Hostile("csv-one-line", lambda: csv_ledger(b"," * (49 * MB)), ("S10",), "列"),
    Hostile("csv-columns", lambda: csv_ledger(b"1," * 32_768), ("S10",), "32769"),
    Hostile("csv-wide", lambda: csv_ledger((b"," * 254 + b"\r\n") * (49 * MB // 256)), is_slow=True),
    Hostile("csv-wide-filled", lambda: csv_bytes([WIDE_HEADER]) + (b"1," * 254 + b"1\r\n") * (49 * MB // 511), ("S10",), "分开报送"),
    Hostile("csv-blank-lines", lambda: csv_ledger(b"\n" * (49 * MB)), ("S10",), "行"),
    Hostile("csv-short-lines", lambda: csv_ledger(b"1\n" * (LAST_ROW - 3)), ("S10",), "分开报送"),
    Hostile("csv-nul", lambda: csv_ledger(b"\x00" * (49 * MB)), ("S01",), "编码"),
    Hostile("csv-no-table", lambda: b"a" * (49 * MB), ("S02",), "表头", is_slow=True),
    Hostile("csv-utf16", lambda: b"\xff\xfe" + ("漏,雨\r\n" * (48 * MB // 10)).encode("utf-16-le"), ("S10",), "分开报送", is_slow=True),
    # old binary workbooks
    Hostile("xls-locked", lambda: old_ledger(globals_=biff(0x2F, bytes.fromhex("000059b30a9a"))), ("S01",), "密码"),
    Hostile("xls-cells", lambda: old_ledger(numbers_of_many_cells(60_000, 135)), ("S10",), "分开报送"),
    Hostile("xls-texts", lambda: old_ledger(globals_=many_shared_texts(16_000_000)), ("S10",), "文字过多"),
    Hostile("xls-records", lambda: old_ledger(biff(0x0FF0) * (48 * MB // 4)), ("S10",), "记录", is_slow=True),
    Hostile("xls-formats", lambda: old_ledger(globals_=biff(0xE0, bytes(20)) * (48 * MB // 24)), ("S10",), "格式"),
    Hostile(
        "xls-formulas",
        lambda: old_ledger(
            b"".join(biff(6, struct.pack("<HHH8sHIH", n >> 5, 11 + n % 32, 0, bytes(8), 0, 0, 0)) for n in range(64, 1_600_000))
        ),
        ("S10",),
        "公式过多",
        is_slow=True,
    ),
    Hostile("xls-merges", lambda: old_ledger(old_merges(60))),
    Hostile("xls-sheets", lambda: old_ledger(sheets=20_000), ("S10",), "20000 个工作表"),
]
