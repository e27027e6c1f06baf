"""What a workbook's XML says and the cell reader does not: errors, uncalculated formulas, number formats, pictures, hidden rows, far cells.

One streaming pass over each sheet with expat, before anything else opens the file, so that what is too much for the readers is
refused by counting and not by running out of memory. Runs inside the sandbox.
"""

from __future__ import annotations

import io
import posixpath
import re
import xml.parsers.expat
import zipfile
import zlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO
from xml.etree import ElementTree

import defusedxml.ElementTree as defused
from defusedxml import DefusedXmlException

from duban.intake import limits, number_formats
from duban.intake.cells import Unreadable, address, check_sheet_count, is_picture_formula

# What the libraries raise on an archive or XML that is not whole. LookupError: a part that is not there, an encoding that nobody knows.
_DAMAGED = (zipfile.BadZipFile, zlib.error, ElementTree.ParseError, xml.parsers.expat.error, LookupError, EOFError, OSError, ValueError)
_UNSAFE = "文件里有不安全的 XML 声明"
_DAMAGED_TEXT = "文件已损坏，或不是表格文件"
_SAVE_ANEW = "，请用 Excel 或 WPS 打开，另存为 .xlsx 后重新报送"
_TOO_MUCH_TEXT = "文件里的文字过多，请分开报送"

_CHUNK = 1 << 20
_BOOK, _BOOK_LINK, _DRAWING_LINK = "xl/workbook.xml", "/officeDocument", "/drawing"
_RICH_VALUES = "xl/richdata/rdrichvaluestructure.xml"
_WORKSHEET, _MACRO_SHEET = "/worksheet", "/xlmacrosheet"
#: Drawings that are looked through for pictures: a larger one is left alone.
_MAX_DRAWING, _MAX_PICTURES = 4 << 20, 1_000
# Cells and rows that carry formatting alone: cut out before parsing, a million of them would take half a minute.
_BLANK_CELLS = re.compile(rb'<c r="[A-Z]{1,3}[0-9]{1,7}"(?: s="[0-9]+")?(?: t="n")? ?(?:/>|></c>)')
_BLANK_ROWS = re.compile(rb'<row r="[0-9]+"(?: [A-Za-z0-9:]+="[^"<>]*")* ?(?:/>|></row>)')
# Rows without any of these hold no value (<v>), formula (<f>), text (inlineStr), nor anything unusual: single bytes are found fastest.
_CONTENT_SIGNS = (b"v", b"f", b"S", b"!", b"?", b"sheetData")
_LONGEST_ERROR = 64
# Where a shared text ends, and a cell that holds one.
_STRING_END = re.compile(rb"(?:</(?:[A-Za-z0-9]{1,16}:)?si|<(?:[A-Za-z0-9]{1,16}:)?si ?/)>")
_LONGEST_END = 24
_SHARED_TEXT = re.compile(rb' t="s"[^<>]{0,64}><(?:[A-Za-z0-9]{1,16}:)?v>([0-9]{1,9})<')
# Parts that act when the workbook is opened, and what a clerk is told of them.
_ACTIVE_PARTS = {
    "xl/macrosheets/": "文件里有宏表（Excel 4.0 宏），请删去后另存为 .xlsx",
    "xl/activex/": "文件里有 ActiveX 控件，请删去后另存为 .xlsx",
    "xl/embeddings/": "文件里嵌入了别的文件（OLE 对象），请删去后另存为 .xlsx",
}
_DYNAMIC_LINKS = {"ddeLink": "文件里有 DDE 链接，请删去后另存为 .xlsx", "oleLink": "文件里有 OLE 链接，请删去后另存为 .xlsx"}
_OTHER_ARCHIVES = (
    ("word/document.xml", "这是文字文档，请报送表格文件"),
    ("ppt/presentation.xml", "这是演示文稿，请报送表格文件"),
    ("xl/workbook.bin", "这是 .xlsb 文件，请另存为 .xlsx 后重新报送"),
    ("content.xml", "这是 .ods 文件，请另存为 .xlsx 后重新报送"),
)


