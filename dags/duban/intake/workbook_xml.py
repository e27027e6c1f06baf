"""What a workbook's XML says and the cell reader does not: formula errors, uncalculated formulas, percent formats, hidden rows, far cells.

One streaming pass over each sheet with expat, before anything else opens the file, so that a cell at XFD1048576 or an inflating archive is
refused by counting and not by running out of memory. Runs inside the sandbox.
"""

from __future__ import annotations

import posixpath
import re
import xml.parsers.expat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

import defusedxml.ElementTree as defused
from defusedxml import DefusedXmlException

from duban.intake.cells import Unreadable, address
from duban.intake.limits import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ENTRIES,
    MAX_INFLATED,
    MAX_PART_READ_WHOLE,
    MAX_RATIO,
    MAX_ROWS,
    RATIO_MATTERS_FROM,
)

# What the libraries raise on an archive or XML that is not whole.
_DAMAGED = (
    zipfile.BadZipFile,
    ElementTree.ParseError,
    xml.parsers.expat.ExpatError,
    KeyError,
    EOFError,
    OSError,
    ValueError,
    zlib.error,
)
_UNSAFE = "文件里有不安全的 XML 声明"

_CHUNK = 1 << 20
_PERCENT_FORMATS = {9, 10}  # the two built into the file format; others carry a % in their code
_WORKSHEET, _MACRO_SHEET = "/worksheet", "/xlmacrosheet"
# Cells and rows that carry formatting alone: cut out before parsing, a million of them would take half a minute.
_BLANK_CELLS = re.compile(rb'<c r="[A-Z]{1,3}[0-9]{1,7}"(?: s="[0-9]+")?(?: t="n")? ?(?:/>|></c>)')
_BLANK_ROWS = re.compile(rb'<row r="[0-9]+"(?: [A-Za-z0-9:]+="[^"<>]*")* ?(?:/>|></row>)')
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

    `faults` maps a cell to its error text, which is empty for a formula that was never calculated.
    """

    faults: dict[tuple[int, int], str] = field(default_factory=dict)
    percents: set[tuple[int, int]] = field(default_factory=set)
    hidden_rows: set[int] = field(default_factory=set)


@dataclass
class BookMarks:
    """Marks of a workbook: those of its sheets by name, the date system, whether it refers to other files."""

    sheets: dict[str, SheetMarks] = field(default_factory=dict)
    uses_1904: bool = False
    has_external_links: bool = False


def scan(path: str) -> BookMarks:
    """What the XML of a workbook says.

    Raises:
        Unreadable: not a workbook, or one with parts that act (S01), or over the limits (S10).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive)
            return _scan(archive, _parts(archive))
    except DefusedXmlException as error:
        raise Unreadable("S01", _UNSAFE) from error
    except (
        zipfile.BadZipFile,
        ElementTree.ParseError,
        xml.parsers.expat.ExpatError,
        KeyError,
        EOFError,
        OSError,
        ValueError,
        zlib.error,
    ) as error:
        raise Unreadable("S01", "文件已损坏，或不是表格文件") from error
    except (NotImplementedError, RuntimeError) as error:  # a compression or encryption the zip library does not know
        raise Unreadable("S01", "文件有密码，或压缩方式不支持") from error


def _scan(archive: zipfile.ZipFile, parts: dict[str, str]) -> BookMarks:
    if "xl/workbook.xml" not in parts:
        reason = next((reason for part, reason in _OTHER_ARCHIVES if part in parts), "这是压缩包，请解压后报送其中的表格文件")
        raise Unreadable("S01", reason)
    for folder, reason in _ACTIVE_PARTS.items():
        if any(part.startswith(folder) for part in parts):
            raise Unreadable("S01", reason)
    root = _tree(archive, parts, "xl/workbook.xml")
    marks = BookMarks(uses_1904=any(_flag(node, "date1904") for node in root.iter() if _local(node.tag) == "workbookPr"))
    for part in parts:
        if part.startswith("xl/externallinks/") and part.endswith(".xml"):
            kinds = {_local(node.tag) for node in _tree(archive, parts, part).iter()}
            for kind, reason in _DYNAMIC_LINKS.items():
                if kind in kinds:
                    raise Unreadable("S01", reason)
            marks.has_external_links = True
    percent_styles = _percent_styles(archive, parts)
    targets = _targets(archive, parts)
    for node in root.iter():
        if _local(node.tag) != "sheet":
            continue
        relation = next((value for key, value in node.attrib.items() if _local(key) == "id"), None)
        kind, target = targets.get(relation, ("", ""))
        if kind.lower().endswith(_MACRO_SHEET):
            raise Unreadable("S01", _ACTIVE_PARTS["xl/macrosheets/"])
        if kind.endswith(_WORKSHEET):
            with archive.open(parts[target.lower()]) as stream:
                marks.sheets[node.attrib["name"]] = _scan_sheet(stream, node.attrib["name"], percent_styles)
    return marks


