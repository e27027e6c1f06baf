"""The old binary workbooks: what a cell is read as, what is refused and in which words, and that no file takes the reader down.

Most workbooks are written by xlwt; what it cannot write (BIFF5, split texts, passwords, links) is built from records here.
"""

from __future__ import annotations

import datetime as dt
import io
import random
import struct
import subprocess
import sys
from pathlib import Path

import msoffcrypto.format.ooxml
import openpyxl
import pytest
import xlwt
from xlwt.CompoundDoc import XlsDoc

from duban.intake import limits, workbook_xls
from duban.intake.cells import Document, Faulty, Moment, Number, Picture, Unreadable

BOOK, SHEET, MACROS = 0x05, 0x10, 0x40
BIFF5, BIFF8 = 0x500, 0x600
RECALCID = (0x1C1, bytes.fromhex("c1010000548d0100"))
FILEPASS = (0x2F, bytes.fromhex("000059b30a9a"))
EMPTY_TEXT, NUMBER_2, TEXT_FOLLOWS = b"\x03\0\0\0\0\0\xff\xff", struct.pack("<d", 2), b"\0\0\0\0\0\0\xff\xff"


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def start(version: int, purpose: int) -> bytes:
    return record(0x809, struct.pack("<HHHH", version, purpose, 0x0DBB, 0x07CC) + bytes(8 if version == BIFF8 else 0))


def formula(row: int, column: int, result: bytes) -> bytes:
    return record(0x06, struct.pack("<HHH8sHIH", row, column, 0, result, 0, 0, 3) + b"\x1e\x01\x00")


def label(row: int, column: int, text: bytes) -> bytes:
    """A text cell of BIFF5: bytes of the code page."""
    return record(0x204, struct.pack("<HHHH", row, column, 0, len(text)) + text)


def label_8(row: int, column: int, text: str) -> bytes:
    """A text cell of BIFF8."""
    return record(0x204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + units(text))


def shared(row: int, column: int, number: int) -> bytes:
    return record(0xFD, struct.pack("<HHHI", row, column, 0, number))


def units(text: str) -> bytes:
    return text.encode("utf-16-le")


def stream(*cells: bytes, version: int = BIFF8, book: bytes = b"", purpose: int = 0, more: bytes = b"") -> bytes:
    """A workbook of a sheet S with the given records, with others in its book; `more` are the records of a second sheet T."""
    end = record(0x0A, b"")
    sheets = {b"S": b"".join(cells)} | ({b"T": more} if more else {})
    first = start(version, BOOK) + record(0xE0, bytes(20 if version == BIFF8 else 16)) + book
    flag = b"\0" if version == BIFF8 else b""
    offset = len(first) + sum(len(record(0x85, bytes(7) + flag + name)) for name in sheets) + len(end)
    bounds, substreams = b"", b""
    for name, content in sheets.items():
        bounds += record(0x85, struct.pack("<IBBB", offset + len(substreams), 0, purpose, len(name)) + flag + name)
        substreams += start(version, SHEET) + content + end
    return first + bounds + end + substreams


def container(biff: bytes) -> bytes:
    file = io.BytesIO()
    XlsDoc().save(file, biff)
    return file.getvalue()


def saved(workbook: xlwt.Workbook) -> bytes:
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def workbook(*rows: list[object], name: str = "问题台账") -> xlwt.Workbook:
    book = xlwt.Workbook()
    sheet = book.add_sheet(name)
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if value is not None:
                sheet.write(r, c, value)
    return book


def with_records(book: xlwt.Workbook, *records: tuple[int, bytes]) -> bytes:
    """The workbook with more records behind the first of its book."""
    biff = bytearray(book.get_biff_data())
    added = b"".join(record(*one) for one in records)
    at = 4 + struct.unpack_from("<H", biff, 2)[0]
    position = 0
    while (kind := struct.unpack_from("<H", biff, position)[0]) != 0x0A:
        if kind == 0x85:
            struct.pack_into("<I", biff, position + 4, struct.unpack_from("<I", biff, position + 4)[0] + len(added))
        position += 4 + struct.unpack_from("<H", biff, position + 2)[0]
    return container(bytes(biff[:at] + added + biff[at:]))