@dataclass
class SheetMarks:
    """Marks of one sheet; cells are 0-based (row, column).

    `faults` maps a cell to its error text, which is empty for a formula that was never calculated. `formats` are the number formats that
    may show something else than is stored. `pictures` fill a cell, `floating` ones lie on the sheet. `too_wide` is the first cell beyond
    the columns that are read; `is_unread` is a hidden sheet so large that it is not opened at all.
    """

    faults: dict[tuple[int, int], str] = field(default_factory=dict)
    formats: dict[tuple[int, int], str] = field(default_factory=dict)
    pictures: set[tuple[int, int]] = field(default_factory=set)
    floating: tuple[tuple[int, int], ...] = ()
    hidden_rows: set[int] = field(default_factory=set)
    too_wide: str | None = None
    is_unread: bool = False


@dataclass
class BookMarks:
    """Marks of a workbook: those of its sheets by name, the name of its own part, the date system, whether it refers to other files, how
    much it holds.
    """

    sheets: dict[str, SheetMarks] = field(default_factory=dict)
    part: str = _BOOK
    uses_1904: bool = False
    has_external_links: bool = False
    filled_rows: int = 0
    filled_cells: int = 0
    text_bytes: int = 0
    rich_values_are_pictures: bool = True


def scan(content: bytes) -> BookMarks:
    """What the XML of a workbook says.

    Raises:
        Unreadable: not a workbook, or one with parts that act (S01), or over the limits (S10).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_size(archive)
            return _scan(archive, _parts(archive))
    except DefusedXmlException as error:
        raise Unreadable("S01", _UNSAFE) from error
    except _DAMAGED as error:
        raise Unreadable("S01", _DAMAGED_TEXT) from error
    except (NotImplementedError, RuntimeError) as error:  # a compression or encryption the zip library does not know
        raise Unreadable("S01", "文件有密码，或压缩方式不支持") from error


def _scan(archive: zipfile.ZipFile, parts: dict[str, str]) -> BookMarks:
    book = _book_part(archive, parts)
    if book not in parts:
        # A package is saved anew, only an archive is unpacked.
        other = "这个文件少了必要的部分" + _SAVE_ANEW if "[content_types].xml" in parts else "这是压缩包，请解压后报送其中的表格文件"
        raise Unreadable("S01", next((reason for part, reason in _OTHER_ARCHIVES if part in parts), other))
    for folder, reason in _ACTIVE_PARTS.items():
        if any(part.startswith(folder) for part in parts):
            raise Unreadable("S01", reason)
    root = _tree(archive, parts, book)
    marks = BookMarks(part=book, uses_1904=any(_flag(node, "date1904") for node in root.iter() if _local(node.tag) == "workbookPr"))
    for part in parts:
        if part.startswith("xl/externallinks/") and part.endswith(".xml"):
            kinds = {_local(node.tag) for node in _tree(archive, parts, part).iter()}
            for kind, reason in _DYNAMIC_LINKS.items():
                if kind in kinds:
                    raise Unreadable("S01", reason)
            marks.has_external_links = True
    formats = _formats(archive, parts)
    string_sizes = _string_sizes(archive, parts)
    if _RICH_VALUES in parts:  # pictures, or what an error of a newer function carries with it
        marks.rich_values_are_pictures = b"image" in _whole(archive, parts, _RICH_VALUES).lower()
    targets = _targets(archive, parts, book)
    scanned: set[str] = set()
    nodes = [node for node in root.iter() if _local(node.tag) == "sheet"]
    check_sheet_count(len(nodes))
    for node in sorted(nodes, key=_is_hidden):  # what is read comes first: what is not takes nothing from its limits
        relation = next((value for key, value in node.attrib.items() if _local(key) == "id"), None)
        kind, target = targets.get(relation, ("", ""))
        if kind.lower().endswith(_MACRO_SHEET):
            raise Unreadable("S01", _ACTIVE_PARTS["xl/macrosheets/"])
        if kind.endswith(_WORKSHEET):
            name = node.attrib["name"]
            if target.lower() in scanned or name in marks.sheets:  # a thousand names for one long sheet
                raise Unreadable("S01", _DAMAGED_TEXT)
            scanned.add(target.lower())
            with archive.open(parts[target.lower()]) as stream:
                marks.sheets[name] = _scan_sheet(_SheetScan(name, formats, string_sizes, marks), stream, marks, _is_hidden(node))
            marks.sheets[name].floating = _floating_pictures(archive, parts, target.lower())
    return marks


def _is_hidden(node: ElementTree.Element) -> bool:
    return node.attrib.get("state") in {"hidden", "veryHidden"}


def _scan_sheet(scan: _SheetScan, stream: IO[bytes], book: BookMarks, is_hidden: bool) -> SheetMarks:
    """The marks of a sheet. A hidden one is not read: where it is over the limits it is left alone."""
    before = book.filled_rows, book.filled_cells, book.text_bytes
    try:
        return scan.read(stream)
    except Unreadable as error:
        if not is_hidden or error.rule_id != "S10":
            raise
        book.filled_rows, book.filled_cells, book.text_bytes = before
        return SheetMarks(too_wide=error.cell, is_unread=True)


def with_usual_name(content: bytes, book: BookMarks) -> bytes:
    """The workbook with its own part under the name that calamine looks for.

    Raises:
        Unreadable: S01, it is too large to be written again.
    """
    if book.part == _BOOK:
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = _parts(archive)
        if sum(entry.file_size for entry in archive.infolist()) > limits.RATIO_MATTERS_FROM:
            raise Unreadable("S01", _DAMAGED_TEXT + _SAVE_ANEW)
        new_names = {book.part: _BOOK, _links(book.part): _links(_BOOK)}
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as renamed:
            for part, name in parts.items():
                if part in new_names or part not in new_names.values():
                    renamed.writestr(new_names.get(part, name), archive.read(name))
    return target.getvalue()


def plain_workbook(sheet: str, rows: Sequence[Sequence[str]]) -> bytes:
    """The smallest workbook with these texts on one sheet."""
    cells = (
        "".join(f'<c r="{address(at, column)}" t="inlineStr"><is><t>{text}</t></is></c>' for column, text in enumerate(row))
        for at, row in enumerate(rows)
    )
    data = "".join(f'<row r="{at}">{row}</row>' for at, row in enumerate(cells, start=1))
    of_package, of_book = (f"http://schemas.openxmlformats.org/{kind}" for kind in ("package/2006", "officeDocument/2006/relationships"))
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    link = f'<Relationships xmlns="{of_package}/relationships"><Relationship Id="r1" Type="{of_book}/%s" Target="%s"/></Relationships>'
    sheets = f'<sheets><sheet name="{sheet}" sheetId="1" r:id="r1"/></sheets>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{of_package}/content-types"/>',
        "_rels/.rels": link % ("officeDocument", _BOOK),
        _BOOK: f'<workbook {main} xmlns:r="{of_book}">{sheets}</workbook>',
        _links(_BOOK): link % ("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{data}</sheetData></worksheet>",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return packed.getvalue()


def _book_part(archive: zipfile.ZipFile, parts: dict[str, str]) -> str:
    """Which part is the workbook: the one that the package names, for not every program calls it workbook.xml."""
    if "_rels/.rels" in parts:
        for kind, target in _targets(archive, parts, "").values():
            part = target.lower()
            if kind.endswith(_BOOK_LINK) and part in parts and part.startswith("xl/") and part.endswith(".xml"):
                return part
    return _BOOK


def _floating_pictures(archive: zipfile.ZipFile, parts: dict[str, str], sheet: str) -> tuple[tuple[int, int], ...]:
    """Where pictures lie on a sheet, by their upper left corner. What cannot be read of a drawing is left alone: no value comes from it."""
    found: list[tuple[int, int]] = []
    try:
        if _links(sheet) not in parts:
            return ()
        for kind, target in _targets(archive, parts, sheet).values():
            if kind.endswith(_DRAWING_LINK) and target.lower() in parts:
                if archive.getinfo(parts[target.lower()]).file_size > _MAX_DRAWING:
                    continue
                for anchor in _tree(archive, parts, target.lower()):
                    places = [node for node in anchor if _local(node.tag) == "from"]
                    if places and any(_local(node.tag) == "pic" for node in anchor.iter()):
                        place = {_local(node.tag): int(node.text or 0) for node in places[0]}
                        found.append((place.get("row", 0), place.get("col", 0)))
    except (*_DAMAGED, DefusedXmlException):
        pass
    return tuple(found[:_MAX_PICTURES])


def _check_size(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > limits.MAX_ENTRIES:
        raise Unreadable("S10", f"文件内部有 {len(entries)} 个部件，超过 {limits.MAX_ENTRIES} 个")
    inflated, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if inflated > limits.MAX_INFLATED:
        raise Unreadable("S10", f"文件解压后有 {inflated / 2**20:.0f} MB，超过 {limits.MAX_INFLATED / 2**20:.0f} MB")
    if inflated > limits.RATIO_MATTERS_FROM and inflated > limits.MAX_RATIO * packed:
        raise Unreadable("S10", f"文件解压后是原来的 {inflated / max(1, packed):.0f} 倍，内容异常；请删去多余的行列和格式后另存为 .xlsx")


def _parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Names of the parts as the archive spells them, by their normal form. Two of one name: readers would disagree which one counts."""
    parts: dict[str, str] = {}
    for name in archive.namelist():
        normal = name.replace("\\", "/").lstrip("/").lower()
        if normal in parts:
            raise Unreadable("S01", f"文件内部有两个同名的部件（{normal[:80]}），不能安全地读取")
        parts[normal] = name
    return parts