def _check_size(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise Unreadable("S10", f"文件内部有 {len(entries)} 个部件，超过 {MAX_ENTRIES} 个")
    inflated, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    if inflated > MAX_INFLATED:
        raise Unreadable("S10", f"文件解压后有 {inflated / 2**20:.0f} MB，超过 {MAX_INFLATED / 2**20:.0f} MB")
    if inflated > RATIO_MATTERS_FROM and inflated > MAX_RATIO * packed:
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


def _tree(archive: zipfile.ZipFile, parts: dict[str, str], part: str) -> ElementTree.Element:
    if archive.getinfo(parts[part]).file_size > MAX_PART_READ_WHOLE:
        raise Unreadable("S10", "文件里的格式或链接过多，请把数据复制到新的工作簿后报送")
    return defused.fromstring(archive.read(parts[part]), forbid_dtd=True)


def _targets(archive: zipfile.ZipFile, parts: dict[str, str]) -> dict[str, tuple[str, str]]:
    found = {}
    for node in _tree(archive, parts, "xl/_rels/workbook.xml.rels"):
        target = node.attrib["Target"].replace("\\", "/")
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
        found[node.attrib["Id"]] = (node.attrib["Type"], path)
    return found


def _percent_styles(archive: zipfile.ZipFile, parts: dict[str, str]) -> set[int]:
    if "xl/styles.xml" not in parts:
        return set()
    root = _tree(archive, parts, "xl/styles.xml")
    formats = set(_PERCENT_FORMATS)
    styles = set()
    for node in root.iter():
        if _local(node.tag) == "numFmt" and "%" in re.sub(r'"[^"]*"|\\.', "", node.attrib.get("formatCode", "")):
            formats.add(int(node.attrib["numFmtId"]))
        elif _local(node.tag) == "cellXfs":
            styles = {number for number, style in enumerate(node) if int(style.attrib.get("numFmtId", 0)) in formats}
    return styles


def _scan_sheet(stream: Iterator[bytes], sheet: str, percent_styles: set[int]) -> SheetMarks:
    marks = SheetMarks()
    parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    state = {"row": -1, "column": -1, "type": "", "formula": False, "value": False, "text": "", "in_value": False, "percent": False}
    last = [0, 0]

    def start(tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        if name == "c":
            reference = attributes.get("r")
            state["column"] = _column(reference) if reference else state["column"] + 1
            state.update(type=attributes.get("t", "n"), formula=False, value=False, text="")
            state["percent"] = int(attributes.get("s", 0)) in percent_styles
        elif name == "row":
            state["row"] = int(attributes["r"]) - 1 if "r" in attributes else state["row"] + 1
            state["column"] = -1
            if attributes.get("hidden") in {"1", "true"}:
                marks.hidden_rows.add(state["row"])
        elif name == "f":
            state["formula"] = True
        elif name in {"v", "is"}:
            state["value"], state["in_value"] = True, name == "v"

    def characters(text: str) -> None:
        if state["in_value"]:
            state["text"] += text

    def end(tag: str) -> None:
        name = tag.rpartition(" ")[2]
        if name == "v":
            state["in_value"] = False
        elif name == "c":
            _close_cell(marks, state, last, sheet)

    def doctype(*_: object) -> None:
        raise Unreadable("S01", _UNSAFE)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    parser.StartDoctypeDeclHandler = doctype
    inflated, rest = 0, b""
    while chunk := stream.read(_CHUNK):
        inflated += len(chunk)
        if inflated > MAX_INFLATED:
            raise Unreadable("S10", f"文件解压后超过 {MAX_INFLATED / 2**20:.0f} MB", sheet=sheet)
        data = rest + chunk
        end = data.rfind(b"<row ") if len(data) < 4 * _CHUNK else -1  # a row that may go on is left for the next turn
        data, rest = (data[:end], data[end:]) if end > 0 else (data, b"")
        parser.Parse(_BLANK_ROWS.sub(b"", _BLANK_CELLS.sub(b"", data)), False)
    parser.Parse(rest, False)
    parser.Parse(b"", True)
    return marks


def _close_cell(marks: SheetMarks, state: dict, last: list[int], sheet: str) -> None:
    """Judge the cell that just ended. Formatting alone (no value, no formula) does not count as content."""
    if not (state["value"] or state["formula"]):
        return
    row, column = state["row"], state["column"]
    last[0], last[1] = max(last[0], row + 1), max(last[1], column + 1)
    if column >= MAX_COLUMNS or row >= MAX_ROWS or last[0] * last[1] > MAX_CELLS:
        reason = f"单元格 {address(row, column)} 超出了可读的范围，请删去表格边缘多余的内容后保存"
        raise Unreadable("S10", reason, cell=address(row, column), sheet=sheet)
    if state["type"] == "e":
        marks.faults[row, column] = state["text"] or "#ERROR"
    elif state["formula"] and not state["text"] and state["type"] != "str":
        marks.faults[row, column] = ""
    elif state["percent"]:
        marks.percents.add((row, column))


def _column(reference: str) -> int:
    number = 0
    for letter in reference:
        if not letter.isalpha():
            break
        number = number * 26 + ord(letter.upper()) - ord("A") + 1
    return number - 1


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _flag(node: ElementTree.Element, name: str) -> bool:
    return node.attrib.get(name) in {"1", "true"}