def patched(data: bytes, position: int, value: bytes) -> bytes:
    return data[:position] + value + data[position + len(value) :]


def directory(data: bytes) -> int:
    return 512 * (1 + struct.unpack_from("<I", data, 48)[0])


def with_entries(data: bytes, *names: str, kind: int = 2, instead: str = "Workbook") -> bytes:
    """The container with more (empty) entries in its root, and with its workbook under another name."""
    data = bytearray(data)
    for place, name in enumerate((instead, *names), start=1):
        at = directory(data) + 128 * place
        is_last = place == len(names) + 1
        data[at : at + 66] = units(name).ljust(64, b"\0") + struct.pack("<H", 2 * len(name) + 2)
        data[at + 66] = 2 if place == 1 else kind
        struct.pack_into("<iii", data, at + 68, -1, -1 if is_last else place + 1, -1)
        if place > 1:
            struct.pack_into("<iI", data, at + 116, -2, 0)
    return bytes(data)


@pytest.fixture
def read():
    def _read(data: bytes | xlwt.Workbook) -> Document:
        return workbook_xls.read(saved(data) if isinstance(data, xlwt.Workbook) else data)

    return _read


@pytest.fixture
def refused(read):
    def _refused(data: bytes | xlwt.Workbook) -> Unreadable:
        with pytest.raises(Unreadable) as caught:
            read(data)
        return caught.value

    return _refused


def rows(document: Document) -> list[list[object]]:
    return document.sheets[0].rows


# Values


def test_text_is_read_as_it_stands(read):
    texts = ["007", "430902198001011234", "张𬇙 䶮㛃茈", " 前后有空格 ", "é", "第一行\n第二行", "=1+1"]
    document = read(workbook(texts))
    assert (document.kind, document.sheets[0].name, rows(document)) == ("xls", "问题台账", [texts])


def test_a_nul_becomes_a_control_character_that_is_told_of(read):
    assert rows(read(workbook(["a\0b"]))) == [["a\x01b"]]


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (7, "7"),
        (1234.5, "1234.5"),
        (0.1 + 0.2, "0.3"),
        (-0.005, "-0.005"),
        (2**53 - 1, "9007199254740991"),
        (123456789012345.0, "123456789012345"),
    ],
)
def test_numbers_are_their_decimal_digits(read, value, digits):
    assert rows(read(workbook([value]))) == [[Number(digits)]]


def test_a_number_that_is_none_is_faulty(read):
    assert rows(read(container(stream(record(0x203, struct.pack("<HHHd", 0, 0, 0, float("nan"))))))) == [[Faulty("#NUM!")]]


@pytest.mark.parametrize(
    ("code", "is_percent"),
    [("0%", True), ("0.00%", True), ("[红色]0.0%;-0.0%", True), ('0"%"', False), ("0\\%", False), ("0!%", False), ("0.00", False)],
)
def test_the_format_says_what_is_a_percentage(read, code, is_percent):
    book = xlwt.Workbook()
    book.add_sheet("S").write(0, 0, 0.45, xlwt.easyxf(num_format_str=code))
    [[cell]] = rows(read(book))
    assert cell == Number("0.45", "" if code == "0.00" else code) and cell.is_percent == is_percent


def test_booleans_and_errors(read):
    book = workbook([True, False])
    for column, code in enumerate([0x17, 0x07, 0x2A, 0x1D], start=2):
        book.get_sheet(0).row(0).set_cell_error(column, code)
    [[yes, no, *faults]] = rows(read(book))
    assert (yes is True, no is False) == (True, True)
    assert faults == [Faulty("#REF!"), Faulty("#DIV/0!"), Faulty("#N/A"), Faulty("#NAME?")]


def styled(value: float, code: str, *, is_1904: bool = False) -> xlwt.Workbook:
    book = xlwt.Workbook()
    book.dates_1904 = is_1904
    book.add_sheet("S").write(0, 0, value, xlwt.easyxf(num_format_str=code))
    return book