def _whole(archive: zipfile.ZipFile, parts: dict[str, str], part: str) -> bytes:
    if archive.getinfo(parts[part]).file_size > limits.MAX_PART_READ_WHOLE:
        raise Unreadable("S10", "文件里的格式或链接过多，请把数据复制到新的工作簿后报送")
    return archive.read(parts[part])


def _tree(archive: zipfile.ZipFile, parts: dict[str, str], part: str) -> ElementTree.Element:
    return defused.fromstring(_whole(archive, parts, part), forbid_dtd=True)


def _links(part: str) -> str:
    """The part that says what a part (empty: the package) refers to."""
    folder, _, name = part.rpartition("/")
    return f"{folder}/_rels/{name}.rels".lstrip("/")


def _targets(archive: zipfile.ZipFile, parts: dict[str, str], part: str) -> dict[str, tuple[str, str]]:
    """Kind and part of everything that a part (empty: the package) refers to, by id."""
    found, folder = {}, part.rpartition("/")[0]
    for node in _tree(archive, parts, _links(part)):
        target = node.attrib["Target"].replace("\\", "/")
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        found[node.attrib["Id"]] = (node.attrib["Type"], path)
    return found


def _formats(archive: zipfile.ZipFile, parts: dict[str, str]) -> dict[str, str]:
    """The number formats of the cell styles (by their numbers) under which a number may show something else than is stored."""
    codes = {str(number): code for number, code in number_formats.BUILT_IN.items()}
    styles: dict[str, str] = {}
    number: int | None = None  # of the next style; None outside the list of cell styles

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal number
        match tag.rpartition(" ")[2]:
            case "numFmt" if number is None:
                codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            case "cellXfs":
                number = 0
            case "xf" if number is not None:
                code = codes.get(attributes.get("numFmtId", ""), "")
                if code and not (number_formats.is_ordinary(code) or number_formats.is_day(code)):
                    styles[str(number)] = code
                number += 1

    def end(tag: str) -> None:
        nonlocal number
        if tag.endswith(" cellXfs"):
            number = None

    if "xl/styles.xml" in parts:
        parser = _Parser(start, end)
        parser.feed(_whole(archive, parts, "xl/styles.xml"))
        parser.close()
    return styles


