"""Reads a workbook of the old binary kind: `.xls` and `.et` in a compound (OLE2) file, or a bare BIFF stream. Runs inside the sandbox.

olefile opens the container and xlrd decodes the cells. This module owns what they do not say or get wrong: passwords, macro sheets, links,
embedded objects, formulas that nobody calculated, characters beyond U+FFFF, code pages, sheets cut at the last row of the format.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from struct import unpack_from

import olefile.olefile
import xlrd
import xlrd.book
import xlrd.formatting
import xlrd.sheet
from xlrd import biffh

from duban.intake import limits, number_formats
from duban.intake.cells import (
    Cell,
    Document,
    Faulty,
    Moment,
    Number,
    Sheet,
    Unreadable,
    address,
    check_sheet_count,
    decimal_digits,
    styled,
    text_cell,
    trim,
)

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: How a bare BIFF stream begins (BIFF2, 3, 4, 5, 8): some programs write one and call it `.xls`.
BIFF_MAGICS = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x08\x00", b"\x09\x08\x10\x00")

_DAMAGED = "文件已损坏，或不是表格文件"
_PASSWORD = "文件有密码，请去掉密码后重新报送"
_NO_PROMPT = "（打开时不问密码的，请取消“保护工作簿”）"
_OBJECTS = "文件里嵌入了别的文件（OLE 对象），请删去后重新报送；按 F5，在“定位条件”里选“对象”，可以找到它们"
_LINKS = "文件里有 DDE 或 OLE 链接，请在“数据”的“编辑链接”里断开后重新报送"
_MACROS = "文件里有宏表（Excel 4.0 宏，可能是隐藏的），请删去后重新报送"
_NO_TABLE = "这不是表格文件，请报送表格文件"
_OTHER_DOCUMENTS = {
    "worddocument": "这是文字文档（.doc、.wps），请报送表格文件",
    "powerpoint document": "这是演示文稿（.ppt、.dps），请报送表格文件",
}
_OBJECT = re.compile(r"(mbd|lnk)[0-9a-f]{8}")
_LITERAL = re.compile(r'"[^"]*"|\\.')
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)

# The records that xlrd is shown; RECALCID it does not know.
_SHOWN_OF_BOOK = {
    *(*biffh.bofcodes, biffh.XL_EOF, biffh.XL_CONTINUE),
    *(biffh.XL_DATEMODE, biffh.XL_CODEPAGE, biffh.XL_BOUNDSHEET, biffh.XL_FORMAT, biffh.XL_XF, biffh.XL_SST),
}
_SHOWN_OF_SHEET = {
    *(*biffh.bofcodes, biffh.XL_EOF, biffh.XL_CONTINUE, biffh.XL_ROW, biffh.XL_MERGEDCELLS),
    *(biffh.XL_NUMBER, biffh.XL_RK, biffh.XL_MULRK, biffh.XL_LABEL, biffh.XL_RSTRING, biffh.XL_LABELSST, biffh.XL_BOOLERR),
    *(*biffh.XL_FORMULA_OPCODES, biffh.XL_SHRFMLA, biffh.XL_ARRAY, biffh.XL_ARRAY2, biffh.XL_STRING, biffh.XL_STRING_B2),
    *(biffh.XL_TABLEOP, biffh.XL_TABLEOP2, biffh.XL_TABLEOP_B2),
}
_RECALCID = 0x1C1
_UNKNOWN = b"\xff\x0f"
# A drawing on a sheet: how its place begins (OfficeArtClientAnchorSheet), the object in it, and that it is a picture.
_DRAWING, _ANCHOR, _OBJECT_ON_SHEET, _COMMON, _PICTURE = 0xEC, b"\x10\xf0\x12\x00\x00\x00", 0x5D, 0x15, 8
_BIFF5, _BIFF8 = 0x500, 0x600
_WORKSHEET, _MACRO_SHEET, _MACRO_STREAM = 0, 1, 0x40


def read(data: bytes) -> Document:
    """The workbook whose bytes begin with `OLE_MAGIC` or one of `BIFF_MAGICS`; values only.

    Raises:
        Unreadable: S01 (damaged, with a password, unsafe, not a workbook), S10 (cut at the last row of its format, over the limits).
    """
    try:
        stream, has_summary = _workbook_stream(data) if data.startswith(OLE_MAGIC) else (data, False)
        return _read_stream(bytearray(stream), has_summary)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a damaged file makes xlrd and olefile raise nearly every exception there is
        raise Unreadable("S01", _DAMAGED) from error


class _Container(olefile.olefile.OleFileIO):
    """A compound file that is not believed: olefile takes the sizes it declares, and a directory of any length, as they come."""

    _entries_read = 0

    def loadfat(self, header: bytes) -> None:
        if self.sector_size not in {512, 4096} or self.mini_sector_size != 64:
            raise ValueError("sector size")
        if self.num_fat_sectors > 8 + self._filesize // self.sector_size // 64:  # each speaks for at least 128 others
            raise ValueError("allocation table larger than the file")
        super().loadfat(header)

    def _open(self, start: int, size: int = olefile.olefile.UNKNOWN_SIZE, force_FAT: bool = False) -> olefile.olefile.OleStream:
        if size != olefile.olefile.UNKNOWN_SIZE and size > self._filesize:
            raise ValueError("stream larger than the file")
        return super()._open(start, size, force_FAT)

    def _load_direntry(self, sid: int) -> olefile.olefile.OleDirectoryEntry:
        self._entries_read += 1
        if self._entries_read > limits.MAX_ENTRIES:
            raise ValueError("too many entries")
        return super()._load_direntry(sid)


def _workbook_stream(data: bytes) -> tuple[bytes, bool]:
    """The records of the workbook, and whether a program left its summary beside them. What else the container holds decides what it is."""
    with _Container(io.BytesIO(data)) as container:  # short bytes it would take for a file name
        names = {entry.name.lower() for entry in container.root.kids}
        if not names:
            raise ValueError("empty container")
        if names & {"encryptedpackage", "encryptioninfo"}:
            raise Unreadable("S01", _PASSWORD)
        if "\tdrmcontent" in names:
            raise Unreadable("S01", "文件设有访问权限，请取消权限后重新报送")
        book = next((name for name in ("workbook", "book") if name in names), None)
        if not book:
            raise Unreadable("S01", next((_OTHER_DOCUMENTS[name] for name in _OTHER_DOCUMENTS if name in names), _NO_TABLE))
        if any(_OBJECT.fullmatch(name) for name in names):
            raise Unreadable("S01", _OBJECTS)
        return container.openstream(book).read(), "\x05summaryinformation" in names


def _records(stream: bytearray, start: int, found: _Survey) -> Iterator[tuple[int, int, int]]:
    """Id, begin and end of the data of each record from the BOF at `start` to the EOF that closes it, charts within a sheet included.

    Raises:
        struct.error: the stream ends before that EOF.
        Unreadable: S10, more records than anybody needs.
    """
    position, depth = start, 0
    while True:
        kind, length = unpack_from("<HH", stream, position)
        begin = position + 4
        position = begin + length
        depth += (kind in biffh.bofcodes) - (kind == biffh.XL_EOF)
        found.record_count += 1
        if found.record_count > limits.MAX_RECORDS:
            raise Unreadable("S10", f"文件里的记录超过 {limits.MAX_RECORDS} 条，请把数据复制到新的工作簿，分开报送")
        yield kind, begin, position
        if depth == 0:
            return


@dataclass
class _Survey:
    """What the records say and xlrd does not.

    `fresh` holds, per worksheet, the formulas whose result is 0 or the empty text. The format has no sign for "never calculated": programs
    that write formulas without calculating them leave one of these two (xlwt the text, POI the 0), and a spreadsheet program writes it too
    when it is the true result. So the file as a whole decides, and in doubt the result counts. A file was calculated if any formula has
    another result, if it bears a RECALCID (which engine calculated last: Excel since 2000, WPS and LibreOffice always write it), or if a
    summary stands beside the records (Excel before that; xlwt and POI leave none).
    """

    is_modern: bool
    encoding: str | None = "gb18030"
    was_calculated: bool = False
    has_external_links: bool = False
    record_count: int = 0
    cell_count: int = 0
    format_count: int = 0
    offsets: list[int] = field(default_factory=list)
    fresh: list[list[tuple[int, int]]] = field(default_factory=list)
    pictures: list[list[tuple[int, int]]] = field(default_factory=list)


def _survey(stream: bytearray) -> _Survey:
    """Walk all records once: refuse what is unsafe, note what xlrd does not tell, hide from xlrd what it was not asked for.

    xlrd fails on comments, names, filters and conditional formats that Excel and WPS find in order; a record with an unknown id it skips.

    Raises:
        Unreadable: S01, S10.
    """
    kind, version, purpose = unpack_from("<HxxHH", stream)
    if purpose == _MACRO_STREAM:
        raise Unreadable("S01", _MACROS)
    found = _Survey(is_modern=kind == 0x809 and version in {_BIFF5, _BIFF8})
    walked = 0
    for kind, begin, end in _records(stream, 0, found):
        walked = end
        if kind == biffh.XL_FILEPASS:
            raise Unreadable("S01", _PASSWORD + _NO_PROMPT)
        if kind == biffh.XL_CODEPAGE:
            found.encoding = _encoding(*unpack_from("<H", stream, begin))
        if not found.is_modern:
            continue
        if kind == biffh.XL_BOUNDSHEET:
            offset, purpose = unpack_from("<IxB", stream, begin)
            if purpose == _MACRO_SHEET:
                raise Unreadable("S01", _MACROS, sheet=_sheet_name(stream[begin:end], version))
            if purpose == _WORKSHEET:
                found.offsets.append(offset)
        elif kind == biffh.XL_SUPBOOK or (kind == biffh.XL_EXTERNSHEET and version == _BIFF5):
            first, rest = _link(stream[begin:end], version)
            if first > "\x04" and "\x03" in rest:  # a program and its topic; in a workbook's path, which begins with 1, 3 separates folders
                raise Unreadable("S01", _LINKS)
            found.has_external_links |= first == "\x01" and rest != ":"
        elif kind == _RECALCID:
            found.was_calculated = True
        elif kind in {biffh.XL_XF, biffh.XL_FORMAT}:
            found.format_count += 1
            if found.format_count > limits.MAX_FORMATS:
                raise Unreadable("S10", "文件里的格式过多，请把数据复制到新的工作簿后报送")
        if kind not in _SHOWN_OF_BOOK or (kind == biffh.XL_CODEPAGE and version == _BIFF8):  # BIFF8 is UTF-16, whatever it says
            stream[begin - 4 : begin - 2] = _UNKNOWN
    for offset in found.offsets:
        walked += _survey_sheet(stream, offset, found)
        if walked > len(stream):  # sheets that share their records: the work would have no bound
            raise ValueError("overlapping sheets")
    return found


def _survey_sheet(stream: bytearray, offset: int, found: _Survey) -> int:
    """Survey the worksheet at `offset`; returns its size."""
    if unpack_from("<H", stream, offset + 6)[0] == _MACRO_STREAM:
        raise Unreadable("S01", _MACROS)
    fresh, pictures, corner, size = [], [], (0, 0), 0
    for kind, begin, end in _records(stream, offset, found):
        size += 4 + end - begin
        if kind in biffh.XL_FORMULA_OPCODES:
            result = stream[begin + 6 : begin + 14]
            if result == bytes(8) or (result[0] == 3 and result[6:] == b"\xff\xff"):
                fresh.append(unpack_from("<HH", stream, begin))
                if len(fresh) > limits.MAX_MARKS:
                    raise Unreadable("S10", "公式过多，请只保留数值，分开报送")
            else:
                found.was_calculated = True
        elif kind == _DRAWING and (found_at := stream.find(_ANCHOR, begin, end)) >= 0 and found_at + 18 <= end:
            left, top = unpack_from("<HxxH", stream, found_at + len(_ANCHOR) + 2)
            corner = (top, left)
        elif kind == _OBJECT_ON_SHEET and end - begin >= 16 and unpack_from("<H", stream, begin + 4)[0] == _PICTURE:
            left, top = unpack_from("<HxxH", stream, begin + 10)  # of BIFF5; BIFF8 has it in the drawing
            pictures.append(corner if unpack_from("<H", stream, begin)[0] == _COMMON else (top, left))
        if kind not in _SHOWN_OF_SHEET:
            stream[begin - 4 : begin - 2] = _UNKNOWN
            continue
        found.cell_count += (end - begin) // 6 if kind == biffh.XL_MULRK else 1
        if found.cell_count > limits.MAX_FILLED_CELLS:
            raise Unreadable("S10", f"有内容的单元格超过 {limits.MAX_FILLED_CELLS} 格，请分开报送")
    found.fresh.append(fresh)
    found.pictures.append(pictures[: limits.MAX_SHEETS])
    return size


def _encoding(codepage: int) -> str | None:
    """The codec of a code page, or None for xlrd to know it. GB18030 contains GBK (936) and the GB2312 of the Macintosh (10008).

    Without a code page, text must be strict GB18030, as in a CSV; xlrd would take it for Latin.
    """
    return "gb18030" if codepage in {936, 10008, 54936} else None


def _link(data: bytearray, version: int) -> tuple[str, str]:
    """First character and rest of what a SUPBOOK (BIFF8) or EXTERNSHEET (BIFF5) record refers to."""
    if version == _BIFF5:
        return chr(data[1]), data[2:].decode("latin-1")
    text = biffh.unpack_unicode(data, 2) if len(data) > 4 else ""  # 4: this workbook itself, or an add-in
    return text[:1], text[1:]


def _sheet_name(boundsheet: bytearray, version: int) -> str:
    if version == _BIFF8:
        return biffh.unpack_unicode(boundsheet, 6, lenlen=1)
    return boundsheet[7:].decode("gb18030", "replace")


class _Book(xlrd.book.Book):
    """xlrd's book with shared texts of our own: xlrd fails where a record ends between the halves of a character beyond U+FFFF."""

    def handle_sst(self, data: bytes) -> None:
        self._sharedstrings = _shared_texts(self.with_continuations(data))

    def with_continuations(self, data: bytes) -> list[bytes]:
        """The data of a record and of the CONTINUE records behind it."""
        parts = [data]
        while (part := self.get_record_parts_conditional(biffh.XL_CONTINUE))[0] is not None:
            parts.append(part[2])
        return parts

    def get_sheets(self) -> None:
        """Sheets are read one at a time."""

    def get_sheet(self, sh_number: int, update_pos: bool = True) -> xlrd.sheet.Sheet:
        self._position = self._sh_abs_posn[sh_number]
        self.getbof(biffh.XL_WORKSHEET)
        sheet = _Sheet(self, self._position, self._sheet_names[sh_number], sh_number)
        sheet.read(self)
        return sheet