def test_pictures_are_seen_where_they_lie(read):
    book = workbook(["甲"], ["乙"])
    bitmap = b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0) + bytes(4)
    book.get_sheet(0).insert_bitmap_data(bitmap, 1, 2)
    assert read(book).sheets[0].pictures == ((1, 2),)
    anchor = struct.pack("<HHI", 0, 0xF010, 18) + struct.pack("<9H", 0, 4, 0, 3, 0, 5, 0, 6, 0)
    common = struct.pack("<HHHHH", 0x15, 0x12, 8, 1, 0) + bytes(12)
    drawn = stream(label_8(0, 0, "甲"), record(0xEC, anchor), record(0x5D, common), record(0x5D, common[:4] + b"\x05\0" + common[6:]))
    assert read(container(drawn)).sheets[0].pictures == ((3, 4),)
    shown = read(container(stream(label_8(0, 0, '=DISPIMG("ID_0",1)'))))
    assert rows(shown) == [[Picture('=DISPIMG("ID_0",1)')]]


@pytest.mark.parametrize(
    ("value", "code", "cell"),
    [
        (43986, "yyyy-mm-dd", dt.date(2020, 6, 4)),
        (43986.75, 'yyyy"年"m"月"d"日" hh:mm', dt.date(2020, 6, 4)),
        (43986, "[$-804]m月d日", dt.date(2020, 6, 4)),
        (0.75, "hh:mm", Moment("18:00:00")),
        (1.25, "[h]:mm", Moment("1 day, 6:00:00")),
        (6.4, 'm"月"', Number("6.4", 'm"月"')),
        (-1, "yyyy-mm-dd", Number("-1", "yyyy-mm-dd")),
        (3_000_000, "yyyy-mm-dd", Number("3000000", "yyyy-mm-dd")),
        (43986, '0"日"', Number("43986", '0"日"')),
    ],
)
def test_dates_and_times(read, value, code, cell):
    document = read(styled(value, code))
    assert rows(document) == [[cell]]
    assert not document.uses_1904


def test_days_may_count_from_1904(read):
    document = read(styled(42524, "yyyy-mm-dd", is_1904=True))
    assert rows(document) == [[dt.date(2020, 6, 4)]]
    assert document.uses_1904


# Sheets


def test_merged_areas_hidden_rows_and_trailing_blanks(read):
    book = workbook(["a"], [None, "b"], [None, None, "c"])
    sheet = book.get_sheet(0)
    sheet.merge(0, 30, 3, 4)
    sheet.row(1).hidden = True
    for r in range(20):
        sheet.write(r, 9, None, xlwt.easyxf("pattern: pattern solid"))
    only = read(book).sheets[0]
    assert only.rows == [["a"], [None, "b"], [None, None, "c"]]
    assert only.merged == ((0, 3, 30, 4),)
    assert only.hidden_rows == {1}


def test_a_merge_over_everything_is_over_the_limits(refused):
    error = refused(container(stream(record(0xE5, struct.pack("<HHHHH", 1, 0, 65535, 0, 255)))))
    assert (error.rule_id, error.sheet) == ("S10", "S")
    assert "合并单元格" in error.reason


def test_hidden_sheets_are_marked(read):
    book = xlwt.Workbook()
    for name, visibility in (("见", 0), ("藏", 1), ("深藏", 2)):
        sheet = book.add_sheet(name)
        sheet.visibility = visibility
        sheet.write(0, 0, name)
    assert [(sheet.name, sheet.is_hidden, sheet.rows) for sheet in read(book).sheets] == [
        ("见", False, [["见"]]),
        ("藏", True, [["藏"]]),
        ("深藏", True, [["深藏"]]),
    ]


def test_charts_and_modules_are_no_sheets(read):
    book = xlwt.Workbook()
    for name in ("Chart", "Module", "Table"):
        book.add_sheet(name).write(0, 0, name if name != "Table" else xlwt.Formula("1+1"))
    data = saved(book)
    for name, purpose in ((b"Chart", 2), (b"Module", 6)):
        data = patched(data, data.index(b"\0" + name) - 2, bytes([purpose]))
    assert [(sheet.name, sheet.rows) for sheet in read(data).sheets] == [("Table", [[Faulty("")]])]


def full(count: int, visibility: int = 0) -> xlwt.Workbook:
    book = xlwt.Workbook()
    book.add_sheet("A").write(0, 0, "a")
    sheet = book.add_sheet("B")
    sheet.visibility = visibility
    sheet.write(count - 1, 2, "x")
    return book