def _string_sizes(archive: zipfile.ZipFile, parts: dict[str, str]) -> array[int]:
    """Bytes of each shared text. Calamine alone reads them, and copies them into every cell; what would fill the memory is counted here."""
    sizes, total, end, tail = array("I"), 0, 0, b""
    for part in parts:
        if part.rpartition("/")[2] == "sharedstrings.xml":
            with archive.open(parts[part]) as stream:
                while chunk := stream.read(_CHUNK):
                    data, first = tail + chunk, total - len(tail)
                    total += len(chunk)
                    for match in _STRING_END.finditer(data):
                        if match.end() > len(tail):
                            sizes.append(first + match.end() - end)
                            end = first + match.end()
                    if total > limits.MAX_STRING_BYTES or len(sizes) > limits.MAX_STRINGS:
                        raise Unreadable("S10", _TOO_MUCH_TEXT)
                    if b"<!DOCTYPE" in data:
                        raise Unreadable("S01", _UNSAFE)
                    tail = data[-_LONGEST_END:]
    return sizes


class _Parser:
    """Expat, without document types, and without words that never end: looking for their end takes longer with every piece."""

    def __init__(self, start: Callable[[str, dict[str, str]], None], end: Callable[[str], None], text: Callable[[str], None] | None = None):
        self._expat, self._fed = xml.parsers.expat.ParserCreate(namespace_separator=" "), 0
        self._expat.buffer_text = True
        self._expat.StartElementHandler, self._expat.EndElementHandler, self._expat.CharacterDataHandler = start, end, text
        self._expat.StartDoctypeDeclHandler = _refuse_doctype

    def feed(self, data: bytes) -> None:
        """The next piece."""
        self._expat.Parse(data, False)
        self._fed += len(data)
        if self._fed - self._expat.CurrentByteIndex > limits.MAX_TOKEN:
            raise Unreadable("S01", _DAMAGED_TEXT)

    def close(self) -> None:
        """That was all: what is not whole is damaged."""
        self._expat.Parse(b"", True)


