"""Reads documents back, with other means than they were written with: which figures they print, by code, in order."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
NAMES = {"w": W[1:-1]}
_ESCAPED = re.compile("_x([0-9A-F]{4})_")  # how a workbook notes characters; openpyxl leaves that to its caller


@dataclass(frozen=True)
class Printed:
    """A figure as a document prints it."""

    code: str
    text: str


def part(document: bytes, name: str) -> etree._Element:
    """A part of a .docx or .xlsx file."""
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        return etree.fromstring(archive.read(name))


def docx_figures(document: bytes) -> list[Printed]:
    """What stands inside each bookmark of a .docx file, by the code that the document's variables give."""
    variables = part(document, "word/settings.xml").iter(f"{W}docVar")
    codes = {variable.get(f"{W}name"): variable.get(f"{W}val") for variable in variables}
    open_figures: dict[str, list[str]] = {}
    found, names = [], {}
    for element in part(document, "word/document.xml").iter(f"{W}bookmarkStart", f"{W}bookmarkEnd", f"{W}t"):
        number = element.get(f"{W}id")
        if element.tag == f"{W}bookmarkStart":
            open_figures[number], names[number] = [], element.get(f"{W}name")
        elif element.tag == f"{W}bookmarkEnd":
            found.append(Printed(codes.pop(names[number]), "".join(open_figures.pop(number))))
        else:
            for texts in open_figures.values():
                texts.append(element.text or "")
    assert not open_figures and not codes
    return found


class _DataElements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[str]] = []
        self.is_open = False

    def handle_starttag(self, tag, attrs):
        if tag == "data":
            self.found.append([dict(attrs)["data-figure"], ""])
            self.is_open = True

    def handle_endtag(self, tag):
        self.is_open = self.is_open and tag != "data"

    def handle_data(self, data):
        if self.is_open:
            self.found[-1][1] += data


def html_figures(page: str) -> list[Printed]:
    """The `data` elements of a page or fragment."""
    reader = _DataElements()
    reader.feed(page)
    return [Printed(*entry) for entry in reader.found]


def xlsx_figures(workbook: bytes) -> list[Printed]:
    """Every figure of the index, read in the cell that the index names: a number as its format shows it, or found in the text there."""
    book = openpyxl.load_workbook(io.BytesIO(workbook))
    if "数字索引" not in book.sheetnames:
        return []
    found = []
    for code, sheet, place, text, _, _ in rows(book["数字索引"]):
        code, cell = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), code), book[sheet][place]
        if isinstance(cell.value, str):
            assert text in cell.value, (code, cell.value)
            found.append(Printed(code, text))
        else:
            found.append(Printed(code, shown(cell)))
    return found


def rows(sheet) -> list[tuple]:
    """The rows below the header that a sheet is filtered by."""
    header = sheet[sheet.auto_filter.ref][0][0].row
    return list(sheet.iter_rows(min_row=header + 1, values_only=True))


def shown(cell) -> str:
    """A number or date as a spreadsheet shows it in the formats used here."""
    value, shape = cell.value, cell.number_format
    if isinstance(value, (date, datetime)):
        patterns = {"yyyy-mm-dd": f"{value:%Y-%m-%d}", 'm"月"d"日"': f"{value.month}月{value.day}日"}
        return patterns.get(shape, f"{value.year}年{value.month}月{value.day}日")
    positive, _, negative = shape.partition(";")
    pattern = negative if negative and value < 0 else positive
    number = Decimal(str(abs(value)) if negative else str(value))
    digits = pattern.replace('"%"', "").partition(".")[2]
    rounded = number.quantize(Decimal(1).scaleb(-len(digits)), ROUND_HALF_UP)
    return f"{rounded:{',' if ',' in pattern else ''}f}{'%' if '%' in pattern else ''}"


# ── printed pages ────────────────────────────────────────────────────────────────────────────────────────────────────

MM = 72 / 25.4
#: The type area of GB/T 9704-2012 on A4, in millimetres from the left upper corner.
LEFT, RIGHT, TOP, BOTTOM = 28, 210 - 26, 37, 297 - 35


@dataclass(frozen=True)
class Word:
    """A word on a page; millimetres from its left upper corner."""

    text: str
    left: float
    right: float
    middle: float


@dataclass(frozen=True)
class Page:
    """A printed page."""

    width: float
    height: float
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words)

    @property
    def body(self) -> tuple[Word, ...]:
        """What stands between the head of the page and its number."""
        return tuple(word for word in self.words if 30 < word.middle < BOTTOM + 2)

    @property
    def number(self) -> tuple[Word, ...]:
        return tuple(word for word in self.words if word.middle >= BOTTOM + 2)


def pages(pdf: Path) -> list[Page]:
    """The words of a file by page."""
    listed = subprocess.run(["pdftotext", "-bbox", str(pdf), "-"], capture_output=True, check=True).stdout
    tree = etree.fromstring(listed, etree.XMLParser(recover=True))
    found = []
    for page in tree.iter("{*}page"):
        words = [
            Word(
                word.text or "",
                float(word.get("xMin")) / MM,
                float(word.get("xMax")) / MM,
                (float(word.get("yMin")) + float(word.get("yMax"))) / 2 / MM,
            )
            for word in page.iter("{*}word")
        ]
        found.append(Page(float(page.get("width")) / MM, float(page.get("height")) / MM, tuple(words)))
    return found