def test_a_sheet_filled_to_the_last_row_was_cut(read, refused):
    error = refused(full(65536))
    assert (error.rule_id, error.sheet, error.cell) == ("S10", "B", "A65536")
    assert "65536 行" in error.reason
    assert "截断" in error.reason
    assert len(read(full(65535)).sheets[1].rows) == 65535
    assert len(read(full(65536, visibility=1)).sheets[1].rows) == 65536


def test_the_last_row_of_excel_95_is_16384(refused):
    assert "16384 行" in refused(container(stream(label(16383, 0, b"x"), version=BIFF5))).reason


# Formulas


@pytest.mark.parametrize("result", [EMPTY_TEXT, bytes(8)])
def test_formulas_that_no_program_calculated(read, result):
    assert rows(read(container(stream(formula(0, 1, result))))) == [[None, Faulty("")]]


def test_xlwt_calculates_nothing(read):
    assert rows(read(workbook(["a", xlwt.Formula("1+1"), xlwt.Formula('IF(1=1,"","x")')]))) == [["a", Faulty(""), Faulty("")]]


def test_an_empty_result_counts_if_any_formula_has_another(read):
    cells = formula(0, 0, EMPTY_TEXT), formula(0, 1, NUMBER_2), formula(0, 2, bytes(8))
    assert rows(read(container(stream(*cells)))) == [[None, Number("2"), Number("0")]]


def test_an_empty_result_counts_if_another_sheet_was_calculated(read):
    document = read(container(stream(formula(0, 0, EMPTY_TEXT), formula(0, 1, bytes(8)), more=formula(0, 0, NUMBER_2))))
    assert [sheet.rows for sheet in document.sheets] == [[[None, Number("0")]], [[Number("2")]]]


def test_an_empty_result_counts_if_an_engine_signed(read):
    assert rows(read(container(stream(formula(0, 0, EMPTY_TEXT), formula(0, 1, bytes(8)), book=record(*RECALCID))))) == [
        [None, Number("0")]
    ]


def test_an_empty_result_counts_if_a_program_left_its_summary(read):
    data = container(stream(formula(0, 0, EMPTY_TEXT), formula(0, 1, bytes(8))))
    assert rows(read(with_entries(data, "\x05SummaryInformation"))) == [[None, Number("0")]]


# Texts that xlrd alone would not read


RARE = "张𬇙䶮㛃茈"


def test_the_text_of_a_formula_may_hold_characters_beyond_the_basic_plane(read):
    text = record(0x207, struct.pack("<HB", 6, 1) + units(RARE))
    assert rows(read(container(stream(formula(0, 0, TEXT_FOLLOWS), text, formula(0, 1, NUMBER_2))))) == [[RARE, Number("2")]]


def test_the_text_of_a_formula_may_go_on_between_the_halves_of_a_character(read):
    text = record(0x207, struct.pack("<HB", 8, 1) + units(RARE)[:4]) + record(0x3C, b"\1" + units(RARE)[4:]) + record(0x3C, b"\0ab")
    assert rows(read(container(stream(formula(0, 0, TEXT_FOLLOWS), text)))) == [[RARE + "ab"]]


def test_the_empty_text_of_a_formula_may_have_a_record_too(read):
    assert rows(read(container(stream(formula(0, 0, TEXT_FOLLOWS), record(0x207, b"\0\0"), formula(0, 1, NUMBER_2))))) == [
        [None, Number("2")]
    ]


def sst(count: int, *parts: bytes) -> bytes:
    first, *others = parts
    return record(0xFC, struct.pack("<II", count, count) + first) + b"".join(record(0x3C, part) for part in others)