def _refuse_doctype(*_: object) -> None:
    raise Unreadable("S01", _UNSAFE)


class _SheetScan:
    """One pass over the XML of a sheet. Formatting alone (no value, no formula) does not count as content."""

    def __init__(self, sheet: str, formats: dict[str, str], string_sizes: array[int], book: BookMarks):
        self._sheet, self._formats, self._string_sizes = sheet, formats, string_sizes
        self._book, self._marks = book, SheetMarks()
        self._plain_cells = _plain_cells(formats)
        self._row = self._column = -1
        self._rows = self._columns = 0
        self._kind = self._text = self._formula = self._format = ""
        self._has_value = self._has_formula = self._in_value = self._in_formula = self._is_rich = False

    def read(self, stream: IO[bytes]) -> SheetMarks:
        """The marks of the sheet.

        Raises:
            Unreadable: S01 (unsafe), S10 (content beyond the limits).
        """
        parser = _Parser(self._start, self._end, self._characters)
        inflated, run, rest = 0, 0, b""
        while chunk := stream.read(_CHUNK):
            inflated, run = inflated + len(chunk), 0 if b"<" in chunk else run + len(chunk)
            if inflated > limits.MAX_INFLATED:
                raise Unreadable("S10", f"文件解压后超过 {limits.MAX_INFLATED / 2**20:.0f} MB", sheet=self._sheet)
            if run > limits.MAX_RUN_OF_TEXT:
                raise Unreadable("S01", _DAMAGED_TEXT, sheet=self._sheet)
            data = rest + chunk
            # A row that may go on is left for the next turn.
            end = data.rfind(b"<", 0, max(0, data.rfind(b'row r="'))) if len(data) < 4 * _CHUNK else -1
            data, rest = (data[:end], data[end:]) if end > 0 else (data, b"")
            if end <= 0 or any(sign in data for sign in _CONTENT_SIGNS):
                data = _BLANK_CELLS.sub(b"", data)
                self._book.filled_cells += data.count(b"</c>")
                if self._book.filled_cells > limits.MAX_FILLED_CELLS:
                    raise Unreadable("S10", f"有内容的单元格超过 {limits.MAX_FILLED_CELLS} 格，请分开报送", sheet=self._sheet)
                self._count_texts(data)
                parser.feed(_BLANK_ROWS.sub(b"", self._plain_cells.sub(b"", data) if self._plain_cells else data))
        parser.feed(rest)
        parser.close()
        return self._marks

    def _count_texts(self, data: bytes) -> None:
        sizes = self._string_sizes
        self._book.text_bytes += sum(sizes[index] for number in _SHARED_TEXT.findall(data) if (index := int(number)) < len(sizes))
        if self._book.text_bytes > limits.MAX_STRING_BYTES:
            raise Unreadable("S10", _TOO_MUCH_TEXT, sheet=self._sheet)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        if name == "c":
            if reference := attributes.get("r"):
                letters = reference.rstrip("0123456789")
                self._row, self._column = int(reference[len(letters) :] or 0) - 1, _column(letters)
            else:
                self._column += 1
            self._kind, self._text, self._formula = attributes.get("t", "n"), "", ""
            self._has_value = self._has_formula = False
            self._format, self._is_rich = self._formats.get(attributes.get("s", ""), ""), "vm" in attributes
        elif name == "row":
            self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
            self._column = -1
            if attributes.get("hidden") in {"1", "true"}:
                self._marks.hidden_rows.add(self._row)
        elif name == "f":
            self._has_formula = self._in_formula = True
        elif name in {"v", "is"}:
            self._has_value, self._in_value = True, name == "v"

    def _characters(self, text: str) -> None:
        if self._in_value and len(self._text) < _LONGEST_ERROR:  # whether there is text, and which error, is all that is asked
            self._text += text[:_LONGEST_ERROR]
        elif self._in_formula and len(self._formula) < _LONGEST_ERROR:
            self._formula += text[:_LONGEST_ERROR]

    def _end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        if name == "v":
            self._in_value = False
        elif name == "f":
            self._in_formula = False
        elif name == "c" and (self._has_value or self._has_formula):
            self._close_cell()

    def _close_cell(self) -> None:
        row, column, marks = self._row, self._column, self._marks
        self._book.filled_rows += row >= self._rows
        self._rows, self._columns = max(self._rows, row + 1), max(self._columns, column + 1)
        if row >= limits.MAX_ROWS or self._rows * self._columns > limits.MAX_CELLS:
            reason = f"单元格 {address(row, column)} 超出了可读的范围，请删去表格边缘多余的内容后保存"
            raise Unreadable("S10", reason, cell=address(row, column), sheet=self._sheet)
        if self._book.filled_rows > limits.MAX_FILLED_ROWS:
            raise Unreadable("S10", f"有内容的行超过 {limits.MAX_FILLED_ROWS} 行，请分开报送", sheet=self._sheet)
        if column >= limits.MAX_COLUMNS:
            marks.too_wide = marks.too_wide or address(row, column)
            return
        if self._is_picture():
            marks.pictures.add((row, column))
        elif self._kind == "e":
            marks.faults[row, column] = self._text or "#ERROR"
        elif self._has_formula and not self._text and self._kind != "str":
            marks.faults[row, column] = ""
        elif self._format and self._kind != "b":
            marks.formats[row, column] = self._format
        if len(marks.faults) + len(marks.formats) + len(marks.pictures) > limits.MAX_MARKS:
            reason = "公式错误或用了特殊数字格式的单元格过多，请只保留数值、改为常规格式，分开报送"
            raise Unreadable("S10", reason, sheet=self._sheet)

    def _is_picture(self) -> bool:
        """True for a picture in the cell: of WPS, by its formula; of Excel, which gives older programs an error to show in its place."""
        if self._has_formula and is_picture_formula(self._formula):
            return True
        return self._kind == "e" and self._is_rich and self._book.rich_values_are_pictures


def _plain_cells(formats: dict[str, str]) -> re.Pattern[bytes] | None:
    """Cells with a value of which there is nothing to tell, but for the last of each row: it says how wide the row is.

    They are cut out before parsing, which takes a fifth of the time.
    """
    if len(formats) > 64:
        return None
    told = "|".join(formats).encode()
    return re.compile(
        rb'<c r="[A-Z]{1,2}[0-9]{1,7}"(?: s="(?!(?:' + told + rb')")[0-9]+")?(?: t="(?:s|n|b|inlineStr)")?>'
        rb'(?:<v>[^<]+</v>|<is><t(?: xml:space="preserve")?>[^<]*</t></is>)</c>(?=<c r=")'
    )


@lru_cache(maxsize=1024)
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        if not letter.isalpha():
            break
        number = number * 26 + ord(letter.upper()) - ord("A") + 1
    return number - 1


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _flag(node: ElementTree.Element, name: str) -> bool:
    return node.attrib.get(name) in {"1", "true"}
