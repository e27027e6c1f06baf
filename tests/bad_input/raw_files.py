"""Files written by hand, byte by byte: what no spreadsheet program writes, and what a test must be able to say exactly.

Archives with false sizes, workbooks from raw XML, streams that repeat one block a thousand times without being compressed a thousand times.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_BOOK_TYPES = {
    False: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    True: "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
}
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
    '<borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf numFmtId="14"/><xf numFmtId="9"/></cellXfs></styleSheet>'
).encode()


@dataclass(frozen=True)
class Part:
    """A part of an archive as it is stored: `size` and `crc` are what the archive says of it, true or not."""

    data: bytes
    size: int
    crc: int = 0
    method: int = zipfile.ZIP_DEFLATED
    flags: int = 0

    @classmethod
    def of(cls, content: bytes, *, level: int = 1) -> Part:
        """Content, compressed, with its true size."""
        return cls(deflated(content, level), len(content), zlib.crc32(content))


def deflated(content: bytes, level: int = 1) -> bytes:
    """Content as a raw deflate stream."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def repeated(before: bytes, block: bytes, times: int, after: bytes) -> Part:
    """`before`, `block` many times, `after`: compressed once per block, so that a gigabyte costs no time to write. The checksum is true."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(before) + packer.flush(zlib.Z_FULL_FLUSH)
    body = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    tail = packer.compress(after) + packer.flush()
    crc = zlib.crc32(before)
    for _ in range(times):
        crc = zlib.crc32(block, crc)
    return Part(head + body * times + tail, len(before) + len(block) * times + len(after), zlib.crc32(after, crc))


def archive(parts: Sequence[tuple[str, Part]]) -> bytes:
    """An archive with exactly these parts, in this order, double ones and lies included."""
    body, directory = bytearray(), bytearray()
    for name, part in parts:
        raw = name.encode()
        flags = part.flags | (0 if raw.isascii() else 0x800)
        common = struct.pack("<HHHHHIIIHH", 20, flags, part.method, 0, 0x5021, part.crc, len(part.data), part.size, len(raw), 0)
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + raw
        body += b"PK\x03\x04" + common + raw + part.data
    count = min(len(parts), 0xFFFF)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def book_parts(
    sheets: Mapping[str, bytes | Part], *, macros: bool = False, extra: Mapping[str, bytes | Part] | None = None
) -> dict[str, Part]:
    """The parts of a workbook with these sheets (their whole XML); `extra` adds parts or takes the place of ours."""
    numbered = list(enumerate(sheets, start=1))
    types = "".join(f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_SHEET_TYPE}"/>' for n, _ in numbered)
    names = "".join(f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>' for n, name in numbered)
    targets = "".join(f'<Relationship Id="rId{n}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n, _ in numbered)
    contents: dict[str, bytes | Part] = {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_BOOK_TYPES[macros]}"/>'
            f'<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>{types}</Types>'
        ).encode(),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ).encode(),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{names}</sheets></workbook>'.encode(),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">{targets}'
            f'<Relationship Id="rIdS" Type="{RELATIONS}/styles" Target="styles.xml"/>'
            f'<Relationship Id="rIdT" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
        ).encode(),
        "xl/styles.xml": STYLES,
        "xl/sharedStrings.xml": shared_strings(),
    }
    if macros:
        contents["xl/vbaProject.bin"] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    contents.update({f"xl/worksheets/sheet{n}.xml": sheets[name] for n, name in numbered})
    contents.update(extra or {})
    return {name: content if isinstance(content, Part) else Part.of(content) for name, content in contents.items()}


def book(sheets: Mapping[str, bytes | Part], **options: Any) -> bytes:
    """A workbook with these sheets; options as of `book_parts`."""
    return archive(list(book_parts(sheets, **options).items()))


def sheet_xml(rows: bytes, *, before: bytes = b"", after: bytes = b"") -> bytes:
    """The XML of a sheet around its rows."""
    return sheet_open(before) + rows + sheet_close(after)


def sheet_open(before: bytes = b"") -> bytes:
    """What stands in a sheet above its first row."""
    return f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{MAIN}">'.encode() + before + b"<sheetData>"


def sheet_close(after: bytes = b"") -> bytes:
    """What stands in a sheet below its last row."""
    return b"</sheetData>" + after + b"</worksheet>"


def rows_xml(rows: Sequence[Sequence[Any]], first: int = 1) -> bytes:
    """Rows as XML: text as inline strings, numbers as numbers, bytes as the inside of a cell element; None leaves a cell out."""
    return b"".join(row_xml(number, row) for number, row in enumerate(rows, start=first))


def row_xml(number: int, row: Sequence[Any], attributes: str = "") -> bytes:
    """One row."""
    cells = b"".join(cell_xml(f"{letters(position)}{number}", value) for position, value in enumerate(row) if value is not None)
    return f'<row r="{number}"{attributes}>'.encode() + cells + b"</row>"


def cell_xml(reference: str, value: Any) -> bytes:
    """One cell."""
    match value:
        case bytes():
            return b'<c r="' + reference.encode() + b'"' + value + b"</c>"
        case int() | float():
            return f'<c r="{reference}"><v>{value!r}</v></c>'.encode()
        case _:
            return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'.encode()


def letters(position: int) -> str:
    """Letters of a 0-based column."""
    text = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def shared_strings(*texts: str) -> bytes:
    """The part that holds the texts of a workbook."""
    inside = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    return f'<sst xmlns="{MAIN}" count="{len(texts)}" uniqueCount="{len(texts)}">{inside}</sst>'.encode()


def rezipped(content: bytes, change: Mapping[str, bytes | None]) -> bytes:
    """The archive with parts replaced, added, or (None) taken out."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in change:
                new.writestr(name, old.read(name))
        for name, data in change.items():
            if data is not None:
                new.writestr(name, data)
    return target.getvalue()


def biff(kind: int, data: bytes = b"") -> bytes:
    """A record of an old binary workbook."""
    return struct.pack("<HH", kind, len(data)) + data


def biff_text(row: int, column: int, text: str) -> bytes:
    """A text cell of one."""
    return biff(0x204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + text.encode("utf-16-le"))


def biff_book(sheets: Sequence[tuple[str, bytes]], globals_: bytes = b"") -> bytes:
    """An old binary workbook as a bare stream of records: `sheets` are names and the records of their cells."""

    def begin(purpose: int) -> bytes:
        return biff(0x809, struct.pack("<HHHHII", 0x600, purpose, 0x0DBB, 0x07CC, 0, 6))

    end = biff(0x0A)
    front = begin(5) + biff(0xE0, bytes(20)) + globals_
    bounds = [(biff(0x85, struct.pack("<IBBBB", 0, 0, 0, len(name), 1) + name.encode("utf-16-le"))) for name, _ in sheets]
    offset = len(front) + sum(map(len, bounds)) + len(end)
    bodies = []
    for number, (_, records) in enumerate(sheets):
        bounds[number] = bounds[number][:4] + struct.pack("<I", offset) + bounds[number][8:]
        bodies.append(begin(0x10) + records + end)
        offset += len(bodies[-1])
    return b"".join([front, *bounds, end, *bodies])
