"""Reads a workbook of the old binary kind: `.xls` and `.et` in a compound (OLE2) file, or a bare BIFF stream. Runs inside the sandbox.

olefile opens the container and xlrd decodes the cells. This module owns what they do not say or get wrong: passwords, macro sheets, links,
embedded objects, formulas that nobody calculated, characters beyond U+FFFF, code pages, sheets cut at the last row of the format.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import unpack_from

import olefile.olefile
import xlrd
import xlrd.biffh
import xlrd.book
import xlrd.sheet

from duban.intake.cells import Cell, Document, Faulty, Moment, Number, Sheet, Unreadable, address, decimal_digits, text_cell, trim
from duban.intake.limits import MAX_ENTRIES, MAX_MERGED_CELLS

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: How a bare BIFF stream begins (BIFF2, 3, 4, 5, 8): some programs write one and call it `.xls`.
BIFF_MAGICS = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x08\x00", b"\x09\x08\x10\x00")

_DAMAGED = "文件已损坏，或不是表格文件"
_PASSWORD = "文件有密码，请去掉密码后重新报送"
_NO_PROMPT = "（打开时不问密码的，请取消“保护工作簿”）"
_OBJECTS = "文件里嵌入了别的文件（OLE 对象），请删去后重新报送；按 F5，在“定位条件”里选“对象”，可以找到它们"
_LINKS = "文件里有 DDE 或 OLE 链接，请在“数据”的“编辑链接”里断开后重新报送"
_MACROS = "文件里有宏表（Excel 4.0 宏，可能是隐藏的），请删去后重新报送"
_OTHER_DOCUMENTS = {
    "worddocument": "这是文字文档（.doc、.wps），请报送表格文件",
    "powerpoint document": "这是演示文稿（.ppt、.dps），请报送表格文件",
}
_OBJECT = re.compile(r"(mbd|lnk)[0-9a-f]{8}")
_LITERAL = re.compile(r'"[^"]*"|\\.')
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)

# Records by the names of the format's documentation; their ids are those of BIFF5 and BIFF8.
_FORMULA, _EOF, _EXTERNSHEET, _DATEMODE, _FILEPASS, _CONTINUE, _CODEPAGE = 0x06, 0x0A, 0x17, 0x22, 0x2F, 0x3C, 0x42
_BOUNDSHEET, _MULRK, _RSTRING, _XF, _MERGECELLS, _SST, _LABELSST, _SUPBOOK, _RECALCID = 0x85, 0xBD, 0xD6, 0xE0, 0xE5, 0xFC, 0xFD, 0x1AE, 0x1C1
_NUMBER, _LABEL, _BOOLERR, _STRING, _ROW, _ARRAY, _TABLE, _RK, _FORMAT, _SHRFMLA = (
    *(0x203, 0x204, 0x205, 0x207, 0x208, 0x221, 0x236, 0x27E, 0x41E, 0x4BC),
)
_BOF = {0x09, 0x209, 0x409, 0x809}
_SHOWN_OF_BOOK = {*_BOF, _EOF, _DATEMODE, _CODEPAGE, _BOUNDSHEET, _FORMAT, _XF, _SST, _CONTINUE}
_SHOWN_OF_SHEET = {*_BOF, _EOF, _ROW, _MERGECELLS, _NUMBER, _RK, _MULRK, _LABEL, _RSTRING, _LABELSST, _BOOLERR}
_SHOWN_OF_SHEET |= {_FORMULA, _SHRFMLA, _ARRAY, _TABLE, _STRING, _CONTINUE}
_UNKNOWN = b"\xff\x0f"
_BIFF5, _BIFF8 = 0x500, 0x600
_WORKSHEET, _MACRO_SHEET, _MACRO_STREAM = 0, 1, 0x40


def read(path: str) -> Document:
    """The workbook at `path`, which begins with `OLE_MAGIC` or one of `BIFF_MAGICS`; values only.

    Raises:
        Unreadable: S01 (damaged, with a password, unsafe, not a workbook), S10 (cut at the last row of its format, over the limits).
    """
    with open(path, "rb") as file:
        data = file.read()
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
        if self._entries_read > MAX_ENTRIES:
            raise ValueError("too many entries")
        return super()._load_direntry(sid)


def _workbook_stream(data: bytes) -> tuple[bytes, bool]:
    """The records of the workbook, and whether a program left its summary beside them. What else the container holds decides what it is."""
    with _Container(data) as container:
        names = {entry.name.lower() for entry in container.root.kids}
        if not names:
            raise ValueError("empty container")
        if names & {"encryptedpackage", "encryptioninfo"}:
            raise Unreadable("S01", _PASSWORD)
        if "\tdrmcontent" in names:
            raise Unreadable("S01", "文件设有访问权限，请取消权限后重新报送")
        book = next((name for name in ("workbook", "book") if name in names), None)
        if not book:
            raise Unreadable("S01", next((_OTHER_DOCUMENTS[name] for name in _OTHER_DOCUMENTS if name in names), "这不是表格文件，请报送表格文件"))
        if any(_OBJECT.fullmatch(name) for name in names):
            raise Unreadable("S01", _OBJECTS)
        return container.openstream(book).read(), "\x05summaryinformation" in names


def _records(stream: bytearray, start: int) -> Iterator[tuple[int, int, int]]:
    """Id, begin and end of the data of each record from the BOF at `start` to the EOF that closes it, charts within a sheet included.

    Raises:
        ValueError, struct.error: there is no whole record where one must be.
    """
    position, depth = start, 0
    while True:
        kind, length = unpack_from("<HH", stream, position)
        begin = position + 4
        position = begin + length
        depth += (kind in _BOF) - (kind == _EOF)
        if position > len(stream) or depth < 0 or (depth == 0 and kind != _EOF):
            raise ValueError("no whole record")
        yield kind, begin, position
        if depth == 0:
            return


@dataclass
class _Survey:
    """What the records say and xlrd does not.

    `fresh` holds, per worksheet, the formulas whose result is 0 or the empty text. The format has no sign for "never calculated", and programs that
    write formulas without calculating them leave one of these two (xlwt the text, POI the 0); so does a spreadsheet program when it is the true
    result. Hence the whole file decides, in favour of the result: it was calculated if any formula has another result, if it bears a RECALCID (the
    engine that calculated last: Excel since 2000, WPS and LibreOffice always write it), or if a summary stands beside the records (older Excel).
    """

    is_modern: bool
    encoding: str | None = "gb18030"
    was_calculated: bool = False
    has_external_links: bool = False
    offsets: list[int] = field(default_factory=list)
    fresh: list[list[tuple[int, int]]] = field(default_factory=list)


def _survey(stream: bytearray) -> _Survey:
    """Walk all records once: refuse what is unsafe, note what xlrd does not tell, hide from xlrd what it was not asked for.

    xlrd fails on comments, names, filters and conditional formats that Excel and WPS find in order. A record is hidden by an id that nobody knows.

    Raises:
        Unreadable: S01.
    """
    kind, version, purpose = unpack_from("<HxxHH", stream)
    if purpose == _MACRO_STREAM:
        raise Unreadable("S01", _MACROS)
    found = _Survey(is_modern=kind == 0x809 and version in {_BIFF5, _BIFF8})
    walked = 0
    for kind, begin, end in _records(stream, 0):
        walked = end
        if kind == _FILEPASS:
            raise Unreadable("S01", _PASSWORD + _NO_PROMPT)
        if kind == _CODEPAGE:
            found.encoding = _encoding(*unpack_from("<H", stream, begin))
        if not found.is_modern:
            continue
        if kind == _BOUNDSHEET:
            offset, purpose = unpack_from("<IxB", stream, begin)
            if purpose == _MACRO_SHEET:
                raise Unreadable("S01", _MACROS, sheet=_sheet_name(stream[begin:end], version))
            if purpose == _WORKSHEET:
                found.offsets.append(offset)
        elif kind == _SUPBOOK or (kind == _EXTERNSHEET and version == _BIFF5):
            first, rest = _link(stream[begin:end], version)
            if first > "\x04" and "\x03" in rest:  # a program and its topic; in the path of a workbook, which begins with 1, 3 separates folders
                raise Unreadable("S01", _LINKS)
            found.has_external_links |= first == "\x01" and rest != ":"
        found.was_calculated |= kind == _RECALCID
        if kind not in _SHOWN_OF_BOOK or (kind == _CODEPAGE and version == _BIFF8):  # BIFF8 is UTF-16, whatever it says
            stream[begin - 4 : begin - 2] = _UNKNOWN
    for offset in found.offsets:
        fresh = []
        for kind, begin, end in _records(stream, offset):
            if kind == _FORMULA:
                result = stream[begin + 6 : begin + 14]
                if result == bytes(8) or (result[0] == 3 and result[6:] == b"\xff\xff"):
                    fresh.append(unpack_from("<HH", stream, begin))
                else:
                    found.was_calculated = True
            elif kind not in _SHOWN_OF_SHEET:
                stream[begin - 4 : begin - 2] = _UNKNOWN
            walked += end + 4 - begin
        if walked > len(stream):  # sheets that share their records: the work would have no bound
            raise ValueError("overlapping sheets")
        found.fresh.append(fresh)
    return found


def _encoding(codepage: int) -> str | None:
    """The codec of a code page, or None for xlrd to know it. GB18030 contains GBK (936) and the GB2312 of the Macintosh (10008).

    Without a code page, text must be strict GB18030, as in a CSV; xlrd would take it for Latin.
    """
    return "gb18030" if codepage in {936, 10008, 54936} else None


def _link(data: bytearray, version: int) -> tuple[str, str]:
    """First character and rest of what a SUPBOOK (BIFF8) or EXTERNSHEET (BIFF5) record refers to."""
    if version == _BIFF5:
        text = data[1:].decode("latin-1")
    else:
        text = "" if len(data) <= 4 else xlrd.biffh.unpack_unicode(data, 2)
    return text[:1], text[1:]


def _sheet_name(boundsheet: bytearray, version: int) -> str:
    if version == _BIFF8:
        return xlrd.biffh.unpack_unicode(boundsheet, 6, lenlen=1)
    return boundsheet[7:].decode("gb18030", "replace")