def plain(text: str) -> bytes:
    return struct.pack("<HB", len(units(text)) // 2, 1) + units(text)


def test_shared_texts_may_go_on_between_the_halves_of_a_character(read):
    first = plain("前") + plain(RARE)
    book = sst(3, first[:-8], b"\1" + first[-8:], plain("后"))
    assert rows(read(container(stream(shared(0, 0, 0), shared(0, 1, 1), shared(0, 2, 2), book=book)))) == [["前", RARE, "后"]]


def test_a_shared_text_may_go_on_in_narrow_characters(read):
    book = sst(1, struct.pack("<HB", 4, 1) + units("村a"), b"\0bc")
    assert rows(read(container(stream(shared(0, 0, 0), book=book)))) == [["村abc"]]


def test_fonts_and_pronunciation_behind_a_shared_text_are_skipped(read):
    both = struct.pack("<HBHI", 2, 0x0D, 1, 20) + units("户主") + bytes(4) + bytes(20)
    book = sst(2, both[:-6], both[-6:] + plain("后"))
    assert rows(read(container(stream(shared(0, 0, 0), shared(0, 1, 1), book=book)))) == [["户主", "后"]]


def test_there_may_be_fewer_shared_texts_than_counted(read):
    assert rows(read(container(stream(shared(0, 0, 0), book=sst(4_000_000_000, plain("a")))))) == [["a"]]


def test_half_a_character_is_unreadable_and_the_rest_is_not(read):
    book = sst(2, struct.pack("<HB", 2, 1) + units("张") + b"\x70\xd8", plain("b"))
    assert rows(read(container(stream(shared(0, 0, 0), shared(0, 1, 1), book=book)))) == [["张\ufffd", "b"]]


def codepage(number: int) -> bytes:
    return record(0x42, struct.pack("<H", number))


@pytest.mark.parametrize(
    ("book", "encoding", "text"),
    [
        (codepage(936), "gbk", "迎风桥镇"),
        (codepage(936), "gb18030", RARE),
        (codepage(10008), "gb2312", "迎风桥镇"),
        (codepage(54936), "gb18030", RARE),
        (b"", "gbk", "迎风桥镇"),
        (codepage(950), "big5", "資陽區"),
        (codepage(1252), "cp1252", "é"),
    ],
)
def test_text_of_excel_95_is_in_its_code_page(read, book, encoding, text):
    data = text.encode(encoding)
    result = record(0x207, struct.pack("<H", len(data)) + data)
    cells = label(0, 0, data), formula(0, 1, TEXT_FOLLOWS), result, formula(0, 2, NUMBER_2)
    assert rows(read(container(stream(*cells, version=BIFF5, book=book)))) == [[text, text, Number("2")]]


@pytest.mark.parametrize("book", [b"", codepage(936)])
def test_text_that_is_not_in_its_code_page_is_never_guessed(refused, book):
    assert refused(container(stream(label(0, 0, b"\xff\xff"), version=BIFF5, book=book))).rule_id == "S01"


def test_what_xlrd_was_not_asked_for_does_not_fail(read):
    book = record(0x18, b"\xff" * 20) + codepage(1999) + record(0x92, b"\1")  # a name, a code page nobody knows, a palette
    junk = b"".join(record(kind, b"\xff" * 30) for kind in (0x1C, 0x1B0, 0x1B1, 0x1B8, 0x5D, 0x1B6, 0xAB, 0xBE, 0x200))
    assert rows(read(container(stream(junk, label(0, 0, b"\0a"), book=book)))) == [["a"]]


# Refused


def test_encrypted_workbooks_of_today(refused):
    file, locked = io.BytesIO(), io.BytesIO()
    openpyxl.Workbook().save(file)
    msoffcrypto.format.ooxml.OOXMLFile(file).encrypt("x", locked)
    error = refused(locked.getvalue())
    assert (error.rule_id, error.reason) == ("S01", "文件有密码，请去掉密码后重新报送")


@pytest.mark.parametrize("kind", ["000059b30a9a", "0100010001000000", "01000200"])
def test_encrypted_old_workbooks(refused, kind):
    error = refused(with_records(workbook(["a"]), (0x2F, bytes.fromhex(kind))))
    assert error.rule_id == "S01"
    assert error.reason.startswith("文件有密码，请去掉密码后重新报送")


def test_encryption_is_told_before_anything_behind_it_is_read(refused):
    assert "密码" in refused(container(start(BIFF8, BOOK) + record(*FILEPASS) + random.Random(1).randbytes(3000))).reason


def test_rights_management(refused):
    error = refused(with_entries(saved(workbook(["a"])), "\tDRMContent"))
    assert (error.rule_id, "权限" in error.reason) == ("S01", True)


@pytest.mark.parametrize(
    ("name", "words"), [("WordDocument", "文字文档"), ("PowerPoint Document", "演示文稿"), ("VisioDocument", "不是表格文件")]
)
def test_other_documents_are_named(refused, name, words):
    error = refused(with_entries(saved(workbook(["a"])), instead=name))
    assert (error.rule_id, words in error.reason) == ("S01", True)


def test_the_stream_of_a_workbook_is_found_by_its_names(read):
    data = saved(workbook(["a"]))
    assert [rows(read(with_entries(data, "WordDocument", instead=name))) for name in ("Book", "WORKBOOK")] == [[["a"]], [["a"]]]


def test_macro_sheets_are_refused_by_name(refused):
    data = saved(workbook(["a"], name="Macro"))
    error = refused(patched(data, data.index(b"\0Macro") - 2, b"\1"))
    assert (error.rule_id, error.sheet, "宏表" in error.reason) == ("S01", "Macro", True)
    error = refused(container(stream(version=BIFF5, purpose=1)))
    assert (error.rule_id, error.sheet, "宏表" in error.reason) == ("S01", "S", True)


def test_a_macro_sheet_that_says_it_is_a_worksheet_is_refused(refused):
    data = stream()
    assert "宏表" in refused(container(patched(data, data.rindex(start(BIFF8, SHEET)) + 6, bytes([MACROS])))).reason
    assert "宏表" in refused(record(0x409, struct.pack("<HHH", 0, MACROS, 0)) + record(0x0A, b"")).reason


def test_macros_in_modules_are_left_alone(read):
    assert rows(read(with_entries(saved(workbook(["a"])), "_VBA_PROJECT_CUR", kind=1))) == [["a"]]


@pytest.mark.parametrize("name", ["MBD0001F3A2", "LNK0001F3A2"])
def test_embedded_objects_are_refused(refused, name):
    error = refused(with_entries(saved(workbook(["a"])), name, kind=1))
    assert (error.rule_id, "OLE 对象" in error.reason) == ("S01", True)


def supbook(path: str, sheets: int = 0) -> tuple[int, bytes]:
    return 0x1AE, struct.pack("<HHB", sheets, len(path), 1) + units(path)


def test_links_to_programs_are_refused(refused):
    error = refused(with_records(workbook(["a"]), supbook("cmd\x03/c calc")))
    assert (error.rule_id, "DDE" in error.reason) == ("S01", True)
    error = refused(container(stream(version=BIFF5, book=record(0x17, b"\x0ccmd\x03/c calc"))))
    assert (error.rule_id, "DDE" in error.reason) == ("S01", True)


def test_links_to_workbooks_are_noted(read):
    assert read(with_records(workbook(["a"]), supbook("\x01C\x03资料\x03台账.xls", sheets=1))).has_external_links
    assert read(container(stream(version=BIFF5, book=record(0x17, b"\x09\x01C\x03a.xls")))).has_external_links


def test_references_within_the_workbook_and_to_functions_are_no_links(read):
    inner = (0x1AE, b"\1\0\1\4"), (0x1AE, b"\1\0\1\x3a")
    assert not read(with_records(workbook(["a"]), *inner)).has_external_links
    inner = record(0x17, b"\x02\x01\x3a") + record(0x17, b"\x02\x03S") + record(0x17, b"\0\2")
    assert not read(container(stream(version=BIFF5, book=inner))).has_external_links


# Bare streams


def test_bare_streams_of_records(read):
    text = "迎风桥镇".encode("gbk")
    palette = record(0x92, struct.pack("<HI", 1, 0))
    bare = record(0x809, struct.pack("<HHHH", 0, SHEET, 0, 0)) + palette + label(0, 0, text)
    bare += record(0x203, struct.pack("<HHHd", 0, 1, 0, 1.5))
    assert rows(read(bare + record(0x0A, b""))) == [["迎风桥镇", Number("1.5")]]
    oldest = record(0x09, struct.pack("<HH", 2, SHEET)) + record(0x04, struct.pack("<HH3sB", 0, 0, b"", len(text)) + text)
    assert rows(read(oldest + record(0x0A, b""))) == [["迎风桥镇"]]
    newest = stream(label(0, 0, b"\0a"))
    assert rows(read(newest)) == [["a"]]
    assert all(data.startswith(workbook_xls.BIFF_MAGICS) for data in (bare, oldest, newest, stream(version=BIFF5)))


# Damage and attack


def test_a_truncated_file_is_damaged(refused):
    data = saved(workbook(*[["文字", r, r * 1.5] for r in range(100)]))
    for size in range(9, len(data) - 2048, 97):
        error = refused(data[:size])
        assert (error.rule_id, error.reason) == ("S01", "文件已损坏，或不是表格文件"), size


def test_truncated_records_are_damaged(refused):
    data = stream(formula(0, 0, TEXT_FOLLOWS), record(0x207, struct.pack("<HB", 6, 1) + units(RARE)), book=sst(1, plain("a")))
    for size in range(8, len(data)):
        assert refused(data[:size]).rule_id == "S01", size


def test_whatever_bytes_change_the_answer_is_a_document_or_a_refusal(read):
    data = saved(workbook(*[["文字" + RARE, r, r * 1.5, xlwt.Formula("A1"), True] for r in range(20)]))
    chance = random.Random(20200630)
    outcomes = set()
    for _ in range(150):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 20)):
            changed[chance.randrange(8, len(data))] = chance.randrange(256)
        try:
            outcomes.add(read(bytes(changed)).kind)
        except Unreadable as error:
            outcomes.add(error.rule_id)
    assert outcomes == {"xls", "S01"}