class _Sheet(xlrd.sheet.Sheet):
    """xlrd's sheet, except that the text of a formula is as long as its record says in UTF-16 units or bytes: xlrd counts characters."""

    def string_record_contents(self, data: bytes) -> str:
        if self.biff_version < 50:
            return super().string_record_contents(data)
        parts = self.book.with_continuations(data)
        length = unpack_from("<H", data)[0]
        if self.biff_version < 80:
            return b"".join(parts)[2 : 2 + length].decode(self.book.encoding)
        return _text(parts, 0, 3, length, data[2] & 1)[0] if length else ""


def _shared_texts(parts: list[bytes]) -> list[str]:
    """The texts of an SST record and its continuations: as many as there are, for not every program counts them right."""
    texts, number, position = [], 0, 8
    for _ in range(unpack_from("<I", parts[0], 4)[0]):
        while position >= len(parts[number]):
            position -= len(parts[number])
            number += 1
            if number == len(parts):
                return texts
        length, options = unpack_from("<HB", parts[number], position)
        position += 3
        behind = 0
        if options & 8:  # changes of font
            behind += 4 * unpack_from("<H", parts[number], position)[0]
            position += 2
        if options & 4:  # pronunciation
            behind += unpack_from("<I", parts[number], position)[0]
            position += 4
        text, number, position = _text(parts, number, position, length, options & 1)
        texts.append(text)
        if len(texts) > limits.MAX_STRINGS:
            raise Unreadable("S10", "文件里的文字过多，请分开报送")
        position += behind
    return texts


