"""What a workbook's XML says and the cell reader does not: formula errors, uncalculated formulas, percent formats, hidden rows, far cells.

One streaming pass over each sheet with expat, before anything else opens the file, so that a cell at XFD1048576 or an inflating archive is
refused by counting and not by running out of memory. Runs inside the sandbox.
"""

from __future__ import annotations

import posixpath
import re
import xml.parsers.expat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

from duban.intake.cells import Unreadable, address

MAX_COLUMNS = 256
MAX_ROWS = 1_048_576
MAX_CELLS = 20_000_000
MAX_INFLATED = 1 << 30
MAX_ENTRIES = 10_000
_CHUNK = 1 << 20
_PERCENT_FORMATS = {9, 10}  # the two built into the file format; others carry a % in their code
_WORKSHEET = "/worksheet"


@dataclass
class SheetMarks:
    """Marks of one sheet; cells are 0-based (row, column).

    `faults` maps a cell to its error text, which is empty for a formula that was never calculated.
    """

    faults: dict[tuple[int, int], str] = field(default_factory=dict)
    percents: set[tuple[int, int]] = field(default_factory=set)
    hidden_rows: set[int] = field(default_factory=set)


def scan(path: str) -> tuple[dict[str, SheetMarks], bool]:
    """Marks per sheet name, and whether the workbook counts days from 1904.

    Raises:
        Unreadable: not a workbook (S01), or over the limits (S10).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive)
            names = {name.replace("\\", "/").lstrip("/").lower(): name for name in archive.namelist()}
            book = _find(names, "xl/workbook.xml")
            root = _tree(archive, book)
            uses_1904 = any(_flag(node, "date1904") for node in root.iter() if _local(node.tag) == "workbookPr")
            percent_styles = _percent_styles(archive, names)
            targets = _targets(archive, names)
            marks = {}
            for node in root.iter():
                if _local(node.tag) != "sheet":
                    continue
                relation = next((value for key, value in node.attrib.items() if _local(key) == "id"), None)
                kind, target = targets.get(relation, ("", ""))
                if kind.endswith(_WORKSHEET):
                    with archive.open(_find(names, target)) as stream:
                        marks[node.attrib["name"]] = _scan_sheet(stream, node.attrib["name"], percent_styles)
            return marks, uses_1904
    except (zipfile.BadZipFile, ElementTree.ParseError, xml.parsers.expat.ExpatError, KeyError, EOFError, OSError, ValueError) as error:
        raise Unreadable("S01", "文件已损坏，或不是表格文件") from error
    except (NotImplementedError, RuntimeError) as error:  # a compression or encryption the zip library does not know
        raise Unreadable("S01", "文件有密码，或压缩方式不支持") from error


def _check_size(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise Unreadable("S10", f"文件内部有 {len(entries)} 个部件，超过 {MAX_ENTRIES} 个")
    inflated = sum(entry.file_size for entry in entries)
    if inflated > MAX_INFLATED:
        raise Unreadable("S10", f"文件解压后有 {inflated / 2**20:.0f} MB，超过 1024 MB")


def _find(names: dict[str, str], wanted: str) -> str:
    return names[wanted.lower()]


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    data = archive.read(name)
    if b"<!DOCTYPE" in data[:4096] or b"<!ENTITY" in data:
        raise Unreadable("S01", "文件里有不安全的 XML 声明")
    return data


def _tree(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(_read(archive, name))


def _targets(archive: zipfile.ZipFile, names: dict[str, str]) -> dict[str, tuple[str, str]]:
    found = {}
    for node in _tree(archive, _find(names, "xl/_rels/workbook.xml.rels")):
        target = node.attrib["Target"].replace("\\", "/")
        path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
        found[node.attrib["Id"]] = (node.attrib["Type"], path)
    return found


def _percent_styles(archive: zipfile.ZipFile, names: dict[str, str]) -> set[int]:
    if "xl/styles.xml" not in names:
        return set()
    root = _tree(archive, names["xl/styles.xml"])
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
        raise Unreadable("S01", "文件里有不安全的 XML 声明")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    parser.StartDoctypeDeclHandler = doctype
    inflated = 0
    while chunk := stream.read(_CHUNK):
        inflated += len(chunk)
        if inflated > MAX_INFLATED:
            raise Unreadable("S10", "文件解压后超过 1024 MB", sheet=sheet)
        parser.Parse(chunk, False)
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