def test_nothing_is_printed_where_the_parent_expects_an_answer(tmp_path):
    far = record(0x208, struct.pack("<8H", 20000, *[0] * 7))  # a row that Excel 95 does not have: xlrd has something to say
    path = tmp_path / "f.xls"
    path.write_bytes(container(stream(far, label(0, 0, b"a"), version=BIFF5)))
    code = f"from duban.intake import workbook_xls; workbook_xls.read(open({str(path)!r}, 'rb').read())"
    package = str(Path(workbook_xls.__file__).parents[2])
    child = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": package}, capture_output=True, check=True)
    assert (child.stdout, child.stderr) == (b"", b"")


def test_running_out_of_memory_is_left_to_the_sandbox(read, monkeypatch):
    monkeypatch.setattr(workbook_xls, "_shared_texts", lambda parts: exec("raise MemoryError"))
    with pytest.raises(MemoryError):
        read(workbook(["a"]))


def guard_of(data: bytes) -> str:
    """What the reader of containers says against one, before anything of it is read."""
    with pytest.raises(ValueError) as caught:
        workbook_xls._workbook_stream(data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("position", "value", "says"),
    [
        (30, struct.pack("<H", 11), "sector size"),  # sectors of 2 kB, which no workbook has
        (32, struct.pack("<H", 7), "sector size"),  # short sectors of 128 bytes
        (44, struct.pack("<I", 9), "allocation table larger than the file"),
    ],
)
def test_a_container_of_unusual_sizes_is_damaged(refused, position, value, says):
    data = patched(saved(workbook(["a"])), position, value)
    assert guard_of(data) == says and refused(data).rule_id == "S01"