def _text(parts: list[bytes], number: int, position: int, length: int, is_wide: int) -> tuple[str, int, int]:
    """A text of `length` UTF-16 units, and the part and position behind it.

    A part that the text goes on in begins with a byte: whether its units are of two bytes or one. Half a character without its other half
    becomes U+FFFD: its row is sent back, not the file.
    """
    units = b""
    while True:
        part, width = parts[number], 2 if is_wide else 1
        size = min(length, (len(part) - position) // width)
        piece = part[position : position + size * width]
        position += size * width
        length -= size
        units += piece if is_wide else piece.decode("latin-1").encode("utf-16-le")
        if not length:
            return units.decode("utf-16-le", "replace"), number, position
        number += 1
        is_wide, position = parts[number][0] & 1, 1


def _read_stream(stream: bytearray, has_summary: bool) -> Document:
    found = _survey(stream)
    book = _Book()
    book.biff2_8_load(
        file_contents=bytes(stream),
        logfile=io.StringIO(),
        encoding_override=found.encoding,
        formatting_info=True,
        on_demand=True,
        ragged_rows=True,
    )
    stream.clear()
    book.biff_version = book.getbof(biffh.XL_WORKBOOK_GLOBALS)
    if found.is_modern:
        book.parse_globals()
    else:
        book.fake_globals_get_sheet()
    check_sheet_count(len(book.sheet_names()))
    sheets = []
    for number in range(len(book.sheet_names())):
        never_calculated = () if has_summary or found.was_calculated or not found.fresh else found.fresh[number]
        pictures = tuple(found.pictures[number]) if number < len(found.pictures) else ()
        sheet = book.get_sheet(number)
        try:
            sheets.append(_read_sheet(book, sheet, never_calculated, pictures))
        except Unreadable:
            if not _is_hidden(sheet):
                raise
            sheets.append(Sheet(sheet.name, [], is_hidden=True, too_wide="A1"))  # it is not read, so it may be as large as it likes
    return Document("xls", tuple(sheets), uses_1904=book.datemode == 1, has_external_links=found.has_external_links)


def _read_sheet(book: _Book, sheet: _Sheet, never_calculated: Iterable[tuple[int, int]], pictures: tuple[tuple[int, int], ...]) -> Sheet:
    merged = tuple((top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells)
    if sum((bottom + 1 - top) * (right + 1 - left) for top, left, bottom, right in merged) > limits.MAX_MERGED_CELLS:
        raise Unreadable("S10", "合并单元格的范围过大，请取消合并后保存", sheet=sheet.name)
    codes = [_format_code(book, xf) for xf in book.xf_list]
    formats = {style: code for style, code in enumerate(codes) if not number_formats.is_ordinary(code)}
    durations = {style for style, code in formats.items() if _ELAPSED.search(_LITERAL.sub("", code))}
    rows, characters = [], 0
    for r in range(sheet.nrows):
        rows.append(_row(sheet, r, formats, durations))
        characters += sum(len(cell) for cell in rows[-1] if isinstance(cell, str))
        if characters > limits.MAX_CHARACTERS:
            raise Unreadable("S10", "文件里的文字过多，请分开报送", sheet=sheet.name)
    for r, c in never_calculated:
        rows[r][c] = Faulty("")
    is_hidden = _is_hidden(sheet)
    if len(trim(rows)) == sheet.utter_max_rows and not is_hidden:
        count = len(rows)
        reason = f"工作表写满了 {count} 行，文件可能在 {count} 行处被旧格式截断；请从原来的数据另存为 .xlsx 后重新报送"
        raise Unreadable("S10", reason, cell=address(count - 1, 0), sheet=sheet.name)
    hidden_rows = frozenset(r for r, info in sheet.rowinfo_map.items() if info.hidden)
    return Sheet(sheet.name, rows, is_hidden, merged, hidden_rows, pictures=pictures)


def _is_hidden(sheet: _Sheet) -> bool:
    return sheet.visibility & 3 != 0


def _format_code(book: _Book, xf: xlrd.formatting.XF) -> str:
    known = book.format_map.get(xf.format_key)
    return known.format_str or "" if known else ""


def _row(sheet: _Sheet, r: int, formats: dict[int, str], durations: set[int]) -> list[Cell]:
    cells: list[Cell] = []
    for c, (kind, value) in enumerate(zip(sheet.row_types(r), sheet.row_values(r), strict=True)):
        match kind:
            case xlrd.XL_CELL_TEXT:
                cells.append(styled(text_cell(value) or None, formats.get(sheet.cell_xf_index(r, c), "")))
            case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE if not math.isfinite(value):
                cells.append(Faulty("#NUM!"))
            case xlrd.XL_CELL_NUMBER:
                cells.append(Number(decimal_digits(value), formats.get(sheet.cell_xf_index(r, c), "")))
            case xlrd.XL_CELL_DATE:
                style = sheet.cell_xf_index(r, c)
                cells.append(_date(value, sheet.book.datemode, formats.get(style, ""), style in durations))
            case xlrd.XL_CELL_BOOLEAN:
                cells.append(bool(value))
            case xlrd.XL_CELL_ERROR:
                cells.append(Faulty(xlrd.error_text_from_code.get(value, "#ERROR")))
            case _:
                cells.append(None)
    return cells


def _date(value: float, datemode: int, code: str, is_duration: bool) -> Cell:
    """A day, a time of day or a duration. What is no day stays a number, so do days before March 1900: Excel counts a 29 February there."""
    if is_duration and 0 <= value < 1_000_000:
        return Moment(str(dt.timedelta(seconds=round(value * 86_400))))
    try:
        year, month, day, *time = xlrd.xldate_as_tuple(value, datemode)
    except xlrd.XLDateError:
        return Number(decimal_digits(value), code)
    return dt.date(year, month, day) if year else Moment("{:02}:{:02}:{:02}".format(*time))