def test_a_stream_larger_than_the_file_is_damaged(refused):
    data = saved(workbook(["a"]))
    data = patched(data, directory(data) + 128 + 120, struct.pack("<I", len(data) + 1))
    assert guard_of(data) == "stream larger than the file" and refused(data).rule_id == "S01"


def test_a_directory_of_too_many_entries_is_damaged(refused, monkeypatch):
    monkeypatch.setattr(limits, "MAX_ENTRIES", 1)
    data = saved(workbook(["a"]))
    assert guard_of(data) == "too many entries" and refused(data).rule_id == "S01"


def test_a_container_without_entries(refused):
    data = saved(workbook(["a"]))
    data = patched(data, directory(data) + 76, struct.pack("<i", -1))
    assert guard_of(data) == "empty container" and refused(data).rule_id == "S01"


def test_sheets_that_share_their_records(refused):
    one = stream(label(0, 0, b"\0a"))
    position = one.index(b"\x85\0")
    size = 4 + struct.unpack_from("<H", one, position + 2)[0]
    bound = one[position : position + size]
    moved = bound[:4] + struct.pack("<I", struct.unpack_from("<I", bound, 4)[0] + size) + bound[8:]
    error = refused(one[:position] + moved * 2 + one[position + size :])
    assert (error.rule_id, str(error.__cause__)) == ("S01", "overlapping sheets")
